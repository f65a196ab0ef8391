"""fqtool migrate import: the migrations of a folder from the SQL files that a team ran before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fqtool.commands.migrate.apply import verify_migrations
from fqtool.commands.migrate.plan import Planned, texts_of
from fqtool.commands.migrate.rules import judge
from fqtool.errors import InputError, MigrationError, Refusal, UsageError
from fqtool.findings.finding import Severity
from fqtool.findings.listing import listed
from fqtool.findings.remedy import commands
from fqtool.migrations.files import MigrationFile, read_files, write_file
from fqtool.migrations.imported import Imported, history_of
from fqtool.table.read_ddl import Created, Script, is_called, read_ddl_by_file
from fqtool.table.script_order import sql_files
from fqtool.warehouse.files import read_text
from fqtool.warehouse.target import open_replay
from fqtool.workspace import Workspace

_WORDS = re.compile(r"^(?:[VR]?[\d._-]*_*|R__)", re.IGNORECASE)
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Import:
    """The result of reading a team's files.

    Attributes:
        made: each migration and the team's files that it holds.
        planned: the migrations as a plan that can be written.
        notes: a sentence for each statement and file that is not part of a migration.
    """

    made: tuple[tuple[MigrationFile, tuple[str, ...]], ...]
    planned: Planned
    notes: tuple[str, ...]


def import_migrations(workspace: Workspace, path: Path, name: str = "") -> Import:
    """Return the migrations that the SQL files of a folder amount to. Nothing is written.

    Args:
        workspace: the registry, and a folder without migrations.
        path: the folder with the team's files, or one file.
        name: the table in these files, `dataset.table`. Default: the table of the registry.

    Raises:
        MigrationError: the folder of migrations has migrations already.
        InputError: no file can be read, none creates the table, or BigQuery would reject a statement.
        UsageError: several tables have the name.
        Refusal: the migrations could not be replayed.
    """
    if workspace.files:
        raise MigrationError(
            f"{workspace.folder} has migrations already, and an import begins a history.",
            remedy=f"Import into another folder: {commands(f'migrate import {path} --migrations imported')}",
        )
    paths, notes = sql_files(path)
    scripts = [*read_ddl_by_file((str(file), read_text(file)) for file in paths)]
    table = _chosen(scripts[-1][1], name or workspace.table, path)
    if table.problem:
        raise table.problem
    steps = [(Path(place).name, _found(script, table.name)) for place, script in scripts]
    tables = ((place, replace(step.table, name=workspace.table) if step else None) for place, step in steps)
    history = [*history_of(tables, judge=judge)]
    refused = tuple(finding for one in history for finding in one.plan.refused)
    if refused := tuple(replace(one, location=table.places.get(one.subject.lower())) for one in refused):
        raise Refusal("BigQuery cannot make a change of these files.", findings=refused)
    files = tuple(_file(number, one) for number, one in enumerate(history))
    made = tuple((file, one.sources) for file, one in zip(files, history, strict=True))
    planned = Planned(tuple((file, one.plan) for file, one in zip(files, history, strict=True)), ())
    _require_replay(workspace, planned)
    others = sorted(one.name for one in scripts[-1][1].created if one is not table)
    return Import(made, planned, (*notes, *scripts[-1][1].passed_over, *table.left_out, *_of_others(others)))


def _chosen(script: Script, name: str, path: Path) -> Created:
    found = [created for created in script.created if is_called(created, name)]
    if not found:
        created = ", ".join(one.name for one in script.created) or "none"
        notes = " ".join(script.passed_over[:_NAMED])
        raise InputError(
            f"{path} does not create the table {name}. Tables in these files: {created}. {notes}".rstrip(),
            remedy="Name another table with --name, or add the CREATE TABLE statement to the folder.",
        )
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise UsageError(f"{path} has {len(found)} tables named {name}.", remedy=f"Choose one with --name: {names}.")
    return found[0]


def _found(script: Script, name: str) -> Created | None:
    return next((created for created in script.created if created.name == name), None)


def _file(number: int, one: Imported) -> MigrationFile:
    """A migration named after the last of its files."""
    words = _WORDS.sub("", Path(one.sources[-1]).stem).lower()
    slug = re.sub(r"[^a-z0-9]+", "_", words).strip("_") or "imported"
    return write_file(f"{number:04d}", slug, one.plan, origin=", ".join(one.sources))


def _of_others(names: list[str]) -> Iterator[str]:
    if names:
        yield f"Statements for other tables are left out: {listed(names)}."


def _require_replay(workspace: Workspace, planned: Planned) -> None:
    """Replay the migrations on an empty database. What the registry has besides is for the next plan."""
    texts = texts_of(workspace, planned)
    files = read_files({name: text for name, text in texts.items() if name.endswith(".sql")})
    with open_replay() as scratch:
        findings = verify_migrations(replace(workspace, files=files, texts=texts), scratch, "fqtool migrate import")
    stops = tuple(one for one in findings if one.severity is Severity.ERROR and one.rule != "FQ404")
    if stops:
        raise Refusal("`migrate verify` would refuse the imported files; nothing was written.", findings=stops)
