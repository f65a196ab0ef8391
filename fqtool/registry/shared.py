"""`extends:` of a registry: a file with the sources, tiers and processors that several registries share.

The sections are read as if the registry had them, and keep their places in the shared file. One level: a shared file
cannot extend another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fqtool.findings.finding import Finding
from fqtool.registry.checks import schema_errors
from fqtool.registry.checks.explain_schema import explain
from fqtool.registry.checks.fast_schema import fits
from fqtool.registry.yaml import yaml_errors
from fqtool.registry.yaml.document import Document, read_document

SECTIONS = ("sources", "tiers", "processors")
Beside = Callable[[str], "tuple[str, str | None, tuple[Finding, ...]]"]
"""Reads a file by its path relative to the registry: its name for messages, its text, and why there is none."""


def beside(path: str, read: Callable[[Path], tuple[str | None, tuple[Finding, ...]]]) -> Beside:
    """Return what reads the files of a registry on disk.

    Args:
        path: The registry file.
        read: Reads the text of a file, or returns the findings with the reason.
    """

    def at(name: str) -> tuple[str, str | None, tuple[Finding, ...]]:
        file = Path(os.path.normpath(Path(path).parent / name))
        return str(file), *read(file)

    return at


def extend(document: Document, schema: dict[str, Any], reading: Beside) -> tuple[Finding, ...]:
    """Add the sections of the file that a registry extends to its data.

    Args:
        document: The registry. Nothing is done where it does not extend a file.
        schema: The JSON Schema of registries, from which that of a shared file follows.
        reading: Reads the shared file.

    Returns:
        Every problem of the shared file, and of sections that both files have.
    """
    name = document.data.get("extends") if isinstance(document.data, dict) else None
    if not isinstance(name, str) or not name:
        return ()
    file, text, unread = reading(name)
    if text is None:
        why = unread[0].message.removeprefix("The registry cannot be read: ").rstrip(".") if unread else "it is absent"
        needed = f"a file that can be read, relative to the registry: {why}"
        return schema_errors.malformed_value(document.at(("extends",)), "extends", f"`{name}`", needed)
    shared = read_document(text.removeprefix("\ufeff"), file, file)
    if shared.findings:
        return tuple(shared.findings)
    of_shared = {
        "type": "object",
        "additionalProperties": False,
        "properties": {section: schema["properties"][section] for section in SECTIONS},
    }
    if not fits(of_shared)(shared.data):
        return tuple(explain(shared, of_shared))
    findings = tuple(_in_both(document, shared))
    if not findings:
        document.extend(shared)
    return findings


def _in_both(document: Document, shared: Document) -> Iterator[Finding]:
    for section in shared.data:
        if section in document.data:
            key = (section,)
            yield from yaml_errors.duplicate_key(document.at_key(key), section, shared.at_key(key))
