"""Texts in: records of any origin as texts, made typed columns, and which of them cannot be.

A record's values come as texts (JSON's or CSV's); a column makes of its text what BigQuery's load would, or the record
is wrong: nothing is rounded, cut or made NULL in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from fqtool.table.column import Column, Kind, Mode
from fqtool.warehouse.duckdb_types import quoted, type_text

WRONG, RAW = "_wrong", "_raw"
STOP = "a record cannot be read"


def text(value: str) -> str:
    """Quote a text for DuckDB."""
    return "'" + value.replace("'", "''") + "'"


def shape(columns: Sequence[Column]) -> str:
    """Return the structure for FROM_JSON that reads each column as text, an object or array as its JSON."""
    return json.dumps({one.name: "VARCHAR" for one in columns})


def typed(
    columns: Sequence[Column], source: str, raw: str, found: Mapping[str, str] | None = None, also: str = "NULL"
) -> str:
    """Return a SELECT of the columns from `source`; of what is wrong with a row; and of `raw`.

    `found` are the DuckDB types of the source's columns by lower-case name: one that has its column's type already is
    taken as it is, others are texts, absent ones NULL. Without it all are there, as texts. `also` says what else may
    be wrong.
    """
    kinds = {one.key: "VARCHAR" for one in columns} if found is None else found
    texts = [one for one in columns if one.key in kinds and kinds[one.key] != _type(one)]
    made = {one.key: quoted(one.name) for one in columns if one.key in kinds} | {one.key: _made(one) for one in texts}
    lines = [f"{made.get(one.key, f'CAST(NULL AS {_type(one)})')} AS {quoted(one.name)}" for one in columns]
    checks = [f"WHEN {test} THEN {_told(one)}" for one in texts if (test := _is_wrong(one))]
    wrong = f"COALESCE({also}, CASE {' '.join(checks)} END)" if checks else also
    return f"SELECT {', '.join(lines)}, {wrong} AS {WRONG}, {raw} AS {RAW} FROM {source}"


def only_right(rows: str) -> str:
    """Return the rows of a `typed` SELECT without the wrong ones."""
    return f"SELECT * EXCLUDE ({WRONG}, {RAW}) FROM ({rows}) WHERE {WRONG} IS NULL"


def all_right(rows: str) -> str:
    """Return the rows of a `typed` SELECT; to read a wrong one is an error that says STOP."""
    stop = f"CASE WHEN {WRONG} IS NULL THEN TRUE ELSE ERROR('{STOP}') END"
    return f"SELECT * EXCLUDE ({WRONG}, {RAW}) FROM ({rows}) WHERE {stop}"


def all_wrong(rows: str) -> str:
    """Return number from 1, what is wrong, and the raw record, of the wrong rows of a `typed` SELECT, in order."""
    numbered = f"SELECT ROW_NUMBER() OVER () AS number, {WRONG}, {RAW} FROM ({rows})"
    return f"SELECT number, {WRONG}, {RAW} FROM ({numbered}) WHERE {WRONG} IS NOT NULL ORDER BY number"


def _type(one: Column) -> str:
    return type_text(one.type, one.mode)


def _made(one: Column) -> str:
    name = quoted(one.name)
    return name if _type(one) == "VARCHAR" else f"TRY_CAST({name} AS {_type(one)})"


def _told(one: Column) -> str:
    """BigQuery's name of the type, and how long the text is; the record itself is told to nobody but --rejects."""
    kind = f"ARRAY<{one.type}>" if one.mode is Mode.REPEATED else str(one.type)
    return f"{text(f'{one.name} is no {kind} but ')} || LENGTH({quoted(one.name)}) || {text(' characters of text')}"


def _is_wrong(one: Column) -> str:
    name, made = quoted(one.name), _made(one)
    if made == name:
        return ""
    absent = f"{name} IS NOT NULL AND {made} IS NULL"
    if one.mode is Mode.REPEATED:
        # An item that does not fit becomes NULL, as a null does that was there before.
        read = f"TRY(FROM_JSON({name}, '[\"VARCHAR\"]'))"
        return f"({absent}) OR {_nulls(read)} <> {_nulls(made)}"
    if one.type.kind is Kind.INT64:
        return f"({absent}) OR TRY_CAST({name} AS DECIMAL(38, 9)) % 1 <> 0"
    return absent


def _nulls(items: str) -> str:
    return f"LEN(LIST_FILTER({items}, LAMBDA x_ : x_ IS NULL))"
