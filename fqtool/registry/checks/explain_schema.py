"""Turn the errors of jsonschema into Findings with places in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from fqtool.findings.finding import Finding
from fqtool.registry.checks import schema_errors
from fqtool.registry.checks.fast_schema import pattern_of
from fqtool.registry.patches import key_renamed, value_chosen, value_retyped
from fqtool.registry.yaml.document import Document, Step

_TYPES = {
    "object": "a map", "array": "a list", "string": "text", "number": "a number", "integer": "a whole number",
    "boolean": "true or false", "null": "empty",
}  # fmt: skip
_FOUND = {dict: "a map", list: "a list", str: "text", int: "a number", float: "a number", bool: "a truth value"}
_LONGEST = 60


def explain(document: Document, schema: dict[str, Any]) -> Iterator[Finding]:
    """Yield a finding for every place where a document does not fit a schema.

    Args:
        document: The parsed registry.
        schema: A JSON Schema, draft 2020-12.

    Returns:
        Findings in the order in which jsonschema reports the errors.
    """
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(_: object, regex: str, found: object, __: object) -> Iterator[ValidationError]:
        if isinstance(found, str) and not pattern_of(regex).search(found):
            yield ValidationError(regex)

    validator: Any = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]
    seen: set[tuple[tuple[Step, ...], str]] = set()
    for error in validator(schema).iter_errors(document.data):
        path: tuple[Step, ...] = tuple(error.absolute_path)
        key = (path, f"{error.validator}{error.instance if 'propertyNames' in error.schema_path else ''}")
        if key not in seen:  # jsonschema has an error for each missing key; `_missing` reports all of them
            seen.add(key)
            yield from _findings(document, path, error)


def _findings(document: Document, path: tuple[Step, ...], error: Any) -> Iterable[Finding]:
    here, where, found = document.at(path), describe(document, path), error.instance
    if "propertyNames" in error.absolute_schema_path:
        at = document.at_key((*path, found))
        return schema_errors.malformed_value(at, f"the name {quoted(found)} in {where}", "given", needed(error))
    match error.validator:
        case "additionalProperties":
            return _unknown(document, path, error, where)
        case "required":
            return _missing(document, path, error, where)
        case "type":
            kind = "empty" if found is None else _FOUND.get(type(found), "something else")
            return schema_errors.wrong_type(
                here,
                where,
                _TYPES[error.validator_value],
                kind,
                value_retyped(document, path, found, error.validator_value) if _of_texts(error.schema) else (),
            )
        case "enum" | "const":
            one = error.validator_value
            allowed = tuple(str(word) for word in (one if isinstance(one, list) else [one]))
            return schema_errors.value_not_allowed(here, where, quoted(found), allowed, nearest(str(found), allowed),
                value_chosen(document, path, found, allowed))  # fmt: skip
        case _:
            return schema_errors.malformed_value(here, where, quoted(found), needed(error))


def _of_texts(schema: dict[str, Any]) -> bool:
    """Whether the schema, where it is a list's, allows text in the list."""
    return "items" not in schema or schema["items"].get("type") == "string"


def _unknown(document: Document, path: tuple[Step, ...], error: Any, where: str) -> Iterator[Finding]:
    known = tuple(error.schema.get("properties", ()))
    for key in error.instance:
        if key not in known:
            at = document.at_key((*path, key))
            yield from schema_errors.unknown_key(
                at, quoted(key), where, known, nearest(key, known), key_renamed(document, path, key, known)
            )


def _missing(document: Document, path: tuple[Step, ...], error: Any, where: str) -> Iterator[Finding]:
    """Report missing keys. A misspelt key is reported once only, as an unknown key."""
    known = error.schema.get("properties", {})
    misspelt = {nearest(key, tuple(known)) for key in error.instance if key not in known}
    for key in error.validator_value:
        if key not in error.instance and key not in misspelt:
            yield from schema_errors.missing_key(
                document.at(path), key, where, f"{key}: {_example(known.get(key, {}))}"
            )


def _example(schema: dict[str, Any]) -> str:
    import json

    examples = schema.get("examples")
    return json.dumps(examples[0], ensure_ascii=False).replace('"', "") if examples else "..."


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most similar to `word`, or "" if none is similar."""
    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(word.lower()[:_LONGEST], by_lower, n=1)
    return by_lower[found[0]] if found else ""


def quoted(value: object) -> str:
    """Return a value as messages show it: on one line, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def describe(document: Document, path: Iterable[Step]) -> str:
    """Return the name of a place for messages, with names of entries instead of positions where entries have names.

    Example: `("features", 5, "range")` is `"features price_eur range"`.
    """
    words: list[str] = []
    data = document.data
    for step in path:
        data = data[step]
        name = data.get("name", data.get("code")) if isinstance(data, dict) and isinstance(step, int) else None
        words.append(name if isinstance(name, str) and name else f"#{step + 1}" if isinstance(step, int) else step)
    return " ".join(words) or document.noun


def needed(error: Any) -> str:
    """Return what a value must be, to complete "it must be ..."."""
    limit = error.validator_value
    match error.validator:
        case "pattern":
            return _in_words(limit, error.schema)
        case "minimum":
            return f"at least {limit}"
        case "maximum":
            return f"at most {limit}"
        case "exclusiveMinimum":
            return f"more than {limit}"
        case "minLength" | "minProperties":
            return "not empty"
        case "minItems" | "maxItems":
            low, high = error.schema.get("minItems", 0), error.schema.get("maxItems")
            return f"a list of exactly {low} entries" if low == high else f"a list of at least {low}"
        case _:
            return str(error.message)


def _in_words(pattern: str, schema: dict[str, Any]) -> str:
    if pattern.startswith("^[0-9]{4}"):
        return 'a date such as "2026-02-06"'
    examples = schema.get("examples")
    example = f", such as {examples[0]}" if examples else ""
    if pattern.startswith("^[A-Za-z_]["):
        return f"letters, digits and _ only, not beginning with a digit, at most 300{example}"
    if '!"$()*' in pattern:
        return f"letters, digits, spaces and _ & % = + : ' < > # | - only, at most 300{example}"
    return f"of the form {pattern}{example}"
