"""Laws of the fast look at NDJSON: what it passes over is right, and what a file has wrong is found all the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fqtool.commands.check_record.run import check_file
from fqtool.records.check import RecordCheck
from fqtool.records.pattern import right_lines
from fqtool.registry.load import read_registry
from fqtool.warehouse.duckdb.plain_records import json_value
from fqtool.warehouse.duckdb.suspect_lines import suspect_lines
from tests.test_check_record import WRONG
from tests.writers import RECORD, REGISTRY_FILE, as_ndjson

CHECK = RecordCheck(read_registry(REGISTRY_FILE))
FULL = {**RECORD, "history": None, "score": 98.5, "written_at": "2026-02-06T10:00:00Z"}
PATTERN = re.compile(right_lines(CHECK, tuple(FULL)))
LINE = json.dumps(FULL)


def test_a_record_of_a_writer_is_passed_over() -> None:
    """With and without what is not required, in both spellings of JSON."""
    assert PATTERN.fullmatch(LINE)
    assert PATTERN.fullmatch(json.dumps(FULL, separators=(",", ":")))
    assert PATTERN.fullmatch(json.dumps({key: value for key, value in FULL.items() if key not in ("games", "names")}))


@pytest.mark.parametrize("name", WRONG)
def test_no_wrong_record_is_passed_over(name: str) -> None:
    """Each kind of mistake, in the order of the fields of the record before."""
    record = WRONG[name][2]
    assert not PATTERN.fullmatch(json.dumps(record))
    own = right_lines(CHECK, tuple(record) if isinstance(record, dict) else ())
    assert not re.fullmatch(own, json.dumps(record))


CHARACTERS = st.sampled_from('{}[]":,.0123456789-+eEtrufalsn \\\t\x01éZT')


@settings(max_examples=400)
@given(st.integers(0, len(LINE)), st.integers(0, 6), st.text(CHARACTERS, max_size=5))
@example(LINE.index("98.5"), 4, "098.5")
@example(LINE.index("2026-02-06"), 10, "2026-02-30")
@example(LINE.index("2026-02-06"), 10, "0000-01-01")
@example(LINE.index("2026-02-06T"), 11, "2026-02-06T24")
def test_what_is_passed_over_is_right(start: int, length: int, text: str) -> None:
    """Whatever is put into a line, one that the pattern matches is one that the check accepts."""
    line = LINE[:start] + text + LINE[start + length :]
    if PATTERN.fullmatch(line):
        assert CHECK.is_right(json_value(line.encode())), line


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(RECORD | {"games": 1.5}),
        "{",
        "\ufeff{}",
        json.dumps(RECORD) + "\t",
        "\x01",
        '{"player": "a\x01"}',
        " ",
        json.dumps(dict(reversed(RECORD.items()))),
        json.dumps(RECORD) + "\r" + json.dumps(RECORD),
        json.dumps(RECORD | {"player": "é\\u0000"}, ensure_ascii=False),
    ],
)
@pytest.mark.parametrize("many", [3, 40])
def test_a_file_has_the_findings_of_its_records(tmp_path: Path, line: str, many: int) -> None:
    """The fast look and the slow one count the same records and find the same, wherever the line is."""
    path = as_ndjson(tmp_path / "records.ndjson", [*[RECORD] * many, line, *[RECORD] * many, line])
    fast, slow = check_file(CHECK, path), check_file(CHECK, path, sample=10_000)
    assert fast == slow


def test_most_lines_need_no_second_look(tmp_path: Path) -> None:
    """Of a thousand records with one wrong, only that is suspect; bytes that are not UTF-8 make all suspect."""
    wrong: dict[str, Any] = RECORD | {"games": 1.5}
    path = as_ndjson(tmp_path / "records.ndjson", [FULL, *[FULL] * 999, wrong])
    with duckdb.connect() as connection:
        suspects = suspect_lines(connection, path, CHECK)
        assert suspects is not None
        assert (suspects.lines, suspects.right) == (frozenset({json.dumps(wrong).encode()}), 1000)
        path.write_bytes(path.read_bytes() + b"\xff\n")
        assert suspect_lines(connection, path, CHECK) is None
