"""Laws of what stays untold: no credential and no value of a row is in what fqtool prints, logs or traces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.errors import FqtoolError
from fqtool.sql import Query
from fqtool.warehouse.duckdb import DuckDBWarehouse
from fqtool.warehouse.values import without_values
from tests.bed.running import ROOT

SECRET = "s3cret-value"
RECORD = {"player_lookup": SECRET, "game_date": "2026-02-06", "features": [1.0] * 37}


def fqtool(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run fqtool as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "fqtool", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the registry of this repository and its migrations."""
    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    return tmp_path


@pytest.mark.parametrize(
    "record",
    [
        RECORD | {"game_date": SECRET},
        RECORD | {"features": [SECRET]},
        RECORD | {"created_at": SECRET},
        RECORD | {"feature_sources_json": "{" + SECRET},
        RECORD | {SECRET: 1, "features": SECRET},
        [SECRET],
        SECRET,
    ],
)
def test_records_that_cannot_be_read_are_told_without_their_values(project: Path, record: object) -> None:
    """Law: which line and column is wrong is told, and what stands there is not; --rejects alone keeps the record."""
    (project / "rows.ndjson").write_text(json.dumps(RECORD | {"game_date": "no"}) + "\n" + json.dumps(record) + "\n")
    done = fqtool(project, "-vv", "--trace", "t.jsonl", "score", "--input", "rows.ndjson", "--output", "out.ndjson")
    assert done.returncode == 2, done
    assert "line 1: game_date is no DATE but 2 characters of text" in done.stderr
    trace = project / "t.jsonl"
    assert SECRET not in done.stdout + done.stderr + (trace.read_text() if trace.exists() else "")


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT CAST('{SECRET}' AS FLOAT64)",
        f"SELECT CAST('{SECRET}' AS DATE)",
        f"SELECT CAST('{SECRET}' AS TIMESTAMP)",
        f"SELECT PARSE_JSON('{{{SECRET}')",
    ],
)
def test_an_engine_that_quotes_a_value_is_not_quoted(tmp_path: Path, sql: str) -> None:
    """Law: what DuckDB says of a value is told with an ellipsis for it."""
    with DuckDBWarehouse(tmp_path / "a.duckdb", "d") as warehouse, pytest.raises(FqtoolError) as caught:
        _ = list(warehouse.rows(Query(sql)))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Bad int64 value: 12a; error in column 3", "Bad int64 value: …; error in column 3"),
        ("Invalid timestamp: 'Mar 5'", "Invalid timestamp: …"),
        ('Could not cast literal "abc" to type DATE', "Could not cast literal … to type DATE"),
        ('Syntax error: Unexpected identifier "FORM" at [1:8]', 'Syntax error: Unexpected identifier "FORM" at [1:8]'),
        ("Unrecognized name: scor; Did you mean score?", "Unrecognized name: scor; Did you mean score?"),
        ("Not found: Table p:d.t was not found", "Not found: Table p:d.t was not found"),
    ],
)  # fmt: skip
def test_names_are_told_and_values_are_not(said: str, told: str) -> None:
    """Law: a message about SQL keeps its words, for they help; one about a value of a row loses the value."""
    assert without_values(said) == told


@given(st.text(alphabet=st.characters(exclude_characters="'\""), min_size=1))
def test_a_quoted_value_never_stays(value: str) -> None:
    """Law: whatever stands in quotes after the words of a failed conversion is left out."""
    assert without_values(f"Conversion Error: Could not convert string '{value}' to DOUBLE") == (
        "Conversion Error: Could not convert string … to DOUBLE"
    )


def test_credentials_are_not_told(project: Path) -> None:
    """Law: a key file that is damaged, and one that the server would refuse, leave nothing of the key behind."""
    key = {
        "type": "service_account",
        "private_key": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n",
        "client_email": "a@b.c",
        "token_uri": "http://127.0.0.1:9/token",
    }
    for text in (json.dumps(key), json.dumps(key)[:-3]):
        (project / "key.json").write_text(text)
        done = fqtool(
            project, "-vv", "--trace", "t.jsonl", "check-drift", "--target", "bigquery://proj/data",
            "--timeout", "5",
            GOOGLE_APPLICATION_CREDENTIALS=str(project / "key.json"),
            BIGQUERY_EMULATOR_HOST="",
        )  # fmt: skip
        assert done.returncode == 3, done
        trace = project / "t.jsonl"
        assert SECRET not in done.stdout + done.stderr + (trace.read_text() if trace.exists() else "")
        assert "Traceback" not in done.stderr
