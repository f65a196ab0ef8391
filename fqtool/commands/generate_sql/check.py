"""fqtool generate-sql writer --check: the columns that a team's own MERGE or INSERT leaves out."""

from __future__ import annotations

from pathlib import Path

from fqtool.commands.generate_sql.rules import Listed
from fqtool.errors import InputError
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group
from fqtool.findings.remedy import commands
from fqtool.records.read_dml import column_lists
from fqtool.registry.model import Owner, Registry
from fqtool.schema.build import desired_table, expand_columns
from fqtool.scoring.scoring import Scoring
from fqtool.table.column import Column
from fqtool.warehouse.files import read_text

_TEMPLATE = "FQ526"
_NO_STATEMENT = "Name the file of the writer, or generate a statement:"
_IN_CODE = "Texts in Python are not read: name a file of SQL that has the statement, or generate one:"


def check_writer_sql(registry: Registry, path: Path) -> tuple[Finding, ...]:
    """Return what is wrong with the statements of a file that write to the table.

    Raises InputError for a file that cannot be read, or without such a statement.
    """
    sql, columns = read_text(path), desired_table(registry).columns
    computed = frozenset(one.name.lower() for one in expand_columns(registry) if one.spec.owner is not Owner.UPSTREAM)
    scores = tuple(column.name for column in columns if column.key in computed)
    read = Scoring(registry).named
    writes = [*column_lists(sql, registry.table.name)]
    if not writes:
        raise InputError(
            f"{path} has no MERGE or INSERT into {registry.table.name}.",
            remedy=commands("generate-sql writer", first=_IN_CODE if path.suffix == ".py" else _NO_STATEMENT),
        )
    lists = [
        Listed(str(path), sql, written, columns, _owned(registry, columns, computed, written.verb), scores, read)
        for written in writes
        if not written.every
    ]
    return tuple(
        finding
        for one in lists
        for rule in rules_of(Group.WRITER_SQL)
        if not one.written.is_template or rule.code == _TEMPLATE
        for finding in rule.check(one)
    )


def _owned(registry: Registry, columns: tuple[Column, ...], computed: frozenset[str], verb: str) -> tuple[str, ...]:
    """Return the columns that a writer must write: an UPDATE does not set keys, and a default needs no value."""
    keys = {key.lower() for key in registry.table.keys} if verb == "UPDATE" else set()
    return tuple(
        column.name
        for column in columns
        if column.key not in computed and column.key not in keys and column.default is None
    )
