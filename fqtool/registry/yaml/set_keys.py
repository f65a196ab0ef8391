"""Set keys of an entry of a registry without changing any other character."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import yaml

from fqtool.errors import InputError
from fqtool.registry.yaml.document import Document, Step, read_document
from fqtool.registry.yaml.edit import Pairs, extent, inserted, line_end


def with_keys(document: Document, entries: Sequence[tuple[tuple[Step, ...], Pairs]]) -> str:
    """Set keys of some entries, whose values are lists or maps.

    A key that exists gets the new value; another one is written at the end of its entry.

    Args:
        document: A registry without findings.
        entries: The path of each entry, with keys and their values as YAML on one line.

    Returns:
        The new text of the file.

    Raises:
        InputError: The layout of an entry does not allow a safe edit.
    """
    text = document.text
    # From the end of the file, so that the places of what comes before stay.
    for path, pairs in sorted(entries, key=lambda one: document.indices(one[0])[1], reverse=True):
        text = _with_keys(document, text, path, pairs)
    made = read_document(text, document.file)
    if made.findings or made.data != _expected(document, entries):
        raise InputError(
            f"fqtool cannot edit the layout of the entries in {document.file}.",
            remedy="Write each entry in braces, or each of its keys on a line of its own.",
        )
    return text


def _expected(document: Document, entries: Sequence[tuple[tuple[Step, ...], Pairs]]) -> Any:
    data: Any = copy.deepcopy(document.own)
    for path, pairs in entries:
        at = data
        for step in path:
            at = at[step]
        at |= {key: yaml.safe_load(value) for key, value in pairs}
    return data


def _with_keys(document: Document, text: str, path: tuple[Step, ...], pairs: Pairs) -> str:
    start = document.indices(path)[1]
    held = document.value(path)
    end, in_braces = extent(document.text, start)
    new = [(key, value) for key, value in pairs if key not in held]
    if new and in_braces:
        last = len(text[start : end - 1].rstrip()) + start
        comma = "" if text[last - 1] in "{," else ","
        text = text[:last] + f"{comma} " + ", ".join(f"{key}: {value}" for key, value in new) + text[last:]
    elif new:
        first = document.indices((*path, next(iter(held))))[0]
        indent = " " * (document.location(first).column - 1)
        text = inserted(text, line_end(text, end), "".join(f"\n{indent}{key}: {value}" for key, value in new))
    known = [(key, value) for key, value in pairs if key in held]
    for key, value in sorted(known, key=lambda pair: document.indices((*path, pair[0]))[1], reverse=True):
        at = document.indices((*path, key))[1]
        text = text[:at] + value + text[extent(document.text, at)[0] :]
    return text
