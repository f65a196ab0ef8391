"""The rules about registries: each has an example that breaks it, and the real registry breaks none."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fqtool.registry
import fqtool.rules
from fqtool.finding import RULES, Finding, Severity
from fqtool.registry.load import load_registry, read_registry
from fqtool.rules import about_silences
from fqtool.rules.about_registry import MODULES, check_registry

ROOT = Path(__file__).parents[1]
MINIMAL = (ROOT / "tests/cases/registry/minimal.yaml").read_text(encoding="utf-8")

# rule, text that stands in the minimal registry, what takes its place, words of the finding
BROKEN = [
    ("FQ101", "name: ready,", "name: Quality_VERSION,", "stands twice"),
    ("FQ101", "name: labels, type", "name: Player, type", "stands twice"),
    ("FQ101", "name: ready,", "name: feature_1_quality,", "feature_1_quality stands twice"),
    ("FQ102", "name: ready,", "name: _Partition_ready,", "_PARTITION"),
    ("FQ103", '"feature_{index}_quality", type', '"{index}_quality", type', "0_quality"),
    ("FQ116", "name: ready,", 'name: "{category}_ready",', "{category}_ready"),
    ("FQ103", '"feature_{index}_quality", type', f'"{"{name}" * 50}", type', "350 characters"),
    ("FQ104", "name: ready,", "name: ready, renamed_from: SCORE,", "still there"),
    ("FQ104", "name: fatigue,", "name: fatigue, renamed_from: points,", "still there"),
    ("FQ105", "- {name: bad, min: 0}", "- {name: Good, min: 0}", "Good twice"),
    ("FQ106", "name: v_unpivot", "name: STORE", "STORE"),
    ("FQ107", "name: quality, expr", "name: Player, expr", "two columns Player"),
    ("FQ110", "type: BOOL, section", "type: VARCHAR, section", "VARCHAR"),
    ("FQ110", "<found INT64, days ARRAY<DATE>>", "<found INT64", "STRUCT<found INT64"),
    ("FQ111", "description: Mean.", f"description: {'x' * 1025}", "1,025 characters"),
    ("FQ111", "{found: Games found.}", f"{{found: {'x' * 1025}}}", "1,025 characters"),
    ("FQ112", "<found INT64,", f"<{', '.join(f'f{n} INT64' for n in range(10_001))}, found INT64,", "10,000 are"),
    ("FQ113", '- {name: score, type: "NUMERIC(5,2)"}', "- {name: SCORE, type: FLOAT64}", "FLOAT64 among the base"),
    ("FQ114", "type: ARRAY<FLOAT64>,", "type: ARRAY<FLOAT64>, required: true,", "ARRAY and required"),
    ("FQ115", '"feature_{index}_quality", type', "feature_quality, type", "{index} into the name"),
    ("FQ115", '"feature_{index}_quality", type', '"{category}_quality", type', "{index} into the name"),
    ("FQ116", "expr: quality,", 'expr: "{idx}",', "{idx} means nothing"),
    ("FQ116", "expr: score, depr", 'expr: "{index}", depr', "Add for_each"),
    ("FQ116", "expr: \"'{name}'\"", "expr: \"'{nmae}'\"", "{nmae}"),
    ("FQ116", "value: features[SAFE_OFFSET({index})]", "value: features[{index} + {offset}]", "{offset}"),
    ("FQ117", ", owner: upstream", "", "has no expr"),
    ("FQ118", "owner: upstream", "owner: upstream, expr: score > 1", "has an expr"),
    ("FQ119", "only: [form]", "only: [from]", "Did you mean form?"),
    ("FQ119", "for_each: feature,", "only: [points],", "no for_each"),
    ("FQ120", 'remove_after: "2026-05-06"', 'remove_after: "2025-05-06"', "before it is deprecated"),
    ("FQ121", "{found: Games", "{fond: Games", "Did you mean found?"),
    ("FQ125", "index: 1,", "index: 3,", "No feature has index 1 to 2"),
    ("FQ125", "index: 1,", "index: 0,", "which is taken"),
    ("FQ126", "name: fatigue,", "name: POINTS,", "stands twice"),
    ("FQ127", "category: rest,", "category: rset,", "Did you mean rest?"),
    ("FQ128", "processor: Cache,", "processor: Cash,", "Did you mean Cache?"),
    ("FQ129", "labels: [real,", "labels: [rael,", "Did you mean real?"),
    ("FQ129", "absent_label: default", "absent_label: gone", "gone"),
    ("FQ130", "range: [0, 70]", "range: [70, 0]", "from 70 to 0"),
    ("FQ130", "expected: 10,", "expected: 99,", "expects 99"),
    ("FQ131", "category: rest,", "category: form,", "No feature is in the category rest"),
    ("FQ132", '$."{index}"', "$.5", "same for every feature"),
    ("FQ133", "last_updated: cache_written", "last_updated: cache_wrote", "Did you mean cache_written?"),
    ("FQ135", "weight: 100", "weight: 101", "101"),
    ("FQ135", "unknown_source: {weight: 40", "unknown_source: {weight: -1", "-1"),
    ("FQ136", "min: 80", "min: 0", "not below"),
    ("FQ136", "min: 80", "min: 180", "outside 0-100"),
    ("FQ136", "min: 0}", "min: 10}", "Values below 10"),
    ("FQ137", "needs: [points, fatigue]", "needs: [points, fatigeu]", "Did you mean fatigue?"),
    ("FQ138", "level: red}", "level: orange}", "orange"),
    ("FQ139", ", when: [score < 50]", "", "no condition"),
    ("FQ139", "{name: green}", "{name: green, when: [score > 9]}", "have no level"),
    ("FQ140", '"defaults_{number}"', '"defaults_{p}"', "do not fit together"),
    ("FQ140", "when: score < 50,", "when: score < 50, number: score,", "do not fit together"),
    ("FQ141", "FQ303: warning", "FQ399: warning", "no rule FQ399"),
    ("FQ142", "quality_version: v1", "quality_version: v2", "'v1' in its column"),
    ("FQ142", "quality_version: v1", "quality_versoin: v1", "no column"),
    ("FQ143", "keys: [player,", "keys: [palyer,", "Did you mean player?"),
    ("FQ144", "name: day, type: DATE", "name: day, type: STRING", "DATE, TIMESTAMP or DATETIME"),
    ("FQ144", "partition_granularity: DAY", "partition_granularity: HOUR", "HOUR"),
    ("FQ145", "cluster_by: [player]", "cluster_by: [player, day, labels, score, ready]", "5 clustering"),
    ("FQ145", "cluster_by: [player]", "cluster_by: [player, PLAYER]", "twice"),
    ("FQ145", "cluster_by: [player]", "cluster_by: [features]", "ARRAY<FLOAT64>"),
    ("FQ146", "  partition_by: day\n", "", "no partition_by"),
    ("FQ147", "include: [player, day]", "include: [player, dayy]", "Did you mean day?"),
    ("FQ148", "duckdb:///local.duckdb", "local.duckdb", "local.duckdb"),
    ("FQ162", "sections: [all]", "sections: [al]", "Did you mean all?"),
]  # fmt: skip


def _checked(text: str) -> tuple[Finding, ...]:
    registry, findings = load_registry(text, "small.yaml")
    assert registry is not None, findings
    return check_registry(registry)


def _register_all() -> None:
    for package in (fqtool.registry, fqtool.rules):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)


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
    assert any(words in f"{one.message} {one.remedy}" for one in found), found
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
    """A finding about an entry stands at the line of the entry."""
    text = MINIMAL.replace("processor: Cache,", "processor: Cash,", 1)
    (found,) = _checked(text)
    assert found.location is not None
    assert "Cash" in text.split("\n")[found.location.line - 1]


def test_all_findings_come_at_once_in_the_order_of_the_file() -> None:
    """check_registry runs every rule and sorts by place."""
    text = MINIMAL
    for code, old, new, _ in BROKEN:
        if code in ("FQ105", "FQ128", "FQ138", "FQ147") and old in text:
            text = text.replace(old, new, 1)
    findings = _checked(text)
    assert [one.rule for one in findings] == ["FQ105", "FQ128", "FQ138", "FQ147"]


def test_every_rule_that_examines_a_registry_is_run() -> None:
    """A rule is found by standing in its module; there is no list to forget it in."""
    _register_all()
    modules = {module.__name__ for module in (*MODULES, about_silences)}
    assert {code for code, one in RULES.items() if one.module in modules} == {
        code for code in RULES if "FQ100" <= code < "FQ200"
    }


def test_every_page_has_its_four_sections() -> None:
    """The page of every rule says problem, reason, example and fix, after a title that is one line."""
    _register_all()
    for one in RULES.values():
        parts = [one.page.find(f"\n{word}:") for word in ("Problem", "Why", "Example", "Fix")]
        assert parts == sorted(parts), one.code
        assert parts[0] > 0, one.code
        assert "\n" not in one.page.split("\n\n")[0], one.code


def test_what_is_only_unwise_is_a_warning() -> None:
    """An expression that is never used and a category without features do not stop the other commands."""
    assert {RULES[code].severity for code in ("FQ118", "FQ131")} == {Severity.WARNING}
