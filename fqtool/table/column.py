"""Types and columns as BigQuery has them (BIGQUERY 20, 55, 57), in one canonical spelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """BigQuery's column types under their GoogleSQL names. An ARRAY is a mode, not a kind (BIGQUERY 55)."""

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


class Mode(StrEnum):
    """NULLABLE, REQUIRED (NOT NULL) or REPEATED (ARRAY, never NULL)."""

    NULLABLE = "NULLABLE"
    REQUIRED = "REQUIRED"
    REPEATED = "REPEATED"


# SQL aliases and REST names that mean a kind (BIGQUERY 55).
ALIASES = {
    "INT": Kind.INT64, "SMALLINT": Kind.INT64, "INTEGER": Kind.INT64, "BIGINT": Kind.INT64,
    "TINYINT": Kind.INT64, "BYTEINT": Kind.INT64, "FLOAT": Kind.FLOAT64, "DECIMAL": Kind.NUMERIC,
    "BIGDECIMAL": Kind.BIGNUMERIC, "BOOLEAN": Kind.BOOL, "RECORD": Kind.STRUCT,
} | {kind.value: kind for kind in Kind}  # fmt: skip

# What tables.get and schema files call the kinds whose REST name differs (BIGQUERY 55).
REST_NAMES = {
    Kind.INT64: "INTEGER", Kind.FLOAT64: "FLOAT", Kind.BOOL: "BOOLEAN", Kind.STRUCT: "RECORD",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Type:
    """A column's type without its mode.

    `precision` and `scale` belong to NUMERIC and BIGNUMERIC, `length` to STRING and BYTES, `fields` to STRUCT,
    `element` to RANGE. Equal types have equal spelling: NUMERIC(38, 9) is NUMERIC, NUMERIC(5) is NUMERIC(5, 0).
    """

    kind: Kind
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    fields: tuple[Column, ...] = ()
    element: Kind | None = None

    def __post_init__(self) -> None:
        if self.precision is not None and self.scale is None:
            object.__setattr__(self, "scale", 0)
        if self.kind is Kind.NUMERIC and (self.precision, self.scale) == (38, 9):
            object.__setattr__(self, "precision", None)
            object.__setattr__(self, "scale", None)

    def __str__(self) -> str:
        """Return the GoogleSQL spelling, e.g. NUMERIC(5, 2) or STRUCT<a INT64, b ARRAY<DATE>>."""
        if self.kind is Kind.STRUCT:
            inner = ", ".join(f"{f.name} {f.sql_type}{f.not_null}" for f in self.fields)
            return f"STRUCT<{inner}>"
        if self.element:
            return f"RANGE<{self.element}>"
        if self.precision is not None:
            return f"{self.kind}({self.precision}, {self.scale})"
        return f"{self.kind}({self.length})" if self.length is not None else str(self.kind)

    @property
    def shape(self) -> Type:
        """The type without the descriptions and policy tags inside a STRUCT: what SET DATA TYPE is about."""
        return replace(self, fields=tuple(f.shape for f in self.fields)) if self.fields else self


@dataclass(frozen=True, slots=True)
class Column:
    """One column or STRUCT field. `default` is a GoogleSQL expression as text, `description` "" for none."""

    name: str
    type: Type
    mode: Mode = Mode.NULLABLE
    description: str = ""
    default: str | None = None
    policy_tags: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name as BigQuery compares it: without case (BIGQUERY 47)."""
        return self.name.lower()

    @property
    def sql_type(self) -> str:
        """The GoogleSQL type with the mode's ARRAY around it, without NOT NULL."""
        return f"ARRAY<{self.type}>" if self.mode is Mode.REPEATED else str(self.type)

    @property
    def not_null(self) -> str:
        """The suffix of a REQUIRED column."""
        return " NOT NULL" if self.mode is Mode.REQUIRED else ""

    @property
    def shape(self) -> Column:
        """Name (lower case), type and mode alone."""
        return Column(self.key, self.type.shape, self.mode)


def is_widening(old: Type, new: Type) -> bool:
    """Tell whether BigQuery documents ALTER COLUMN SET DATA TYPE from `old` to `new` (BIGQUERY 20, 21).

    INT64 -> NUMERIC, BIGNUMERIC, FLOAT64; NUMERIC -> BIGNUMERIC, FLOAT64; less restrictive parameters of one
    kind. Cross-kind changes to a parameterised type are not listed, so they are not legal here.
    """
    if old.kind is not new.kind:
        bare = new.precision is None and new.length is None
        return bare and (old.kind, new.kind) in {
            (Kind.INT64, Kind.NUMERIC), (Kind.INT64, Kind.BIGNUMERIC), (Kind.INT64, Kind.FLOAT64),
            (Kind.NUMERIC, Kind.BIGNUMERIC), (Kind.NUMERIC, Kind.FLOAT64),
        }  # fmt: skip
    if old.kind in (Kind.STRING, Kind.BYTES):
        return old.length is not None and (new.length is None or new.length > old.length)
    if old.kind in (Kind.NUMERIC, Kind.BIGNUMERIC):
        return old != new and _digits_fit(old, new)
    return False


def _digits_fit(old: Type, new: Type) -> bool:
    """Neither the digits before the point nor those after may shrink (BIGQUERY 21)."""
    bare = (38, 9) if old.kind is Kind.NUMERIC else (76, 38)
    old_precision, old_scale = (old.precision, old.scale or 0) if old.precision else bare
    new_precision, new_scale = (new.precision, new.scale or 0) if new.precision else bare
    return new_scale >= old_scale and new_precision - new_scale >= old_precision - old_scale
