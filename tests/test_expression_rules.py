"""The rules about expressions: what they find, where they point, their words, and their cost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fqtool.expressions.expression import Span
from fqtool.findings.catalog import every_rule
from fqtool.findings.finding import Finding
from fqtool.lint.check import check_registry
from fqtool.lint.context import Subject
from fqtool.lint.expression_mistakes import examined, shown
from fqtool.lint.expressions import entries
from fqtool.registry.load import load_registry, read_registry
from fqtool.registry.model import Registry
from tests.machine import patient

ROOT = Path(__file__).parents[1]
MINIMAL = (ROOT / "tests/cases/registry/minimal.yaml").read_text(encoding="utf-8")
SCORE = 'expr: "ROUND(AVG_OVER_FEATURES(quality), 2)"'
EACH = "for_each: feature, expr: quality,"
READY = "{name: ready, type: BOOL, section: all, owner: upstream}"
NUMBER = "number: COUNT_FEATURES(is_default)"
OURS = {code for code in every_rule() if "FQ150" <= code <= "FQ157"}

# rule, text of the minimal registry, what takes its place, words found, what the carets mark, words of the remedy
CASES = [
    ("FQ150", SCORE, "expr: (SELECT MAX(x) FROM t)", "SELECT is not allowed here", "S", "at the caret"),
    ("FQ150", "value: features[SAFE_OFFSET({index})]", "value: (SELECT v.price FROM prices v WHERE v.item = item)",
     "reads another table or a view. score, backfill, diagnose,", "prices", "column of the table each day"),
    ("FQ150", SCORE, "expr: DROP TABLE t", "expected an operator or the end, found `TABLE`", "T", "at the caret"),
    ("FQ150", SCORE, "expr: 1 +", "Expected an expression, found the end", "", "at the caret"),
    ("FQ150", SCORE, "expr: 1; 2", "found `;`", ";", ""),
    ("FQ150", "when: score < 50,", "when: score == 50,", "write = once to compare", "=", ""),
    ("FQ150", SCORE, "expr: COALESCE(1", "a comma or a closing bracket, found the end", "", ""),
    ("FQ150", SCORE, "expr: UPPER('a)", "the quote", "'", ""),
    ("FQ151", EACH, "for_each: feature, expr: other.quality,", "Unknown name other", "other", ""),
    ("FQ150", "when: score < 50,", "when: score <,", "found the end", "", ""),
    ("FQ150", "value: features[SAFE_OFFSET({index})]", "value: features[{index}]", "expected SAFE_OFFSET", "0", ""),
    ("FQ151", SCORE, "expr: AVG_OVER_FEATURES(qualty)", "Unknown name qualty", "qualty", "Write quality."),
    ("FQ151", SCORE, "expr: scroe", "Unknown name scroe", "scroe", "Write score."),
    ("FQ151", SCORE, "expr: zzz", "Unknown name zzz", "zzz", "in quotes: 'zzz'"),
    ("FQ151", SCORE, "expr: '@today'", "no parameter @today", "@today", "@computed_at"),
    ("FQ151", "source: JSON_VALUE(labels,", "source: JSON_VALUE(quality,", "name quality", "quality", "in quotes"),
    ("FQ151", "expected: 10,", "expected: 10, sample_size: rows_cache,", "Unknown name rows_cache", "rows_cache", ""),
    ("FQ151", "metric: AVG(score)", "metric: AVG(scores)", "Unknown name scores", "scores", "Write score."),
    ("FQ151", 'expr: "feature_{index}_quality"', 'expr: "feature_{index}_qual"', "_0_qual", "feature_0_qual",
     "quality."),
    ("FQ152", SCORE, "expr: my_udf(quality_version)", "MY_UDF is not a function", "my_udf(quality_version)", "similar"),
    ("FQ152", SCORE, "expr: RAND()", "RAND is not a function", "RAND()", ""),
    ("FQ152", "type: FLOAT64, section: all, expr: score", "type: TIMESTAMP, section: all, expr: NOW()", "NOW", "NOW()",
     "@computed_at"),
    ("FQ153", SCORE, "expr: quality_version + 1", "STRING; + needs a number", "quality_version", "SAFE_CAST("),
    ("FQ153", SCORE, 'expr: "ROUND(score, 1, 2)"', "needs 1 to 2 arguments, not 3", "ROUND(score, 1, 2)", "ROUND("),
    # A long part is printed by its beginning.
    ("FQ153", SCORE, f"expr: UPPER(1{' + 1' * 12})", f"1{' + 1' * 9}... is INT64", f"1{' + 1' * 12}", ""),
    ("FQ153", SCORE, "expr: COUNT_FEATURES()", "needs 1 argument, not 0", "COUNT_FEATURES()", "COUNT_FEATURES("),
    ("FQ153", SCORE, "expr: \"IF(TRUE, 1, 'no')\"", "INT64 and STRING", "IF(TRUE, 1, 'no')", "CAST("),
    ("FQ153", SCORE, "expr: CASE WHEN TRUE THEN 1 ELSE 'no' END", "CASE", "CASE WHEN TRUE THEN 1 ELSE 'no' END", ""),
    ("FQ153", SCORE, "expr: \"COALESCE(1, 'a')\"", "INT64 and STRING", "COALESCE(1, 'a')", "CAST("),
    ("FQ153", "metric: AVG(score)", "metric: AVG(quality_version)", "AVG needs a number", "quality_version", "CAST"),
    ("FQ154", SCORE, "expr: quality_version", "is STRING, but the type of score is NUMERIC", "quality_version", "CAST"),
    ("FQ154", NUMBER, "number: AVG_OVER_FEATURES(quality)", "FLOAT64, but number must be INT64",
     "AVG_OVER_FEATURES(quality)", "CAST(AVG_OVER_FEATURES(quality) AS INT64)"),
    ("FQ154", "when: score < 50,", "when: score,", "FLOAT64, but when must be BOOL", "score", "score > 0"),
    ("FQ154", "when: [score < 50]", "when: [score < 50, score]", "when must be BOOL", "score", "score > 0"),
    ("FQ154", "external: [moon]", "external: [moon], requires: score", "requires must be BOOL", "score", "score > 0"),
    ("FQ154", "value: features[SAFE_OFFSET({index})]\n  sources_known: labels IS NOT NULL",
     "value: features[SAFE_OFFSET({index})]\n  sources_known: labels", "known must be BOOL", "labels",
     "labels = '...'"),
    ("FQ154", "last_updated: cache_written", "last_updated: day", "last_updated must be TIMESTAMP", "day",
     "Name a column"),
    ("FQ155", SCORE, "expr: quality", "only for a feature", "quality", "for_each: feature"),
    ("FQ155", SCORE, "expr: COUNT_FEATURES(ANY_FEATURE(is_default))", "inside COUNT_FEATURES",
     "ANY_FEATURE(is_default)", "Make it a column"),
    ("FQ156", SCORE, "expr: COUNT_FEATURES(source = NULL)", "never TRUE", "NULL", "source IS NULL"),
    ("FQ156", SCORE, "expr: \"COUNT_FEATURES(source NOT IN ('a', NULL))\"", "never TRUE", "NULL", "source IS NOT NULL"),
    ("FQ156", "when: score < 50,", "when: score != NULL,", "never TRUE", "NULL", "score IS NOT NULL"),
]  # fmt: skip


def checked(text: str) -> tuple[Finding, ...]:
    """The findings of the rules about expressions."""
    registry, findings = load_registry(text, "small.yaml")
    assert registry is not None, findings
    return tuple(one for one in check_registry(registry) if one.rule in OURS)


def under_carets(message: str) -> str:
    """The part of the excerpt that the carets mark."""
    _, line, carets = message.rsplit("\n", 2)
    assert set(carets.strip()) == {"^"}
    return line[carets.index("^") : len(carets)]


@pytest.mark.parametrize(("code", "old", "new", "words", "marked", "remedy"), CASES)
def test_every_mistake_is_shown_at_its_place(
    code: str, old: str, new: str, words: str, marked: str, remedy: str
) -> None:
    """Law: one finding with the words, carets under the very place, a remedy, and line and column of it in the file."""
    assert old in MINIMAL
    text = MINIMAL.replace(old, new, 1)
    (found,) = (one for one in checked(text) if one.rule == code)
    assert words.lower() in found.message.lower()
    assert under_carets(found.message).strip() == marked
    assert remedy in str(found.remedy)
    assert str(found.remedy)
    assert found.location is not None
    line = text.split("\n")[found.location.line - 1]
    assert new.rpartition("\n")[2][:10] in line
    here = line[found.location.column - 1 :]
    assert here.startswith((marked, "{index}", "feature_{index}"))


def test_every_rule_has_a_case() -> None:
    """A rule that nothing is shown to break does not exist; FQ157 has its own tests."""
    assert {one[0] for one in CASES} | {"FQ157"} == OURS


def test_no_mistake_in_either_registry() -> None:
    """The small registry and the real one have no finding."""
    assert checked(MINIMAL) == ()
    assert checked((ROOT / "feature_registry.yaml").read_text(encoding="utf-8")) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SCORE, "expr: COUNT_FEATURES(is_default)"),
        ("type: FLOAT64, section: all, expr: score", "type: FLOAT64, section: all, expr: COUNT_FEATURES(TRUE)"),
        ("type: FLOAT64, section: all, expr: score", 'type: FLOAT64, section: all, expr: "NULL"'),
        ("type: FLOAT64, section: all, expr: score", 'type: TIMESTAMP, section: all, expr: "@computed_at"'),
        ("metric: AVG(score)", 'metric: "APPROX_QUANTILES(score, 2)[OFFSET(1)]"'),
        ("metric: AVG(score)", 'metric: "SAFE_DIVIDE(COUNTIF(score < 5), COUNT(*))"'),
        ('expr: "feature_{index}_quality"', 'expr: "RANK() OVER (ORDER BY score)"'),
        ('expr: "feature_{index}_quality"', 'expr: "DATE_DIFF(CURRENT_DATE, day, ISOYEAR)"'),
    ],
)
def test_what_is_right_is_let_pass(old: str, new: str) -> None:
    """Law: INT64 fits FLOAT64, both fit NUMERIC, NULL fits all; views and thresholds may use what a warehouse has."""
    assert old in MINIMAL
    assert checked(MINIMAL.replace(old, new, 1)) == ()


@pytest.mark.parametrize(
    ("scalar", "line", "column"),
    [
        ("1 + wrong", 0, 4),
        ("'UPPER(''a'') || wrong'", 0, 17),
        ('"UPPER(\\"a\\") || wrong"', 0, 17),
        (">-\n      1 +\n      2 + wrong", 2, 10),
        ("|\n      1 +\n        wrong", 2, 8),
        ("1 +\n      wrong", 1, 6),
        ('"1 +\n      wrong"', 1, 6),
        (">-  # why\n\n      wrong + 1", 2, 6),
        ('"\\u0031 + wrong"', 0, 0),
    ],
)
def test_the_place_is_found_in_every_form_of_a_text(scalar: str, line: int, column: int) -> None:
    """Law: plain, quoted and block scalars lead to the character itself; an escape leads to where the text begins."""
    block = f"- name: score\n    type: FLOAT64\n    section: all\n    expr: {scalar}\n"
    entry = next(one for one in MINIMAL.split("\n") if SCORE in one)
    small = MINIMAL.replace(entry.strip() + "\n", block.rstrip("\n") + "\n", 1)
    text = small.replace('- {name: score, type: "NUMERIC(5,2)"}', "- {name: score, type: FLOAT64}")
    (found,) = checked(text)
    assert found.location is not None
    lines = text.split("\n")
    first = next(number for number, one in enumerate(lines, 1) if one.startswith("    expr: "))
    start = 0 if line else len("    expr: ")
    assert (found.location.line - first, found.location.column - 1 - start) == (line, column)


def test_a_mistake_of_a_repeated_entry_is_reported_once() -> None:
    """Law: an entry for each feature has one finding a mistake, however many features there are."""
    text = MINIMAL.replace(EACH, 'for_each: feature, expr: "IF(sourc = 1, feature_{index}_x, quality)",', 1)
    assert [(one.rule, one.subject) for one in checked(text)] == [("FQ151", "feature_{index}_quality")] * 2


def test_a_repetition_that_differs_is_not_overlooked() -> None:
    """Law: where one repetition names a column that is not there, the entry has a finding, though others are fine."""
    text = MINIMAL.replace('expr: "feature_{index}_quality"', 'expr: "only_{name}"', 1)
    extra = '  - {name: "only_{name}", type: INT64, section: all, for_each: feature, only: [points], expr: index}\n'
    (found,) = checked(text.replace("alerts:\n", f"{extra}alerts:\n", 1))
    assert "Unknown name only_fatigue" in found.message


def circle(*exprs: tuple[str, str]) -> list[str]:
    """The messages about circles in the minimal registry with these columns added."""
    more = "".join(f"  - {{name: {name}, type: FLOAT64, section: all, expr: '{expr}'}}\n" for name, expr in exprs)
    return [one.message for one in checked(MINIMAL.replace("alerts:\n", f"{more}alerts:\n", 1)) if one.rule == "FQ157"]


def test_a_circle_is_reported_with_its_path() -> None:
    """Law: each circle is one finding that prints the way round; columns that only lead to it have none."""
    assert circle(("a", "a + 1")) == ["a depends on itself: a -> a."]
    assert circle(("a", "B + 1"), ("b", "c"), ("c", "a"), ("d", "a")) == ["a depends on itself: a -> b -> c -> a."]
    assert circle(("a", "score"), ("b", "a + a")) == []
    assert circle(("quality", "AVG_OVER_FEATURES(quality)")) == []  # a feature's, not the column's
    assert circle(("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")) == [
        "a depends on itself: a -> b -> a.",
        "x depends on itself: x -> y -> x.",
    ]


def test_a_circle_through_what_the_registry_knows_is_reported() -> None:
    """Law: ALERT_LEVEL() needs what its conditions name."""
    (found,) = checked(MINIMAL.replace(SCORE, "expr: 'IF(ALERT_LEVEL() = \"red\", 1, 2)'", 1))
    assert found.rule == "FQ157"
    assert found.message == "score depends on itself: score -> ALERT_LEVEL() -> score."
    assert str(found.remedy) == "Compute score without ALERT_LEVEL()."


def test_a_repeated_circle_is_one_finding() -> None:
    """Law: columns of one entry that each need themselves are one circle."""
    text = MINIMAL.replace(EACH, 'for_each: feature, expr: "feature_{index}_quality",', 1)
    assert [one.rule for one in checked(text)] == ["FQ157"]


def test_ten_thousand_columns_in_a_row_end() -> None:
    """Law: a chain is followed without recursion; its length has no limit."""
    chain = [(f"c{number}", f"c{number + 1}") for number in range(3000)]
    assert circle(*chain, ("c3000", "1.5")) == []
    assert len(circle(*chain, ("c3000", "c0"))) == 1


def test_a_long_expression_is_shown_around_the_place() -> None:
    """Law: an excerpt is one line of limited width with the place in it."""
    text = " + ".join(["first"] * 30) + "\n + wrong + " + " + ".join(["last"] * 30)
    at = text.index("wrong")
    line, carets = shown(text, Span(at, at + 5)).split("\n")
    assert len(line) < 90
    assert line[carets.index("^") : len(carets)] == "wrong"


def big(count: int) -> Registry:
    """The real registry with as many features as given."""
    real = (ROOT / "feature_registry.yaml").read_text(encoding="utf-8")
    feature = real.split("\n  - {index: 5,")[1].split("\n  - {index: 6,")[0]
    entries = "\n".join(
        f"  - {{index: {n}," + feature.replace("name: fatigue_score", f"name: f{n}") for n in range(count)
    )
    text = f"{real.split('features:', 1)[0]}features:\n{entries}\n{real[real.index('base_columns:') :]}"
    registry, findings = load_registry(text, "big.yaml")
    assert registry is not None, findings
    return registry


def test_checking_costs_little() -> None:
    """Law: 2,500 features that are alike make no more texts to read and type than 37 do."""
    texts = []
    for registry in (read_registry(ROOT / "feature_registry.yaml"), big(2500)):
        subject = Subject(registry)
        texts.append(sum(1 for entry in entries(subject) for _ in entry.variants()))
        assert examined(subject).read
    assert 0 < texts[1] <= texts[0], texts


def test_validate_reports_it_and_ends_with_1(tmp_path: Path) -> None:
    """Law: a mistake in an expression makes `fqtool validate` exit 1 and print rule, place, carets and fix."""
    (tmp_path / "feature_registry.yaml").write_text(MINIMAL.replace(SCORE, "expr: AVG_OVER_FEATURES(qualty)", 1))
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "validate"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    assert done.returncode == 1
    for words in ("FQ151", "feature_registry.yaml:43:", "AVG_OVER_FEATURES(qualty)", "^^^^^^", "Write quality."):
        assert words in done.stdout + done.stderr
