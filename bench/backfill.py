"""How long a backfill of 90 dates takes, whole process, and whether a partition costs more the more are done.

python bench/backfill.py        written into README.md
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parent.parent
DAYS, ROWS, END = 90, 200, date(2026, 2, 6)


def main() -> None:
    """Fill a file with unscored rows, and time the command, and one statement over all of them as a floor."""
    from fqtool import load_registry
    from fqtool.migrations.plan import make_statement
    from fqtool.schema.build import desired_table
    from fqtool.scoring.merge import Partition
    from fqtool.scoring.scoring import Scoring
    from fqtool.sql import Query
    from fqtool.synthetic.season import Season
    from fqtool.table.changes import CreateTable
    from fqtool.table.model import State
    from fqtool.warehouse.duckdb.files import load
    from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse

    registry, start = load_registry(ROOT / "feature_registry.yaml"), END - timedelta(days=DAYS - 1)
    season = Season(registry, start, DAYS * 2, rows_per_day=ROWS).rows()
    rows = [row for row in season if row[registry.table.partition_by or ""] <= END]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/store.duckdb"
        with DuckDBWarehouse(path) as warehouse:
            warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
            count = load(warehouse, registry.table.name, rows)
            dates = len({row[registry.table.partition_by or ""] for row in rows})
            one = Partition(Scoring(registry), END).merge(datetime.now(UTC))
            whole = re.sub(rf"= DATE '{END}'", f"BETWEEN DATE '{start}' AND DATE '{END}'", one.sql)
            began = time.perf_counter()
            warehouse.run(Query(whole, one.parameters))
            floor = time.perf_counter() - began
        target = f"duckdb:///{path}"
        words = ["backfill", "--start", str(start), "--end", str(END), "--target", target, "--batch-days", "1"]
        command = [sys.executable, "-m", "fqtool", *words]
        began = time.perf_counter()
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        at = [time.perf_counter() - began for line in running.stderr or () if re.match(r"\d{4}-\d\d-\d\d:", line)]
        running.wait()
        alone = time.perf_counter() - began
        command = [*command[:-1], "5", "--no-resume"]
        began = time.perf_counter()
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        batched = time.perf_counter() - began
    steps = [later - earlier for earlier, later in pairwise(at)]
    third = len(steps) // 3
    early, late = (sorted(part)[third // 2] for part in (steps[:third], steps[-third:]))
    page = (
        f"{machine.line()}\n\n| {count:,} rows on {dates} dates in a file | seconds | a date | beside one statement |\n"
        "|---|---|---|---|\n"
        f"| the whole process, batches of 5 | {batched:.1f} | {batched / dates:.3f} | {batched / floor:.1f}x |\n"
        f"| the whole process, batches of 1 | {alone:.1f} | {alone / dates:.3f} | {alone / floor:.1f}x |\n"
        f"| one MERGE over all dates, which nothing could resume | {floor:.1f} | {floor / dates:.3f} | 1 |\n\n"
        f"Median of a date in the first third of the run: {early:.3f} s; in the last third: {late:.3f} s "
        f"({late / early:.2f}x).\n"
    )
    sys.stdout.write(page)
    machine.put("backfill", page)


if __name__ == "__main__":
    main()
