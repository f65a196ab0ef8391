"""fqtool generate-schema: the managed columns as BigQuery schema JSON, and the check for a stale file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fqtool.errors import InputError
from fqtool.findings.finding import Finding, Group, Location, rule
from fqtool.findings.remedy import Commands
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table, managed_columns
from fqtool.table.schema_json import read_schema, schema_json
from fqtool.warehouse.files import read_text

OTHER_FILE = "Name the generated file. If it is this one, delete it and generate it again."
"""The remedy for a file of another kind, which no command may replace unasked."""


def generated_schema(registry: Registry, *, full: bool = False) -> str:
    """Return the schema as JSON text.

    Args:
        registry: the registry.
        full: include the base columns, which come first. Default: only managed columns, in registry order.
    """
    return schema_json(desired_table(registry).columns if full else managed_columns(registry))


def stale_schema(
    registry: Registry, path: Path, *, full: bool = False, words: tuple[str, ...] = ("generate-schema",)
) -> tuple[Finding, ...]:
    """Compare a schema file with the registry.

    Args:
        registry: the registry.
        path: the schema file.
        full: compare with the whole table instead of the managed columns.
        words: the command that writes the file again, for the remedy.

    Returns:
        A finding per difference; () where the bytes are equal.

    Raises:
        InputError: The file is not a schema.
    """
    generated = generated_schema(registry, full=full)
    if absent := absent_file(path, words):
        return absent
    present = read_text(path)
    if present == generated:
        return ()
    try:
        old = read_schema(present, str(path))
    except InputError as error:
        error.remedy = OTHER_FILE
        raise
    from fqtool.table.diff import diff
    from fqtool.table.model import State, Table

    new = read_schema(generated, "the registry")
    changes = diff(State(Table("schema", old)), State(Table("schema", new)))
    sentences = [f"In the registry {change.describe()}." for change in changes]
    return tuple(
        finding
        for sentence in sentences or ["The fields are equal; spaces or the order of keys differ."]
        for finding in stale_schema_file(str(path), sentence, words)
    )


def absent_file(path: Path, words: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return the finding for a generated file that is absent or empty: writing it replaces nothing."""
    if path.exists() and (not path.is_file() or path.stat().st_size):
        return ()
    return stale_schema_file(str(path), f"{path} {'is empty' if path.exists() else 'does not exist'}.", words)


@rule("FQ407", group=Group.GENERATED)
def stale_schema_file(name: str, sentence: str, words: tuple[str, ...], line: int = 0) -> Iterator[Finding]:
    """A generated file does not match the registry.

    Problem: A file in the repository differs from the output of `generate-schema`, `export` or `docs`.

    Why: The registry was edited without generating the file again, or the file was edited by hand.

    Example: A description changed in the registry.

    Fix: Run the same command without `--check`, e.g. `fqtool generate-schema --out FILE`, and commit the file.
    """
    yield Finding(name, sentence, remedy=Commands((("fqtool", *words),)), location=Location(name, line))
