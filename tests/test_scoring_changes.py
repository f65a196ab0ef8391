"""What one edit of the registry changes: in the scoring SQL, the schema, the migrations, and the scores of rows."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from fqtool.commands.generate_schema.run import generated_schema
from fqtool.commands.migrate.plan import Planned, plan_migration
from fqtool.registry.load import read_registry
from fqtool.registry.model import Registry
from fqtool.scoring.scoring import Scoring
from fqtool.table.change_views import PutView
from fqtool.table.changes import AddColumn
from fqtool.table.schema_json import read_schema
from fqtool.workspace import open_workspace
from tests.bed.running import ROOT
from tests.design import CATEGORIES
from tests.plain_facts import LABELS, UNKNOWN
from tests.plain_scorer import labels_of
from tests.scored_rows import Row, Scores, of_every_kind, scored_in
from tests.test_scoring_reference import REGISTRY

TEXT = (ROOT / "feature_registry.yaml").read_text(encoding="utf-8")
WEIGHT = 77
FROM_QUALITY = {
    *(f"feature_{n}_quality" for n in range(37)), *(f"{name}_quality_pct" for name in CATEGORIES),
    "feature_quality_score", "quality_tier", "matchup_quality_tier", "game_context_quality_tier",
    "quality_alert_level", "quality_alerts", "is_training_ready", "training_quality_feature_count",
    "critical_features_training_quality", "critical_feature_count", "matchup_data_status",
}  # fmt: skip
TIERED = {
    "quality_tier": "feature_quality_score",
    "matchup_quality_tier": "matchup_quality_pct",
    "game_context_quality_tier": "game_context_quality_pct",
}


@functools.cache
def stored() -> list[Row]:
    """Rows of every kind."""
    return of_every_kind(300)


@functools.cache
def before() -> Scores:
    """Their scores by the registry as it is."""
    with tempfile.TemporaryDirectory() as folder:
        return scored_in(Path(folder), stored())


def edited(folder: Path, pattern: str, replacement: str) -> Registry:
    """The registry with one place of its text changed."""
    text, count = re.subn(pattern, replacement, TEXT, flags=re.MULTILINE)
    assert count == 1
    (folder / "feature_registry.yaml").write_text(text, encoding="utf-8")
    return read_registry(folder / "feature_registry.yaml")


def weighed(folder: Path, label: str) -> Registry:
    """The registry with the weight of one label changed."""
    return edited(folder, rf"^(  {label}: +{{weight: )\d+", rf"\g<1>{WEIGHT}")


def changed_lines(registry: Registry) -> list[tuple[str, str]]:
    """The lines of the scoring SQL that differ, old and new; there are as many lines as before."""
    old, new = (Scoring(one).select("store").splitlines() for one in (REGISTRY, registry))
    return [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]


def planned(folder: Path) -> Planned:
    """What `fqtool migrate plan` would write for the edited registry, on top of the migrations that are there."""
    return plan_migration(
        open_workspace(folder / "feature_registry.yaml", ROOT / "migrations"), None, today=date(2026, 3, 1)
    )


def changed_scores(folder: Path, registry: Registry) -> Iterator[tuple[Row, set[str]]]:
    """Each row, with the columns whose scores the edit changed."""
    after = scored_in(folder, stored(), registry)
    for row in stored():
        old, new = before()[row["player_lookup"]], after[row["player_lookup"]]
        # By what is printed of it NaN equals NaN.
        yield row, {name for name, value in old.items() if repr(new[name]) != repr(value)}


def features_labelled(row: Row, label: str) -> set[int]:
    """The features that carry a label; one that the map leaves out counts as `default`."""
    labels = labels_of(row["feature_sources"])
    return set() if labels is None else {n for n in range(37) if labels.get(str(n), "default") == label}


@pytest.mark.parametrize("label", LABELS)
def test_a_weight_changes_the_lines_of_its_label_and_no_schema(tmp_path: Path, label: str) -> None:
    """In the SQL only lines change that then give the label its new weight, one a feature; no schema, no migration."""
    registry = weighed(tmp_path, label)
    lines = changed_lines(registry)
    assert len(lines) == 37
    assert all(f"'{label}'" in new and re.search(rf"\b{WEIGHT}\b", new) for _, new in lines)
    assert generated_schema(registry, full=True) == generated_schema(REGISTRY, full=True)
    assert planned(tmp_path).new == ()


@pytest.mark.parametrize("label", ["vegas", "default", "missing"])
def test_a_weight_changes_the_rows_that_carry_its_label(tmp_path: Path, label: str) -> None:
    """The quality of each feature so labelled changes, and what is derived from quality; no other row or column."""
    seen = 0
    for row, changed in changed_scores(tmp_path, weighed(tmp_path, label)):
        carried = features_labelled(row, label)
        assert changed <= FROM_QUALITY
        assert {name for name in changed if re.fullmatch(r"feature_\d+_quality", name)} == {
            f"feature_{n}_quality" for n in carried
        }
        assert bool(changed) == bool(carried)
        seen += bool(carried)
    assert 10 < seen < len(stored())


def test_the_bound_of_a_tier_changes_the_rows_in_between(tmp_path: Path) -> None:
    """Rows with a value between the old and the new bound change their tier and training gate, and nothing else."""
    registry = edited(tmp_path, r"(name: silver, min: )85\b", r"\g<1>90")
    lines = changed_lines(registry)
    assert [re.findall(r"`(\w+)`$|`(\w+)`,$", new)[0][1] for _, new in lines] == [*TIERED]
    assert all(old.replace(">= 85 THEN 'silver'", ">= 90 THEN 'silver'") == new for old, new in lines)
    assert generated_schema(registry, full=True) == generated_schema(REGISTRY, full=True)
    assert planned(tmp_path).new == ()
    seen = set()
    for row, changed in changed_scores(tmp_path, registry):
        old = before()[row["player_lookup"]]
        between = {tier for tier, value in TIERED.items() if old[value] is not None and 85 <= old[value] < 90}  # type: ignore[operator]
        assert changed - {"is_training_ready"} == between
        assert ("is_training_ready" in changed) == (old["is_training_ready"] is True and "quality_tier" in between)
        seen |= changed
    assert seen == {*TIERED, "is_training_ready"}


def test_a_feature_appended_adds_its_two_columns(tmp_path: Path) -> None:
    """One entry more: two columns in schema and migration, and scores change only where all features are counted.

    The features before it, and the categories that it is not in, keep every score.
    """
    entry = TEXT[TEXT.index("  - {index: 36,") : TEXT.index("\n\n", TEXT.index("  - {index: 36,"))]
    added = re.sub(r"index: 36, name: \w+", "index: 37, name: newcomer", entry)
    registry = edited(tmp_path, re.escape(entry), (entry + "\n" + added).replace("\\", r"\\"))
    category = registry.features[37].category
    columns = ["feature_37_quality", "feature_37_source"]

    old, new = (read_schema(generated_schema(one, full=True), "") for one in (REGISTRY, registry))
    assert [one.name for one in new if one.name not in {column.name for column in old}] == columns
    assert [one for one in new if one.name not in columns] == [*old]
    (made,) = planned(tmp_path).new
    told = [change for statement in made[1].statements for change in statement.changes]
    assert [one.column.name for one in told if isinstance(one, AddColumn)] == columns
    assert all(isinstance(one, AddColumn | PutView) for one in told)

    kept = {f"feature_{n}_{what}" for n in range(37) for what in ("quality", "source")}
    kept |= {f"{name}_{what}" for name in CATEGORIES if name != category for what in ("quality_pct", "default_count")}
    kept |= {"matchup_quality_tier", "game_context_quality_tier", "matchup_data_status", "critical_feature_count"}
    always = {"available_feature_names", "feature_expected_values_json", "feature_upstream_tables_json"}
    for row, changed in changed_scores(tmp_path, registry):
        assert always <= changed
        assert not kept & changed
        # Some rows held a label for a feature 37 already.
        labels = labels_of(row["feature_sources"])
        filled = labels is not None and LABELS.get(labels.get("37", "default"), UNKNOWN)[2]
        counts = {"default_feature_count", f"{category}_default_count", "feature_fallback_reasons_json"}
        assert counts & changed == (counts if filled else set())
