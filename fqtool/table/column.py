"""Types and columns of BigQuery (bigquery.md#widening), in one canonical spelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from unicodedata import category

from fqtool.sql import name_sql

_NAMED = frozenset("&%=+:'<>#|")  # marks that a name may have

COLUMN_LIMIT, NESTING_LIMIT = 10_000, 15  # columns and fields of a table; levels of nested STRUCTs (bigquery.md#limits)
MICROSECONDS, PICOSECONDS = 6, 12  # decimal digits of a second of a TIMESTAMP, without and with a precision


def refused_character(name: str) -> str:
    """Return the first character that BigQuery does not allow in the name of a column or field, or "".

    Letters and digits of any language, combining marks, connectors, dashes, spaces and a few marks are allowed
    (bigquery.md#names).
    """
    kinds = ((char, category(char)) for char in name if char not in _NAMED)
    return next((char for char, kind in kinds if kind[0] not in "LNM" and kind not in ("Pc", "Pd", "Zs")), "")


class Kind(StrEnum):
    """BigQuery's column types by their GoogleSQL names. An ARRAY is a mode, not a kind (bigquery.md#types)."""

    INT64 = "INT64"
    FLOAT64 = "FLOAT64"
    NUMERIC = "NUMERIC"
    BIGNUMERIC = "BIGNUMERIC"
    BOOL = "BOOL"
    STRING = "STRING"
    BYTES = "BYTES"
    DATE = "DATE"
    DATETIME = "DATETIME"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    INTERVAL = "INTERVAL"
    JSON = "JSON"
    GEOGRAPHY = "GEOGRAPHY"
    RANGE = "RANGE"
    STRUCT = "STRUCT"
    UNKNOWN = "UNKNOWN"
    """A type of BigQuery that this version does not know; `Type.name` is its name."""


class Mode(StrEnum):
    """NULLABLE, REQUIRED (NOT NULL) or REPEATED (ARRAY, never NULL)."""

    NULLABLE = "NULLABLE"
    REQUIRED = "REQUIRED"
    REPEATED = "REPEATED"


# SQL aliases and REST names that mean a kind (bigquery.md#types).
ALIASES = {
    "INT": Kind.INT64, "SMALLINT": Kind.INT64, "INTEGER": Kind.INT64, "BIGINT": Kind.INT64,
    "TINYINT": Kind.INT64, "BYTEINT": Kind.INT64, "FLOAT": Kind.FLOAT64, "DECIMAL": Kind.NUMERIC,
    "BIGDECIMAL": Kind.BIGNUMERIC, "BOOLEAN": Kind.BOOL, "RECORD": Kind.STRUCT,
} | {kind.value: kind for kind in Kind if kind is not Kind.UNKNOWN}  # fmt: skip

OF_SCHEMAS = frozenset({"FLOAT", "RECORD"})  # names that only schema files and the API have

# Names in tables.get and schema files of the kinds whose REST name differs (bigquery.md#types).
REST_NAMES = {
    Kind.INT64: "INTEGER", Kind.FLOAT64: "FLOAT", Kind.BOOL: "BOOLEAN", Kind.STRUCT: "RECORD",
}  # fmt: skip


Properties = tuple[tuple[str, str], ...]
"""Further properties of a column or table, as names and texts in the order of names."""


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column without its mode.

    `precision` and `scale` belong to NUMERIC and BIGNUMERIC, `precision` alone to TIMESTAMP, `length` to STRING and
    BYTES, `fields` to STRUCT, `element` to RANGE, `name` to an unknown type. Equal types have equal spelling:
    NUMERIC(38, 9) is NUMERIC, NUMERIC(5) is NUMERIC(5, 0), TIMESTAMP(6) is TIMESTAMP.
    """

    kind: Kind
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    fields: tuple[Column, ...] = ()
    element: Kind | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind is Kind.TIMESTAMP and self.precision == MICROSECONDS:
            object.__setattr__(self, "precision", None)
        if self.kind is not Kind.TIMESTAMP and self.precision is not None and self.scale is None:
            object.__setattr__(self, "scale", 0)
        if self.kind is Kind.NUMERIC and (self.precision, self.scale) == (38, 9):
            object.__setattr__(self, "precision", None)
            object.__setattr__(self, "scale", None)

    @property
    def digits(self) -> tuple[int, int]:
        """Precision and scale of a NUMERIC or BIGNUMERIC, also where it is declared without them."""
        if self.precision is None:
            return (38, 9) if self.kind is Kind.NUMERIC else (76, 38)
        return self.precision, self.scale or 0

    def __str__(self) -> str:
        """Return the GoogleSQL spelling, e.g. NUMERIC(5, 2) or STRUCT<a INT64, b ARRAY<DATE>>."""
        if self.kind is Kind.UNKNOWN:
            return self.name
        if self.kind is Kind.STRUCT:
            inner = ", ".join(f"{name_sql(f.name)} {f.sql_type}{f.not_null}" for f in self.fields)
            return f"STRUCT<{inner}>"
        if self.element:
            return f"RANGE<{self.element}>"
        if self.precision is not None:
            scale = "" if self.scale is None else f", {self.scale}"
            return f"{self.kind}({self.precision}{scale})"
        return f"{self.kind}({self.length})" if self.length is not None else str(self.kind)

    @property
    def unknown(self) -> str:
        """The name of the first unknown type in it, itself included; "" if all types are known."""
        return self.name or next((field.type.unknown for field in self.fields if field.type.unknown), "")

    @property
    def is_governed(self) -> bool:
        """Whether a field in it has properties, which SET DATA TYPE cannot write."""
        return any(field.properties or field.type.is_governed for field in self.fields)

    @property
    def descriptions(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """The paths and descriptions of the described fields in it."""
        found: list[tuple[tuple[str, ...], str]] = []
        for field in self.fields:
            if field.description:
                found.append(((field.name,), field.description))
            found += [((field.name, *path), text) for path, text in field.type.descriptions]
        return tuple(found)

    @property
    def undescribed(self) -> Type:
        """The type without descriptions, defaults and settings of its fields, with the names as they are written."""
        fields = (Column(field.name, field.type.undescribed, field.mode) for field in self.fields)
        return replace(self, fields=tuple(fields)) if self.fields else self

    @property
    def shape(self) -> Type:
        """The type without descriptions and properties of fields, as SET DATA TYPE compares it."""
        return replace(self, fields=tuple(f.shape for f in self.fields)) if self.fields else self


@dataclass(frozen=True, slots=True)
class Column:
    """A column or STRUCT field. `default` is a GoogleSQL expression; `description` "" means no description.

    `properties` are its further properties (`table/properties.py`).
    """

    name: str
    type: Type
    mode: Mode = Mode.NULLABLE
    description: str = ""
    default: str | None = None
    properties: Properties = ()

    @property
    def key(self) -> str:
        """The name as BigQuery compares it: in lower case (bigquery.md#names)."""
        return self.name.lower()

    @property
    def sql_type(self) -> str:
        """The GoogleSQL type, with ARRAY for a REPEATED column, without NOT NULL."""
        return f"ARRAY<{self.type}>" if self.mode is Mode.REPEATED else str(self.type)

    @property
    def generated(self) -> str:
        """The expression of a generated column, which BigQuery writes itself; "" for other columns."""
        return dict(self.properties).get("generated", "")

    @property
    def not_null(self) -> str:
        """The suffix ` NOT NULL` of a REQUIRED column; "" for other columns."""
        return " NOT NULL" if self.mode is Mode.REQUIRED else ""

    @property
    def width(self) -> int:
        """One, and one for each field in it, which is how BigQuery counts columns."""
        return 1 + sum(field.width for field in self.type.fields)

    @property
    def shape(self) -> Column:
        """The column with only lower-case name, type and mode."""
        return Column(self.key, self.type.shape, self.mode)


def is_widening(old: Type, new: Type) -> bool:
    """Return whether BigQuery documents ALTER COLUMN SET DATA TYPE from `old` to `new` (bigquery.md#widening).

    Documented are INT64 -> NUMERIC, BIGNUMERIC, FLOAT64; NUMERIC -> BIGNUMERIC, FLOAT64; and wider parameters of one
    kind. The one documented change to a parameterised type of another kind is NUMERIC -> BIGNUMERIC(P, S). A STRUCT
    widens field by field, with the same fields in the same order.
    """
    if old.kind is Kind.STRUCT and new.kind is Kind.STRUCT:
        same = len(old.fields) == len(new.fields) and old.shape != new.shape
        return same and all(map(_field_widens, old.fields, new.fields))
    if (old.kind, new.kind) == (Kind.NUMERIC, Kind.BIGNUMERIC):
        return all(ours <= wider for ours, wider in zip(old.digits, new.digits, strict=True))
    if old.kind is not new.kind:
        bare = new.precision is None and new.length is None
        return bare and (old.kind, new.kind) in {
            (Kind.INT64, Kind.NUMERIC), (Kind.INT64, Kind.BIGNUMERIC), (Kind.INT64, Kind.FLOAT64),
            (Kind.NUMERIC, Kind.FLOAT64),
        }  # fmt: skip
    if old.kind in (Kind.STRING, Kind.BYTES):
        return old.length is not None and (new.length is None or new.length > old.length)
    if old.kind in (Kind.NUMERIC, Kind.BIGNUMERIC):
        return old != new and _digits_fit(old, new)
    return False


def _field_widens(old: Column, new: Column) -> bool:
    """A field keeps its name and mode. SET DATA TYPE cannot write NOT NULL, and does not change an ARRAY."""
    if old.key != new.key or old.mode is not new.mode or old.mode is Mode.REQUIRED:
        return False
    before, after = old.type.shape, new.type.shape
    return before == after or (old.mode is Mode.NULLABLE and is_widening(before, after))


def _digits_fit(old: Type, new: Type) -> bool:
    """Neither the digits before the decimal point nor those after it may become fewer (bigquery.md#widening)."""
    (old_precision, old_scale), (new_precision, new_scale) = old.digits, new.digits
    return new_scale >= old_scale and new_precision - new_scale >= old_precision - old_scale
