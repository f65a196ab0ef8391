"""Laws of scoring without a table: a program's records and files give what the table would hold."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import fqtool
from fqtool.api import LoadedRegistry
from fqtool.errors import InputError, StatementFailed
from fqtool.registry.alerts_and_models import Each
from fqtool.registry.model import ColumnSpec
from fqtool.schema.build import expand_columns
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.record_files import Fields, record_file
from fqtool.warehouse.duckdb.scorer import DuckDBScorer, scorer_of
from fqtool.warehouse.duckdb.transpile.dialect import to_duckdb
from fqtool.warehouse.duckdb.typed_rows import all_right
from tests.bed.running import ROOT
from tests.machine import patient
from tests.plain_scorer import score as plain_score
from tests.stores import small_registry

FILE = ROOT / "feature_registry.yaml"
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
AS_OF = ["--as-of", "2026-02-07T12:00:00Z"]


@pytest.fixture(scope="module")
def registry() -> LoadedRegistry:
    """The repository's own."""
    return fqtool.load_registry(FILE)


def record(key: str = "a", *defaults: int, **more: Any) -> dict[str, Any]:
    """A row whose features come from phase4, but those named."""
    labels = {str(index): "default" if index in defaults else "phase4" for index in range(37)}
    return {"player_lookup": key, "game_date": "2026-02-06", "feature_sources": labels, "features": [1.0] * 37} | more


def invoked(*words: str, stdin: bytes | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `fqtool score` with the repository's registry."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "score", "-r", str(FILE), *AS_OF, *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        input=stdin,
        timeout=patient(60.0),
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lines_of(path: Path, *records: object) -> Path:
    """Write records as NDJSON; a text as it is."""
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records))
    return path


def read_back(path: Path) -> list[dict[str, Any]]:
    """Read NDJSON; labels that are passed on are compared by value, not by spelling."""
    found: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    for one in found:
        if isinstance(one.get("feature_sources"), str):
            one["feature_sources"] = json.loads(one["feature_sources"])
    return found


def test_composite_factors_that_are_defaulted_make_a_row_red(registry: LoadedRegistry) -> None:
    """Features 5-8 of label `default`: quality 40, source default, alert red, not ready for training."""
    (scored,) = registry.score([record("a", 5, 6, 7, 8)], as_of=NOW)
    for index in (5, 6, 7, 8):
        assert (scored[f"feature_{index}_quality"], scored[f"feature_{index}_source"]) == (40.0, "default")
    assert (scored["quality_alert_level"], scored["is_training_ready"]) == ("red", False)
    assert scored["quality_computed_at"] == NOW


def test_a_scored_record_has_its_keys_and_every_managed_column(registry: LoadedRegistry) -> None:
    """124 columns in the table's order: two keys and 122; what upstream owns is passed on as it came."""
    (scored,) = registry.score([record(is_production_ready=True)], as_of=NOW)
    managed = [one.name for one in expand_columns(registry)]
    assert list(scored) == ["player_lookup", "game_date", *managed]
    assert len(managed) == 122
    assert (scored["player_lookup"], scored["game_date"], scored["is_production_ready"]) == (
        "a",
        date(2026, 2, 6),
        True,
    )
    assert scored["feature_quality_score"] == Decimal(100)


def test_a_record_alone_scores_as_among_others(registry: LoadedRegistry) -> None:
    """The result depends neither on the number of records nor on their order; more than one batch keeps the order."""
    records = [record(f"k{number}", *range(number % 9)) for number in range(4_100)]
    together = registry.score(records, as_of=NOW)
    assert [one["player_lookup"] for one in together] == [one["player_lookup"] for one in records]
    assert together[4_017] == registry.score([records[4_017]], as_of=NOW)[0]
    assert registry.score([], as_of=NOW) == []


def test_the_query_is_planned_once() -> None:
    """A query with this limit of depth cannot be planned, so a second plan would be an error."""
    scorer = scorer_of(fqtool.load_registry(FILE))
    before = scorer.records([record("a", 5)], NOW)
    scorer._connection.execute("SET max_expression_depth = 10")
    with pytest.raises(duckdb.Error, match="Max expression depth"):
        scorer._connection.execute(f"PREPARE again AS {scorer._over(all_right(scorer._typed_records))}")
    assert scorer.records([record("a", 5)], NOW) == before
    assert len(scorer.records([record("a"), record("b")], NOW)) == 2


@pytest.mark.parametrize(
    "expression",
    [
        "CAST(x AS STRING)",
        "TO_JSON_STRING(x)",
        "FORMAT_TIMESTAMP('%F %H', x)",
        "FORMAT_TIMESTAMP('%Y', x)",
        "EXTRACT(HOUR FROM x)",
        "TIMESTAMP_DIFF(x, x, HOUR)",
        "DATE(x)",
        "x",
    ],
)
def test_a_time_in_a_prepared_query_does_not_plan_it_again(expression: str) -> None:
    """DuckDB 2.0.1 plans STRFTIME and DATE_PART of a TIMESTAMPTZ at each execution."""
    nested = "(" * 20 + "1" + " + 1)" * 20
    select = to_duckdb(f"SELECT {expression} AS made, {nested} AS deep FROM t", (("t", (("x", "TIMESTAMP"),)),))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"PREPARE asked AS WITH t AS (SELECT CAST($x AS TIMESTAMPTZ) AS x) {select.removeprefix('WITH ')}"
        )
        execute = "EXECUTE asked(x := TIMESTAMPTZ '2026-02-06 01:02:03.5+00')"
        before = connection.execute(execute).fetchall()
        connection.execute("SET max_expression_depth = 10")
        assert connection.execute(execute).fetchall() == before


def test_values_come_as_programs_have_them(registry: LoadedRegistry) -> None:
    """Labels as text or dict, times with and without zone, exact numbers, NaN and None: all are read as the table's."""
    as_dict, as_text = record(), record(feature_sources=json.dumps(record()["feature_sources"], separators=(",", ":")))
    assert registry.score([as_dict], as_of=NOW) == registry.score([as_text], as_of=NOW)
    rich = record(
        game_date=date(2026, 2, 6),
        created_at=datetime(2026, 2, 6, 12),  # noqa: DTZ001  without a zone on purpose
        source_composite_last_updated=datetime(2026, 2, 6, 10, tzinfo=UTC),
        actual_games_count=Decimal(7),
        features=(float("nan"), float("inf"), None, *[1.0] * 34),
    )
    (scored,) = registry.score([rich], as_of=NOW)
    assert scored["upstream_data_freshness_hours"] is None
    assert json.loads(scored["feature_last_updated_json"])["5"] == "2026-02-06T10:00:00Z"
    assert json.loads(scored["feature_sample_sizes_json"])["1"] == 7
    valid = json.loads(scored["feature_value_ranges_valid_json"])
    assert (valid["0"], valid["1"], "2" in valid) == (False, False, False)


def test_unknown_sources_are_never_guessed(registry: LoadedRegistry) -> None:
    """A record without labels has no quality, and is not confused with one whose labels are empty."""
    unknown, empty = registry.score([record(feature_sources=None), record(feature_sources={})], as_of=NOW)
    assert (unknown["feature_quality_score"], unknown["quality_alert_level"]) == (None, None)
    assert (empty["feature_quality_score"], empty["quality_alert_level"]) == (Decimal(40), "red")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"features": [1, "x"]}, "features is not a valid ARRAY<FLOAT64> (a value of 7 characters)"),
        ({"actual_games_count": 1.5}, "actual_games_count is not a valid INT64 (a value of 3 characters)"),
        ({"created_at": "soon"}, "created_at is not a valid TIMESTAMP (a value of 4 characters)"),
        ({"game_date": "2026-13-01"}, "game_date is not a valid DATE (a value of 10 characters)"),
        ({"is_production_ready": "maybe"}, "is_production_ready is not a valid BOOL (a value of 5 characters)"),
    ],
)
def test_a_value_of_another_type_is_reported_with_its_record(
    registry: LoadedRegistry, wrong: dict[str, Any], sentence: str
) -> None:
    """Nothing is rounded, cut or made NULL: the record's number, the column, the type and the value are reported."""
    with pytest.raises(InputError) as caught:
        registry.score([record(), record(**wrong)], as_of=NOW)
    assert f"record 1: {sentence}" in caught.value.message


@pytest.mark.parametrize("bad", [[3], [record(features=object())], [record(features=b"x")]])
def test_input_other_than_records_is_reported(registry: LoadedRegistry, bad: list[Any]) -> None:
    """Neither a number nor a value that JSON cannot express is scored, and neither ends in a traceback."""
    with pytest.raises(InputError):
        registry.score(bad, as_of=NOW)


def test_the_fields_of_one_record_are_those_of_score(registry: LoadedRegistry) -> None:
    """build_feature_quality_fields gives the managed columns that score gives, labels by number or text."""
    labels = {5: "default", **dict.fromkeys([one for one in range(37) if one != 5], "phase4")}
    metadata = {"player_lookup": "a", "game_date": "2026-02-06", "actual_games_count": 12}
    made = registry.build_feature_quality_fields(labels, [1.0] * 37, metadata, as_of=NOW)
    (scored,) = registry.score([record("a", 5, actual_games_count=12)], as_of=NOW)
    other = ("feature_sources", *registry.table.keys)
    assert {**made, "feature_sources": ""} == {"feature_sources": ""} | {
        name: value for name, value in scored.items() if name not in other
    }


def test_threads_share_one_registry(registry: LoadedRegistry) -> None:
    """Several threads get what one would."""
    expected = [registry.score([record("x", number)], as_of=NOW) for number in range(6)]
    got: dict[int, Any] = {}

    def work(number: int) -> None:
        got[number] = registry.score([record("x", number)], as_of=NOW)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [got[number] for number in range(6)] == expected


def test_a_file_gives_what_records_give(tmp_path: Path) -> None:
    """NDJSON, gzipped NDJSON, Parquet, CSV and stdin, in and out: the same scores, plain scorer and all."""
    records = [record("a", 5), record("b", feature_sources=None), record("c", *range(37), features=[0.5] * 37)]
    source = lines_of(tmp_path / "in.ndjson", *records)
    assert invoked("--input", str(source), "--output", str(tmp_path / "o.ndjson"))[0] == 0
    expected = read_back(tmp_path / "o.ndjson")
    for given, made in zip(records, expected, strict=True):
        labels = given["feature_sources"]
        row = given | {"feature_sources": None if labels is None else json.dumps(labels)}
        plain = plain_score(row, NOW)
        assert {name: made[name] for name in ("quality_tier", "default_feature_count", "quality_alert_level")} == {
            name: plain[name] for name in ("quality_tier", "default_feature_count", "quality_alert_level")
        }
    packed = tmp_path / "in.ndjson.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    sheet = tmp_path / "in.csv"
    with sheet.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(records[0])
        writer.writerows(
            [
                "" if value is None else json.dumps(value) if isinstance(value, list | dict) else value
                for value in one.values()
            ]
            for one in records
        )
    parquet = tmp_path / "in.parquet"
    assert invoked("--input", str(source), "--output", str(tmp_path / "scored.parquet"))[0] == 0
    as_parquet(source, parquet)
    for other in (packed, sheet, parquet):
        out = tmp_path / f"from_{other.suffix[1:]}.ndjson"
        assert invoked("--input", str(other), "--output", str(out))[0] == 0, other
        assert read_back(out) == expected, other
    code, stdout, stderr = invoked("--input", "-", stdin=source.read_bytes())
    assert (code, stdout) == (0, (tmp_path / "o.ndjson").read_text())
    assert "3 records scored." in stderr
    assert invoked("--input", str(source), "--output", str(tmp_path / "o.csv"))[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "o.csv").read_text())))
    assert [json.loads(one["quality_alerts"]) for one in rows] == [one["quality_alerts"] for one in expected]


def test_every_problem_of_a_record_is_reported() -> None:
    """In one run, with the length of a value, whose type is not known; and stdin has one name."""
    wrong = record("a") | {"game_date": "x", "actual_games_count": 1.5, "featurs": []}
    code, _, said = invoked("--input", "-", stdin=json.dumps(wrong).encode() + b"\n")
    assert code == 2
    for words in (
        "game_date is not a valid DATE (a value of 1 character); ",
        "actual_games_count is not a valid INT64 (a value of 3 characters)",
        "warning: stdin: the registry does not declare `featurs`",
    ):
        assert words in " ".join(said.split())


@pytest.mark.parametrize("form", ["ndjson", "csv", "CSV"])
def test_a_file_named_gz_is_compressed(tmp_path: Path, form: str) -> None:
    """Scores and rejected records, as the reader of the name expects; Parquet has its own compression."""
    source = lines_of(tmp_path / "in.ndjson", record("a", 5), {"player_lookup": None})
    ending = f"{form}.GZ" if form.isupper() else f"{form}.gz"
    aside = ("--rejects", str(tmp_path / "rejects.ndjson.gz"))
    assert invoked("--input", str(source), "--output", str(tmp_path / f"o.{form}"), *aside)[0] == 1
    assert invoked("--input", str(source), "--output", str(tmp_path / f"o.{ending}"), *aside)[0] == 1
    assert gzip.decompress((tmp_path / f"o.{ending}").read_bytes()) == (tmp_path / f"o.{form}").read_bytes()
    assert json.loads(gzip.decompress((tmp_path / "rejects.ndjson.gz").read_bytes()))["line"] == 2
    code, _, said = invoked("--input", str(source), "--output", str(tmp_path / "o.parquet.gz"))
    assert (code, "Parquet is not compressed again." in said) == (2, True)
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".")) == []


def as_parquet(source: Path, target: Path) -> None:
    """Write NDJSON as Parquet, with the types that DuckDB finds."""
    import duckdb

    duckdb.sql(f"COPY (FROM read_json('{source}')) TO '{target}' (FORMAT parquet)")


def test_an_unreadable_line_stops_and_loses_nothing(tmp_path: Path) -> None:
    """Line numbers count blank lines; all is reported in one run; no output appears, and an older one stays."""
    source = lines_of(tmp_path / "in.ndjson", record(), "", '{"a": bad}', "[1]", record(features="no"), record("z"))
    out = tmp_path / "out.ndjson"
    out.write_text("older")
    code, _, stderr = invoked("--input", str(source), "--output", str(out))
    sentence = " ".join(stderr.split())
    assert code == 2
    assert "line 3: not a JSON object; line 4: not a JSON object; line 5: features is not a valid ARRAY" in sentence
    assert "--rejects" in sentence
    assert out.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ndjson", "out.ndjson"]


def test_unreadable_lines_are_set_aside_whole(tmp_path: Path) -> None:
    """With --rejects each is kept with its number and cause; the others are scored; exit 1 means there were some."""
    bad = ['{"a": bad}', "[1]", json.dumps(record(features="no"))]
    source = lines_of(tmp_path / "in.ndjson", record(), "", *bad, record("z"))
    out, aside = tmp_path / "out.ndjson", tmp_path / "aside.ndjson"
    code, _, stderr = invoked("--input", str(source), "--output", str(out), "--rejects", str(aside))
    assert (code, [one["player_lookup"] for one in read_back(out)]) == (1, ["a", "z"])
    assert [(one["line"], one["record"]) for one in read_back(aside)] == list(zip((3, 4, 5), bad, strict=True))
    assert "2 records scored, 3 written to" in " ".join(stderr.split())


def test_a_csv_line_of_another_width_is_unreadable(tmp_path: Path) -> None:
    """It is reported by its line, or set aside, and so is a cell of another type."""
    source = tmp_path / "in.csv"
    source.write_text('player_lookup,game_date\na,2026-02-06\nb\nc,tomorrow\n"d\ne",2026-02-06\n')
    code, _, stderr = invoked("--input", str(source))
    sentence = " ".join(stderr.split())
    assert code == 2
    assert "line 3: fewer cells than the header" in sentence
    assert "line 4: game_date is not a valid DATE (a value of 8 characters)" in sentence
    out, aside = tmp_path / "o.ndjson", tmp_path / "aside.ndjson"
    assert invoked("--input", str(source), "--output", str(out), "--rejects", str(aside))[0] == 1
    assert [one["player_lookup"] for one in read_back(out)] == ["a", "d\ne"]
    assert [one["line"] for one in read_back(aside)] == [3, 4]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent.ndjson", None, "does not exist"),
        ("table.xls", "", "The format of"),
        ("random.parquet", "no parquet", "cannot be read as Parquet"),
        ("other.csv", "x,y\n1,2\n", "has none of the columns that are read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: str | None, sentence: str) -> None:
    """One sentence with the file and the cause, exit 2."""
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    code, _, stderr = invoked("--input", str(path))
    assert (code, sentence in " ".join(stderr.split())) == (2, True), stderr


@pytest.mark.parametrize("name", ["a[1].csv", "*.csv", "a?.csv", "~.csv", "it's.csv", "who=b/a1.csv", "who=b/[a]?.csv"])
def test_a_file_is_itself(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the file of that very name is read, no other that a pattern in it would fit; its folders mean nothing."""
    import duckdb

    monkeypatch.chdir(tmp_path)
    for one in ("a1.csv", "ab.csv", "who=b/ab.csv", name):
        Path(one).parent.mkdir(exist_ok=True)
        Path(one).write_text(f"who\n{'right' if one == name else 'wrong'}\n")
    connection = duckdb.connect()
    with record_file(connection, Path(name), Fields((column("who", "STRING"),))) as read:
        assert connection.sql(f"SELECT who FROM ({read.sql})").fetchall() == [("right",)]


def test_a_file_and_dates_do_not_go_together() -> None:
    """--input has neither dates nor a target; without both, score names what it needs."""
    assert invoked("--input", "x.ndjson", "--start", "2026-02-06")[0] == 2
    assert "needs dates or a file" in " ".join(invoked()[2].split())


def test_another_team_s_records_are_scored_by_its_registry() -> None:
    """Names, keys and labels come from the registry alone."""
    (scored,) = scorer_of(small_registry()).records(
        [{"item": "a", "day": "2026-02-06", "vector": [1, 2, 3], "labels": {"0": "good", "1": "bad", "2": "good"}}], NOW
    )
    assert (scored["item"], scored["score"], scored["defaults"]) == ("a", Decimal(80), 1)


def test_scores_are_json_also_where_they_are_not_finite(tmp_path: Path) -> None:
    """JSON has no NaN and no infinities: they are strings, alone and in an ARRAY; None and numbers stay as they are."""
    more = (
        ColumnSpec("feature_{index}_value", "FLOAT64", "values", "", "value", Each.FEATURE),
        ColumnSpec("all_values", "ARRAY<FLOAT64>", "values", "", "FEATURE_LIST(value, value IS NOT NULL)"),
    )
    registry = small_registry(4, columns=(*small_registry().columns, *more))
    source, out = tmp_path / "rows.ndjson", tmp_path / "scores.ndjson"
    vector = "[NaN, -Infinity, 2.5, null]"
    source.write_text(f'{{"item": "a", "day": "2026-02-06", "vector": {vector}, "labels": "{{}}"}}\n')
    scorer_of(registry).file(source, out, NOW)
    scored = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert [scored[f"feature_{n}_value"] for n in range(4)] == ["NaN", "-Infinity", 2.5, None]
    assert scored["all_values"] == ["NaN", "-Infinity", 2.5]


LONG = "12345678901234567890.123456789"


def test_a_long_number_of_json_keeps_its_digits(tmp_path: Path) -> None:
    """JSON numbers with more digits than a double holds are exact in a NUMERIC, as in a load job of BigQuery."""
    source, out = tmp_path / "in.ndjson", tmp_path / "out.ndjson"
    lines = (f'{{"n": {LONG}}}', '{"s": "\\"n\\": 7", "n" : 100000000000000000001}', '{"n": 1.5, "other": {"n": 2}}')
    source.write_text("\n".join(lines))
    scorer = DuckDBScorer("WITH `x` AS (SELECT `n` FROM `records`) SELECT `n` FROM `x`", (column("n", "NUMERIC"),))
    scorer.file(source, out, NOW)
    found = [Decimal(line.partition(":")[2].strip(' }"')) for line in out.read_text().splitlines()]
    assert found == [Decimal(LONG), Decimal(100000000000000000001), Decimal("1.5")]
    given = [{"n": Decimal(LONG)}, {"n": 100000000000000000001}]
    assert [row["n"] for row in scorer.records(given, NOW)] == [Decimal(LONG), Decimal(100000000000000000001)]


def test_a_value_that_does_not_fit_is_reported_with_column_and_row(tmp_path: Path) -> None:
    """Of a program's records and of a file."""
    large = ColumnSpec("large", "NUMERIC(3, 1)", "aggregate", expr="vector[SAFE_OFFSET(0)] * 100")
    store = small_registry()
    scorer = scorer_of(replace(store, columns=(*store.columns, large)))
    rows = [{"item": item, "day": "2026-02-06", "vector": [value]} for item, value in (("a", 0.5), ("b", 9.0))]
    source = tmp_path / "in.ndjson"
    source.write_text("\n".join(map(json.dumps, rows)))
    words = r"The value of `large` does not fit NUMERIC\(3, 1\) in the row item = b, day = 2026-02-06"
    with pytest.raises(StatementFailed, match=words):
        scorer.records(rows, NOW)
    with pytest.raises(StatementFailed, match=words):
        scorer.file(source, tmp_path / "out.ndjson", NOW)


NUMBERS = "STRUCT<a NUMERIC(5, 2), b INT64, c ARRAY<FLOAT64>>"
TEXT = 'a\\nb \\"q\\" \\\\ \\u00e9'


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("ARRAY<NUMERIC>", f'[{LONG}, -0.12345678901234567, "2.5"]', [LONG, "-0.123456789", "2.5"]),
        ("ARRAY<STRUCT<n STRING, v NUMERIC>>", f'[{{"n": "x, {LONG}, y", "v": {LONG}}}]', [f"x, {LONG}, y", LONG]),
        ("ARRAY<INT64>", '[9223372036854775807, "9007199254740993", 1.0]', [2**63 - 1, 9007199254740993, 1]),
        (NUMBERS, '{"a": 999.99, "b": "9007199254740993", "c": [0.1]}', ["999.99", 9007199254740993, [0.1]]),
        ("ARRAY<STRING>", f'["{TEXT}"]', ['a\nb "q" \\ é']),
        ("STRUCT<s STRING, d DATE>", f'{{"s": "{TEXT}"}}', ['a\nb "q" \\ é', None]),
        ("ARRAY<FLOAT64>", '["NaN", "Infinity", 1e308]', None),
        (NUMBERS, '{"a": 1234.5}', "refused"),
        (NUMBERS, '{"b": 1.5}', "refused"),
        (NUMBERS, '{"b": true}', "refused"),
        (NUMBERS, '{"c": [1e400]}', "refused"),
        ("ARRAY<STRUCT<b INT64>>", '[{"b": 1}, {"b": 1.5}]', "refused"),
        ("ARRAY<FLOAT64>", "[1e400]", "refused"),
        ("FLOAT64", "1e400", "refused"),
        ("ARRAY<NUMERIC>", "[true]", "refused"),
    ],
)
def test_values_in_arrays_and_structs_are_exact_or_refused(
    tmp_path: Path, kind: str, text: str, expected: object
) -> None:
    """Digits, fractions and escapes are those of the line; what BigQuery refuses is an unreadable record."""
    source = tmp_path / "in.ndjson"
    source.write_text(f'{{"note": "{LONG}", "v": {text}}}\n{{"v": null}}\n')
    with duckdb.connect() as connection, record_file(connection, source, Fields((column("v", kind),))) as records:
        found = connection.execute(f"SELECT v, _wrong FROM ({records.sql})").fetchall()
    (value, wrong), nothing = found
    assert nothing == (None, None)
    if expected == "refused":
        assert "v is not a valid" in wrong
        return
    assert wrong is None
    if expected is not None:
        items = value if isinstance(value, list) else [value]
        flat = [one for item in items for one in (item.values() if isinstance(item, dict) else [item])]
        wanted = [
            Decimal(one) if isinstance(given, Decimal) else one for one, given in zip(expected, flat, strict=True)
        ]  # type: ignore[call-overload]
        assert flat == wanted
