"""fqtool doctor: what a command would trip over: versions, credentials, permissions, the table itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from fqtool.errors import Denied, StatementFailed, UsageError
from fqtool.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.registry.explain import nearest
from fqtool.registry.model import Registry
from fqtool.rules import about_setup as rules
from fqtool.sql import Query, ident
from fqtool.table.changes import CreateTable, SetDescription
from fqtool.table.column import Column, Kind, Type
from fqtool.table.model import State, Table
from fqtool.verbs.permissions import ALLOWS, COMMANDS, Need
from fqtool.warehouse.protocol import Warehouse

PROBE = "_fqtool_doctor"  # never made: its CREATE TABLE is a dry run


@dataclass(frozen=True, slots=True)
class Library:
    """A library that fqtool declares: the version installed here, "" for none, and the bounds."""

    name: str
    installed: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a permission is held, None where that could not be tried, and why it is not."""

    need: Need
    held: bool | None
    why: str = ""

    @property
    def allows(self) -> str:
        """What one may do with it."""
        return ALLOWS[self.need][0]


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was looked at: libraries, the table with its number of columns, permissions; and what is wrong."""

    libraries: tuple[Library, ...]
    url: str
    table: str
    columns: int | None
    proofs: tuple[Proof, ...]
    findings: tuple[Finding, ...]


def libraries() -> tuple[Library, ...]:
    """Return what the installed fqtool declares to need, extras left out."""
    from packaging.requirements import Requirement

    found = []
    for text in metadata.requires("fqtool") or ():
        one = Requirement(text)
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            found.append(Library(one.name, _installed(one.name), str(one.specifier)))
    return tuple(found)


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def outside(found: Sequence[Library]) -> tuple[Finding, ...]:
    """Return the libraries whose versions fqtool does not allow."""
    from packaging.specifiers import SpecifierSet

    wrong = (one for one in found if not one.installed or one.installed not in SpecifierSet(one.wanted))
    return tuple(told for one in wrong for told in rules.version_outside(one.name, one.installed, one.wanted))


def needs_of(commands: Sequence[str]) -> dict[Need, tuple[str, ...]]:
    """Return what the commands need, and which of them each is for; all commands where none is named.

    Raises UsageError for a command that is none, or that needs no permission.
    """
    for one in commands:
        if one not in COMMANDS:
            meant = nearest(one, list(COMMANDS))
            known = f"Known here: {', '.join(COMMANDS)}."
            raise UsageError(
                f"{one!r} is no command that needs a permission.", remedy=f"Did you mean {meant}?" if meant else known
            )
    chosen = commands or tuple(COMMANDS)
    named = {need: tuple(one for one in chosen if need in COMMANDS[one]) for need in Need}
    return {need: names for need, names in named.items() if names}


def examine(registry: Registry, warehouse: Warehouse, commands: Sequence[str] = ()) -> Checkup:
    """Look at the target and prove each permission by a look or a dry run. Nothing is changed, nothing costs.

    Raises WorldError where the target does not answer, or may not even be looked at.
    """
    needs, found = needs_of(commands), libraries()
    wrong, name = list(outside(found)), registry.table.name
    live = warehouse.describe(name)
    if not isinstance(live, Table):
        wrong += rules.table_not_there(name, warehouse.url)
    table = live if isinstance(live, Table) else None
    proofs = tuple(_proofs(registry, warehouse, needs, table))
    for one in proofs:
        if one.held is False:
            allows, role = ALLOWS[one.need]
            wrong += rules.permission_missing(one.need, allows, needs[one.need], role)
    return Checkup(found, warehouse.url, name, len(table.columns) if table else None, proofs, tuple(wrong))


def _proofs(
    registry: Registry, warehouse: Warehouse, needs: dict[Need, tuple[str, ...]], live: Table | None
) -> Iterator[Proof]:
    probes = _probes(registry, warehouse, live)
    for need in needs:
        yield _proof(need, probes.get(need))


def _proof(need: Need, probe: Callable[[], object] | None) -> Proof:
    if probe is None:
        return Proof(need, None, "there is no table yet")
    try:
        _ = probe()
    except Denied as error:
        # A dry run of a query needs the right to run one: a refusal of that says nothing of the rows.
        if need is not Need.JOBS and Need.JOBS in error.message:
            return Proof(need, None, f"{Need.JOBS} is missing")
        return Proof(need, False, error.message)
    except StatementFailed as error:
        return Proof(need, None, error.message)
    return Proof(need, True)


def _probes(registry: Registry, warehouse: Warehouse, live: Table | None) -> dict[Need, Callable[[], object]]:
    """Return what to try for each permission. BigQuery checks rights in a dry run as in a run."""
    creation = make_statement(State(), (CreateTable(Table(PROBE, (Column("probe", Type(Kind.INT64)),))),))
    made: dict[Need, Callable[[], object]] = {
        Need.LOOK: lambda: warehouse.describe(registry.table.name),
        Need.JOBS: lambda: warehouse.run(Query("SELECT 1 AS one"), dry_run=True),
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
