"""What a change of the table's layout breaks, and what only looks different: its order, the text of its views."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.registry.edits import Edit
from fqtool.rules.about_changes import refusals
from fqtool.rules.comparison import Altered, Difference
from fqtool.rules.edit_words import shown
from fqtool.table.changes import PutView, Reorder, SetClustering, SetOption, SetPartitioning


@rule("FQ808")
def table_rebuilt(one: Difference) -> Iterator[Finding]:
    """The table is another one.

    Problem: its name, its keys or its partitions changed.

    Why: readers and writers name the table and filter by its partitions; keys say which row is meant. No statement
    changes partitions in place.

    Example: partition_by: game_date became created_at.

    Fix: make a table beside the old one, copy the data, and move the readers.
    """
    match one:
        case Edit("table", _, "name" | "keys" as field, old, new):
            told = f"{field} of the table was {shown(old)} and is now {shown(new)}."
        case Altered() if isinstance(one.change, SetPartitioning) and (stop := refusals(one.before, one.change)):
            told = stop[0].message
        case _:
            return
    cause = "readers and writers: they name the table and filter by its partitions; stored data: it has to be copied"
    yield Finding("table", told, cause=cause, remedy="Make a new table, copy the data, move readers.", location=one.at)


@rule("FQ829", Severity.WARNING)
def layout_changed(one: Difference) -> Iterator[Finding]:
    """The table keeps or finds its rows otherwise.

    Problem: clustering, the partition filter or an expiration changed.

    Why: readers without a partition filter may fail, scans may cost more, and an expiration deletes stored rows.

    Example: partition_expiration_days: 365.

    Fix: see `migrate plan`: it names the hazard, and needs `--allow` for it.
    """
    match one:
        case Altered() if isinstance(one.change, SetClustering):
            told = f"The table is clustered by {', '.join(one.change.columns) or 'nothing'} now."
            cause = "readers: scans may cost more; stored rows: they are sorted anew over time"
        case Altered() if isinstance(one.change, SetOption) and one.change.name not in ("description", "labels"):
            told = f"{one.change.name} is {shown(one.change.value)} now."
            cause = _OPTION_HARMS.get(one.change.name, "readers: queries may fail or cost more")
        case _:
            return
    yield Finding("table", told, cause=cause, remedy="fqtool migrate plan", location=one.at)


_OPTION_HARMS = {
    "require_partition_filter": "readers: queries without a filter on the partition fail where it is true, and scan "
    "the whole table where it is false",
    "partition_expiration_days": "stored rows: those of older partitions are deleted",
}


@rule("FQ843", Severity.NOTE)
def columns_reordered(one: Difference) -> Iterator[Finding]:
    """Columns stand in another order.

    Problem: none; the table keeps its order, and queries name columns.

    Why: only generated schemas show it.

    Example: two entries changed places.

    Fix: nothing; write generated schema files again.
    """
    if isinstance(one, Altered) and isinstance(one.change, Reorder):
        yield Finding("columns", "The columns stand in another order.", cause="readers: unharmed", location=one.at)


@rule("FQ844", Severity.NOTE)
def view_follows(one: Difference) -> Iterator[Finding]:
    """A view's text follows from another change.

    Problem: none; its entry is the same.

    Why: a view that speaks of each feature is written anew when the features change.

    Example: a feature was appended, and the view with a row per feature has one more.

    Fix: nothing; `fqtool migrate plan` writes it.
    """
    if isinstance(one, Altered) and isinstance(one.change, PutView):
        cause = "readers: they see rows or columns of features that came, and miss those of features that went"
        yield Finding(one.entry, f"The view {one.entry} gets another text.", cause=cause, location=one.at)
