"""What may be wrong with a registry that is YAML and does not fit the schema: one rule each, used by explain."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Edit, Finding, Location, rule


@rule("FQ013")
def unknown_key(
    at: Location, key: str, where: str, known: tuple[str, ...], nearest: str, patch: tuple[Edit, ...] = ()
) -> Iterator[Finding]:
    """A key that means nothing here.

    Problem: fqtool does not know the key at this place; it is misspelt or stands one level off.

    Why: A key that is silently ignored is a setting that silently does not hold.

    Example: {index: 5, name: fatigue_score, categry: matchup}

    Fix: Take the suggestion, or one of the keys listed.
    """
    listed = ", ".join(sorted(known)[:30])
    remedy = f"Did you mean {nearest}?" if nearest else f"Known here: {listed}."
    yield Finding(where, f"{key} is no key of {where}.", remedy=remedy, location=at, patch=patch)


@rule("FQ014")
def missing_key(at: Location, key: str, where: str, example: str) -> Iterator[Finding]:
    """A key that must be there is absent.

    Problem: The entry lacks a key without which it means nothing.

    Why: fqtool does not guess names, types or positions.

    Example: features: [{index: 5, category: matchup}]

    Fix: Add the key; the example in the message shows its form.
    """
    yield Finding(where, f"{where} has no {key}.", remedy=f"Add it, e.g. {example}", location=at)


@rule("FQ015")
def wrong_type(at: Location, where: str, expected: str, found: str, patch: tuple[Edit, ...] = ()) -> Iterator[Finding]:
    """A value is of another kind than the key takes.

    Problem: Text stands where a number is expected, a single value where a list is expected, or the like.

    Why: Guessing what was meant would hide a mistake.

    Example: keys: player_lookup

    Fix: Write what is expected: `keys: [player_lookup]`.
    """
    message = f"{where} must be {expected}, and is {found}."
    yield Finding(where, message, remedy=_form(expected, found, mended=bool(patch)), location=at, patch=patch)


def _form(expected: str, found: str, *, mended: bool) -> str:
    """What to write; a text that can be mended is a number in quotes."""
    if expected == "text":
        return "Quote it if text is meant." if found != "nothing" else "Write a text, or remove the key."
    if expected == "a list":
        return (
            "Write a dash before each entry, or [...]."
            if found in ("nothing", "a map")
            else "Put it in brackets: [...]."
        )
    if expected == "a map":
        return "Write keys and values: {key: value}, or a line for each."
    if found == "nothing":
        return f"Write {expected}, or remove the key."
    return "Remove the quotes." if mended else f"Write {expected}."


@rule("FQ016")
def value_not_allowed(
    at: Location, where: str, found: str, allowed: tuple[str, ...], nearest: str, patch: tuple[Edit, ...] = ()
) -> Iterator[Finding]:
    """A value outside the closed list of its key.

    Problem: The key takes one of a few words, and this is none of them.

    Why: A misspelt word would otherwise mean the default.

    Example: owner: upstraem

    Fix: Take the suggestion, or one of the words listed.
    """
    yield Finding(
        where,
        f"{where} is {found}; it must be {' or '.join(allowed)}.",
        remedy=f"Did you mean {nearest}?" if nearest else f"Write {' or '.join(allowed)}.",
        location=at,
        patch=patch,
    )


@rule("FQ017")
def malformed_value(at: Location, where: str, found: str, needed: str) -> Iterator[Finding]:
    """A value of the right kind and the wrong form.

    Problem: A name holds characters that a column cannot have, a number lies outside its limits, a list has
    too few entries, or a date is none.

    Why: The warehouse would refuse it much later, in the middle of a migration.

    Example: {name: "fatigue score", type: FLOAT64}

    Fix: Write it in the form that the message states.
    """
    yield Finding(where, f"{where} is {found}; it must be {needed}.", location=at)
