"""Keys, features, ranges and spreads that are learned from rows, and the registry that they are written into."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.commands.diagnose.history import FEWEST
from fqtool.commands.init.propose import Profile, date_column, features_of
from fqtool.commands.init.run import scaffold_live
from fqtool.commands.learn.limits import learned
from fqtool.errors import InputError
from fqtool.migrations.plan import make_statement
from fqtool.registry.load import read_registry
from fqtool.registry.model import Feature, TableSpec
from fqtool.registry.yaml.document import read_document
from fqtool.registry.yaml.set_keys import with_keys
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import PROJECT, Emulator
from tests.emulated_scoring import as_json
from tests.feature_layouts import LAYOUTS
from tests.in_process import fqtool
from tests.sample_table import open_bigquery
from tests.scaffolds import in_order, loaded

LAST = date(2026, 2, 6)
FEATURE = Feature(0, "f", "c")
EMPTY = FeatureDay(*(0,) * 5, *(None,) * 4, *(0,) * 7)


def day_of(number: int, low: Any, high: Any, **more: Any) -> Day:
    """A date of one feature."""
    known: dict[str, Any] = {"scored": 50, "present": 50, "mean": 0.0, "stddev": 1.0, "low": low, "high": high}
    about = replace(EMPTY, **known | more)
    return Day(LAST - timedelta(days=number), 50, 50, 0, 0, 0, {0: about}, {}, {})


numbers = st.floats(-1e9, 1e9).map(lambda one: round(one, 3))


@given(st.lists(st.tuples(numbers, numbers).map(sorted), min_size=14, max_size=20))
def test_a_learned_range_has_every_observed_value_and_keeps_the_sign(spans: list[list[float]]) -> None:
    """Law: no value of the dates is outside, and values of one sign do not get the other one."""
    low, high = min(one for one, _ in spans), max(one for _, one in spans)
    found = learned(FEATURE, [day_of(number, *one) for number, one in enumerate(spans)])
    if low == high:
        assert found.range is None
        return
    assert found.range is not None
    assert found.range[0] <= low < high <= found.range[1]
    assert low < 0 or found.range[0] >= 0
    assert high > 0 or found.range[1] <= 0
    assert found.range[1] - found.range[0] <= 3 * (high - low) or found.range == (0.0, 1.0)


@given(st.lists(st.floats(0, 1), min_size=14, max_size=14), st.lists(st.integers(0, 50), min_size=14, max_size=14))
def test_learned_limits_are_yaml_that_the_registry_accepts(scatter: list[float], present: list[int]) -> None:
    """Law: every share is from 0 to 1, the least deviation is not above one that was seen."""
    days = [
        day_of(number, -one, 1 + one, stddev=one, present=count, zeros=count // 3)
        for number, (one, count) in enumerate(zip(scatter, present, strict=True))
    ]
    found = learned(FEATURE, days)
    seen = [one.features[0].stddev or 0 for one in days if one.features[0].present >= FEWEST]
    assert 0 <= found.min_stddev <= min(seen, default=math.inf)
    assert 0 <= found.zero_share < 1
    assert 0 <= found.null_share <= 1
    assert all(isinstance(yaml.safe_load(value), list | dict) for _, value in found.entries())


def test_a_constant_date_makes_constancy_usual_and_text_has_no_range() -> None:
    """A feature with one value in all rows of a date may be constant; text has no numbers."""
    constant = [day_of(number, 3.0, 3.0 + (number > 0), stddev=0.5) for number in range(14)]
    assert learned(FEATURE, constant).may_be_constant
    assert learned(FEATURE, constant).min_stddev == 0
    texts = [day_of(number, "a", "c", mean=None, stddev=None) for number in range(14)]
    assert learned(FEATURE, texts).range is None


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("has_range", [True, False])
def test_keys_are_set_in_every_layout_of_the_list(layout: str, *, has_range: bool) -> None:
    """Law: the entry has the keys, what was there stays, and no other entry and no comment changes."""
    text = LAYOUTS[layout].replace("<here>", "").replace("<end>", "")
    text = text if not has_range else text.replace("category: one}", "category: one, range: [0, 1]}", 1)
    document = read_document(f"version: 1\n{text}", "r.yaml")
    assert document.findings == []
    pairs = [("range", "[-1.5, 2]"), ("spread", "{min_stddev: 0.5}")]
    made = read_document(with_keys(document, [(("features", 0), pairs), (("features", 1), pairs[1:])]), "r.yaml")
    first, second, *rest = made.data["features"]
    assert (first["range"], first["spread"]) == ([-1.5, 2], {"min_stddev": 0.5})
    assert second["spread"] == {"min_stddev": 0.5}
    before = document.data["features"]
    assert {key: first[key] for key in before[0] if key != "range"} == {
        key: value for key, value in before[0].items() if key != "range"
    }
    assert rest == before[2:]
    assert re.findall("#.*", made.text) == re.findall("#.*", document.text)


TABLE = """
CREATE TABLE readings (station VARCHAR, kind VARCHAR, day DATE, load_id BIGINT, temp_c DOUBLE, temp_max DOUBLE,
    humid DOUBLE, open BOOLEAN, sky VARCHAR, note VARCHAR, never DOUBLE, loaded_at TIMESTAMP);
INSERT INTO readings
SELECT 's' || s, k, DATE '2026-02-06' - CAST(d AS INT), s * 1000 + d, 10 + (s * 31 + d * 17 + length(k)) % 13,
    20 + (s * 7 + d * 5) % 11, CASE WHEN (s + d) % 9 = 0 THEN NULL ELSE 0.5 + ((s + d) % 5) / 10.0 END, (s + d) % 3 = 0,
    ['clear', 'rain', 'fog'][(s + d) % 3 + 1], 'note ' || (s * 1000 + d * 7), NULL, TIMESTAMP '2026-02-06'
FROM range(12) t(s), range({days}) u(d), (VALUES ('air'), ('sea')) v(k);
"""


def store(folder: Path, days: int = 30) -> str:
    """A store of another team in a DuckDB file; its URL."""
    with duckdb.connect(str(folder / "s.duckdb")) as connection:
        connection.execute(TABLE.format(days=days))
    return f"duckdb:///{folder}/s.duckdb"


def test_five_commands_lead_from_a_plain_table_to_a_diagnosis(tmp_path: Path) -> None:
    """No edit between them: init, plan, migrate, score, diagnose; check-drift and report end well too."""
    target = ("--target", store(tmp_path))
    done = fqtool(tmp_path, "init", "--from-table", "readings", "--learn", "28", *target)
    assert done.code == 0, done.said
    assert "station, kind, day" in done.err
    registry = in_order((tmp_path / "feature_registry.yaml").read_text(encoding="utf-8"))
    assert registry.table.keys == ("station", "kind", "day")
    assert [one.name for one in registry.features] == ["temp_c", "temp_max", "humid", "open", "sky"]
    assert [one.category for one in registry.features] == ["temp", "temp", "other", "other", "other"]
    by_name = {one.name: one for one in registry.features}
    assert by_name["temp_c"].range == (4.0, 28.0)
    assert by_name["humid"].range == (0.0, 1.0)
    assert by_name["humid"].spread.null_share
    assert by_name["sky"].range is None
    planned = fqtool(tmp_path, "migrate", "plan", "--dry-run", *target).out
    assert "1. the table exists: not run, only recorded\n    CREATE TABLE" in planned
    assert "by hand if it is empty" not in planned
    for words in (
        ("migrate", "plan"), ("migrate",), ("score", "--start", "2026-01-10", "--end", "2026-02-06"), ("diagnose",),
        ("check-drift",), ("report", "--start", "2026-01-10", "--end", "2026-02-06", "--out", "r.html"),
    ):  # fmt: skip
        done = fqtool(tmp_path, *words, *target)
        assert done.code == 0, done.said


def test_what_is_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    """Identifiers, times, texts of many values and columns without a value are not features."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        warehouse.connection().execute(TABLE.format(days=20))
        notes = " ".join(scaffold_live(warehouse, "readings", learn=20, today=LAST).notes)
    for sentence in (
        "load_id (the name of",
        "loaded_at (a date or time)",
        "note (text with more",
        "never (NULL in all rows)",
    ):
        assert sentence in notes


def test_columns_beside_an_array_are_read_by_name(tmp_path: Path) -> None:
    """Proposed features are columns, also of text; the label of a column is not a feature."""
    change = "ALTER TABLE readings ADD COLUMN features DOUBLE[]; ALTER TABLE readings ADD COLUMN grade VARCHAR;"
    change += 'ALTER TABLE readings ADD COLUMN labels VARCHAR; UPDATE readings SET labels = \'{"0": "real"}\';'
    change += "ALTER TABLE readings ADD COLUMN grade_label VARCHAR; UPDATE readings SET grade = 'a', grade_label = 'b'"
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        warehouse.connection().execute(TABLE.format(days=20) + change)
        made = scaffold_live(warehouse, "readings", learn=20, today=LAST)
    registry = in_order(made.text)
    assert registry.inputs.value == "{name}"
    assert "grade" in {one.name for one in registry.features}
    assert any("labels (several values in one column" in one for one in made.notes)
    assert any("grade_label (the label of another column: to use it, set `source` of" in one for one in made.notes)


def test_a_share_of_nulls_is_learned_from_few_values() -> None:
    """3 of 50 rows have a value on each date: the share is declared; no value at all, or NaN, is a problem."""
    few = [day_of(number, 1.0, 2.0, present=3) for number in range(14)]
    assert learned(FEATURE, few).null_share == 0.94
    assert learned(FEATURE, [day_of(number, None, None, present=0) for number in range(14)]).null_share == 0
    not_numbers = [day_of(number, 1.0, 2.0, present=40, nonfinite=10) for number in range(14)]
    assert learned(FEATURE, not_numbers).null_share == 0


def test_a_time_that_is_unique_by_chance_identifies_no_row(tmp_path: Path) -> None:
    """Where other columns identify the rows, a column of times is not proposed; where none do, it is."""
    clock = TABLE.format(days=20) + "UPDATE readings SET loaded_at = loaded_at + TO_MICROSECONDS(rowid);"
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        warehouse.connection().execute(clock)
        made = scaffold_live(warehouse, "readings", learn=20, today=LAST)
        assert any("keys station, kind, day are proposed" in one for one in made.notes), made.notes
        warehouse.connection().execute("UPDATE readings SET kind = 'a', station = 'b', load_id = 1")
        made = scaffold_live(warehouse, "readings", learn=20, today=LAST)
        assert any("keys day, loaded_at are proposed" in one for one in made.notes), made.notes


def test_rows_that_no_columns_identify_are_counted(tmp_path: Path) -> None:
    """The keys that repeat least are proposed, with the number of rows that repeat them."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        warehouse.connection().execute(TABLE.format(days=20) + "INSERT INTO readings SELECT * FROM readings LIMIT 7")
        made = scaffold_live(warehouse, "readings", learn=20, today=LAST)
    assert any("7 of 487 rows repeat them" in one for one in made.notes)
    assert "7 of 487 rows repeat them" in made.text


def test_a_column_with_an_unusual_name_is_a_feature_with_its_own_value(tmp_path: Path) -> None:
    """A reserved word and a flexible name are read in backticks, and the feature has a name of plain letters."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        warehouse.connection().execute(TABLE.format(days=20) + 'ALTER TABLE readings ADD COLUMN "2 x-y" DOUBLE;')
        warehouse.connection().execute(
            'UPDATE readings SET "2 x-y" = 1; ALTER TABLE readings ADD COLUMN "order" DOUBLE'
        )
        warehouse.connection().execute('UPDATE readings SET "order" = 2')
        registry = loaded(scaffold_live(warehouse, "readings", learn=20, today=LAST).text)
    values = {one.name: one.value for one in registry.features if one.value}
    assert values == {"_2_x_y": "`2 x-y`", "order": "`order`"}


def test_few_dates_give_features_without_limits(tmp_path: Path) -> None:
    """Fewer than 14 dates with rows: features are proposed, ranges are not."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        warehouse.connection().execute(TABLE.format(days=13))
        made = scaffold_live(warehouse, "readings", learn=60, today=LAST)
    registry = in_order(made.text)
    assert registry.features
    assert all(one.range is None for one in registry.features)
    assert any("ranges need 14 dates with rows, and there are 13" in one for one in made.notes)


def test_a_table_without_rows_or_dates(tmp_path: Path) -> None:
    """Without rows nothing is learned, and init reports it; without a date nothing can be."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        warehouse.connection().execute(TABLE.format(days=0) + "CREATE TABLE plain (a INT)")
        assert any("no rows" in one for one in scaffold_live(warehouse, "readings", learn=60, today=LAST).notes)
        with pytest.raises(InputError, match="plain has no DATE, TIMESTAMP or DATETIME column"):
            scaffold_live(warehouse, "plain", learn=60, today=LAST)


def test_a_scored_table_gets_no_second_scores() -> None:
    """A table with columns of scores keeps them: proposing features would declare them twice."""
    table = Table("t", (column("day", "DATE"), column("temp", "FLOAT64"), column("feature_0_quality", "FLOAT64")))
    features, notes = features_of(table, TableSpec("t", ("day",)), None)  # type: ignore[arg-type]
    assert features == ()
    assert "feature_0_quality" in notes[0]


def test_parts_of_the_date_are_not_proposed() -> None:
    """A whole number that repeats the date changes with it; a mean over a day, or a decimal, does not."""
    names = {"day": "INT64", "day_of_week": "INT64", "isoweek": "INT64", "days_open": "INT64", "hour": "FLOAT64"}
    table = Table("t", (column("at", "DATE"), *(column(*one) for one in names.items())))
    profile = Profile(9, dict.fromkeys(names, 0), dict.fromkeys(names, 3))
    features, notes = features_of(table, TableSpec("t", ("at",)), profile)
    assert [one.name for one in features] == ["days_open", "hour"]
    assert notes == ("Not proposed as features: day, day_of_week, isoweek (a part of the date).",)


def test_every_column_that_is_not_proposed_is_named() -> None:
    """Columns of several values with the page about them, and types that no feature has."""
    types = {
        "parts": "STRUCT<a INT64>",
        "many": "ARRAY<FLOAT64>",
        "payload": "JSON",
        "image": "BYTES",
        "temp": "FLOAT64",
    }
    table = Table("t", (column("at", "DATE"), *(column(*one) for one in types.items())))
    features, notes = features_of(table, TableSpec("t", ("at",)), Profile(9, {"temp": 0}, {"temp": 3}))
    assert [one.name for one in features] == ["temp"]
    assert notes[0].startswith("Not proposed as features: parts, many, payload (several values in one column")
    assert notes[1:] == ("Not proposed as features: image (neither a number nor a text nor a truth value).",)


def test_the_date_of_a_row_is_the_one_that_the_table_uses() -> None:
    """The partition column first, then a key, a required column, a DATE before a time."""
    columns = (column("at", "TIMESTAMP"), column("seen", "DATE"), column("day", "DATE", required=True))
    table = Table("t", columns)
    assert date_column(table, TableSpec("t", ("x",))).name == "day"
    assert date_column(table, TableSpec("t", ("seen",))).name == "seen"
    assert date_column(table, TableSpec("t", ("seen",), "at")).name == "at"
    assert date_column(Table("t", columns[:2]), TableSpec("t", ("x",))).name == "seen"


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    """A folder with a store whose registry has a range of one feature only."""
    fqtool(tmp_path, "init", "--from-table", "readings", "--learn", "20", "--target", store(tmp_path))
    path = tmp_path / "feature_registry.yaml"
    text = re.sub(r"^(  - {index.*?)(, range.*)?(, spread.*)?}$", r"\1}", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(
        text.replace("name: temp_c, category: temp}", "name: temp_c, category: temp, range: [-5, 50]}"), "utf-8"
    )
    for words in (("migrate", "plan"), ("migrate",)):
        done = fqtool(tmp_path, *words, "--target", f"duckdb:///{tmp_path}/s.duckdb")
        assert done.code == 0, done.said
    return tmp_path


def test_learn_shows_the_change_and_writes_it_on_request(migrated: Path) -> None:
    """--dry-run writes nothing; a declared range is kept until --replace; a second run finds nothing new."""
    path, target = migrated / "feature_registry.yaml", ("--target", f"duckdb:///{migrated}/s.duckdb")
    before = path.read_bytes()
    done = fqtool(migrated, "learn", "--dry-run", *target)
    assert done.code == 0, done.said
    assert path.read_bytes() == before
    assert "+  - {index: 1, name: temp_max" in done.out
    assert "Nothing was written." in done.err
    written = fqtool(migrated, "learn", *target)
    assert written.out == done.out
    features = {one.name: one for one in read_registry(path).features}
    assert features["temp_c"].range == (-5, 50)
    assert features["temp_c"].spread.min_stddev
    assert features["temp_max"].range is not None
    again = fqtool(migrated, "learn", *target)
    assert (again.code, again.out) == (0, "")
    replaced = fqtool(migrated, "learn", "--replace", *target)
    assert "-5" not in str(read_registry(path).features[0].range), replaced.said


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("learn", "--start", "2026-02-01"), 1, "6 dates with rows from 2026-02-01 to 2026-02-06; learning needs 14"),
        (("learn", "--start", "2026-02-05", "--end", "2026-02-01"), 2, "Swap --start and --end."),
        (("learn", "--start", "soon"), 2, "is not a date"),
        (("learn", "--start", "2020-01-01", "--end", "2020-02-01"), 1, "no dates with rows"),
        (
            ("learn", "--start", "2020-01-01", "--end", "2020-02-01"),
            1,
            "the newest ones with rows are used: fqtool learn",
        ),
        (("init", "--learn", "14", "--force"), 2, "--learn needs --from-table"),
        (("init", "--from-table", "readings", "--learn", "-1", "--force"), 2, "--learn"),
    ],
)
def test_wrong_words_change_nothing(migrated: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    """Each ends with its sentence, and the registry stays."""
    before = (migrated / "feature_registry.yaml").read_bytes()
    done = fqtool(
        migrated, *words, *(("--target", f"duckdb:///{migrated}/s.duckdb") if "--from-table" not in words else ())
    )
    assert (done.code, sentence in done.said) == (code, True), done.said
    assert (migrated / "feature_registry.yaml").read_bytes() == before


def test_the_same_is_learned_on_bigquery(emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, features and ranges of one table are the same on both engines."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with DuckDBWarehouse(":memory:") as local, open_bigquery(emulator, dataset) as remote:
        local.connection().execute(TABLE.format(days=16))
        table = local.describe("readings")
        assert isinstance(table, Table)
        here = scaffold_live(local, "readings", learn=16, today=LAST)
        remote.run(make_statement(State(), (CreateTable(table),)))
        rows = local.rows(Query("SELECT * FROM readings"))
        loaded = [{name: as_json(value) for name, value in row.items()} for row in rows]
        assert emulator.client().insert_rows_json(f"{PROJECT}.{dataset}.readings", loaded) == []
        there = scaffold_live(remote, "readings", learn=16, today=LAST)
    assert there.text.replace(remote.url, "X") == here.text.replace(local.url, "X")
