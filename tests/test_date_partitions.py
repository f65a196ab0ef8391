"""Laws of the rows of a date: on every type and granularity each command reads these rows and no others.

The references are DuckDB, Google's client and an emulated server, and Google's reference implementation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fqtool.commands.backfill.plan import batches
from fqtool.commands.backfill.run import Options, fill, plan_backfill, verify
from fqtool.commands.check_drift.audit import Audit
from fqtool.commands.daily.run import daily_of
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.commands.explain.run import explain_row, row_query
from fqtool.commands.models.readiness import Readiness
from fqtool.commands.score.run import partition_counts, score_partitions
from fqtool.errors import InputError, Refusal
from fqtool.migrations.plan import make_statement
from fqtool.monitoring.monitoring import checks_by_date, detection, monitoring
from fqtool.monitoring.sizes import SizeQuery
from fqtool.registry.alerts_and_models import Model, Threshold
from fqtool.registry.load import read_registry
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.schema.row_dates import RowDates, row_dates
from fqtool.scoring.merge import Span, partitions_between
from fqtool.scoring.rescoring import Rescoring
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, WholeTable, ident
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.column import Kind
from fqtool.table.model import State, Table
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed import zeta
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.dated_stores import DAY, ITEMS, LAYOUTS, NOW, START, TICK, Layout, opened
from tests.machine import patient
from tests.stores import small_registry
from tests.test_statements_analysed import catalog

every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=str)


@pytest.fixture(params=["duckdb", "bigquery"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Emulator | None:
    """The emulated BigQuery, or None for DuckDB."""
    if request.param == "duckdb":
        return None
    emulator: Emulator = request.getfixturevalue("emulator")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    return emulator


def scored_dates(warehouse: Warehouse) -> Counter[date]:
    """Date -> how many of its rows have a score, read without a query."""
    rows = warehouse.rows(WholeTable("store", ("day", "score")))
    days = [(row["day"].date() if isinstance(row["day"], datetime) else row["day"]) for row in rows if row["score"]]
    return Counter(days)  # type: ignore[arg-type]


@every_layout
def test_score_changes_the_rows_of_the_date_alone(engine: Emulator | None, layout: Layout) -> None:
    """From the first moment of the day to its last, in UTC."""
    with opened(engine, layout) as (warehouse, _):
        (scored,) = score_partitions(layout.registry, warehouse, DAY, DAY, as_of=NOW)
        assert (scored.day, scored.rows, scored.changed) == (DAY, ITEMS, ITEMS)
        assert scored_dates(warehouse) == {DAY: ITEMS}


@every_layout
def test_backfill_and_diagnosis_work_by_date(engine: Emulator | None, layout: Layout) -> None:
    """Every date of a span is planned, scored, verified and done; the one that is unlike the others is named."""
    registry = layout.registry
    with opened(engine, layout) as (warehouse, _):
        options = Options(START, DAY)
        plan, _ = plan_backfill(registry, warehouse, options, NOW)
        days = [START + timedelta(days=number) for number in range(7)]
        assert plan.to_do == tuple(reversed(days))
        fill(registry, warehouse, options, tool="test", now=NOW)
        assert scored_dates(warehouse) == dict.fromkeys(days, ITEMS)
        assert verify(registry, warehouse, START, DAY).findings == ()
        assert plan_backfill(registry, warehouse, options, NOW)[0].to_do == ()
        diagnosis = diagnosis_of(registry, warehouse, DAY, 6)
        assert diagnosis.today
        assert (diagnosis.today.rows, [one.day for one in diagnosis.before]) == (ITEMS, days[:-1])
        assert [found.subject for found in diagnosis.findings] == ["f0"]
        assert diagnosis_of(registry, warehouse, days[-2], 5).findings == ()


@every_layout
def test_googles_reference_implementation_finds_the_rows_of_the_date(layout: Layout) -> None:
    """Of scoring, of a backfill's plan and of diagnosis; the MERGE is accepted."""
    registry, table = layout.registry, desired_table(layout.registry)
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in table.columns}
    content: dict[str, Any] = {table.name: (types, layout.rows())}
    partition = Span(Scoring(registry), DAY, DAY)
    select = partition.scoring.select(ident(table.name), partition.predicate)
    assert len(zeta.evaluate(select, content, {"computed_at": NOW})) == ITEMS
    counts = zeta.evaluate(partitions_between(registry, START, DAY, {}).sql, content)
    assert counts == [(START + timedelta(days=number), ITEMS, 0) for number in range(7)]
    days = zeta.evaluate(Evidence(registry).query(START, DAY, by_label=True).sql, content)
    assert [row[:2] for row in days] == [row[:2] for row in counts]
    week = Span(Scoring(registry), START, DAY)
    for query in (partition.merge(NOW), partition.duplicates(), week.merge(NOW)):
        assert zeta.analyze(query.sql, catalog(table), dict(query.parameters)) is None


def readers(registry: Registry) -> Iterator[tuple[str, Query]]:
    """Every query of a command that asks for rows by date."""
    judged = replace(
        registry,
        models=(Model("m", ("f0", "f1")),),
        thresholds=(Threshold("rows", "COUNT(*)", good=10, critical=1),),
    )
    partition = Span(Scoring(registry), DAY, DAY)
    yield "score", partition.merge(NOW)
    yield "score of a week", Span(Scoring(registry), START, DAY).merge(NOW)
    yield "repeated keys", partition.duplicates()
    yield "backfill", partitions_between(registry, START, DAY, {})
    yield "diff", Rescoring(registry, registry).query(START, DAY, NOW)
    yield "models", Readiness(judged, judged.models).query(DAY, NOW)
    yield "diagnose", Evidence(judged, measuring=True).query(START, DAY)
    yield "explain", row_query(registry, {"item": "i1"}, DAY)
    yield "cost", SizeQuery(registry).query(START, DAY)
    yield "check-drift --data", Audit(registry).query(START, DAY)
    select = Scoring(registry).select(ident("store"), row_dates(registry).on("@date"))
    yield "generate-sql", Query(select, (("date", DAY), ("computed_at", NOW)))
    checks = checks_by_date(judged)
    yield checks.name, Query(checks.sql, (("start", START), ("end", DAY)))


@every_layout
def test_every_reader_filters_by_partitions(engine: Emulator | None, layout: Layout) -> None:
    """BigQuery refuses no query for lack of a filter that prunes partitions, and Google's analyser accepts all."""
    table = desired_table(layout.registry)
    with opened(engine, layout) as (warehouse, _):
        for name, query in readers(layout.registry):
            assert zeta.analyze(query.sql, catalog(table), dict(query.parameters)) is None, name
            warehouse.run(query, dry_run=True)


MONTHLY, DAILY = Layout("TIMESTAMP", "MONTH"), Layout("TIMESTAMP", "DAY")


@pytest.mark.parametrize("layout", [DAILY, MONTHLY, Layout("DATE", "YEAR"), Layout("DATETIME", "")], ids=str)
def test_a_backfill_is_estimated_as_it_is_billed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, layout: Layout
) -> None:
    """A statement over a week, or over parts of it, is billed for whole partitions; a little more is estimated."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with opened(emulator, layout) as (warehouse, _):
        for batch_days, statements in ((30, 1), (3, 3), (1, 7)):
            options = Options(START, DAY, batch_days=batch_days)
            plan, estimate = plan_backfill(layout.registry, warehouse, options, NOW)
            assert (len(plan.to_do), len(estimate.shares)) == (7, statements)
            for days, share in zip(batches(plan.to_do, batch_days), estimate.shares, strict=True):
                merge = Span(Scoring(layout.registry), min(days), max(days)).merge(NOW)
                asked = warehouse.run(merge, dry_run=True).bytes_processed or 0
                assert asked <= share <= 1.3 * asked


def test_one_date_of_a_partition_by_time_is_read_alone(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """BigQuery bills the partitions that the range leaves: a seventh of a week."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with opened(emulator, DAILY) as (warehouse, _):
        dates = row_dates(DAILY.registry)

        def billed(where: str) -> int | None:
            return warehouse.run(Query(f"SELECT item FROM store WHERE {where}"), dry_run=True).bytes_processed

        one, week = billed(dates.on(DAY)), billed(dates.between(START, DAY))
        assert one
        assert week == 7 * one


@pytest.mark.parametrize("layout", [MONTHLY, Layout("DATETIME", ""), Layout("DATE", "")], ids=str)
def test_explain_finds_a_row_by_its_date_or_its_time(layout: Layout) -> None:
    """With `--date` where the other keys name one row; with the key's own value where they name several."""
    registry = layout.registry
    with opened(None, layout) as (warehouse, _):
        assert explain_row(registry, warehouse, {"item": "i3"}, DAY).keys["item"] == "i3"
        moment = datetime(DAY.year, DAY.month, DAY.day, 3, tzinfo=UTC)
        text = DAY.isoformat() if layout.kind == "DATE" else moment.isoformat()
        row = explain_row(registry, warehouse, {"item": "i3", "day": text}, None)
        assert row.keys["day"] == layout.value(moment)
        by_date = explain_row(registry, warehouse, {"item": "i3", "day": DAY.isoformat()}, None)
        assert by_date.keys == row.keys
        with pytest.raises(InputError, match=f"no row with item=j3, day={DAY}") as absent:
            explain_row(registry, warehouse, {"item": "j3"}, DAY)
        assert "Use --key item=i3" in str(absent.value)
        with pytest.raises(InputError, match="is not a value of day"):
            explain_row(registry, warehouse, {"item": "i3", "day": "noon"}, None)


def test_explain_names_the_times_of_several_rows() -> None:
    """Two rows of one item on one date: the error lists the key to add, and with it the row is explained."""
    layout = Layout("TIMESTAMP", "DAY")
    with opened(None, layout) as (warehouse, _):
        warehouse.run(
            Query(
                "INSERT INTO store (item, day, vector, labels) SELECT item, TIMESTAMP_ADD(day, INTERVAL 30 MINUTE), "
                "vector, labels FROM store WHERE item = 'i3'"
            )
        )
        with pytest.raises(InputError, match="Several rows have item=i3") as several:
            explain_row(layout.registry, warehouse, {"item": "i3"}, DAY)
        for minute in ("00", "30"):
            text = f"{DAY} 03:{minute}:00+00:00"
            assert f"--key 'day={text}'" in str(several.value)
            found = explain_row(layout.registry, warehouse, {"item": "i3", "day": text}, None)
            assert str(found.keys["day"]) == text


@pytest.mark.parametrize("kind", [Kind.DATE, Kind.TIMESTAMP, Kind.DATETIME])
def test_the_last_date_of_all_has_a_filter(kind: Kind) -> None:
    """No date follows 9999-12-31; a filter of any date is one that Google accepts."""
    types = {"t": {"day": str(kind)}}
    dates = RowDates("day", kind)
    for day in (date.min, DAY, date.max):
        for where in (dates.on(day), dates.between(date.min, day), dates.on(dates.value("2026-02-06"))):
            assert zeta.analyze(f"SELECT {dates.of_row('t')} FROM t WHERE {where}", types) is None


def test_the_last_date_key_dates_a_row_of_a_table_without_partitions() -> None:
    """A DATE is preferred to a TIMESTAMP; without either the rows have no date, which is reported with a remedy."""
    small = small_registry()

    def keyed(*keys: str) -> Registry:
        return replace(small, table=replace(small.table, partition_by=None, keys=keys))

    assert row_dates(keyed("item", "made_at", "day", "score")).column == "day"
    assert row_dates(keyed("item", "made_at")).column == "made_at"
    assert row_dates(keyed("item", "DAY")).kind is Kind.DATE
    with pytest.raises(InputError, match=r"among its keys \(item\), so its rows have no date"):
        row_dates(keyed("item"))
    with pytest.raises(InputError, match="partitioned by `item`, a STRING"):
        row_dates(replace(small, table=replace(small.table, partition_by="item")))


@every_layout
def test_synthetic_rows_have_the_date_they_are_made_for(layout: Layout) -> None:
    """In the column that dates a row, whatever its type."""
    (row, *_) = Season(layout.registry, DAY, 1, rows_per_day=3).rows()
    assert row_dates(layout.registry).day_of(row["day"]) == DAY


@pytest.mark.parametrize("layout", [DAILY, Layout("DATETIME", "MONTH"), Layout("TIMESTAMP", "")], ids=str)
def test_the_moment_before_midnight_belongs_to_the_date(engine: Emulator | None, layout: Layout) -> None:
    """A microsecond later it is the next date; both ends were stored, so neither is lost."""
    with opened(engine, layout) as (warehouse, _):
        counts = partition_counts(layout.registry, warehouse, DAY, DAY + timedelta(days=1), {})
        assert {day: of_day["rows"] for day, of_day in counts.items()} == {DAY: ITEMS}
        first = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
        last = first + timedelta(days=1) - TICK
        for moment in (first, last):
            where = row_dates(layout.registry).on(moment)
            assert len(warehouse.rows(Query(f"SELECT item FROM store WHERE {where}"))) == 1


def test_daily_measures_the_rows_of_the_date() -> None:
    """The figures of thresholds are over the rows from midnight to midnight."""
    registry = replace(DAILY.registry, thresholds=(Threshold("rows", "COUNT(*)", good=10, critical=1),))
    with opened(None, DAILY) as (warehouse, _):
        score_partitions(registry, warehouse, START, DAY, as_of=NOW)
        (check,) = daily_of(registry, warehouse, DAY).checks
        assert check.value == ITEMS


def test_another_type_of_the_date_than_in_the_registry_is_refused() -> None:
    """DuckDB would find the rows of midnight alone. `cost` measures by the type that the table has."""
    registry = Layout("DATE", "DAY").registry
    with opened(None, DAILY) as (warehouse, _):
        table = warehouse.describe("store")
        assert isinstance(table, Table)
        (row,) = warehouse.rows(SizeQuery(registry, table).query(DAY, DAY))
        assert row["rows"] == ITEMS
        readers = (
            lambda: score_partitions(registry, warehouse, DAY, DAY, as_of=NOW),
            lambda: plan_backfill(registry, warehouse, Options(DAY, DAY), NOW),
            lambda: diagnosis_of(registry, warehouse, DAY),
            lambda: explain_row(registry, warehouse, {"item": "i0"}, DAY),
        )
        for read in readers:
            with pytest.raises(Refusal, match=r"`day`, the column with the date .* is a TIMESTAMP in .* but a DATE in"):
                read()


@pytest.mark.parametrize("kind", ["TIMESTAMP", "DATETIME"])
def test_the_questions_of_generate_sql_filter_by_partitions(
    emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Those of the real registry, its dates of another type: Google's analyser and an emulated server accept each."""
    real = read_registry(ROOT / "feature_registry.yaml")
    base = tuple(replace(one, type=kind) if one.name == "game_date" else one for one in real.base_columns)
    registry = replace(real, base_columns=base, views=())
    table = desired_table(registry)
    assert table.options.require_partition_filter
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    given = {"date": DAY, "start": START, "end": DAY, "feature": "pace_score"}
    with open_target(f"bigquery://{PROJECT}/{dataset}", timeout=patient(30.0)) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(table),)))
        for question in (*monitoring(registry), *detection(registry)):
            named = {name: value for name, value in given.items() if f"@{name}" in question.sql}
            assert zeta.analyze(question.sql, catalog(table), named) is None, question.name
            warehouse.run(Query(question.sql, tuple(named.items())), dry_run=True)
