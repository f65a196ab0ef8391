"""What every command starts from: the registry, the folder of migrations, and the state that stands in the target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fqtool.errors import MigrationError, NotThere, RegistryError
from fqtool.migrations.contract import CONTRACT, Position, read_contract
from fqtool.migrations.files import CHECKSUMS, MigrationFile, read_files, recorded_state
from fqtool.migrations.ledger import LEDGER, ROWS, Entry, entries_of, revisions
from fqtool.migrations.plan import Scope, settle
from fqtool.quality.build import base_columns, desired_state, dropped_columns, expand_columns, renames
from fqtool.registry.model import Registry
from fqtool.rules.about_files import History
from fqtool.table.model import State, Table, View
from fqtool.warehouse.disk import read_folder
from fqtool.warehouse.protocol import Warehouse


def open_registry(path: Path) -> Registry:
    """Read and check a registry. Raises RegistryError with every problem found."""
    from fqtool.registry.load import read_registry

    registry = read_registry(path)
    require_sound(registry)
    return registry


def require_sound(registry: Registry) -> None:
    """Raise RegistryError with every error of a registry that could be read."""
    from fqtool.rules.about_registry import check_registry

    wrong = check_registry(registry, errors_only=True)
    if wrong:
        many = f"{len(wrong)} problem{'s' if len(wrong) > 1 else ''}"
        raise RegistryError(f"{registry.path} has {many}.", findings=wrong)


@dataclass(frozen=True)
class Workspace:
    """A registry with its migrations: everything that is known without asking the target."""

    registry: Registry
    folder: Path
    files: tuple[MigrationFile, ...]
    checksums: str | None
    contract: tuple[Position, ...]

    @property
    def table(self) -> str:
        """The table's short name."""
        return self.registry.table.name

    def require_files(self) -> None:
        """Raise MigrationError where there is nothing to apply, list or verify: silence would look like success."""
        if not self.files:
            raise MigrationError(f"There are no migration files in {self.folder}.", remedy="fqtool migrate plan")

    @cached_property
    def desired(self) -> State:
        """The state that the registry describes."""
        return desired_state(self.registry)

    @cached_property
    def recorded(self) -> State:
        """The state that all migration files make."""
        return recorded_state(self.files)

    @cached_property
    def renames(self) -> dict[str, str]:
        """New column name -> old one."""
        return renames(self.registry)

    @cached_property
    def base(self) -> frozenset[str]:
        """Lower-case names of base columns that fqtool does not manage as well."""
        managed = {one.name.lower() for one in expand_columns(self.registry)}
        return frozenset(column.key for column in base_columns(self.registry) if column.key not in managed)

    def scope(self, *, include_base: bool = False) -> Scope:
        """What a plan may touch."""
        return Scope(
            base=self.base,
            drop=frozenset(one.name.lower() for one in dropped_columns(self.registry)),
            renamed=tuple(self.renames.items()),
            include_base=include_base,
            manages_description=self.registry.table.description is not None,
            manages_labels=self.registry.table.labels is not None,
        )

    def declared(self, state: State) -> State:
        """Restrict a live state to what the registry or a migration file speaks of."""
        if state.table is None:
            return state
        names = {column.name for one in (self.desired, self.recorded) if one.table for column in one.table.columns}
        names |= {one.name for one in dropped_columns(self.registry)} | set(self.renames.values())
        return State(state.table.restricted_to(names), state.views)

    def history(self, entries: tuple[Entry, ...] | None = None) -> History:
        """Everything that the rules about files look at."""
        wanted = settle(self.recorded, self.desired, self.scope()) if self.recorded.table else None
        return History(
            str(self.folder),
            self.files,
            self.checksums,
            None if entries is None else revisions(entries),
            wanted,
            self.contract,
            self.registry.features,
        )


def open_workspace(registry: Path, folder: Path) -> Workspace:
    """Read registry and migrations. Raises RegistryError or MigrationError."""
    texts = read_folder(folder, ".sql", ".txt", ".json")
    contract = texts.get(CONTRACT)
    return Workspace(
        open_registry(registry),
        folder,
        read_files({name: text for name, text in texts.items() if name.endswith(".sql")}),
        texts.get(CHECKSUMS),
        read_contract(contract) if contract is not None else (),
    )


def require_columns(registry: Registry, warehouse: Warehouse, names: Iterable[str]) -> None:
    """Raise NotThere where the table or one of the columns is absent, before the warehouse says it at length."""
    table = warehouse.describe(registry.table.name)
    if not isinstance(table, Table):
        raise NotThere(f"There is no table {registry.table.name} in {warehouse.url}.", remedy="fqtool migrate")
    missing = [name for name in names if table.find(name) is None]
    if missing:
        listed = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")  # noqa: PLR2004
        word = "columns" if len(missing) > 1 else "column"
        raise NotThere(f"{table.name} in {warehouse.url} lacks the {word} {listed}.", remedy="fqtool migrate")


def live_state(warehouse: Warehouse, desired: State, *, views: bool = True) -> State:
    """Describe the table and the views of `desired` as they stand: one metadata call each."""
    name = desired.table.name if desired.table else ""
    table = warehouse.describe(name)
    if isinstance(table, View):
        raise NotThere(f"{name} in {warehouse.url} is a view; the registry describes a table.")
    found = (warehouse.describe(view.name) for view in desired.views) if views and table else ()
    return State(table, tuple(view for view in found if isinstance(view, View)))


def ledger_entries(warehouse: Warehouse) -> tuple[Entry, ...]:
    """Read the ledger; () where there is none yet. Raises NotThere for an absent dataset, which is not an empty one."""
    return () if warehouse.describe(LEDGER) is None else entries_of(warehouse.rows(ROWS))
