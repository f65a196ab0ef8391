"""How fast scoring is, beside a plain Python scorer and beside merely writing the finished columns.

    python bench/scoring.py                    all of it, a quarter of an hour; written into README.md
    python bench/scoring.py --rows 18000       only that size, printed

Every figure comes from a process of its own, so that peak memory is its own too.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import machine
import rows

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 2, 7, tzinfo=UTC)
SIZES = (18_000, 1_000_000, 5_000_000)
MOST_IN_MEMORY = 1_000_000
PLAIN_SAMPLE = 20_000
# The peer has other names for processors, and rounds 11.975 up, which as a float is less than it looks.
_TOLD_OTHERWISE = {"upstream_processors_ran", "missing_processors", "upstream_data_freshness_hours"}


def scorer() -> Any:
    """What scores by the repository's registry."""
    import fqtool
    from fqtool.warehouse.duckdb.scorer import scorer_of

    return scorer_of(fqtool.load_registry(ROOT / "feature_registry.yaml"))


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_table(count: int, threads: int, *, disk: bool) -> dict[str, float]:
    """Score a table into a table; then copy the finished columns to the same place."""
    import duckdb

    import fqtool

    made = scorer()
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(f"{folder}/bench.duckdb" if disk else ":memory:")
        connection.execute(f"SET TimeZone = 'UTC'; SET threads = {threads}; SET temp_directory = '{folder}'")
        base = rows.select(fqtool.load_registry(ROOT / "feature_registry.yaml"), count)
        connection.execute(f"CREATE TABLE {rows.TABLE} AS {base}")
        query = f"WITH {made._query}".replace("CAST($computed_at AS TIMESTAMPTZ)", f"TIMESTAMPTZ '{NOW.isoformat()}'")
        flush = "; CHECKPOINT" if disk else ""
        connection.execute(f"CREATE TABLE finished AS {query}{flush}")
        peak = peak_gb()
        # In turns, and the better of each: who comes first pays for memory that the next finds ready.
        taken: dict[str, list[float]] = {query: [], "FROM finished": []}
        for select in [*taken] * (2 if count <= MOST_IN_MEMORY else 1):
            statement = f"CREATE TABLE made AS {select}{flush}"
            taken[select].append(timed(partial(connection.execute, statement)))
            connection.execute(f"DROP TABLE made{flush}")
        planned = timed(lambda: connection.execute(f"EXPLAIN {query}").fetchall())
    return {"seconds": min(taken[query]), "floor": min(taken["FROM finished"]), "peak_gb": peak, "plan": planned}


def in_parquet(count: int, threads: int) -> dict[str, float]:
    """Score a Parquet file into a Parquet file, as `fqtool score --input --output` does; then copy the result."""
    import duckdb

    import fqtool

    made = scorer()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.parquet"), Path(folder, "out.parquet")
        made._connection.execute(f"SET threads = {threads}; SET temp_directory = '{folder}'")
        base = rows.select(fqtool.load_registry(ROOT / "feature_registry.yaml"), count)
        duckdb.execute(f"COPY ({base}) TO '{source}' (FORMAT parquet)")
        scored = timed(lambda: made.file(source, out, NOW))
        peak = peak_gb()
        copy = f"COPY (FROM '{out}') TO '{folder}/copy.parquet' (FORMAT parquet, COMPRESSION zstd)"
        floor = min(timed(lambda: made._connection.execute(copy)) for _ in range(2))
    return {"seconds": scored, "floor": floor, "peak_gb": peak}


def plain(count: int, threads: int) -> dict[str, float]:  # noqa: ARG001  Python has one
    """Score a sample of the rows with dicts, after checking on some that both scorers agree."""
    import duckdb
    from dict_scorer import DictScorer

    import fqtool

    registry = fqtool.load_registry(ROOT / "feature_registry.yaml")
    duckdb.execute("SET TimeZone = 'UTC'")
    result = duckdb.execute(rows.select(registry, min(count, PLAIN_SAMPLE)))
    names = [column[0] for column in result.description]
    records = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    peer = DictScorer(registry)
    for ours, theirs in zip(registry.score(records[:500], as_of=NOW), records[:500], strict=True):
        other = peer.score(theirs, NOW)
        for name in set(other) - _TOLD_OTHERWISE:
            a, b = ours[name], other[name]
            same = json.loads(a) == json.loads(b) if name.endswith("_json") else a == b or float(a) == b
            if not same:
                raise SystemExit(f"the scorers disagree on {name}: {a!r} and {b!r}")
    seconds = timed(lambda: [peer.score(one, NOW) for one in records])
    return {"seconds": seconds * count / len(records), "peak_gb": peak_gb()}


def records(count: int, threads: int) -> dict[str, float]:  # noqa: ARG001  one connection decides
    """The Python API: first use with everything loaded, then warm."""
    start = time.perf_counter()
    import fqtool

    registry = fqtool.load_registry(ROOT / "feature_registry.yaml")
    one = {"player_lookup": "a", "game_date": "2026-02-06", "features": [1.0] * 37}
    one["feature_sources"] = {str(index): "phase4" for index in range(37)}  # type: ignore[assignment]
    registry.score([one], as_of=NOW)
    first = time.perf_counter() - start
    warm = min(timed(lambda: registry.score([one], as_of=NOW)) for _ in range(9))
    thousand = min(timed(lambda: registry.score([one] * 1000, as_of=NOW)) for _ in range(5))
    return {"first": first, "one": warm, "thousand": thousand, "seconds": thousand, "peak_gb": peak_gb()}


KINDS: dict[str, Callable[[int, int], dict[str, float]]] = {
    "memory": lambda count, threads: in_table(count, threads, disk=False),
    "disk": lambda count, threads: in_table(count, threads, disk=True),
    "parquet": in_parquet,
    "plain": plain,
    "records": records,
}


def peak_gb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def measured(kind: str, count: int, threads: int) -> dict[str, float]:
    """Measure in a process of its own."""
    words = [sys.executable, __file__, "--measure", kind, "--rows", str(count), "--threads", str(threads)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{kind} {count}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(kind, count, threads, found, file=sys.stderr)
    return found


def table(sizes: tuple[int, ...]) -> str:
    """Measure all and return the page."""
    lines = [
        "| rows | where | threads | rows/s | seconds | floor, s | beside the floor | beside plain Python | peak |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for count in sizes:
        peer = measured("plain", count, 1)
        for kind in ("memory", "disk", "parquet"):
            if kind == "memory" and count > MOST_IN_MEMORY:
                continue
            for threads in (1, 2):
                one = measured(kind, count, threads)
                lines.append(
                    f"| {count:,} | {kind} | {threads} | {count / one['seconds']:,.0f} | {one['seconds']:.2f} | "
                    f"{one['floor']:.2f} | {one['seconds'] / one['floor']:.1f}x slower | "
                    f"{peer['seconds'] / one['seconds']:.1f}x faster | {one['peak_gb']:.1f} GB |"
                )
        lines.append(
            f"| {count:,} | plain Python | 1 | {count / peer['seconds']:,.0f} | {peer['seconds']:.2f} | | | 1 | |"
        )
    api = measured("records", 1000, 1)
    lines += [
        "",
        (
            f"Records of a program: first use {api['first']:.2f} s with all that is loaded, one warm record "
            f"{api['one'] * 1000:.0f} ms, 1,000 warm records {api['thousand'] * 1000:.0f} ms."
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure one thing, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=KINDS)
    parser.add_argument("--rows", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(KINDS[given.measure](given.rows[0], given.threads)))
        return
    page = f"{machine.line()}\n\n{table(tuple(given.rows))}"
    print(page)
    if tuple(given.rows) == SIZES:
        machine.put("scoring", page)


if __name__ == "__main__":
    main()
