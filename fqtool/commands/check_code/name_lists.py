"""Lists of names, and maps between an index and a name, in Python, SQL and YAML, each name with its place."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from fqtool.table.tokens import Token, cut, unquoted

SMALLEST = 5
"""The names of the smallest list that may be a copy of the vector."""
_OFFSET = re.compile(
    r"\[\s*(?:SAFE_)?OFFSET\s*\(\s*(?P<index>\d+)\s*\)\s*\](?:\s*AS\s+\w+\s*\))?\s+(?:AS\s+)?`?(?P<name>[A-Za-z_]\w*)`?",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAG = "\0"
_CLAUSES = frozenset(
    (
        "SELECT",
        "FROM",
        "WHERE",
        "SET",
        "VALUES",
        "GROUP",
        "HAVING",
        "QUALIFY",
        "WINDOW",
        "PARTITION",
        "ORDER",
        "LIMIT",
        "UNION",
    )
)
_CLAUSES_WITHOUT_ORDER = frozenset({"GROUP", "PARTITION", "ORDER", "SET"})
_BRACKETS_WITHOUT_ORDER = frozenset({"IN", "EXCEPT", "USING"})
_WITHOUT_ORDER = frozenset({"sorted", "set", "frozenset"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Named:
    """A name in a list: the index that it has there, and its line and column, from 1."""

    index: int
    name: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class NameList:
    """Names by index.

    `absolute`: the indices are written beside the names, and are not positions in a list. `has_tags`: there are tags of
    a template between the names, so the indices are not known. `is_columns`: columns of SQL, which have other columns
    between features.
    """

    names: tuple[Named, ...]
    absolute: bool = False
    has_tags: bool = False
    is_columns: bool = False


class NotRead(Exception):
    """A file whose syntax cannot be read, with the line where that is known."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def python_lists(text: str) -> Iterator[NameList]:
    """Yield lists and tuples of names or of what reads them, dicts and classes of constants. Raises NotRead."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotRead(getattr(error, "lineno", 0) or 0) from None
    unordered = {id(node) for node in _without_order(tree)}
    for node in ast.walk(tree):
        if id(node) in unordered:
            continue
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) if len(items) >= SMALLEST:
                names = ((at, _read(item), item) for at, item in enumerate(items))
                yield NameList(tuple(_python(at, name, item) for at, name, item in names if isinstance(name, str)))
            case ast.Dict(keys=keys, values=values) if len(keys) >= SMALLEST:
                yield _map(
                    (_constant(key), _read(value), key or value) for key, value in zip(keys, values, strict=True)
                )
            case ast.ClassDef(body=body) if len(body) >= SMALLEST:
                assigned = (one for one in body if isinstance(one, ast.Assign) and len(one.targets) == 1)
                named = ((one, one.targets[0]) for one in assigned)
                yield _map((t.id.lower(), _constant(one.value), one) for one, t in named if isinstance(t, ast.Name))
            case _:
                pass


def _without_order(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the lists of which the order has no meaning: sorted, made a set, compared with such, or searched."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=args) if _loses_order(node):
                yield from args
            case ast.Compare(ops=ops, comparators=others):
                if any(map(_loses_order, (node.left, *others))):
                    yield from (node.left, *others)
                yield from (other for op, other in zip(ops, others, strict=True) if isinstance(op, ast.In | ast.NotIn))
            case _:
                pass


def _loses_order(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _WITHOUT_ORDER
        case _:
            return isinstance(node, ast.Set | ast.SetComp)


def _read(node: ast.expr | None) -> object:
    """Return the constant that an item is, or the name or index that it reads, as in `float(row["name"] or 0)`."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Subscript(slice=key) | ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]):
            return _constant(key)
        case ast.Attribute(attr=name):
            return name
        case ast.IfExp(body=ast.Constant(), orelse=inner) | ast.IfExp(body=inner):
            return _read(inner)
        case ast.Call(args=[inner, *_]) | ast.BoolOp(values=[inner, *_]):
            return None if isinstance(inner, ast.Constant) else _read(inner)
        case _:
            return None


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _python(index: int, name: str, node: ast.AST) -> Named:
    return Named(index, name, getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1)


def _map(pairs: Iterator[tuple[object, object, ast.AST]]) -> NameList:
    """Read pairs of an index and a name, in either order."""
    named = []
    for first, second, node in pairs:
        for index, name in ((first, second), (second, first)):
            number = _index(index)
            if number is not None and isinstance(name, str) and _index(name) is None:
                named.append(_python(number, name, node))
                break
    return NameList(tuple(named), absolute=True)


def _index(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) <= SMALLEST else None


def sql_lists(text: str) -> Iterator[NameList]:
    """Yield what commas separate within one pair of brackets or one clause, and names of array offsets.

    A name of an offset has the index of the offset, not that of its place between commas.
    """
    text = _TEMPLATE.sub(_tag, text)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places = _Places(starts)
    offsets = [Named(int(m["index"]), m["name"], *places.of(m.start("name"))) for m in _OFFSET.finditer(text)]
    yield NameList(tuple(offsets), absolute=True)
    named = {(one.line, one.column) for one in offsets}
    for opened in _between_commas(text):
        items = opened.items
        if len(items) < SMALLEST:
            continue
        has_tags = any(token.raw == _TAG for item in items for token in item)
        last = ((at, item[-1]) for at, item in enumerate(items) if item)
        names = (Named(at, _bare(token.raw), *places.of(token.start)) for at, token in last)
        rest = tuple(one for one in names if (one.line, one.column) not in named)
        yield NameList(rest, has_tags=has_tags, is_columns=not opened.is_array)


def _tag(match: re.Match[str]) -> str:
    """Return one token of the same length and lines for a tag, and blanks for a comment of a template."""
    blanks = re.sub(r"[^\n]", " ", match[0])
    return blanks if match[0].startswith("{#") else _TAG + blanks[1:]


@dataclass(slots=True)
class _Open:
    """A bracket or clause that is read: its items, whether their order has a meaning, and whether it is an array."""

    items: list[list[Token]]
    has_order: bool = True
    is_array: bool = False


def _between_commas(text: str) -> Iterator[_Open]:
    """Yield each bracket and clause of which the order has a meaning."""
    stack, before = [_Open([[]])], ""
    for token in cut(text):
        if token.raw in "([{":
            # IN UNNEST ([...]) has the list in a bracket within a bracket.
            within = before == "(" and not stack[-1].has_order
            is_insert = any(one.word == "INSERT" for one in stack[-1].items[-1])
            has_order = not within and not is_insert and before not in _BRACKETS_WITHOUT_ORDER
            stack.append(_Open([[]], has_order, is_array=token.raw == "["))
        elif token.raw in ")]}" and len(stack) > 1:
            closed = stack.pop()
            yield from _ordered(closed)
            within_array = any(one.is_array for one in stack)
            stack[-1].items[-1].append(_argument(closed, token) if within_array else token)
        elif token.raw == ",":
            stack[-1].items.append([])
        elif token.raw == ";" or token.word in _CLAUSES:
            yield from _ordered(stack[-1])
            stack[-1] = _Open([[]], has_order=token.word not in _CLAUSES_WITHOUT_ORDER)
        else:
            stack[-1].items[-1].append(token)
        before = before if before == "IN" and token.word == "UNNEST" else token.word
    for opened in stack:
        yield from _ordered(opened)


def _argument(closed: _Open, end: Token) -> Token:
    """Return the name of the first argument, as in CAST(name AS FLOAT64) or IFNULL(t.name, 0)."""
    words = [token.word for token in closed.items[0]]
    first = closed.items[0][: words.index("AS") if "AS" in words else None]
    return first[-1] if first else end


def _ordered(opened: _Open) -> Iterator[_Open]:
    if opened.has_order:
        yield opened


@dataclass(frozen=True, slots=True)
class _Places:
    starts: list[int]

    def of(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def _bare(raw: str) -> str:
    """Return the name that the last token of an item is: the item alone, or what it is called."""
    if raw[:1] in "'\"`":
        try:
            return unquoted(raw)
        except ValueError:
            return raw
    return raw


def yaml_lists(text: str) -> Iterator[NameList]:
    """Yield sequences of names, of maps with `index` and `name`, and maps between both. Raises NotRead."""
    try:
        documents = list(yaml.compose_all(text, Loader=_LOADER))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise NotRead(mark.line + 1 if mark else 0) from None
    waiting, seen = [node for node in documents if node is not None], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue  # an alias: it may lead back to itself, or to the same node a million times
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            yield NameList(
                tuple(_yaml(at, one) for at, one in enumerate(node.value) if isinstance(one, yaml.ScalarNode))
            )
            yield NameList(tuple(_entries(node)), absolute=True)
        elif isinstance(node, yaml.MappingNode):
            waiting += [value for _, value in node.value]
            yield NameList(tuple(_pairs(node)), absolute=True)


def _yaml(index: int, node: Any) -> Named:
    return Named(index, node.value, node.start_mark.line + 1, node.start_mark.column + 1)


def _entries(node: Any) -> Iterator[Named]:
    for entry in node.value:
        if isinstance(entry, yaml.MappingNode):
            fields = {key.value: value for key, value in entry.value if isinstance(key, yaml.ScalarNode)}
            name, index = fields.get("name"), _index(getattr(fields.get("index"), "value", None))
            if index is not None and isinstance(name, yaml.ScalarNode):
                yield _yaml(index, name)


def _pairs(node: Any) -> Iterator[Named]:
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode):
            for index, name in ((key, value), (value, key)):
                number = _index(index.value)
                if number is not None and _index(name.value) is None:
                    yield _yaml(number, name)
                    break


READERS: Mapping[str, Callable[[str], Iterator[NameList]]] = {
    ".py": python_lists, ".pyi": python_lists, ".sql": sql_lists, ".yaml": yaml_lists, ".yml": yaml_lists,
}  # fmt: skip
