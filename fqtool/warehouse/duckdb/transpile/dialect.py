"""Translate GoogleSQL to DuckDB's SQL with the same results. SQL without such a translation is refused.

sqlglot writes DuckDB's SQL, with many differences from GoogleSQL (bigquery.md#sqlglot). These are corrected on its
tree, from the leaves up. A function is accepted only if it was compared with Google's reference implementation: a wrong
number without a message is worse than an error.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from fqtool.errors import InputError
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.warehouse.duckdb.transpile.translations import keep, recall

if TYPE_CHECKING:
    from sqlglot import exp

    from fqtool.warehouse.duckdb.transpile.kinds import Kinds

_DATE = re.compile(r"DATE '\d{4}-\d\d-\d\d'")
_PLACEHOLDER, _MOST_DATES = "1000-01-", 28

Schema: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""(table, ((column, kind), ...)); a kind is "" if the dialect does not distinguish it."""
Schemas: TypeAlias = tuple[Schema, ...]
"""One schema for each table whose columns are known."""
# The kinds that the dialect distinguishes.
_KINDS = (
    Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC, Kind.BOOL, Kind.STRING, Kind.BYTES, Kind.DATE,
    Kind.DATETIME, Kind.TIME, Kind.TIMESTAMP, Kind.JSON,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transpiled:
    """A statement in DuckDB's SQL, and the names of the parameters it uses."""

    sql: str
    parameters: frozenset[str]


def schema_of(table: str, columns: Iterable[Column]) -> Schema:
    """Return the schema of a table with these columns."""
    return table, tuple((column.name, dialect_kind(column.type, column.mode)) for column in columns)


def dialect_kind(kind: Type, mode: Mode) -> str:
    """Return the kind of a type in the dialect; "" if the dialect does not distinguish it."""
    if kind.kind not in _KINDS:
        return ""
    return f"ARRAY<{kind.kind}>" if mode is Mode.REPEATED else str(kind.kind)


def to_duckdb(sql: str, schemas: Schemas = ()) -> str:
    """Translate a GoogleSQL query or DML statement to DuckDB's SQL; `@name` becomes `$name`.

    Args:
        sql: The statement.
        schemas: The types of columns, with which the SQL is shorter.

    Raises:
        InputError: DuckDB would return another result than BigQuery; the message names the construct.
    """
    return transpiled(sql, schemas).sql


def transpiled(sql: str, schemas: Schemas = ()) -> Transpiled:
    """Translate as `to_duckdb`, and return the names of the parameters too.

    Translations are cached without their dates, because a store is scored one date at a time.
    """
    dateless, placeholders = _dateless(sql)
    try:
        result = _transpiled(dateless, schemas)
    except InputError:
        if not placeholders:
            raise
        return _transpiled(sql, schemas)  # so that the error quotes the original text
    text = result.sql
    for real, placeholder in placeholders.items():
        text = text.replace(placeholder.removeprefix("DATE "), real.removeprefix("DATE "))
    return Transpiled(text, result.parameters)


def _dateless(sql: str) -> tuple[str, dict[str, str]]:
    """Replace each date by a placeholder, and return the placeholders by date; {} if nothing is replaced."""
    dates = dict.fromkeys(_DATE.findall(sql))
    if not dates or _PLACEHOLDER in sql or len(dates) > _MOST_DATES:
        return sql, {}
    placeholders = {date: f"DATE '{_PLACEHOLDER}{number:02d}'" for number, date in enumerate(dates, 1)}
    return _DATE.sub(lambda match: placeholders[match[0]], sql), placeholders


@functools.lru_cache(maxsize=256)
def _transpiled(sql: str, schemas: Schemas) -> Transpiled:
    question = ("translation", sql, schemas)
    match recall(question):
        case [text, *parameters]:
            return Transpiled(text, frozenset(parameters))
    result = _translated(sql, schemas)
    keep(question, [result.sql, *sorted(result.parameters)])
    return result


def _translated(sql: str, schemas: Schemas) -> Transpiled:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    from fqtool.warehouse.duckdb.transpile.kinds import Kinds
    from fqtool.warehouse.duckdb.transpile.structs import name_fields

    tree = _READ.pop(sql, None) or _parsed(sql)
    if not isinstance(tree, exp.Query | exp.Insert | exp.Update | exp.Delete | exp.Merge):
        raise InputError(f"{' '.join(sql.split())[:60]!r} is not a query, INSERT, UPDATE, DELETE or MERGE.")
    names = frozenset(parameter.name for parameter in tree.find_all(exp.Parameter))
    kinds = Kinds(tree, {name: {column.lower(): kind for column, kind in columns} for name, columns in schemas})
    _name_columns(tree)
    _resolve_aliases(tree)
    name_fields(tree)
    try:
        return Transpiled(_corrected(tree, kinds).sql("duckdb"), names)
    except RecursionError:
        raise InputError("The SQL is nested too deep for DuckDB.") from None
    except SqlglotError as error:
        raise InputError(f"The SQL is not supported on DuckDB: {str(error).splitlines()[0]}") from None


def tables_in(sql: str) -> tuple[str, ...]:
    """Return the short names of the tables that a statement uses, CTEs included."""
    return _tables_in(_dateless(sql)[0])


# The last statement whose tables were requested: it is usually translated next.
_READ: dict[str, exp.Expr] = {}


@functools.lru_cache(maxsize=256)
def _tables_in(sql: str) -> tuple[str, ...]:
    question = ("tables", sql)
    if (names := recall(question)) is not None:
        return tuple(names)
    from sqlglot import exp

    tree = _parsed(sql)
    _READ.clear()
    _READ[sql] = tree
    names = list(dict.fromkeys(table.name for table in tree.find_all(exp.Table)))
    keep(question, names)
    return tuple(names)


@functools.lru_cache(maxsize=256)
def default_to_duckdb(expression: str) -> str:
    """Translate the default of a column. Raises InputError as `to_duckdb`."""
    return to_duckdb(f"SELECT {expression} AS made").removeprefix("SELECT ").removesuffix(" AS made")


def _parsed(sql: str) -> exp.Expr:
    import sqlglot
    from sqlglot.errors import SqlglotError

    from fqtool.warehouse.duckdb.transpile.functions import GoogleSQL

    try:
        sql.encode()
        statements = [statement for statement in sqlglot.parse(sql, read=GoogleSQL) if statement is not None]
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise InputError(f"The SQL is not valid: {first}") from None
    except UnicodeEncodeError:
        raise InputError("The SQL contains half of a surrogate pair, which is not a character.") from None
    except RecursionError:
        raise InputError("The SQL is nested too deep.") from None
    if len(statements) != 1:
        raise InputError(f"Expected one statement, found {len(statements)}.")
    return statements[0]


def _name_columns(tree: exp.Expr) -> None:
    """Name unnamed columns of the result as BigQuery does: f0_, f1_."""
    from sqlglot import exp

    if not isinstance(tree, exp.Query):
        return
    query: exp.Expr = tree
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    nameless = (
        column for column in query.expressions if not isinstance(column, exp.Alias | exp.Column | exp.Star | exp.Dot)
    )
    for number, column in enumerate(list(nameless)):
        column.replace(exp.alias_(column.copy(), f"f{number}_"))


def _resolve_aliases(tree: exp.Expr) -> None:
    """Replace an alias by its expression where BigQuery prefers the alias to a column with the same name."""
    from sqlglot import exp

    for select in list(tree.find_all(exp.Select)):
        aliases = {
            expression.alias.lower(): expression.this
            for expression in select.expressions
            if isinstance(expression, exp.Alias)
        }
        clauses = [select.args.get(key) for key in ("group", "having", "qualify")]
        for column in [
            expression for clause in clauses if clause is not None for expression in clause.find_all(exp.Column)
        ]:
            aliased = aliases.get(column.name.lower()) if not column.table else None
            inside = column.find_ancestor(exp.AggFunc, exp.Window, exp.Select)
            if aliased is not None and aliased != column and inside is select:
                column.replace(
                    exp.paren(aliased.copy(), copy=False) if isinstance(aliased, exp.Binary) else aliased.copy()
                )


def _corrected(tree: exp.Expr, kinds: Kinds) -> exp.Expr:
    """Correct every node for DuckDB, children before parents."""
    from sqlglot import exp

    from fqtool.warehouse.duckdb.transpile.constructs import check
    from fqtool.warehouse.duckdb.transpile.functions import correction_of
    from fqtool.warehouse.duckdb.transpile.json import parse_once

    nodes = list(tree.walk(bfs=False))
    work: list[tuple[exp.Expr, Callable[[Any, Kinds], exp.Expr]]] = []
    for node in reversed(nodes):
        check(node)
        if correct := correction_of(node):
            work.append((node, correct))
            # Read now, before the tree is changed.
            for part in (node, node.this, node.args.get("expression")):
                kinds.learn(part)
    parse_once([node for node in nodes if isinstance(node, exp.JSONExtractScalar)], kinds)
    for node, correct in work:
        if node.parent is None:
            continue
        kind = kinds.of(node)
        replacement = correct(node, kinds)
        if replacement is not node:
            node.replace(replacement)
            kinds.note(replacement, kind)
    return tree
