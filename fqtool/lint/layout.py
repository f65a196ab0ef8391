"""Rules about keys, partitioning and clustering of the table, its views and its targets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from fqtool.errors import InputError
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.lint.context import Subject
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.model import TableSpec
from fqtool.registry.yaml.document import Step
from fqtool.schema.row_dates import dating_column
from fqtool.table.column import Kind, Mode
from fqtool.table.ddl_grammar import parse_partitioning
from fqtool.table.model import INGESTION_TIME

_CLUSTERING_LIMIT = 4
_TARGET = re.compile(r"duckdb://.*[^/]|bigquery://[\w.:-]+/\w+/?(\?.*)?", re.IGNORECASE)
_PARTITIONED_BY = {
    Kind.DATE: ("DAY", "MONTH", "YEAR"),
    Kind.TIMESTAMP: ("HOUR", "DAY", "MONTH", "YEAR"),
    Kind.DATETIME: ("HOUR", "DAY", "MONTH", "YEAR"),
}
_INGESTION_TIME = ("_PARTITIONTIME", "_PARTITIONDATE")
_NOT_CLUSTERED_BY = frozenset({Kind.FLOAT64, Kind.STRUCT, Kind.JSON, Kind.INTERVAL, Kind.TIME, Kind.BYTES})


@rule("FQ143", group=Group.REGISTRY)
def unknown_layout_column(subject: Subject) -> Iterator[Finding]:
    """Keys, partitioning or clustering name an unknown column.

    Problem: `keys`, `partition_by`, `cluster_by` or `entities` names a column that is neither under `base_columns` nor
    `columns`.

    Why: Fqtool could not merge rows or create the table.

    Example: keys: [shop_id, day]

    Fix: Use the suggested column, or declare the column under `base_columns`.
    """
    table = subject.registry.table
    named: list[tuple[str, tuple[Step, ...]]] = [(name, ("keys", number)) for number, name in enumerate(table.keys)]
    named += [(table.partition_by, ("partition_by",))] if table.partition_by else []
    named += [(name, ("entities", number)) for number, name in enumerate(table.entities)]
    named += [(name, ("cluster_by", number)) for number, name in enumerate(table.cluster_by)]
    for name, path in named:
        if name.lower() not in subject.types:
            meant = nearest(name, subject.types)
            remedy = f"Write {meant}." if meant else "Declare it under `base_columns`."
            message = f"`{path[0]}` names the unknown column {name}."
            if name.upper() in _INGESTION_TIME:
                message = (
                    f"`{path[0]}` names {name}, but fqtool needs a column with the date of a row, not ingestion time."
                )
                remedy = "Name the DATE, TIMESTAMP or DATETIME column with the date of a row."
            yield Finding(name, message, remedy=remedy, location=subject.within(table.at, *path))


@rule("FQ144", group=Group.REGISTRY)
def partition_type(subject: Subject) -> Iterator[Finding]:
    """The table cannot be partitioned by this column or granularity.

    Problem: The partition column is not DATE, TIMESTAMP or DATETIME, the granularity of a DATE column is HOUR, or
    `partition_expr` is not an expression of BigQuery for ingestion time or ranges of whole numbers.

    Why: BigQuery rejects the table.

    Example: partition_by: order_id, a STRING

    Fix: Partition by a DATE, TIMESTAMP or DATETIME column.
    """
    table = subject.registry.table
    if table.partition_expr:
        yield from _expression_refused(subject, table)
    found = subject.types.get((table.partition_by or "").lower())
    if not table.partition_by or not found:
        return
    (kind, mode), at = found, subject.within(table.at, "partition_by")
    granularities = _PARTITIONED_BY.get(kind.kind, ()) if mode is not Mode.REPEATED else ()
    if not granularities:
        message = f"{table.partition_by} is {kind}; a partition column must be DATE, TIMESTAMP or DATETIME."
        yield Finding(table.partition_by, message, remedy="Name a column of one of these types.", location=at)
    elif table.partition_granularity not in granularities:
        message = f"A {kind} column cannot be partitioned by {table.partition_granularity}."
        at = subject.within(table.at, "partition_granularity")
        yield Finding(table.partition_by, message, remedy=f"Write {' or '.join(granularities)}.", location=at)


def _expression_refused(subject: Subject, table: TableSpec) -> Iterator[Finding]:
    """Report a `partition_expr` that BigQuery does not accept, that needs another column, or that is one too many."""
    at, text = subject.within(table.at, "partition_expr"), table.partition_expr or ""
    remedy = "Write RANGE_BUCKET(column, GENERATE_ARRAY(start, end, step)), or _PARTITIONDATE."
    if table.partition_by:
        message = "`partition_by` and `partition_expr` are both set; a table has one partitioning."
        yield Finding("partition_expr", message, remedy="Remove one of them.", location=at)
        return
    try:
        by = parse_partitioning(text)
    except InputError as error:
        yield Finding("partition_expr", f"`{text}` does not partition a table: {error.message}", remedy=error.remedy or
                      remedy, location=at)  # fmt: skip
        return
    found = subject.types.get(by.column.lower())
    if by.column == INGESTION_TIME:
        return
    if by.stateable:
        remedy = f"Write `partition_by: {by.column}`, and `partition_granularity: {by.granularity}` unless it is DAY."
        yield Finding("partition_expr", "A column of dates belongs under `partition_by`.", remedy=remedy, location=at)
    elif found is None or found[0].kind is not Kind.INT64:
        kind = f"is {found[0]}" if found else "does not exist"
        message = f"{by.column} {kind}; RANGE_BUCKET needs an INT64 column."
        yield Finding("partition_expr", message, remedy="Name an INT64 column.", location=at)


@rule("FQ145", group=Group.REGISTRY)
def clustering_refused(subject: Subject) -> Iterator[Finding]:
    """The table cannot be clustered by these columns.

    Problem: There are more than four clustering columns, one occurs twice, or BigQuery cannot cluster by its type.

    Why: BigQuery rejects the table.

    Example: cluster_by: [feature_quality_score_float]

    Fix: Keep up to four columns that queries filter most, of type STRING, INT64, NUMERIC, BOOL, DATE or TIMESTAMP.
    """
    table = subject.registry.table
    names, at = [name.lower() for name in table.cluster_by], subject.within(table.at, "cluster_by")
    if len(names) > _CLUSTERING_LIMIT:
        message = f"The table has {len(names)} clustering columns; at most {_CLUSTERING_LIMIT} are allowed."
        yield Finding(table.name, message, remedy="Keep those that queries filter most.", location=at)
    if len(set(names)) < len(names):
        yield Finding(table.name, "`cluster_by` names a column twice.", remedy="Keep one.", location=at)
    for name in dict.fromkeys(names):
        place, found = subject.within(table.at, "cluster_by", names.index(name)), subject.types.get(name)
        if found and (found[0].kind in _NOT_CLUSTERED_BY or found[1] is Mode.REPEATED):
            shown = f"ARRAY<{found[0]}>" if found[1] is Mode.REPEATED else str(found[0])
            message = f"{name} is {shown}; BigQuery cannot cluster by this type."
            yield Finding(name, message, remedy="Remove it from `cluster_by`.", location=place)


@rule("FQ146", group=Group.REGISTRY)
def filter_without_partition(subject: Subject) -> Iterator[Finding]:
    """A table without partitions has partition settings.

    Problem: `require_partition_filter` or `partition_expiration_days` is set without `partition_by` or
    `partition_expr`.

    Why: BigQuery rejects the table.

    Example: {name: store, keys: [id], require_partition_filter: true}

    Fix: Add `partition_by`, or remove the setting.
    """
    table = subject.registry.table
    if not (table.partition_by or table.partition_expr) and (
        table.require_partition_filter or table.partition_expiration_days
    ):
        message = "The table has partition settings but no `partition_by`."
        yield Finding(table.name, message, remedy="Add `partition_by`, or remove the settings.", location=table.at)


@rule("FQ165", Severity.WARNING, group=Group.REGISTRY)
def rows_without_date(subject: Subject) -> Iterator[Finding]:
    """The rows of the table have no date.

    Problem: The registry has features but no `partition_by`, and no key is a DATE, TIMESTAMP or DATETIME.

    Why: `score`, `backfill`, `diagnose`, `daily`, `report`, `demo`, `models --date`, `check-drift --data` and queries
    of `generate-sql` read the rows of a date. Without a date they end with exit 2.

    Example: {name: store, keys: [shop_id]}

    Fix: Add the column with the date of a row to `keys`. For a table without such a column, score files with
    `score --input`, and suppress this rule.
    """
    table = subject.registry.table
    kinds = {name.lower(): subject.types.get(name.lower()) for name in table.keys}

    def kind_of(name: str) -> Kind | None:
        found = kinds.get(name.lower())
        return found[0].kind if found and found[1] is not Mode.REPEATED else None

    if subject.registry.features and all(kinds.values()) and not dating_column(table, kind_of):
        names = ", ".join(table.keys)
        yield Finding(
            table.name,
            f"The rows of {table.name} have no date: there is no `partition_by`, and no key ({names}) is a DATE, "
            "TIMESTAMP or DATETIME. `score`, `backfill`, `diagnose`, `daily`, `report` and `check-drift --data` need a "
            "date.",
            remedy="Add the column with the date of a row to `keys`, or suppress this rule and score only files.",
            location=subject.within(table.at, "keys"),
        )


@rule("FQ172", Severity.WARNING, group=Group.REGISTRY)
def filter_on_another_column(subject: Subject) -> Iterator[Finding]:
    """The table requires a filter that the commands do not send.

    Problem: With `partition_expr` the partitions are of the time of ingestion or of a range of numbers, and
    `require_partition_filter` is true. The commands filter the rows of a date by the date key.

    Why: BigQuery refuses `score`, `backfill`, `diagnose`, `daily`, `report` and `check-drift --data` on this table
    (https://cloud.google.com/bigquery/docs/querying-partitioned-tables). DuckDB has no such filter.

    Example: {name: store, keys: [day], partition_expr: _PARTITIONDATE, require_partition_filter: true}

    Fix: Set `require_partition_filter: false`, or partition a new table by the date key.
    """
    table = subject.registry.table
    if subject.registry.features and table.partition_expr and table.require_partition_filter:
        yield Finding(
            table.name,
            f"{table.name} requires a filter on its partitions ({table.partition_expr}). `score`, `backfill`, "
            "`diagnose`, `daily`, `report` and `check-drift --data` filter by the date of a row, so BigQuery refuses "
            "them.",
            remedy="Set `require_partition_filter: false`, or partition a new table by the date key.",
            location=subject.within(table.at, "require_partition_filter"),
        )


@rule("FQ147", group=Group.REGISTRY)
def view_of_unknown_column(subject: Subject) -> Iterator[Finding]:
    """A view includes an unknown column.

    Problem: `include` names a column that is neither under `base_columns` nor `columns`.

    Why: BigQuery rejects the view.

    Example: include: [shop_id, quality_teir]

    Fix: Use the suggested column.
    """
    for view in subject.registry.views:
        for number, name in enumerate(view.include):
            if name != "*" and name.lower() not in subject.types:
                meant = nearest(name, subject.types)
                remedy = f"Write {meant}." if meant else ""
                message = f"{view.name} includes the unknown column {name}."
                at = subject.within(view.at, "include", number)
                yield Finding(view.name, message, remedy=remedy, location=at)


@rule("FQ148", group=Group.REGISTRY)
def unknown_target(subject: Subject) -> Iterator[Finding]:
    """A target is not a URL that fqtool can open.

    Problem: The target is neither duckdb:/// with a path nor bigquery:// with project and dataset.

    Why: No command could use the target.

    Example: production: my-project.retail

    Fix: Write duckdb:///path/file.duckdb or bigquery://project/dataset.
    """
    for name, url in subject.registry.targets:
        if not _TARGET.fullmatch(url):
            remedy = "Write duckdb:///path/file.duckdb or bigquery://project/dataset."
            yield Finding(
                name,
                f"The target {name} is not a valid URL: {url}.",
                remedy=remedy,
                location=subject.place("targets", name),
            )


@rule("FQ164", group=Group.REGISTRY)
def target_outside(subject: Subject) -> Iterator[Finding]:
    """A target of the registry is a file outside the folder in which fqtool runs.

    Problem: The path is absolute, starts with ~, or leaves the folder with `..`.

    Why: A registry from a pull request or a clone could make fqtool write files anywhere.

    Example: local: duckdb:///../../shared/store.duckdb

    Fix: Write a path below the folder. To use another file, pass it with `--target` or FQTOOL_TARGET.
    """
    for name, url in subject.registry.targets:
        scheme, _, path = url.partition(":///")
        if scheme == "duckdb" and (path[:1] in ("/", "~") or normpath(path).split("/")[0] == ".."):
            yield Finding(
                name,
                f"The target {name} is {url}, a file outside this folder.",
                remedy="Write a path below this folder, or pass the file with --target or FQTOOL_TARGET.",
                location=subject.place("targets", name),
            )
