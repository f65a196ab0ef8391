"""Laws of the preview of fqtool diff: it counts what scoring the rows by each registry gives, in one scan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pytest

from fqtool.commands.diff.run import diff_of, preview_of_file, preview_of_table
from fqtool.errors import InputError
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.scoring.rescoring import Rescoring
from fqtool.scoring.roles import Roles
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.scorer import scorer_of
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed import zeta
from tests.bed.running import ROOT
from tests.test_diagnosis import DAY, registry, store
from tests.test_statements_analysed import catalog


@cache
def heavier() -> Registry:
    """The repository's registry with another weight, another band and another gate."""
    text = (ROOT / "feature_registry.yaml").read_text()
    for old, new in (
        ("weight: 87", "weight: 60"),
        ("gold, min: 95", "gold, min: 97"),
        ("feature_quality_score >= 70 AND matchup", "feature_quality_score >= 92 AND matchup"),
        ("default_feature_count > 10", "default_feature_count > 2"),
    ):
        assert old in text
        text = text.replace(old, new)
    made, problems = load_registry(text, "new.yaml")
    assert made is not None, problems
    return made


def test_the_preview_counts_what_scoring_both_ways_gives(tmp_path: Path) -> None:
    """From a table and from a file, the counts are those of a loop over the rows scored by each registry."""
    rows = list(Season(registry(), DAY, 2, rows_per_day=40).rows())
    old, new = registry(), heavier()
    moment = datetime(2026, 2, 7, tzinfo=UTC)
    roles = Roles(old)
    names = [roles.tier, roles.alert_level, "is_training_ready"]
    expected: dict[str, dict[tuple[str, str], int]] = {name: {} for name in names}
    scored = zip(scorer_of(old).records(rows, moment), scorer_of(new).records(rows, moment), strict=True)
    for before, after in scored:
        for name in names:
            pair = (str(before[name]).lower(), str(after[name]).lower())
            if pair[0] != pair[1]:
                expected[name][pair] = expected[name].get(pair, 0) + 1
    assert expected[roles.tier]
    assert expected[roles.alert_level]
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, rows)
        days = sorted(row["game_date"] for row in rows)
        by_table = preview_of_table(old, new, warehouse, days[0], days[-1])
        alone = preview_of_table(old, old, warehouse, days[0], days[-1])
    with duckdb.connect(str(tmp_path / "s.duckdb")) as connection:
        connection.execute(f"COPY ml_feature_store_v2 TO '{tmp_path}/rows.ndjson'")
    by_file = preview_of_file(old, new, tmp_path / "rows.ndjson")
    for preview in (by_table, by_file):
        assert preview.rows == len(rows)
        told = {one.name: {(str(m.old), str(m.new)): m.rows for m in one.moves} for one in preview.outcomes}
        assert {name: told[name] for name in names} == expected
        assert told["is_quality_ready"]
    assert by_table == by_file
    assert all(one.moves == () for one in alone.outcomes)
    findings = diff_of(old, new, by_table).findings
    assert {one.subject for one in findings if one.rule == "FQ838"} == {
        one.name for one in by_table.outcomes if one.moves
    }


def test_the_preview_is_one_scan_that_google_accepts() -> None:
    """Google's analyser accepts the query over the table; the query names the table once, by its dates."""
    query = Rescoring(registry(), heavier()).query(DAY, DAY, datetime(2026, 2, 7, tzinfo=UTC))
    assert query.sql.count(f"`{registry().table.name}`") == 1
    assert f"`game_date` BETWEEN DATE '{DAY}' AND DATE '{DAY}'" in query.sql
    assert zeta.analyze(query.sql, catalog(desired_table(registry()))) is None


def test_a_preview_needs_the_date_of_a_row() -> None:
    """A table without one is refused, not read whole."""
    old, new = (
        replace(one, table=replace(one.table, partition_by=None, keys=("player_lookup",)))
        for one in (registry(), heavier())
    )
    with pytest.raises(InputError, match="no `partition_by`"):
        Rescoring(old, new).query(DAY, DAY, datetime(2026, 2, 7, tzinfo=UTC))
