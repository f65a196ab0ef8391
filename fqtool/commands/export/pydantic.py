"""The record that a writer must produce, as a pydantic 2 model. The module needs nothing else."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import digits

from fqtool.commands.export.text import python_name, quoted, remark
from fqtool.records.check import RecordCheck
from fqtool.registry.model import Registry
from fqtool.table.column import Column, Kind, Mode, Type

_HEAD = '''"""A record of {}, checked by pydantic.

Written by `fqtool export pydantic`; change the registry, not this file.
"""

from __future__ import annotations

from base64 import b64decode
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, ValidationInfo

'''
_INT64 = f"Annotated[int, Field(strict=True, ge={-(2**63)}, le={2**63 - 1})]"
_TYPES: Mapping[Kind, str] = {
    Kind.INT64: _INT64, Kind.FLOAT64: "Annotated[float, Field(strict=True)]",
    Kind.BOOL: "Annotated[bool, Field(strict=True)]", Kind.DATE: "date", Kind.DATETIME: "NaiveDatetime",
    Kind.TIMESTAMP: "AwareDatetime", Kind.TIME: "time", Kind.INTERVAL: "str",
    Kind.GEOGRAPHY: "str", Kind.RANGE: "str",
}  # fmt: skip


_PRESENT = """
def _present(value: Any) -> Any:
    if value is None:
        raise ValueError("a value is required")
    return value
"""
_BYTES = '''
def _base64(value: bytes, info: ValidationInfo) -> bytes:
    """Decode a text of JSON."""
    return b64decode(value, validate=True) if info.mode == "json" else value


def _at_most(length: int) -> Any:
    def check(value: bytes) -> bytes:
        if len(value) > length:
            raise ValueError(f"at most {length} bytes")
        return value

    return check
'''


@dataclass(slots=True)
class _Module:
    """The classes of STRUCTs that are written before the record's."""

    classes: list[str] = field(default_factory=list)

    def type_of(self, column: Column, path: str) -> str:
        """Return the annotation of a column's value that is not NULL."""
        one = self._single(column.type, path)
        return f"list[{one}]" if column.mode is Mode.REPEATED else one

    def _single(self, of: Type, path: str) -> str:
        match of.kind:
            case Kind.STRING:
                return "str" if of.length is None else f"Annotated[str, Field(max_length={of.length})]"
            case Kind.BYTES:
                return "Annotated[bytes, AfterValidator(_base64)" + (
                    "]" if of.length is None else f", AfterValidator(_at_most({of.length}))]"
                )
            case Kind.NUMERIC | Kind.BIGNUMERIC:
                precision, scale = of.digits
                bound = 10 ** (precision - scale)
                return f"Annotated[Decimal, Field(gt=-{bound}, lt={bound})]"
            case Kind.STRUCT:
                name = "".join(part[:1].upper() + part[1:] for part in python_name(path).split("_")) + "Record"
                name = f"{name}{sum(one.startswith(f'class {name}') for one in self.classes) or ''}"
                fields = [
                    _field(
                        inner.name,
                        _present(inner, self.type_of(inner, f"{path}_{inner.name}"), inner.mode is Mode.REQUIRED),
                        inner.mode is Mode.REQUIRED,
                        inner.description,
                    )
                    for inner in of.fields
                ]
                self.classes.append(_class(name, f"What {path} holds.", fields))
                return name
            case kind:
                return _TYPES.get(kind, "Any")


def pydantic(registry: Registry) -> str:
    """Return the module's text."""
    check, module = RecordCheck(registry), _Module()
    fields = [
        _field(
            name,
            _present(column, _annotation(column, check, module), name in check.required),
            name in check.required,
            column.description,
        )
        for name, column in check.declared.items()
    ]
    record = _class("Record", f"A record of {registry.table.name}.", fields)
    return _HEAD.format(registry.table.name) + "\n\n".join([*_constants(check), *module.classes, record])


def _present(column: Column, annotation: str, required: bool) -> str:
    """Return the annotation of a column; `Any` alone would accept NULL where a value is required."""
    is_any = column.type.kind is Kind.JSON and column.mode is not Mode.REPEATED
    return f"Annotated[{annotation}, AfterValidator(_present)]" if required and is_any else annotation


def _constants(check: RecordCheck) -> Iterator[str]:
    names = "".join(f"    {quoted(feature.name)},\n" for feature in check.registry.features)
    yield f"FEATURES = [\n{names}]\n"
    yield (
        "\ndef _in_order(names: list[str]) -> list[str]:\n    if names and names != FEATURES:\n"
        '        raise ValueError("the names are not those of the features in their order")\n    return names\n'
    )
    kinds = {kind for column in check.declared.values() for kind in _kinds(column.type)}
    if Kind.JSON in kinds:
        yield _PRESENT
    if Kind.BYTES in kinds:
        yield _BYTES


def _kinds(of: Type) -> Iterator[Kind]:
    yield of.kind
    for inner in of.fields:
        yield from _kinds(inner.type)


def _annotation(column: Column, check: RecordCheck, module: _Module) -> str:
    if versions := check.versions_of(column):
        return f"Literal[{', '.join(str(one) if isinstance(one, int) else quoted(one) for one in versions)}]"
    of = module.type_of(column, column.name)
    if column.name == check.layout.vector:
        size = len(check.registry.features)
        return f"Annotated[{of}, Field(min_length={size}, max_length={size})]"
    if column.name == check.registry.inputs.names:
        return f"Annotated[{of}, AfterValidator(_in_order)]"
    return of


def _field(name: str, annotation: str, required: bool, description: str) -> str:
    """Return a field; every name is an alias, so that no column is taken for a part of the class."""
    own = python_name(name)
    if keyword.iskeyword(own) or own.startswith(("_", *digits)) or own in _TAKEN:
        own = f"column_{own}"
    options = [] if required else ["default=None"]
    options += [f"alias={quoted(name)}"] if own != name else []
    kind = annotation if required else f"{annotation} | None"
    comment = f"    # {remark(description)}\n" if description else ""
    default = f" = Field({', '.join(options)})" if options else ""
    return f"{comment}    {own}: {kind}{default}\n"


# Names that annotations use, and attributes of pydantic's BaseModel.
_TAKEN = frozenset(
    """
    Any Annotated Literal Decimal Field date datetime time copy json dict schema construct validate fields from_orm
    parse_obj parse_raw parse_file schema_json update_forward_refs bytes str list int float bool model_config
    """.split()  # noqa: SIM905  a paragraph of words reads better than a list of strings
)


def _class(name: str, docstring: str, fields: list[str]) -> str:
    config = '    model_config = ConfigDict(extra="forbid", populate_by_name=True, protected_namespaces=())\n'
    return f'\nclass {name}(BaseModel):\n    """{docstring}"""\n\n{config}\n{"".join(fields)}'
