"""What a change of the features breaks: models read the vector by position, people and queries by name."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.migrations.contract import Breach
from fqtool.registry.edits import Edit
from fqtool.registry.model import Feature
from fqtool.rules.comparison import Broken, Difference
from fqtool.rules.edit_words import shown

_POSITION = "models: they read by position; stored rows: their vectors keep the old order"
_INPUT = ("category", "processor", "upstream_table", "upstream_column", "labels", "expected", "range", "window")


@rule("FQ801")
def feature_gone(one: Difference) -> Iterator[Finding]:
    """A feature left the registry.

    Problem: an index that the old registry gives to a feature is not in the new one.

    Why: models read by position, so what follows is read one place too early. Readers lose the feature's columns, and
    stored rows keep a value that nothing explains.

    Example: the entry of index 12 was deleted.

    Fix: put the entry back with `retired: true`; its place stays taken for ever.
    """
    match one:
        case Broken(how) if how.kind is Breach.GONE:
            cause = "models: they read by position; readers: its columns go; stored rows: they still hold its value"
            yield Finding(how.subject, how.message, cause=cause, remedy=how.remedy, location=one.at)
        case _:
            return


@rule("FQ802")
def feature_moved(one: Difference) -> Iterator[Finding]:
    """A feature stands at another index.

    Problem: a feature kept its name and lost its place.

    Why: models read by position and get another feature's value, without an error. Stored rows keep the old order, so
    the table holds two vectors under one name.

    Example: a feature was put in the middle and the rest renumbered.

    Fix: give each feature its old index again; append the new one.
    """
    match one:
        case Broken(how) if how.kind is Breach.MOVED:
            yield Finding(how.subject, how.message, cause=_POSITION, remedy=how.remedy, location=one.at)
        case _:
            return


@rule("FQ803")
def index_reused(one: Difference) -> Iterator[Finding]:
    """An index holds another feature.

    Problem: the place of a feature was given to a new one.

    Why: models trained on the old feature read the new one, without an error; stored rows hold both under one index.

    Example: index 12 was minutes_change and is rest_days.

    Fix: keep the old one with `retired: true` and append the new one.
    """
    match one:
        case Broken(how, was, now) if how.kind is Breach.REUSED and not _looks_renamed(was, now):
            yield Finding(how.subject, how.message, cause=_POSITION, remedy=how.remedy, location=one.at)
        case _:
            return


@rule("FQ804")
def feature_renamed_silently(one: Difference) -> Iterator[Finding]:
    """A feature has another name, and does not say which one it had.

    Problem: the entry is the same but for its name, without `renamed_from`.

    Why: nobody can tell a new name from a new feature. Readers and models that go by name find nothing, and
    `migrate plan` refuses.

    Example: pace_score is called pace.

    Fix: write `renamed_from` with the old name; if it is another feature, retire the old one and append it.
    """
    match one:
        case Broken(how, was, now) if how.kind is Breach.REUSED and _looks_renamed(was, now):
            yield Finding(
                how.subject,
                f"Index {how.index} was {was.name} and is now {how.subject}, with the same input: it looks renamed.",
                cause="readers and models that go by name: they no longer find it",
                remedy=how.remedy,
                location=one.at,
            )
        case _:
            return


def _looks_renamed(was: Feature, now: Feature | None) -> bool:
    """Whether two features differ in words alone."""
    return now is not None and all(getattr(was, name) == getattr(now, name) for name in _INPUT)


@rule("FQ820", Severity.WARNING)
def feature_renamed(one: Difference) -> Iterator[Finding]:
    """A feature has another name and says which one it had.

    Problem: the place is kept, the name is not.

    Why: models read by position and go on. Readers that look for the name, in labels, lists or views, do not find it.

    Example: pace_score is called pace, with `renamed_from: pace_score`.

    Fix: change readers that go by name, and the writers of labels where they use names.
    """
    match one:
        case Edit("features", name, "name", old):
            yield Finding(
                name,
                f"Feature {one.now.index} was {old} and is now {name}.",
                cause="readers: what looks for the old name finds nothing; models: unharmed, they read by position",
                remedy=f"Look for {old} in queries and in what writes the row.",
                location=one.at,
            )
        case _:
            return


@rule("FQ821", Severity.WARNING)
def feature_retired(one: Difference) -> Iterator[Finding]:
    """A feature is retired.

    Problem: it counts in no score any more, and its columns are NULL from now on.

    Why: models that were trained on it read a value that nobody looks after. Scores of rows from before and after are
    means of other features.

    Example: `retired: true` on index 12.

    Fix: train models without it first; score the stored rows again.
    """
    match one:
        case Edit("features", name, "retired", _, True):
            yield Finding(
                name,
                f"Feature {one.now.index}, {name}, is retired.",
                cause="models: its value is no longer judged; readers: its columns become NULL; scores leave it out",
                remedy="Train models without it first.",
                location=one.at,
            )
        case _:
            return


@rule("FQ822", Severity.WARNING)
def feature_revived(one: Difference) -> Iterator[Finding]:
    """A retired feature is back.

    Problem: it counts again.

    Why: rows stored meanwhile hold NULL in its columns, or values that nobody judged; a model trained on all of them
    learns from both.

    Example: `retired: true` was taken off index 12.

    Fix: score the rows stored meanwhile again, or append it as a new feature.
    """
    match one:
        case Edit("features", name, "retired", True):
            yield Finding(
                name,
                f"Feature {one.now.index}, {name}, was retired and is back.",
                cause="stored rows: those written meanwhile do not judge it; models: trained on both, they learn both",
                remedy="Score those rows again, or append it as a new feature.",
                location=one.at,
            )
        case _:
            return


@rule("FQ823", Severity.WARNING)
def feature_changes_category(one: Difference) -> Iterator[Finding]:
    """A feature belongs to another category.

    Problem: two categories are scored over other features than before.

    Why: readers compare category scores over time. Alerts that count features of a category may never fire again.

    Example: pace_score moved from matchup to team_context, and matchup_default_count = 6 cannot be any more.

    Fix: look for the category's columns in alerts, levels, views and thresholds; score the stored rows again.
    """
    match one:
        case Edit("features", name, "category", old, new):
            yield Finding(
                name,
                f"Feature {one.now.index}, {name}, moved from {old} to {new}.",
                cause="readers: scores and counts of both categories mean something else; alerts that count them too",
                remedy=f"Look for {old} and {new} in alerts, levels, views and thresholds.",
                location=one.at,
            )
        case _:
            return


@rule("FQ824", Severity.WARNING)
def feature_judged_otherwise(one: Difference) -> Iterator[Finding]:
    """A feature is judged by something else.

    Problem: what makes it critical or optional, its processor, stand-in value, range or labels changed.

    Why: gates, alerts, `diagnose` and what is stored of the row go by these. Rows from before were judged otherwise.

    Example: critical: true was taken away; range [0, 100] became [0, 10].

    Fix: see that the writers do what the registry now says; score the stored rows again.
    """
    match one:
        case Edit("features", name, field, old, new) if field in _JUDGED:
            yield Finding(
                name,
                f"{field} of feature {one.now.index}, {name}, was {shown(old)} and is now {shown(new)}.",
                cause=_JUDGED[field],
                location=one.at,
            )
        case _:
            return


_JUDGED = {
    "critical": "readers: gates that ask for the critical features ask for others",
    "optional": "readers and models: gates and readiness count its stand-ins otherwise",
    "processor": "readers: whoever is called when it is missing is another",
    "upstream_table": "readers: stored rows name the table that it was read from before",
    "labels": "writers: only labels that stand here are expected from them",
    "expected": "writers and models: the stand-in value is another, and stored rows hold the old one",
    "range": "stored rows: values that were inside may be outside, and the other way round",
    "sample_size": "readers: the stored sample size is counted otherwise",
    "fallback_reason": "readers: what looks for the old reason in stored rows misses the new one",
}


@rule("FQ840", Severity.NOTE)
def feature_appended(one: Difference) -> Iterator[Finding]:
    """A feature was appended.

    Problem: none; the vector is longer.

    Why: models read the places that they know. Stored rows have no value at the new one until they are written again.

    Example: index 37 after 36.

    Fix: nothing; let the writers fill it.
    """
    match one:
        case Edit("features", name) if one.came:
            yield Finding(
                name,
                f"Feature {one.new.index}, {name}, is new.",
                cause="models: they read the places that they know; stored rows: no value there until written again",
                location=one.at,
            )
        case _:
            return
