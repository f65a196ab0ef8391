"""Laws of reading records: NDJSON, CSV and Parquet are read as strictly; each wrong record is one rejected record."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fqtool.app.app import app
from fqtool.errors import FqtoolError, InputError, UsageError
from fqtool.warehouse.duckdb.lines import LINE_LIMIT, csv_records, numbered_lines
from fqtool.warehouse.duckdb.scorer import Scores, scorer_of
from tests.stores import small_registry

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
SCORER = scorer_of(small_registry())
RIGHT = {"item": "a", "day": "2026-02-06", "vector": [1.0, 2.0, 3.0], "labels": '{"0": "good"}'}
FORMATS = ("ndjson", "csv", "tsv", "parquet")


def as_json(records: list[dict[str, Any]]) -> bytes:
    """The records as NDJSON."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def as_csv(records: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    """The records as CSV: a list as JSON, None as an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, dict.fromkeys(name for record in records for name in record), delimiter=delimiter)
    writer.writeheader()
    for record in records:
        writer.writerow({key: json.dumps(value) if isinstance(value, list) else value for key, value in record.items()})
    return text.getvalue().encode()


def written(folder: Path, form: str, records: list[dict[str, Any]]) -> Path:
    """A file of the records."""
    path = folder / f"records.{form}"
    if form == "parquet":
        lines = folder / "lines.ndjson"
        lines.write_bytes(as_json(records))
        columns = f"{{{', '.join(f'{name}: VARCHAR' for name in records[0])}}}"
        duckdb.sql(f"COPY (FROM read_ndjson('{lines}', columns = {columns})) TO '{path}' (FORMAT parquet)")
    else:
        path.write_bytes(as_json(records) if form == "ndjson" else as_csv(records, "\t" if form == "tsv" else ","))
    return path


def scored(source: Path, *, rejects: bool = True, **options: Any) -> tuple[Scores, list[str], list[dict[str, Any]]]:
    """Score a file; return the counts, the items that were scored, and the rejected records."""
    out, aside = source.parent / "scores.ndjson", source.parent / "rejects.ndjson"
    scores = SCORER.file(source, out, NOW, aside if rejects else None, **options)
    items = [json.loads(line)["item"] for line in out.read_text().splitlines()]
    return scores, items, [json.loads(line) for line in aside.read_text().splitlines()] if rejects else []


@pytest.mark.parametrize("form", FORMATS)
def test_each_wrong_record_is_rejected_with_its_place_and_reason(tmp_path: Path, form: str) -> None:
    """A missing key, an empty one, values of another type: the same reasons in every format; the others are scored."""
    wrong = [
        (RIGHT | {"item": None}, "item is missing or NULL"),
        (RIGHT | {"day": None}, "day is missing or NULL"),
        (RIGHT | {"day": "soon"}, "day is not a valid DATE (a value of 4 characters)"),
        (RIGHT | {"vector": [1, "x"]}, "vector is not a valid ARRAY<FLOAT64> (a value of 8 characters)"),
        (RIGHT | {"vector": [True]}, "vector is not a valid ARRAY<FLOAT64> (a value of 6 characters)"),
    ]
    records = [RIGHT, *(record for record, _ in wrong), RIGHT | {"item": "z"}]
    scores, items, rejected = scored(written(tmp_path, form, records))
    assert (scores, items) == (Scores(2, 5), ["a", "z"])
    unit, first = ("row", 2) if form == "parquet" else ("line", 2 if form == "ndjson" else 3)
    assert [record[unit] for record in rejected] == [first + number for number in range(len(wrong))]
    # How many characters a list takes as text is up to the writer.
    assert [record["why"].split("(")[0] for record in rejected] == [why.split("(")[0] for _, why in wrong]


@pytest.mark.parametrize("form", FORMATS)
def test_a_wrong_record_stops_the_run_without_rejects(tmp_path: Path, form: str) -> None:
    """Without --rejects the run ends with exit 2 and fqtool's words; an older output stays as it was."""
    source = written(tmp_path, form, [RIGHT, RIGHT | {"item": None}])
    (tmp_path / "scores.ndjson").write_text("older")
    with pytest.raises(InputError, match="item is missing") as caught:
        scored(source, rejects=False)
    assert (caught.value.exit_code, "--rejects" in caught.value.remedy) == (2, True)
    assert (tmp_path / "scores.ndjson").read_text() == "older"


@pytest.mark.parametrize("form", FORMATS)
def test_an_undeclared_field_is_reported_once_and_rejected_where_asked(tmp_path: Path, form: str) -> None:
    """A field of another case or name is reported once for all records; with `strict` its records are rejected."""
    record = {"Labels" if name == "labels" else name: value for name, value in RIGHT.items()}
    source = written(tmp_path, form, [record] * 3)
    named: list[str] = []
    assert scored(source, on_undeclared=named.append)[0] == Scores(3, 0)
    assert named == ["Labels"]
    scores, _, rejected = scored(source, strict=True)
    assert scores == Scores(0, 3)
    assert all("Labels is not declared in the registry" in record["why"] for record in rejected)
    with pytest.raises(InputError, match="Labels is not declared in the registry"):
        scored(source, rejects=False, strict=True)


def test_strict_rejects_only_the_records_with_the_field(tmp_path: Path) -> None:
    """In NDJSON a field belongs to a record; a record without it is scored."""
    source = written(tmp_path, "ndjson", [RIGHT, RIGHT | {"extra": 1, "more": 2}, RIGHT | {"item": "c"}])
    scores, items, rejected = scored(source, strict=True)
    assert (scores.rejected, items) == (1, ["a", "c"])
    assert (rejected[0]["line"], rejected[0]["why"]) == (
        2,
        "extra is not declared in the registry; more is not declared in the registry",
    )


@pytest.mark.parametrize("size", [LINE_LIMIT + 1, 3 * LINE_LIMIT])
@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_lines_too_long_or_not_utf8_are_rejected_records(tmp_path: Path, form: str, size: int) -> None:
    """A line beyond the limit, a little or far, and a line that is not UTF-8: one rejected record each, by its line."""
    long, last = RIGHT | {"labels": "x" * size}, RIGHT | {"item": "last"}
    make = as_json if form == "ndjson" else as_csv
    right = make([RIGHT])
    rows = [make([record]).split(b"\n", form == "csv")[form == "csv"].strip() for record in (long, last)]
    source = tmp_path / f"records.{form}"
    source.write_bytes(right + rows[0] + b"\n" + rows[1].replace(b"last", b"la\xffst") + b"\n" + rows[1] + b"\n")
    scores, items, rejected = scored(source)
    assert (scores, items) == (Scores(2, 2), ["a", "last"])
    first = 2 + (form == "csv")
    assert [(record["line"], record["why"]) for record in rejected] == [
        (first, "longer than 16 MiB"),
        (first + 1, "not UTF-8 text"),
    ]
    assert r"la\xffst" in rejected[1]["record"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("half.ndjson.gz", gzip.compress(as_json([RIGHT]) * 1000)[:-40]),
        ("flipped.ndjson.gz", gzip.compress(os.urandom(4000))[:-8] + bytes(8)),
        ("plain.ndjson.gz", as_json([RIGHT])),
        ("empty.csv.gz", b""),
        ("empty.parquet", b""),
        ("text.parquet", b"no Parquet"),
        ("latin.csv", b"item,day,caf\xe9\n"),
        ("twice.csv", b"item,day,Item\na,2026-02-06,b\n"),
        ("empty.csv", b""),
    ],
)
def test_a_damaged_file_is_wrong_input(tmp_path: Path, name: str, content: bytes) -> None:
    """Exit 2 with the file's name and no word of DuckDB's, with and without rejects; nothing is written."""
    source = tmp_path / name
    source.write_bytes(content)
    for rejects in (False, True):
        with pytest.raises(InputError, match=name) as caught:
            scored(source, rejects=rejects)
        assert not any(word in str(caught.value) for word in ("Error", "DuckDB", "IO ", "sniff"))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_damaged_page_of_parquet_is_wrong_input(tmp_path: Path) -> None:
    """Also where the damage is found while the records are scored."""
    source = written(tmp_path, "parquet", [RIGHT] * 100)
    content = bytearray(source.read_bytes())
    content[8:60] = bytes(52)
    source.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        scored(source)


@pytest.mark.parametrize(
    "content",
    [
        as_csv([RIGHT]).replace(b"\r\n", b"\n", 1),
        as_csv([RIGHT]).replace(b"\r\n", b"\n") + b'"b\r\nc",2026-02-06,,\r\n',
        b"\xef\xbb\xbf" + as_csv([RIGHT]),
        b"number," + as_csv([RIGHT]).replace(b"\r\na", b"\r\n0,a"),
    ],
)
def test_csv_is_read_however_its_lines_end(tmp_path: Path, content: bytes) -> None:
    """LF and CRLF in one file, a byte order mark, and a first column of numbers take no record away."""
    source = tmp_path / "records.csv"
    source.write_bytes(content)
    scores, items, _ = scored(source)
    assert scores.rejected == 0
    assert items in (["a"], ["a", "b\r\nc"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [as_json([RIGHT]).strip(), b"", b" \t", b"{", b"[1]", b"null", b"\xff", b"{}", b'{"item": 1} x']
        )
    )
)
@example([b"{}"] * 3_000)
@example([b"{"])
def test_every_line_is_scored_or_rejected(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """Law: of NDJSON each line that is not blank is scored or rejected, in order, under its own number."""
    source = tmp_path_factory.mktemp("lines") / "records.ndjson"
    source.write_bytes(b"\n".join(lines))
    scores, items, rejected = scored(source)
    wrong = [number for number, line in enumerate(lines, 1) if line.strip() and not line.startswith(b'{"item": "a"')]
    assert [record["line"] for record in rejected] == wrong
    assert len(items) == scores.written == sum(bool(line.strip()) for line in lines) - len(wrong)
    assert [record["record"] for record in rejected] == [
        lines[number - 1].decode(errors="backslashreplace") for number in wrong
    ]


CELLS = st.sampled_from(["a", "2026-02-06", "", '"x\ny"', '"p""q"', '"', 'a"b', '"a"b', "\xe9", "[1]"])
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=3).map(",".join), max_size=6)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.booleans())
def test_every_row_of_csv_is_scored_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], latin: bool
) -> None:
    """Law: whatever quotes, line breaks and bytes a CSV has, each record is scored or rejected under its own line.

    Where a quoted cell is broken, what its record ends with is a guess: then something is rejected.
    """
    source = tmp_path_factory.mktemp("rows") / "records.csv"
    source.write_bytes("\n".join(["item,day", *rows, ""]).encode("latin-1" if latin else "utf-8"))
    try:
        scores, items, rejected = scored(source)
    except FqtoolError as error:
        assert error.exit_code == 2, error  # noqa: PT017  what DuckDB cannot split at all
        return
    if any("quoted cell" in record["why"] for record in rejected):
        return
    records = {record.line: record.raw for record in csv_records(numbered_lines(source), ",", 2)}
    assert scores.written + scores.rejected == len(records)
    assert len(items) == scores.written
    for record in rejected:
        assert record["record"] == records[record["line"]].decode(errors="backslashreplace")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an example registry and a file of one record and one line that is not."""
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["init"])
    record = {"item": "a", "day": "2026-01-01", "features": [1, 2], "labels": {"0": "computed"}}
    Path("in.ndjson").write_bytes(as_json([record]) + b"bad\n")
    Path("linked.ndjson").symlink_to("in.ndjson")
    Path("hard.ndjson").hardlink_to("in.ndjson")
    Path("later.ndjson").symlink_to("out.ndjson")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "out", "rejects"),
    [
        ("in.ndjson", "in.ndjson", None),
        ("in.ndjson", "hard.ndjson", None),
        ("linked.ndjson", "in.ndjson", None),
        ("in.ndjson", "out.ndjson", "out.ndjson"),
        ("in.ndjson", "out.ndjson", "later.ndjson"),
        ("in.ndjson", "sub/../out.ndjson", "{folder}/out.ndjson"),
        ("in.ndjson", "out.ndjson", "linked.ndjson"),
        ("in.ndjson", "-", "-"),
    ],
)
def test_one_file_for_two_options_is_refused(store: Path, source: str, out: str, rejects: str | None) -> None:
    """--input, --output and --rejects of one file, by name, link or another path: exit 2, every file as it was."""
    (store / "sub").mkdir()
    before = (store / "in.ndjson").read_bytes()
    words = ["score", "--input", source, "--output", out]
    words += ["--rejects", rejects.format(folder=store)] if rejects else []
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, UsageError), done.output
    assert (store / "in.ndjson").read_bytes() == before
    assert not (store / "out.ndjson").exists()


def test_the_command_warns_of_an_undeclared_field(store: Path) -> None:
    """`fqtool score --input` names an undeclared field, with the name that was meant, and ends with 0."""
    (store / "in.ndjson").write_bytes(as_json([{"item": "a", "day": "2026-01-01", "Labels": {}, "\x1b[2J": 1}] * 2))
    done = CliRunner().invoke(app, ["score", "--input", "in.ndjson"])
    assert done.exit_code == 0, done.output
    assert done.stderr.count("`Labels`; it is ignored. Did you mean `labels`?") == 1
    assert "\x1b" not in done.stderr
    strict = CliRunner().invoke(app, ["score", "--input", "in.ndjson", "--strict"])
    assert isinstance(strict.exception, InputError)
