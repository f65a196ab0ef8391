"""The exports by name, and the check for a stale file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from fqtool.commands.generate_schema.run import OTHER_FILE, absent_file, stale_schema_file
from fqtool.errors import UsageError
from fqtool.findings.finding import Finding
from fqtool.registry.model import Registry
from fqtool.warehouse.files import read_text


@dataclass(frozen=True, slots=True)
class Export:
    """An export.

    Attributes:
        name: its name, which is also the name of its module and function.
        file: the usual name of the file.
    """

    name: str
    file: str

    def render(self, registry: Registry) -> str:
        """Return the file's text."""
        render: Callable[[Registry], str] = getattr(import_module(f"fqtool.commands.export.{self.name}"), self.name)
        return render(registry)


_FILES = {
    "dbt": "models/feature_store.yml",
    "odcs": "feature_store.odcs.yaml",
    "terraform": "feature_store.tf.json",
    "feast": "feature_repo/feature_store.py",
    "python": "feature_store.py",
    "jsonschema": "record.schema.json",
    "pydantic": "record.py",
    "avro": "record.avsc",
}
_MARK = re.compile("Written by (?P<command>`[^`]+`)")
EXPORTS = {name: Export(name, file) for name, file in _FILES.items()}


def export_named(name: str) -> Export:
    """Return an export by its name.

    Raises:
        UsageError: the name is unknown.
    """
    if name not in EXPORTS:
        raise UsageError(f"Unknown export {name!r}.", remedy=f"Use one of: {', '.join(EXPORTS)}.")
    return EXPORTS[name]


def stale_text(path: Path, generated: str, words: tuple[str, ...]) -> tuple[Finding, ...]:
    """Compare a file with its generated text.

    Args:
        path: the file.
        generated: the text that the command would write.
        words: the command, for the remedy.

    Returns:
        A finding with the first line that differs; () where the texts are equal.

    Raises:
        UsageError: the command did not write the file.
    """
    if absent := absent_file(path, words):
        return absent
    recorded = read_text(path)
    if recorded == generated:
        return ()
    mark = _MARK.search(generated)
    if mark and mark[0] not in recorded:
        raise UsageError(f"{path} is not a file that {mark['command']} wrote.", remedy=OTHER_FILE)
    old, new = recorded.split("\n"), generated.split("\n")
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    now = f"the registry gives {new[first].strip()[:100]!r}" if first < len(new) else "the registry gives no such line"
    return stale_schema_file(str(path), f"Line {first + 1} differs: {now}.", words, first + 1)
