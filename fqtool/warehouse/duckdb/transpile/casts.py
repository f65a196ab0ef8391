"""Translate CAST, SAFE_CAST and TO_JSON_STRING of GoogleSQL to DuckDB's SQL.

DuckDB rounds halves to even, accepts '2.5' as a whole number and 't' as a truth value, and writes 40.0 where BigQuery
writes 40. If the type of a value is not known, the SQL checks it at run time.
"""

from __future__ import annotations

import re

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.table.column import Kind, Mode, Type
from fqtool.warehouse.duckdb.transpile.kinds import IN_UTC, Kinds, filled, once
from fqtool.warehouse.duckdb.types import type_text

_EXACT = 2**53
# BigQuery writes "%.15g, or %.17g if that is needed to read the same number", and 0 for minus zero.
_FLOAT_TEXT = (
    "CASE WHEN :v = 0 THEN '0' WHEN CAST(PRINTF('%.15g', :v) AS DOUBLE) = :v THEN PRINTF('%.15g', :v) "
    "WHEN ISNAN(:v) THEN 'nan' ELSE PRINTF('%.17g', :v) END"
)
_FRACTION = (
    "CASE WHEN EPOCH_US(:v) % 1000000 = 0 THEN '' WHEN EPOCH_US(:v) % 1000 = 0 THEN STRFTIME(:t, '.%g') "
    "ELSE STRFTIME(:t, '.%f') END"
)
_MOMENT_TEXT = f"STRFTIME(:t, '%Y-%m-%d %H:%M:%S') || {_FRACTION}"
_DECIMAL_TEXT = "REGEXP_REPLACE(CAST(:v AS TEXT), '(\\.\\d*?)0+$', '\\1')"
_AS_TEXT = {
    "STRING": ":v", "INT64": "CAST(:v AS TEXT)", "BOOL": "CAST(:v AS TEXT)", "DATE": "CAST(:v AS TEXT)",
    "FLOAT64": _FLOAT_TEXT, "NUMERIC": f"RTRIM({_DECIMAL_TEXT}, '.')",
    "TIMESTAMP": f"{_MOMENT_TEXT} || '+00'".replace(":t", IN_UTC), "DATETIME": _MOMENT_TEXT.replace(":t", ":v"),
}  # fmt: skip
_ISO = f"'\"' || STRFTIME(:t, '%Y-%m-%dT%H:%M:%S') || {_FRACTION} || "
_AS_JSON = {
    "STRING": "REPLACE(REPLACE(CAST(TO_JSON(:v) AS TEXT), CHR(8232), '\\u2028'), CHR(8233), '\\u2029')",
    "BOOL": "CAST(:v AS TEXT)",
    "DATE": "'\"' || CAST(:v AS TEXT) || '\"'",
    "INT64": f"CASE WHEN NOT :v BETWEEN -{_EXACT} AND {_EXACT} THEN '\"' || :v || '\"' ELSE CAST(:v AS TEXT) END",
    "FLOAT64": (
        "CASE WHEN ISNAN(:v) THEN '\"NaN\"' WHEN ISINF(:v) THEN CASE WHEN :v > 0 THEN '\"Infinity\"' "
        f"ELSE '\"-Infinity\"' END ELSE {_FLOAT_TEXT} END"
    ),
    "NUMERIC": (
        f"CASE WHEN :v = TRUNC(:v) AND ABS(:v) <= {_EXACT} THEN CAST(CAST(:v AS BIGINT) AS TEXT) "
        f"ELSE '\"' || {_AS_TEXT['NUMERIC']} || '\"' END"
    ),
    "TIMESTAMP": f"{_ISO}'Z\"'".replace(":t", IN_UTC),
    "DATETIME": f"{_ISO}'\"'".replace(":t", ":v"),
}  # fmt: skip
# The DuckDB types that a value of each kind may have, with the cast that makes the branch valid for every other type.
_PHYSICAL = {
    "STRING": ("'VARCHAR'", "TEXT"), "BOOL": ("'BOOLEAN'", "BOOLEAN"), "DATE": ("'DATE'", "DATE"),
    "INT64": ("'BIGINT', 'INTEGER', 'HUGEINT', 'SMALLINT', 'TINYINT'", "HUGEINT"), "FLOAT64": ("'DOUBLE'", "DOUBLE"),
    "TIMESTAMP": ("'TIMESTAMP WITH TIME ZONE'", "TIMESTAMPTZ"), "DATETIME": ("'TIMESTAMP'", "TIMESTAMP"),
}  # fmt: skip
_DAY = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = "([ T]([01]?[0-9]|2[0-3]):[0-9]{1,2}:[0-9]{1,2}([.][0-9]{1,6})?)?"
_ZONE = "( ?[-+][0-9]{1,2}(:?[0-9]{2})?|Z| [A-Za-z]+(/[A-Za-z_]+)*)?"
_MOMENTS = {"DATE": _DAY, "DATETIME": _DAY + _TIME, "TIMESTAMP": _DAY + _TIME + _ZONE}
# The texts that BigQuery converts to each kind; DuckDB accepts more, such as a year 0.
_READABLE = {
    "INT64": "REGEXP_FULL_MATCH(:v, '\\s*[+-]?([0-9]+|0[xX][0-9a-fA-F]+)\\s*')",
    "FLOAT64": "NOT CONTAINS(:v, '_')",
    "NUMERIC": "NOT CONTAINS(:v, '_')",
    "BIGNUMERIC": "NOT CONTAINS(:v, '_')",
    "BOOL": "LOWER(:v) IN ('true', 'false')",
} | {kind: f"REGEXP_FULL_MATCH(:v, '{pattern}') AND NOT STARTS_WITH(:v, '0000')" for kind, pattern in _MOMENTS.items()}


def data_type(node: exp.DataType, _: Kinds) -> exp.Expr:
    """Translate NUMERIC with its digits; DuckDB's default is 18 and 3."""
    if node.this == exp.DataType.Type.DECIMAL and not node.expressions:
        return exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")
    if node.this == exp.DataType.Type.BIGDECIMAL:
        sizes = [int(size.name) for size in node.expressions]
        precision, scale = (*sizes, None, None)[:2]
        text = type_text(Type(Kind.BIGNUMERIC, precision, scale), Mode.NULLABLE)
        return exp.DataType.build(text, dialect="duckdb")
    return node


def cast(node: exp.Cast, kinds: Kinds) -> exp.Expr:
    """Translate CAST or SAFE_CAST. Raises InputError for types with other results on DuckDB."""
    target, source = kinds.of(node), kinds.of(node.this)
    value = node.this
    if isinstance(value, exp.Null) or (isinstance(value, exp.Array) and not value.expressions):
        return node
    if node.args.get("format"):
        raise InputError("CAST with FORMAT is not supported on DuckDB.")
    if target == "STRING" and not node.to.expressions:
        return to_string(value, kinds)
    lossy = target == "BIGNUMERIC" and source not in ("INT64", "NUMERIC", "BIGNUMERIC")
    if not target or lossy or target.startswith("ARRAY") or target in ("BYTES", "JSON", "STRING", "TIME"):
        if isinstance(value, exp.Parameter):
            return node
        raise InputError(f"CAST to {target or node.to.sql('bigquery')} is not supported on DuckDB.")
    if source == "BOOL" or (source == target and target != "NUMERIC") or _is_moment(value, target):
        return node
    word = "TRY_CAST" if isinstance(node, exp.TryCast) else "CAST"
    to = node.to.sql("duckdb")
    plain = f"{word}(:v AS {to})"
    from_text = _from_text(target, plain, safe=word == "TRY_CAST")
    from_float = _from_float(target, plain, word, to)
    if source == "STRING":
        return once(from_text, value)
    if source == "FLOAT64":
        return once(from_float, value)
    if source:
        return filled(plain, v=value)
    branches = ""
    if from_float != plain:
        branches = f" WHEN 'DOUBLE' THEN {from_float.replace(':v', 'TRY_CAST(:v AS DOUBLE)')}"
    textual = from_text.replace(":v", "CAST(:v AS TEXT)")
    return once(f"CASE TYPEOF(:v) WHEN 'VARCHAR' THEN {textual}{branches} ELSE {plain} END", value)


def _is_moment(value: exp.Expr, target: str) -> bool:
    """Return whether this is a literal such as DATE '2025-01-02', which both read in the same way."""
    text = value.name if isinstance(value, exp.Literal) and value.is_string else ""
    return target in _MOMENTS and not text.startswith("0000") and bool(re.fullmatch(_MOMENTS[target], text))


def _from_text(target: str, plain: str, *, safe: bool) -> str:
    if target == "FLOAT64":
        plain = f"CASE WHEN CONTAINS(LOWER(:v), '0x') THEN ERROR('a hexadecimal FLOAT64') ELSE {plain} END"
    if target == "INT64":
        negative = plain.replace(":v", "REPLACE(REPLACE(:v, '-', ''), '+', '')")
        signed = "REGEXP_MATCHES(:v, '[-+]0[xX]')"
        sign = "CASE WHEN CONTAINS(:v, '-') THEN -1 ELSE 1 END"
        plain = f"CASE WHEN {signed} THEN {sign} * {negative} ELSE {plain} END"
    bad = "NULL" if safe else f"ERROR('Bad {target} value: ' || :v)"
    return f"CASE WHEN {_READABLE[target]} THEN {plain} WHEN :v IS NOT NULL THEN {bad} END"


def _from_float(target: str, plain: str, word: str, to: str) -> str:
    match target:
        case "INT64":
            return f"{word}(ROUND(:v) AS {to})"
        case "NUMERIC":
            # printf rounds the exact value, but ties to even; only for ties the cast is correct.
            return (
                f"CASE WHEN ABS(:v * 1024 % 2) = 1 THEN {plain} "
                f"ELSE {word}({word}(PRINTF('%.9f', :v) AS DECIMAL(38, 9)) AS {to}) END"
            )
        case _:
            return plain


def to_string(value: exp.Expr, kinds: Kinds) -> exp.Expr:
    """Translate CAST(value AS STRING)."""
    source = kinds.of(value)
    if source in _AS_TEXT:
        return once(_AS_TEXT[source], value) if source != "STRING" else value
    if source:
        raise InputError(f"CAST of {source} to STRING is not supported on DuckDB.")
    return once(_by_type(_AS_TEXT, "CAST to STRING"), value)


def _by_type(templates: dict[str, str], operation: str) -> str:
    branches = " ".join(
        f"WHEN TYPEOF(:v) IN ({types}) THEN {templates[kind].replace(':v', f'TRY_CAST(:v AS {fits})')}"
        for kind, (types, fits) in _PHYSICAL.items()
    )
    decimal = templates["NUMERIC"].replace(":v", "TRY_CAST(:v AS DECIMAL(38, 9))")
    refusal = f"ERROR('{operation} of a ' || TYPEOF(:v) || ' is not supported on DuckDB')"
    return (
        f"CASE WHEN :v IS NULL THEN NULL {branches} WHEN STARTS_WITH(TYPEOF(:v), 'DECIMAL') THEN {decimal} "
        f"ELSE {refusal} END"
    )


def to_json_string(node: exp.JSONFormat, kinds: Kinds) -> exp.Expr:
    """Translate TO_JSON_STRING of a value, or of each part of a literal STRUCT or ARRAY."""
    if (
        len([argument for argument in node.args.values() if argument is not None]) > 1
        and node.args.get("options") is not None
    ):
        raise InputError("TO_JSON_STRING with pretty printing is not supported on DuckDB.")
    if isinstance(node.parent, exp.FarmFingerprint):
        return node  # `fingerprint` reads the columns
    if isinstance(node.parent, exp.ByteLength) and kinds.of(node.this) == "JSON":
        # Its length is the same on both engines; its text is not, since BigQuery does not keep the order of keys.
        return once("COALESCE(CAST(JSON(:v) AS TEXT), 'null')", node.this)
    return _json(node.this, kinds)


def _json(value: exp.Expr, kinds: Kinds) -> exp.Expr:
    match value:
        case exp.Struct():
            pieces = [
                filled(":name || ':' || :json", name=_json_name(item), json=_json(_inner(item), kinds))
                for item in value.expressions
            ]
            return _bracketed("{", pieces, "}")
        case exp.Array() if not isinstance(next(iter(value.expressions), None), exp.Select):
            return _bracketed("[", [_json(item, kinds) for item in value.expressions], "]")
    source = kinds.of(value)
    if isinstance(value, exp.Null):
        return exp.Literal.string("null")
    if source in _AS_JSON:
        return once(f"COALESCE({_AS_JSON[source]}, 'null')", value)
    if source.startswith("ARRAY<") and source[6:-1] in _AS_JSON:
        each = f"COALESCE({_AS_JSON[source[6:-1]]}, 'null')".replace(":v", "e_")
        listed = f"'[' || COALESCE(ARRAY_TO_STRING(LIST_TRANSFORM(:v, LAMBDA e_ : {each}), ','), '') || ']'"
        return once(f"CASE WHEN :v IS NULL THEN 'null' ELSE {listed} END", value)
    if source:
        raise InputError(f"TO_JSON_STRING of {source} is not supported on DuckDB.")
    return once(f"COALESCE({_by_type(_AS_JSON, 'TO_JSON_STRING')}, 'null')", value)


def byte_length(node: exp.ByteLength, kinds: Kinds) -> exp.Expr:
    """Translate BYTE_LENGTH: DuckDB has one function for text and another for bytes."""
    source = kinds.of(node.this)
    if source in _BYTES_OF:
        return filled(_BYTES_OF[source], v=node.this)
    if source:
        raise InputError(f"BYTE_LENGTH of {source} is not supported on BigQuery.")
    branches = "WHEN 'BLOB' THEN OCTET_LENGTH(TRY_CAST(:v AS BLOB)) WHEN 'VARCHAR' THEN STRLEN(CAST(:v AS TEXT))"
    return once(f"CASE TYPEOF(:v) {branches} ELSE ERROR('BYTE_LENGTH of a ' || TYPEOF(:v)) END", node.this)


_BYTES_OF = {"STRING": "STRLEN(:v)", "BYTES": "OCTET_LENGTH(:v)"}


def _bracketed(opening: str, pieces: list[exp.Expr], closing: str) -> exp.Expr:
    names = {f"p{number}": piece for number, piece in enumerate(pieces)}
    inside = " || ',' || ".join(f":{name}" for name in names) or "''"
    return exp.paren(filled(f"'{opening}' || {inside} || '{closing}'", **names), copy=False)


def _json_name(field: exp.Expr) -> exp.Expr:
    name = field.alias_or_name if isinstance(field, exp.Alias | exp.Column | exp.Dot) else ""
    if isinstance(field, exp.PropertyEQ):
        name = field.this.name
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return exp.Literal.string(f'"{quoted}"')


def _inner(field: exp.Expr) -> exp.Expr:
    return field.expression if isinstance(field, exp.PropertyEQ) else field.unalias()
