"""Make and apply edits of a registry's text that keep its comments and layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches, unified_diff

from fqtool.findings.finding import Edit, Location
from fqtool.registry.yaml.document import Document, Step

_NUMBER = re.compile(r"0|-?(0(?=\.)|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")
_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_SURE = 0.8  # similarity from which a single similar word counts as the one that was meant
_INDENT = re.compile(r"[ \t]*")


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits to a text.

    Args:
        text: The text that the edits were made for.
        edits: Edits in any order. Of two that overlap, the one that starts first is applied.

    Returns:
        The edited text.
    """
    document = Document("", text)
    spans = sorted({(document.index(one.start), document.index(one.end), one.text) for one in edits})
    parts, at = [], 0
    for start, end, new in spans:
        if start >= at:
            parts += [text[at:start], new]
            at = end
    return "".join((*parts, text[at:]))


def text_diff(before: str, after: str, old_name: str, new_name: str) -> str:
    """Return the change of a text as a unified diff; "" if nothing changed.

    Args:
        before: The text before the change.
        after: The text after it.
        old_name: The file name before, for the head of the diff.
        new_name: The file name after, likewise.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    lines = unified_diff(old, new, old_name, new_name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def sure(word: str, known: Iterable[str]) -> str:
    """Return the only known word that is similar to `word`, or differs in case alone; "" if the choice is not clear."""
    by_lower = {one.lower(): one for one in known}
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    found = get_close_matches(word.lower()[:60], by_lower, n=2, cutoff=_SURE)
    return by_lower[found[0]] if len(found) == 1 else ""


def written(document: Document, index: int, old: str, new: str) -> tuple[Edit, ...]:
    """Replace the plain or quoted scalar `old` at `index` by `new`.

    Args:
        document: The document to edit.
        index: The character where the scalar starts, from 0.
        old: The value of the scalar.
        new: The text to write in place of the scalar and its quotes.

    Returns:
        One edit, or () if the text at `index` is not `old`.
    """
    text = document.text
    quote = text[index : index + 1] if text[index : index + 1] in ("'", '"') else ""
    whole = f"{quote}{old}{quote}"
    if not old or "\n" in old or not text.startswith(whole, index):
        return ()
    return (Edit(document.location(index), document.location(index + len(whole)), new),)


def key_renamed(document: Document, path: Sequence[Step], key: str, known: Iterable[str]) -> tuple[Edit, ...]:
    """Rename a misspelt key of the map at `path`; () if the meant key is not clear or is already present.

    Args:
        document: The file.
        path: The keys and indexes that lead to the map.
        key: The misspelt key.
        known: The keys that the map may have.
    """
    meant = sure(key, known)
    if not meant or meant in document.value(path) or document.is_shared(path):
        return ()
    return written(document, document.indices((*path, key))[0], key, meant)


def value_chosen(document: Document, path: Sequence[Step], value: object, allowed: Iterable[str]) -> tuple[Edit, ...]:
    """Replace a misspelt value by the allowed word that was meant; () if that is not clear.

    Args:
        document: The file.
        path: The keys and indexes that lead to the value.
        value: The misspelt value.
        allowed: The words that are allowed there.
    """
    meant = sure(value, allowed) if isinstance(value, str) else ""
    if not meant or document.is_shared(path):
        return ()
    return written(document, document.indices(path)[1], str(value), meant)


def value_retyped(document: Document, path: Sequence[Step], value: object, expected: object) -> tuple[Edit, ...]:
    """Remove the quotes of a number or truth value, or put brackets around a single word where a list is expected.

    Args:
        document: The file.
        path: The keys and indexes that lead to the value.
        value: The value as it was read.
        expected: The `type` of the JSON Schema: number, integer, boolean or array.
    """
    if not isinstance(value, str) or document.is_shared(path):
        return ()
    index = document.indices(path)[1]
    plain = {"number": _NUMBER.fullmatch(value), "integer": value.isdecimal() and _NUMBER.fullmatch(value)}
    if plain.get(str(expected)) or (expected == "boolean" and value in ("true", "false")):
        return written(document, index, value, value)
    return written(document, index, value, f"[{value}]") if expected == "array" and _WORD.fullmatch(value) else ()


def items_ordered(document: Document, path: Sequence[Step], order: Sequence[int]) -> tuple[Edit, ...]:
    """Reorder the items of a list by moving their lines.

    Args:
        document: The document to edit.
        path: The path of the list.
        order: The present positions of the items, in the new order.

    Returns:
        One edit, or () if comments, blank lines or items on one line make the move unsafe.
    """
    if document.is_shared(path):
        return ()
    places = [document.at((*path, number)) for number in range(len(order))]
    lines, starts = document.lines, [one.line for one in places]
    dashes = [lines[one.line - 1][: one.column - 1] for one in places]
    if len(set(starts)) < len(starts) or any(dash.strip() != "-" for dash in dashes):
        return ()
    indent = len(dashes[0]) - len(dashes[0].lstrip())
    end = starts[-1]
    while end < len(lines) and lines[end].strip() and _indent(lines[end]) > indent:
        end += 1
    blocks = [lines[start - 1 : stop - 1] for start, stop in zip(starts, (*starts[1:], end + 1), strict=True)]
    if any(not line.strip() or line.lstrip().startswith("#") for block in blocks for line in block):
        return ()
    begin = document.index(Location("", starts[0], 1))
    stop = document.index(Location("", end, 1)) + len(lines[end - 1])
    between = "\r\n" if "\r\n" in document.text[begin:stop] else "\n"
    text = between.join(line for number in order for line in blocks[number])
    return (Edit(document.location(begin), document.location(stop), text),)


def _indent(line: str) -> int:
    found = _INDENT.match(line)
    return found.end() if found else 0
