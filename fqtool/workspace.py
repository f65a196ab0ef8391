"""The start of commands that read migrations or the target: the folder of migrations, and the state of the target."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from fqtool.errors import FqtoolError, InputError, MigrationError, NoTable, OtherColumns, Refusal, UsageError
from fqtool.findings.listing import listed
from fqtool.findings.remedy import commands
from fqtool.migrations.checksums import CHECKSUMS, Kind, Mismatch, mismatches, proven_contract
from fqtool.migrations.contract import CONTRACT, Position, read_contract
from fqtool.migrations.files import MigrationFile, read_files, recorded_state
from fqtool.migrations.history import History, restoration
from fqtool.migrations.ledger import ROWS, Entry, Revision, entries_of, of_table, revisions
from fqtool.migrations.made import applied_state, gone_from
from fqtool.migrations.reconcile import reconcile
from fqtool.migrations.swap import lonely_copy, stopped_swap
from fqtool.monitoring.newest_date import NewestDate, newest_date_queries
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_state, dropped_columns, renames, unmanaged_columns
from fqtool.schema.row_dates import dates_of, row_dates
from fqtool.table import column as columns
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table, View, other_kind
from fqtool.warehouse.files import read_text, write_text
from fqtool.warehouse.migration_folder import read_migrations
from fqtool.warehouse.protocol import Warehouse, no_table

_MARK = "\ufeff"
_NUMBERS = (columns.Kind.INT64, columns.Kind.FLOAT64, columns.Kind.NUMERIC, columns.Kind.BIGNUMERIC)
_OTHER_FOLDER = "Name the folder with --migrations, or check the files out. For a first migration:"


@dataclass(frozen=True, slots=True)
class RegistryEdit:
    """A registry file with another text. Nothing is written until `write`.

    Attributes:
        path: the file.
        before: its text before.
        after: its text after.
    """

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as a unified diff; "" without a change."""
        from fqtool.registry.patches import text_diff

        return text_diff(self.before, self.after, str(self.path), str(self.path))

    def write(self) -> None:
        """Write the whole file; a symbolic link is followed.

        Raises:
            UsageError: the file was changed in the meantime.
            WorldError: the file cannot be written.
        """
        if read_text(self.path) != self.before:
            raise UsageError(
                f"{self.path} was changed in the meantime; nothing was written.", remedy="Run the command again."
            )
        write_text(self.path, self.after)


def edited_texts(registry: Registry, text: str) -> tuple[Path, str, str]:
    """Return the fields of the edit that gives a registry another text; a byte order mark stays.

    Args:
        registry: a registry that was read from a file.
        text: the new text, made from that of its document.
    """
    path, document = Path(registry.path), registry.document
    assert document is not None  # noqa: S101  it was read from a file
    mark = _MARK if read_text(path).startswith(_MARK) else ""
    return path, mark + document.text, mark + text


@dataclass(frozen=True)
class Workspace:
    """A registry with its migrations: everything that is known without the target.

    `texts` has the files of the folder, name -> text: the migrations, their checksums and the feature contract.
    """

    registry: Registry
    folder: Path
    files: tuple[MigrationFile, ...]
    texts: Mapping[str, str]

    @property
    def checksums(self) -> str | None:
        """The text of the checksum file; None if it does not exist."""
        return self.texts.get(CHECKSUMS)

    @cached_property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """The differences between the folder and its checksums."""
        return mismatches(self.files, self.checksums, self.texts.get(CONTRACT))

    @cached_property
    def contract(self) -> tuple[Position, ...]:
        """The recorded contract; () without one, or if it was edited, which `mismatches` reports."""
        if any(mismatch.kind is Kind.CONTRACT for mismatch in self.mismatches):
            return ()
        return read_contract(self.texts[CONTRACT]) if CONTRACT in self.texts else ()

    @property
    def table(self) -> str:
        """The short name of the table."""
        return self.registry.table.name

    def require_files(self) -> None:
        """Raise MigrationError without migration files: no output would look like success."""
        if not self.files:
            remedy = commands("migrate plan", first=_OTHER_FOLDER)
            raise MigrationError(f"There are no migration files in {self.folder}.", remedy=remedy)

    @cached_property
    def wanted(self) -> State:
        """The state that the registry describes."""
        return desired_state(self.registry)

    @cached_property
    def recorded(self) -> State:
        """The state after all migration files."""
        return recorded_state(self.files)

    @cached_property
    def renames(self) -> dict[str, str]:
        """New column name -> old column name."""
        return renames(self.registry)

    @cached_property
    def base(self) -> frozenset[str]:
        """Lower-case names of the base columns that are not managed too."""
        return unmanaged_columns(self.registry)

    def restricted(self, live: State) -> State:
        """Return a live state with only the columns that the registry or a migration file names."""
        return _restricted(live, self._names)

    def followed(self, live: State) -> State:
        """Return a live state with only the columns that the registry names, or a statement of a migration file."""
        return _restricted(live, self._names | self._names_of_files)

    @cached_property
    def _names(self) -> set[str]:
        tables = (state.table for state in (self.wanted, self.recorded) if state.table)
        names = {column.name for table in tables for column in table.columns}
        return names | {column.name for column in dropped_columns(self.registry)} | set(self.renames.values())

    @cached_property
    def _names_of_files(self) -> set[str]:
        changes = [change for file in self.files for change in file.changes]
        created = (change.table for change in changes if isinstance(change, CreateTable))
        names = {column.name for table in created for column in table.columns}
        return names.union(*(change.touched for change in changes))

    @cached_property
    def proven_contract(self) -> str | None:
        """The text of the recorded contract, if checksums and registry prove it; otherwise None."""
        return proven_contract(self.registry.features, self.checksums)

    def mismatch_error(self, mismatch: Mismatch) -> MigrationError:
        """Return the error for a difference between folder and checksums."""
        proven = self.proven_contract is not None
        return MigrationError(f"{mismatch.message}.", remedy=restoration(mismatch, str(self.folder), proven=proven))

    def history(self, entries: tuple[Entry, ...] | None = None) -> History:
        """Return the input of the rules about files.

        Args:
            entries: The ledger; None if it was not read.
        """
        return History(
            str(self.folder),
            self.files,
            self.mismatches,
            None if entries is None else revisions(entries),
            reconcile(self.recorded, self.wanted, self.registry) if self.recorded.table else None,
            self.contract,
            self.registry.features,
            contract_is_proven=self.proven_contract is not None,
            unrecorded=self._unrecorded_base,
        )

    @property
    def _unrecorded_base(self) -> tuple[str, ...]:
        """The base columns that no migration file creates, so that a new target would not have them."""
        wanted = self.wanted.table
        if wanted is None or self.recorded.table is None:
            return ()
        named = {name.lower() for file in self.files for change in file.changes for name in change.touched}
        return tuple(one.name for one in wanted.columns if one.key in self.base - named)

    def history_of(self, live: State, known: tuple[Revision, ...] | None, url: str) -> History:
        """Return the input of the rules about files, compared with a target.

        Args:
            live: The state of the target, with the tables of its pending rebuilds where the table is absent.
            known: The revisions of its ledger; None if it was not read.
            url: The URL of the target.
        """
        made = State() if known is None else applied_state(self.files, known)
        gone = gone_from(live, made, self.wanted, self.base)
        if swapping := stopped_swap(self.files, live):
            gone = ()
        # Drift names the base columns that the target lacks.
        return replace(
            self.history(),
            revisions=known,
            gone=gone,
            swapping=swapping,
            copied=lonely_copy(self.files, live),
            url=url,
            unrecorded=(),
        )


def _restricted(live: State, names: Iterable[str]) -> State:
    return live if live.table is None else replace(live, table=live.table.restricted_to(names))


def open_workspace(registry: Path, folder: Path, without: Container[str] = ()) -> Workspace:
    """Read registry and migrations.

    Args:
        registry: The registry file.
        folder: The folder of migrations.
        without: Names of migration files to leave out.

    Raises:
        RegistryError: The registry has problems.
        MigrationError: A migration file is not valid, or the files are of another table.
    """
    texts = read_migrations(folder)
    kept = {name: text for name, text in texts.items() if name.endswith(".sql") and name not in without}
    from fqtool.lint.check import open_registry

    workspace = Workspace(open_registry(registry), folder, read_files(kept, str(folder)), texts)
    changes = [change for file in workspace.files for change in file.changes]
    created = [change.table.name for change in changes if isinstance(change, CreateTable)]
    swapped = {change.name for change in changes if isinstance(change, RenameTable)}  # the new table of a rebuild
    other = next((name for name in created if name != workspace.table and name not in swapped), None)
    if other is not None:  # the ledger of the registry's table would have none of these files
        raise MigrationError(
            f"{registry} names the table `{workspace.table}`, and the migrations in {folder} create `{other}`.",
            remedy=f"Write `name: {other}` in the registry, or name the folder of its table with --migrations.",
        )
    return workspace


def require_order(start: date, end: date) -> None:
    """Raise InputError where --end is earlier than --start."""
    if end < start:
        raise InputError(f"--end {end} must not be earlier than --start {start}.", remedy="Swap --start and --end.")


def require_columns(registry: Registry, warehouse: Warehouse, names: Iterable[str], *, written: bool = False) -> None:
    """Check that the table has the columns that a command reads.

    Args:
        registry: The registry with the table.
        warehouse: The target.
        names: The columns.
        written: Whether the command writes rows, which requires an ordinary table.

    Raises:
        NotThere: The table does not exist.
        OtherColumns: A column does not exist, or the column with the date of a row has another type than in the
            registry: BigQuery would reject the filter, and DuckDB would find only the rows of midnight.
        Refusal: `written`, and the table is not an ordinary one.
    """
    table = warehouse.describe(registry.table.name)
    if table is not None and (written or isinstance(table, View)):
        table = _ordinary_table(table, warehouse.url)
    if table is None:
        raise no_table(registry.table.name, warehouse.url)
    missing = [name for name in names if table.find(name) is None]
    if missing:
        noun = "columns" if len(missing) > 1 else "column"
        fix = commands("check-drift" if _is_migrated(warehouse, table.name) else "migrate")
        raise OtherColumns(f"{table.name} in {warehouse.url} lacks the {noun} {listed(missing, 3)}.", remedy=fix)
    _require_base_columns(registry, table, warehouse.url)
    dates = dates_of(registry)
    live = table.find(dates.column) if dates else None
    if dates and live and live.type.kind is not dates.kind:
        raise OtherColumns(
            f"`{live.name}`, the column with the date of a row of {table.name}, is a {live.type.kind} in "
            f"{warehouse.url} but a {dates.kind} in {registry.path}.",
            remedy=f"Change its type in `base_columns` to {live.type.kind}, or convert the column of the table.",
        )


def _is_migrated(warehouse: Warehouse, table: str) -> bool:
    """Whether a migration of the table was recorded: only a comparison then finds why a column is absent."""
    try:
        return bool(read_ledger(warehouse, table))
    except FqtoolError:  # such as Denied: the absent column is the error to report
        return True


def _require_base_columns(registry: Registry, table: Table, url: str) -> None:
    """Raise OtherColumns for a column that scoring reads and that is absent, or is text in place of numbers."""
    from fqtool.scoring.scoring import Scoring

    scoring = Scoring(registry)
    managed = {one.name.lower() for one in scoring.managed}
    for column in scoring.reads:
        live = table.find(column.name)
        if column.key in managed:
            continue
        if live is None:
            message = f"`{column.name}` is in {registry.path} but not in {table.name} in {url}."
            raise OtherColumns(message, remedy=commands("check-drift"))
        if column.type.kind in _NUMBERS and live.type.kind not in _NUMBERS:
            raise OtherColumns(
                f"`{column.name}` is {live.sql_type} in {table.name} in {url}, {column.sql_type} in {registry.path}.",
                remedy=commands("check-drift"),
            )


def newest_date(registry: Registry, warehouse: Warehouse, today: date) -> NewestDate:
    """Return the newest date with rows up to today: one small query where a recent date has rows.

    Args:
        registry: The store.
        warehouse: Where its table is.
        today: The day on which the command runs, in UTC.

    Raises:
        InputError: The rows of the table have no date.
        NotThere: The table is absent.
        Refusal: The column that dates a row has another type than in the registry.
    """
    dates = row_dates(registry)
    require_columns(registry, warehouse, (dates.column,))
    later: date | None = None
    for query in newest_date_queries(registry, today):
        (row,) = warehouse.rows(query)
        latest = dates.day_of(row["latest"])
        later = latest if latest and latest > today else later
        if newest := dates.day_of(row["newest"]):
            return NewestDate(newest, later)
    return NewestDate(None, later)


def _ordinary_table(live: Table | View, url: str) -> Table:
    """Return an ordinary table. Raises Refusal, with a finding, for an external table, a snapshot or a view."""
    from fqtool.migrations.live_tables import another_kind_of_table

    findings = tuple(another_kind_of_table(live, url))
    if findings or isinstance(live, View):
        raise Refusal(f"{live.name} in {url} is {other_kind(live)}; nothing was done.", findings=findings)
    return live


def _require_views(live: Iterable[Table | View | None], url: str) -> None:
    """Raise Refusal for tables with the name of a declared view."""
    from fqtool.migrations.live_tables import another_kind_of_table

    tables = [table for table in live if isinstance(table, Table)]
    findings = tuple(finding for table in tables for finding in another_kind_of_table(table, url, declared="view"))
    if findings:
        names = ", ".join(table.name for table in tables)
        raise Refusal(f"{names} in {url} is not a view; nothing was done.", findings=findings)


def live_state(warehouse: Warehouse, wanted: State, *, views: bool = True) -> State:
    """Return the live table and views of a desired state, with one metadata request each.

    Raises:
        Refusal: one of them is of another kind, such as a table with the name of a view.
    """
    table = warehouse.describe(wanted.table.name if wanted.table else "")
    if table is not None:
        table = _ordinary_table(table, warehouse.url)
    live_views = tuple(warehouse.describe(view.name) for view in wanted.views) if views and table else ()
    _require_views(live_views, warehouse.url)
    beside = (warehouse.describe(one.name) for one in wanted.beside)
    return State(
        table,
        tuple(view for view in live_views if isinstance(view, View)),
        tuple(one for one in beside if isinstance(one, Table)),
    )


def ledger_entries(warehouse: Warehouse, table: str) -> tuple[Entry, ...]:
    """Read the ledger of a table; () if it does not exist yet. Raises NotThere if the dataset does not exist."""
    return read_ledger(warehouse, table) or ()


def read_ledger(warehouse: Warehouse, table: str) -> tuple[Entry, ...] | None:
    """Read the ledger of a table with one request and without a job; None if the dataset has no ledger yet."""
    try:
        return of_table(entries_of(warehouse.rows(ROWS)), table)
    except NoTable:
        return None
