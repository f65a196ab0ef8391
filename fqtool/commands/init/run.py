"""fqtool init: the first registry, from an existing table or as an example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fqtool.commands.init.template import Scaffold, example, scaffold_text
from fqtool.errors import InputError, NotThere, UsageError
from fqtool.findings.finding import Finding, Severity
from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry
from fqtool.registry.yaml.document import read_document
from fqtool.registry.yaml.yaml_errors import alias
from fqtool.schema.infer_registry import learned
from fqtool.table.model import Table, other_kind
from fqtool.table.odcs import read_contract_tables
from fqtool.table.read_ddl import Created, read_ddl
from fqtool.table.schema_json import read_schema
from fqtool.warehouse.bigquery.schema import read_resource
from fqtool.warehouse.files import read_text, write_text
from fqtool.warehouse.protocol import Warehouse

EXAMPLE = "feature_store"
_NO_EXPRESSION = frozenset({"FQ150", "FQ151", "FQ152", "FQ153"})
_NAMED = 5  # columns that a message lists
_OF_SCHEMA = "A schema file has no partitioning, clustering and options: add those of the table under `table`."
_OF_CONTRACT = "A data contract has no clustering, options and defaults: add those of the table."


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """The result of init.

    Attributes:
        text: the text of a registry that loads and validates.
        made: what it was made from.
        notes: sentences about the source.
    """

    text: str
    made: Scaffold
    notes: tuple[str, ...] = ()


def scaffold_example(name: str = "") -> Scaffolded:
    """Return a small complete store.

    Raises:
        InputError: the name is not a valid table name.
    """
    return _checked(example(name or EXAMPLE), "")


def scaffold_live(warehouse: Warehouse, name: str, as_name: str = "") -> Scaffolded:
    """Return the registry of an existing table.

    Args:
        warehouse: the target.
        name: the table.
        as_name: its name in the registry; "" for the same name.

    Raises:
        NotThere: the table does not exist.
        InputError: it is not an ordinary table.
    """
    found = warehouse.describe(name)
    if found is None:
        raise NotThere(
            f"There is no table {name} in {warehouse.url}.",
            remedy="Use another table with --from-table, or its target with --target.",
        )
    if not isinstance(found, Table):
        raise InputError(f"{name} in {warehouse.url} is {other_kind(found)}; a registry describes a table.")
    return _scaffolded(Created(found), as_name, f"{name} in {warehouse.url}", target=warehouse.url)


def scaffold_schema(path: Path, as_name: str = "") -> Scaffolded:
    """Return the registry of a BigQuery schema file, or of the output of `bq show --format=prettyjson`.

    Args:
        path: the file. Without another name its stem is the name of the table.
        as_name: the name of the table in the registry; "" for its own.

    Raises:
        InputError: the file is invalid, or describes a view.
    """
    text = read_text(path)
    resource = read_resource(text, str(path))
    if resource is None:
        created = Created(Table(path.stem, read_schema(text, str(path))))
        return _scaffolded(created, as_name, str(path), unsaid=_OF_SCHEMA)
    if not isinstance(resource, Table) or other_kind(resource):
        raise InputError(f"{path} describes {other_kind(resource)}; a registry describes a table.")
    return _scaffolded(Created(resource), as_name, str(path))


def scaffold_ddl(path: Path, as_name: str = "", *, comments: bool = False) -> Scaffolded:
    """Return the registry of the table that a SQL file creates, or the SQL files of a folder in the order of names.

    Args:
        path: the file or folder.
        as_name: which of several tables, `t` or `dataset.t`; for one table its name in the registry.
        comments: use the comment of a column as its description where it has none.

    Raises:
        InputError: no file can be read.
        UsageError: `as_name` does not select one table.
    """
    files = sorted(path.rglob("*.sql")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"The folder {path} has no .sql file.", remedy="Name a file or another folder.")
    script = read_ddl(((str(file), read_text(file)) for file in files), comments=comments)
    if not script.created:
        raise InputError(f"{path} creates no table that can be read. {' '.join(script.passed_over)}".rstrip())
    created = _one_of(script.created, as_name, path)
    if created.problem:
        raise created.problem
    notes = (*script.passed_over, *_of_comments(created))
    return _scaffolded(created, "" if _is_called(created, as_name) else as_name, str(path), notes=notes)


def _of_comments(created: Created) -> Iterator[str]:
    if count := len(created.commented):
        named = ", ".join(created.commented[:_NAMED]) + ("" if count <= _NAMED else f" and {count - _NAMED} more")
        yield f"{named}: a comment but no description. --comments reads the comment as the description."


def scaffold_contract(path: Path, as_name: str = "") -> Scaffolded:
    """Return the registry of the table that an ODCS v3 data contract describes.

    Values that YAML readers interpret differently are read as text; only names, types and texts are used.

    Args:
        path: the file.
        as_name: which of several tables; for one table its name in the registry.

    Raises:
        InputError: the file cannot be read as a data contract.
    """
    document = read_document(read_text(path).removeprefix("\ufeff"), str(path))
    copies = {one.rule for one in alias(document.at(()), "")}
    stop = [one for one in document.findings if document.data is None or one.rule in copies]
    if stop:
        raise InputError(f"{path} cannot be read as a data contract.", findings=tuple(stop))
    tables = read_contract_tables(document.data, str(path))
    return _scaffolded(_one_of(tables, as_name, path), as_name, str(path), unsaid=_OF_CONTRACT)


def write_scaffold(path: Path, text: str, *, force: bool = False) -> None:
    """Write the registry; a symbolic link is followed.

    Args:
        path: the file.
        text: the text.
        force: overwrite an existing file.

    Raises:
        UsageError: the file exists already.
        WorldError: the file cannot be written.
    """
    require_free(path, force=force)
    write_text(path, text)


def require_free(path: Path, *, force: bool = False) -> None:
    """Check that writing overwrites no file.

    Raises:
        UsageError: the path is a folder, or exists already.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", remedy=f"Use --out {path / 'feature_registry.yaml'}.")
    if not force and (path.exists() or path.is_symlink()):
        raise UsageError(
            f"{path} exists already; nothing was written.",
            remedy="Use another file with --out, or overwrite it with --force.",
        )


def _is_called(created: Created, name: str) -> bool:
    """Whether the table has that name, with or without project and dataset."""
    return bool(name) and f".{created.name}".endswith(f".{name}")


def _one_of(created: Sequence[Created], name: str, path: Path) -> Created:
    """The only table, or the one of that name."""
    if not created:
        raise InputError(f"{path} creates no table.")
    chosen = [one for one in created if _is_called(one, name)] or list(created)
    if len(chosen) != 1 or ("." in name and not _is_called(chosen[0], name)):
        names = ", ".join(one.name for one in chosen)
        count = f"{len(created)} table{'s' if len(created) > 1 else ''}"
        which = f", {len(chosen)} of them named {name}" if 1 < len(chosen) < len(created) else ""
        raise UsageError(f"{path} has {count}{which}.", remedy=f"Choose one with --name: {names}.")
    return chosen[0]


def _scaffolded(
    created: Created, as_name: str, origin: str, target: str = "", unsaid: str = "", notes: tuple[str, ...] = ()
) -> Scaffolded:
    table = created.table
    if not table.columns:
        raise InputError(f"{origin} has no columns.")
    found = learned(replace(table, name=as_name or table.name))
    if not found.columns:
        raise InputError(f"{origin} has no column with a name that a registry accepts.", findings=())
    open_points = (*((unsaid,) if unsaid else ()), *found.unsaid, *created.left_out)
    made = Scaffold(found.table, found.columns, origin, found.keys_stated, found.vector, target, open_points)
    return replace(_checked(_without_defaults(made), origin), notes=notes)


def _without_defaults(made: Scaffold) -> Scaffold:
    """Leave out defaults that the registry's language does not have, each with a note."""
    findings = {one.subject: one for one in _errors(scaffold_text(made)) if one.rule in _NO_EXPRESSION}
    unread = {one.name: findings[one.name] for one in made.columns if one.default is not None and one.name in findings}
    columns = (replace(one, default=None) if one.name in unread else one for one in made.columns)
    notes = (
        f"The default of `{one.name}` is left out: the registry's language does not have `{one.default}`."
        for one in made.columns
        if one.name in unread
    )
    return replace(made, columns=tuple(columns), unsaid=(*made.unsaid, *notes))


def _errors(text: str) -> tuple[Finding, ...]:
    registry, findings = load_registry(text, "the registry")
    if registry is None:
        return findings
    return tuple(one for one in check_registry(registry) if one.severity is Severity.ERROR)


def _checked(made: Scaffold, origin: str) -> Scaffolded:
    """Check that the registry loads and validates; raise its problems otherwise."""
    text = scaffold_text(made)
    if findings := _errors(text):
        source = f"{origin} gives" if origin else "These options give"
        raise InputError(f"{source} a registry with errors; nothing was written.", findings=findings)
    return Scaffolded(text, made)
