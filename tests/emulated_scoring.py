"""Scoring by an emulated BigQuery, through Google's client, and what that emulator is known to get wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from fqtool.sql import ident
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT, Emulator
from tests.machine import patient
from tests.plain_scorer import age_in_seconds, score
from tests.scored_rows import Row
from tests.test_scoring_reference import DAY, NOW, REGISTRY, made, scores_of

TABLE = REGISTRY.table.name
JOINED = (
    "feature_fallback_reasons_json", "feature_sample_sizes_json", "feature_value_ranges_valid_json",
    "upstream_processors_ran", "missing_processors",
)  # fmt: skip


def as_json(value: Any) -> Any:
    """Write a value as tabledata.insertAll takes it."""
    match value:
        case tuple():
            return [as_json(one) for one in value]
        case float() if not math.isfinite(value):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
    return value


def by_bigquery(asked: Sequence[Row], emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Score by the emulated BigQuery, through Google's client."""
    dataset = emulator.fresh_dataset()
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with open_target(f"bigquery://{PROJECT}/{dataset}", timeout=60.0) as warehouse:
        made(warehouse)
        sent = [{name: as_json(value) for name, value in row.items()} for row in asked]
        assert emulator.client().insert_rows_json(f"{PROJECT}.{dataset}.{TABLE}", sent, timeout=patient(60)) == []
        # The emulator reads a table's array one place off where the query has a CONCAT, but not what a cast made.
        source = f"SELECT * REPLACE (CAST(features AS ARRAY<FLOAT64>) AS features) FROM {ident(TABLE)}"
        return scores_of(warehouse, source=f"({source} WHERE game_date = DATE '{DAY}')")


def is_json(text: str | None) -> bool:
    """Find text that JSON_VALUE reads on the emulator, which fails where others answer NULL."""
    try:
        return text is None or json.loads(text) is not ...
    except ValueError:
        return False


def forgiven(row: Row, got: Mapping[str, Any]) -> dict[str, Any]:
    """Correct what the emulator is known to get wrong, as narrowly as possible."""
    wanted, corrected = score(row, NOW), dict(got)
    for name, value in wanted.items():
        # ARRAY_TO_STRING of NULLs alone is NULL there, so what is made of it is.
        if value in ("", "{}") and name in JOINED:
            corrected[name] = "" if got[name] is None and value == "" else "{}" if got[name] is None else got[name]
        # A choice among decimal literals comes as a NUMERIC there.
        elif isinstance(value, float) and isinstance(got[name], Decimal):
            corrected[name] = float(got[name])
    # A decimal literal within a string is spelt otherwise there: 10.0 as 10.0e0.
    if json.loads(got["feature_expected_values_json"]) == json.loads(wanted["feature_expected_values_json"]):
        corrected["feature_expected_values_json"] = wanted["feature_expected_values_json"]
    # CAST rounds halves to even there.
    if row["features"][30:31] and row["features"][30] % 1 == 0.5:
        corrected["feature_sample_sizes_json"] = wanted["feature_sample_sizes_json"]
    # A second counts there as soon as it has begun, and halves of 0.01 are rounded as the quotient times 100 falls.
    broken = any(isinstance(value, datetime) and value.microsecond for value in row.values())
    if broken or (age_in_seconds(row) or 0) % 36 == 18:
        hours, meant = corrected["upstream_data_freshness_hours"], wanted["upstream_data_freshness_hours"]
        near = hours is not None and meant is not None and abs(hours - meant) < 0.011
        corrected["upstream_data_freshness_hours"] = meant if near else hours
    return corrected
