"""pytest fixtures of the test bed: `pytest_plugins = ["tests.bed.fixtures"]`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bed import records
from tests.bed.running import PROJECT, Emulator, bed_python

RunSql = Callable[..., list[tuple[Any, ...]]]
ShowTable = Callable[[str], dict[str, Any]]

SHORT: dict[str, Any] = {"retry": None, "timeout": 20}
"""For every call of the client: no retry, and no wait without an end."""


def pytest_configure(config: pytest.Config) -> None:
    """Give the servers of this process, or of this worker, a folder for what they note."""
    worker = getattr(config, "workerinput", None)
    if worker is None:
        folder = Path(tempfile.mkdtemp(prefix="fqtool-requests-"))
    else:  # the folder of the process that distributes the tests is inherited
        folder = Path(os.environ[records.FOLDER]) / worker["workerid"]
        folder.mkdir(exist_ok=True)
    os.environ[records.FOLDER] = str(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many requests were checked."""
    terminalreporter.write_line(records.summary(Path(os.environ[records.FOLDER])))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(records.FOLDER), ignore_errors=True)


@pytest.fixture(autouse=True)
def _requests_fit() -> Iterator[None]:
    """A request that BigQuery would refuse fails the test that sent it, also where a process of its own sent it.

    A test that sends one on purpose calls `take_refusals()` of tests.bed.records.
    """
    yield
    if refusals := records.take_refusals():
        records.note_unexpected(len(refusals))
        lines = [f"{refusal.request}: {refusal.reason}" for refusal in refusals]
        pytest.fail("does not fit BigQuery's API:\n" + "\n".join(lines), pytrace=False)


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
    """What tables.get returns for a table of this test's dataset, as the API spells it."""
    client = emulator.client()

    def show(name: str) -> dict[str, Any]:
        shown: dict[str, Any] = client.get_table(f"{dataset}.{name}", **SHORT).to_api_repr()
        return shown

    return show
