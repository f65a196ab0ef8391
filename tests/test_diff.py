"""Laws of fqtool diff: each difference is reported, none is made up, and each change has its own class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from fqtool.commands.diff.compare import Comparison
from fqtool.commands.diff.rules import check_breaks
from fqtool.commands.diff.run import diff_of
from fqtool.findings.catalog import every_rule
from fqtool.findings.finding import Finding, Location, Severity
from fqtool.registry.alerts_and_models import Alert, AlertLevel, Model, Pricing, Threshold, ViewColumn, ViewSpec
from fqtool.registry.load import load_registry
from fqtool.registry.model import (
    BaseColumn,
    Category,
    ColumnSpec,
    Deprecation,
    Feature,
    Owner,
    Processor,
    Registry,
    Source,
    Tier,
)
from tests.bed.running import ROOT
from tests.stores import VIEW, small_registry, with_column

Change = Callable[[Registry], Registry]
SINCE = Deprecation(date(2026, 1, 1), date(2026, 6, 1), "something")
DROPPED = replace(SINCE, dropped=True)


def base() -> Registry:
    """A small store with one entry of everything."""
    return small_registry(
        3,
        alerts=(Alert("bad", "score < 50", "red"),),
        alert_levels=(AlertLevel("red", ("score < 50",)), AlertLevel("low", ("score < 60",)), AlertLevel("green")),
        models=(Model("m", ("f0", "f1"), family="a"),),
        thresholds=(Threshold("mean", "AVG(score)", 80, 70),),
        processors=(Processor("P", "t"),),
        pricing=Pricing(date(2026, 1, 1)),
        targets=(("default", "duckdb:///a"),),
    )


def features(*kept: int, **named: Any) -> Change:
    """Keep these features; `f1={...}` changes one."""

    def changed(r: Registry) -> Registry:
        made = (replace(one, **named.get(one.name, {})) for one in r.features if one.index in kept)
        return replace(r, features=tuple(sorted(made, key=lambda one: one.index)))

    return changed


def entry(part: str, at: int = 0, **changes: Any) -> Change:
    """Change one entry of a section."""

    def changed(r: Registry) -> Registry:
        entries = getattr(r, part)
        return replace(r, **{part: (*entries[:at], replace(entries[at], **changes), *entries[at + 1 :])})

    return changed


def without(part: str, at: int = 0) -> Change:
    """Take one entry of a section away."""
    return lambda r: replace(r, **{part: (*getattr(r, part)[:at], *getattr(r, part)[at + 1 :])})


def more(part: str, one: Any) -> Change:
    """Append an entry to a section."""
    return lambda r: replace(r, **{part: (*getattr(r, part), one)})


def reordered(part: str) -> Change:
    """Let the first two entries of a section change places."""

    def changed(r: Registry) -> Registry:
        first, second, *rest = getattr(r, part)
        return replace(r, **{part: (second, first, *rest)})

    return changed


def table(**changes: Any) -> Change:
    """Change the table's own entry."""
    return lambda r: replace(r, table=replace(r.table, **changes))


def column(name: str, /, **changes: Any) -> Change:
    """Change a managed column."""
    return lambda r: with_column(r, name, **changes)


def both(*changes: Change) -> Change:
    """Make one change after another."""

    def changed(r: Registry) -> Registry:
        for one in changes:
            r = one(r)
        return r

    return changed


def view_of(*columns: ViewColumn, **changes: Any) -> Change:
    """Change the view."""
    return lambda r: replace(r, views=(replace(VIEW, columns=columns or VIEW.columns, **changes),))


def same(r: Registry) -> Registry:
    """Change nothing."""
    return r


ALL = (0, 1, 2)
CASES: list[tuple[str, Change, Change, set[str]]] = [
    ("nothing", same, same, set()),
    ("feature deleted", same, features(0, 1), {"FQ801", "FQ805", "FQ844"}),
    ("features swapped", same, features(*ALL, f0={"index": 1}, f1={"index": 0}), {"FQ802", "FQ842", "FQ844"}),
    (
        "feature renumbered",
        same,
        features(*ALL, f2={"index": 7}),
        {"FQ802", "FQ805", "FQ841", "FQ844"},
    ),
    ("index reused", same, features(*ALL, f2={"name": "new", "expected": 1.0}), {"FQ803", "FQ842", "FQ844"}),
    ("renamed silently", same, features(*ALL, f2={"name": "new"}), {"FQ804", "FQ842", "FQ844"}),
    (
        "renamed with word",
        same,
        features(*ALL, f2={"name": "new", "renamed_from": "f2"}),
        {"FQ820", "FQ842", "FQ844"},
    ),
    (
        "a model follows a rename",
        same,
        both(features(*ALL, f1={"name": "new", "renamed_from": "f1"}), entry("models", needs=("f0", "new"))),
        {"FQ820", "FQ842", "FQ844"},
    ),
    ("retired", same, features(*ALL, f2={"retired": True}), {"FQ821", "FQ844"}),
    ("revived", features(*ALL, f2={"retired": True}), same, {"FQ822", "FQ844"}),
    (
        "category moved",
        more("categories", Category("two")),
        both(more("categories", Category("two")), features(*ALL, f2={"category": "two"})),
        {"FQ823"},
    ),
    *(
        (f"feature {name}", same, features(*ALL, f2={name: value}), {"FQ824"})
        for name, value in {
            "critical": True, "optional": True, "processor": "P", "upstream_table": "t", "labels": ("bad",),
            "expected": 1.0, "range": (0.0, 1.0), "sample_size": "3", "fallback_reason": "gone",
        }.items()
    ),
    ("appended", same, more("features", Feature(3, "f3", "one")), {"FQ840", "FQ841", "FQ844"}),
    ("column gone", same, without("columns", 5), {"FQ805"}),
    ("column renamed without a word", same, column("defaults", name="stand_ins"), {"FQ805", "FQ841"}),
    ("column renamed", same, column("defaults", name="stand_ins", renamed_from="defaults"), {"FQ826"}),
    ("deprecated column dropped", column("labels", deprecated=SINCE), column("labels", deprecated=DROPPED), {"FQ827"}),
    ("deprecated entry deleted", column("labels", deprecated=SINCE), without("columns", 5), {"FQ827"}),
    ("deprecated", same, column("labels", deprecated=SINCE), {"FQ847"}),
    ("type narrowed", same, column("defaults", type="STRING"), {"FQ806"}),
    ("type widened", same, column("defaults", type="NUMERIC"), {"FQ828"}),
    ("default", same, column("defaults", default="0"), {"FQ828"}),
    ("made required", same, entry("base_columns", 3, required=True), {"FQ806"}),
    ("required no more", same, entry("base_columns", 0, required=False), {"FQ828"}),
    ("required column", same, more("base_columns", BaseColumn("x", "STRING", required=True)), {"FQ806"}),
    ("column added", same, more("columns", ColumnSpec("x", "INT64", "s", expr="1")), {"FQ841"}),
    (
        "field of a STRUCT added",
        entry("base_columns", 3, type="STRUCT<a INT64>"),
        entry("base_columns", 3, type="STRUCT<a INT64, b STRING>"),
        {"FQ841"},
    ),
    ("base column gone", same, without("base_columns", 3), {"FQ805"}),
    ("owner", same, column("labels", owner=Owner.SHARED, expr=None), {"FQ807"}),
    ("expr", same, column("defaults", expr="1"), {"FQ825"}),
    ("description", same, column("defaults", description="Other"), {"FQ842"}),
    ("section", same, column("defaults", section="other"), {"FQ842"}),
    ("columns reordered", same, reordered("columns"), {"FQ849"}),
    ("stored reorder", same, lambda r: replace(r, columns=(*r.columns[:3], *r.columns[:2:-1])), {"FQ843"}),
    (
        "stored reorder beside a new one",
        same,
        lambda r: replace(r, columns=(*r.columns[:3], ColumnSpec("x", "INT64", "s", expr="1"), *r.columns[:2:-1])),
        {"FQ841", "FQ843"},
    ),
    (
        "column renamed beside a new one",
        same,
        both(
            column("defaults", name="stand_ins", renamed_from="defaults"),
            lambda r: replace(r, columns=(ColumnSpec("x", "INT64", "s", expr="1"), *r.columns)),
        ),
        {"FQ826", "FQ841"},
    ),
    ("table name", same, table(name="other"), {"FQ808", "FQ844"}),
    ("keys", same, table(keys=("item",)), {"FQ808"}),
    ("partitions", same, table(partition_granularity="MONTH"), {"FQ808"}),
    ("clustering", same, table(cluster_by=("day",)), {"FQ829"}),
    ("filter", same, table(require_partition_filter=False), {"FQ829"}),
    ("expiration", same, table(partition_expiration_days=30.0), {"FQ829"}),
    ("table's words", same, table(description="Words"), {"FQ842"}),
    ("tier gone", same, without("tiers"), {"FQ809"}),
    ("category gone", more("categories", Category("two")), same, {"FQ809"}),
    ("alert gone", same, without("alerts"), {"FQ809"}),
    ("level gone", same, without("alert_levels"), {"FQ809"}),
    ("canonical", same, entry("sources", 0, canonical="fine"), {"FQ809"}),
    ("weight", same, entry("sources", 0, weight=90.0), {"FQ830"}),
    ("is_default", same, entry("sources", 0, is_default=True), {"FQ830"}),
    ("label gone", same, without("sources"), {"FQ830"}),
    ("label added", same, more("sources", Source("fair", 70, "good")), {"FQ845"}),
    ("unknown", same, lambda r: replace(r, unknown_source=replace(r.unknown_source, weight=0.0)), {"FQ830"}),
    ("tier bound", same, entry("tiers", 0, min=95.0), {"FQ831"}),
    ("tier added", same, more("tiers", Tier("fair", 60)), {"FQ831"}),
    ("alert", same, entry("alerts", when="score < 40"), {"FQ831"}),
    ("alert's level", same, entry("alerts", level="low"), {"FQ831"}),
    ("level", same, entry("alert_levels", 1, when=("score < 70",)), {"FQ831"}),
    ("levels' order", same, reordered("alert_levels"), {"FQ831"}),
    ("training", same, lambda r: replace(r, training_quality=80.0), {"FQ831"}),
    ("age", same, lambda r: replace(r, max_age_days=2), {"FQ835"}),
    ("inputs", same, lambda r: replace(r, inputs=replace(r.inputs, value="1.0")), {"FQ832"}),
    ("processor's run", same, entry("processors", expected=True), {"FQ832"}),
    ("processor gone", same, without("processors"), {"FQ832"}),
    ("model's inputs", same, entry("models", needs=("f1", "f0")), {"FQ810"}),
    ("model's other inputs", same, entry("models", external=("x",)), {"FQ810"}),
    ("model's family", same, entry("models", family="b"), {"FQ833"}),
    ("model gone", same, without("models"), {"FQ833"}),
    ("model added", same, more("models", Model("n", ("f0",))), {"FQ845"}),
    ("view gone", same, lambda r: replace(r, views=()), {"FQ811"}),
    ("view's column gone", same, view_of(VIEW.columns[0]), {"FQ811"}),
    ("view shows less", same, view_of(include=("item",)), {"FQ811"}),
    ("view's rows", same, view_of(rows_per=None), {"FQ811"}),
    ("view's column", same, view_of(VIEW.columns[0], replace(VIEW.columns[1], expr="1")), {"FQ834"}),
    ("view's filter", same, view_of(where="score > 0"), {"FQ834"}),
    ("view's words", same, view_of(description="Words"), {"FQ842"}),
    ("view's column added", same, view_of(*VIEW.columns, ViewColumn("x", "1")), {"FQ845"}),
    ("view shows more", same, view_of(include=("item", "day", "made_at")), {"FQ845"}),
    ("view added", same, more("views", ViewSpec("v", (ViewColumn("x", "1"),))), {"FQ845"}),
    ("threshold", same, entry("thresholds", good=90.0), {"FQ835"}),
    ("threshold gone", same, without("thresholds"), {"FQ835"}),
    ("target", same, lambda r: replace(r, targets=(("default", "duckdb:///b"),)), {"FQ836"}),
    ("target gone", same, lambda r: replace(r, targets=()), {"FQ836"}),
    (
        "targets' order",
        more("targets", ("b", "duckdb:///b")),
        both(more("targets", ("b", "duckdb:///b")), reordered("targets")),
        {"FQ849"},
    ),
    ("target added", same, more("targets", ("b", "duckdb:///b")), {"FQ845"}),
    ("price", same, lambda r: replace(r, pricing=Pricing(date(2026, 2, 2))), {"FQ849"}),
    ("level of a rule", same, lambda r: replace(r, drift=(("FQ303", None),)), {"FQ849"}),
]  # fmt: skip


def found(old: Registry, new: Registry) -> tuple[Finding, ...]:
    """The findings of the comparison."""
    return check_breaks(Comparison(old, new))


@pytest.mark.parametrize(("before", "after", "codes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_change_is_reported_by_its_rule(before: Change, after: Change, codes: set[str]) -> None:
    """Exactly these rules report it; each finding names what changed, and who is affected if anyone is."""
    told = found(before(base()), after(base()))
    assert {one.rule for one in told} == codes
    assert all(one.message.endswith(".") and one.location is not None for one in told)
    assert all(one.cause for one in told if one.rule != "FQ849")


VERSIONED = {"schema_versions": (("defaults", "1"),)}


def test_scoring_that_changes_needs_another_version() -> None:
    """With the same version it is reported, with a raised one not; words and prices need none."""
    old = replace(base(), **VERSIONED)
    heavier = entry("sources", 0, weight=90.0)(old)
    assert {one.rule for one in found(old, heavier)} == {"FQ830", "FQ837"}
    raised = column("defaults", expr="'2'")(replace(heavier, schema_versions=(("defaults", "2"),)))
    assert {one.rule for one in found(old, raised)} == {"FQ830", "FQ846"}
    assert {one.rule for one in found(old, column("tier", description="x")(old))} == {"FQ842"}


def test_every_rule_has_a_case() -> None:
    """No rule of a change is without a case here."""
    told = set().union(*(case[3] for case in CASES)) | {"FQ837", "FQ846", "FQ838"}
    assert told == {code for code in every_rule() if code.startswith("FQ8")}


def test_the_class_is_the_number() -> None:
    """FQ80x and FQ81x are breaking, FQ82x and FQ83x risky, FQ84x safe."""
    classes = {
        "0": Severity.ERROR,
        "1": Severity.ERROR,
        "2": Severity.WARNING,
        "3": Severity.WARNING,
        "4": Severity.NOTE,
    }
    ours = [one for code, one in every_rule().items() if code.startswith("FQ8")]
    assert {one.code for one in ours if one.severity is not classes[one.code[3]]} == set()


def test_positions_are_reported_with_their_reason() -> None:
    """A rename, a reorder and a reused index each report which models read by position, or which go by name."""
    for changed, rule, who in (
        (features(*ALL, f0={"index": 1}, f1={"index": 0}), "FQ802", "read by position"),
        (features(*ALL, f2={"name": "new", "expected": 1.0}), "FQ803", "read by position"),
        (features(*ALL, f2={"name": "new"}), "FQ804", "use the name"),
        (features(0, 1), "FQ801", "read by position"),
    ):
        first = found(base(), changed(base()))[0]
        assert (first.rule, first.severity) == (rule, Severity.ERROR)
        assert who in first.cause
        assert str(first.remedy)


def test_a_removed_entry_is_shown_at_its_old_place() -> None:
    """A removed entry points into the old file, all else into the new one."""
    text = (ROOT / "feature_registry.yaml").read_text()
    old, _ = load_registry(text, "old.yaml")
    cut = text.replace(
        "  - {name: mean_score, metric: AVG(feature_quality_score), good: 80, critical: 70, unit: quality}\n", ""
    )
    new, _ = load_registry(cut.replace("weight: 87", "weight: 80"), "new.yaml")
    assert old is not None
    assert new is not None
    places = {one.rule: str(one.location) for one in found(old, new)}
    line = text[: text.index("  - {name: mean_score")].count("\n") + 1
    assert places["FQ835"] == f"old.yaml:{line}:5"
    assert places["FQ830"].startswith("new.yaml:43:")


def test_levels_of_the_registry_and_of_the_command() -> None:
    """The registry's `drift` sets a rule's severity, the command's goes before, None leaves it out."""
    new = entry("sources", 0, weight=90.0)(base())
    graded = replace(new, drift=(("FQ830", Severity.ERROR),))
    told = {one.rule: one.severity for one in diff_of(base(), graded).findings}
    assert told["FQ830"] is Severity.ERROR
    told = {one.rule: one.severity for one in diff_of(base(), graded, levels={"FQ830": None}).findings}
    assert "FQ830" not in told


def test_moved_lines_are_not_a_difference() -> None:
    """Another file name, other places and other comments make no finding."""
    text = (ROOT / "feature_registry.yaml").read_text()
    old, _ = load_registry(text, "old.yaml")
    new, _ = load_registry(f"# a comment\n\n{text}", "elsewhere.yaml")
    assert old is not None
    assert new is not None
    assert old.features[0].at != new.features[0].at != Location("")
    assert found(old, new) == ()


def test_a_column_in_another_case_is_the_same_column() -> None:
    """BigQuery ignores the case of names: one note about the name, and no column that was removed or added."""
    (finding,) = found(base(), column("score", name="Score")(base()))
    assert finding.message == "name of Score of columns was score and is now Score."
