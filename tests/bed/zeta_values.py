"""Between Python values and the analyser's wire values, for the types a feature store uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCALES = {"NUMERIC": 9, "BIGNUMERIC": 38}
_EXACT = Context(prec=80)  # Python's default of 28 digits rounds the largest NUMERIC


def type_kind(kind: Any) -> str:
    """The name of a TypeProto's kind: INT64, ARRAY, STRUCT ..."""
    from zetasql.wasi._pb2.zetasql.public import type_pb2

    name = type_pb2.TypeKind.Name(kind.type_kind).removeprefix("TYPE_")
    return {"DOUBLE": "FLOAT64", "FLOAT": "FLOAT32"}.get(name, str(name))


def type_of(value: object) -> str:
    """The GoogleSQL type of a bare Python parameter."""
    match value:
        case bool():
            return "BOOL"
        case int():
            return "INT64"
        case float():
            return "FLOAT64"
        case str():
            return "STRING"
        case bytes():
            return "BYTES"
        case Decimal():
            return "NUMERIC"
        case datetime():
            return "TIMESTAMP"
        case date():
            return "DATE"
        case Mapping():
            return "STRUCT<" + ", ".join(f"`{k}` {type_of(v)}" for k, v in value.items()) + ">"
        case [first, *_]:
            return f"ARRAY<{type_of(first)}>"
    raise TypeError(f"the type of {value!r} is not clear from the value: pass Typed(value, 'TYPE')")


def write(cell: Any, value: object, kind: Any) -> None:
    """Puts a Python value of the given type into an empty ValueProto; None stays the empty one, NULL."""
    if value is None:
        return
    name = type_kind(kind)
    match name:
        case "INT64" | "BOOL" | "STRING" | "BYTES":
            setattr(cell, f"{name.lower()}_value", value)
        case "FLOAT64":
            cell.double_value = float(value)  # type: ignore[arg-type]
        case "JSON":
            cell.json_value = json.dumps(value)
        case "NUMERIC" | "BIGNUMERIC":
            setattr(cell, f"{name.lower()}_value", _decimal_bytes(Decimal(str(value)), _SCALES[name]))
        case "DATE":
            assert isinstance(value, date)
            cell.date_value = (value - _EPOCH_DAY).days
        case "TIMESTAMP":
            assert isinstance(value, datetime)
            _write_timestamp(cell.timestamp_value, value)
        case "DATETIME":
            assert isinstance(value, datetime)
            _write_datetime(cell.datetime_value, value)
        case "ARRAY":
            cell.array_value.SetInParent()
            for element in value:  # type: ignore[attr-defined]
                write(cell.array_value.element.add(), element, kind.array_type.element_type)
        case "STRUCT":
            fields = kind.struct_type.field
            parts = [value[f.field_name] for f in fields] if isinstance(value, Mapping) else value
            cell.struct_value.SetInParent()
            for field, part in zip(fields, parts, strict=True):  # type: ignore[call-overload]
                write(cell.struct_value.field.add(), part, field.field_type)
        case _:
            raise TypeError(f"no Python value is written as {name}")


def read(cell: Any, kind: Any) -> Any:
    """The Python value of a ValueProto. A STRUCT is a dict when all its fields have names, else a list."""
    if cell.WhichOneof("value") is None:
        return None
    name = type_kind(kind)
    match name:
        case "INT64" | "BOOL" | "STRING" | "BYTES":
            return getattr(cell, f"{name.lower()}_value")
        case "FLOAT64":
            return cell.double_value
        case "JSON":
            return json.loads(cell.json_value)
        case "NUMERIC" | "BIGNUMERIC":
            raw = int.from_bytes(getattr(cell, f"{name.lower()}_value"), "little", signed=True)
            return _EXACT.add(Decimal(raw).scaleb(-_SCALES[name], _EXACT).normalize(_EXACT), 0)
        case "DATE":
            return _EPOCH_DAY + timedelta(days=cell.date_value)
        case "TIMESTAMP":
            stamp = cell.timestamp_value
            return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
        case "DATETIME":
            return _read_datetime(cell.datetime_value)
        case "ARRAY":
            return [read(e, kind.array_type.element_type) for e in cell.array_value.element]
        case "STRUCT":
            fields = kind.struct_type.field
            parts = [read(c, f.field_type) for c, f in zip(cell.struct_value.field, fields, strict=True)]
            names = [f.field_name for f in fields]
            return dict(zip(names, parts, strict=True)) if all(names) else parts
    raise TypeError(f"no Python value is read from {name}")


def _decimal_bytes(value: Decimal, scale: int) -> bytes:
    raw = int(value.scaleb(scale, _EXACT).to_integral_value(context=_EXACT))
    return raw.to_bytes(raw.bit_length() // 8 + 1, "little", signed=True)


def _write_timestamp(stamp: Any, value: datetime) -> None:
    if value.tzinfo is None:
        raise ValueError(f"a TIMESTAMP needs a time zone: {value!r}")
    since = value - _EPOCH
    stamp.seconds, stamp.nanos = since.days * 86400 + since.seconds, since.microseconds * 1000


# A DATETIME's fields from the lowest bits up, and how many bits each has.
_CIVIL = {"second": 6, "minute": 6, "hour": 5, "day": 5, "month": 4, "year": 14}


def _write_datetime(civil: Any, value: datetime) -> None:
    bits = shift = 0
    for name, width in _CIVIL.items():
        bits, shift = bits | getattr(value, name) << shift, shift + width
    civil.bit_field_datetime_seconds, civil.nanos = bits, value.microsecond * 1000


def _read_datetime(civil: Any) -> datetime:
    bits, fields = civil.bit_field_datetime_seconds, dict[str, int]()
    for name, width in _CIVIL.items():
        fields[name], bits = bits & (1 << width) - 1, bits >> width
    return datetime(**fields, microsecond=civil.nanos // 1000)  # type: ignore[arg-type]  # noqa: DTZ001
