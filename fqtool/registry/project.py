"""Read fqtool.yaml, the optional list of the stores of a repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fqtool.errors import InputError, RegistryError
from fqtool.findings.finding import Finding, Location
from fqtool.registry.checks import schema_errors
from fqtool.registry.checks.explain_schema import explain
from fqtool.registry.checks.fast_schema import fits
from fqtool.registry.load import text_of
from fqtool.registry.yaml.document import Document, read_document

SCHEMA = Path(__file__).with_name("project_schema.json")


@dataclass(frozen=True, slots=True)
class Store:
    """A store of the repository.

    Attributes:
        name: its name for `--store`.
        registry: its registry file.
        migrations: the folder of its migrations.
        target: a URL or the name of a target of its registry; None is the registry's default.
    """

    name: str
    registry: Path
    migrations: Path
    target: str | None = None


def read_stores(path: Path) -> tuple[Store, ...]:
    """Read the stores of a fqtool.yaml, in the order of the file.

    Args:
        path: The file. The paths in it are relative to its folder.

    Raises:
        RegistryError: The file cannot be read, or has problems; its `findings` list every one with its place.
        InputError: The file is empty.
    """
    text, findings = text_of(path)
    if text is None:
        raise RegistryError(f"{path} cannot be read.", findings=findings)
    document = read_document(text, str(path), path.name)
    if document.data is None and all(finding.rule == "FQ004" for finding in document.findings):
        raise InputError(f"{path} is empty.", remedy="List the stores under `stores:`, or remove the file.")
    findings = tuple(document.findings)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    if not findings and not fits(schema)(document.data):
        findings = tuple(explain(document, schema))
    stores = () if findings else tuple(_stores(document, path.parent))
    findings = findings or tuple(_shared(document, stores))
    if findings:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        raise RegistryError(f"{path} has {count}.", findings=tuple(sorted(findings, key=_place)))
    return stores


def _place(finding: Finding) -> Location:
    return finding.location or Location("")


def _stores(document: Document, folder: Path) -> Iterator[Store]:
    for name, entry in document.data["stores"].items():
        registry = folder / entry["registry"]
        migrations = folder / entry["migrations"] if "migrations" in entry else registry.parent / "migrations"
        yield Store(name, registry, migrations, entry.get("target"))


def _shared(document: Document, stores: tuple[Store, ...]) -> Iterator[Finding]:
    """Yield a finding for each store that has the registry or the migrations of an earlier one."""
    for key in ("registry", "migrations"):
        first: dict[Path, str] = {}
        for store in stores:
            file: Path = getattr(store, key)
            other = first.setdefault(file.resolve(), store.name)
            if other != store.name:
                where = f"stores {store.name} {key}"
                needed = f"another {'file' if key == 'registry' else 'folder'} than that of the store {other}"
                yield from schema_errors.malformed_value(
                    document.at(("stores", store.name, key)), where, f"`{file}`", needed
                )
