"""fqtool validate: every problem of the registry at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from fqtool.errors import RegistryError
from fqtool.finding import Finding
from fqtool.registry.load import read_registry
from fqtool.rules.about_registry import check_registry


def validated(path: Path, today: date) -> tuple[Finding, ...]:
    """Return every finding about the registry at `path`. Raises RegistryError where it cannot be read at all."""
    try:
        return check_registry(read_registry(path), today)
    except RegistryError as error:
        if not error.findings or not path.is_file():
            raise
        return error.findings
