"""fqtool init: the first registry, from an existing table or as an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from fqtool.commands.init.propose import date_column, features_of, keys_of, profile_of
from fqtool.commands.init.template import Scaffold, example, scaffold_text
from fqtool.commands.learn.limits import FEWEST_DATES
from fqtool.commands.learn.run import days_between, learned_limits, with_limits
from fqtool.errors import InputError, NotThere, UsageError
from fqtool.findings.finding import Finding, Location, Severity
from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.registry.yaml.document import read_document
from fqtool.registry.yaml.yaml_errors import alias
from fqtool.schema.infer_registry import learned
from fqtool.schema.row_dates import row_dates
from fqtool.table.model import Table, other_kind
from fqtool.table.odcs import read_contract_tables
from fqtool.table.read_ddl import Created, is_called, read_ddl
from fqtool.table.schema_json import read_schema
from fqtool.table.script_order import sql_files
from fqtool.warehouse.bigquery.schema import read_resource
from fqtool.warehouse.files import read_text, write_text
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import newest_date

EXAMPLE = "feature_store"
_NO_EXPRESSION = frozenset({"FQ150", "FQ151", "FQ152", "FQ153"})
_REFUSED_DEFAULT, _PROPERTY = "FQ163", "FQ174"
_NO_PLACES: Mapping[str, Location] = {}
_SHOWN = 3  # skipped statements in an error
_NAMED = 5  # columns that a message lists
# Option -> what it reads, and the endings of such files.
_SOURCES = {
    "--from-schema": ("a BigQuery schema in JSON, as `bq show --format=prettyjson` prints it", (".json",)),
    "--from-ddl": ("SQL with CREATE TABLE, from a file or a folder", (".sql", ".ddl")),
    "--from-odcs": ("a data contract in YAML, ODCS v3 of bitol.io", (".yaml", ".yml")),
    "--from-table": ("a table of --target", (".duckdb", ".db")),
}
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


def scaffold_live(
    warehouse: Warehouse,
    name: str,
    as_name: str = "",
    *,
    learn: int = 0,
    today: date | None = None,
    every_property: bool = False,
) -> Scaffolded:
    """Return the registry of an existing table.

    Args:
        warehouse: the target.
        name: the table.
        as_name: its name in the registry; "" for the same name.
        learn: from how many days to learn keys, features, ranges and spreads; 0 reads metadata only.
        today: the day on which the command runs; required to learn.
        every_property: declare every property, policy tags too.

    Raises:
        NotThere: the table does not exist.
        InputError: it is not an ordinary table, or nothing can be learned from it.
    """
    place, _, short = name.rpartition(".")
    home = warehouse.url.partition("://")[2].partition("?")[0].replace("/", ".")
    if place and f".{home}".endswith(f".{place}"):
        name = short
    found = warehouse.describe(name)
    if found is None:
        of_place = f"`{place}` belongs into the target: --target bigquery://PROJECT/DATASET --from-table {short}."
        raise NotThere(
            f"There is no table {name} in {warehouse.url}.",
            remedy=of_place
            if place and name != short
            else "Correct the name after --from-table, or name the target of the table with --target.",
        )
    if not isinstance(found, Table):
        raise InputError(
            f"{name} in {warehouse.url} is {other_kind(found)}; a registry describes a table.",
            remedy="Write its rows into a table each day, and name this table with --from-table. "
            "docs/how-to/declare-where-values-are.md shows the statement.",
        )
    origin = f"{name} in {warehouse.url}"
    made = _scaffolded(Created(found), as_name, origin, target=warehouse.url, every_property=every_property)
    return _learned(made, found, warehouse, learn, today) if learn and today else made


def _learned(made: Scaffolded, table: Table, warehouse: Warehouse, count: int, today: date) -> Scaffolded:
    """Add what the rows of the last days show: keys, features, ranges and spreads."""
    dating = date_column(table, made.made.table)
    based = replace(made.made, table=replace(made.made.table, keys=_with(made.made.table.keys, dating.name)))
    registry = _registry(scaffold_text(based), table.name)
    end = newest_date(registry, warehouse, today).day
    if end is None:
        return replace(made, notes=(*made.notes, f"{table.name} has no rows, so nothing was learned."))
    start, dates = end - timedelta(days=count - 1), row_dates(registry)
    profile = profile_of(warehouse, table, dates, start, end)
    keys, repeated = keys_of(warehouse, table, profile, dates, start, end)
    spec = replace(based.table, keys=based.table.keys if based.keys_stated else keys)
    found = f"{repeated:,} of {profile.rows:,} rows repeat them" if repeated else "they are unique"
    found = f"{found} from {start} to {end}"
    features, notes = features_of(table, spec, profile)
    based = replace(based, table=spec, features=features, keys_from=f"these are proposed; {found}")
    text, told = _with_limits(_checked(based, made.made.origin).text, warehouse, start, end)
    keyed = () if based.keys_stated else (f"The keys {', '.join(keys)} are proposed; {found}.",)
    return Scaffolded(text, replace(based, keys_stated=True), (*made.notes, *keyed, *notes, *told))


def _with(keys: tuple[str, ...], dating: str) -> tuple[str, ...]:
    return keys if dating in keys else (*keys, dating)


def _registry(text: str, name: str) -> Registry:
    registry, findings = load_registry(text, name)
    if registry is None:
        raise InputError(f"{name} gives a registry with errors; nothing was written.", findings=findings)
    return registry


def _with_limits(text: str, warehouse: Warehouse, start: date, end: date) -> tuple[str, tuple[str, ...]]:
    """The text with the limits that the dates show, and a sentence about it."""
    registry = _registry(text, "the registry")
    if not registry.features:
        return text, ()
    days = days_between(registry, warehouse, start, end)
    have = f"{len(days)} dates with rows, {start} to {end}"
    count = len(registry.features)
    proposed = f"{count} feature{' is' if count == 1 else 's are'} proposed from the columns"
    if len(days) < FEWEST_DATES:
        return text, (f"{proposed}; ranges need {FEWEST_DATES} dates with rows, and there are {len(days)}.",)
    line = f"# Learned from {have}: ranges and spreads of usual values. `fqtool learn --replace` renews them.\n"
    return with_limits(registry, learned_limits(registry, days)).replace(
        "features:\n  - {", f"{line}features:\n  - {{", 1
    ), (f"{proposed}; ranges and spreads are learned from {have}.",)


@contextmanager
def _reading(option: str, path: Path) -> Iterator[None]:
    """Add to an error without a remedy what the option reads, and which option reads such a file."""
    try:
        yield
    except InputError as error:
        of_file = next((one for one, (_, ends) in _SOURCES.items() if path.suffix.lower() in ends), option)
        has_fix = bool(error.remedy or error.findings)
        if path.exists() and (of_file != option or not has_fix) and not isinstance(error, UsageError):
            other = f" For {path}, use {of_file}." if of_file != option else ""
            error.remedy = f"{option} reads {_SOURCES[option][0]}.{other}"
        raise


def scaffold_schema(path: Path, as_name: str = "", *, every_property: bool = False) -> Scaffolded:
    """Return the registry of a BigQuery schema file, or of the output of `bq show --format=prettyjson`.

    Args:
        path: the file. Without another name its stem is the name of the table.
        as_name: the name of the table in the registry; "" for its own.
        every_property: declare every property, policy tags too.

    Raises:
        InputError: the file is invalid, or describes a view.
    """
    with _reading("--from-schema", path):
        text = read_text(path)
        resource = read_resource(text, str(path))
        if resource is None:
            created = Created(Table(path.stem, read_schema(text, str(path))))
            return _scaffolded(created, as_name, str(path), unsaid=_OF_SCHEMA, every_property=every_property)
        if not isinstance(resource, Table) or other_kind(resource):
            raise InputError(f"{path} describes {other_kind(resource)}; a registry describes a table.")
        return _scaffolded(Created(resource), as_name, str(path), every_property=every_property)


def scaffold_ddl(path: Path, as_name: str = "", *, comments: bool = False, every_property: bool = False) -> Scaffolded:
    """Return the registry of the table that a SQL file creates, or the SQL files of a folder by version or name.

    Args:
        path: the file or folder.
        as_name: which of several tables, `t` or `dataset.t`; for one table its name in the registry.
        comments: use the comment of a column as its description where it has none.
        every_property: declare every property, policy tags too.

    Raises:
        InputError: no file can be read.
        UsageError: `as_name` does not select one table.
    """
    with _reading("--from-ddl", path):
        files, left_out = sql_files(path)
        script = read_ddl(((str(file), read_text(file)) for file in files), comments=comments)
        if not script.created:
            raise InputError(f"{path} creates no table that can be read. {_some(script.passed_over)}".rstrip())
        created = _one_of(script.created, as_name, path)
    if created.problem:  # it has the line, so the file is of the right kind
        raise created.problem
    notes = (*left_out, *script.passed_over, *_of_comments(created))
    own = "" if is_called(created, as_name) else as_name
    return _scaffolded(created, own, str(path), notes=notes, every_property=every_property)


def _some(sentences: Sequence[str]) -> str:
    """The first sentences about skipped statements, those about tables before the others."""
    first = sorted(sentences, key=lambda one: "CREATE TABLE" not in one.partition(" was not read")[0].upper())[:_SHOWN]
    more = len(sentences) - len(first)
    return " ".join([*first, *([f"And {more} more."] if more else [])])


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
    with _reading("--from-odcs", path):
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


def _one_of(created: Sequence[Created], name: str, path: Path) -> Created:
    """The only table, or the one of that name."""
    if not created:
        raise InputError(f"{path} creates no table.")
    chosen = [one for one in created if is_called(one, name)] or list(created)
    if len(chosen) != 1 or ("." in name and not is_called(chosen[0], name)):
        names = ", ".join(one.name for one in chosen)
        count = f"{len(created)} table{'s' if len(created) > 1 else ''}"
        which = f", {len(chosen)} of them named {name}" if 1 < len(chosen) < len(created) else ""
        raise UsageError(f"{path} has {count}{which}.", remedy=f"Choose one with --name: {names}.")
    return chosen[0]


def _scaffolded(
    created: Created,
    as_name: str,
    origin: str,
    target: str = "",
    unsaid: str = "",
    notes: tuple[str, ...] = (),
    *,
    every_property: bool = False,
) -> Scaffolded:
    table = created.table
    if not table.columns:
        raise InputError(f"{origin} has no columns.")
    found = learned(replace(table, name=as_name or table.name), every_property=every_property)
    if not found.columns:
        raise InputError(f"{origin} has no column with a name that a registry accepts.", findings=())
    open_points = (*((unsaid,) if unsaid else ()), *found.unsaid, *created.left_out)
    made = Scaffold(found.table, found.columns, origin, found.keys_stated, found.vector, target, open_points)
    return replace(_checked(_without_defaults(made), origin, created.places), notes=notes)


def _without_defaults(made: Scaffold) -> Scaffold:
    """Leave out defaults that a registry cannot state, each with a note. They are not managed, so that they stay."""
    errors = _errors(scaffold_text(made))
    unread = {one.subject for one in errors if one.rule in _NO_EXPRESSION}
    unread -= {one.subject for one in errors if one.rule == _REFUSED_DEFAULT}
    unread = {one.name for one in made.columns if one.default is not None and one.name in unread}
    columns = (replace(one, default=None) if one.name in unread else one for one in made.columns)
    notes = (
        f"The default of `{one.name}` is not managed: a registry cannot state `{one.default}`."
        for one in made.columns
        if one.name in unread
    )
    return replace(made, columns=tuple(columns), unsaid=(*made.unsaid, *notes), no_defaults=tuple(unread))


def _errors(text: str) -> tuple[Finding, ...]:
    registry, findings = load_registry(text, "the registry")
    if registry is None:
        return findings
    return tuple(one for one in check_registry(registry) if one.severity is Severity.ERROR)


def _checked(made: Scaffold, origin: str, places: Mapping[str, Location] = _NO_PLACES) -> Scaffolded:
    """Check that the registry loads and validates; raise its problems otherwise.

    No file has the text of the registry: a finding is at the place of its column in the source, if that has lines.
    """
    text, table = scaffold_text(made), places.get("")
    # A property of a live table is one that BigQuery has.
    errors = [one for one in _errors(text) if one.rule != _PROPERTY]
    if findings := tuple(replace(one, location=places.get(one.subject.lower(), table)) for one in errors):
        source = f"{origin} gives" if origin else "These options give"
        raise InputError(f"{source} a registry with errors; nothing was written.", findings=findings)
    return Scaffolded(text, made)
