"""Laws of the generated questions: Google accepts them, each is one scan, the engines answer alike, and rightly."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb as engine
import pytest

from fqtool.commands.check_drift.audit import Audit
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.commands.generate_sql.run import generated_sql
from fqtool.commands.report.alerts import alerts_by_date
from fqtool.commands.report.distributions import Span, bucket_counts
from fqtool.errors import UsageError
from fqtool.migrations.plan import make_statement
from fqtool.monitoring.monitoring import detection, monitoring
from fqtool.monitoring.question import Question
from fqtool.monitoring.sizes import SizeQuery
from fqtool.registry.model import BaseColumn, Registry
from fqtool.schema.build import desired_state, desired_table
from fqtool.sql import Query, ident
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.model import DATASET, State, Table
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.target import open_target
from tests.bed import zeta
from tests.bed.running import PROJECT, Emulator
from tests.emulated_scoring import as_json
from tests.machine import patient
from tests.stores import small_registry
from tests.test_diagnosis import DAY, DEFENCE, NOW, registry, rounded, scored, since
from tests.test_statements_analysed import catalog

START = DAY - timedelta(days=2)
PARAMETERS: dict[str, Any] = {"computed_at": NOW, "date": DAY, "start": START, "end": DAY, "feature": "pace_score"}
GOLDEN = Path(__file__).parent / "golden" / "questions"


@cache
def rows() -> tuple[dict[str, Any], ...]:
    """Three dates of a few rows: one processor missing on the last, a part of another's, a row without labels."""
    season = Season(registry(), START, 3, rows_per_day=9)
    made = list(season.rows([since(1, "defaulted"), since(2, "partial", DEFENCE, share=0.4)]))
    made[-1] |= {"feature_sources": None}
    return tuple(scored(made))


@cache
def questions() -> dict[str, Question]:
    """Every question by name: the generated ones, those of diagnosis and report, a reader's of the views."""
    made = [*detection(registry()), *monitoring(registry())]
    made.append(Question("evidence", "", Evidence(registry()).query(START, DAY).sql))
    made.append(alerts_by_date(registry()))
    made.append(bucket_counts(registry(), [Span(one, -5.0, 2.5) for one in registry().active_features[5:8]]))
    made.append(Question("audit", "", Audit(registry()).query(START, DAY).sql))
    for view in desired_state(registry()).views:
        text = view.text.replace(f"{ident(DATASET)}.", "")
        stable = "* EXCEPT (feature_store_age_hours_now)" if "feature_store_age_hours_now" in text else "*"
        query = f"SELECT {stable} FROM (\n{text}\n) WHERE game_date = @date ORDER BY player_lookup"
        made.append(Question(view.name, "", query + (", feature_index" if "feature_index" in text else "")))
    return {one.name: one for one in made}


def asked(name: str) -> Query:
    """The question with values for the parameters that it names."""
    sql = questions()[name].sql
    return Query(sql, tuple((name, value) for name, value in PARAMETERS.items() if f"@{name}" in sql))


@pytest.fixture(scope="module")
def stored() -> Iterator[DuckDBWarehouse]:
    """The rows on DuckDB."""
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry())),)))
        load(warehouse, registry().table.name, rows())
        yield warehouse


def alike(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the difference between a NUMERIC and a FLOAT64, a list and a tuple, and in the last digits."""
    plain = [
        {k: float(v) if isinstance(v, Decimal) else tuple(v) if isinstance(v, list) else v for k, v in row.items()}
        for row in found
    ]
    return [rounded(row) for row in plain]


@pytest.mark.parametrize("name", sorted(questions()))
def test_google_accepts_every_question(name: str) -> None:
    """Its analyser takes each against the table; each names the table once, and the filter names the partitions."""
    question = questions()[name]
    assert zeta.analyze(question.sql, catalog(desired_table(registry()))) is None
    assert question.sql.count(ident(registry().table.name)) == 1
    assert "game_date" in question.sql.partition("WHERE")[2]


@pytest.mark.parametrize("name", sorted(questions()))
def test_google_s_reference_implementation_answers_as_duckdb(name: str, stored: DuckDBWarehouse) -> None:
    """The same rows, columns and values in the same order."""
    query, table = asked(name), desired_table(registry())
    ours = stored.rows(query)
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in table.columns}
    theirs = zeta.evaluate(query.sql, {table.name: (types, list(rows()))}, dict(query.parameters))
    assert ours
    assert alike([dict(zip(ours[0], row, strict=True)) for row in theirs]) == alike(ours)


def test_an_emulated_bigquery_answers_as_duckdb(
    stored: DuckDBWarehouse, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question over HTTP with Google's client gives what DuckDB gives."""
    dataset, table = emulator.fresh_dataset(), desired_table(registry())
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with open_target(f"bigquery://{PROJECT}/{dataset}", timeout=60.0) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(table),)))
        sent = [{name: as_json(value) for name, value in row.items()} for row in rows()]
        assert emulator.client().insert_rows_json(f"{PROJECT}.{dataset}.{table.name}", sent, timeout=patient(60)) == []
        # The emulator reads a table's array one place off, but not what a cast made.
        cast = f"(SELECT * REPLACE (CAST(features AS ARRAY<FLOAT64>) AS features) FROM {ident(table.name)})"
        answers = {}
        for name in questions():
            query = asked(name)
            theirs = replace(query, sql=query.sql.replace(ident(table.name), cast))
            if name == "v_feature_quality_unpivot":
                # It takes `x = 1` in a STRUCT for a field called x.
                theirs = replace(theirs, sql=re.sub(r"(\w+ = 'default')", r"(\1)", theirs.sql))
            answers[name] = (alike(warehouse.rows(theirs)), alike(stored.rows(query)))
    # It spells decimal literals in JSON otherwise, and gives NULL for ARRAY_TO_STRING of NULLs.
    names = [one.name for one in Audit(registry()).scoring.managed]
    for wrong in ("feature_expected_values_json", "missing_processors"):
        for found in answers["audit"]:
            found[0].pop(f"c{names.index(wrong)}_differ")
    # It gives NULL for CORR of one value, where BigQuery gives NaN.
    for found in answers["evidence"]:
        for row in found:
            row.update({name: None for name, value in row.items() if value == "NaN"})
    assert {name: pair for name, pair in answers.items() if pair[0] != pair[1]} == {}


def test_the_incident_is_what_detection_finds(stored: DuckDBWarehouse) -> None:
    """Every scored row of the date at 40.0 and default in features 5-8, which are among the worst."""
    today = [row for row in rows() if row["game_date"] == DAY and row["feature_sources"] is not None]
    bad = stored.rows(asked("bad_rows"))
    assert len(bad) == len(today)
    assert {row[f"feature_{index}_quality"] for row in bad for index in range(5, 9)} == {40.0}
    assert {row[f"feature_{index}_source"] for row in bad for index in range(5, 9)} == {"default"}
    worst = [row for row in stored.rows(asked("feature_distribution")) if row["feature_index"] in range(5, 9)]
    assert {(row["mean_quality"], row["defaulted_rows"]) for row in worst} == {(40.0, len(today))}
    reasons = Counter(row["feature_fallback_reasons_json"] for row in stored.rows(asked("deep_dive")))
    assert reasons == {"composite_factors_missing": len(today), None: 1}


def test_counts_are_those_of_plain_python(stored: DuckDBWarehouse) -> None:
    """Rows by date and tier, by alert, scored and waiting: as a loop over the rows counts them."""
    tiers = Counter((row["game_date"], row["quality_tier"]) for row in rows())
    assert {(row["date"], row["tier"]): row["rows"] for row in stored.rows(asked("daily_health"))} == tiers
    alerts = Counter(alert for row in rows() for alert in row["quality_alerts"])
    assert {row["alert"]: row["rows"] for row in stored.rows(asked("alert_frequency"))} == alerts
    last = stored.rows(asked("completeness"))[-1]
    assert (last["rows"], last["scored_rows"], last["rows_without_sources"], last["waiting_rows"]) == (9, 8, 1, 0)
    audit = stored.rows(asked("training_audit"))[-1]
    assert audit["is_training_row"] == audit["has_composite_factors"] == 0


@pytest.mark.parametrize("kind", ["detection", "monitoring"])
def test_golden(kind: str) -> None:
    """The SQL of the registry that ships is exactly what was reviewed."""
    text, path = generated_sql(registry(), kind, "bigquery"), GOLDEN / f"{kind}.sql"
    if os.environ.get("FQTOOL_RENEW"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "intended? then: make golden, and read the diff"


@pytest.mark.parametrize(("kind", "count"), [("detection", 5), ("monitoring", 8), ("scoring", 1)])
def test_what_is_printed_for_duckdb_runs_on_duckdb(kind: str, count: int, stored: DuckDBWarehouse) -> None:
    """DuckDB takes what --dialect duckdb prints unchanged, every statement of it."""
    said = generated_sql(registry(), kind, "duckdb")
    statements = engine.extract_statements(said)
    assert len(statements) == count
    for one in statements:
        given = {name: PARAMETERS.get(name) for name in one.named_parameters}
        stored.connection().execute(one.query, given)


NAMES = ("f", "f_", "alert", "date", "t", "rows", "bucket", "tier", "feature_index", "value", "source", "category")


def test_no_name_of_a_column_changes_an_answer(stored: DuckDBWarehouse) -> None:
    """Also of a table with columns that are called like the aliases of a query, and with a GEOGRAPHY."""
    more = (*(BaseColumn(name, "STRING") for name in NAMES), BaseColumn("place", "GEOGRAPHY"))
    crowded = replace(registry(), base_columns=(*registry().base_columns, *more))
    spans = [Span(one, -5.0, 2.5) for one in registry().active_features[5:8]]

    def asked_of(of: Registry) -> list[Question]:
        return [*detection(of), *monitoring(of), alerts_by_date(of), bucket_counts(of, spans)]

    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(crowded)),)))
        load(warehouse, crowded.table.name, [row | dict.fromkeys(NAMES, "x") for row in rows()])
        for question, plain in zip(asked_of(crowded), asked_of(registry()), strict=True):
            given = tuple((name, value) for name, value in PARAMETERS.items() if f"@{name}" in plain.sql)
            assert alike(list(warehouse.rows(Query(question.sql, given)))) == alike(
                list(stored.rows(Query(plain.sql, given)))
            )
        table = warehouse.describe(crowded.table.name)
        assert isinstance(table, Table)
        list(warehouse.rows(SizeQuery(crowded, table).query(START, DAY)))


def test_questions_without_their_columns_are_left_out() -> None:
    """A store without alert levels, stored sources or a score is asked what its columns can answer."""
    small = {one.name: one.sql for one in (*detection(small_registry()), *monitoring(small_registry()))}
    assert "bad_rows" in small
    assert "daily_health" in small
    bare = replace(small_registry(), columns=())
    assert {one.name for one in monitoring(bare)} == {"daily_health", "category_means", "training_audit"}
    assert {one.name for one in detection(bare)} == {"feature_distribution", "deep_dive"}
    for question in (*monitoring(bare), *detection(bare)):
        assert zeta.analyze(question.sql, catalog(desired_table(bare))) is None, question.name


def test_what_cannot_be_asked_is_reported() -> None:
    """An unknown kind and an unknown dialect: one sentence each."""
    with pytest.raises(UsageError, match="Unknown kind of SQL 'views'"):
        generated_sql(registry(), "views", "bigquery")
    with pytest.raises(UsageError, match="no DuckDB form"):
        generated_sql(registry(), "table", "duckdb")
