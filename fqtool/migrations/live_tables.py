"""Rules about live tables: kinds that BigQuery does not alter, and settings that this version does not know."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.remedy import commands
from fqtool.sql import ident
from fqtool.table.model import Table, View, other_kind
from fqtool.table.properties import unknown_properties


@rule("FQ316", group=Group.LIVE)
def another_kind_of_table(live: Table | View, url: str, *, declared: str = "table") -> Iterator[Finding]:
    """A table or view of the registry is of another kind, such as an external table or a snapshot.

    Problem: BigQuery does not change the columns or the rows of such a table, so it cannot be migrated or scored. It
    does not replace a table with a view.

    Why: Another tool created it, or `table: name:` names the wrong table.

    Example: feature_store is a snapshot that was created before a migration.

    Fix: Set `table: name:` in the registry to an ordinary table. The printed command creates one; a clone is an
    ordinary table. Add the PARTITION BY and CLUSTER BY of the registry to a copy by SELECT, because BigQuery cannot
    partition the table later. Write the rows of a view into the table each day. A table with the name of a view is
    dropped or renamed first.
    """
    if declared == "view":
        name = ident(live.name)
        first = f"Rename the table (ALTER TABLE {name} RENAME TO {ident(f'{live.name}_table')};), or drop it. Then:"
        remedy = commands("migrate plan", "migrate", first=first)
        yield Finding(live.name, f"`{live.name}` is a table; the registry declares a view.", remedy=remedy)
        return
    kind = other_kind(live)
    if kind:
        each_day = "Write its rows into a table each day. " if isinstance(live, View) else ""
        yield Finding(
            live.name,
            f"`{live.name}` is {kind}; BigQuery cannot change its columns or rows.",
            remedy=f"{each_day}Set `table: name:` in the registry to an ordinary table. To create one: "
            f"{_ordinary(live, url)}",
        )


@rule("FQ317", Severity.NOTE, group=Group.LIVE)
def unknown_setting(live: Table) -> Iterator[Finding]:
    """BigQuery reports a setting of the table or of a column that this version of fqtool does not know.

    Problem: There is no problem for the registry: a setting that it does not declare is not changed.

    Why: BigQuery has settings that are newer than this version.

    Example: tables.get has `biglakeConfiguration`, the location of the data files.

    Fix: No fix is needed. A newer version may know the setting.
    """
    if unknown := tuple(unknown_properties(live)):
        yield Finding(
            live.name,
            f"BigQuery reports settings of `{live.name}` that this version does not know; they are not changed: "
            f"{', '.join(unknown)}.",
        )


def _ordinary(live: Table | View, url: str) -> str:
    """Return what makes an ordinary table of another one: SQL, or the command of BigQuery that runs it."""
    name, new = ident(live.name), ident(f"{live.name}_table")
    if url.startswith("duckdb:"):
        return f"CREATE TABLE {new} AS SELECT * FROM {name};".replace("`", '"')
    clone = isinstance(live, Table) and live.type == "SNAPSHOT"
    sql = f"CREATE TABLE {new} {'CLONE' if clone else 'AS SELECT * FROM'} {name}"
    command = f"bq query --nouse_legacy_sql --dataset_id=DATASET '{sql}'"
    return command if clone else f"{command} (add the PARTITION BY and CLUSTER BY of the registry)"
