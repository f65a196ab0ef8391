"""Plan: what has to be done to a state so that it is what the registry says, statement by statement.

Pure: live state in, Plan out. It is made from what stands in the table, never from IF NOT EXISTS (BIGQUERY 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from fqtool.finding import Finding, Severity
from fqtool.migrations.way_back import way_back
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetPartitioning,
    SetPolicyTags,
    SetType,
    apply,
    fold,
)
from fqtool.table.ddl import render
from fqtool.table.diff import diff
from fqtool.table.model import State, Table, fingerprint
from fqtool.table.statement import Statement

Judge = Callable[[State, Change], tuple[Finding, ...]]

# BigQuery allows 1,024k characters of SQL text (BIGQUERY 43); the rest is left for what a client adds.
TEXT_LIMIT = 900_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Statements in order, the fingerprint of the table they were made for, and of what they make of it.

    `refused` holds what the registry wants and BigQuery cannot do: a plan with refusals is not written.
    """

    statements: tuple[Statement, ...]
    made_for: str
    makes: str
    refused: tuple[Finding, ...] = ()

    @property
    def operations(self) -> int:
        """Metadata operations on the table: one per statement that runs on it (BIGQUERY 31, 38)."""
        return sum(map(is_operation, self.statements))

    @property
    def hazards(self) -> tuple[Finding, ...]:
        """What must be allowed by name before the plan runs."""
        return tuple(
            found
            for statement in self.statements
            if not statement.adopted
            for found in statement.hazards
            if found.severity is Severity.WARNING
        )


def is_operation(statement: Statement) -> bool:
    """Tell whether a statement updates the table's metadata: it runs, and on the table, not on a view."""
    return not statement.adopted and not isinstance(statement.changes[0], PutView | DropView)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan may touch.

    `base` columns are left as they are unless `include_base`; columns in neither `base` nor the wanted table
    belong to others and stay, except those named in `drop` and the old names in `renamed` (new name to old one).
    """

    base: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    renamed: tuple[tuple[str, str], ...] = ()
    include_base: bool = False
    manages_description: bool = True
    manages_labels: bool = True


def settle(live: State, wanted: State, scope: Scope) -> State:
    """Return `wanted` as far as `scope` lets it be reached from `live`: what is not ours is taken as it stands."""
    if live.table is None or wanted.table is None:
        return wanted
    had, table = live.table.by_key, wanted.table
    columns = [
        had[column.key] if column.key in had and column.key in scope.base and not scope.include_base else column
        for column in table.columns
        if column.key in had or column.key not in scope.base or scope.include_base
    ]
    moved = {old.lower() for new, old in scope.renamed if new.lower() not in had}
    keep = [column for key, column in had.items() if not table.find(key) and key not in scope.drop | moved]
    options = replace(
        table.options,
        description=table.options.description if scope.manages_description else live.table.options.description,
        labels=table.options.labels if scope.manages_labels else live.table.options.labels,
        friendly_name=live.table.options.friendly_name,
    )
    settled = replace(table, columns=(*columns, *keep), options=options)
    return State(_in_order_of(live.table, settled), wanted.views)


def _in_order_of(live: Table, wanted: Table) -> Table:
    """Order does not matter to BigQuery (BIGQUERY 7): what stands keeps its place, what is new comes last."""
    place = {key: number for number, key in enumerate(live.by_key)}
    return wanted.with_columns(sorted(wanted.columns, key=lambda column: place.get(column.key, len(place))))


def plan(
    recorded: State, live: State, wanted: State, *, judge: Judge, renames: Mapping[str, str] | None = None
) -> Plan:
    """Return the plan from `live` to `wanted`, both already settled to what may be touched.

    Where the columns of `live` are not those the migration files record, the difference is adopted first: written
    down, not run. `judge` gives the findings on a change.
    """
    before, statements, refused = live, [*_adopted(recorded, live)], list[Finding]()
    lost = frozenset(c.name.lower() for one in statements for c in one.changes if isinstance(c, DropColumn))
    for group in _groups(_split_defaults(diff(live, wanted, renames or {})), lost):
        findings = tuple(found for change in group for found in judge(before, change))
        stop = tuple(found for found in findings if found.severity is Severity.ERROR)
        if stop:
            refused.extend(stop)
            continue
        for part in _within_text_limit(_table_name(before, wanted), group):
            statements.append(make_statement(before, part, findings))
            before = fold(before, part)
    return Plan(tuple(statements), fingerprint(live.table), fingerprint(before.table), tuple(refused))


def make_statement(before: State, changes: tuple[Change, ...], hazards: tuple[Finding, ...] = ()) -> Statement:
    """Render one group of changes with its reason and its way back."""
    name = _table_name(before, State())
    if isinstance(changes[0], CreateTable):
        name = changes[0].table.name
    return Statement(render(name, changes), changes, why(changes), way_back(before, changes), hazards)


def _table_name(*states: State) -> str:
    return next((state.table.name for state in states if state.table), "")


def _adopted(recorded: State, live: State) -> Iterator[Statement]:
    """Columns that stand otherwise than the files say. What changes nothing but words needs no record."""
    if recorded.table is None or live.table is None:
        return
    state = recorded
    structural = (AddColumn, DropColumn, SetType)
    for group in _groups(change for change in diff(recorded, live) if isinstance(change, structural)):
        made = make_statement(state, group)
        yield replace(made, adopted=True, why="found in the table; no earlier file says it")
        state = fold(state, group)


def _split_defaults(changes: Iterable[Change]) -> Iterator[Change]:
    """ADD COLUMN takes no DEFAULT on a table that exists: it needs a second statement (BIGQUERY 5)."""
    later: list[Change] = []
    for change in changes:
        if isinstance(change, AddColumn) and change.column.default is not None:
            later.append(SetDefault(change.column.name, change.column.default))
            yield AddColumn(replace(change.column, default=None))
        elif not isinstance(change, Reorder):
            yield change
    yield from later


def rank(change: Change) -> tuple[int, int]:
    """Return (order, group): rename, add, widen, relax, default, describe, options, drop, views.

    Changes of one group share a statement; group 0 stands alone. BigQuery documents several actions in one ALTER
    for ADD, DROP and RENAME, and one each for ALTER COLUMN (BIGQUERY 18, 27, 29).
    """
    match change:
        case CreateTable():
            return 0, 0
        case RenameColumn():
            return 1, 1
        case AddColumn():
            return 2, 2
        case SetType():
            return 3, 0
        case SetMode():
            return 4, 0
        case SetDefault():
            return 5, 0
        case SetDescription():
            return 6, 0
        case SetOption():
            return 7, 7
        case SetPartitioning() | SetClustering() | SetPolicyTags() | Reorder():
            return 8, 0
        case DropColumn():
            return 9, 9
        case PutView() | DropView():
            return 10, 0
        case _:
            assert_never(change)


def _groups(changes: Iterable[Change], lost: frozenset[str] = frozenset()) -> Iterator[tuple[Change, ...]]:
    """Group what one statement can make. Columns that were lost here and may stand elsewhere are added apart."""

    def place(change: Change) -> tuple[tuple[int, int], bool]:
        return rank(change), isinstance(change, AddColumn) and change.column.key in lost

    batch: list[Change] = []
    for change in sorted(changes, key=place):
        if batch and (place(change) != place(batch[0]) or rank(change)[1] == 0):
            yield tuple(batch)
            batch = []
        batch.append(change)
    if batch:
        yield tuple(batch)


def _within_text_limit(table: str, group: tuple[Change, ...]) -> Iterator[tuple[Change, ...]]:
    """Halve a group until its text fits; one ALTER is one metadata operation, so as few as can be."""
    if len(group) > 1 and len(render(table, group).encode()) > TEXT_LIMIT:
        middle = len(group) // 2
        yield from _within_text_limit(table, group[:middle])
        yield from _within_text_limit(table, group[middle:])
    else:
        yield group


def why(changes: tuple[Change, ...]) -> str:
    """Say in a few words what a group of changes is for."""
    match changes:
        case (CreateTable(table),):
            return f"create {table.name} with {len(table.columns)} columns"
        case (AddColumn(column),):
            return f"the registry has {column.name}, the table has not"
        case (AddColumn(), *_):
            return f"the registry has {len(changes)} columns that the table has not"
        case (DropColumn(), *_):
            return "the registry says dropped"
        case (RenameColumn(), *_):
            return "the registry says renamed_from"
        case (SetType(name, new),):
            return f"{name} is to be {new}"
        case (SetMode(name, _),):
            return f"{name} need not be REQUIRED"
        case (SetDefault(name, _),):
            return f"{name} has another default in the registry"
        case (SetDescription(path, _),):
            return f"{'.'.join(path)} has another description in the registry"
        case (SetOption(), *_):
            return "table options differ from the registry"
        case (PutView(view),):
            return f"the view {view.name} is new or has another text in the registry"
        case _:
            return "the table differs from the registry"


def satisfied(state: State, changes: Iterable[Change]) -> bool:
    """Tell whether a state already is what the changes would make of it."""
    return all(_holds(state, change) for change in changes)


def _holds(state: State, change: Change) -> bool:
    match change:
        case CreateTable(table):
            return state.table is not None and all(
                (had := state.table.find(c.name)) is not None and had.shape == c.shape for c in table.columns
            )
        case AddColumn(column):
            had = state.table.find(column.name) if state.table else None
            return had is not None and (had.shape, had.description) == (column.shape, column.description)
        case DropColumn(name):
            return state.table is not None and state.table.find(name) is None
        case RenameColumn(name, to):
            return state.table is not None and state.table.find(name) is None and state.table.find(to) is not None
        case DropView(name):
            return all(view.key != name for view in state.views)
        case _:
            try:
                return not diff(apply(state, change), state)
            except ValueError:
                return False
