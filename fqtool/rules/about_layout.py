"""Rules on the table's layout, its views and the places it lives in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from fqtool.finding import Finding, rule
from fqtool.registry.document import Step
from fqtool.registry.explain import nearest
from fqtool.rules.subject import Subject
from fqtool.table.column import Kind, Mode

_CLUSTERING_LIMIT = 4
_TARGET = re.compile(r"duckdb://.*[^/]|bigquery://[\w.:-]+/\w+/?(\?.*)?", re.IGNORECASE)
_PARTITIONED_BY = {
    Kind.DATE: ("DAY", "MONTH", "YEAR"),
    Kind.TIMESTAMP: ("HOUR", "DAY", "MONTH", "YEAR"),
    Kind.DATETIME: ("HOUR", "DAY", "MONTH", "YEAR"),
}
_NOT_CLUSTERED_BY = frozenset({Kind.FLOAT64, Kind.STRUCT, Kind.JSON, Kind.INTERVAL, Kind.TIME, Kind.BYTES})


@rule("FQ143")
def unknown_layout_column(subject: Subject) -> Iterator[Finding]:
    """The table's layout names a column that does not exist.

    Problem: keys, partition_by or cluster_by names a column that is neither base nor managed.

    Why: rows could not be merged, and the table not created.

    Example: keys: [player_id, game_date]

    Fix: take the suggestion, or declare the column under base_columns.
    """
    table = subject.registry.table
    named: list[tuple[str, tuple[Step, ...]]] = [(name, ("keys", number)) for number, name in enumerate(table.keys)]
    named += [(table.partition_by, ("partition_by",))] if table.partition_by else []
    named += [(name, ("cluster_by", number)) for number, name in enumerate(table.cluster_by)]
    for name, path in named:
        if name.lower() not in subject.types:
            meant = nearest(name, subject.types)
            remedy = f"Did you mean {meant}?" if meant else "Declare it under base_columns."
            message = f"{path[0]} names {name}, which is no column."
            yield Finding(name, message, remedy=remedy, location=subject.within(table.at, *path))


@rule("FQ144")
def partition_type(subject: Subject) -> Iterator[Finding]:
    """The table cannot be partitioned like this.

    Problem: the partition column is not DATE, TIMESTAMP or DATETIME, or a DATE is to be cut into hours.

    Why: BigQuery refuses the table.

    Example: partition_by: game_id, a STRING

    Fix: partition by a date or time column.
    """
    table = subject.registry.table
    found = subject.types.get((table.partition_by or "").lower())
    if not table.partition_by or not found:
        return
    (kind, mode), at = found, subject.within(table.at, "partition_by")
    granularities = _PARTITIONED_BY.get(kind.kind, ()) if mode is not Mode.REPEATED else ()
    if not granularities:
        message = f"{table.partition_by} is {kind}; a partition column is DATE, TIMESTAMP or DATETIME."
        yield Finding(table.partition_by, message, remedy="Name a column of such a type.", location=at)
    elif table.partition_granularity not in granularities:
        message = f"A {kind} cannot be cut by {table.partition_granularity}."
        at = subject.within(table.at, "partition_granularity")
        yield Finding(table.partition_by, message, remedy=f"Write {' or '.join(granularities)}.", location=at)


@rule("FQ145")
def clustering_refused(subject: Subject) -> Iterator[Finding]:
    """The table cannot be clustered like this.

    Problem: more than four clustering columns, one twice, or one of a type that has no useful order.

    Why: BigQuery refuses the table.

    Example: cluster_by: [feature_quality_score_float]

    Fix: keep the up to four columns that queries filter most, of type STRING, INT64, NUMERIC, BOOL, DATE or TIMESTAMP.
    """
    table = subject.registry.table
    names, at = [name.lower() for name in table.cluster_by], subject.within(table.at, "cluster_by")
    if len(names) > _CLUSTERING_LIMIT:
        message = f"{len(names)} clustering columns; {_CLUSTERING_LIMIT} are allowed."
        yield Finding(table.name, message, remedy="Keep those that queries filter most.", location=at)
    if len(set(names)) < len(names):
        yield Finding(table.name, "cluster_by names a column twice.", remedy="Keep one.", location=at)
    for name in dict.fromkeys(names):
        place, found = subject.within(table.at, "cluster_by", names.index(name)), subject.types.get(name)
        if found and (found[0].kind in _NOT_CLUSTERED_BY or found[1] is Mode.REPEATED):
            shown = f"ARRAY<{found[0]}>" if found[1] is Mode.REPEATED else str(found[0])
            message = f"{name} is {shown}, by which no table is clustered."
            yield Finding(name, message, remedy="Leave it out of cluster_by.", location=place)


@rule("FQ146")
def filter_without_partition(subject: Subject) -> Iterator[Finding]:
    """Partition settings on a table without partitions.

    Problem: require_partition_filter or partition_expiration_days stands without partition_by.

    Why: BigQuery refuses it.

    Example: {name: store, keys: [id], require_partition_filter: true}

    Fix: add partition_by, or remove the setting.
    """
    table = subject.registry.table
    if not table.partition_by and (table.require_partition_filter or table.partition_expiration_days):
        message = "There are partition settings and no partition_by."
        yield Finding(table.name, message, remedy="Add partition_by, or remove the settings.", location=table.at)


@rule("FQ147")
def view_of_unknown_column(subject: Subject) -> Iterator[Finding]:
    """A view includes a column that does not exist.

    Problem: `include` names a column that is neither base nor managed.

    Why: BigQuery refuses the view.

    Example: include: [player_lookup, quality_teir]

    Fix: take the suggestion.
    """
    for view in subject.registry.views:
        for number, name in enumerate(view.include):
            if name != "*" and name.lower() not in subject.types:
                meant = nearest(name, subject.types)
                remedy = f"Did you mean {meant}?" if meant else ""
                message, at = (
                    f"{view.name} includes {name}, which is no column.",
                    subject.within(view.at, "include", number),
                )
                yield Finding(view.name, message, remedy=remedy, location=at)


@rule("FQ148")
def unknown_target(subject: Subject) -> Iterator[Finding]:
    """A target is no URL that fqtool can open.

    Problem: it is neither duckdb:/// and a path nor bigquery:// with project and dataset.

    Why: no command could run there.

    Example: production: nba-props-platform.nba_predictions

    Fix: write duckdb:///path/file.duckdb or bigquery://project/dataset.
    """
    for name, url in subject.registry.targets:
        if not _TARGET.fullmatch(url):
            remedy = "Write duckdb:///path/file.duckdb or bigquery://project/dataset."
            yield Finding(name, f"The target {name} is {url}.", remedy=remedy, location=subject.place("targets", name))


@rule("FQ164")
def target_outside(subject: Subject) -> Iterator[Finding]:
    """A target of the registry is a file outside of the folder in which fqtool runs.

    Problem: its path is absolute, begins with ~ or climbs out by `..`.

    Why: whoever runs another's registry, in a pull request or a clone, would have files written anywhere.

    Example: local: duckdb:///../../shared/store.duckdb

    Fix: a path below the folder; another file is named by whoever runs the command, with --target or FQTOOL_TARGET.
    """
    for name, url in subject.registry.targets:
        scheme, _, path = url.partition(":///")
        if scheme == "duckdb" and (path[:1] in ("/", "~") or normpath(path).split("/")[0] == ".."):
            yield Finding(
                name,
                f"The target {name} is {url}, a file outside of this folder.",
                remedy="Write a path below it, or name that file with --target or FQTOOL_TARGET.",
                location=subject.place("targets", name),
            )
