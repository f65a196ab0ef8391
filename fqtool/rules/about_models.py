"""What may be wrong between a model and the store: its inputs in the registry, its own list, the rows of a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fqtool.diagnosis.readiness import ModelDay, ReadyDay
from fqtool.finding import Finding, Location, Severity, rule
from fqtool.quality.feature_list import FeatureList
from fqtool.quality.model_inputs import Comparison, Moved, Place, repeats
from fqtool.registry.explain import nearest
from fqtool.registry.judgement import Model

VECTOR = "the vector"
STDIN = "stdin"
_HALF = 2
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of features beside what is expected of it.

    `reader` says who expects it: a model, or the whole vector. `former` maps names that features had to those that
    they have, `fits` are the models whose inputs are exactly the list.
    """

    given: FeatureList
    reader: str
    expected: tuple[str, ...]
    comparison: Comparison
    former: tuple[tuple[str, str], ...] = ()
    fits: tuple[str, ...] = ()

    @property
    def inputs(self) -> str:
        """What is expected, in words."""
        count = len(self.expected)
        return f"{count} features of the vector" if self.reader == VECTOR else f"{count} inputs of {self.reader}"

    @property
    def at(self) -> Location | None:
        """The file, where there is one to point at."""
        return None if self.given.place == STDIN else Location(self.given.place)


@rule("FQ651")
def model_input_repeated(model: Model) -> Iterator[Finding]:
    """A model has one input twice.

    Problem: a name stands twice in `needs`, in `external`, or in both.

    Why: models read by position. What stands behind the second one is read one place too early or too late.

    Example: needs: [home_away, back_to_back, home_away]

    Fix: write the inputs as the model was trained on them, each once.
    """
    for one in repeats((*model.needs, *model.external)):
        message = f"{model.name} has the input {one.name} twice."
        yield Finding(model.name, message, remedy="Name each input once.", location=model.at)


@rule("FQ652")
def input_missing_from_list(listed: Listed) -> Iterator[Finding]:
    """A model file's list lacks features that the registry expects in it.

    Problem: names of the registry are not in the list.

    Why: the model was trained without them, or on another version of the vector; all that follows is shifted.

    Example: a list of 33 features beside a vector of 37

    Fix: correct the model's `needs`, or train it again; for a model that reads a part of the vector, give `--model`.
    """
    if missing := listed.comparison.missing:
        yield Finding(
            listed.reader,
            f"{listed.given.place} lacks {len(missing)} of the {listed.inputs}: {_places(missing)}.",
            remedy=_other_model(listed) or _complete(listed),
            location=listed.at,
        )


@rule("FQ653")
def unknown_input_in_list(listed: Listed) -> Iterator[Finding]:
    """A model file's list has names that the registry does not give the model.

    Problem: names of the list are not among what is expected.

    Why: where the model is used nothing will stand in their place: the prediction fails, or reads something else.

    Example: points_avg_season is in the model's file and not in its needs

    Fix: take the suggestion, name it under `needs` or `external`, or append a feature of that name.
    """
    extra = listed.comparison.extra
    if not extra:
        return
    former, known = dict(listed.former), [one.name for one in listed.comparison.missing]
    told = [f"{one.name} is {former[one.name]} now." for one in extra if one.name in former]
    meant = ((one.name, nearest(one.name, known)) for one in extra if one.name not in former)
    told += [f"Did you mean {name} for {wrong}?" for wrong, name in meant if name]
    remedy = _other_model(listed) or " ".join(told) or "Name them under needs or external, or train the model again."
    names = f"{len(extra)} name{'s' * (len(extra) != 1)}"
    message = f"{listed.given.place} has {names} not among the {listed.inputs}: {_places(extra)}."
    yield Finding(listed.reader, message, remedy=remedy, location=listed.at)


@rule("FQ654")
def list_in_other_order(listed: Listed) -> Iterator[Finding]:
    """A model file's list has the right names in another order.

    Problem: features stand at other positions than the registry's.

    Why: models read by position, so each of them is read as another feature, and nothing fails.

    Example: a list sorted by name

    Fix: use the model with its inputs in its own order, or train it again with the registry's.
    """
    if moved := listed.comparison.moved:
        gone = listed.comparison.missing or listed.comparison.extra or listed.comparison.repeated
        counted = ", once its other names are put right" if gone else ""
        said = f"{len(moved)} of the {listed.inputs} at other positions{counted}"
        remedy = "Train the model again in the registry's order; features are appended, never moved."
        if listed.reader != VECTOR:
            remedy = "Put needs of the registry into the model's own order, or train the model again in that of needs."
        message = f"{listed.given.place} has {said}: {_moves(moved)}."
        yield Finding(listed.reader, message, remedy=remedy, location=listed.at)


@rule("FQ655")
def repeated_in_list(listed: Listed) -> Iterator[Finding]:
    """A model file's list has a name twice.

    Problem: a feature stands at two positions.

    Why: models read by position; the second is one input more than is expected, and shifts what follows.

    Example: home_away at positions 15 and 40

    Fix: find how the list was written; train the model again with each feature once.
    """
    if repeated := listed.comparison.repeated:
        message = f"{listed.given.place} names a feature again: {_places(repeated)}."
        yield Finding(listed.reader, message, remedy="Name each feature once.", location=listed.at)


@dataclass(frozen=True, slots=True)
class ModelOnDay:
    """One model's rows beside those of its date."""

    day: ReadyDay
    model: ModelDay


@rule("FQ656")
def model_cannot_score(one: ModelOnDay) -> Iterator[Finding]:
    """A model can score no row of a date.

    Problem: in every row a feature that the model needs is a stand-in, its own condition does not hold, or the vector
    has another length or order than the registry's.

    Why: a processor did not run, or the store was built by another version.

    Example: fatigue_score is a stand-in in 201 of 201 rows.

    Fix: mend what `fqtool diagnose` names; score the date if it is not scored.
    """
    if one.day.rows and not one.model.usable and one.model.required != 0:
        yield _about_day(one, "can score none")


@rule("FQ657", Severity.WARNING)
def model_scores_few(one: ModelOnDay) -> Iterator[Finding]:
    """A model can score less than half of a date's rows.

    Problem: in most rows a feature that the model needs is a stand-in, its own condition does not hold, or the vector
    has another length than the registry's.

    Why: an input is incomplete, or some rows were built by another version.

    Example: fatigue_score is a stand-in in 120 of 201 rows.

    Fix: mend what `fqtool diagnose` names.
    """
    if 0 < one.model.usable * _HALF < one.day.rows:
        yield _about_day(one, f"can score only {one.model.usable}")


@rule("FQ658", Severity.NOTE)
def model_not_offered(one: ModelOnDay) -> Iterator[Finding]:
    """What a model requires holds in no row of a date, so the store does not offer it that model's inputs.

    Problem: the model can score none of the rows; nothing is wrong with them.

    Why: its inputs are not in the store yet, or are no longer.

    Example: requires: breakout_v3_features_available, which is FALSE until two more features are appended.

    Fix: nothing, until the model is to be used; then let the condition hold.
    """
    if one.day.rows and one.model.required == 0:
        yield _about_day(one, "can score none")


def _about_day(one: ModelOnDay, can: str) -> Finding:
    day, model = one.day, one.model
    remedy = f"fqtool diagnose --date {day.day}"
    if not day.scored:
        remedy = f"fqtool score --start {day.day}"
    elif model.required == 0:
        remedy = f"If it should be: find out why {model.model.requires} holds in no row."
    message = f"{model.model.name} {can} of {day.rows} rows on {day.day}."
    return Finding(model.model.name, message, "; ".join(_causes(one)), remedy)


def _causes(one: ModelOnDay) -> Iterator[str]:
    day, model = one.day, one.model
    if model.required is not None and model.required < day.rows:
        yield f"{model.model.requires} holds in {model.required} of {day.rows} rows"
    if day.shaped < day.rows:
        yield f"the vector has another length or order in {day.rows - day.shaped} of {day.rows} rows"
    if day.scored < day.rows:
        yield f"{day.rows - day.scored} of {day.rows} rows are not scored"
    if model.blocked:
        named = ", ".join(
            f"{feature.name} in {count} row{'s' * (count != 1)}" for feature, count in model.blocked[:_NAMED]
        )
        others = len(model.blocked) - _NAMED
        yield f"stand-ins: {named}" + (f", and {others} more features" if others > 0 else "")


def _other_model(listed: Listed) -> str:
    if not listed.fits:
        return ""
    return f"It is all that {' or '.join(listed.fits)} reads: --model {listed.fits[0]}"


def _complete(listed: Listed) -> str:
    if listed.reader == VECTOR:
        return "Give --model for one that reads a part of the vector; else build the list again with all features."
    return f"Build the list with them, or correct what {listed.reader} reads in the registry."


def _places(places: Sequence[Place]) -> str:
    return ", ".join(f"{one.name} (position {one.position})" for one in places)


def _moves(moved: Sequence[Moved]) -> str:
    """Tell neighbours that moved together as one: a name put in front moves all that follow."""
    runs: list[list[Moved]] = []
    for one in moved:
        last = runs[-1][-1] if runs else None
        if last and one.position == last.position + 1 and one.expected == last.expected + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return "; ".join(_run(run) for run in runs)


def _run(run: Sequence[Moved]) -> str:
    first, last = run[0], run[-1]
    if len(run) == 1:
        return f"{first.name} stands at {first.position}, expected at {first.expected}"
    joint = "and" if len(run) == 2 else "to"  # noqa: PLR2004  a pair has nothing between its ends
    at = f"stand at {first.position}-{last.position}, expected at {first.expected}-{last.expected}"
    return f"{first.name} {joint} {last.name} {at}"
