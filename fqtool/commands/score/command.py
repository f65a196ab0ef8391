"""fqtool score."""

from __future__ import annotations

from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.dates import date_option, day_of, moment_of
from fqtool.cli.options import (
    REGISTRY,
    RegistryPath,
    TargetUrl,
    Timeout,
    is_typed,
    max_bytes_option,
    version,
    warehouse_of,
)
from fqtool.cli.output import complain, say

if TYPE_CHECKING:
    from collections.abc import Collection

    from fqtool.commands.score.run import ScoredPartition

_WARNINGS = 20  # lines about undeclared fields

app = typer.Typer()


@app.command()
def score(
    context: typer.Context,
    registry: RegistryPath = REGISTRY,
    start: Annotated[str | None, date_option("The first date")] = None,
    end: Annotated[str | None, date_option("The last date, by default the first")] = None,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            help="Write this as the time of scoring, such as 2026-02-07T12:00Z. Default: now.",
            metavar="TIME",
        ),
    ] = None,
    max_bytes: Annotated[
        int | None,
        max_bytes_option("Refuse a date that would be billed more bytes."),
    ] = None,
    only_changed: Annotated[
        bool,
        typer.Option(
            "--only-changed", help="Skip dates whose inputs did not change since the last run with this option."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL and the bytes; change nothing.")] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", help="Score this file instead: .ndjson, .parquet, .csv, or - for NDJSON from stdin."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--output", "-o", help="File for the scores of --input; - is NDJSON on stdout.")
    ] = Path("-"),
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", help="File for unreadable records of --input. Without it they stop the command."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Treat a record as unreadable if check-record reports it.")
    ] = False,
) -> None:
    """Compute the quality columns of dates or of a file.

    One atomic statement scores neighbouring dates of the table, up to 100 dates and 100,000 rows.
    """
    from fqtool.errors import UsageError

    moment = moment_of(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
    if source is not None:
        if start or end or dry_run or only_changed or is_typed(context, "target"):
            message = "--input scores a file, so dates, --only-changed and --target do not apply."
            raise UsageError(message, remedy="Leave them out.")
        _score_file(registry, source, out, moment, rejects, strict=strict)
        return
    if rejects or strict:
        raise UsageError("--rejects and --strict need --input.", remedy="Add --input, or leave them out.")
    if start is None and end is not None:
        raise UsageError("--end needs --start, the first date.", remedy=f"Add --start {end}, or an earlier date.")
    if start is None:
        raise UsageError(
            "`fqtool score` needs dates or a file.",
            remedy="Add --start 2026-02-06 for dates, or --input rows.ndjson for a file.",
        )
    from fqtool.commands.score.run import score_partitions
    from fqtool.lint.check import open_registry

    first, last = day_of(start), day_of(start if end is None else end)
    loaded, unchanged = open_registry(registry), list[date]()
    with warehouse_of(loaded, target, timeout) as warehouse:
        scored = score_partitions(
            loaded, warehouse, first, last, as_of=moment, max_bytes=max_bytes, dry_run=dry_run, rejoin=as_of is None,
            only_changed=only_changed, tool=version() if only_changed else "", on_scored=_print,
            on_unchanged=unchanged.append,
        )  # fmt: skip
        if dry_run:
            from fqtool.scoring.merge import Span
            from fqtool.scoring.scoring import Scoring

            print(f"{Span(Scoring(loaded), first, last).merge(moment).sql};")
        if not scored and not unchanged:
            span = f"date from {first} to {last}" if first < last else f"row on {first}"
            say(f"No {span} in {warehouse.url}{' has rows' if first < last else ''}, so nothing was scored.")
            return
        rows = sum(partition.rows for partition in scored)
        verb = "would be scored" if dry_run else "scored"
        dates = f"{len(scored)} date{'s' * (len(scored) != 1)}"
        skipped = f" {counted(len(unchanged), 'date')} unchanged." if only_changed else ""
        say(f"{counted(rows, 'row')} on {dates} {verb} in {warehouse.url}.{skipped}")


def _score_file(
    registry: Path, source: Path, out: Path, moment: datetime, rejects: Path | None, *, strict: bool
) -> None:
    from fqtool.errors import UsageError
    from fqtool.lint.check import open_registry
    from fqtool.output.characters import visible
    from fqtool.warehouse.duckdb.record_files import name_of
    from fqtool.warehouse.duckdb.scorer import scorer_of
    from fqtool.warehouse.files import require_output

    if rejects == Path("-"):
        raise UsageError("--rejects needs a file.", remedy="Write it like --rejects rejects.ndjson.")
    for option, file in (("--output", out), ("--rejects", rejects)):
        if file is not None:
            require_output(file, option)
    scorer, undeclared = scorer_of(open_registry(registry)), list[str]()

    def warn(field: str) -> None:
        undeclared.append(field)
        if len(undeclared) <= _WARNINGS and not strict:
            complain(visible(_undeclared(name_of(source), field, scorer.declared or ())))

    scores = scorer.file(source, out, moment, rejects, strict=strict, on_undeclared=warn)
    if len(undeclared) > _WARNINGS and not strict:
        complain(f"warning: {len(undeclared) - _WARNINGS} more fields are not declared.")
    aside = f", {scores.rejected} written to {rejects} as unreadable" if rejects else ""
    say(f"{scores.written} record{'s' * (scores.written != 1)} scored{aside}.")
    if scores.rejected:
        raise typer.Exit(1)


def _undeclared(source: str, field: str, declared: Collection[str]) -> str:
    near = next((name for name in declared if name.lower() == field.lower()), None)
    near = near or next(iter(get_close_matches(field, declared, 1)), None)
    return f"warning: {source}: the registry does not declare `{field}`; it is ignored." + (
        f" Did you mean `{near}`?" if near else ""
    )


def _print(partition: ScoredPartition) -> None:
    parts = [f"{partition.day}: {counted(partition.rows, 'row')}"]
    if partition.without_sources:
        parts.append(f"{partition.without_sources:,} without sources, whose quality is NULL")
    if partition.bytes_processed is not None:
        parts.append(f"{partition.bytes_processed:,} bytes")
    say(", ".join(parts))
