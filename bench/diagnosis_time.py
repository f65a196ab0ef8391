"""How long a diagnosis takes over a season, beside a UNION ALL of one SELECT per feature that asks less.

python bench/diagnosis_time.py        written into README.md
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import machine
from scoring import Run, run

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 2, 7, tzinfo=UTC)
DAYS, DAY = 113, date(2026, 2, 6)
BARE = """
import sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection, open(sys.argv[2]) as query:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(query.read()).fetchall()
"""
"""Python, DuckDB and the query that diagnosis sends, already translated."""


def best(work: Callable[[], object], times: int = 5) -> float:
    """The least seconds of some tries."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def in_turns(*commands: list[str], times: int = 5) -> list[Run]:
    """The run of each command with the least processor time."""
    runs = [[run(words, ends=(0, 1)) for words in commands] for _ in range(times)]
    return [min(of_command, key=lambda one: one.processor) for of_command in zip(*runs, strict=True)]


def main() -> None:
    """Fill a file with a season, and time."""
    from fqtool import load_registry
    from fqtool.commands.diagnose.run import diagnosis_of
    from fqtool.commands.diagnose.stats_query import Evidence
    from fqtool.migrations.plan import make_statement
    from fqtool.schema.build import desired_table
    from fqtool.sql import Query, ident, literal
    from fqtool.synthetic.incidents import Incident
    from fqtool.synthetic.season import Season
    from fqtool.table.changes import CreateTable
    from fqtool.table.model import State
    from fqtool.warehouse.duckdb.catalog import schemas
    from fqtool.warehouse.duckdb.files import load
    from fqtool.warehouse.duckdb.transpile.dialect import tables_in, to_duckdb
    from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse

    registry = load_registry(ROOT / "feature_registry.yaml")
    start = DAY - timedelta(days=DAYS)
    with tempfile.TemporaryDirectory() as folder, DuckDBWarehouse(f"{folder}/season.duckdb") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        rows = list(
            Season(registry, start, DAYS + 1).rows([Incident("masked", DAY, DAY, "PlayerCompositeFactorsProcessor")])
        )
        made = registry.score(rows, as_of=NOW)
        count = load(warehouse, registry.table.name, (row | one for row, one in zip(rows, made, strict=True)))
        evidence = Evidence(registry)
        name, day = registry.table.name, ident(registry.table.partition_by or "")
        branches = "\nUNION ALL ".join(
            f"SELECT {day}, {index} AS feature, AVG(feature_{index}_quality) AS quality, "
            f"COUNTIF({source} = 'default') AS defaults FROM {name} "
            f"WHERE {day} BETWEEN {literal(start)} AND {literal(DAY)} GROUP BY 1, 2"
            for index, source in evidence.sources.items()
        )
        fortnight = best(lambda: diagnosis_of(registry, warehouse, DAY))
        season = best(lambda: diagnosis_of(registry, warehouse, DAY, DAYS))
        union = best(lambda: warehouse.rows(Query(branches)))
        found = diagnosis_of(registry, warehouse, DAY).findings
        question = evidence.query(DAY - timedelta(days=14), DAY)
        sql = to_duckdb(question.sql, schemas(warehouse.connection(), tables_in(question.sql)))
        warehouse.close()  # or the file would be locked
        Path(folder, "bare.py").write_text(BARE)
        Path(folder, "query.sql").write_text(sql)
        bare = [sys.executable, f"{folder}/bare.py", f"{folder}/season.duckdb", f"{folder}/query.sql"]
        command = [sys.executable, "-m", "fqtool", "diagnose", "--date", str(DAY)]
        command += ["--target", f"duckdb:///{folder}/season.duckdb"]
        ours, theirs, whole = in_turns(command, bare, [*command, "--baseline", str(DAYS)])
    page = (
        f"{machine.line()}\n\n| whole process, over {count:,} rows in a file | processor seconds | beside |\n"
        "|---|---|---|\n"
        f"| diagnose, 14 days before | {ours.processor:.2f} | {ours.processor / theirs.processor:.1f}x |\n"
        f"| Python, DuckDB and the same query, translated | {theirs.processor:.2f} | 1 |\n"
        f"| diagnose, the season before | {whole.processor:.2f} | {whole.processor / theirs.processor:.1f}x |\n\n"
        "| in a process | seconds | beside the union |\n|---|---|---|\n"
        f"| diagnose, 14 days before | {fortnight:.2f} | {fortnight / union:.1f}x |\n"
        f"| diagnose, the season before | {season:.2f} | {season / union:.1f}x |\n"
        f"| 37 SELECTs of mean quality and default rate, UNION ALL | {union:.2f} | 1 |\n\n"
        f"The incident was masked; found: {', '.join(f'{one.rule} {one.subject}' for one in found)}.\n"
    )
    sys.stdout.write(page)
    machine.put("diagnosis", page)


if __name__ == "__main__":
    main()
