"""Convert rows of texts to rows of typed columns, and report what is wrong with each row.

The values of a record are texts of JSON or CSV. A text is converted as a load job of BigQuery would, or the record is
wrong: no value is rounded, cut or made NULL without a message.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fqtool.table.column import Column, Kind, Mode
from fqtool.warehouse.duckdb.types import quoted, text_literal, type_text

WRONG, EVERY, RAW = "_wrong", "_every", "_raw"
STOP = "a record cannot be read"


def shape(columns: Sequence[Column]) -> str:
    """Return the structure for FROM_JSON that reads each column as text, and objects and arrays as JSON text."""
    return json.dumps({column.name: "VARCHAR" for column in columns})


def typed(
    columns: Sequence[Column],
    source: str,
    raw: str,
    source_types: Mapping[str, str] | None = None,
    *,
    also: str = "NULL",
    required: Collection[str] = (),
) -> str:
    """Return the SELECT of typed columns, of the first and of every problem of a row, and of its raw text.

    Args:
        columns: The columns to read.
        source: SQL of the source.
        raw: SQL of the raw text.
        source_types: DuckDB type of each column of the source. A column with the right type is used unchanged, others
            are texts, absent ones are NULL. None: the source has every column, as text.
        also: SQL of another reason why a row is wrong, or NULL.
        required: Names of the columns that must have a value.
    """
    kinds = {column.name: "VARCHAR" for column in columns} if source_types is None else source_types
    texts = [column for column in columns if column.name in kinds and kinds[column.name] != _type(column)]
    expressions = {column.name: quoted(column.name) for column in columns if column.name in kinds} | {
        column.name: _cast(column) for column in texts
    }
    lines = [
        f"{expressions.get(column.name, f'CAST(NULL AS {_type(column)})')} AS {quoted(column.name)}"
        for column in columns
    ]
    missing = [
        f"WHEN {f'{quoted(column.name)} IS NULL' if column.name in kinds else 'TRUE'} "
        f"THEN {text_literal(f'{column.name} is missing or NULL')}"
        for column in columns
        if column.name in required
    ]
    checks = [f"WHEN {test} THEN {_problem(column)}" for column in texts if (test := _is_wrong(column))]
    cases = [*missing, *checks]
    wrong = f"COALESCE({also}, CASE {' '.join(cases)} END)" if cases else also
    each = ", ".join(f"CASE {case} END" for case in cases)
    every = f"COALESCE({also}, NULLIF(CONCAT_WS('; ', {each}), ''))" if cases else also
    return f"SELECT {', '.join(lines)}, {wrong} AS {WRONG}, {every} AS {EVERY}, {raw} AS {RAW} FROM {source}"


def only_right(rows: str) -> str:
    """Return the SELECT of the right rows of a `typed` SELECT."""
    return f"SELECT * EXCLUDE ({WRONG}, {EVERY}, {RAW}) FROM ({rows}) WHERE {WRONG} IS NULL"


def all_right(rows: str) -> str:
    """Return the SELECT of all rows of a `typed` SELECT, which fails with STOP at a wrong row."""
    stop = f"CASE WHEN {WRONG} IS NULL THEN TRUE ELSE ERROR('{STOP}') END"
    return f"SELECT * EXCLUDE ({WRONG}, {EVERY}, {RAW}) FROM ({rows}) WHERE {stop}"


def all_wrong(rows: str) -> str:
    """Return the SELECT of the wrong rows of a `typed` SELECT in order: number from 1, problems and raw text."""
    numbered = f"SELECT ROW_NUMBER() OVER () AS number, {WRONG}, {EVERY}, {RAW} FROM ({rows})"
    return f"SELECT number, {EVERY}, {RAW} FROM ({numbered}) WHERE {WRONG} IS NOT NULL ORDER BY number"


def _type(column: Column) -> str:
    return type_text(column.type, column.mode)


def _cast(column: Column) -> str:
    name, kind = quoted(column.name), _type(column)
    if kind == "VARCHAR":
        return name
    cast = f"TRY_CAST({name} AS {kind})"
    if not _is_nested(column):
        return cast
    # FROM_JSON is several times as fast, and keeps escapes of texts, but reads true as 1 and accepts only JSON.
    parsed = f"COALESCE(TRY(FROM_JSON({name}, {text_literal(json.dumps(_structure(column)))})), {cast})"
    if kind != "DOUBLE[]":
        return parsed
    return f"CASE WHEN CONTAINS({name}, 'true') OR CONTAINS({name}, 'false') THEN {cast} ELSE {parsed} END"


def _is_nested(column: Column) -> bool:
    return column.mode is Mode.REPEATED or column.type.kind is Kind.STRUCT


def _structure(column: Column) -> Any:
    """The structure of a value for FROM_JSON."""
    single: Any = type_text(column.type, Mode.NULLABLE)
    if column.type.kind is Kind.STRUCT:
        single = {field.name: _structure(field) for field in column.type.fields}
    return [single] if column.mode is Mode.REPEATED else single


def _problem(column: Column) -> str:
    """Return BigQuery's name of the type and the length of the value. Only --rejects shows the record itself."""
    kind = f"ARRAY<{column.type}>" if column.mode is Mode.REPEATED else str(column.type)
    begin, length = text_literal(f"{column.name} is not a valid {kind} (a value of "), f"LENGTH({quoted(column.name)})"
    return f"{begin} || {length} || CASE WHEN {length} = 1 THEN ' character)' ELSE ' characters)' END"


def _is_wrong(column: Column) -> str:
    name, value = quoted(column.name), _cast(column)
    if value == name:
        return ""
    absent = f"{name} IS NOT NULL AND {value} IS NULL"
    if _type(column) == "DOUBLE[]":
        # An invalid item becomes NULL, as a null of the record does; both are rare.
        items = f"TRY(FROM_JSON({name}, '[\"VARCHAR\"]'))"
        lost = f"CASE WHEN LIST_COUNT({value}) = LEN({value}) THEN FALSE ELSE {_nulls(items)} <> {_nulls(value)} END"
        infinite = f"LIST_CONTAINS({value}, 'inf'::DOUBLE) OR LIST_CONTAINS({value}, '-inf'::DOUBLE)"
        return f"({absent}) OR {lost} OR CASE WHEN {infinite} THEN {_any(items, _IS_CUT[Kind.FLOAT64])} ELSE FALSE END"
    if _is_nested(column):
        # A field that cannot be read would be NULL in a STRUCT that is read by TRY_CAST.
        checks = [f"{name} IS NOT NULL AND TRY(CAST({name} AS {_type(column)})) IS NULL", absent]
        checks += (_any(texts, _IS_CUT[kind]) for kind, texts in _leaves(column, name) if kind in _IS_CUT)
        return " OR ".join(f"({check})" for check in checks)
    cut = _IS_CUT.get(column.type.kind)
    return f"{absent} OR {cut.format(name)}" if cut else absent


def _leaves(column: Column, text: str) -> Iterator[tuple[Kind, str]]:
    """Yield each kind of value in an ARRAY or STRUCT with SQL of the texts of all its values."""

    def walk(one: Column, path: str) -> Iterator[tuple[Kind, str]]:
        path += "[*]" * (one.mode is Mode.REPEATED)
        if one.type.kind is not Kind.STRUCT:
            yield one.type.kind, path
        for field in one.type.fields:
            yield from walk(field, f'{path}."{field.name}"')

    for kind, path in walk(column, "$"):
        of = text_literal(path) if "[*]" in path else f"[{text_literal(path)}]"
        yield kind, f"TRY(JSON_EXTRACT_STRING({text}, {of}))"


def _any(texts: str, test: str) -> str:
    """SQL of whether a test holds for one of several texts."""
    return f"COALESCE(LEN(LIST_FILTER({texts}, LAMBDA x_ : {test.format('x_')})) > 0, FALSE)"


# Values that DuckDB changes where BigQuery refuses them: a fraction of an INT64, and a number too large for a FLOAT64.
_IS_CUT = {
    Kind.INT64: "COALESCE(TRY_CAST({0} AS DECIMAL(38, 9)) % 1 <> 0, FALSE)",
    Kind.FLOAT64: "COALESCE(ISINF(TRY_CAST({0} AS DOUBLE)) AND NOT REGEXP_MATCHES({0}, '(?i)inf'), FALSE)",
}


def _nulls(items: str) -> str:
    return f"LEN(LIST_FILTER({items}, LAMBDA x_ : x_ IS NULL))"
