"""Plan: the statements that change a live state into the state that the registry describes.

Pure functions: live state in, Plan out. A plan never relies on IF NOT EXISTS (bigquery.md#if-not-exists).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fqtool.findings.finding import Finding, Severity
from fqtool.migrations.fit import as_added, fits, is_legal, leave_alterations, reshaping
from fqtool.sql import TEXT_LIMIT
from fqtool.table.change import ViewChange
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import SetOption
from fqtool.table.change_views import PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    SetDefault,
    SetDescription,
    fold,
)
from fqtool.table.column import Column
from fqtool.table.ddl import Statement, render
from fqtool.table.diff import diff
from fqtool.table.model import State, Table, fingerprint

Judge = Callable[[State, Change], tuple[Finding, ...]]

_BY_HAND = "the table has this change already, made outside of migrations"
_NOT_RUN = "irreversible, and not needed: the statement is not run and deletes nothing"
_SPARE = 124_000  # characters of a statement that are left for a client's additions


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements of a migration.

    Attributes:
        statements: the statements in order.
        made_for: the fingerprint of the table before them.
        makes: the fingerprint of the table after them.
        refused: changes of the registry that BigQuery cannot make; a plan with refusals is not written.
        table: the table that the statements were made for.
        keys: the columns that identify a row.
        notes: lines for the reader of the file, such as what to do after a rebuild.
    """

    statements: tuple[Statement, ...]
    made_for: str
    makes: str
    refused: tuple[Finding, ...] = ()
    table: Table | None = None
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def operations(self) -> int:
        """Metadata operations on the table: one per statement that runs on it (bigquery.md#metadata)."""
        return sum(map(is_operation, self.statements))

    @property
    def hazards(self) -> tuple[Finding, ...]:
        """The hazards that must be allowed with --allow before the plan runs."""
        run = (statement for statement in self.statements if not statement.adopted)
        return tuple(finding for s in run for finding in s.hazards if finding.severity is Severity.WARNING)


def is_operation(statement: Statement) -> bool:
    """Return whether a statement runs and updates the metadata of the table, not of a view."""
    first = statement.changes[0]
    return not (statement.adopted or first.of_rows or isinstance(first, ViewChange))


def plan(
    recorded: State,
    live: State,
    desired: State,
    *,
    judge: Judge,
    renames: Mapping[str, str] | None = None,
    declared: State | None = None,
    computed: frozenset[str] = frozenset(),
    keys: tuple[str, ...] = (),
    filed: State | None = None,
) -> Plan:
    """Return the plan from `live` to `desired`, both already reconciled.

    Where the columns of `live` differ from the migration files, the difference is adopted first: it is written to the
    file and not run. A legal manual change against the registry is kept and not written to the file. A computed column
    whose type cannot change in place is dropped and added.

    Args:
        recorded: the state that the migration files create.
        live: the state before the plan.
        desired: the state to reach.
        judge: returns the findings about a change.
        renames: new column name -> old name.
        declared: the state that the registry describes, also for columns that the plan does not change. Default:
            `desired`.
        computed: lower-case names of the columns whose values can be computed again.
        keys: the columns that identify a row.
        filed: the state that the files have to record; texts, defaults and options of it that `live` has already are
            repeated. Default: none are repeated.
    """
    desired = leave_alterations(desired, live, recorded)
    replaced = _replaced(recorded, live, desired, computed)
    statements = [*adopted_of(recorded, live, desired, declared or desired, frozenset(replaced), renames or {}, judge)]
    adopted, made = ([c for s in statements if s.adopted is kind for c in s.changes] for kind in (True, False))
    # The fingerprints describe the table that the files create, which may be altered manually on this target.
    chain = fold(recorded, adopted) if recorded.table and live.table else live
    made_for, refused, before = fingerprint(chain.table), list[Finding](), live
    chain = fold(chain, made)
    lost = frozenset(change.name.lower() for change in adopted if isinstance(change, DropColumn))

    def add(groups: Iterable[tuple[Change, ...]], reason: str = "") -> None:
        nonlocal before, chain
        for group in groups:
            findings = tuple(finding for change in group for finding in judge(before, change))
            errors = [finding for finding in findings if finding.severity is Severity.ERROR]
            if errors:
                refused.extend(errors)
                continue
            for part in _within_text_limit(_table_name(before), group):
                statement = make_statement(before, part, findings)
                statements.append(replace(statement, why=reason or statement.why))
                # A pending file may have made a key or dropped a view, which cannot happen twice.
                before, chain = fold(before, part), fold(chain, (one for one in part if not one.holds(chain)))

    add(_groups(replaced.values()), "the type or mode cannot change in place: dropped here, then added")
    # A column that cannot be dropped is refused once, not a second time for its type.
    kept = {key for key in replaced if before.column(key)}
    changes = [change for change in diff(before, desired, renames or {}) if not kept.intersection(_keys(change))]
    add(_groups(_planned(changes), lost))
    # What was set manually and is in the registry too is repeated: it is in no file, and other targets do not have it.
    for group in _groups(change for change in diff(chain, filed or chain) if _is_set(before, change)):
        findings = tuple(finding for change in group for finding in judge(chain, change))
        statements.append(make_statement(chain, group, findings))
        chain = fold(chain, group)
    return Plan(tuple(statements), made_for, fingerprint(chain.table), tuple(refused), live.table, keys)


def _is_set(live: State, change: Change) -> bool:
    """Whether a change sets a text or a value that the table or view has already."""
    return isinstance(change, SetDescription | SetDefault | SetOption | PutView) and satisfied(live, [change])


def _keys(change: Change) -> frozenset[str]:
    return frozenset(map(str.lower, change.touched))


def _replaced(recorded: State, live: State, desired: State, computed: frozenset[str]) -> dict[str, DropColumn]:
    """Return key -> drop of the computed columns whose type or mode cannot change in place.

    A column that is in no file was not created by fqtool, and its values may have another owner.
    """
    names = (column for column in desired.table.columns if column.key in computed) if desired.table else ()
    found = ((live.column(column.name), column) for column in names if recorded.column(column.name))
    return {column.key: DropColumn(there.name) for there, column in found if there and not is_legal(there, column)}


def make_statement(before: State, changes: tuple[Change, ...], hazards: tuple[Finding, ...] = ()) -> Statement:
    """Render one group of changes with its reason and its rollback.

    Args:
        before: The state before the changes.
        changes: The changes, which one statement makes.
        hazards: The findings about them that the file lists.
    """
    return Statement(render(_table_name(before), changes), changes, why(changes), rollback(before, changes), hazards)


def _table_name(state: State) -> str:
    return state.table.name if state.table else ""


def adopted_of(
    recorded: State,
    live: State,
    desired: State,
    declared: State,
    replaced: frozenset[str],
    renames: Mapping[str, str],
    judge: Judge,
) -> Iterator[Statement]:
    """Yield adopted statements of the columns that differ between table and files, beyond their descriptions.

    A column that was renamed by hand as the registry declares is yielded as a statement that other targets run. Of one
    that the registry renames back, the rename is adopted, and other targets skip it.

    Args:
        recorded: the state that the migration files create.
        live: the state of the target.
        desired: the state to reach.
        declared: the state that the registry describes.
        replaced: lower-case names of the columns that the plan drops and adds again.
        renames: new column name -> old name.
        judge: returns the findings about a change.
    """
    if recorded.table is None or live.table is None:
        return
    declared_names, made = {new.lower() for new in renames}, list[Statement]()
    for rename in _renamed_by_hand(recorded, live, renames):
        statement = make_statement(recorded, (rename,), judge(recorded, rename))
        adopted = rename.to.lower() not in declared_names
        made.append(replace(statement, adopted=adopted, why="renamed by hand"))
        recorded = fold(recorded, (rename,))
    yield from (statement for statement in made if statement.adopted)
    if recorded.table is None:
        return
    state, drops, others = recorded, list[Change](), list[Change]()
    for change in diff(recorded, live):
        match change:
            case AddColumn(column):
                others.append(as_added(column))
            case DropColumn(name) if desired.column(name) or not declared.column(name):
                others.append(change)
    renamed = {old.lower() for old in renames.values()}
    for column in recorded.table.columns:
        there, final, said = (state.column(column.name) for state in (live, desired, declared))
        if not there or there.shape == column.shape or column.key in replaced:
            continue
        if not final and column.key not in renamed:
            continue  # it is dropped, whatever its type is
        if final and said and final.shape == there.shape != said.shape:
            continue  # altered manually against the registry
        if is_legal(column, there):
            others += map(_without_settings, reshaping(column, there))
        else:
            drops.append(DropColumn(column.name))
            others.append(as_added(there))
    for group in (*_groups(drops), *_groups(others)):
        statement = make_statement(state, group)
        back = _NOT_RUN if isinstance(group[0], DropColumn) else statement.way_back
        yield replace(statement, adopted=True, why=_BY_HAND, way_back=back)
        state = fold(state, group)
    yield from (statement for statement in made if not statement.adopted)


def _renamed_by_hand(recorded: State, live: State, renames: Mapping[str, str]) -> Iterator[RenameColumn]:
    """Yield the renames that the target has, and that `renames` declares or reverts."""
    for new, old in renames.items():
        for before, after in ((old, new), (new, old)):
            was, there = recorded.column(before), live.column(after)
            moved = live.column(before) is None and recorded.column(after) is None
            if was and there and moved and replace(was, name=there.name).shape == there.shape:
                yield RenameColumn(was.name, there.name)


def _without_settings(change: Change) -> Change:
    """A found field as the registry can declare it, without default and properties."""
    if not isinstance(change, AddField):
        return change
    field = change.column
    return AddField(change.path, replace(field, default=None, properties=()))


def _planned(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes of the plan for each difference; second statements come after all first ones."""
    parts = [change.planned() for change in changes]
    return (*(first for part in parts for first in part[:1]), *(later for part in parts for later in part[1:]))


def _groups(changes: Iterable[Change], lost: frozenset[str] = frozenset()) -> Iterator[tuple[Change, ...]]:
    """Group the changes that one statement can make. Columns that were dropped only on this target come apart."""

    def place(change: Change) -> tuple[int, bool, bool]:
        return change.order, change.by_patch, isinstance(change, AddColumn) and change.column.key in lost

    batch: list[Change] = []
    for change in sorted(changes, key=place):
        if batch and (place(change) != place(batch[0]) or not change.shared):
            yield tuple(batch)
            batch = []
        batch.append(change)
    if batch:
        yield tuple(batch)


def _within_text_limit(table: str, group: tuple[Change, ...]) -> Iterator[tuple[Change, ...]]:
    """Halve a group until its text fits. One ALTER is one metadata operation, so there should be few."""
    if len(group) > 1 and len(render(table, group).encode()) > TEXT_LIMIT - _SPARE:
        middle = len(group) // 2
        yield from _within_text_limit(table, group[:middle])
        yield from _within_text_limit(table, group[middle:])
    else:
        yield group


def why(changes: tuple[Change, ...]) -> str:
    """Return the reason for a group of changes, in a few words."""
    first = changes[0]
    return (first.reason if len(changes) == 1 else first.reasons).format(first, len(changes))


def rollback(before: State, changes: tuple[Change, ...]) -> str:
    """Return the statement that reverts the changes, or a sentence that begins with "irreversible".

    See bigquery.md#dropping.

    Args:
        before: the state before the changes.
        changes: the changes of one statement.
    """
    reverses: list[Change] = []
    for change in changes:
        reverse = change.reverse(before)
        if isinstance(reverse, str):
            return reverse
        reverses.append(reverse)
    return render(_table_name(before), reversed(reverses) if isinstance(changes[0], RenameColumn) else reverses)


def satisfied(state: State, changes: Iterable[Change]) -> bool:
    """Return whether a state already has the changes."""
    return all(_holds(state, change) for change in changes)


def _holds(state: State, change: Change) -> bool:
    answer = change.holds(state)
    if answer is not None:
        return answer
    try:
        return not diff(change.apply(state), state)
    except ValueError:
        return False


def to_make(live: State, statement: Statement, later: Iterable[Statement] = ()) -> tuple[Change, ...]:
    """Return the changes of a statement that have to run on a target.

    An adopted change runs on a target that does not have it. An adopted DROP COLUMN or RENAME COLUMN never runs. A
    column that the target has already is not added, and an absent one is not dropped. Nor is one that the file drops
    to add it with another type, where the target has that type: the file repairs another target.

    Args:
        live: the state of the target.
        statement: the statement of the file.
        later: the statements after it in the file.
    """
    adopted = statement.adopted
    again = {c.column.key: c.column for one in later for c in one.changes if isinstance(c, AddColumn)}

    def suits(column: Column, there: Column | None) -> bool:
        return there is not None and (fits(column, there) if adopted else column.shape == there.shape)

    def is_there(change: Change) -> bool:
        match change:
            case DropColumn(name):
                there, added = live.column(name), again.get(name.lower())
                is_repaired = there is not None and added is not None and there.shape == added.shape
                return adopted or is_repaired or (live.table is not None and there is None)
            case RenameColumn():
                return adopted
            case AddColumn(column):
                return suits(column, live.column(column.name))
            case AddField(path, column):
                return suits(column, live.table.find_field((*path, column.name)) if live.table else None)
            case _:
                return adopted and satisfied(live, [change])

    return tuple(change for change in statement.changes if not is_there(change))


def lasting(changes: Iterable[Change]) -> Iterator[Change]:
    """Yield the changes whose effect no later one reverts; not that a table is created.

    Args:
        changes: the changes of a file, in order.
    """
    reverted, renamed = set[str](), set[tuple[str, str]]()
    for change in reversed([*changes]):
        names = {name.lower() for name in change.touched}
        if isinstance(change, CreateTable) or (names and names <= reverted):
            continue
        if isinstance(change, RenameColumn):
            if (change.name.lower(), change.to.lower()) in renamed:
                continue
            renamed.add((change.to.lower(), change.name.lower()))
        if isinstance(change, AddColumn | DropColumn):
            reverted |= names
        yield change


def compared(changes: Iterable[Change]) -> str:
    """Count what is compared with the table after the changes, e.g. "120 added columns, 1 description"."""
    counts: Counter[str] = Counter()
    for change in changes:
        counts[change.noun] += change.count
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
