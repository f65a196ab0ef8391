"""fqtool export and fqtool docs: files made from the registry, and whether those on disk are still what it makes."""

from __future__ import annotations

from pathlib import Path

from fqtool.errors import InputError
from fqtool.finding import Finding
from fqtool.rules.about_generated import stale_schema_file
from fqtool.warehouse.disk import read_text


def stale_text(path: Path, wanted: str, remedy: str) -> tuple[Finding, ...]:
    """Return a finding that names the first line that differs; () when the file is what would be written."""
    try:
        there = read_text(path)
    except InputError as error:
        return stale_schema_file(str(path), error.message, remedy)
    if there == wanted:
        return ()
    old, new = there.split("\n"), wanted.split("\n")
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    now = f"it would be {new[first].strip()[:100]!r}" if first < len(new) else "it would not be there"
    return stale_schema_file(str(path), f"Line {first + 1} is not what the registry makes: {now}.", remedy, first + 1)
