"""pytest fixtures of the test bed: `pytest_plugins = ["tests.bed.fixtures"]`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.bed.running import PROJECT, Emulator, bed_python

RunSql = Callable[..., list[tuple[Any, ...]]]
ShowTable = Callable[[str], dict[str, Any]]

SHORT: dict[str, Any] = {"retry": None, "timeout": 20}
"""For every call of the client: no retry, and no wait without an end."""


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """A BigQuery emulator for the whole session; datasets keep tests apart."""
    if not bed_python().exists():
        reason = f"NOT TESTED AGAINST BIGQUERY'S API: no emulator at {bed_python()}; run `make bed` to install it"
        if os.environ.get("FQTOOL_REQUIRE_BED") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    running = Emulator().start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def dataset(emulator: Emulator) -> str:
    """An empty dataset of this test's own."""
    return emulator.fresh_dataset()


@pytest.fixture
def run_sql(emulator: Emulator, dataset: str) -> RunSql:
    """`run_sql(text, *params, **config)` runs one statement in the test's dataset and returns its rows."""
    from google.cloud import bigquery

    client = emulator.client()

    def run(sql: str, *params: Any, **config: Any) -> list[tuple[Any, ...]]:
        settings = bigquery.QueryJobConfig(
            default_dataset=f"{PROJECT}.{dataset}", query_parameters=list(params), **config
        )
        job = client.query(sql, job_config=settings, job_retry=None, **SHORT)
        return [tuple(row) for row in job.result(**SHORT)]

    return run


@pytest.fixture
def show_table(emulator: Emulator, dataset: str) -> ShowTable:
    """What tables.get says of a table of this test's dataset, as the API spells it."""
    client = emulator.client()

    def show(name: str) -> dict[str, Any]:
        shown: dict[str, Any] = client.get_table(f"{dataset}.{name}", **SHORT).to_api_repr()
        return shown

    return show
