"""fqtool score and fqtool generate-sql."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from fqtool.cli.options import REGISTRY, RegistryPath, TargetUrl, Timeout, day_of, moment_of, warehouse_of
from fqtool.cli.saying import say

if TYPE_CHECKING:
    from fqtool.table.model import Table
    from fqtool.verbs.score import Scored

app = typer.Typer()


@app.command("generate-sql")
def generate_sql(
    kind: Annotated[str, typer.Argument(help="scoring, table, view, detection or monitoring.")],
    registry: RegistryPath = REGISTRY,
    dialect: Annotated[str, typer.Option(help="bigquery or duckdb.")] = "bigquery",
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write; - is stdout.")] = Path("-"),
) -> None:
    """Print the SQL that fqtool generates from the registry."""
    from fqtool.verbs.generate_sql import generated_sql
    from fqtool.verbs.workspace import open_registry

    def to_duckdb(sql: str, table: Table) -> str:
        from fqtool.warehouse.duckdb_dialect import schema_of, to_duckdb

        return to_duckdb(sql, (schema_of(table.name, table.columns),))

    text = generated_sql(open_registry(registry), kind, dialect, to_duckdb)
    if str(out) == "-":
        sys.stdout.write(text)
        return
    from fqtool.warehouse.disk import write_text

    write_text(out, text)
    say(f"Wrote {out}.")


@app.command()
def score(
    registry: RegistryPath = REGISTRY,
    start: Annotated[str | None, typer.Option(help="The first date, e.g. 2026-02-06.", metavar="DATE")] = None,
    end: Annotated[str | None, typer.Option(help="The last date; without it, the first.", metavar="DATE")] = None,
    target: TargetUrl = None,
    timeout: Timeout = 30.0,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="What quality_computed_at will hold; now, unless given.", metavar="TIME"),
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", help="Let BigQuery refuse a date that would bill more.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL and the bytes; change nothing.")] = False,
    source: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="Score this file instead: .ndjson, .parquet, .csv, or - for NDJSON."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--output", "-o", help="Where the scores of --input go; - is NDJSON on stdout.")
    ] = Path("-"),
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Set unreadable records of --input aside here; else they stop it.")
    ] = None,
) -> None:
    """Compute all quality columns: of rows that stand in the table, one atomic statement a date, or of a file."""
    from fqtool.errors import UsageError

    moment = moment_of(as_of) if as_of else datetime.now(UTC).replace(microsecond=0)
    if source is not None:
        if start or end or target or dry_run:
            raise UsageError("--input scores a file, without dates and without a target.", remedy="Leave those out.")
        _score_file(registry, source, out, moment, rejects)
        return
    first = day_of(start) if start else None
    if first is None:
        raise UsageError(
            "score needs to know which dates, or which file.",
            remedy="fqtool score --start 2026-02-06, or fqtool score --input rows.ndjson",
        )
    _score_dates(
        registry, target, timeout, Dates(first, day_of(end) if end else first), moment, max_bytes, dry_run=dry_run
    )


class Dates(NamedTuple):
    """The first and the last date."""

    start: date
    end: date


def _score_file(registry: Path, source: Path, out: Path, moment: datetime, rejects: Path | None) -> None:
    from fqtool.verbs.score_records import scorer_of
    from fqtool.verbs.workspace import open_registry

    done = scorer_of(open_registry(registry)).file(source, out, moment, rejects)
    aside = f", {done.rejected} set aside in {rejects}" if rejects else ""
    say(f"{done.written} record{'s' * (done.written != 1)} scored{aside}.")
    if done.rejected:
        raise typer.Exit(1)


def _score_dates(
    registry: Path,
    target: str | None,
    timeout: float,
    dates: Dates,
    moment: datetime,
    max_bytes: int | None,
    *,
    dry_run: bool,
) -> None:
    from fqtool.verbs.score import score_partitions
    from fqtool.verbs.workspace import open_registry

    loaded = open_registry(registry)
    with warehouse_of(loaded, target, timeout) as warehouse:
        done = score_partitions(
            loaded, warehouse, *dates, as_of=moment, max_bytes=max_bytes, dry_run=dry_run, on_scored=_tell
        )
        if dry_run:
            from fqtool.quality.merge import Partition
            from fqtool.quality.scoring import Scoring

            print(f"{Partition(Scoring(loaded), dates.start).merge(moment).sql};")
        rows = sum(one.rows for one in done)
        word = "would be scored" if dry_run else "scored"
        say(f"{rows} rows on {len(done)} dates {word} in {warehouse.url}.")


def _tell(one: Scored) -> None:
    parts = [f"{one.day}: {one.rows} rows"]
    if one.without_sources:
        parts.append(f"{one.without_sources} without sources, their quality is NULL")
    if one.bytes_processed is not None:
        parts.append(f"{one.bytes_processed:,} bytes")
    say(", ".join(parts))
