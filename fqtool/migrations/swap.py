"""How far a rebuild is: which of its tables exist, and whether one of their names has another table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fqtool.migrations.files import MigrationFile
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The tables of a rebuild, and which statements of its file create and swap them.

    Attributes:
        file: the migration file.
        source: the name of the table.
        new: the new table, with its name before the swap.
        old: the name that the table gets.
        create: the number of the statement that creates the new table, from 1.
        swap: the number of the first statement that renames.
    """

    file: MigrationFile
    source: str
    new: Table
    old: str
    create: int
    swap: int

    def is_swapping(self, live: State) -> bool:
        """Return whether no table has the name, because the swap began and has not ended."""
        return live.table is None and bool(live.find_beside(self.old) and live.find_beside(self.new.name))

    def is_only_copied(self, live: State) -> bool:
        """Return whether no table has the name, and only the new table is there, which may be a copy of its rows."""
        return live.table is None and bool(live.find_beside(self.new.name)) and not live.find_beside(self.old)

    def is_swapped(self, live: State) -> bool:
        """Return whether the table is the new one: the planned columns and partitions, and the old one beside it."""
        if live.table is None or live.find_beside(self.new.name) or not live.find_beside(self.old):
            return False
        made = [(column.key, column.shape) for column in self.new.columns]
        there = [(column.key, column.shape) for column in live.table.columns if self.new.find(column.name)]
        return made == there and live.table.partitioning == self.new.partitioning

    def has_lost_its_copy(self, live: State, done: Sequence[bool]) -> bool:
        """Return whether the new table was dropped before the swap, so that the copy has to run again.

        Args:
            live: the state of the target.
            done: whether each statement of the file is done, in order.
        """
        absent = not live.find_beside(self.new.name) and not live.find_beside(self.old)
        return live.table is not None and absent and done[self.create - 1] and not done[self.swap - 1]

    def taken(self, live: State, begun: Sequence[bool], done: Sequence[bool]) -> str:
        """Return the name of a table that is not of this rebuild and has one of its names; "" for none.

        The end of the first renaming is recorded before the second one runs: without that record and with the table
        in place, the other name was not given by the rebuild.

        Args:
            live: the state of the target.
            begun: whether each statement of the file was started, in order.
            done: whether each statement of the file is done, in order.
        """
        if live.table is None or (not any(begun) and self.is_swapped(live)):
            return ""
        if live.find_beside(self.old) and not done[self.swap - 1]:
            return self.old
        return self.new.name if live.find_beside(self.new.name) and not begun[self.create - 1] else ""


def rebuild_of(file: MigrationFile) -> Rebuild | None:
    """Return the rebuild that a file makes, or None."""
    first: dict[type, tuple[int, RenameTable | CreateTable]] = {}
    for number, statement in enumerate(file.statements, 1):
        for change in statement.changes:
            if isinstance(change, RenameTable | CreateTable):
                first.setdefault(type(change), (number, change))
    match first.get(CreateTable), first.get(RenameTable):
        case (create, CreateTable(new)), (swap, RenameTable(source, old)):
            return Rebuild(file, source, new, old, create, swap)
    return None


def rebuilds(files: Iterable[MigrationFile]) -> tuple[Rebuild, ...]:
    """Return the rebuilds that files make, in order."""
    return tuple(filter(None, map(rebuild_of, files)))


def stopped_swap(files: Iterable[MigrationFile], live: State) -> Rebuild | None:
    """Return the rebuild whose swap began and has not ended, None for no such rebuild.

    Args:
        files: migration files.
        live: the state of the target, with the tables of the rebuilds.
    """
    return next((rebuild for rebuild in rebuilds(files) if rebuild.is_swapping(live)), None)


def lonely_copy(files: Iterable[MigrationFile], live: State) -> Rebuild | None:
    """Return the rebuild of which only the new table is there, None for no such rebuild.

    Args:
        files: migration files.
        live: the state of the target, with the tables of the rebuilds.
    """
    return next((rebuild for rebuild in rebuilds(files) if rebuild.is_only_copied(live)), None)
