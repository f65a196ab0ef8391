"""fqtool generate-schema: the registry's columns as BigQuery schema JSON."""

from __future__ import annotations

from pathlib import Path

from fqtool.errors import InputError
from fqtool.finding import Finding
from fqtool.migrations.tell import told
from fqtool.quality.build import desired_table, managed_columns
from fqtool.registry.model import Registry
from fqtool.rules.about_generated import stale_schema_file
from fqtool.table.diff import diff
from fqtool.table.model import State, Table
from fqtool.table.schema_json import read_schema, schema_json
from fqtool.warehouse.disk import read_text


def generated_schema(registry: Registry, *, full: bool = False) -> str:
    """Return the JSON text: the managed columns in registry order, or with `full` the whole table."""
    return schema_json(desired_table(registry).columns if full else managed_columns(registry))


def stale_schema(registry: Registry, path: Path, *, full: bool = False) -> tuple[Finding, ...]:
    """Return a finding per difference between the file and what would be generated; () when the bytes agree."""
    wanted = generated_schema(registry, full=full)
    try:
        there = read_text(path)
        old = read_schema(there, str(path))
    except InputError as error:
        return stale_schema_file(str(path), error.message)
    if there == wanted:
        return ()
    new = read_schema(wanted, "the registry")
    changes = diff(State(Table("schema", old)), State(Table("schema", new)))
    sentences = [f"In the registry {told(change)}." for change in changes]
    return tuple(
        found
        for sentence in sentences or ["The fields agree; the file is written otherwise (spaces, order of keys)."]
        for found in stale_schema_file(str(path), sentence)
    )
