"""The column lists of MERGE and INSERT statements in a writer's SQL, each with its place.

Only what names columns is read, so scripts and templates around it do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from types import MappingProxyType

from fqtool.errors import InputError
from fqtool.table.tokens import RESERVED, Cursor, Token, tokens_of, unquoted

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_AFTER_SELECTED = ("FROM", "WHERE", "UNION", "INTERSECT", "EXCEPT", "QUALIFY", "ORDER", "LIMIT")
_COLUMN = re.compile(r"[A-Z_`]\w*", re.IGNORECASE)
_PART_OF_NAME = re.compile(r"(?:\{\{[^{}]*\}\}|\$?\{\w+\})(?=\.)")
_AFTER_TARGET = frozenset({"AS", "USING", "(", "VALUES", "SELECT", "WITH", "ON", "T", "TARGET"})


@dataclass(frozen=True, slots=True)
class Assigned:
    """A column that is written, where, and the columns of the source that are its whole value.

    `sources` has one for each row or SELECT, "" for any other value. `origins` has the column that the value is made of
    alone, e.g. by CAST(column AS STRING), by another name of it in a query, or by a parameter of its name.
    """

    column: str
    at: int
    sources: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """One list of columns: of `UPDATE SET`, or of an INSERT.

    `at` is the offset of the word; `named` is whether there is a list of columns; `values` counts the values of the
    first row or SELECT that has another number of them than of columns, else of the first; None where it is not a list
    of values. `every`: `*` writes each column by its name. `is_template`: the list of columns has tags of a template.
    `of_absent`: the statement updates rows that the batch does not have. `of_any_table`: a template writes the name of
    the table, so the columns are not read.
    """

    verb: str
    at: int
    columns: tuple[Assigned, ...]
    named: bool = True
    values: int | None = None
    every: bool = False
    is_template: bool = False
    of_absent: bool = False
    of_any_table: bool = False


def column_lists(sql: str, table: str) -> Iterator[Written]:
    """Yield the lists of the statements that write to a table, by the last part of its name.

    Parts before it may be tags of a template, as in `{{ target }}.store`.

    Raises InputError for a quote, a comment or a bracket that is not closed.
    """
    statement = list[Token]()
    sql = _PART_OF_NAME.sub(lambda tag: "x" * len(tag[0]), sql)
    for token in [*tokens_of(sql), Token(";", len(sql), len(sql))]:
        if token.raw != ";":
            statement.append(token)
            continue
        for start, first in enumerate(statement):
            if first.word not in ("MERGE", "INSERT"):
                continue
            target = _target(statement, start)
            if start == 0 and target.startswith(("{", "%", "$")):
                yield Written(first.word, first.start, (), is_template=True, of_any_table=True)
                break
            if target == table.lower():
                _require_complete(sql, statement[start:])
                read = _merge if first.word == "MERGE" else _insert
                yield from read(statement[start:])
                break
        statement = []


def _require_complete(sql: str, tokens: Sequence[Token]) -> None:
    opened = list[Token]()
    for token in tokens:
        if token.raw in _OPEN:
            opened.append(token)
        elif token.raw in _CLOSE and opened:
            opened.pop()
    if opened:
        where = Cursor(sql, [opened[0]]).where
        raise InputError(
            f"The SQL is incomplete: {where}: {opened[0].raw} is not closed.",
            remedy=f"Complete the {tokens[0].word} statement.",
        )


def _target(tokens: Sequence[Token], start: int) -> str:
    """Return the last part of the name after MERGE [INTO] or INSERT [OR REPLACE] [INTO]."""
    at = start + 1
    if at < len(tokens) and tokens[at].word == "OR":
        at += 2
    if at < len(tokens) and tokens[at].word == "INTO":
        at += 1
    parts = list[str]()
    while at < len(tokens) and tokens[at].word not in _AFTER_TARGET:
        if parts and tokens[at].start > tokens[at - 1].end:
            break  # an alias without AS
        parts.append(_name(tokens[at]))
        at += 1
    return re.split(r"[.:]", "".join(parts))[-1].lower()


def _name(token: Token) -> str:
    """Return the name that a token is, without backticks of GoogleSQL or the quotes of DuckDB's SQL."""
    try:
        return unquoted(token.raw) if token.raw.startswith(("`", '"')) else token.raw
    except ValueError:
        return token.raw


def _merge(tokens: Sequence[Token]) -> Iterator[Written]:
    before_using = _until(tokens, "USING")
    alias = _name(before_using[-1]).rpartition(".")[2]
    renamed, of_absent = _renamed(tokens[len(before_using) + 1 :]), False
    for at, (depth, token) in enumerate(_with_depth(tokens)):
        if depth or at == 0:
            continue
        if token.word == "WHEN":
            of_absent = [one.word for one in tokens[at + 1 : at + 5]] == ["NOT", "MATCHED", "BY", "SOURCE"]
        elif token.word == "SET" and tokens[at - 1].word == "UPDATE":
            items = _items(_until(tokens[at + 1 :], "WHEN"))
            assigned = tuple(_assignment(item, alias, renamed) for item in items)
            every = [token.raw for token in items[0]] == ["*"] if items else False
            is_template = any(map(_is_template_of_columns, items))
            yield Written(
                "UPDATE", tokens[at - 1].start, assigned, every=every, is_template=is_template, of_absent=of_absent
            )
        elif token.word == "INSERT":
            yield from _insert(_until(tokens[at:], "WHEN"), renamed)


def _renamed(tokens: Sequence[Token]) -> dict[str, str]:
    """Return the columns of a query in brackets to which it gives another name, by that name without case."""
    rows = _rows(_inside(tokens)) if tokens and tokens[0].raw == "(" else iter(())
    items = next(rows, [])
    return {_name(item[-1]).lower(): _origin(item) for item in items if len(item) > 1 and item[-2].word == "AS"}


def _is_template_of_columns(item: Sequence[Token]) -> bool:
    """Return whether an assignment is written by a template, and not only its value."""
    raws = [token.raw for token in item]
    return _has_template(item[: raws.index("=")] if "=" in raws else item) or ("{", "%") in pairwise(raws)


def _has_template(tokens: Sequence[Token]) -> bool:
    return any(mark in token.raw for token in tokens for mark in "{%$")


def _insert(tokens: Sequence[Token], renamed: Mapping[str, str] = MappingProxyType({})) -> Iterator[Written]:
    """Read INSERT [INTO name] [(columns)] VALUES (...) or SELECT ...; the values of INSERT ROW go by position.

    DuckDB's INSERT INTO name BY NAME SELECT ... writes the columns that the values are named for.
    """
    words = [token.word for token in tokens]
    if words[1:2] in (["ROW"], ["*"]):
        yield Written("INSERT", tokens[0].start, (), named=False, every=words[1] == "*")
        return
    body = next((at for at, word in enumerate(words) if word in ("VALUES", "SELECT", "WITH")), len(tokens))
    opening = next((at for at in range(1, body) if tokens[at].raw == "("), None)
    columns = _items(_inside(tokens[opening:])) if opening is not None and words[opening + 1] != "SELECT" else []
    if any(map(_has_template, columns)):
        yield Written("INSERT", tokens[0].start, (), is_template=True)
        return
    if words[:body][-2:] == ["BY", "NAME"]:
        named = next(_rows(tokens[body:]), [])
        columns_by_name = tuple(Assigned(_name(item[-1]), item[0].start) for item in named)
        yield Written("INSERT", tokens[0].start, columns_by_name, every=any(map(_is_several, named)))
        return
    rows = [row for row in _rows(tokens[body:]) if row and not any(map(_is_several, row))]
    counts = [len(row) for row in rows]
    values = next((count for count in counts if count != len(columns)), counts[0] if counts else None)
    full = [row for row in rows if len(row) == len(columns)]
    assigned = (
        Assigned(
            _name(item[-1]),
            item[0].start,
            tuple(_source(row[at]) for row in full),
            tuple(_first_name(row[at], renamed) for row in full),
        )
        for at, item in enumerate(columns)
    )
    yield Written("INSERT", tokens[0].start, tuple(assigned), bool(columns), values)


def _rows(
    body: Sequence[Token], queries: Mapping[str, list[Token]] = MappingProxyType({})
) -> Iterator[list[list[Token]]]:
    """Yield the values of each row of VALUES, or of each SELECT of a UNION; of the first where names join them.

    `SELECT *` from one query that is named or in brackets has the values of that query.
    """
    if body and body[0].word == "VALUES":
        yield from (_items(_inside(item)) for item in _items(body[1:]) if item[0].raw == "(")
        return
    outer = [(at, token.word) for at, (depth, token) in enumerate(_with_depth(body)) if not depth]
    words = [word for _, word in outer]
    joined = " ".join(words)
    by_name = "CORRESPONDING" in words or "ALL BY NAME" in joined or "DISTINCT BY NAME" in joined
    selects = [at for at, word in outer if word == "SELECT"]
    queries = dict(queries) | {
        _name(body[at - 1]).lower(): _inside(body[at + 1 :])
        for at, word in outer
        if word == "AS" and at and body[at + 1 : at + 2] and body[at + 1].raw == "("
    }
    for at in selects[:1] if by_name else selects:
        selected = _until(body[at + 1 :], *_AFTER_SELECTED)
        if selected and selected[0].word != "AS":
            items = _items(selected[1:] if selected[0].word in ("ALL", "DISTINCT") else selected)
            inner = _queried(body[at + 1 + len(selected) :], queries) if _is_star(items) else None
            if inner is None:
                yield items
            else:
                yield from _rows(inner, {name: query for name, query in queries.items() if query is not inner})


def _is_star(items: Sequence[Sequence[Token]]) -> bool:
    return len(items) == 1 and items[0][-1].raw == "*" and len(items[0]) in (1, 3)


def _queried(tokens: Sequence[Token], queries: Mapping[str, list[Token]]) -> list[Token] | None:
    """Return the query of `FROM (...)` or `FROM name`, None where it is a table or is joined."""
    source = _until(tokens[1:], *_AFTER_SELECTED) if tokens and tokens[0].word == "FROM" else []
    outer = [token for depth, token in _with_depth(source) if not depth]
    if not outer or any(token.raw == "," or token.word in ("JOIN", "PIVOT", "UNPIVOT") for token in outer):
        return None
    return _inside(source) if source[0].raw == "(" else queries.get(_name(source[0]).lower())


def _is_several(value: Sequence[Token]) -> bool:
    """Return whether a value is any number of columns: `*`, `s.*`, `* EXCEPT (...)`, or a template."""
    raws = [token.raw for token in value]
    star = raws.index("*") if "*" in raws else -1
    return star == 0 or (star > 0 and raws[star - 1] == ".") or bool({"{", "%", "$"}.intersection(raws))


def _with_depth(tokens: Iterable[Token]) -> Iterator[tuple[int, Token]]:
    """Yield each token with the number of brackets that are open after it."""
    depth = 0
    for token in tokens:
        depth += (token.raw in _OPEN) - (token.raw in _CLOSE)
        yield depth, token


def _until(tokens: Sequence[Token], *words: str) -> list[Token]:
    """Return the tokens before one of the words, or before the end of the brackets around them."""
    kept, cases = list[Token](), 0
    for depth, token in _with_depth(tokens):
        cases += (token.word == "CASE") - (token.word == "END" and cases > 0)
        if depth < 0 or (not depth and not cases and token.word in words):
            break
        kept.append(token)
    return kept


def _inside(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens within the brackets that open first."""
    return [token for _, token in takewhile(lambda pair: pair[0] != 0, _with_depth(tokens))][1:]


def _items(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the parts between commas outside of brackets, those that are not empty."""
    items = [list[Token]()]
    for depth, token in _with_depth(tokens):
        if token.raw == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)
    return [item for item in items if item]


def _assignment(item: Sequence[Token], alias: str, renamed: Mapping[str, str]) -> Assigned:
    """Read `column = value`, `alias.column = value` or `column.field = value`."""
    equals = next((at for at, token in enumerate(item) if token.raw == "="), len(item))
    path = [part for token in item[:equals] for part in _name(token).split(".") if part]
    if len(path) > 1 and path[0].lower() == alias.lower():
        del path[0]
    value = item[equals + 1 :] if len(path) == 1 else []
    sources, origins = ((_source(value),), (_first_name(value, renamed),)) if value else ((), ())
    return Assigned(path[0] if path else "", item[0].start, sources, origins)


def _source(value: Sequence[Token]) -> str:
    """Return the column of a value `column`, `alias.column` or `... AS column`, "" for any other value."""
    raws = [token.raw for token in value]
    if len(value) > 1 and value[-2].word == "AS":
        return _name(value[-1])
    if len(value) == 1:
        word = value[0].word
        return _name(value[0]) if _COLUMN.match(word) and word not in RESERVED else ""
    return _name(value[2]) if len(raws) == 3 and raws[1] == "." else ""  # noqa: PLR2004  alias, dot, column


def _first_name(value: Sequence[Token], renamed: Mapping[str, str]) -> str:
    """Return the column that a value is made of alone, by its name before a query gave it another one."""
    origin = _origin(value)
    return renamed.get(origin.lower()) or origin


def _origin(value: Sequence[Token]) -> str:
    """Return the one column of a value `column AS name`, `FUNCTION(column, constants)` or `@column`, else ""."""
    if len(value) > 1 and value[-2].word == "AS":
        return _origin(value[:-2])
    if len(value) == 1 and value[0].raw.startswith("@"):
        return value[0].raw.lstrip("@")
    if len(value) > 3 and value[1].raw == "(" and value[-1].raw == ")":  # noqa: PLR2004  name, brackets, argument
        first, *others = _items(value[2:-1]) or [[]]
        if any(map(_origin, others)):
            return ""
        cast = value[0].word in ("CAST", "SAFE_CAST")
        return _origin(_until(first, "AS") if cast else first)
    return _source(value)
