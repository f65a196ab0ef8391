"""validate --fix: what needs no judgement is fixed, comments and layout stay, and nothing gets worse."""

from __future__ import annotations

import json
from datetime import date
from difflib import ndiff
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.validate.run import Fixed, fixed
from fqtool.findings.finding import Edit, Finding, Location
from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry
from fqtool.registry.patches import edited
from fqtool.registry.yaml.comments import comments
from fqtool.registry.yaml.document import read_document
from tests.commands import fqtool
from tests.wrong_registries import MINIMAL, Case, cases

ROOT = Path(__file__).parents[1]
DAY = date(2026, 2, 10)
TIERS = "  - {name: good, min: 80}\n  - {name: bad, min: 0}\n"

# what takes the place of which text of the minimal registry, and what --fix makes of it
MENDED = [
    ("name: points, category", "name: points, catgory", "name: points, category"),
    ("cluster_by:", "Cluster_By:", "cluster_by:"),
    ("thresholds:\n", '"treshholds":\n', "thresholds:\n"),
    ("owner: upstream", "owner: Upstream  # theirs\n    ", "owner: upstream  # theirs\n    "),
    ("min: 80", "min: '80'", "min: 80"),
    ("min: 80", "min: '0.5'", "min: 0.5"),
    ("require_partition_filter: true", 'require_partition_filter: "true"', "require_partition_filter: true"),
    ("partition_filter: true", "partition_filter: yes # always", "partition_filter: true # always"),
    ("keys: [player, day]", "keys: 'player'", "keys: [player]"),
    ('"2026-08-05"', "2026-08-05", '"2026-08-05"'),
    ("section: each", "section: no", 'section: "no"'),
    ("ARRAY<FLOAT64>,", "ARRAY<FLOAT64>, required: true,", "ARRAY<FLOAT64>, required: false,"),
    (TIERS, "  - {name: bad, min: 0} # low\n  - {name: good, min: 80}\n",
     "  - {name: good, min: 80}\n  - {name: bad, min: 0} # low\n"),
    (TIERS, "  - name: bad\n    min: 0\n  - name: good\n    min: 80\n",
     "  - name: good\n    min: 80\n  - name: bad\n    min: 0\n"),
    ("  form: {", "  # fqtool: ignore FQ131 in March\n  form: {", "  form: {"),
    ("How he plays.}", "How he plays.}  # fqtool: ignore FQ131 in March", "How he plays.}"),
]  # fmt: skip


def fix(text: str) -> Fixed:
    """What --fix makes of a text."""
    return fixed(text, "small.yaml", DAY)


@pytest.mark.parametrize(("old", "wrong", "right"), MENDED)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_is_fixed(old: str, wrong: str, right: str, ends: str) -> None:
    """Law: the mistake is gone and nothing else has changed, whatever ends the lines."""
    assert old in MINIMAL
    text, wanted = (MINIMAL.replace(old, new, 1).replace("\n", ends) for new in (wrong, right))
    made = fix(text)
    assert made.fixed
    assert made.after == wanted
    assert made.remaining == ()


@pytest.mark.parametrize(
    ("old", "wrong"),
    [
        ("name: points, category", "name: points, colour"),
        ("name: points, category", "name: points, catgory: x, category"),
        ("min: 80", "min: 080"),
        ("min: 80", "min: eighty"),
        (TIERS, "  none\n"),
        ("min: 80", "min: yes"),
        (TIERS, "  - {name: bad, min: 0}\n  # the best\n  - {name: good, min: 80}\n"),
        (TIERS, "  - {name: bad, min: 80}\n  - {name: good, min: 80}\n"),
        ("tiers:\n" + TIERS, "tiers: [{name: bad, min: 0}, {name: good, min: 80}]\n"),
        ("labels: [real,", "labels: [rael,"),
    ],
)
def test_what_takes_judgement_is_left(old: str, wrong: str) -> None:
    """Law: where it is not sure what was meant, nothing is changed, and the finding stays."""
    assert old in MINIMAL
    made = fix(MINIMAL.replace(old, wrong, 1))
    assert (made.fixed, made.diff) == ((), "")
    assert made.remaining


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.path.stem)
def test_no_patch_makes_a_registry_worse(case: Case) -> None:
    """Law: of every wrong registry, --fix leaves fewer findings or the same text; doing it again changes nothing."""
    text = case.text()
    made = fix(text)
    again = fix(made.after)
    assert again.after == made.after
    registry, before = load_registry(text, "small.yaml")
    found = check_registry(registry, DAY) if registry else before
    assert (made.after == text) is (not made.fixed)
    assert not made.fixed or len(made.remaining) < len(found) or registry is None
    gone = [line for line in ndiff(text.splitlines(), made.after.splitlines()) if line.startswith("- ") and "#" in line]
    assert all(
        "fqtool:" in line or any(line.partition("#")[2] in kept for kept in made.after.splitlines()) for line in gone
    )


@given(st.text("ab\n\r", max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.text("xy\n"))))
def test_edits_go_to_their_places(text: str, wanted: list[tuple[int, int, str]]) -> None:
    """Law: edits that do not overlap change their spans and leave what is between; by place as by index."""
    document = read_document(text, "f")
    spans, at = [], 0
    for skip, length, new in wanted:
        start = min(at + skip, len(text))
        end = min(start + length, len(text))
        spans.append((start, end, new))
        at = end + 1
    spans = [one for number, one in enumerate(spans) if number == 0 or one[0] > spans[number - 1][1]]
    expected, at = "", 0
    for start, end, new in spans:
        expected, at = expected + text[at:start] + new, end
    edits = [Edit(document.location(start), document.location(end), new) for start, end, new in spans]
    assert edited(text, reversed(edits)) == expected + text[at:]


COMMENT = "# fqtool: ignore FQ131 why"


@pytest.mark.parametrize(
    "text",
    [f"a: '{COMMENT}'", f'a: "x {COMMENT}"', f"a: |\n  x\n  {COMMENT}\n", f"a: >-\n  {COMMENT}\nb: 1", f"a: x{COMMENT}",
     f"- 'it''s {COMMENT}'", f'"{COMMENT}": 1'],
)  # fmt: skip
def test_a_number_sign_in_a_text_is_not_a_comment(text: str) -> None:
    """Law: within quotes, blocks and words nothing is suppressed."""
    assert comments(read_document(text, "f")) == ()


@pytest.mark.parametrize(
    ("text", "about"),
    [(f"a: 1 {COMMENT}", 1), (f"{COMMENT}\na: 1", 2), (f"{COMMENT}\n\n# more\n  a: 1", 4), (f"a: >- {COMMENT}\n  x", 1),
     (f"a: 1\n{COMMENT}", 2), (f"a: 'x' {COMMENT}\n", 1), (f"a: [1, {COMMENT}\n 2]", 1)],
)  # fmt: skip
def test_a_comment_is_about_its_line_or_the_next(text: str, about: int) -> None:
    """Law: beside something it means that line, alone the next one with content."""
    (found,) = comments(read_document(text, "f"))
    assert (found.verb, found.codes, found.reason, found.about) == ("ignore", ("FQ131",), "why", about)


def told(text: str) -> list[str]:
    """The rules that report."""
    registry, findings = load_registry(text, "small.yaml")
    assert registry is not None, findings
    return [one.rule for one in check_registry(registry, DAY)]


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ("{ignore: [FQ131]}", ["FQ124"]),
        ("{ignore: [FQ1]}", []),
        ("{select: [FQ131]}", ["FQ131"]),
        ("{select: [FQ13], ignore: [FQ131]}", []),
        ("{select: [FQ131], ignore: [FQ1]}", ["FQ131"]),
        ("{select: [FQ2]}", []),
    ],
)
def test_the_longest_beginning_decides(choice: str, left: list[str]) -> None:
    """Law: a finding is reported where the longest beginning of its code that is named is under select."""
    text = MINIMAL.replace("category: rest,", "category: form,").replace(
        "  default: {weight", "  spare: {weight: 50, canonical: real}\n  default: {weight"
    )
    assert told(text) == ["FQ124", "FQ131"]
    assert told(f"{text}validate: {choice}\n") == left


def test_firm_findings_are_reported_whatever_is_suppressed() -> None:
    """Law: neither a comment nor a choice suppresses what BigQuery would refuse."""
    text = MINIMAL.replace("name: ready,", "name: _Partition_ready,") + "validate: {select: [FQ131], ignore: [FQ1]}\n"
    assert told(text) == ["FQ102"]


def test_the_command_writes_once_and_shows_before(tmp_path: Path) -> None:
    """Law: --dry-run prints the diff and writes nothing; --fix writes, keeps a byte order mark, and ends with 0."""
    file = tmp_path / "feature_registry.yaml"
    wrong = "\ufeff" + MINIMAL.replace("cluster_by:", "cluster_yb:")
    file.write_text(wrong, encoding="utf-8")
    shown = fqtool(tmp_path, "validate", "--fix", "--dry-run", "--today", "2026-02-10")
    assert shown.returncode == 1
    assert "+  cluster_by: [player]" in shown.stdout
    assert file.read_text(encoding="utf-8") == wrong
    done = fqtool(tmp_path, "validate", "--fix", "--today", "2026-02-10")
    assert (done.returncode, done.stdout) == (0, "No problems found in feature_registry.yaml.\n")
    assert "Fixed 1 finding" in done.stderr
    assert file.read_text(encoding="utf-8") == "\ufeff" + MINIMAL
    assert fqtool(tmp_path, "validate", "--dry-run").returncode == 2


def test_every_format_has_the_patch(tmp_path: Path) -> None:
    """Law: JSON and SARIF carry the edits, text shows the lines, without anything being written."""
    (tmp_path / "feature_registry.yaml").write_text(MINIMAL.replace("cluster_by:", "cluster_yb:"))
    (found,) = json.loads(fqtool(tmp_path, "validate", "-f", "json").stdout)["findings"]
    assert found["patch"][0]["text"] == "cluster_by"
    run = json.loads(fqtool(tmp_path, "validate", "-f", "sarif").stdout)["runs"][0]
    (change,) = run["results"][0]["fixes"][0]["artifactChanges"]
    assert change["replacements"][0] == {
        "deletedRegion": {"startLine": 8, "startColumn": 3, "endLine": 8, "endColumn": 13},
        "insertedContent": {"text": "cluster_by"},
    }
    text = fqtool(tmp_path, "validate").stdout
    assert "-   cluster_yb: [player]" in text
    assert "+   cluster_by: [player]" in text


def test_an_edit_is_a_value() -> None:
    """Law: a finding without a patch has none, and one with a patch is equal to its like."""
    here = Location("f", 1, 1)
    assert Finding("a", "b").patch == ()
    assert Finding("a", "b", patch=(Edit(here, here, "x"),)) == Finding("a", "b", patch=(Edit(here, here, "x"),))
