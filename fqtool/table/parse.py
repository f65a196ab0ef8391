"""GoogleSQL DDL back into Changes: what a migration file says it does.

Laws: parse(render(change)) is the change; nothing is guessed: a statement that is not a schema change
of the closed vocabulary is refused with its line and column.
"""

from __future__ import annotations

from dataclasses import dataclass

from fqtool.errors import InputError
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetType,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import OPTION_NAMES, OptionValue
from fqtool.table.model import Options, Partitioning, Table, View
from fqtool.table.tokens import Cursor, Token, tokens_of
from fqtool.table.typetext import parse_type

_FIELDS = {bigquery: ours for ours, bigquery in OPTION_NAMES.items()}
_NESTING_LIMIT = 15  # BIGQUERY 37
_SCHEMA_ONLY = "A migration changes schema only; change data in a job of its own."
_NO_IF = "fqtool plans from what stands in the table; IF [NOT] EXISTS compares names only and hides the rest."


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement's text without its semicolon, where it starts, the object it names and its changes."""

    sql: str
    start: int
    path: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """The last part of the object's path."""
        return self.path[-1]


def parse_script(sql: str) -> tuple[Parsed, ...]:
    """Parse statements separated by semicolons. Raises InputError with line and column."""
    parsed, batch = [], list[Token]()
    for token in [*tokens_of(sql), Token(";", len(sql), len(sql))]:
        if token.raw != ";":
            batch.append(token)
        elif batch:
            parsed.append(_statement(sql, batch))
            batch = []
    return tuple(parsed)


def parse(sql: str) -> tuple[Change, ...]:
    """Parse exactly one statement into its changes. Raises InputError."""
    parsed = parse_script(sql)
    if len(parsed) != 1:
        raise InputError(f"Expected one statement, found {len(parsed)}.")
    return parsed[0].changes


def _statement(sql: str, tokens: list[Token]) -> Parsed:
    cursor = Cursor(sql, tokens)
    if cursor.took("CREATE", "TABLE"):
        path, changes = _create_table(cursor)
    elif cursor.took("CREATE", "OR", "REPLACE", "VIEW") or cursor.took("CREATE", "VIEW"):
        path, changes = _create_view(cursor)
    elif cursor.took("DROP", "VIEW"):
        path = _path(cursor)
        changes = (DropView(path[-1]),)
    elif cursor.took("ALTER", "TABLE"):
        path = _path(cursor)
        changes = _actions(cursor)
    else:
        raise cursor.wrong("CREATE TABLE, ALTER TABLE, CREATE VIEW or DROP VIEW", _SCHEMA_ONLY)
    if not cursor.done:
        raise cursor.wrong("the end of the statement")
    return Parsed(sql[tokens[0].start : tokens[-1].end], tokens[0].start, path, changes)


def _path(cursor: Cursor) -> tuple[str, ...]:
    if cursor.sees("IF"):
        raise cursor.wrong("a name", _NO_IF)
    parts = cursor.name().split(".")
    while cursor.took("."):
        parts.append(cursor.name())
    return tuple(parts)


def _create_table(cursor: Cursor) -> tuple[tuple[str, ...], tuple[Change, ...]]:
    path = _path(cursor)
    cursor.take("(")
    columns = [_column(cursor)]
    while cursor.took(","):
        if cursor.sees(")"):
            break
        columns.append(_column(cursor))
    cursor.take(")")
    partitioning = _partitioning(cursor) if cursor.took("PARTITION", "BY") else None
    clustering: list[str] = []
    if cursor.took("CLUSTER", "BY"):
        clustering.append(cursor.name())
        while cursor.took(","):
            clustering.append(cursor.name())
    options = Options(**dict(_options(cursor))) if cursor.took("OPTIONS") else Options()  # type: ignore[arg-type]
    return path, (CreateTable(Table(path[-1], tuple(columns), partitioning, tuple(clustering), options)),)


def _partitioning(cursor: Cursor) -> Partitioning:
    first = cursor.name()
    if not cursor.took("("):
        return Partitioning(first)
    column = cursor.name()
    granularity = cursor.name().upper() if cursor.took(",") else "DAY"
    cursor.take(")")
    return Partitioning(column, granularity)


def _create_view(cursor: Cursor) -> tuple[tuple[str, ...], tuple[Change, ...]]:
    path = _path(cursor)
    description = str(dict(_options(cursor)).get("description", "")) if cursor.took("OPTIONS") else ""
    cursor.take("AS")
    query = cursor.sql[cursor.place : cursor.tokens[-1].end]
    cursor.at = len(cursor.tokens)
    return path, (PutView(View(path[-1], query, description)),)


def _actions(cursor: Cursor) -> tuple[Change, ...]:
    changes: list[Change] = []
    while True:
        if cursor.took("ADD", "COLUMN"):
            _no_if(cursor)
            changes.append(AddColumn(_column(cursor)))
        elif cursor.took("DROP", "COLUMN"):
            _no_if(cursor)
            changes.append(DropColumn(cursor.name()))
        elif cursor.took("RENAME", "COLUMN"):
            _no_if(cursor)
            old = cursor.name()
            cursor.take("TO")
            changes.append(RenameColumn(old, cursor.name()))
        elif cursor.took("ALTER", "COLUMN"):
            _no_if(cursor)
            changes.append(_alter_column(cursor))
        elif cursor.took("SET", "OPTIONS"):
            changes.extend(SetOption(name, value) for name, value in _options(cursor))
        else:
            raise cursor.wrong("ADD, DROP, RENAME or ALTER COLUMN, or SET OPTIONS")
        if not cursor.took(","):
            return tuple(changes)


def _no_if(cursor: Cursor) -> None:
    if cursor.sees("IF"):
        raise cursor.wrong("a column name", _NO_IF)


def _alter_column(cursor: Cursor) -> Change:
    name = cursor.name()
    if cursor.took("SET", "DATA", "TYPE"):
        column = _typed(cursor, name)
        return SetType(name, column.type)
    if cursor.took("DROP", "NOT", "NULL"):
        return SetMode(name, Mode.NULLABLE)
    if cursor.took("SET", "DEFAULT"):
        return SetDefault(name, cursor.until(","))
    if cursor.took("DROP", "DEFAULT"):
        return SetDefault(name, None)
    if cursor.took("SET", "OPTIONS"):
        return SetDescription((name,), _description(cursor))
    raise cursor.wrong("SET DATA TYPE, DROP NOT NULL, SET DEFAULT, DROP DEFAULT or SET OPTIONS")


def _column(cursor: Cursor, depth: int = 0) -> Column:
    """Name, type, DEFAULT, NOT NULL, OPTIONS: the order BigQuery's grammar gives them."""
    typed = _typed(cursor, cursor.name(), depth)
    default = cursor.until(",", ")", "NOT", "OPTIONS") if cursor.took("DEFAULT") else None
    mode = typed.mode
    if cursor.took("NOT", "NULL"):
        mode = Mode.REQUIRED
    description = _description(cursor) if cursor.took("OPTIONS") else ""
    return Column(typed.name, typed.type, mode, description, default)


def _typed(cursor: Cursor, name: str, depth: int = 0) -> Column:
    if depth > _NESTING_LIMIT:
        raise cursor.wrong(f"a type nested at most {_NESTING_LIMIT} levels deep")
    if cursor.took("ARRAY"):
        cursor.take("<")
        inner = _typed(cursor, name, depth + 1)
        cursor.take(">")
        return Column(name, inner.type, Mode.REPEATED)
    if cursor.took("STRUCT"):
        cursor.take("<")
        fields = [_column(cursor, depth + 1)]
        while cursor.took(","):
            fields.append(_column(cursor, depth + 1))
        cursor.take(">")
        return Column(name, Type(Kind.STRUCT, fields=tuple(fields)))
    start = cursor.place
    end = cursor.next("a type").end
    for opening, closing in (("(", ")"), ("<", ">")):
        if cursor.took(opening):
            while not cursor.took(closing):
                cursor.next(closing)
            end = cursor.tokens[cursor.at - 1].end
    try:
        parsed, mode = parse_type(cursor.sql[start:end])
    except InputError:
        cursor.at -= 1
        raise cursor.wrong("a BigQuery type") from None
    return Column(name, parsed, mode)


def _description(cursor: Cursor) -> str:
    options = dict(_options(cursor))
    if set(options) - {"description"}:
        raise cursor.wrong("only description among a column's options")
    return str(options.get("description") or "")


def _options(cursor: Cursor) -> list[tuple[str, OptionValue]]:
    cursor.take("(")
    options: list[tuple[str, OptionValue]] = []
    while not cursor.took(")"):
        word = cursor.name().lower()
        if word not in _FIELDS:
            cursor.at -= 1
            raise cursor.wrong(f"one of the options {', '.join(_FIELDS)}")
        cursor.take("=")
        options.append((_FIELDS[word], _option_value(cursor, _FIELDS[word])))
        if not cursor.sees(")"):
            cursor.take(",")
    return options


def _option_value(cursor: Cursor, name: str) -> OptionValue:
    unset: OptionValue = getattr(Options(), name)
    if cursor.took("NULL"):
        return unset
    if name == "labels":
        return _labels(cursor)
    if name == "expiration":
        cursor.take("TIMESTAMP")
        return cursor.string()
    if isinstance(unset, bool):
        return cursor.next("TRUE or FALSE").word == "TRUE"
    if isinstance(unset, str):
        return cursor.string()
    text = cursor.next("a number").raw
    try:
        return float(text)
    except ValueError:
        cursor.at -= 1
        raise cursor.wrong("a number") from None


def _labels(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    cursor.take("[")
    labels: list[tuple[str, str]] = []
    while not cursor.took("]"):
        cursor.take("(")
        key = cursor.string()
        cursor.take(",")
        labels.append((key, cursor.string()))
        cursor.take(")")
        if not cursor.sees("]"):
            cursor.take(",")
    return tuple(labels)
