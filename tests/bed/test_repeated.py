"""The server reads a repeated column by its offset, whatever else the query holds."""

from __future__ import annotations

import pytest

from fqtool.sql import Query
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT, Emulator


def test_an_offset_is_the_same_beside_other_functions(
    emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COUNTIF, which the server rewrites, does not move the values of an array."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with open_target(f"bigquery://{PROJECT}/{dataset}", timeout=60.0) as warehouse:
        warehouse.run(Query("CREATE TABLE t (g INT64, f ARRAY<FLOAT64>)"))
        warehouse.run(Query("INSERT INTO t (g, f) VALUES (2, [7.5, 8.5])"))
        asked = (
            "SELECT MAX(f[SAFE_OFFSET(0)]) AS first, MAX(f[SAFE_OFFSET(1)]) AS second, COUNTIF(g = 2) AS many FROM t"
        )
        assert list(warehouse.rows(Query(asked))) == [{"first": 7.5, "second": 8.5, "many": 1}]
