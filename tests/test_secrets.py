"""Laws of secrecy: no credential and no value of a row is in what fqtool prints, logs or traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.errors import FqtoolError
from fqtool.sql import Query
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.values import without_values
from tests.commands import fqtool

SECRET = "s3cret-value"
RECORD = {"player_lookup": SECRET, "game_date": "2026-02-06", "features": [1.0] * 37}


@pytest.mark.parametrize(
    "record",
    [
        RECORD | {"game_date": SECRET},
        RECORD | {"features": [SECRET]},
        RECORD | {"created_at": SECRET},
        RECORD | {"feature_sources_json": "{" + SECRET},
        RECORD | {"features": SECRET},
        [SECRET],
        SECRET,
    ],
)
def test_records_that_cannot_be_read_are_reported_without_their_values(project: Path, record: object) -> None:
    """Law: which line and column is wrong is reported, and the value is not; --rejects alone keeps the record."""
    (project / "rows.ndjson").write_text(json.dumps(RECORD | {"game_date": "no"}) + "\n" + json.dumps(record) + "\n")
    done = fqtool(project, "-vv", "--trace", "t.jsonl", "score", "--input", "rows.ndjson", "--output", "out.ndjson")
    assert done.returncode == 2, done
    assert "line 1: game_date is not a valid DATE (a value of 2 characters)" in done.stderr
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
    """Law: DuckDB's message about a value is printed with an ellipsis for the value."""
    with DuckDBWarehouse(tmp_path / "a.duckdb", "d") as warehouse, pytest.raises(FqtoolError) as caught:
        _ = list(warehouse.rows(Query(sql)))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ("Bad int64 value: 12a; error in column 3", "Bad int64 value: …; error in column 3"),
        ("Invalid timestamp: 'Mar 5'", "Invalid timestamp: …"),
        ('Could not cast literal "abc" to type DATE', "Could not cast literal … to type DATE"),
        ('Syntax error: Unexpected identifier "FORM" at [1:8]', 'Syntax error: Unexpected identifier "FORM" at [1:8]'),
        ("Unrecognized name: scor; Did you mean score?", "Unrecognized name: scor; Did you mean score?"),
        ("Not found: Table p:d.t was not found", "Not found: Table p:d.t was not found"),
    ],
)  # fmt: skip
def test_names_are_printed_and_values_are_not(message: str, printed: str) -> None:
    """Law: a message about SQL keeps its words, for they help; one about a value of a row loses the value."""
    assert without_values(message) == printed


@given(st.text(alphabet=st.characters(exclude_characters="'\""), min_size=1))
def test_a_quoted_value_never_stays(value: str) -> None:
    """Law: whatever is in quotes after the words of a failed conversion is left out."""
    assert without_values(f"Conversion Error: Could not convert string '{value}' to DOUBLE") == (
        "Conversion Error: Could not convert string … to DOUBLE"
    )


def test_credentials_are_not_printed(project: Path) -> None:
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
