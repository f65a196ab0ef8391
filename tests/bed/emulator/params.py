"""Query parameters: typed as the request declares them, and found only outside strings.

Patches `_placeholder_for` and `_bind_named` of bqemulator.sql.parameters.
"""

from __future__ import annotations

import re
from typing import Any

from bqemulator.sql import parameters

from .hooks import override

# Strings and comments first: an apostrophe in a comment opens no string, and no name is found inside either.
_NAME_OR_TEXT = re.compile(r"""('(?:''|[^'])*'|"(?:""|[^"])*"|--[^\n]*|/\*.*?\*/)|[@$](\w+)""", re.DOTALL)


def _named(sql: str, given: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    """Puts a placeholder at every `@name` of the DuckDB text; `'a@name'` is a string."""
    known = {parameter["name"]: parameter for parameter in given}
    values = []

    def place(match: re.Match[str]) -> str:
        parameter = known.get(match[2] or "")
        if parameter is None:
            return match[0]
        values.append(parameters._extract_value(parameter))
        return _placeholder(values[-1], parameter)

    return _NAME_OR_TEXT.sub(place, sql), values


def _placeholder(_value: Any, param: dict[str, Any]) -> str:
    """Every parameter has its declared type, not only NULLs: `[]` and Python's int do not imply one."""
    text = _parameter_type(param.get("parameterType", {}))
    return f"CAST(? AS {text})" if text else "?"


def _parameter_type(given: dict[str, Any]) -> str | None:
    match str(given.get("type", "STRING")).upper():
        case "ARRAY":
            inner = _parameter_type(given.get("arrayType", {}))
            return f"{inner}[]" if inner else None
        case "STRUCT":
            parts = [(f.get("name", ""), _parameter_type(f.get("type", {}))) for f in given.get("structTypes", [])]
            named = parts and all(name and kind for name, kind in parts)
            return "STRUCT(" + ", ".join(f'"{n}" {k}' for n, k in parts) + ")" if named else None
        case "BIGNUMERIC":
            return "DECIMAL(38, 18)"
        case name:
            return parameters._BQ_SCALAR_TO_DUCKDB.get(name)


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    override(parameters, "_extract_value", parameters._extract_value)
    override(parameters, "_BQ_SCALAR_TO_DUCKDB", parameters._BQ_SCALAR_TO_DUCKDB)
    override(parameters, "_placeholder_for", _placeholder)
    override(parameters, "_bind_named", _named)
