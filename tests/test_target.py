"""Targets: what a URL means, and the error for one that means nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fqtool.errors import UsageError
from fqtool.sql import Query
from fqtool.warehouse.target import SCHEMES, Target, open_target, parse_target
from tests.machine import patient


def _device(path: str) -> None:
    Path(path).symlink_to("/dev/null")


READ = {
    "duckdb:///x.duckdb": Target("duckdb", path="x.duckdb"),
    "duckdb:///.fqtool/local.duckdb": Target("duckdb", path=".fqtool/local.duckdb"),
    "duckdb:////data/x.duckdb": Target("duckdb", path="/data/x.duckdb"),
    "duckdb:///me@home/x y.duckdb": Target("duckdb", path="me@home/x y.duckdb"),
    "duckdb:///./ab:c.duckdb": Target("duckdb", path="./ab:c.duckdb"),
    "duckdb:////data/ab:c.duckdb": Target("duckdb", path="/data/ab:c.duckdb"),
    "duckdb:///C:x.duckdb": Target("duckdb", path="C:x.duckdb"),
    "duckdb://:memory:": Target("duckdb", path=":memory:"),
    "duckdb:///:memory:": Target("duckdb", path=":memory:"),
    "DuckDB:///x.duckdb ": Target("duckdb", path="x.duckdb"),
    "bigquery://my-project/my_dataset": Target("bigquery", project="my-project", dataset="my_dataset"),
    "bigquery://my-project/d/": Target("bigquery", project="my-project", dataset="d"),
    "bigquery://example.com:p/d": Target("bigquery", project="example.com:p", dataset="d"),
    "bigquery://p/d?location=EU": Target("bigquery", project="p", dataset="d", location="EU"),
}


@pytest.mark.parametrize("url", READ)
def test_a_url_means_its_target(url: str) -> None:
    """Each way of writing a target is read as that target, relative and absolute paths as SQLAlchemy has them."""
    assert parse_target(url) == READ[url]


@pytest.mark.parametrize("url", READ)
def test_the_canonical_url_means_the_same(url: str) -> None:
    """A target's own URL leads back to the target."""
    assert parse_target(READ[url].url) == READ[url]


# What is wrong, and what the remedy must offer.
WRONG = {
    "": "duckdb:///.fqtool/local.duckdb or bigquery://",
    "nonsense": "bigquery://my-project",
    "season.duckdb": "Write duckdb:///season.duckdb.",
    "://x": "duckdb:///",
    "duckbd:///x.duckdb": "Write duckdb:///",
    "big-query://p/d": "Write bigquery://",
    "postgresql://u:s3cret@host/db": "duckdb:///",
    "duckdb://": "duckdb:///.fqtool/local.duckdb",
    "duckdb:///": "duckdb:///.fqtool/local.duckdb",
    "duckdb://x.duckdb": "Write it like duckdb:///x.duckdb.",
    "duckdb:///x.duckdb?mode=ro": "duckdb:///",
    "duckdb:///x\n.duckdb": "duckdb:///.fqtool/local.duckdb",
    "duckdb:///x\x1b[2J": "duckdb:///.fqtool/local.duckdb",
    "duckdb:///postgres:host=h password=s3cret": "duckdb:///.fqtool/local.duckdb",
    "bigquery://": "bigquery://my-project/my_dataset?location=EU",
    "bigquery://p": "bigquery://my-project/my_dataset?location=EU",
    "bigquery:///p/d": "Write it like bigquery://p/d.",
    "bigquery://p/d/t": "bigquery://my-project/my_dataset?location=EU",
    "bigquery://p/d-e": "bigquery://my-project/my_dataset?location=EU",
    "bigquery://p/d?location=": "location=EU",
    "bigquery://p/d?location=EU&location=US": "location=EU",
    "bigquery://p/d?lokation=EU": "location=EU",
    "bigquery://me:s3cret@p/d": "bigquery://",
}


@pytest.mark.parametrize("url", WRONG)
def test_a_wrong_url_is_answered_with_a_right_one(url: str) -> None:
    """Every wrong target is a UsageError of one line that shows a right one and repeats no password."""
    with pytest.raises(UsageError) as caught:
        parse_target(url)
    assert WRONG[url] in str(caught.value.remedy)
    assert str(caught.value).isprintable()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_example_is_a_target(scheme: str) -> None:
    """The example that an error shows for a scheme can be read itself."""
    assert parse_target(SCHEMES[scheme].example).kind == scheme


def test_opening_bigquery_loads_nothing_of_google() -> None:
    """A BigQuery target is opened without loading Google's client or looking for credentials."""
    code = (
        "import sys; from fqtool.warehouse.target import open_target;"
        "w = open_target('bigquery://p/d?location=EU', timeout=7);"
        "print(w.url, w.project, w.dataset, w.location, w.timeout, 'google.auth' in sys.modules); w.close()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=patient(30))
    assert told.stdout.split() == ["bigquery://p/d?location=EU", "p", "d", "EU", "7", "False"]


def test_opening_a_wrong_url_is_the_same_error() -> None:
    """`open_target` refuses what `parse_target` refuses."""
    with pytest.raises(UsageError, match="duckbd"):
        open_target("duckbd:///x")


@pytest.mark.parametrize(
    "place", ["md:", "md:x", "motherduck:x", "sqlite:x.db", "ducklake:x.ducklake", "s3://b/x", "http://h/x"]
)
def test_another_system_behind_duckdb_is_refused_by_name(place: str) -> None:
    """DuckDB would load an extension and reach for the network; the word that it takes for a system is named."""
    for url in (f"duckdb:///{place}", f"duckdb://{place}"):
        with pytest.raises(UsageError, match=f"not '{place.partition(':')[0]}:"):
            parse_target(url)


@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a pipe"), (os.mkdir, "a folder"), (_device, "a device")])
def test_a_path_other_than_a_file_is_refused_by_name(tmp_path: Path, make: Callable[[str], object], kind: str) -> None:
    """No run waits at a pipe or a device: each use is refused immediately, with what it is."""
    path = tmp_path / "store.duckdb"
    make(str(path))
    with open_target(f"duckdb:///{path}") as warehouse:
        for use in (lambda: warehouse.describe("store"), lambda: warehouse.rows(Query("SELECT 1 AS x"))):
            with pytest.raises(UsageError, match=f"{path} is {kind}"):
                use()
