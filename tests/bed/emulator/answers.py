"""Answers as BigQuery writes them: jobs without fields of the emulator's own, and numbers in rows.

Patches `_build_job_response` of bqemulator.api.routes.jobs and `_format_bq_value` of bqemulator.storage.arrow_bridge.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bqemulator.api.routes import jobs as routes
from bqemulator.storage import arrow_bridge

from .hooks import override


def _without_nulls(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _without_nulls(value) for name, value in content.items() if value is not None}
    return [_without_nulls(item) for item in content] if isinstance(content, list) else content


def _configuration(content: Any) -> Any:
    """As the service shows it: a FLOAT64 parameter that came as a number is shown as text."""
    match content:
        case {"value": bool() | int() | float() as number}:
            return content | {"value": str(number)}
        case dict():
            return {name: _configuration(value) for name, value in content.items()}
        case list():
            return [_configuration(item) for item in content]
    return content


def _job(stock: Any) -> Any:
    def job(*words: Any, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = stock(*words, **more)
        made["configuration"] = _configuration(_without_nulls(made["configuration"]))
        statistics = made["statistics"]
        for part, name in [("query", "totalRows"), ("scriptStatistics", "statementCount")]:
            if part in statistics:
                statistics[part] = {key: value for key, value in statistics[part].items() if key != name}
        return made

    return job


_SPECIAL = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def _cell(stock: Any) -> Any:
    def cell(value: Any, *words: Any, **more: Any) -> Any:
        if isinstance(value, Decimal):
            return f"{value:f}"  # never with an exponent
        made = stock(value, *words, **more)
        return _SPECIAL.get(made, made) if isinstance(value, float) else made

    return cell


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    override(arrow_bridge, "_format_bq_value", _cell(arrow_bridge._format_bq_value))
    override(routes, "_build_job_response", _job(routes._build_job_response))
