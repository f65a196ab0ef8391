"""fqtool doctor: check versions, credentials, target and permissions. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from platform import python_version
from typing import TextIO

from fqtool.commands.doctor import rules
from fqtool.errors import Denied, StatementFailed, UsageError
from fqtool.findings.finding import Finding
from fqtool.migrations.live_tables import another_kind_of_table
from fqtool.migrations.plan import make_statement
from fqtool.output.table_text import print_table
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.model import Registry
from fqtool.sql import Query, ident
from fqtool.table.changes import CreateTable, SetDescription
from fqtool.table.column import Column, Kind, Type
from fqtool.table.model import State, Table, other_kind
from fqtool.warehouse.protocol import Warehouse

_PROBE_BYTES = 2**30
PROBE = "_fqtool_doctor"  # never created: its CREATE TABLE is a dry run


@dataclass(frozen=True, slots=True)
class Library:
    """A library that fqtool needs: its installed version, "" if not installed, and the supported versions."""

    name: str
    installed: str
    needed: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a permission is granted, None where it could not be checked, and why not."""

    need: Need
    held: bool | None
    why: str = ""

    @property
    def allows(self) -> str:
        """What the permission allows."""
        return ALLOWS[self.need][0]


@dataclass(frozen=True, slots=True)
class Checkup:
    """The result of a check: libraries, the table with its number of columns, permissions, and findings."""

    libraries: tuple[Library, ...]
    url: str
    table: str
    columns: int | None
    proofs: tuple[Proof, ...]
    findings: tuple[Finding, ...]


def libraries() -> tuple[Library, ...]:
    """Return the libraries that the installed fqtool needs, without extras."""
    from packaging.requirements import Requirement

    requirements = [Requirement(text) for text in metadata.requires("fqtool") or ()]
    return tuple(
        Library(library.name, _installed(library.name), str(library.specifier))
        for library in requirements
        if library.marker is None or library.marker.evaluate({"extra": ""})
    )


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def outside(found: Sequence[Library]) -> tuple[Finding, ...]:
    """Return a finding for each library whose version is not supported."""
    from packaging.specifiers import SpecifierSet

    wrong = (one for one in found if not one.installed or one.installed not in SpecifierSet(one.needed))
    return tuple(finding for one in wrong for finding in rules.version_outside(one.name, one.installed, one.needed))


def needs_of(commands: Sequence[str]) -> dict[Need, tuple[str, ...]]:
    """Return the permissions that commands need, each with the commands that need it; () means all commands.

    Raises UsageError for an unknown command, or one that needs no permission.
    """
    for one in commands:
        if one not in COMMANDS:
            meant = nearest(one, list(COMMANDS))
            known = f"Use one of: {', '.join(COMMANDS)}."
            raise UsageError(
                f"{one!r} is not a command that needs a permission.",
                remedy=f"Write {meant}." if meant else known,
            )
    chosen = commands or tuple(COMMANDS)
    named = {need: tuple(one for one in chosen if need in COMMANDS[one]) for need in Need}
    return {need: names for need, names in named.items() if names}


def examine(registry: Registry, warehouse: Warehouse, commands: Sequence[str] = ()) -> Checkup:
    """Check each permission by a metadata read or a dry run. Nothing is changed, and nothing is billed.

    Raises WorldError where the target does not answer, or denies a metadata read.
    """
    needs, found = needs_of(commands), libraries()
    wrong, name = list(outside(found)), registry.table.name
    live = warehouse.describe(name)
    wrong += rules.table_missing(name, warehouse.url) if live is None else another_kind_of_table(live, warehouse.url)
    table = live if isinstance(live, Table) else None
    kind = other_kind(live) if live else ""
    unproved = f"{name} is {kind}" if kind else "the table has no columns" if table else "there is no table yet"
    # BigQuery also has tables without columns, which no dry run can name.
    probes = _probes(registry, warehouse, table if table and table.columns else None)
    proofs = tuple(_proof(need, probes.get(need), unproved) for need in needs)
    for one in proofs:
        if one.held is False:
            allows, role = ALLOWS[one.need]
            wrong += rules.permission_missing(one.need, allows, needs[one.need], role)
    return Checkup(found, warehouse.url, name, len(table.columns) if table else None, proofs, tuple(wrong))


def _proof(need: Need, probe: Callable[[], object] | None, unproved: str) -> Proof:
    """Check a permission; `unproved` is the reason where there is no probe."""
    if probe is None:
        return Proof(need, None, unproved)
    try:
        _ = probe()
    except Denied as error:
        # A dry run may need two permissions, and the refusal of one leaves the other unknown.
        for other in set(Need) - {need}:
            if f"{other} is missing" in error.message:
                return Proof(need, None, f"{other} is missing")
        return Proof(need, False, error.message)
    except StatementFailed as error:
        return Proof(need, None, error.message)
    return Proof(need, True)


def _probes(registry: Registry, warehouse: Warehouse, live: Table | None) -> dict[Need, Callable[[], object]]:
    """Return the check for each permission. BigQuery checks permissions in a dry run as in a run."""
    creation = make_statement(State(), (CreateTable(Table(PROBE, (Column("probe", Type(Kind.INT64)),))),))
    made: dict[Need, Callable[[], object]] = {
        Need.LOOK: lambda: warehouse.describe(registry.table.name),
        # With a byte limit and a parameter as in scoring, so that the whole configuration of a job is checked.
        Need.JOBS: lambda: warehouse.run(
            Query("SELECT @at AS one", (("at", datetime.now(UTC)),)),
            dry_run=True,
            max_bytes=_PROBE_BYTES,
        ),
        Need.CREATE: lambda: warehouse.run(creation, dry_run=True),
    }
    if live is None:
        return made
    table, spec = ident(live.name), registry.table
    where = f"{ident(spec.partition_by)} IS NULL" if spec.partition_by else "FALSE"
    first = live.columns[0]
    name = ident(first.name)
    update = Query(f"UPDATE {table} SET {name} = {name} WHERE {where}")
    alter = make_statement(State(live), (SetDescription((first.name,), first.description),))
    return made | {
        Need.READ: lambda: warehouse.run(Query(f"SELECT {name} FROM {table} WHERE {where}"), dry_run=True),
        Need.WRITE: lambda: warehouse.run(update, dry_run=True),
        Need.ALTER: lambda: warehouse.run(alter, dry_run=True),
    }


class Need(StrEnum):
    """A permission of BigQuery, by its name."""

    LOOK = "bigquery.tables.get"
    READ = "bigquery.tables.getData"
    JOBS = "bigquery.jobs.create"
    WRITE = "bigquery.tables.updateData"
    ALTER = "bigquery.tables.update"
    CREATE = "bigquery.tables.create"


# What each permission allows, and the narrowest predefined role that includes it, with where to grant it.
ALLOWS: Mapping[Need, tuple[str, str]] = {
    Need.LOOK: ("read the metadata of the table", "BigQuery Metadata Viewer on the dataset"),
    Need.READ: ("read rows", "BigQuery Data Viewer on the table"),
    Need.JOBS: ("run queries", "BigQuery Job User on the project"),
    Need.WRITE: ("change rows", "BigQuery Data Editor on the table"),
    Need.ALTER: ("alter the table", "BigQuery Data Editor on the dataset"),
    Need.CREATE: ("create tables", "BigQuery Data Editor on the dataset"),
}
_READER = (Need.LOOK, Need.READ, Need.JOBS)
# `check-drift` and `migrate status` read the ledger by tabledata.list, which is not a job.
COMMANDS: Mapping[str, tuple[Need, ...]] = {
    "init --from-table": (Need.LOOK,),
    "init --from-table --learn": _READER,
    "learn": _READER,
    "check-drift --no-ledger": (Need.LOOK,),
    "check-drift": (Need.LOOK, Need.READ),
    "check-drift --data": _READER,
    "migrate plan": (Need.LOOK, Need.READ),
    "migrate status": (Need.LOOK, Need.READ),
    "migrate": (*_READER, Need.WRITE, Need.ALTER, Need.CREATE),
    "check-record --target": (Need.LOOK,),
    "score": (*_READER, Need.WRITE),
    "backfill": (*_READER, Need.WRITE, Need.CREATE),
    "diagnose": _READER,
    "daily": _READER,
    "explain": _READER,
    "report": _READER,
    "models --date": _READER,
    "cost": _READER,
    "diff --start": _READER,
    "doctor": (Need.LOOK,),
}


_WORDS = {True: "yes", False: "no", None: "unknown"}


def print_libraries(listed: Iterable[Library], stream: TextIO) -> None:
    """Print the installed versions, and an empty line."""
    rows = [("Python", python_version(), "")]
    rows += [(one.name, one.installed or "missing", one.needed) for one in listed]
    print_table("", ("library", "installed", "needed"), rows, stream)
    stream.write("\n")


def print_proofs(checkup: Checkup, stream: TextIO) -> None:
    """Print a line per permission, and an empty line."""
    if checkup.url.startswith("bigquery:"):
        rows = [(one.need, _WORDS[one.held], one.allows, one.why) for one in checkup.proofs]
        print_table("", ("permission", "granted", "allows to", "why"), rows, stream)
    else:  # the permissions of a file have no names
        actions = [(one.allows, _WORDS[one.held], one.why) for one in checkup.proofs]
        print_table("", ("action", "possible", "why"), actions, stream)
    stream.write("\n")


def heading(checkup: Checkup) -> str:
    """Return the sentence for a target without problems."""
    if checkup.columns is None:
        return f"No problems found in {checkup.url}."
    return f"No problems found in {checkup.url}: {checkup.table} has {checkup.columns} columns."
