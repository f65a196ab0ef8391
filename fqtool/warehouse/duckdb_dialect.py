"""GoogleSQL said in DuckDB's SQL, so that both answer alike; what cannot be said so is refused by name.

sqlglot writes DuckDB's SQL, but says many things otherwise than Google means them (BIGQUERY 110). Those are mended on
its tree, from the leaves up. A function is let through only if it was compared with Google's reference
implementation: a silent other number is worse than a refusal.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from fqtool.errors import InputError
from fqtool.table.column import Column, Kind, Mode, Type

if TYPE_CHECKING:
    from sqlglot import exp

    from fqtool.warehouse.duckdb_kinds import Kinds

_DATE = re.compile(r"DATE '\d{4}-\d\d-\d\d'")
_STAND_IN, _MOST_DATES = "1000-01-", 28

Schema: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""(table, ((column, kind), ...)); a kind is "" where the dialect does not tell it from others."""
Schemas: TypeAlias = tuple[Schema, ...]
"""One for each table whose columns are known."""
# The kinds that the dialect tells apart.
_TOLD = (
    Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC, Kind.BOOL, Kind.STRING, Kind.BYTES, Kind.DATE,
    Kind.DATETIME, Kind.TIME, Kind.TIMESTAMP, Kind.JSON,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transpiled:
    """A statement in DuckDB's SQL, and the names of the parameters it uses."""

    sql: str
    parameters: frozenset[str]


def schema_of(table: str, columns: Iterable[Column]) -> Schema:
    """Return what the dialect is to know of a table with these columns."""
    return table, tuple((one.name, kind_told(one.type, one.mode)) for one in columns)


def kind_told(kind: Type, mode: Mode) -> str:
    """Return a type as the dialect names it, "" for one that it does not tell from others."""
    if kind.kind not in _TOLD:
        return ""
    return f"ARRAY<{kind.kind}>" if mode is Mode.REPEATED else str(kind.kind)


def to_duckdb(sql: str, schemas: Schemas = ()) -> str:
    """Return one GoogleSQL query or DML statement in DuckDB's SQL; `@name` becomes `$name`.

    With `schemas`, the types of columns are known and the SQL is shorter. Raises InputError naming what DuckDB would
    answer otherwise than BigQuery.
    """
    return transpiled(sql, schemas).sql


def transpiled(sql: str, schemas: Schemas = ()) -> Transpiled:
    """Return the same with the names of its parameters.

    What a statement says in DuckDB's words is kept, whatever its dates: a store is scored a date at a time.
    """
    dateless, stand_ins = _dateless(sql)
    try:
        said = _transpiled(dateless, schemas)
    except InputError:
        if not stand_ins:
            raise
        return _transpiled(sql, schemas)  # so that the error quotes what was asked
    text = said.sql
    for real, stand_in in stand_ins.items():
        text = text.replace(stand_in.removeprefix("DATE "), real.removeprefix("DATE "))
    return Transpiled(text, said.parameters)


def _dateless(sql: str) -> tuple[str, dict[str, str]]:
    """Return the text with a stand-in for each date, and the stand-ins by date; {} where it is left as it is."""
    dates = dict.fromkeys(_DATE.findall(sql))
    if not dates or _STAND_IN in sql or len(dates) > _MOST_DATES:
        return sql, {}
    stand_ins = {one: f"DATE '{_STAND_IN}{number:02d}'" for number, one in enumerate(dates, 1)}
    return _DATE.sub(lambda found: stand_ins[found[0]], sql), stand_ins


@functools.lru_cache(maxsize=256)
def _transpiled(sql: str, schemas: Schemas) -> Transpiled:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    from fqtool.warehouse.duckdb_kinds import Kinds

    tree = _READ.pop(sql, None) or _parsed(sql)
    if not isinstance(tree, exp.Query | exp.Insert | exp.Update | exp.Delete | exp.Merge):
        raise InputError(f"{' '.join(sql.split())[:60]!r} is no query and no INSERT, UPDATE, DELETE or MERGE.")
    names = frozenset(one.name for one in tree.find_all(exp.Parameter))
    kinds = Kinds(tree, {name: {column.lower(): kind for column, kind in columns} for name, columns in schemas})
    _name_columns(tree)
    _resolve_aliases(tree)
    try:
        return Transpiled(_mended(tree, kinds).sql("duckdb"), names)
    except RecursionError:
        raise InputError("This SQL is nested too deep to be said in DuckDB's words.") from None
    except SqlglotError as error:
        raise InputError(f"This cannot be said in DuckDB's SQL: {str(error).splitlines()[0]}") from None


def tables_in(sql: str) -> tuple[str, ...]:
    """Return the short names of the tables a statement names, CTEs among them."""
    return _tables_in(_dateless(sql)[0])


# The statement whose tables were asked for last: what asks for them says it in DuckDB's words next.
_READ: dict[str, exp.Expr] = {}


@functools.lru_cache(maxsize=256)
def _tables_in(sql: str) -> tuple[str, ...]:
    from sqlglot import exp

    tree = _parsed(sql)
    _READ.clear()
    _READ[sql] = tree
    return tuple(dict.fromkeys(one.name for one in tree.find_all(exp.Table)))


@functools.lru_cache(maxsize=256)
def default_to_duckdb(expression: str) -> str:
    """Return a column's default for DuckDB. Raises InputError."""
    return to_duckdb(f"SELECT {expression} AS made").removeprefix("SELECT ").removesuffix(" AS made")


def _parsed(sql: str) -> exp.Expr:
    import sqlglot
    from sqlglot.errors import SqlglotError

    from fqtool.warehouse.google_sql import GoogleSQL

    try:
        sql.encode()
        found = [one for one in sqlglot.parse(sql, read=GoogleSQL) if one is not None]
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise InputError(f"This is not SQL that can be read: {first}") from None
    except UnicodeEncodeError:
        raise InputError("This SQL holds characters that are no Unicode.") from None
    except RecursionError:
        raise InputError("This SQL is nested too deep to be read.") from None
    if len(found) != 1:
        raise InputError(f"Expected one statement, found {len(found)}.")
    return found[0]


def _name_columns(tree: exp.Expr) -> None:
    """Name the result's columns as BigQuery does where the query does not: f0_, f1_."""
    from sqlglot import exp

    if not isinstance(tree, exp.Query):
        return
    query: exp.Expr = tree
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    nameless = (one for one in query.expressions if not isinstance(one, exp.Alias | exp.Column | exp.Star | exp.Dot))
    for number, one in enumerate(list(nameless)):
        one.replace(exp.alias_(one.copy(), f"f{number}_"))


def _resolve_aliases(tree: exp.Expr) -> None:
    """Say the expression an alias stands for where BigQuery prefers the alias to a column of that name."""
    from sqlglot import exp

    for select in list(tree.find_all(exp.Select)):
        aliases = {one.alias.lower(): one.this for one in select.expressions if isinstance(one, exp.Alias)}
        clauses = [select.args.get(key) for key in ("group", "having", "qualify")]
        for column in [one for clause in clauses if clause is not None for one in clause.find_all(exp.Column)]:
            meant = aliases.get(column.name.lower()) if not column.table else None
            inside = column.find_ancestor(exp.AggFunc, exp.Window, exp.Select)
            if meant is not None and meant != column and inside is select:
                column.replace(exp.paren(meant.copy(), copy=False) if isinstance(meant, exp.Binary) else meant.copy())


def _mended(tree: exp.Expr, kinds: Kinds) -> exp.Expr:
    """Say every node in DuckDB's words, children before parents."""
    from sqlglot import exp

    from fqtool.warehouse.duckdb_functions import check, mend_of
    from fqtool.warehouse.duckdb_json import parse_once

    nodes = list(tree.walk(bfs=False))
    work: list[tuple[exp.Expr, Callable[[Any, Kinds], exp.Expr]]] = []
    for node in reversed(nodes):
        check(node)
        if mend := mend_of(node):
            work.append((node, mend))
            # Asked now, while the tree still is Google's.
            for one in (node, node.this, node.args.get("expression")):
                kinds.learn(one)
    parse_once([node for node in nodes if isinstance(node, exp.JSONExtractScalar)], kinds)
    for node, mend in work:
        if node.parent is None:
            continue
        kind = kinds.of(node)
        made = mend(node, kinds)
        if made is not node:
            node.replace(made)
            kinds.note(made, kind)
    return tree
