"""The text of an entry of `base_columns`, as `init` writes it and as a finding proposes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fqtool.registry.model import BaseColumn, Declared
from fqtool.registry.yaml.edit import flow_list, quoted, scalar

_WIDEST = 120
_LONGEST_TYPE = 80
_PLAIN_TYPE = re.compile(r"(?:ARRAY<)?STRUCT<[\w<>(), ]+>")


def base_column_line(column: BaseColumn) -> str:
    """Return an entry of `base_columns` on one line, with its dash."""
    written = [f"{key}: {value}" for key, value in _pairs(column)]
    for key, fields in _of_fields(column):
        written.append(f"{key}: {{{', '.join(f'{path}: {value}' for path, value in fields)}}}")
    return f"- {{{', '.join(written)}}}"


def base_column_lines(column: BaseColumn) -> Iterator[str]:
    """Yield the lines of an entry of `base_columns`: one for each key where the column has fields to describe."""
    pairs, of_fields, nested = _pairs(column), _of_fields(column), _plain_over_lines(column.type)
    if nested or of_fields:
        pairs = [(key, nested if nested and key == "type" else value) for key, value in pairs]
        yield "  - " + f"\n{' ' * 4}".join(f"{key}: {value}" for key, value in pairs)
        for key, fields in of_fields:
            yield f"    {key}:"
            yield from (f"      {path}: {value}" for path, value in fields)
        return
    line = f"  {base_column_line(column)}"
    if len(line) > _WIDEST and column.description:
        *others, words = (f"{key}: {value}" for key, value in pairs)
        line = f"  - {{{', '.join(others)},\n     {words}}}"
    yield line


def property_value(value: object) -> str:
    """Return the value of a property of a table or column in the flow style."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, tuple):
        return quoted(str(value))
    if value and isinstance(value[0], tuple):
        return "{" + ", ".join(f"{quoted(key)}: {quoted(text)}" for key, text in value) + "}"
    return flow_list([quoted(str(one)) for one in value])


def _pairs(column: BaseColumn) -> list[tuple[str, str]]:
    """The keys of an entry and their values on one line, the description last."""
    pairs = [("name", scalar(column.name)), ("type", scalar(column.type))]
    if column.required:
        pairs.append(("required", "true"))
    if column.default is not None:
        pairs.append(("default", scalar(column.default)))
    if column.properties:
        pairs.append(("properties", _properties(column.properties)))
    if column.description:
        pairs.append(("description", scalar(column.description)))
    return pairs


def _of_fields(column: BaseColumn) -> list[tuple[str, list[tuple[str, str]]]]:
    """The keys whose value has the paths of fields of a STRUCT."""
    described = [(scalar(path), scalar(words)) for path, words in column.field_descriptions]
    declared = [(scalar(path), _properties(one)) for path, one in column.field_properties]
    pairs = [("field_descriptions", described), ("field_properties", declared)]
    return [(key, fields) for key, fields in pairs if fields]


def _properties(declared: Declared) -> str:
    return "{" + ", ".join(f"{name}: {property_value(value)}" for name, value in declared) + "}"


def _plain_over_lines(text: str) -> str:
    """Write a long STRUCT as a YAML scalar over several lines, one field per line; "" for another type."""
    if len(text) <= _LONGEST_TYPE or not _PLAIN_TYPE.fullmatch(text):
        return ""
    lines, depth = "", 0
    for part in re.findall(r"STRUCT<|, (?=\w+ [A-Z])|.", text):
        depth += part.endswith("<") - (part == ">")
        ends_line = part in {"STRUCT<", ", "}
        lines += f"{part.rstrip()}\n{' ' * (4 + 2 * depth)}" if ends_line else part
    return lines
