"""What may be wrong with the place that fqtool runs in: versions and permissions."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule


@rule("FQ901")
def permission_missing(permission: str, allows: str, stops: tuple[str, ...], role: str) -> Iterator[Finding]:
    """A permission is missing that a command needs.

    Problem: BigQuery denied a dry run, or a look, that needs the permission.

    Why: the command would end in the middle of its work, with exit code 3.

    Example: bigquery.tables.updateData is missing, so score and backfill cannot change rows.

    Fix: grant the role of the remedy, or ask only about the commands that this identity shall run: `fqtool doctor
    --for check-drift`.
    """
    names = ", ".join(stops)
    yield Finding(permission, f"{permission} is missing, to {allows}: {names}.", remedy=f"Grant {role}.")


@rule("FQ902", Severity.WARNING)
def version_outside(package: str, installed: str, wanted: str) -> Iterator[Finding]:
    """A library has a version that fqtool was not made for.

    Problem: what is installed lies outside the bounds that fqtool declares, or is not installed at all.

    Why: dialects and clients change; SQL that was tested with another version may mean something else.

    Example: sqlglot 26.0 is installed; fqtool needs >=30.30.

    Fix: install fqtool in an environment of its own, with `pip install --upgrade`.
    """
    message = f"{package} {installed} is installed" if installed else f"{package} is not installed"
    yield Finding(package, f"{message}; fqtool needs {wanted}.", remedy=f"pip install --upgrade '{package}{wanted}'")


@rule("FQ903", Severity.NOTE)
def table_not_there(table: str, url: str) -> Iterator[Finding]:
    """The target has no table yet.

    Problem: the dataset answers, and the registry's table is not in it.

    Why: rights on a table that is not there cannot be proved; only what holds for dataset and project is.

    Example: feature_store is not in bigquery://project/dataset.

    Fix: `fqtool migrate` makes it; look at the name and the target if it should be there.
    """
    yield Finding(table, f"{table} is not in {url} yet.", remedy="fqtool migrate makes it.")
