"""Requests of the test bed are held to the permissions they bring, in BigQuery's words."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.bed.fixtures import RunSql
from tests.bed.running import PROJECT, Emulator

JOBS = "bigquery.jobs.create"


@pytest.fixture(autouse=True)
def _tables(run_sql: RunSql) -> None:
    run_sql("CREATE TABLE t (id INT64)")
    run_sql("CREATE TABLE u (id INT64)")
    run_sql("CREATE VIEW v AS SELECT id FROM t")


def denial(emulator: Emulator, dataset: str, permissions: str, method: str, path: str, body: Any = None) -> str:
    """The words of a refusal; empty where the request is granted."""
    url = f"{emulator.url}/bigquery/v2/projects/{PROJECT}/{path.format(d=dataset)}"
    headers = {"Authorization": f"Bearer permissions={permissions}"}
    answer = requests.request(method, url, json=body, headers=headers, timeout=20)
    if answer.ok:
        return ""
    error = answer.json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (403, "accessDenied"), error
    return str(error["message"]).replace(dataset, "d")


def asked(emulator: Emulator, dataset: str, permissions: str, sql: str, *, dry_run: bool) -> str:
    """The refusal of a statement."""
    body = {"query": sql, "dryRun": dry_run, "useLegacySql": False, "timeoutMs": 10_000,
            "defaultDataset": {"projectId": PROJECT, "datasetId": dataset}}  # fmt: skip
    return denial(emulator, dataset, permissions, "POST", "queries", body)


REQUESTS = [
    ("GET", "datasets/{d}/tables/t", None, "bigquery.tables.get", "Table"),
    ("GET", "datasets/{d}/tables", None, "bigquery.tables.list", "Dataset"),
    ("GET", "datasets/{d}/tables/t/data", None, "bigquery.tables.getData", "Table"),
    ("GET", "datasets/{d}", None, "bigquery.datasets.get", "Dataset"),
    ("POST", "datasets/{d}/tables/t/insertAll", {"rows": [{"json": {"id": 1}}]}, "bigquery.tables.updateData", "Table"),
    ("DELETE", "datasets/{d}/tables/t", None, "bigquery.tables.delete", "Table"),
]


@pytest.mark.parametrize(("method", "path", "body", "permission", "kind"), REQUESTS)
def test_a_method_needs_its_permission(
    emulator: Emulator, dataset: str, method: str, path: str, body: Any, permission: str, kind: str
) -> None:
    """Without it the refusal names it and the resource; with it alone the request is answered."""
    name = f"{PROJECT}:d.t" if kind == "Table" else f"{PROJECT}:d"
    words = f"Permission {permission} denied on {kind.lower()} {name} (or it may not exist)."
    assert denial(emulator, dataset, JOBS, method, path, body) == f"Access Denied: {kind} {name}: {words}"
    assert denial(emulator, dataset, permission, method, path, body) == ""


STATEMENTS = {
    "SELECT 1": (),
    "SELECT * FROM t": ("getData",),
    "SELECT * FROM v": ("getData",),
    "INSERT INTO t (id) VALUES (1)": ("updateData",),
    "INSERT INTO t (id) SELECT id FROM u": ("updateData", "getData"),
    "UPDATE t SET id = 2 WHERE id = 1": ("updateData", "getData"),
    "DELETE FROM t WHERE id = 1": ("updateData", "getData"),
    "MERGE t USING u ON t.id = u.id WHEN MATCHED THEN DELETE": ("updateData", "getData"),
    "ALTER TABLE t ADD COLUMN x INT64": ("get", "update"),
    "ALTER TABLE t SET OPTIONS (description = 'x')": ("get", "update"),
    "ALTER TABLE t SET OPTIONS (expiration_timestamp = TIMESTAMP '2031-01-01')": ("get", "update", "delete"),
    "CREATE TABLE made (id INT64)": ("create",),
    "CREATE TABLE kept (id INT64) OPTIONS (expiration_timestamp = TIMESTAMP '2031-01-01')": ("create", "delete"),
    "CREATE TABLE copied AS SELECT * FROM u": ("create", "getData"),
    "CREATE VIEW w AS SELECT * FROM u": ("create", "getData"),
    "DROP VIEW v": ("get", "delete"),
    "DROP TABLE u": ("get", "delete"),
}


def test_a_statement_needs_its_permissions(emulator: Emulator, dataset: str) -> None:
    """Each is missed by name in a dry run; all together let dry run and run through."""
    for sql, needed in STATEMENTS.items():
        full = [JOBS, *(f"bigquery.tables.{name}" for name in needed)]
        for missing in full:
            fewer = ",".join(name for name in full if name != missing)
            words = asked(emulator, dataset, fewer, sql, dry_run=True)
            named = "does not have permission to query table" if missing.endswith(".getData") else missing
            assert words.startswith("Access Denied: "), (sql, missing, words)
            assert named in words, (sql, missing, words)
        for dry_run in (True, False):
            assert asked(emulator, dataset, ",".join(full), sql, dry_run=dry_run) == "", sql


def test_a_job_without_a_permission_fails_and_changes_nothing(
    emulator: Emulator, dataset: str, run_sql: RunSql
) -> None:
    """The run is refused as the dry run is."""
    words = asked(emulator, dataset, JOBS, "INSERT INTO t (id) VALUES (1)", dry_run=False)
    name = f"{PROJECT}:d.t"
    assert words == (
        f"Access Denied: Table {name}: Permission bigquery.tables.updateData denied on table {name} "
        "(or it may not exist)."
    )
    assert run_sql("SELECT COUNT(*) FROM t") == [(0,)]
    words = asked(emulator, dataset, "bigquery.tables.getData", "SELECT 1", dry_run=False)
    assert words == (
        f"Access Denied: Project {PROJECT}: User does not have bigquery.jobs.create permission in project {PROJECT}."
    )


def test_permissions_in_the_address_reach_the_server(emulator: Emulator, dataset: str) -> None:
    """Clients send the part of a URL before the host as credentials."""
    address = emulator.url.replace("://", "://permissions:bigquery.tables.list@")
    path = f"{address}/bigquery/v2/projects/{PROJECT}/datasets/{dataset}/tables"
    assert requests.get(path, timeout=20).status_code == 200
    assert requests.get(f"{path}/t", timeout=20).status_code == 403
