"""Laws of the fast look at NDJSON: what it passes over is right, and what a file has wrong is found all the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fqtool.commands.check_record.run import check_file
from fqtool.records.check import RecordCheck
from fqtool.records.right_lines import right_lines
from fqtool.records.values import fits_column
from fqtool.registry.load import read_registry
from fqtool.registry.model import Registry
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.lines import LINE_LIMIT, batches_of, lines_of
from fqtool.warehouse.duckdb.plain_records import Failed, Passed, json_value, plain_records
from fqtool.warehouse.duckdb.strict_records import reason
from tests.stores import BASE, BaseColumn, small_registry
from tests.test_check_record import WRONG
from tests.test_record_values import WRONG as WRONG_VALUES
from tests.writers import RECORD, REGISTRY_FILE, as_ndjson

CHECK = RecordCheck(read_registry(REGISTRY_FILE))
ARE_RIGHT = right_lines(CHECK)
FULL = {**RECORD, "history": None, "score": 98.5, "written_at": "2026-02-06T10:00:00Z"}
LINE = json.dumps(FULL).encode()
TYPES = {
    "t_int": "INT64", "t_float": "FLOAT64", "t_bool": "BOOL", "t_date": "DATE", "t_datetime": "DATETIME",
    "t_timestamp": "TIMESTAMP", "t_time": "TIME", "t_text": "STRING", "t_short": "STRING(3)", "t_bytes": "BYTES",
    "t_numeric": "NUMERIC(5,2)", "t_big": "BIGNUMERIC", "t_json": "JSON", "t_range": "RANGE<DATE>",
    "t_ints": "ARRAY<INT64>", "t_texts": "ARRAY<STRING>", "t_days": "ARRAY<DATE>", "t_struct": "STRUCT<a INT64>",
}  # fmt: skip


def _line(record: Any) -> bytes:
    return json.dumps(record).encode()


def _of_all_types(folder: Path) -> Registry:
    """The registry of the tests of writers, with a column of each type."""
    text = REGISTRY_FILE.read_text()
    columns = (f'  - {{name: {name}, type: "{kind}", description: D.}}\n' for name, kind in TYPES.items())
    path = folder / "feature_registry.yaml"
    path.write_text(text.replace("base_columns:\n", "base_columns:\n" + "".join(columns)))
    return read_registry(path)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> RecordCheck:
    """The check of that registry."""
    return RecordCheck(_of_all_types(tmp_path_factory.mktemp("types")))


def test_a_record_of_a_writer_is_passed_over() -> None:
    """With and without what is not required, in both spellings of JSON and in any order."""
    assert ARE_RIGHT([LINE])
    assert ARE_RIGHT([json.dumps(FULL, separators=(",", ":")).encode() + b"\r\n"])
    assert ARE_RIGHT([_line({key: value for key, value in FULL.items() if key not in ("games", "names")})])
    assert ARE_RIGHT([_line(dict(reversed(FULL.items()))), LINE, LINE + b"\n"])


@pytest.mark.parametrize("name", WRONG)
def test_no_wrong_record_is_passed_over(name: str) -> None:
    """Each kind of mistake."""
    line = _line(WRONG[name][2])
    assert not ARE_RIGHT([line])
    assert not ARE_RIGHT([LINE, line, LINE])


@pytest.mark.parametrize("kind", WRONG_VALUES)
def test_no_value_of_another_type_is_passed_over(kind: str) -> None:
    """Each wrong value of each type that JSON can have."""
    values = [json.loads(text) for text in map(_json_or_null, WRONG_VALUES[kind])]
    wrong = [value for value in values if value is not None and not fits_column(column("c", kind))(value)]
    assert wrong
    record = {"item": "a", "day": "2026-02-06", "vector": [1.0, 2.0, 3.0]}
    are_right = right_lines(RecordCheck(small_registry(base_columns=(*BASE, BaseColumn("more", kind)))))
    assert are_right([_line(record)])
    assert [value for value in wrong if are_right([_line(record | {"more": value})])] == []


def _json_or_null(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):  # a type of Python alone, or more digits than Python writes
        return "null"


CHARACTERS = st.sampled_from([*b'{}[]":,.0123456789-+eEtTrufalsnzZ \\\t\x01\xc3\xa9\xff\xed\xa0\x80'])


def _require_right(check: RecordCheck, line: bytes) -> None:
    """Fail for a line that is passed over and has something wrong."""
    if right_lines(check)([line]):
        held = json_value(line)
        assert not isinstance(held, Failed), line
        assert check.is_right(held), line


@settings(max_examples=600)
@given(st.integers(0, len(LINE)), st.integers(0, 6), st.lists(CHARACTERS, max_size=5).map(bytes))
@example(LINE.index(b"98.5"), 4, b"098.5")
@example(LINE.index(b"98.5"), 4, b"1e400")
@example(LINE.index(b"2026-02-06"), 10, b"2026-02-30")
@example(LINE.index(b"2026-02-06"), 10, b"0000-01-01")
@example(LINE.index(b"2026-02-06T"), 11, b"2026-02-06T24")
@example(LINE.index(b'"a"'), 3, b'"\xff"')
@example(LINE.index(b'"a"'), 3, b'"\\ud800"')
@example(LINE.index(b'"a"'), 3, b'"a\tb"')
def test_what_is_passed_over_is_right(start: int, length: int, text: bytes) -> None:
    """Whatever is put into a line, a line that is passed over is one that the check accepts."""
    _require_right(CHECK, LINE[:start] + text + LINE[start + length :])


PARTS = [
    LINE,
    LINE[:40],
    LINE[40:],
    b"",
    b" ",
    b"{",
    b"}",
    b"\r",
    LINE + b" " + LINE,
    LINE + b"\r" + LINE,
    b'{"player": "a"}',
]


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(PARTS).flatmap(lambda part: st.sampled_from([part, part + b"\n", part + b"\r\n"])), max_size=6
    )
)
@example([LINE[:40] + b"\n", LINE[40:] + b"\n", LINE + b" " + LINE])
def test_lines_pass_together_only_where_each_passes_alone(lines: list[bytes]) -> None:
    """A record over two lines, two records on one, and blank lines are never a record a line."""
    if lines and ARE_RIGHT(lines):
        assert all(ARE_RIGHT([line]) for line in lines)


def test_a_required_value_of_a_type_without_one_in_python_is_not_null(tmp_path: Path) -> None:
    """A NUMERIC key that is null is found."""
    text = REGISTRY_FILE.read_text().replace("{name: player, type: STRING", "{name: player, type: NUMERIC")
    path = tmp_path / "feature_registry.yaml"
    path.write_text(text)
    check = RecordCheck(read_registry(path))
    assert right_lines(check)([_line(RECORD | {"player": 5})])
    assert not right_lines(check)([_line(RECORD | {"player": None})])


TEXTS = st.one_of(
    st.datetimes().map(str), st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"), st.dates().map(str),
    st.times().map(str), st.text(max_size=5),
    st.from_regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,12})?)?([zZ]| ?UTC|[+-]\d\d:?\d\d)?", fullmatch=True),
    st.from_regex(r"\d{1,2}:\d\d(:\d\d([.]\d{1,9})?)?([zZ]|[+-]\d\d:\d\d)?", fullmatch=True),
)  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(2**65), 2**65), st.floats(), TEXTS)
VALUES = st.one_of(LEAVES, st.lists(LEAVES, max_size=3), st.dictionaries(st.sampled_from("ab"), LEAVES, max_size=2))


LABELS = json.dumps(RECORD["labels"])
TWICE = [
    ("player", LINE[:-1] + b', "player": "b"}'),
    ("player", LINE[:-1] + b', "player" : "b"}'),
    ("player", LINE[:-1] + b', "pl\\u0061yer":\t"b"}'),
    ("games", json.dumps(RECORD).encode()[:-1] + b', "games": 1}'),
    ("found", LINE.replace(b'"history": null', b'"history": {"found": 1, "found": 2}')),
    ("0", LINE.replace(LABELS.encode(), b'"{\\"0\\": \\"real\\", \\"0\\" : \\"default\\"}"')),
]


@pytest.mark.parametrize(("key", "line"), TWICE)
def test_a_key_that_is_given_twice_is_wrong(tmp_path: Path, key: str, line: bytes) -> None:
    """However it is written, at any depth and in the text of labels; `score --input --strict` refuses it too."""
    assert json.loads(line)
    for first in (line, LINE, json.dumps(RECORD).encode()):
        assert not right_lines(CHECK, first)([line])
        assert not right_lines(CHECK, first)([LINE, line])
    path = tmp_path / "records.ndjson"
    path.write_bytes(LINE + b"\n" + line + b"\n")
    (found,) = check_file(CHECK, path).findings
    assert f"the key {key} is given more than once" in found.message
    assert found.rule == ("FQ503" if key == "0" else "FQ512")
    assert f"the key {key} is given" in reason(CHECK, json_value(line))


@settings(max_examples=600)
@given(st.dictionaries(st.sampled_from([*TYPES]), VALUES, max_size=4))
@example({"t_int": 2**63})
@example({"t_int": 1.0})
@example({"t_short": "four"})
@example({"t_timestamp": "2026-02-06t10:00:00z"})
@example({"t_datetime": "2026-02-06T10:00:00Z"})
@example({"t_numeric": 1000})
@example({"t_ints": [1, None]})
def test_a_value_of_any_type_that_is_passed_over_is_right(typed: RecordCheck, values: dict[str, Any]) -> None:
    """Whatever a column of any type has, a record that is passed over is one that the check accepts."""
    _require_right(typed, json.dumps(RECORD | values).encode())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("t_int", 5), ("t_float", 5), ("t_bool", True), ("t_date", "2026-02-06"), ("t_datetime", "2026-02-06T10:00:00"),
        ("t_timestamp", "2026-02-06 10:00:00.123456+00:00"), ("t_time", "10:00:00"), ("t_text", "é"),
        ("t_short", "ééé"), ("t_bytes", "aGk="), ("t_numeric", 123.45), ("t_big", "1e20"), ("t_json", {"a": [1]}),
        ("t_range", "[2026-02-06, UNBOUNDED)"), ("t_ints", [1, 2]), ("t_texts", []), ("t_days", ["2026-02-06"]),
        ("t_struct", {"a": 1}),
    ],
)  # fmt: skip
def test_a_usual_value_of_each_type_is_passed_over(typed: RecordCheck, name: str, value: Any) -> None:
    """And so needs no second look."""
    assert right_lines(typed)([_line(RECORD | {name: value})])


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
        "[" * 100_000,
        json.dumps(RECORD) + " " * LINE_LIMIT,
    ],
    ids=lambda line: line[:30],
)
def test_a_file_has_the_findings_of_its_records(tmp_path: Path, line: str) -> None:
    """The fast look and the slow one count the same records and find the same, wherever the line is."""
    path = as_ndjson(tmp_path / "records.ndjson", [RECORD, line, *[RECORD] * 9, line])
    assert check_file(CHECK, path) == check_file(CHECK, path, sample=10_000)


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\r", b"bcdef"])).map(b"".join), st.integers(1, 9))
def test_batches_have_the_lines_of_the_stream(content: bytes, size: int) -> None:
    """Each line once, with its number, wherever a batch ends."""
    batches = batches_of(io.BytesIO(content), size)
    lines = [(number, line) for first, batch in batches for number, line in enumerate(batch, first)]
    assert lines == [(number, line.removesuffix(b"\n")) for number, line in lines_of(io.BytesIO(content))]


def test_most_lines_need_no_second_look(tmp_path: Path) -> None:
    """Of a thousand records with one wrong, only that is yielded."""
    path = as_ndjson(tmp_path / "records.ndjson", [*[FULL] * 500, RECORD | {"games": 1.5}, *[FULL] * 499])
    wrong, passed = plain_records(path, CHECK, pass_over_right=True)
    assert (wrong.number, wrong.held["games"]) == (501, 1.5)
    assert passed.held == Passed(999)
