"""Laws of the exports of a record: jsonschema, pydantic and fastavro accept what a writer must send, and no more."""

from __future__ import annotations

import io
import json
import sys
import types
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import fastavro
import jsonschema
import pydantic
import pytest

from fqtool.commands.export.run import EXPORTS
from fqtool.records.check import RecordCheck
from fqtool.registry.load import read_registry
from fqtool.registry.model import Registry
from fqtool.table.column import ALIASES, Kind
from tests.bed.running import ROOT
from tests.exported_registries import real
from tests.stores import BASE, BaseColumn, small_registry
from tests.test_check_record import WRONG
from tests.writers import RECORD, REGISTRY_FILE

SMALL = read_registry(REGISTRY_FILE)
# What a schema of types cannot state: what a text holds.
_OF_TEXTS = {
    "labels that are not an object", "an unknown label", "a label of no feature", "a label of another feature",
    "names of features as keys of labels",
    "values without names",
}  # fmt: skip
CASES = [name for name in WRONG if name not in _OF_TEXTS]
_AVRO_STATES = ("FQ502", "FQ503", "FQ504", "FQ507")


def validator(registry: Registry) -> jsonschema.Draft202012Validator:
    """The exported JSON Schema, which is itself valid."""
    schema = json.loads(EXPORTS["jsonschema"].render(registry))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def model(registry: Registry) -> Any:
    """The exported pydantic model."""
    module = types.ModuleType("exported_record")
    sys.modules[module.__name__] = module
    exec(compile(EXPORTS["pydantic"].render(registry), "record.py", "exec"), module.__dict__)  # noqa: S102  ours
    return module.Record


def avro_bytes(registry: Registry, record: dict[str, Any]) -> bytes:
    """A record written by fastavro with the exported schema, every field required to be declared."""
    stream = io.BytesIO()
    schema = fastavro.parse_schema(json.loads(EXPORTS["avro"].render(registry)))
    fastavro.writer(stream, schema, [record], strict_allow_default=True)
    return stream.getvalue()


def test_a_record_that_fits_is_accepted_by_each_tool() -> None:
    """What check-record accepts, the tools accept."""
    assert RecordCheck(SMALL).is_right(RECORD)
    validator(SMALL).validate(RECORD)
    made = model(SMALL).model_validate_json(json.dumps(RECORD))
    assert (made.player, made.day, made.features) == ("a", date(2026, 2, 6), RECORD["features"])
    typed = RECORD | {"day": date(2026, 2, 6), "history": {"found": 3, "days": [date(2026, 2, 1)]}}
    (read,) = fastavro.reader(io.BytesIO(avro_bytes(SMALL, typed)))
    assert {name: read[name] for name in typed} == typed


@pytest.mark.parametrize("name", CASES)
def test_jsonschema_refuses_what_check_record_reports(name: str) -> None:
    """Each kind of mistake, by jsonschema itself."""
    record = WRONG[name][2]
    assert not validator(SMALL).is_valid(record), record


@pytest.mark.parametrize("name", CASES)
def test_pydantic_refuses_what_check_record_reports(name: str) -> None:
    """Each kind of mistake, by pydantic itself."""
    record = WRONG[name][2]
    with pytest.raises(pydantic.ValidationError):
        model(SMALL).model_validate_json(json.dumps(record))


@pytest.mark.parametrize("name", [name for name in CASES if WRONG[name][0] in _AVRO_STATES])
def test_fastavro_refuses_values_of_another_type(name: str) -> None:
    """Types, missing fields and version labels, by fastavro itself; Avro states no length and no order."""
    record = WRONG[name][2] | {"day": date(2026, 2, 6) if WRONG[name][2].get("day") else None}
    record = {key: value for key, value in record.items() if key != "history" or "STRUCT" in name}
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        avro_bytes(SMALL, record)


def test_avro_declares_no_other_fields() -> None:
    """The fields are the table's columns, in their order."""
    schema = json.loads(EXPORTS["avro"].render(SMALL))
    assert [field["name"] for field in schema["fields"]] == list(RecordCheck(SMALL).declared)


VALUES: dict[str, tuple[Any, Any]] = {
    "INT64": (5, 1.5), "FLOAT64": (1.5, "x"), "NUMERIC": (1.5, "x"), "BIGNUMERIC": (1.5, "x"), "BOOL": (True, "x"),
    "STRING": ("x", 1), "STRING(3)": ("abc", "abcd"), "BYTES": ("eA==", 1), "DATE": ("2026-02-06", "soon"),
    "DATETIME": ("2026-02-06T10:00:00", "soon"), "TIME": ("10:00:00", "soon"), "NUMERIC(5, 2)": (999.5, 1000),
    "TIMESTAMP": ("2026-02-06T10:00:00Z", "soon"), "INTERVAL": ("1-0", 1), "GEOGRAPHY": ("POINT(1 2)", 1),
    "RANGE<DATE>": ("[2026-01-01, 2026-02-01)", 1), "STRUCT<a INT64 NOT NULL>": ({"a": 1}, {"a": "x"}),
    "ARRAY<STRING>": (["x"], "x"),
}  # fmt: skip
TYPED: dict[str, Any] = {
    "INT64": 5, "FLOAT64": 1.5, "NUMERIC": Decimal("1.5"), "BIGNUMERIC": Decimal("1.5"), "BOOL": True, "STRING": "x",
    "STRING(3)": "abc", "BYTES": b"x", "DATE": date(2026, 2, 6), "NUMERIC(5, 2)": Decimal("999.5"), "JSON": "{}",
    "TIMESTAMP": datetime(2026, 2, 6, tzinfo=UTC), "GEOGRAPHY": "POINT(1 2)", "INTERVAL": "1-0",
    "STRUCT<a INT64 NOT NULL>": {"a": 1}, "ARRAY<STRING>": ["x"],
    "RANGE<DATE>": {"start": date(2026, 1, 1), "end": None}, "TIME": time(10),
    "DATETIME": datetime(2026, 2, 6, 10),  # noqa: DTZ001  no zone
}  # fmt: skip


def with_type(kind: str) -> Registry:
    """The small registry with a column of a type."""
    return small_registry(base_columns=(*BASE, BaseColumn("more", kind)))


RIGHT = {"item": "a", "day": "2026-02-06", "vector": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize("kind", VALUES)
def test_each_type_is_accepted_and_another_refused(kind: str) -> None:
    """By jsonschema and pydantic, one right value and one wrong of each type."""
    registry, (right, wrong) = with_type(kind), VALUES[kind]
    assert validator(registry).is_valid(RIGHT | {"more": right})
    assert not validator(registry).is_valid(RIGHT | {"more": wrong})
    exported = model(registry)
    exported.model_validate_json(json.dumps(RIGHT | {"more": right}))
    with pytest.raises(pydantic.ValidationError):
        exported.model_validate_json(json.dumps(RIGHT | {"more": wrong}))


@pytest.mark.parametrize("value", ["not base64!", "eA", "eA=", "YWJjZGVmZw=="])
def test_bytes_are_base64_of_their_length(value: str) -> None:
    """By jsonschema and pydantic, as check-record; pydantic returns the bytes."""
    registry = with_type("BYTES(3)")
    assert not validator(registry).is_valid(RIGHT | {"more": value})
    exported = model(registry)
    with pytest.raises(pydantic.ValidationError):
        exported.model_validate_json(json.dumps(RIGHT | {"more": value}))
    assert exported.model_validate_json(json.dumps(RIGHT | {"more": "YWJj"})).more == b"abc"
    assert exported.model_validate(RIGHT | {"day": date(2026, 2, 6), "more": b"abc"}).more == b"abc"


def test_versions_are_values_of_their_column() -> None:
    """Numbers in an INT64."""
    column = BaseColumn("more", "INT64")
    registry = replace(small_registry(base_columns=(*BASE, column)), accepted_versions=(("more", ("1", "2")),))
    assert [validator(registry).is_valid(RIGHT | {"more": more}) for more in (2, 3, None)] == [True, False, False]
    exported = model(registry)
    exported.model_validate_json(json.dumps(RIGHT | {"more": 2}))
    for more in (3, None):
        with pytest.raises(pydantic.ValidationError):
            exported.model_validate_json(json.dumps(RIGHT | {"more": more}))
    typed = RIGHT | {"day": date(2026, 2, 6), "more": 2}
    (read,) = fastavro.reader(io.BytesIO(avro_bytes(registry, typed)))
    assert read["more"] == 2


def test_json_that_is_required_is_not_null() -> None:
    """As a column and as a field of a STRUCT."""
    for column, wrong in (
        (BaseColumn("more", "JSON", required=True), None),
        (BaseColumn("more", "STRUCT<a JSON NOT NULL>"), {"a": None}),
    ):
        registry = small_registry(base_columns=(*BASE, column))
        right = [1] if wrong is None else {"a": 1}
        assert validator(registry).is_valid(RIGHT | {"more": right})
        assert not validator(registry).is_valid(RIGHT | {"more": wrong})
        exported = model(registry)
        exported.model_validate_json(json.dumps(RIGHT | {"more": right}))
        with pytest.raises(pydantic.ValidationError):
            exported.model_validate_json(json.dumps(RIGHT | {"more": wrong}))


@pytest.mark.parametrize("kind", TYPED)
def test_each_type_goes_through_avro(kind: str) -> None:
    """What fastavro writes with the schema it reads back, in the type that BigQuery's load expects."""
    record = RIGHT | {"day": date(2026, 2, 6), "more": TYPED[kind]}
    (read,) = fastavro.reader(io.BytesIO(avro_bytes(with_type(kind), record)))
    assert read["more"] == TYPED[kind]


@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind != "STRING(3)"])
def test_a_value_of_another_type_is_refused_by_fastavro(kind: str) -> None:
    """Each type; Avro has no length of a text."""
    with pytest.raises(ValueError, match=r"on field more|isoformat"):
        avro_bytes(with_type(kind), RIGHT | {"day": date(2026, 2, 6), "more": VALUES[kind][1]})


def test_each_type_is_exported() -> None:
    """No type is forgotten; JSON takes every value."""
    known = {kind.split("(")[0].split("<")[0] for kind in VALUES} - {"ARRAY"}
    assert known == {str(kind) for kind in set(ALIASES.values()) - {Kind.JSON}}
    assert VALUES.keys() <= TYPED.keys()


def test_the_real_registry_is_exported() -> None:
    """All 170 columns, by each tool."""
    columns = list(RecordCheck(real()).declared)
    assert list(validator(real()).schema["properties"]) == columns
    assert list(model(real()).model_fields) == columns
    fastavro.parse_schema(json.loads(EXPORTS["avro"].render(real())))
    assert (ROOT / "feature_registry.yaml").is_file()


def test_names_that_python_cannot_have_are_aliases() -> None:
    """A column named like a keyword or a part of pydantic's class keeps its name in the record."""
    registry = small_registry(base_columns=(*BASE, BaseColumn("class", "STRING"), BaseColumn("schema", "INT64")))
    made = model(registry).model_validate_json(json.dumps(RIGHT | {"class": "x", "schema": 1}))
    assert made.model_dump(by_alias=True, exclude_unset=True).keys() == {*RIGHT, "class", "schema"}
