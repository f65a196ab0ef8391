"""The registry as a typed Python module: rows, features, and the allowed values of columns.

The module needs only Python 3.11. Names that a class cannot have are written with the functional syntax.
"""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fqtool.commands.export.contents import Held, accepted_lists, contents
from fqtool.commands.export.text import python_name, quoted, remark
from fqtool.registry.model import Registry
from fqtool.table.column import Column, Kind, Mode

_HEAD = '''\
"""Rows and features of {}.

Written by `fqtool export python`; change the registry, not this file.
"""'''
_WIDTH = 100
_TYPES: Mapping[Kind, str] = {
    Kind.INT64: "int", Kind.FLOAT64: "float", Kind.NUMERIC: "Decimal", Kind.BIGNUMERIC: "Decimal",
    Kind.BOOL: "bool", Kind.STRING: "str", Kind.BYTES: "bytes", Kind.DATE: "date", Kind.DATETIME: "datetime",
    Kind.TIMESTAMP: "datetime", Kind.TIME: "time", Kind.GEOGRAPHY: "str",
}  # fmt: skip
_FROM = {"Any": "typing", "Decimal": "decimal", "date": "datetime", "datetime": "datetime", "time": "datetime"}
_KINDS = {"source": "Source", "tier": "Tier", "level": "AlertLevel"}
_ALERT = "AlertCode"
# The names that annotations in a class use: a column of that name would shadow them.
_USED = {*_TYPES.values(), *_KINDS.values(), _ALERT, "Any", "NotRequired", "None", "list"}


@dataclass(slots=True)
class _Module:
    """The state of the module: the classes of STRUCTs, and the names that annotations need."""

    classes: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=lambda: {"Row", *_KINDS.values(), _ALERT})

    def type_of(self, column: Column, path: str) -> str:
        """Return the annotation of a column. A STRUCT gets its own class."""
        if column.type.kind is Kind.STRUCT:
            name = self._name(path)
            fields = [(one, self.annotated(one, f"{path}_{one.name}"), one.description) for one in column.type.fields]
            self.classes.append(_typed_dict(name, f"The fields of {path}.", fields))
        else:
            name = _TYPES.get(column.type.kind, "Any")
            self.names.add(name)
        return name

    def annotated(self, column: Column, path: str, *, narrower: str = "") -> str:
        """Return the annotation of a field: a NULLABLE column may be None or absent."""
        name = narrower or self.type_of(column, path)
        match column.mode:
            case Mode.REQUIRED:
                return name
            case Mode.REPEATED:
                return f"NotRequired[list[{name}]]"
            case _:
                return f"NotRequired[{name}]" if name == "Any" else f"NotRequired[{name} | None]"

    def _name(self, path: str) -> str:
        base = "".join(part[:1].upper() + part[1:] for part in python_name(path).split("_")) or "Record"
        base = base if base.isidentifier() and not keyword.iskeyword(base) else f"Record{base}"
        name, number = base, 1
        while name in self.taken | _USED:
            number += 1
            name = f"{base}{number}"
        self.taken.add(name)
        return name


def python(registry: Registry) -> str:
    """Return the text of the module."""
    module = _Module()
    codes = [one.code for one in registry.alerts]
    fixed = codes if codes and not any("{" in code for code in codes) else []
    lists = {_KINDS[kind]: values for kind, values in accepted_lists(registry).items() if values}
    lists |= {_ALERT: tuple(fixed)} if fixed else {}
    fields = [
        (one.column, module.annotated(one.column, one.name, narrower=_narrower(one, fixed)), one.column.description)
        for one in contents(registry)
    ]
    row = _typed_dict("Row", f"A row of {registry.table.name}. A nullable column may be None or absent.", fields)
    parts = [
        _HEAD.format(registry.table.name),
        "\n".join(_imports(module.names, lists)),
        "\n".join(_constants(registry)),
        *(_literal(name, values) for name, values in lists.items()),
        "# Codes of quality alerts; {number} is a placeholder for a number.\n" + _constant("ALERT_CODES", codes)
        if codes
        else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n\n\n" + "\n\n\n".join([*module.classes, row]) + "\n"


def _narrower(one: Held, codes: list[str]) -> str:
    if one.of:
        return _KINDS[one.of]
    is_codes = one.managed is not None and (one.managed.expr or "").replace(" ", "").upper() == "ALERT_CODES()"
    return _ALERT if codes and is_codes else ""


def _imports(names: set[str], lists: Mapping[str, object]) -> Iterator[str]:
    of = {"typing": ["Final", "NotRequired", "TypedDict"] + (["Literal", "TypeAlias"] if lists else [])}
    for name in names & set(_FROM):
        of.setdefault(_FROM[name], []).append(name)
    for module in sorted(of):
        yield f"from {module} import {', '.join(sorted(of[module]))}"


def _constants(registry: Registry) -> Iterator[str]:
    yield _constant("TABLE", registry.table.name)
    yield _constant("KEYS", registry.table.keys)
    yield "# The columns with the schema versions of a row, and the current versions."
    yield _constant("SCHEMA_VERSIONS", dict(registry.schema_versions), "dict[str, str]")
    yield "# The vector by position, including retired features."
    yield _constant("FEATURES", [one.name for one in registry.features])


def _constant(name: str, value: object, annotation: str = "") -> str:
    typed = f"Final[{annotation}]" if annotation else "Final"
    match value:
        case list() | tuple() if value:
            return f"{name}: {typed} = (\n{_lines(map(quoted, value))})"
        case list() | tuple():
            return f"{name}: Final[tuple[str, ...]] = ()"
        case dict() if value:
            pairs = (f"{quoted(key)}: {quoted(one)}" for key, one in value.items())
            return f"{name}: {typed} = {{\n{_lines(pairs)}}}"
        case dict():
            return f"{name}: {typed} = {{}}"
        case _:
            return f"{name}: {typed} = {quoted(str(value))}"


def _literal(name: str, values: Iterable[str]) -> str:
    written = [quoted(one) for one in values]
    inside = f"\n{_lines(written)}" if len(written) > 1 else written[0]
    return f"{name}: TypeAlias = Literal[{inside}]"


def _lines(items: Iterable[str]) -> str:
    return "".join(f"    {one},\n" for one in items)


def _typed_dict(name: str, docstring: str, fields: Iterable[tuple[Column, str, str]]) -> str:
    lines = [(column.name, annotation, remark(text)) for column, annotation, text in fields]
    if all(_fits(column) for column, _, _ in lines):
        body = "".join(f"{_comment(text)}    {column}: {annotation}\n" for column, annotation, text in lines)
        return f'class {name}(TypedDict):\n    """{docstring}"""\n\n{body}'.rstrip()
    items = "".join(f"{_comment(text)}    {quoted(column)}: {annotation},\n" for column, annotation, text in lines)
    body = textwrap.indent(items, "    ")
    return f"# {docstring}\n{name} = TypedDict(\n    {quoted(name)},\n    {{\n{body}    }},\n)"


def _fits(column: str) -> bool:
    """Whether a class can have the name: not a keyword, not mangled by Python, not used by an annotation."""
    if not (column.isascii() and column.isidentifier()):
        return False
    return not (keyword.iskeyword(column) or column.startswith("__") or column in _USED or column[0].isupper())


def _comment(text: str) -> str:
    return "".join(f"    # {line}\n" for line in textwrap.wrap(text, _WIDTH))
