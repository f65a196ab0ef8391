"""Rules for YAML that does not fit the registry's schema."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.findings.finding import Edit, Finding, Group, Location, rule


@rule("FQ013", group=Group.LOAD)
def unknown_key(
    at: Location, key: str, where: str, known: tuple[str, ...], nearest: str, patch: tuple[Edit, ...] = ()
) -> Iterator[Finding]:
    """A key is unknown.

    Problem: fqtool does not know the key at this place. It is misspelt or at the wrong level.

    Why: A key that is ignored without a message is a setting that has no effect.

    Example: {index: 5, name: price_eur, categry: demand}

    Fix: Use the suggested key, or one of the listed keys.
    """
    listed = ", ".join(sorted(known)[:30])
    remedy = f"Write {nearest}." if nearest else f"Known keys: {listed}."
    yield Finding(where, f"Unknown key {key} in {where}.", remedy=remedy, location=at, patch=patch)


@rule("FQ014", group=Group.LOAD)
def missing_key(at: Location, key: str, where: str, example: str) -> Iterator[Finding]:
    """A required key is missing.

    Problem: The entry has no value for a required key.

    Why: fqtool does not guess names, types or positions.

    Example: features: [{index: 5, category: demand}]

    Fix: Add the key; the example in the message shows its form.
    """
    yield Finding(where, f"{where} has no {key}.", remedy=f"Add it, e.g. {example}", location=at)


@rule("FQ015", group=Group.LOAD)
def wrong_type(at: Location, where: str, expected: str, found: str, patch: tuple[Edit, ...] = ()) -> Iterator[Finding]:
    """A value has the wrong type.

    Problem: The value is text where the key expects a number, a single value where it expects a list, or the like.

    Why: A guess of what was meant would hide a mistake.

    Example: keys: shop_id

    Fix: Write a value of the expected type: `keys: [shop_id]`.
    """
    message = f"{where} must be {expected}, but is {found}."
    yield Finding(where, message, remedy=_form(expected, found, fixable=bool(patch)), location=at, patch=patch)


def _form(expected: str, found: str, *, fixable: bool) -> str:
    """What to write. The only text with an automatic fix is a number in quotes."""
    if expected == "text":
        return "Quote it if text is meant." if found != "empty" else "Write a text, or remove the key."
    if expected == "a list":
        return (
            "Write a dash before each entry, or write [...]."
            if found in ("empty", "a map")
            else "Write the entries in brackets, with commas between them: [...]."
        )
    if expected == "a map":
        return "Write keys and values: {key: value}, or one line for each key."
    if found == "empty":
        return f"Write {expected}, or remove the key."
    return "Remove the quotes." if fixable else f"Write {expected}."


@rule("FQ016", group=Group.LOAD)
def value_not_allowed(
    at: Location, where: str, found: str, allowed: tuple[str, ...], nearest: str, patch: tuple[Edit, ...] = ()
) -> Iterator[Finding]:
    """A value is not one of the allowed words.

    Problem: The key accepts one of a few words, and the value is a different word.

    Why: A misspelt word would otherwise mean the default.

    Example: owner: upstraem

    Fix: Use the suggested word, or one of the allowed words.
    """
    yield Finding(
        where,
        f"{where} is {found}; it must be {' or '.join(allowed)}.",
        remedy=f"Write {nearest}." if nearest else f"Write {' or '.join(allowed)}.",
        location=at,
        patch=patch,
    )


@rule("FQ017", group=Group.LOAD)
def malformed_value(at: Location, where: str, found: str, needed: str) -> Iterator[Finding]:
    """A value has the right type but the wrong form.

    Problem: A name has characters that a column name cannot have, a number is outside its limits, a list has too few
    entries, or a date does not exist.

    Why: The warehouse would reject it much later, in the middle of a migration.

    Example: {name: "price eur", type: FLOAT64}

    Fix: Write it in the form that the message states.
    """
    yield Finding(where, f"{where} is {found}; it must be {needed}.", location=at)
