"""Read CREATE TABLE and ALTER TABLE of a script: the tables after all statements.

Statements are applied in order. Skipped statements are listed with their line. A table whose statement is not valid is
kept with the reason, which matters only if that table is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from fqtool.errors import InputError
from fqtool.findings.finding import Location
from fqtool.table.change_options import SetOption
from fqtool.table.changes import AddColumn, Change, DropColumn, RenameColumn, SetType, fold
from fqtool.table.column import Column, Kind, Type
from fqtool.table.ddl_cursor import Foreign, path
from fqtool.table.ddl_grammar import column, created_table, took_constraint
from fqtool.table.ddl_options import column_options, table_options
from fqtool.table.model import Inapplicable, State, Table, foreign_key, key_parts
from fqtool.table.parse import alter_column, statements
from fqtool.table.properties import table_values, with_values
from fqtool.table.script_order import without_down
from fqtool.table.table_rules import refused_of
from fqtool.table.tokens import Token

_BLOCK_ENDS = ("IF", "LOOP", "WHILE", "FOR", "REPEAT")
_BLOCKS = ("BEGIN", "CASE", *_BLOCK_ENDS)
_BEFORE_STATEMENTS = ("", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT")
_REFUSED = "Correct the statement, or remove it."
_SHOWN = 60  # characters of a skipped statement in a message


@dataclass(frozen=True, slots=True)
class Created:
    """A table that a script creates.

    Args:
        table: The table after all statements.
        dataset: The path before the name of the table, `project.dataset`, or "".
        left_out: A sentence for each part of a statement that is not kept.
        commented: Columns without a description but with a comment.
        named_keys: The names of constraints with their foreign keys.
        problem: Why the statement is not valid; `table` then has no columns.
        places: Lower-case name of a column -> the line of its last statement; "" -> the line of the last CREATE TABLE.
    """

    table: Table
    dataset: str = ""
    left_out: tuple[str, ...] = ()
    commented: tuple[str, ...] = ()
    named_keys: tuple[tuple[str, str], ...] = ()
    problem: InputError | None = None
    places: Mapping[str, Location] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the table with its dataset, as in the script."""
        return f"{self.dataset}.{self.table.name}" if self.dataset else self.table.name


@dataclass(frozen=True, slots=True)
class Script:
    """The tables of a script in the order of their statements, and the skipped statements."""

    created: tuple[Created, ...]
    passed_over: tuple[str, ...]


def read_ddl(files: Iterable[tuple[str, str]], *, comments: bool = False) -> Script:
    """Apply the statements of files one after another; see `read_ddl_by_file`.

    Returns:
        The tables after all files, and the skipped statements and files.
    """
    return [Script((), ()), *(script for _, script in read_ddl_by_file(files, comments=comments))][-1]


def read_ddl_by_file(files: Iterable[tuple[str, str]], *, comments: bool = False) -> Iterator[tuple[str, Script]]:
    """Apply the statements of files one after another.

    Args:
        files: Names and texts of the files, in the order in which BigQuery would run them.
        comments: Use the comment after a column as its description if it has no description.

    Yields:
        The name of each file, and the tables after it with everything that was skipped so far.

    Raises:
        InputError: A quote or comment of the only file is not closed. One of several files is skipped instead.
    """
    given, reader = [*files], _Reader(comments)
    for place, sql in given:
        text = without_down(sql.removeprefix("\ufeff"))
        try:
            tokens = [*statements(text)]
        except InputError as error:
            if len(given) == 1:
                raise InputError(f"{place}: {error.message}", remedy=error.remedy) from None
            reader.passed_over.append(f"{place} was not read: {error.message}")
            tokens = []
        for statement, is_run in _with_bodies(tokens):
            reader.read(place, Foreign(text, statement, comments=comments), is_run=is_run)
        yield place, Script(tuple(reader.tables.values()), tuple(reader.passed_over))


def _with_bodies(found: list[list[Token]]) -> Iterator[tuple[list[Token], bool]]:
    """Yield each statement and whether it runs, of blocks and bodies of procedures only those about tables.

    Whether a statement of a block runs, only BigQuery knows.
    """
    opened = list[str]()
    for statement in found:
        words = [token.word for token in statement]
        is_body = words[0] in _BLOCKS or (words[0] == "CREATE" and "PROCEDURE" in words[1:4])
        inner = [*_statement_about_a_table(statement)] if opened or is_body else []
        if not (opened or (inner and words[0] in _BLOCKS)):
            yield statement, True
        if inner:
            yield inner, False
        if not (opened or is_body):
            continue
        for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
            in_case = opened[-1:] == ["CASE"]
            if word == "END" and (after not in _BLOCK_ENDS or opened[-1:] == [after]):
                del opened[-1:]
            elif (
                (word == "CASE" and before != "END")
                or (word == "BEGIN" and after not in ("", "TRANSACTION"))
                or (word in _BLOCK_ENDS and before in _BEFORE_STATEMENTS and not in_case)
            ):
                opened.append(word)


def _statement_about_a_table(statement: list[Token]) -> Iterator[Token]:
    """Yield the tokens of CREATE, ALTER or DROP TABLE in a block, without the words of the block before it."""
    words = ["", *(token.word for token in statement)]
    for at, (before, word) in enumerate(pairwise(words)):
        if word in ("CREATE", "ALTER", "DROP") and before in _BEFORE_STATEMENTS and "TABLE" in words[at + 1 : at + 5]:
            yield from statement[at:]
            return


@dataclass
class _Reader:
    comments: bool
    tables: dict[tuple[str, ...], Created] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    collations: dict[tuple[str, ...], str] = field(default_factory=dict)
    """The default collations of datasets by path."""
    unread: set[tuple[str, ...]] = field(default_factory=set)
    """The tables whose statement was not read."""

    def read(self, place: str, cursor: Foreign, *, is_run: bool) -> None:
        """Apply one statement, or list it as skipped."""
        words = [token.word for token in cursor.tokens[:8]]
        if not is_run:
            self._pass_over(place, cursor, "it is in a block or procedure; move it out to have it read")
        elif words[0] == "CREATE" and "TABLE" in words[1:5] and "FUNCTION" not in words[1:6]:
            self._create(place, cursor)
        elif words[:2] == ["ALTER", "TABLE"]:
            self._alter(place, cursor)
        elif words[:2] == ["DROP", "TABLE"]:
            cursor.at = 2
            cursor.took("IF", "EXISTS")
            if key := self._path(place, cursor):
                self.tables.pop(self._known(key), None)
        elif words[0] in ("CREATE", "ALTER") and "SCHEMA" in words[1:4]:
            self._dataset(place, cursor)
        elif words[0] in _BLOCKS and words[1:2] not in ([], ["TRANSACTION"]):
            self._pass_over(place, cursor, "it begins a block, of which no statement is read")
        else:
            self._pass_over(place, cursor, "it is neither CREATE TABLE nor ALTER TABLE")

    def _dataset(self, place: str, cursor: Foreign) -> None:
        """Remember the default collation of a dataset, which tables that are created later have."""
        while not cursor.took("SCHEMA"):
            cursor.at += 1
        _ = cursor.took("IF", "NOT", "EXISTS") or cursor.took("IF", "EXISTS")
        if key := self._path(place, cursor):
            while not (cursor.done or cursor.took("DEFAULT", "COLLATE")):
                cursor.at += 1
            if not cursor.done:
                self.collations[key] = cursor.string()
            self._pass_over(place, cursor, "it is about a dataset, of which only the collation is used")

    def _path(self, place: str, cursor: Foreign) -> tuple[str, ...] | None:
        """Read the path of the table. A statement without a path is skipped."""
        try:
            return path(cursor)
        except InputError as error:
            self._pass_over(place, cursor, error.message.rstrip("."))
            return None

    def _known(self, key: tuple[str, ...]) -> tuple[str, ...]:
        """The only table with this path, where one of the two has no project or dataset; else `key`."""
        if key in self.tables:
            return key
        found = [one for one in self.tables if one[-len(key) :] == key[-len(one) :]]
        return found[0] if len(found) == 1 else key

    def _pass_over(self, place: str, cursor: Foreign, why: str) -> None:
        cursor.at = 0
        text = " ".join(cursor.sql[cursor.place : cursor.tokens[-1].end].split())
        shown = f"{text[:_SHOWN]}..." if len(text) > _SHOWN else text
        self.passed_over.append(f"{place}: line {cursor.line}: `{shown}` was not read: {why}.")

    def _create(self, place: str, cursor: Foreign) -> None:
        cursor.take("CREATE")
        replaces = cursor.took("OR", "REPLACE")
        if not cursor.took("TABLE"):
            self._pass_over(place, cursor, "it does not create an ordinary table")
            return
        keeps = cursor.took("IF", "NOT", "EXISTS")
        key = self._path(place, cursor)
        if key is None:
            return
        if not cursor.sees("("):
            self.unread.add(key)
            self._pass_over(place, cursor, "its columns come from a query or another table")
            return
        if key in self.tables and not replaces:
            if not keeps:
                self._pass_over(place, cursor, "the table exists already, and BigQuery does not create it again")
            return
        table = with_values(Table(key[-1], ()), {"default_collation": self.collations.get(key[:-1], "")})
        before = Created(table, ".".join(key[:-1]))
        self.tables.pop(key, None)
        self.tables[key] = _read(place, cursor, before, _created)

    def _alter(self, place: str, cursor: Foreign) -> None:
        cursor.take("ALTER", "TABLE")
        cursor.took("IF", "EXISTS")
        key = self._path(place, cursor)
        if key is None:
            return
        key = self._known(key)
        before = self.tables.get(key)
        if before is None:
            name = ".".join(key)
            why = f"the statement that creates {name} was not read" if key in self.unread else ""
            self._pass_over(place, cursor, why or f"no statement before it creates {name}")
            return
        if before.problem is not None:
            return
        after = _read(place, cursor, before, _altered)
        if after.table.name != before.table.name:
            del self.tables[key]
        self.tables[*key[:-1], after.table.name] = after


def is_called(created: Created, name: str) -> bool:
    """Return whether a table has that name, with or without project and dataset."""
    return bool(name) and f".{created.name}".endswith(f".{name}")


def _read(place: str, cursor: Foreign, before: Created, of: Callable[[Foreign, Table], Table]) -> Created:
    """Apply a statement to a table. If it is not valid, the table keeps the reason."""
    cursor.primary_key, cursor.foreign_keys = before.table.primary_key, before.table.foreign_keys
    cursor.default_collation = table_values(before.table)["default_collation"]
    cursor.named_keys = dict(before.named_keys)
    first = {} if before.places else {"": Location(place, cursor.line_at(0))}
    try:
        table = of(cursor, before.table)
        if not cursor.done:
            raise cursor.wrong("the end of the statement")
        for _, why in refused_of(replace(table, primary_key=cursor.primary_key)):
            cursor.at = 0
            raise cursor.refused(f"BigQuery rejects this: {why}.", _REFUSED)
    except InputError as error:
        return replace(before, problem=InputError(f"{place}: {error.message}", remedy=error.remedy))
    described = {one.name for one in table.columns if one.description}
    foreign_keys = tuple(_own_dataset(key, before.dataset) for key in cursor.foreign_keys)
    return replace(
        before,
        table=replace(table, primary_key=cursor.primary_key, foreign_keys=foreign_keys),
        named_keys=tuple((name, _own_dataset(key, before.dataset)) for name, key in cursor.named_keys.items()),
        left_out=(*before.left_out, *(f"{place}: {one}" for one in cursor.left_out)),
        commented=tuple(one for one in (*before.commented, *cursor.commented) if one not in described),
        places={**first, **before.places, **{name: Location(place, line) for name, line in cursor.lines.items()}},
    )


def _own_dataset(key: str, dataset: str) -> str:
    """A foreign key without the dataset of the other table if it is that of the table, with or without its project."""
    columns, table, references = key_parts(key)
    place, _, name = table.rpartition(".")
    same = place and (f".{dataset}".endswith(f".{place}") or f".{place}".endswith(f".{dataset}"))
    return foreign_key(columns, name, references) if same else key


def _created(cursor: Foreign, before: Table) -> Table:
    table = created_table(cursor, before.name)
    if cursor.took("AS"):  # the columns are declared; the query only fills them
        cursor.at = len(cursor.tokens)
    return table


def _altered(cursor: Foreign, table: Table) -> Table:
    """Apply the actions of one ALTER TABLE."""
    renames = set[bool]()
    while True:
        start = cursor.at
        renames.add(cursor.sees("RENAME", "COLUMN"))
        try:
            table = _action(cursor, table)
            if len(renames) > 1:
                raise Inapplicable("RENAME COLUMN is mixed with another action")
        except Inapplicable as error:
            cursor.at = start
            raise cursor.refused(f"BigQuery rejects this: {error}.", _REFUSED) from None
        if not cursor.took(","):
            return table


def _action(cursor: Foreign, table: Table) -> Table:
    if cursor.took("ADD", "COLUMN"):
        keeps, key = cursor.took("IF", "NOT", "EXISTS"), cursor.primary_key
        _require_column(cursor)
        added = column(cursor)
        if cursor.primary_key != key:
            raise Inapplicable("a column cannot be added with a key")
        there = table.find(added.name) if keeps else None
        if there and there.shape != added.shape:
            cursor.leave_out(f"ADD COLUMN IF NOT EXISTS `{added.name}` {added.sql_type}",
                             f": the column exists already as {there.sql_type}{there.not_null}")  # fmt: skip
        return table if there else _applied(table, AddColumn(added))
    if cursor.took("DROP", "COLUMN"):
        return _existing(cursor, table, lambda name: _applied(table, DropColumn(name)))
    if cursor.took("RENAME", "COLUMN"):
        return _existing(cursor, table, lambda name: _renamed(cursor, table, name))
    if cursor.took("ALTER", "COLUMN"):
        return _column_altered(cursor, table)
    if cursor.took("RENAME", "TO"):
        return replace(table, name=path(cursor)[-1])
    if cursor.took("ADD"):
        if not took_constraint(cursor):
            raise cursor.wrong("COLUMN, PRIMARY KEY or FOREIGN KEY")
        return table
    if cursor.took("DROP", "PRIMARY", "KEY"):
        if not (cursor.took("IF", "EXISTS") or cursor.primary_key):
            raise Inapplicable("the table has no primary key to drop")
        cursor.primary_key = ()
        return table
    return _table_set(cursor, table)


def _table_set(cursor: Foreign, table: Table) -> Table:
    if cursor.took("DROP", "CONSTRAINT"):
        optional, start = cursor.took("IF", "EXISTS"), cursor.at
        name = cursor.name()
        key = cursor.named_keys.pop(name.lower(), None)
        if key is None and not optional:
            cursor.at = start  # for the line of the note
            cursor.leave_out(f"DROP CONSTRAINT `{name}`", ": no statement before it names the constraint")
            cursor.name()
        cursor.foreign_keys = tuple(other for other in cursor.foreign_keys if other != key)
        return table
    if cursor.took("SET", "DEFAULT", "COLLATE"):
        return _applied(table, SetOption("default_collation", cursor.string()))
    if not cursor.took("SET", "OPTIONS"):
        raise cursor.wrong("ADD, DROP, RENAME or ALTER COLUMN, a key, RENAME TO or SET OPTIONS")
    for name, value in table_options(cursor):
        table = _applied(table, SetOption(name, value))
    return table


def _existing(cursor: Foreign, table: Table, change: Callable[[str], Table]) -> Table:
    """Read [IF EXISTS] and a name, and apply `change` unless IF EXISTS allows that the column is missing."""
    optional = cursor.took("IF", "EXISTS")
    _require_column(cursor)
    name = cursor.name()
    if optional and not table.find(name):
        if cursor.took("TO"):
            cursor.name()
        return table
    return change(name)


def _require_column(cursor: Foreign) -> None:
    """Raise Inapplicable for a path to a field of a STRUCT, of which no statement of BigQuery is."""
    path_of_field = [token.raw for token in cursor.tokens[cursor.at : cursor.at + 3]]
    if path_of_field[1:2] == ["."]:
        raise Inapplicable(f"{''.join(path_of_field)} is a field of a STRUCT, which no statement adds or alters")


def _renamed(cursor: Foreign, table: Table, name: str) -> Table:
    cursor.take("TO")
    line, new = cursor.line, cursor.name()
    cursor.lines[new.lower()] = line
    return _applied(table, RenameColumn(name, new))


def _column_altered(cursor: Foreign, table: Table) -> Table:
    optional = cursor.took("IF", "EXISTS")
    _require_column(cursor)
    start, line = cursor.at, cursor.line
    name = cursor.name()
    cursor.lines[name.lower()] = line
    missing = optional and not table.find(name)
    if cursor.took("SET", "OPTIONS"):
        if missing:
            column_options(cursor, Column(name, Type(Kind.STRING)))
            return table
        described = column_options(cursor, table.present(name))
        return table.with_column(name, description=described.description, properties=described.properties)
    cursor.at = start
    change = alter_column(cursor)
    old = table.find(name)
    if isinstance(change, SetType) and old and change.type.shape == old.type.shape:
        return table
    return table if missing else _applied(table, change)


def _applied(table: Table, change: Change) -> Table:
    """Apply a change. Raises Inapplicable, also where BigQuery rejects the change."""
    state = State(table)
    after = fold(state, [change]).table
    if why := change.refusal(state):
        raise Inapplicable(why)
    return after or table
