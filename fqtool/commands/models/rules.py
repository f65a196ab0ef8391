"""Rules about models: their inputs in the registry, their own lists, and the rows of a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fqtool.commands.models.feature_list import FeatureList
from fqtool.commands.models.readiness import ModelDay, ReadyDay
from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.findings.remedy import Remedy, commands
from fqtool.registry.alerts_and_models import Model
from fqtool.registry.checks.explain_schema import nearest
from fqtool.schema.model_inputs import Comparison, Moved, Place, repeats

VECTOR = "the vector"
STDIN = "stdin"
_HALF = 2
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of features and the list that it is compared with.

    Attributes:
        given: The list.
        reader: The model that reads the expected list, or `the vector`.
        expected: The expected list.
        comparison: The differences.
        former: Pairs of the former and the present name of a feature.
        fits: The models whose inputs are exactly the given list.
    """

    given: FeatureList
    reader: str
    expected: tuple[str, ...]
    comparison: Comparison
    former: tuple[tuple[str, str], ...] = ()
    fits: tuple[str, ...] = ()

    @property
    def inputs(self) -> str:
        """The expected list as text, such as `33 inputs of catboost_v8`."""
        count = len(self.expected)
        return f"{count} features of the vector" if self.reader == VECTOR else f"{count} inputs of {self.reader}"

    @property
    def at(self) -> Location | None:
        """The file, None for stdin."""
        return None if self.given.place == STDIN else Location(self.given.place)


@rule("FQ651", group=Group.MODELS)
def model_input_repeated(model: Model) -> Iterator[Finding]:
    """A model has an input twice.

    Problem: A name occurs twice in `needs`, in `external`, or in both.

    Why: Models read by position, so every input after the repeated name is at the wrong position.

    Example: `needs: [home_away, back_to_back, home_away]`

    Fix: List each input once, in the order in which the model was trained.
    """
    for one in repeats((*model.needs, *model.external)):
        message = f"{model.name} has the input `{one.name}` twice."
        yield Finding(model.name, message, remedy="List each input once.", location=model.at)


@rule("FQ652", group=Group.MODELS)
def input_missing_from_list(listed: Listed) -> Iterator[Finding]:
    """The list in a model file lacks features of the registry.

    Problem: The registry expects names that are not in the list.

    Why: The model was trained without them or on another version of the vector, so later positions are wrong.

    Example: The list has 33 features, the vector has 37.

    Fix: Correct `needs` of the model, or train it again. For a model that reads a part of the vector, add `--model`.
    """
    if missing := listed.comparison.missing:
        yield Finding(
            listed.reader,
            f"{listed.given.place} lacks {len(missing)} of the {listed.inputs}: {_places(missing)}.",
            remedy=_other_model(listed) or _complete(listed),
            location=listed.at,
        )


@rule("FQ653", group=Group.MODELS)
def unknown_input_in_list(listed: Listed) -> Iterator[Finding]:
    """The list in a model file has names that are not inputs of the model in the registry.

    Problem: The list has names that the registry does not expect.

    Why: The store does not supply these inputs, so a prediction fails or reads another value.

    Example: `basket_share` is in the model file, but not in `needs`.

    Fix: Use the suggested name, add the name under `needs` or `external`, or append a feature with that name.
    """
    extra = listed.comparison.extra
    if not extra:
        return
    former, known = dict(listed.former), [one.name for one in listed.comparison.missing]
    hints = [f"{one.name} is now {former[one.name]}." for one in extra if one.name in former]
    meant = ((one.name, nearest(one.name, known)) for one in extra if one.name not in former)
    hints += [f"Write {name} for {wrong}." for wrong, name in meant if name]
    remedy = _other_model(listed) or " ".join(hints) or "Add them under needs or external, or train the model again."
    names = f"{len(extra)} name{'s' * (len(extra) != 1)}"
    message = f"{listed.given.place} has {names} not among the {listed.inputs}: {_places(extra)}."
    yield Finding(listed.reader, message, remedy=remedy, location=listed.at)


@rule("FQ654", group=Group.MODELS)
def list_in_other_order(listed: Listed) -> Iterator[Finding]:
    """The list in a model file has the right names in another order.

    Problem: Features have other positions than in the registry.

    Why: Models read by position, so the model reads the wrong features without an error.

    Example: The list is sorted by name.

    Fix: Pass the inputs to the model in its own order, or train it again in the order of the registry.
    """
    if moved := listed.comparison.moved:
        other = listed.comparison.missing or listed.comparison.extra or listed.comparison.repeated
        counted = " (names reported above are not counted)" if other else ""
        difference = f"{len(moved)} of the {listed.inputs} at other positions{counted}"
        remedy = "Train the model again in the order of the registry. Features are appended, never moved."
        if listed.reader != VECTOR:
            remedy = "Write `needs` in the order of the model, or train the model again in the order of `needs`."
        message = f"{listed.given.place} has {difference}: {_moves(moved)}."
        yield Finding(listed.reader, message, remedy=remedy, location=listed.at)


@rule("FQ655", group=Group.MODELS)
def repeated_in_list(listed: Listed) -> Iterator[Finding]:
    """The list in a model file has a name twice.

    Problem: A feature has two positions.

    Why: Models read by position, so the second one shifts every later input.

    Example: `home_away` at positions 15 and 40

    Fix: Correct the code that writes the list, and train the model again with each feature once.
    """
    if repeated := listed.comparison.repeated:
        message = f"{listed.given.place} names a feature twice: {_places(repeated)}."
        yield Finding(listed.reader, message, remedy="List each feature once.", location=listed.at)


@dataclass(frozen=True, slots=True)
class ModelOnDay:
    """One model on one date, with the rows of the date."""

    day: ReadyDay
    model: ModelDay


@rule("FQ656", group=Group.MODELS)
def model_cannot_score(one: ModelOnDay) -> Iterator[Finding]:
    """A model can score 0 rows of a date.

    Problem: In every row a feature that the model needs is defaulted, its condition `requires` is false, or the vector
    has the wrong length or order.

    Why: A processor did not run, or a writer built the rows from another version of the features.

    Example: `price_eur` is defaulted in 201 of 201 rows.

    Fix: Run `fqtool diagnose` for the date and follow its fixes. Score the date if it is not scored.
    """
    if one.day.rows and not one.model.usable and one.model.required != 0:
        yield _about_day(one, "can score 0")


@rule("FQ657", Severity.WARNING, group=Group.MODELS)
def model_scores_few(one: ModelOnDay) -> Iterator[Finding]:
    """A model can score less than half of the rows of a date.

    Problem: In most rows a feature that the model needs is defaulted, its condition `requires` is false, or the vector
    has the wrong length or order.

    Why: An input is incomplete, or a writer built some rows from another version of the features.

    Example: `price_eur` is defaulted in 120 of 201 rows.

    Fix: Run `fqtool diagnose` for the date and follow its fixes.
    """
    if 0 < one.model.usable * _HALF < one.day.rows:
        yield _about_day(one, f"can score only {one.model.usable}")


@rule("FQ658", Severity.NOTE, group=Group.MODELS)
def model_not_offered(one: ModelOnDay) -> Iterator[Finding]:
    """The condition `requires` of a model is false in every row of a date.

    Problem: The model can score 0 rows, although the rows have no problem.

    Why: The store does not have the inputs of the model yet, or no longer has them.

    Example: `requires: breakout_v3_features_available`, which is FALSE until two more features are appended.

    Fix: No fix is needed until the model is used. Then make the condition true.
    """
    if one.day.rows and one.model.required == 0:
        yield _about_day(one, "can score 0")


def _about_day(one: ModelOnDay, can: str) -> Finding:
    day, model = one.day, one.model
    remedy: Remedy = commands(f"diagnose --date {day.day}", first="To find the cause, run:")
    if not day.scored:
        remedy = commands(f"score --start {day.day}")
    elif model.required == 0:
        remedy = f"No fix is needed until the model is used. Then make {model.model.requires} true."
    message = f"{model.model.name} {can} of {day.rows:,} rows on {day.day}."
    return Finding(model.model.name, message, "; ".join(_causes(one)), remedy)


def _causes(one: ModelOnDay) -> Iterator[str]:
    day, model = one.day, one.model
    if model.required is not None and model.required < day.rows:
        yield f"{model.model.requires} is true in {model.required:,} of {day.rows:,} rows"
    if day.shaped < day.rows:
        yield f"the vector has the wrong length or order in {day.rows - day.shaped:,} of {day.rows:,} rows"
    if day.scored < day.rows:
        yield f"{day.rows - day.scored:,} of {day.rows:,} rows are not scored"
    if model.blocked:
        named = ", ".join(
            f"{feature.name} in {count} row{'s' * (count != 1)}" for feature, count in model.blocked[:_NAMED]
        )
        others = len(model.blocked) - _NAMED
        yield f"defaulted features: {named}" + (f", and {others} more features" if others > 0 else "")


def _other_model(listed: Listed) -> str:
    if not listed.fits:
        return ""
    return f"The list has the inputs of {' and '.join(listed.fits)}. Add --model {listed.fits[0]}."


def _complete(listed: Listed) -> str:
    if listed.reader == VECTOR:
        return "For a model that reads a part of the vector, add --model. Otherwise build the list with all features."
    return f"Build the list with them, or correct `needs` of {listed.reader} in the registry."


def _places(places: Sequence[Place]) -> str:
    return ", ".join(f"{one.name} (position {one.position})" for one in places)


def _moves(moved: Sequence[Moved]) -> str:
    """Return the moves, neighbours that moved together as one, because a new first name moves all others."""
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
        return f"{first.name} is at {first.position}, expected at {first.expected}"
    joint = "and" if len(run) == 2 else "to"  # noqa: PLR2004  a pair has nothing between its ends
    at = f"are at {first.position}-{last.position}, expected at {first.expected}-{last.expected}"
    return f"{first.name} {joint} {last.name} {at}"
