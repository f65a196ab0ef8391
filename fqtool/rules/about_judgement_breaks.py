"""What a change of sources, bands, alerts, inputs and thresholds breaks: the words and numbers that rows hold."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.registry.edits import ORDER, Edit
from fqtool.rules.comparison import Difference, Unversioned
from fqtool.rules.edit_words import listed, shown

_SCORED = "stored rows: they keep what the old registry gave until they are scored again; readers: they see both"
PREVIEW = "Count the rows it changes with --rows FILE, or with --start, --end and --target."
"""The remedy where rows were not scored by both registries."""
# The word that rows hold of an entry, and where.
_WORDS = {
    "tiers": "tier",
    "alerts": "alert",
    "alert_levels": "alert level",
    "categories": "category",
}


@rule("FQ809")
def stored_word_gone(one: Difference) -> Iterator[Finding]:
    """A word that rows hold and queries compare with is gone.

    Problem: a tier, alert, alert level, category or canonical source is not given any more.

    Why: readers that compare with it find nothing, and nobody sees an error; stored rows still hold it.

    Example: the tier bronze was removed, and a view asks for quality_tier IN ('gold', 'silver', 'bronze').

    Fix: keep the word; or look for it in views, models and dashboards before it goes.
    """
    match one:
        case Edit(part, name, field="") if one.went and part in _WORDS:
            told = f"The {_WORDS[part]} {name} is gone."
        case Edit("sources", name, "canonical", old, new):
            name, told = old, f"The label {name} is stored as {new}, not as {old} any more."
        case _:
            return
    cause = f"readers: what compares with '{name}' finds nothing; stored rows: they still hold it"
    yield Finding(name, told, cause=cause, remedy=f"Look for '{name}' in views and queries.", location=one.at)


@rule("FQ830", Severity.WARNING)
def source_weighed_otherwise(one: Difference) -> Iterator[Finding]:
    """A source label counts for another quality.

    Problem: a weight, or what counts as a stand-in, changed; or a label is not known any more.

    Why: every score comes from these. Rows from before and after cannot be compared; a label that is not listed counts
    as unknown.

    Example: the weight of phase3 was 87 and is 80.

    Fix: look at the preview; raise the schema version; score the stored rows again.
    """
    match one:
        case Edit("sources", name, "weight" | "is_default" as field, old, new):
            told = f"{field} of the label {name} was {shown(old)} and is now {shown(new)}."
        case Edit("sources", name, field="") if one.went:
            told = f"The label {name} is gone: writers that still write it write an unknown one."
        case Edit("unknown_source", name, field, old, new):
            name, told = "unknown_source", f"{field} of an unknown source was {shown(old)} and is now {shown(new)}."
        case _:
            return
    yield Finding(name, told, cause=_SCORED, remedy=PREVIEW, location=one.at)


@rule("FQ831", Severity.WARNING)
def rows_judged_otherwise(one: Difference) -> Iterator[Finding]:
    """A row gets another tier, alert or level.

    Problem: a bound or a condition changed, a tier or a level is new, or levels stand in another order.

    Why: the same row is judged otherwise; models that require a tier get other rows, alarms fire more or less often.

    Example: gold begins at 97 instead of 95.

    Fix: look at the preview; raise the schema version; score the stored rows again.
    """
    match one:
        case Edit("tiers", name, "min", old, new):
            told = f"The tier {name} began at {shown(old)} and begins now at {shown(new)}."
        case Edit("tiers" | "alert_levels" as part, name, field="") if one.came:
            told = f"The {_WORDS[part]} {name} is new: it takes rows from the others."
        case Edit("alerts" | "alert_levels" as part, name, "when" | "number" | "level" as field, old, new):
            told = f"{field} of the {_WORDS[part]} {name} was {shown(old)} and is now {shown(new)}."
        case Edit("alert_levels", _, field="order", new=new):
            name, told = (
                "alert_levels",
                f"The levels stand in another order, and the first that holds wins: {shown(new)}.",
            )
        case Edit("training_quality", _, _, old, new):
            name, told = "training_quality", f"training_quality was {shown(old)} and is now {shown(new)}."
        case _:
            return
    yield Finding(name, told, cause=_SCORED, remedy=PREVIEW, location=one.at)


@rule("FQ832", Severity.WARNING)
def inputs_read_otherwise(one: Difference) -> Iterator[Finding]:
    """What is read of a row is read otherwise.

    Problem: an expression under `inputs` changed, or how a processor's run is told.

    Why: labels and values come from there; where writers do not write what is now read, every score is wrong.

    Example: inputs.source reads feature_labels instead of feature_sources.

    Fix: see that the writers fill what is read; look at the preview.
    """
    match one:
        case Edit("inputs", _, field, old, new):
            name, told = field, f"inputs.{field} was {shown(old)} and is now {shown(new)}."
        case Edit("processors", name, field, old, new) if field in _RUNS:
            told = f"{field} of {name} was {shown(old)} and is now {shown(new)}."
        case Edit("processors", name, field="") if one.went:
            told = f"The processor {name} is gone: no row tells any more whether it ran."
        case _:
            return
    cause = "writers: they must fill what is now read; stored rows: they may not hold it"
    yield Finding(name, told, cause=cause, remedy=PREVIEW, location=one.at)


_RUNS = ("table", "expected", "last_updated", "rows_found", "minimum_rows")


@rule("FQ835", Severity.WARNING)
def threshold_changed(one: Difference) -> Iterator[Finding]:
    """A daily check asks for more, for less, or for something else.

    Problem: a threshold's figure or bounds changed, or the check is gone.

    Why: a looser bound lets through what was an alarm; a stricter one fails days that passed.

    Example: `good` of red_share was 0.05 and is 0.1.

    Fix: run `fqtool daily` over past dates and compare.
    """
    match one:
        case Edit("thresholds", name, "metric" | "good" | "critical" | "at_most" as field, old, new):
            told = f"{field} of {name} was {shown(old)} and is now {shown(new)}."
        case Edit("thresholds", name, field="") if one.went:
            told = f"The daily check {name} is gone."
        case _:
            return
    yield Finding(name, told, cause="readers: days that passed may fail, or the other way round", location=one.at)


@rule("FQ836", Severity.WARNING)
def target_changed(one: Difference) -> Iterator[Finding]:
    """A target's name means another place, or none.

    Problem: a name under `targets` has another URL, or is gone.

    Why: writers: the same command works on another dataset.

    Example: production points at the dataset of a test.

    Fix: see that it is meant.
    """
    match one:
        case Edit("targets", name, _, old, new) if old is not None:
            told = f"The target {name} was {old} and is now {shown(new)}."
            cause = "writers: the same command works on another dataset, or on none"
            yield Finding(name, told, cause=cause, location=one.at)
        case _:
            return


@rule("FQ837", Severity.WARNING)
def version_not_raised(one: Difference) -> Iterator[Finding]:
    """What is stored comes about otherwise, under the same version.

    Problem: scoring changed and nothing under `schema_versions` did.

    Why: stored rows from before and after cannot be told apart, and what skips rows of the current version skips those
    that need to be scored again.

    Example: a weight changed, and quality_schema_version is still v1.

    Fix: raise the version in `schema_versions` and in its column.
    """
    match one:
        case Unversioned(versions, edits):
            parts = tuple(dict.fromkeys(edit.part for edit in edits))
            yield Finding(
                "schema_versions",
                f"What is stored changes ({listed(parts)}), and {' and '.join(name for name, _ in versions)} "
                f"{'stay' if len(versions) > 1 else 'stays'} the same.",
                cause="stored rows: those from before and after cannot be told apart",
                remedy=f"Raise {versions[-1][0]}, here and in its column.",
                location=one.at,
            )
        case _:
            return


@rule("FQ846", Severity.NOTE)
def version_raised(one: Difference) -> Iterator[Finding]:
    """A version of what is stored was raised.

    Problem: none; it is how rows are told apart.

    Why: readers that ask for the old version miss new rows; stored rows hold the old one until they are scored again.

    Example: quality_schema_version became v2.

    Fix: tell readers that filter by it.
    """
    match one:
        case Edit("schema_versions", name, field, old, new) if field != ORDER:
            cause = "readers: what filters by the old one misses new rows"
            yield Finding(name, f"{name} was {shown(old)} and is now {shown(new)}.", cause=cause, location=one.at)
        case _:
            return
