"""Rules about the environment of fqtool: versions and permissions."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.remedy import Commands, commands


@rule("FQ901", group=Group.SETUP)
def permission_missing(permission: str, allows: str, stops: tuple[str, ...], role: str) -> Iterator[Finding]:
    """A permission that a command needs is missing.

    Problem: BigQuery denied a dry run or a metadata read that needs the permission.

    Why: The command would stop in the middle of its work, with exit code 3.

    Example: `bigquery.tables.updateData` is missing, so `score` and `backfill` cannot change rows.

    Fix: Grant the role, or check only the commands that this identity runs: `fqtool doctor --for check-drift`.
    """
    names = ", ".join(stops)
    yield Finding(
        permission, f"{permission} is missing. It is needed to {allows}, by {names}.", remedy=f"Grant {role}."
    )


@rule("FQ902", Severity.WARNING, group=Group.SETUP)
def version_outside(package: str, installed: str, needed: str) -> Iterator[Finding]:
    """A library has a version that fqtool does not support.

    Problem: The installed version is outside the bounds that fqtool declares, or the library is not installed.

    Why: SQL dialects and clients change between versions, so SQL may have another meaning.

    Example: sqlglot 26.0 is installed; fqtool needs >=30.30.

    Fix: Install fqtool in an environment of its own, with `pip install --upgrade`.
    """
    message = f"{package} {installed} is installed" if installed else f"{package} is not installed"
    yield Finding(
        package,
        f"{message}; fqtool needs {needed}.",
        remedy=Commands((("pip", "install", "--upgrade", f"{package}{needed}"),)),
    )


@rule("FQ903", Severity.NOTE, group=Group.SETUP)
def table_missing(table: str, url: str) -> Iterator[Finding]:
    """The target does not have the table of the registry yet.

    Problem: The dataset answers, but it does not contain the table.

    Why: Permissions on a missing table cannot be checked. Only those on dataset and project are.

    Example: feature_store is not in bigquery://project/dataset.

    Fix: Run `fqtool migrate` to create it. Where the table should exist, check its name and the target.
    """
    yield Finding(table, f"{table} is not in {url} yet.", remedy=commands("migrate"))
