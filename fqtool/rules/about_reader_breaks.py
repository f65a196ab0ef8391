"""What a change breaks for those who read: models and views; and what breaks nobody."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.quality.model_inputs import compared
from fqtool.registry.edits import Edit
from fqtool.rules.comparison import Altered, Difference
from fqtool.rules.edit_words import listed, shown
from fqtool.table.changes import SetDescription, SetOption

_WORDS = ("description", "section", "unit", "phase", "schedule")


@rule("FQ810")
def model_reads_otherwise(one: Difference) -> Iterator[Finding]:
    """A model's inputs changed under the same name.

    Problem: `needs` or `external` has other names, or the same in another order.

    Why: models read by position. The one that runs was trained on the old list; served by the new one it predicts from
    wrong numbers, without an error.

    Example: home_away was put in the middle of `needs`.

    Fix: give the retrained model a name of its own, and keep the old entry while it runs.
    """
    match one:
        case Edit("models", name, "needs" | "external" as field, old, new):
            told = compared(old, new)
            parts = {
                "lost": [each.name for each in told.missing],
                "new": [each.name for each in told.extra],
                "twice": [each.name for each in told.repeated],
                "moved": [each.name for each in told.moved],
            }
            words = [f"{word} {listed(tuple(names))}" for word, names in parts.items() if names]
            yield Finding(
                name,
                f"{field} of {name} changed: {'; '.join(words)}.",
                cause="models: the one that runs was trained on the old inputs, and reads by position",
                remedy="Give the new model a name of its own, and keep the old entry while it runs.",
                location=one.at,
            )
        case _:
            return


@rule("FQ833", Severity.WARNING)
def model_asks_otherwise(one: Difference) -> Iterator[Finding]:
    """A model is offered for other rows, or not at all.

    Problem: its family or `requires` changed, or the entry is gone.

    Why: rows say which models can read them; readers that pick a model by that pick another.

    Example: `requires` was taken off a model, and every row is offered to it.

    Fix: run `fqtool models --date` with the old and the new registry.
    """
    match one:
        case Edit("models", name, "family" | "requires" as field, old, new):
            told = f"{field} of {name} was {shown(old)} and is now {shown(new)}."
        case Edit("models", name, field="") if one.went:
            told = f"The model {name} is gone: nothing tells any more whether it can read the store."
        case _:
            return
    yield Finding(name, told, cause="models: they are offered other rows, or none", location=one.at)


@rule("FQ811")
def view_narrowed(one: Difference) -> Iterator[Finding]:
    """A view, or a column of it, is gone.

    Problem: something that a view showed is not there any more, or it has a row for something else.

    Why: readers' queries that name it fail; with other rows they count wrong.

    Example: is_quality_ready was removed from v_feature_quality_derived.

    Fix: keep it until its readers have gone; a new meaning gets a new name.
    """
    match one:
        case Edit("views", name, field="") if one.went:
            told = f"The view {name} is gone."
        case Edit("views.columns", name, field="") if one.went:
            told = f"The column {name} is gone."
        case Edit("views", name, "include", old, new) if lost := tuple(each for each in old if each not in new):
            told = f"The view {name} does not show {listed(lost)} any more."
        case Edit("views" | "views.columns", name, "rows_per" | "for_each" as field, old, new):
            told = f"{field} of {name} was {shown(old)} and is now {shown(new)}."
        case _:
            return
    yield Finding(name, told, cause="readers: queries that name it fail", location=one.at)


@rule("FQ834", Severity.WARNING)
def view_reads_otherwise(one: Difference) -> Iterator[Finding]:
    """A view shows other values or rows under the same names.

    Problem: an expression or the filter of a view changed.

    Why: readers see the new values at once, for past rows too, and no version tells.

    Example: is_quality_ready asks for a score of 75 instead of 70.

    Fix: look at the preview; tell the readers.
    """
    match one:
        case Edit("views.columns", name, "expr", old, new) | Edit("views", name, "where", old, new):
            yield Finding(
                name,
                f"{name} was {shown(old)} and is now {shown(new)}.",
                cause="readers: they see other values or rows at once, for past dates too",
                location=one.at,
            )
        case _:
            return


@rule("FQ842", Severity.NOTE)
def words_changed(one: Difference) -> Iterator[Finding]:
    """Something is described otherwise.

    Problem: none; words for people changed.

    Why: nothing is computed from them.

    Example: another description of a column.

    Fix: nothing; `fqtool migrate plan` writes descriptions of columns into the table.
    """
    match one:
        case Edit(part, name, field) if field in _WORDS:
            name = name or part
            told = f"{field} of {name} changed."
        case Altered(entry) if isinstance(one.change, SetDescription):
            names = tuple(".".join(each.path) for each in one.changes if isinstance(each, SetDescription))
            name, told = entry, f"{listed(names)} {'are' if len(names) > 1 else 'is'} described otherwise."
        case Altered() if isinstance(one.change, SetOption) and one.change.name in ("description", "labels"):
            name, told = "table", f"The table's {one.change.name} changed."
        case _:
            return
    yield Finding(name, told, cause="readers: unharmed", location=one.at)


@rule("FQ845", Severity.NOTE)
def part_added(one: Difference) -> Iterator[Finding]:
    """Something was added that takes nothing from others.

    Problem: none; a label, category, processor, alert, model, view, view's column, threshold or target is new.

    Why: what was there before stays as it was.

    Example: a model was added.

    Fix: nothing.
    """
    match one:
        case Edit(part, name, field="") if one.came and part in _ADDED:
            told = f"{name} is new under {part}."
        case Edit("views", name, "include", old, new) if set(old) < set(new):
            added = tuple(each for each in new if each not in old)
            told = f"The view {name} shows {listed(added)} too."
        case _:
            return
    yield Finding(name, told, cause="readers: unharmed", location=one.at)


_ADDED = (
    "sources", "categories", "processors", "alerts", "models", "views", "views.columns", "thresholds", "targets",
)  # fmt: skip


@rule("FQ847", Severity.NOTE)
def end_announced(one: Difference) -> Iterator[Finding]:
    """A column's end was announced, moved or called off.

    Problem: none today.

    Why: readers have until then to go elsewhere.

    Example: deprecated: {since: ..., remove_after: ...} on a column.

    Fix: tell its readers.
    """
    match one:
        case Edit("columns", name, "deprecated", old, new):
            told = f"The end of {name} was {shown(old)} and is now {shown(new)}."
            yield Finding(name, told, cause="readers: they have until then to go elsewhere", location=one.at)
        case _:
            return
