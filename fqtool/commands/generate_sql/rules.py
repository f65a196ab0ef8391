"""What may be wrong with a writer's own MERGE or INSERT, beside the columns of the registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.findings.listing import listed
from fqtool.findings.remedy import commands
from fqtool.records.read_dml import Assigned, Written
from fqtool.registry.checks.explain_schema import nearest
from fqtool.table.column import Column

_LISTED = 30
_FULL = "Add the columns; or use the statement that names every column, and score the date after it:"


@dataclass(frozen=True, slots=True)
class Listed:
    """One list of columns in a writer's SQL, beside the table's columns.

    `expected` are the columns that a writer owns and must write here, `computed` those that fqtool computes, `read`
    those that it computes them from, without case.
    """

    file: str
    sql: str
    written: Written
    columns: tuple[Column, ...]
    expected: tuple[str, ...]
    computed: tuple[str, ...]
    read: frozenset[str]

    def place(self, offset: int) -> Location:
        """Return the place of an offset of the text."""
        line = self.sql.count("\n", 0, offset) + 1
        return Location(self.file, line, offset - self.sql.rfind("\n", 0, offset))

    @property
    def names(self) -> frozenset[str]:
        """The columns that are written, without case."""
        return frozenset(one.column.lower() for one in self.written.columns)

    def left_out(self, names: tuple[str, ...]) -> list[str]:
        """Return those of the names that are not written."""
        return [name for name in names if name.lower() not in self.names]


def _joined(names: list[str]) -> str:
    return listed(names, _LISTED)


@rule("FQ521", group=Group.WRITER_SQL)
def column_left_out(listed: Listed) -> Iterator[Finding]:
    """A writer's MERGE or INSERT leaves columns out.

    Problem: The list of columns lacks some that the writer owns.

    Why: An UPDATE leaves them at the values of the older row, an INSERT at NULL, without an error.

    Example: A column that was added to the table and not to the statement

    Fix: Use the statement of `fqtool generate-sql writer`, or add the columns.
    """
    if listed.written.named and not listed.written.of_absent and (missing := listed.left_out(listed.expected)):
        several = len(missing) != 1
        stay = "are NULL" if several else "is NULL"
        if listed.written.verb == "UPDATE":
            stay = "keep their old values" if several else "keeps its old value"
        count = f"{len(missing)} column{'s' * several}"
        message = f"{listed.written.verb} leaves out {count}, which {stay}: {_joined(missing)}."
        remedy = commands("generate-sql writer", first=_FULL)
        yield Finding(missing[0], message, remedy=remedy, location=listed.place(listed.written.at))


@rule("FQ522", Severity.NOTE, group=Group.WRITER_SQL)
def computed_column_left_out(listed: Listed) -> Iterator[Finding]:
    """A writer's MERGE updates columns that scoring reads and leaves the scores of the older row.

    Problem: UPDATE SET has a column that scoring reads, and lacks columns that fqtool computes.

    Why: Until the date is scored again, the quality of the row is that of the values before.

    Example: UPDATE SET features = s.features

    Fix: Set the columns too, to what `registry.score` returns or to NULL, or score the date after each write.
    """
    is_read = listed.written.verb == "UPDATE" and listed.names & listed.read
    if is_read and (missing := listed.left_out(listed.computed)):
        count = f"{len(missing)} computed column{'s' * (len(missing) != 1)}"
        message = f"UPDATE leaves {count} at the scores of the older row: {_joined(missing)}."
        remedy = commands("score --start DATE", first="Score the date after each write:")
        yield Finding(missing[0], message, remedy=remedy, location=listed.place(listed.written.at))


@rule("FQ523", group=Group.WRITER_SQL)
def insert_without_names(listed: Listed) -> Iterator[Finding]:
    """A writer's INSERT names no columns, so its values go by the position of the table's columns.

    Problem: There is no list of columns before VALUES or SELECT, or it is INSERT ROW.

    Why: BigQuery appends new columns, so the table's order is not the registry's; a value goes to another column
    without an error where the types agree.

    Example: INSERT INTO store VALUES ('a', DATE '2026-02-06', ...)

    Fix: Name the columns.
    """
    if listed.written.named:
        return
    count = listed.written.values
    values = "the values" if count is None else "its value" if count == 1 else f"its {count} values"
    message = f"INSERT names no columns: {values} go by position, and the registry has {len(listed.columns)} columns."
    yield Finding("INSERT", message, remedy="Name the columns.", location=listed.place(listed.written.at))


@rule("FQ524", group=Group.WRITER_SQL)
def unknown_column_written(listed: Listed) -> Iterator[Finding]:
    """A writer's MERGE or INSERT names a column that the registry does not declare.

    Problem: No column has the name.

    Why: BigQuery refuses the statement, or the registry does not know a column of the table.

    Example: INSERT (shop_id, dya)

    Fix: Correct the name, or declare the column.
    """
    known = {column.key: column.name for column in listed.columns}
    for one in listed.written.columns:
        if one.column.lower() not in known:
            near = nearest(one.column, known.values())
            remedy = (
                f"Write {near} instead of {one.column}."
                if near
                else "Declare the column under base_columns, or remove it."
            )
            message = f"{listed.written.verb} names {one.column}, which is not declared in the registry."
            yield Finding(one.column, message, remedy=remedy, location=listed.place(one.at))


@rule("FQ525", group=Group.WRITER_SQL)
def value_of_another_column(listed: Listed) -> Iterator[Finding]:
    """A writer's MERGE or INSERT writes one column of the source into another of the table.

    Problem: The value of a column is the source's column of another column's name, or two columns are made of each
    other's, as in CAST(units AS STRING); a row or SELECT has more or fewer values than columns; or a column is named
    twice.

    Why: The two lists went out of step; the types may agree, and then nothing fails.

    Example: INSERT (price, units) VALUES (s.units, s.price)

    Fix: Put the values into the order of the columns.
    """
    known = {column.key for column in listed.columns}
    written = listed.written
    if written.named and written.values is not None and written.values != len(written.columns):
        named, given = len(written.columns), written.values
        message = f"INSERT names {named} column{'s' * (named != 1)} and gives {given} value{'s' * (given != 1)}."
        yield Finding("INSERT", message, remedy="Give one value for each column.", location=listed.place(written.at))
    for column, count in Counter(one.column.lower() for one in written.columns).items():
        if count > 1 and written.verb == "INSERT":  # an UPDATE may set several fields of one STRUCT
            message = f"INSERT names {column} {count} times."
            yield Finding(column, message, remedy="Name each column once.", location=listed.place(written.at))
    for one in written.columns:
        direct = (source for source in one.sources if source.lower() != one.column.lower() and source.lower() in known)
        for source in dict.fromkeys([*direct, *_swapped(one, written.columns)]):
            yield _other_column(listed, one, source)


def _swapped(one: Assigned, columns: Sequence[Assigned]) -> Iterator[str]:
    """Yield the columns whose values one is made of, where they are made of its own."""
    name = one.column.lower()
    for row, origin in enumerate(one.origins):
        others = (other for other in columns if other.column.lower() == origin.lower() != name)
        if any(other.origins[row : row + 1] and other.origins[row].lower() == name for other in others):
            yield origin


def _other_column(listed: Listed, one: Assigned, source: str) -> Finding:
    message = f"{one.column} gets the source's {source}."
    remedy = "Put the values into the order of the columns."
    if listed.written.verb == "UPDATE":
        remedy = f"Set {one.column} to the source's {one.column}."
    return Finding(one.column, message, remedy=remedy, location=listed.place(one.at))


@rule("FQ526", Severity.NOTE, group=Group.WRITER_SQL)
def columns_not_read(listed: Listed) -> Iterator[Finding]:
    """A list of columns, or the name of a table, is written by a template, so it was not compared.

    Problem: The list, or the name of the table, has tags such as {{ }} or {% %}, a field of an f-string such as
    {columns}, or %s.

    Why: What the template writes is known only when it runs.

    Example: INSERT INTO store ({{ columns | join(', ') }}) SELECT * FROM batch

    Fix: Nothing, or compare the SQL that the template writes.
    """
    if listed.written.is_template:
        message = f"The columns of {listed.written.verb} are written by a template, so they were not compared."
        if listed.written.of_any_table:
            message = f"The table of {listed.written.verb} is written by a template, so the statement was not compared."
        yield Finding(listed.written.verb, message, location=listed.place(listed.written.at))
