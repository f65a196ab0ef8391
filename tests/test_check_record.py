"""Laws of `fqtool check-record` and `registry.check`: what a writer sends beside the registry and the live table."""

from __future__ import annotations

import functools
import gzip
import io
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fqtool
from fqtool.output.findings import FORMATS
from fqtool.records.check import RecordCheck
from fqtool.records.right_lines import right_lines
from fqtool.schema.build import desired_table
from fqtool.table.changes import CreateTable
from fqtool.table.typetext import column
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT, Emulator
from tests.in_process import findings
from tests.in_process import fqtool as run
from tests.machine import patient
from tests.sample_table import statement
from tests.writers import FEATURES, RECORD, REGISTRY_FILE, as_csv, as_ndjson, has_place, store_in

VECTOR = RECORD["features"]
WRONG: dict[str, tuple[str, str, Any]] = {
    "an unknown field": ("FQ501", "fatigue_scroe is not declared", RECORD | {"fatigue_scroe": 1}),
    "an unknown field that is NULL": ("FQ501", "extra is not declared", RECORD | {"extra": None}),
    "a field of another case": ("FQ501", "Games is not declared", RECORD | {"Games": 1}),
    "an unknown field of a STRUCT": ("FQ501", "history.lost is not", RECORD | {"history": {"lost": 1}}),
    "a missing key": ("FQ502", "player is missing", {k: v for k, v in RECORD.items() if k != "player"}),
    "a key that is NULL": ("FQ502", "day is NULL", RECORD | {"day": None}),
    "a missing NOT NULL column": ("FQ502", "vector_version is NULL", RECORD | {"vector_version": None}),
    "a missing vector": ("FQ502", "features is NULL", RECORD | {"features": None}),
    "a fraction in an INT64": ("FQ503", "games is not a valid INT64 (the number 1.5)", RECORD | {"games": 1.5}),
    "a boolean in an INT64": ("FQ503", "games is not a valid INT64 (a boolean)", RECORD | {"games": True}),
    "a number in a STRING": ("FQ503", "player is not a valid STRING", RECORD | {"player": 5}),
    "a wrong field of a STRUCT": ("FQ503", "history.found is not a valid", RECORD | {"history": {"found": "x"}}),
    "NULL in an ARRAY": ("FQ503", "an array with NULL at position 1", RECORD | {"features": [1.0, None, *VECTOR[2:]]}),
    "labels that are not an object": ("FQ503", "labels is not a JSON object", RECORD | {"labels": "real"}),
    "an array as JSON text": ("FQ504", "features is text that holds an", RECORD | {"features": json.dumps(VECTOR)}),
    "names as JSON text": ("FQ504", "names is text that holds an array", RECORD | {"names": json.dumps(FEATURES)}),
    "a longer vector": ("FQ505", "has 8 values instead of 6", RECORD | {"features": [*VECTOR, 7.0, 8.0]}),
    "a shorter vector": ("FQ505", "has 5 values instead of 6", RECORD | {"features": VECTOR[:-1]}),
    "a longer list of names": ("FQ505", "names has 7 values instead of 6", RECORD | {"names": [*FEATURES, "more"]}),
    "names in another order": (
        "FQ506", "names has fatigue at position 0, where the registry has points", RECORD | {"names": sorted(FEATURES)},
    ),
    "a rejected version": ("FQ507", "'v3'; readers accept 'v1', 'v2'", RECORD | {"vector_version": "v3"}),
    "another schema version": ("FQ507", "'q0'; readers accept 'q1'", RECORD | {"quality_version": "q0"}),
    "an unknown label": ("FQ508", "the label 'reel' for minutes", RECORD | {"labels": '{"1": "reel"}'}),
    "a label of no feature": ("FQ509", "the key '6', which is not a feature's", RECORD | {"labels": '{"6": "real"}'}),
    "names of features as keys of labels": (
        "FQ509", "labels has 2 keys that are names", RECORD | {"labels": '{"rest": "real", "pace": "real"}'},
    ),
    "a label of another feature": (
        "FQ513", "the label 'guessed' for pace, whose labels are 'real', 'default'",
        RECORD | {"labels": '{"3": "guessed"}'},
    ),
    "a value without a name": ("FQ511", "it has 1 value, the table 11 columns", ["a"]),
    "values without names": ("FQ511", "it has 2 values, the table 11 columns", ["a", "2026-02-06"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the registry."""
    return store_in(tmp_path_factory.mktemp("writers")).parent


@pytest.fixture(scope="module")
def registry(folder: Path) -> Any:
    """The registry of that folder."""
    return fqtool.load_registry(folder / "feature_registry.yaml")


def test_a_record_that_fits_has_no_findings(registry: Any) -> None:
    """Also one with what columns get by default, computed columns, labels of some features, and Python's values."""
    assert registry.check(RECORD) == ()
    full = RECORD | {"score": 98.14, "quality_version": "q1", "written_at": "2026-02-06T10:00:00Z", "games": None}
    assert registry.check(full) == ()
    values = {"day": date(2026, 2, 6), "features": tuple(VECTOR), "written_at": datetime(2026, 2, 6, tzinfo=UTC)}
    assert registry.check(RECORD | values | {"labels": '{"0": "default"}', "names": []}) == ()


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_record_is_one_finding(registry: Any, name: str) -> None:
    """`registry.check` reports it with its rule, the field and the reason; a fast look and a second one agree."""
    code, message, record = WRONG[name]
    found = registry.check(record)
    assert [one.rule for one in found] == [code], found
    assert message in found[0].message
    assert found[0].remedy
    assert not RecordCheck(registry).is_right(record)


@pytest.mark.parametrize("name", WRONG)
def test_the_command_reports_the_same_of_a_file_with_its_line(folder: Path, name: str) -> None:
    """`fqtool check-record` of NDJSON: the same finding, at the record's line."""
    code, message, record = WRONG[name]
    as_ndjson(folder / "records.ndjson", [RECORD, "", RECORD, record, RECORD])
    (found,) = findings(folder, "check-record", "records.ndjson")
    assert (found["rule"], found["location"]["line"]) == (code, 4)
    assert message in found["message"]
    assert "Found in 1 of 4 records" in found["message"]


def _edited(folder: Path, *edits: tuple[str, str]) -> Any:
    """The registry of the tests of writers with other text at some places."""
    text = REGISTRY_FILE.read_text()
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    path = folder / "edited.yaml"
    path.write_text(text)
    return fqtool.load_registry(path)


@pytest.mark.parametrize("record", [RECORD | {"vector_version": None}, {k: RECORD[k] for k in RECORD if k[0] != "v"}])
def test_a_record_without_a_version_is_found(folder: Path, record: dict[str, Any]) -> None:
    """Readers that filter by it pass over the row, also where the column is nullable; fqtool writes its own version."""
    nullable = ("name: vector_version, type: STRING, required: true", "name: vector_version, type: STRING")
    assert [one.rule for one in _edited(folder, nullable).check(record)] == ["FQ502"]
    as_default = (nullable[0], f"{nullable[1]}, default: \"'v2'\"")
    assert _edited(folder, as_default).check(record) == ()


def test_versions_may_be_numbers(folder: Path) -> None:
    """A column of another type than STRING is compared as text, as in the stored rows."""
    check = _edited(
        folder, ("vector_version, type: STRING", "vector_version, type: INT64"), ("[v1, v2]", "['1', '2']")
    ).check
    assert (check(RECORD | {"vector_version": 2}), check(RECORD | {"vector_version": "2"})) == ((), ())
    assert [one.rule for one in check(RECORD | {"vector_version": 3})] == ["FQ507"]


def test_labels_by_position_of_an_array_are_checked(folder: Path) -> None:
    """Each against its feature's labels, whatever the layout of labels."""
    check = _edited(
        folder,
        ("""JSON_VALUE(labels, '$."{index}"')""", "labels[SAFE_OFFSET({index})]"),
        ("name: labels, type: STRING", "name: labels, type: ARRAY<STRING>"),
    ).check
    right = RECORD | {"labels": ["real"] * 6}
    assert check(right) == ()
    wrong = {"FQ508": ["reel"], "FQ513": ["real", "guessed"], "FQ509": ["real"] * 7}
    assert {rule: [one.rule for one in check(right | {"labels": labels})] for rule, labels in wrong.items()} == {
        rule: [rule] for rule in wrong
    }


def test_a_feature_without_labels_takes_any_declared_one(folder: Path) -> None:
    """There is no narrower list to compare with."""
    check = _edited(folder, ("labels: [real, default], description: D.", "description: D.")).check
    assert check(RECORD | {"labels": '{"3": "guessed"}'}) == ()
    assert [one.rule for one in check(RECORD | {"labels": '{"3": "reel"}'})] == ["FQ508"]


def test_each_problem_of_a_field_is_reported_once(folder: Path) -> None:
    """A thousand records with the same mistake are one finding that counts them and names the first."""
    as_ndjson(folder / "many.ndjson", [RECORD, *[RECORD | {"games": 1.5, "extra": 1}] * 1000])
    found = findings(folder, "check-record", "many.ndjson")
    assert [one["rule"] for one in found] == ["FQ503", "FQ501"]
    assert all("Found in 1,000 of 1,001 records, first in line 2" in one["message"] for one in found)
    assert findings(folder, "check-record", "many.ndjson", "--sample", "1") == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not a JSON object"),
        ('{"player": NaN}', "not JSON: NaN without quotes"),
        ("5", "not an object"),
        ('"text"', "not an object"),
        ("null", "not an object"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_finding(folder: Path, line: str, why: str) -> None:
    """With its line; the other records are checked."""
    as_ndjson(folder / "lines.ndjson", [RECORD, line, RECORD])
    (found,) = findings(folder, "check-record", "lines.ndjson")
    assert (found["rule"], found["location"]["line"]) == ("FQ512", 2)
    assert why in found["message"]


@pytest.mark.parametrize(
    ("name", "raw", "remedy"),
    [
        ("pretty.json", json.dumps(RECORD, indent=1).encode(), "Write one JSON object per line"),
        ("array.json", json.dumps([RECORD, RECORD]).encode(), "jq -c '.[]' FILE"),
        ("wide.ndjson", json.dumps(RECORD).encode("utf-16"), "Write the file in UTF-8."),
        ("cells.csv", b"player,day\na,2026-02-06,more\n", "Quote each cell that has a delimiter"),
        ("quote.csv", b'player,day\n"a,2026-02-06\n', "Double each quote within a quoted cell."),
    ],
)
def test_an_unreadable_record_has_a_remedy_of_its_reason(folder: Path, name: str, raw: bytes, remedy: str) -> None:
    """What to change in the file."""
    (folder / name).write_bytes(raw)
    found, *others = findings(folder, "check-record", name)
    assert {found["rule"], *(one["rule"] for one in others)} == {"FQ512"}
    assert remedy in found["remedy"]
    assert [one["remedy"] for one in others] == ["Send an object with the names of the columns."] * (
        name == "pretty.json"
    )


@pytest.mark.parametrize("name", ["empty.ndjson", "blank.ndjson", "header.csv", "none.parquet"])
def test_a_file_without_records_is_refused(folder: Path, name: str) -> None:
    """Nothing was checked, so a run in CI must not pass."""
    (folder / name).write_text({"blank.ndjson": "\n \n", "header.csv": "player,day\n"}.get(name, ""))
    if name == "none.parquet":
        duckdb.sql(f"COPY (SELECT 'a' AS player WHERE FALSE) TO '{folder / name}' (FORMAT parquet)")
    done = run(folder, "check-record", name)
    assert (done.code, f"{name} has no records." in done.err) == (2, True), done.said


@pytest.mark.parametrize("ending", [".gz", ".avro", ".parquet"])
def test_a_binary_format_under_another_name_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """As when a `.gz` file is sent to stdin; its bytes are not records in a wrong encoding."""
    raw = {".gz": gzip.compress(b"{}"), ".avro": b"Obj\x01\x04", ".parquet": b"PAR1\x15"}[ending]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    (folder / "packed.ndjson").write_bytes(raw)
    for name, shown in (("-", "stdin"), ("packed.ndjson", "packed.ndjson")):
        done = run(folder, "check-record", name)
        assert (done.code, f"{shown} is not text, but the content of a {ending} file." in done.err) == (2, True), (
            done.said
        )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.parquet", "none.parquet is empty: it has 0 bytes."),
        ("none.avro", "none.avro is empty: it has 0 bytes."),
        ("none.ndjson.gz", "none.ndjson.gz is empty: it has 0 bytes."),
        ("none.csv", "The first line of none.csv is empty."),
        ("none.ndjson", "none.ndjson has no records."),
    ],
)
def test_a_file_of_0_bytes_is_named_as_such(folder: Path, name: str, message: str) -> None:
    """It is not called damaged, nor a file with other columns."""
    (folder / name).write_bytes(b"")
    done = run(folder, "check-record", name)
    assert (done.code, message in done.err) == (2, True), done.said


@pytest.mark.parametrize(
    ("name", "shown"), [("", "''"), (" day", "' day'"), ("a\nb", "'a\\nb'"), ("\x1b[31mred", "'\\x1b[31mred'")]
)
def test_a_name_with_invisible_characters_is_quoted(registry: Any, name: str, shown: str) -> None:
    """So that a reader sees it."""
    (found,) = registry.check(RECORD | {name: 1})
    assert (found.message, found.subject) == (f"{shown} is not declared in the registry.", name)


@pytest.mark.parametrize("word", ["NaN", "-Infinity"])
def test_a_number_that_json_does_not_have_is_named(folder: Path, word: str) -> None:
    """The line is an object, so "not an object" would be wrong; `score --strict` has the same words."""
    as_ndjson(folder / "nan.ndjson", [json.dumps(RECORD).replace("2.5", word)])
    (found,) = findings(folder, "check-record", "nan.ndjson")
    assert (found["rule"], f"not JSON: {word} without quotes" in found["message"]) == ("FQ512", True)
    assert f"line 1: not JSON: {word} without quotes" in run(folder, "score", "--strict", "--input", "nan.ndjson").err


def test_bytes_that_are_not_utf8_are_a_finding(folder: Path) -> None:
    """With their line."""
    (folder / "bytes.ndjson").write_bytes(json.dumps(RECORD).encode() + b"\n\xff\n")
    (found,) = findings(folder, "check-record", "bytes.ndjson")
    assert (found["rule"], found["location"]["line"]) == ("FQ512", 2)
    assert "not UTF-8" in found["message"]


def test_no_value_of_a_record_is_printed(folder: Path) -> None:
    """Not even in the line of the file that a finding names."""
    as_ndjson(folder / "secret.ndjson", [RECORD | {"games": "secret-token", "extra": "secret-too"}])
    as_csv(folder / "secret.csv", [RECORD | {"games": "secret-token"}])
    for file in ("secret.ndjson", "secret.csv"):
        done = run(folder, "check-record", file)
        assert (done.code, f"--> {file}:" in done.out, "secret-t" in done.out) == (1, True, False), done.said


def test_a_sample_reads_no_more_than_its_records(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream without an end is read to the last record of the sample; gzip data that breaks off later is accepted."""
    line = json.dumps(RECORD).encode() + b"\n"

    class Endless(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            held = super().readline(size)
            assert held, "read past the sample"
            return held

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Endless(line * 3)))
    done = run(folder, "check-record", "-", "--sample", "3")
    assert (done.code, done.out.split(" against")[0]) == (0, "3 records checked"), done.said
    as_csv(folder / "many.csv", [RECORD] * 4000)
    for name, content in {"cut.ndjson.gz": line * 4000, "cut.csv.gz": (folder / "many.csv").read_bytes()}.items():
        (folder / name).write_bytes(gzip.compress(content)[:-8])
        assert run(folder, "check-record", name, "--sample", "3").code == 0
        assert "is not complete gzip data" in run(folder, "check-record", name).err


def test_stdin_is_read_as_ndjson(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads records from stdin; a finding has no file to link."""
    lines = f"{json.dumps(RECORD)}\n{json.dumps(RECORD | {'games': 1.5})}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    (found,) = findings(folder, "check-record", "-")
    assert "games is not a valid INT64 (the number 1.5). Found in 1 of 2 records, first in line 2" in found["message"]
    assert found["location"] is None


def test_csv_is_checked_with_its_lines(folder: Path) -> None:
    """Cells are texts, empty ones NULL, arrays and objects JSON; line breaks in quotes count."""
    wrong = RECORD | {"games": "1.5", "player": "two\nlines"}
    as_csv(folder / "records.csv", [RECORD, wrong, RECORD | {"games": ""}, RECORD | {"features": VECTOR[1:]}])
    found = findings(folder, "check-record", "records.csv")
    assert [(one["rule"], one["location"]["line"]) for one in found] == [("FQ503", 3), ("FQ505", 6)]
    (folder / "cells.csv").write_text("player,day\na\n")
    as_csv(folder / "nested.csv", [RECORD | {"names": "points;minutes", "history": "3 found"}])
    remedies = [one["remedy"] for one in findings(folder, "check-record", "nested.csv")]
    assert remedies == [f"Send an {kind}; in a cell of CSV, write it as JSON." for kind in ("array", "object")]
    assert "fewer cells than the header" in findings(folder, "check-record", "cells.csv")[0]["message"]


def test_parquet_is_checked_by_its_types(folder: Path) -> None:
    """A column of another type in the file is found in its records; rows have a number."""
    as_ndjson(folder / "lines.ndjson", [RECORD])
    read = f"read_ndjson('{folder}/lines.ndjson')"
    duckdb.sql(f"COPY (FROM {read}) TO '{folder}/right.parquet' (FORMAT parquet)")
    assert findings(folder, "check-record", "right.parquet") == []
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CAST(TO_JSON(features) AS VARCHAR) AS features, 1.5::DOUBLE AS games) FROM {read}) "
        f"TO '{folder}/wrong.parquet' (FORMAT parquet)"
    )
    found = findings(folder, "check-record", "wrong.parquet")
    assert [one["rule"] for one in found] == ["FQ504", "FQ503"]
    assert "first in row 1" in found[0]["message"]


def test_avro_is_checked(folder: Path) -> None:
    """Records of an Avro file, by fastavro; a damaged file is refused."""
    fields = [
        {"name": "player", "type": "string"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "features", "type": {"type": "array", "items": "double"}},
        {"name": "vector_version", "type": "string"},
        {"name": "games", "type": ["null", "double"]},
    ]
    schema = {"type": "record", "name": "row", "fields": fields}
    right = {"player": "a", "day": date(2026, 2, 6), "features": VECTOR, "vector_version": "v1", "games": None}
    with (folder / "records.avro").open("wb") as stream:
        fastavro.writer(stream, schema, [right, right | {"games": 1.5}])
    (found,) = findings(folder, "check-record", "records.avro")
    assert "games is not a valid INT64 (the number 1.5). Found in 1 of 2 records, first in row 2" in found["message"]
    (folder / "damaged.avro").write_bytes((folder / "records.avro").read_bytes()[:-9])
    assert run(folder, "check-record", "damaged.avro").code == 2


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_file_and_line(folder: Path, form: str) -> None:
    """The place of a finding is in each format, as links and annotations need it."""
    as_ndjson(folder / "records.ndjson", [RECORD, RECORD | {"games": 1.5}])
    done = run(folder, "check-record", "records.ndjson", "--format", form)
    assert done.code == 1, done.said
    assert "FQ503" in done.out
    assert has_place(done.out, form, "records.ndjson", 2), done.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("absent.ndjson",), 2, "absent.ndjson does not exist"),
        (("records.txt",), 2, "format of records.txt is unknown"),
        (("records.avro.gz",), 2, ".tsv (also with .gz), .avro."),
        ((".",), 2, ". is a folder."),
        (("records.ndjson", "--target", "duckdb:///new.duckdb"), 3, "There is no table store"),
    ],
)
def test_what_cannot_be_checked_is_refused(folder: Path, words: tuple[str, ...], code: int, message: str) -> None:
    """An absent file, an unknown ending, a target without the table."""
    as_ndjson(folder / "records.ndjson", [RECORD])
    done = run(folder, "check-record", *words)
    assert done.code == code, done.said
    assert message in done.err


@pytest.fixture(params=["duckdb", "bigquery"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty target."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path}/store.duckdb"
    emulator: Emulator = request.getfixturevalue("emulator")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    return f"bigquery://{PROJECT}/{request.getfixturevalue('dataset')}"


def test_the_live_table_decides_what_can_be_written(registry: Any, folder: Path, url: str) -> None:
    """A declared field that no migration has added, and a column of another type in the table, are findings."""
    table = desired_table(registry)
    columns = [one for one in table.columns if one.name not in ("games", "score")]
    columns += [column("games", "STRING"), column("rogue", "INT64")]
    with open_target(url, timeout=patient(30.0)) as warehouse:
        warehouse.run(statement("store", CreateTable(table.with_columns(tuple(columns)))))
    as_ndjson(folder / "cased.ndjson", [RECORD | {"Written_At": "2026-02-06"}])
    cased = findings(folder, "check-record", "cased.ndjson", "--target", url)
    assert "Rename the field to written_at in the writer." in [one["remedy"] for one in cased]
    as_ndjson(folder / "live.ndjson", [RECORD | {"score": 1.5, "rogue": 1, "games": 7}])
    found = {one["rule"]: one for one in findings(folder, "check-record", "live.ndjson", "--target", url)}
    assert found.keys() == {"FQ510", "FQ501", "FQ503"}
    assert "score is not a column of store" in found["FQ510"]["message"]
    assert found["FQ510"]["commands"][0][:3] == ["fqtool", "migrate", "plan"]
    assert found["FQ501"]["remedy"] == "Add it to base_columns: - {name: rogue, type: INT64}"
    assert "games is not a valid STRING as in the table" in found["FQ503"]["message"]
    assert [one["rule"] for one in findings(folder, "check-record", "live.ndjson")] == ["FQ501"]


def test_values_without_names_go_by_the_position_of_columns(registry: Any) -> None:
    """A record as a list is checked against the columns in the order of the table, and is reported for being one."""
    order = [column.name for column in desired_table(registry).columns]
    values = {**dict.fromkeys(order), **RECORD}
    right, moved = [values[name] for name in order], [values[name] for name in reversed(order)]
    assert [one.rule for one in registry.check(right)] == ["FQ511"]
    assert {one.rule for one in registry.check(moved)} > {"FQ511", "FQ503"}


def test_score_strict_rejects_what_check_record_reports(folder: Path) -> None:
    """The same records, by the same lines; without --rejects the run ends with 2 and writes nothing."""
    records = [RECORD, *(record for _, _, record in WRONG.values()), RECORD]
    source = as_ndjson(folder / "all.ndjson", records)
    words = ("score", "--input", "all.ndjson", "--strict", "--output", "out.ndjson")
    done = run(folder, *words)
    assert done.code == 2, done.said
    assert not (folder / "out.ndjson").exists()
    done = run(folder, *words, "--rejects", "rejects.ndjson")
    assert done.code == 1, done.said
    rejects = [json.loads(line) for line in (folder / "rejects.ndjson").read_text().splitlines()]
    assert [one["line"] for one in rejects] == list(range(2, len(WRONG) + 2))
    assert [one["record"] for one in rejects] == source.read_text().splitlines()[1:-1]
    assert len((folder / "out.ndjson").read_text().splitlines()) == 2


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("2026-02-06"),
    st.lists(st.floats(), max_size=8), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*RECORD, "score", "written_at", "extra"]), VALUES, max_size=4))
def test_the_fast_look_and_the_second_one_agree(changes: dict[str, Any]) -> None:
    """Whatever is changed, a record is right exactly where nothing is found."""
    check = _small()
    record = RECORD | changes
    assert check.is_right(record) == (list(check.misfits(record)) == [])


@functools.cache
def _small() -> RecordCheck:
    return RecordCheck(fqtool.load_registry(REGISTRY_FILE))


def test_different_problems_of_a_field_are_counted_separately(folder: Path) -> None:
    """Lines that cannot be read for different reasons, and labels that differ; the rest of many labels is one."""
    twice = '{"player": "a", "player": "b"}'
    large = '{"player": ' + "9" * 5_000 + "}"
    deep = '{"history": ' + '{"a":' * 2_000 + "1" + "}" * 2_001
    lines = ["1 2", twice, "{", "{", "{", large, deep]
    lines += [json.dumps(RECORD | {"vector_version": f"w{number}"}) for number in range(30)]
    (folder / "mixed.ndjson").write_text("\n".join(lines) + "\n")
    found = [(one["rule"], one["message"]) for one in findings(folder, "check-record", "mixed.ndjson")]
    assert [message for rule, message in found if rule == "FQ512"] == [
        "not a JSON object. Found in 4 of 37 records, first in line 1.",
        "the key player is given more than once. Found in 1 of 37 records, first in line 2.",
        "a number of more than 4,300 digits. Found in 1 of 37 records, first in line 6.",
        "nested too deeply. Found in 1 of 37 records, first in line 7.",
    ]
    versions = [message for rule, message in found if rule == "FQ507"]
    assert len(versions) == 21
    assert versions[-1].endswith("20 like it are listed; more were found in 10 of 37 records, first in line 28.")


def test_values_that_no_reader_of_json_may_change_are_refused(folder: Path, registry: Any) -> None:
    """Half of a character, a number beyond FLOAT64 and a repeated field of a STRUCT, by file and by program."""
    half = json.dumps(RECORD | {"player": "\ud800"})
    large = json.dumps(RECORD).replace(json.dumps(VECTOR[0]), "1e400", 1)
    field = json.dumps(RECORD | {"history": {"found": 1, "Found": 2}})
    (folder / "values.ndjson").write_text(f"{half}\n{large}\n{field}\n")
    found = [one["message"].split(". Found")[0] for one in findings(folder, "check-record", "values.ndjson")]
    half_text = r"(text with half of a character, such as \ud800)"
    assert found[0] == f"player is not a valid STRING {half_text}"
    assert found[1] == "features is not a valid ARRAY<FLOAT64> (item 0 is the number 1E+400)"
    assert "the field found is given more than once" in found[2]
    assert [one.rule for one in registry.check(RECORD | {"player": "\ud800"})] == ["FQ503"]
    assert [one.rule for one in registry.check(RECORD | {"games": 10**5000})] == ["FQ503"]
    assert registry.score([RECORD | {"picture": b"\x00"}])[0]["player"] == RECORD["player"]
    done = run(folder, "score", "--input", "values.ndjson", "--output", "out.ndjson")
    assert "line 1: text with half of a character" in done.err


def test_fields_without_a_name_and_of_a_struct_have_a_fix_of_their_own(folder: Path) -> None:
    """An empty cell of a header is named as such; a field of a STRUCT is not a column that can be declared."""
    (folder / "index.csv").write_text("player,,day\na,0,2026-02-06\n")
    message = findings(folder, "check-record", "index.csv")[0]["message"]
    assert message.startswith("'column 2 without a name' is not declared in the registry.")
    as_ndjson(folder / "struct.ndjson", [RECORD | {"history": {"elsewhere": 1}}])
    (found,) = findings(folder, "check-record", "struct.ndjson")
    assert "add it to the type of history in the registry and migrate" in found["remedy"]


def test_fields_that_the_same_records_lack_are_one_finding(folder: Path) -> None:
    """The finding names each missing field; a field that other records lack has a finding of its own."""
    records = [RECORD | {"player": None, "day": None}, RECORD | {"features": None}]
    records += [{key: value for key, value in RECORD.items() if key not in ("day", "features", "player")}]
    as_ndjson(folder / "lacking.ndjson", records)
    assert [found["message"] for found in findings(folder, "check-record", "lacking.ndjson")] == [
        "day and player are NULL. Found in 1 of 3 records, first in line 1.",
        "features is NULL. Found in 1 of 3 records, first in line 2.",
        "day, features and player are missing. Found in 1 of 3 records, first in line 3.",
    ]


@pytest.mark.parametrize("command", [["check-record"], ["score", "--input"], ["score", "--strict", "--input"]])
def test_lines_that_end_in_cr_alone_are_refused(folder: Path, command: list[str]) -> None:
    """With a command that corrects the file."""
    as_csv(folder / "cr.csv", [RECORD, RECORD])
    text = (folder / "cr.csv").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r")
    (folder / "cr.csv").write_bytes(text)
    done = run(folder, *command, "cr.csv")
    assert done.code == 2, done.said
    assert "The first line of cr.csv ends in CR alone" in done.err
    assert "tr '\\r' '\\n' < FILE" in done.err
    (folder / "cr.csv").write_bytes(text.replace(b"\r", b"\n", 1))
    assert "FQ512 record: a CR alone within the line" in run(folder, "check-record", "cr.csv").out


def test_a_fix_names_the_registry_once(folder: Path) -> None:
    """Also for commands without a warehouse."""
    other = ["--registry", "other.yaml"]
    (folder / "other.yaml").write_text((folder / "feature_registry.yaml").read_text())
    (folder / "writer.sql").write_text("INSERT store (player) SELECT 'a'")
    (folder / "code.py").write_text(f"NAMES = {[*FEATURES[:5], 'speed']!r}")
    as_ndjson(folder / "longer.ndjson", [RECORD | {"features": [*VECTOR, 7.0]}])
    commands = (["generate-sql", "writer", "--check", "writer.sql"], ["check-code", "code.py"])
    for command in (*commands, ["check-record", "longer.ndjson"]):
        done = run(folder, *command, *other)
        assert {line.count("--registry other.yaml") for line in done.out.splitlines()} == {0, 1}, done.said


def test_a_field_is_not_renamed_to_one_that_the_record_has(registry: Any) -> None:
    """Two fields would have one name; a name in other case is the same column, so it cannot be declared."""
    (found,) = registry.check(RECORD | {"Games": 1})
    assert found.remedy == "Remove it from the record, which has games too: BigQuery reads both names as one."
    (found,) = registry.check(RECORD | {"gamess": 1})
    assert "Remove it from the record" in str(found.remedy)


@pytest.mark.parametrize("value", ['"{name}"', "CAST(JSON_VALUE(vals, '$.{name}') AS FLOAT64)"])
def test_a_record_without_any_feature_is_refused(tmp_path: Path, value: str) -> None:
    """Where each feature has a column, or all are in a JSON object; one feature is enough."""
    columns = "".join(f"  - {{name: {name}, type: FLOAT64, description: D.}}\n" for name in (*FEATURES, "other"))
    vals = "  - {name: vals, type: STRING, description: D.}\n"
    edited = _edited(
        store_in(tmp_path).parent,
        ("value: features[SAFE_OFFSET({index})]", f"value: {value}"),
        ("base_columns:\n", f"base_columns:\n{columns}{vals}"),
    )
    check = RecordCheck(edited)
    bare = {name: RECORD[name] for name in ("player", "day", "vector_version")} | {"other": 1.0}
    names = FEATURES if "JSON" not in value else ("vals",)
    (found,) = edited.check(bare | dict.fromkeys(names))
    assert (found.rule, found.message.startswith(names[0]), "NULL" in found.message) == ("FQ502", True, True)
    (found,) = edited.check(bare)
    assert (found.rule, "missing" in found.message, check.is_right(bare)) == ("FQ502", True, False)
    full = bare | {names[-1]: "{}" if "JSON" in value else 1.0}
    assert (edited.check(full), check.is_right(full)) == ((), True)
    are_right = right_lines(check, json.dumps(full).encode())
    assert [are_right([json.dumps(record).encode()]) for record in (bare, full)] == [False, True]
