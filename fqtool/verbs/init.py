"""fqtool init: the first registry, from what exists or as an example to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fqtool.errors import InputError, NotThere, UsageError
from fqtool.finding import Severity
from fqtool.quality.learn import learned
from fqtool.registry.document import read_document
from fqtool.registry.load import load_registry
from fqtool.registry.problems import alias
from fqtool.registry.scaffold import Scaffold, example, scaffold_text
from fqtool.rules.about_registry import check_registry
from fqtool.table.create_script import Created, read_created
from fqtool.table.model import Table
from fqtool.table.odcs import read_contract_tables
from fqtool.table.schema_json import read_schema
from fqtool.warehouse.disk import read_text, write_text
from fqtool.warehouse.protocol import Warehouse

EXAMPLE = "feature_store"
_OF_SCHEMA = "A schema file tells no partitions, clustering or options: write the table's under `table`."
_OF_CONTRACT = "A data contract tells no clustering, options or defaults: write the table's here."


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """A registry's text that loads and validates, and what it was made of."""

    text: str
    made: Scaffold


def scaffold_example(name: str = "") -> Scaffolded:
    """Return a small complete store. Raises InputError for a name that no table can have."""
    return _checked(example(name or EXAMPLE), "")


def scaffold_live(warehouse: Warehouse, name: str, as_name: str = "") -> Scaffolded:
    """Return the registry of a table that stands. Raises NotThere where none does, InputError for a view."""
    found = warehouse.describe(name)
    if found is None:
        raise NotThere(
            f"There is no table {name} in {warehouse.url}.",
            remedy="Name another with --from-table, or the target that it is in with --target.",
        )
    if not isinstance(found, Table):
        raise InputError(f"{name} in {warehouse.url} is a view; a registry describes a table.")
    return _scaffolded(Created(found), as_name, f"{name} in {warehouse.url}", target=warehouse.url)


def scaffold_schema(path: Path, as_name: str = "") -> Scaffolded:
    """Return the registry of a BigQuery schema file; the table is called like the file where no name is given."""
    columns = read_schema(read_text(path), str(path))
    return _scaffolded(Created(Table(path.stem, columns)), as_name, str(path), unsaid=_OF_SCHEMA)


def scaffold_ddl(path: Path, as_name: str = "") -> Scaffolded:
    """Return the registry of the table that a SQL file creates."""
    return _scaffolded(_one_of(read_created(read_text(path), str(path)), as_name, path), as_name, str(path))


def scaffold_contract(path: Path, as_name: str = "") -> Scaffolded:
    """Return the registry of the table that an ODCS v3 data contract describes.

    Values that YAML readers understand differently are taken as text: only names, types and words are read.
    """
    document = read_document(read_text(path).removeprefix("\ufeff"), str(path))
    copies = {one.rule for one in alias(document.at(()), "")}
    stop = [one for one in document.findings if document.data is None or one.rule in copies]
    if stop:
        raise InputError(f"{path} cannot be read as a data contract.", findings=tuple(stop))
    tables = read_contract_tables(document.data, str(path))
    return _scaffolded(_one_of(tables, as_name, path), as_name, str(path), unsaid=_OF_CONTRACT)


def write_scaffold(path: Path, text: str, *, force: bool = False) -> None:
    """Write the file, through a link where it is one. Raises UsageError where one is there, WorldError."""
    require_free(path, force=force)
    write_text(path, text)


def require_free(path: Path, *, force: bool = False) -> None:
    """Raise UsageError where writing would lose a file."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", remedy=f"--out {path / 'feature_registry.yaml'}")
    if not force and (path.exists() or path.is_symlink()):
        raise UsageError(
            f"{path} is there already; nothing was written.",
            remedy="Write elsewhere with --out, or over it with --force.",
        )


def _one_of(created: Sequence[Created], name: str, path: Path) -> Created:
    """The only table, or the one of that name."""
    if not created:
        raise InputError(f"{path} creates no table.")
    chosen = [one for one in created if one.table.name == name] if len(created) > 1 else list(created)
    if len(chosen) != 1:
        names = ", ".join(dict.fromkeys(one.table.name for one in created))
        raise UsageError(f"{path} holds {len(created)} tables.", remedy=f"Choose with --name: {names}.")
    return chosen[0]


def _scaffolded(created: Created, as_name: str, origin: str, target: str = "", unsaid: str = "") -> Scaffolded:
    table = created.table
    if not table.columns:
        raise InputError(f"{origin} has no columns.")
    found = learned(Table(as_name or table.name, table.columns, table.partitioning, table.clustering, table.options),
                    created.keys)  # fmt: skip
    if not found.columns:
        raise InputError(f"{origin} has no column that a registry can name.", findings=())
    told = (*((unsaid,) if unsaid else ()), *found.unsaid)
    return _checked(Scaffold(found.table, found.columns, origin, found.keys_stated, found.vector, target, told), origin)


def _checked(made: Scaffold, origin: str) -> Scaffolded:
    """What is handed out loads and validates; what cannot is told as a registry's problems."""
    text = scaffold_text(made)
    registry, findings = load_registry(text, "the registry")
    if registry is not None:
        findings = tuple(one for one in check_registry(registry) if one.severity is Severity.ERROR)
    if findings:
        what = f"What {origin} says" if origin else "This"
        raise InputError(f"{what} makes no registry that holds; nothing was written.", findings=findings)
    return Scaffolded(text, made)
