"""The rules about registries: each has an example that breaks it, and the real registry breaks none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fqtool.findings.catalog import every_rule
from fqtool.findings.finding import RULES, Finding, Severity
from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry, read_registry

ROOT = Path(__file__).parents[1]
MINIMAL = (ROOT / "tests/cases/registry/minimal.yaml").read_text(encoding="utf-8")
SCORES = MINIMAL[MINIMAL.index('  - {name: score, type: "NUMERIC(5,2)", section') : MINIMAL.index("  - {name: ready")]
SOURCE = MINIMAL[MINIMAL.index("  source: JSON_VALUE") : MINIMAL.index("  value: features")]

POINTS = "name: points, category: form, processor: Cache, labels: [real, default], expected: 10, range: [0, 70]}\n  - {"
POINTS += "index: 1, name: fatigue,"
POINTS_SWAPPED = POINTS.replace("points,", "points, renamed_from: fatigue,") + " renamed_from: points,"
GONE = 'deprecated: {since: "2026-02-06", remove_after: "2026-05-06", dropped: true}'

# rule, text of the minimal registry, what takes its place, words of the finding
BROKEN = [
    ("FQ101", "name: ready,", "name: Quality_VERSION,", "have the name"),
    ("FQ101", "name: labels, type", "name: Player, type", "have the name"),
    ("FQ101", "name: ready,", "name: feature_1_quality,", "have the name feature_1_quality"),
    ("FQ102", "name: ready,", "name: _Partition_ready,", "_PARTITION"),
    ("FQ103", '"feature_{index}_quality", type', '"€{index}_quality", type', "'€'"),
    ("FQ116", "name: ready,", 'name: "{category}_ready",', "{category}_ready"),
    ("FQ103", '"feature_{index}_quality", type', f'"{"{name}" * 50}", type', "350 characters"),
    ("FQ104", "name: ready,", "name: ready, renamed_from: SCORE,", "still exists"),
    ("FQ104", "name: fatigue,", "name: fatigue, renamed_from: points,", "still exists"),
    ("FQ104", "name: ready,", "name: ready, renamed_from: READY,", "is the same name"),
    ("FQ104", "name: fatigue,", "name: fatigue, renamed_from: fatigue,", "is the same name"),
    ("FQ104", POINTS, POINTS_SWAPPED, "points and fatigue are each renamed from the other"),
    ("FQ105", "- {name: bad, min: 0}", "- {name: Good, min: 0}", "have the name Good"),
    ("FQ106", "name: v_unpivot", "name: STORE", "STORE"),
    ("FQ107", "name: quality, expr", "name: Player, expr", "two columns with the name Player"),
    ("FQ110", "type: BOOL, section", "type: VARCHAR, section", "VARCHAR"),
    ("FQ110", "<found INT64, days ARRAY<DATE>>", "<found INT64", "STRUCT<found INT64"),
    ("FQ111", "description: Mean.", f"description: {'x' * 1025}", "1,025 characters"),
    ("FQ111", "{found: Games found.}", f"{{found: {'x' * 1025}}}", "1,025 characters"),
    ("FQ112", "<found INT64,", f"<{', '.join(f'f{n} INT64' for n in range(10_001))}, found INT64,", "10,000 are"),
    ("FQ113", '- {name: score, type: "NUMERIC(5,2)"}', "- {name: SCORE, type: FLOAT64}", "FLOAT64 under `base"),
    ("FQ113", '"NUMERIC(5,2)", section', f'"NUMERIC(5,2)", {GONE}, section', "another entry declares it"),
    (
        "FQ113", "- {name: ready,", f"- {{name: READY, type: BOOL, {GONE}, section: all}}\n  - {{name: ready,",
        "another entry declares it",
    ),
    ("FQ114", "type: ARRAY<FLOAT64>,", "type: ARRAY<FLOAT64>, required: true,", "an ARRAY, which cannot be required"),
    ("FQ115", '"feature_{index}_quality", type', "feature_quality, type", "{index} into the name"),
    ("FQ115", '"feature_{index}_quality", type', '"{category}_quality", type', "{index} into the name"),
    ("FQ116", "expr: quality,", 'expr: "{idx}",', "Unknown placeholder {idx}"),
    ("FQ116", "expr: score, depr", 'expr: "{index}", depr', "Add `for_each`"),
    ("FQ116", "expr: \"'{name}'\"", "expr: \"'{nmae}'\"", "{nmae}"),
    ("FQ116", "value: features[SAFE_OFFSET({index})]", "value: features[{index} + {offset}]", "{offset}"),
    ("FQ117", ", owner: upstream", "", "has no `expr`"),
    ("FQ118", "owner: upstream", "owner: upstream, expr: score > 1", "`expr` is never used"),
    ("FQ119", "only: [form]", "only: [from]", "Write form."),
    ("FQ119", "for_each: feature,", "only: [points],", "no `for_each`"),
    ("FQ120", 'remove_after: "2026-05-06"', 'remove_after: "2025-05-06"', "before it is deprecated"),
    ("FQ121", "{found: Games", "{fond: Games", "Write found."),
    ("FQ125", "index: 1,", "index: 3,", "No feature has index 1 to 2"),
    ("FQ125", "index: 1,", "index: 0,", "which another feature has"),
    ("FQ125", "index: 0,", "index: 1,", "Write 0 for points."),
    ("FQ126", "name: fatigue,", "name: POINTS,", "have the name"),
    ("FQ127", "category: rest,", "category: rset,", "Write rest."),
    ("FQ128", "processor: Cache,", "processor: Cash,", "Write Cache."),
    ("FQ129", "labels: [real,", "labels: [rael,", "Write real."),
    ("FQ129", "absent_label: default", "absent_label: gone", "gone"),
    ("FQ130", "range: [0, 70]", "range: [70, 0]", "70, is greater than its upper limit, 0"),
    ("FQ130", "expected: 10,", "expected: 99,", "99, is outside its range"),
    ("FQ173", "expected: 10,", "expected: 10, upstream_tolerance: 1,", "without an `upstream_table` and one"),
    ("FQ183", "expected: 10,", "value: player,", "points has range, and its values are not numbers"),
    ("FQ131", "category: rest,", "category: form,", "No feature is in the category rest"),
    ("FQ132", '$."{index}"', "$.5", "same for every feature"),
    ("FQ133", "last_updated: cache_written", "last_updated: cache_wrote", "Write cache_written."),
    ("FQ135", "weight: 100", "weight: 101", "101"),
    ("FQ135", "unknown_source: {weight: 40", "unknown_source: {weight: -1", "-1"),
    ("FQ136", "min: 80", "min: 0", "not below"),
    ("FQ136", "min: 80", "min: 180", "outside 0-100"),
    ("FQ136", "min: 0}", "min: 10}", "Values below 10"),
    ("FQ137", "needs: [points, fatigue]", "needs: [points, fatigeu]", "Write fatigue."),
    ("FQ138", "level: red}", "level: orange}", "orange"),
    ("FQ139", ", when: [score < 50]", "", "no condition"),
    ("FQ139", "{name: green}", "{name: green, when: [score > 9]}", "have no level"),
    ("FQ140", '"defaults_{number}"', '"defaults_{p}"', "braces other than {number}"),
    ("FQ140", "when: score < 50,", "when: score < 50, number: score,", "does not contain {number}"),
    ("FQ141", "FQ303: warning", "FQ399: warning", "no rule FQ399"),
    ("FQ142", "quality_version: v1", "quality_version: v2", "its column has 'v1'"),
    ("FQ142", "quality_version: v1", "quality_versoin: v1", "not a managed column"),
    ("FQ143", "keys: [player,", "keys: [palyer,", "Write player."),
    ("FQ143", "partition_by: day", "partition_by: _PARTITIONDATE", "not ingestion time"),
    ("FQ144", "name: day, type: DATE", "name: day, type: STRING", "DATE, TIMESTAMP or DATETIME"),
    ("FQ144", "partition_granularity: DAY", "partition_granularity: HOUR", "HOUR"),
    ("FQ145", "cluster_by: [player]", "cluster_by: [player, day, labels, score, ready]", "5 clustering"),
    ("FQ145", "cluster_by: [player]", "cluster_by: [player, PLAYER]", "twice"),
    ("FQ145", "cluster_by: [player]", "cluster_by: [features]", "ARRAY<FLOAT64>"),
    ("FQ146", "  partition_by: day\n", "", "no `partition_by`"),
    ("FQ165", "keys: [player, day]\n  partition_by: day\n", "keys: [player]\n", "have no date"),
    (
        "FQ172", "partition_by: day\n  partition_granularity: DAY", "partition_expr: _PARTITIONDATE",
        "requires a filter on its partitions (_PARTITIONDATE)",
    ),
    ("FQ174", "cluster_by: [player]", "properties: {max_staleness: 4 hours}", "'4 hours', not an INTERVAL"),
    ("FQ174", "name: labels, type: STRING", "name: labels, type: STRING, properties: {rounding_mode: ROUND_HALF_EVEN}",
     "only for NUMERIC"),
    ("FQ166", SOURCE, "", "does not declare present"),
    ("FQ167", "value: features[SAFE_OFFSET({index})]", "value: features", "ARRAY<FLOAT64>, which diagnose"),
    ("FQ168", "value: features[SAFE_OFFSET({index})]", 'value: "features[SAFE_OFFSET({index})] * 2"', "is computed"),
    ("FQ169", SCORES, "", "`backfill` and `report`"),
    ("FQ147", "include: [player, day]", "include: [player, dayy]", "Write day."),
    ("FQ148", "duckdb:///local.duckdb", "local.duckdb", "local.duckdb"),
    ("FQ162", "sections: [all]", "sections: [al]", "Write all."),
]  # fmt: skip


def _checked(text: str) -> tuple[Finding, ...]:
    registry, findings = load_registry(text, "small.yaml")
    assert registry is not None, findings
    return check_registry(registry)


def test_the_minimal_registry_is_clean() -> None:
    """What the broken ones are compared with has no finding."""
    assert _checked(MINIMAL) == ()


def test_the_real_registry_is_clean() -> None:
    """The registry in the repository has no finding of any severity."""
    assert check_registry(read_registry(ROOT / "feature_registry.yaml")) == ()


@pytest.mark.parametrize(("code", "old", "new", "words"), BROKEN)
def test_every_rule_finds_its_example(code: str, old: str, new: str, words: str) -> None:
    """A registry with one mistake is found by its rule, in the right words, and points into the file."""
    assert old in MINIMAL
    found = [one for one in _checked(MINIMAL.replace(old, new, 1)) if one.rule == code]
    assert found
    assert any(words in f"{one.message} {one.remedy!s}" for one in found), found
    assert all(one.location and one.location.file == "small.yaml" for one in found)


WORDS = sorted(set(re.findall(r"[\w{}]+", MINIMAL)))


def _putting(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS), st.integers(1, 3)), min_size=1, max_size=3))
@settings(max_examples=300)
def test_no_registry_that_can_be_read_makes_a_rule_fail(swaps: list[tuple[str, str, int]]) -> None:
    """Whatever words change places, the rules end in findings, in the same ones each time."""
    text = MINIMAL
    for old, new, count in swaps:
        text = re.sub(rf"(?<![\w{{]){re.escape(old)}(?![\w}}])", _putting(new), text, count=count)
    registry, _ = load_registry(text, "x")
    if registry is not None:
        assert check_registry(registry) == check_registry(registry)


def test_a_mistake_in_one_entry_points_to_its_line() -> None:
    """A finding about an entry is at the line of the entry."""
    text = MINIMAL.replace("processor: Cache,", "processor: Cash,", 1)
    (found,) = _checked(text)
    assert found.location is not None
    assert "Cash" in text.split("\n")[found.location.line - 1]


def test_a_feature_without_its_column_is_reported_at_the_feature() -> None:
    """The finding points to the feature, although `inputs` has the expression, and keeps its name."""
    columns = "  - {name: point, type: FLOAT64}\n  - {name: fatigue, type: FLOAT64}\n  - {name: player,"
    text = MINIMAL.replace("value: features[SAFE_OFFSET({index})]", 'value: "{name}"').replace(
        "  - {name: player,", columns, 1
    )
    (found,) = (one for one in _checked(text) if one.rule == "FQ151")
    write = "Write `value: point` in the feature points, or declare the column points under `base_columns`."
    assert str(found.remedy) == write
    assert found.location is not None
    assert "name: points" in text.split("\n")[found.location.line - 1]


def test_the_fix_of_an_empty_registry_overwrites_no_other_file() -> None:
    """The fix of an empty file names that file, because `fqtool init --force` would overwrite another registry."""
    _, (found,) = load_registry("# to be done\n", "other.yaml")
    assert str(found.remedy).endswith("fqtool init --out other.yaml --force")


def test_all_findings_come_in_one_run_in_the_order_of_the_file() -> None:
    """check_registry runs every rule and sorts by place."""
    text = MINIMAL
    for code, old, new, _ in BROKEN:
        if code in ("FQ105", "FQ128", "FQ138", "FQ147") and old in text:
            text = text.replace(old, new, 1)
    findings = _checked(text)
    assert [one.rule for one in findings] == ["FQ105", "FQ128", "FQ138", "FQ147"]


def test_every_page_has_its_four_sections() -> None:
    """The page of every rule has problem, reason, example and fix, after a title that is one line."""
    for one in every_rule().values():
        parts = [one.page.find(f"\n{word}:") for word in ("Problem", "Why", "Example", "Fix")]
        assert parts == sorted(parts), one.code
        assert parts[0] > 0, one.code
        assert "\n" not in one.page.split("\n\n")[0], one.code


def test_what_is_only_unwise_is_a_warning() -> None:
    """An expression that is never used and a category without features do not stop the other commands."""
    assert {RULES[code].severity for code in ("FQ118", "FQ131")} == {Severity.WARNING}


def test_a_feature_may_change_the_case_of_its_name() -> None:
    """The feature contract compares the case of names, and asks for `renamed_from`."""
    renamed = "name: Fatigue, renamed_from: fatigue,"
    text = MINIMAL.replace("name: fatigue,", renamed, 1).replace("needs: [points, fatigue]", "needs: [points, Fatigue]")
    assert _checked(text) == ()
