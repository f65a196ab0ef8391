"""How long the checks of writers take beside the least that any of them could take: `python bench/writers.py [ROWS]`.

- `check-record` of NDJSON beside DuckDB reading the same file into columns of the same types, as vectors or as a table.
- `registry.check` beside `json.loads` of the same record.
- `check-code` beside `python -m compileall` of the same files.

Both of a pair take turns in this process or in processes of their own; printed are the ratios of processor time, the
median of RUNS with the least and the greatest.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import rows

if TYPE_CHECKING:
    import fqtool

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
MEMORY = "1GB"
MAPS = 14
"""Label maps of a date, as in a season: 10 to 18 in 150 to 300 rows."""
_REST = {
    "game_id": "'g' || n % 12", "feature_count": "37::BIGINT", "feature_version": "'v2_37features'",
    "data_source": "'mixed'",
}  # fmt: skip


def write_records(path: Path, count: int, maps: int = 0) -> dict[str, str]:
    """Write records that fit the registry, and return the DuckDB types of their fields.

    Args:
        path: The file.
        count: How many records.
        maps: How many different label maps the records of a date have; 0: no two records have the same.
    """
    import duckdb

    import fqtool
    from fqtool.schema.build import desired_table
    from fqtool.warehouse.duckdb.types import type_text

    registry = fqtool.load_registry(ROOT / "feature_registry.yaml")
    more = ", ".join(f"{value} AS {name}" for name, value in _REST.items())
    key = f"(HASH(game_date) + HASH(player_lookup) % {maps})" if maps else "HASH(player_lookup)"
    labels = f"{_labels(registry, key)} AS feature_sources"
    select = f"SELECT {more}, * REPLACE ({labels}) FROM ({rows.select(registry, count)})"
    select = select.replace("n % 12", "HASH(player_lookup) % 12")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"COPY ({select}) TO '{path}' (FORMAT json, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ')")
    with path.open() as stream:
        names = list(json.loads(stream.readline()))
    types = {column.name: type_text(column.type, column.mode) for column in desired_table(registry).columns}
    return {name: types[name] for name in names}


def _labels(registry: fqtool.Registry, key: str) -> str:
    """Return the SQL of labels that differ with a number, each one of its feature's."""
    listed = [list(feature.labels) for feature in registry.features]
    label = f"{listed}[i + 1][1 + (HASH({key} || ' ' || i) % LEN({listed}[i + 1]))::INT]"
    entry = f"'\"' || i || '\": \"' || {label} || '\"'"
    return f"'{{' || ARRAY_TO_STRING(LIST_TRANSFORM(RANGE({len(listed)}), LAMBDA i : {entry}), ', ') || '}}'"


def spent(words: list[str]) -> float:
    """Return the processor time of a process, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def show(what: str, target: float, ours: Callable[[], float], floor: Callable[[], float]) -> None:
    """Print the ratio of two times, taken in turns."""
    ratios = [ours() / floor() for _ in range(RUNS)]
    middle = statistics.median(ratios)
    print(f"{what}: {middle:.2f} ({min(ratios):.2f}-{max(ratios):.2f}), at most {target} asked for")


def read_types(path: Path, types: dict[str, str], into: str) -> list[str]:
    """Return the words of a process that reads a file into typed columns, as a table or as vectors alone."""
    columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in types.items()) + "}"
    read = f"read_json('{path}', columns = {columns}, format = 'newline_delimited')"
    sql = f"CREATE TABLE t AS FROM {read}" if into == "table" else f"SELECT SUM(HASH(r)) FROM {read} r"
    sql = sql if into == "table" else f"SET memory_limit = '{MEMORY}'; {sql}"
    return [sys.executable, "-c", f"import duckdb; duckdb.connect().execute({sql!r}).fetchall()"]


def main() -> None:
    """Print every ratio."""
    import fqtool

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    registry = fqtool.load_registry(ROOT / "feature_registry.yaml")
    for maps, series in ((MAPS, f"{MAPS} label maps a date"), (0, "a label map a row")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "records.ndjson")
            types = write_records(path, count, maps)
            what = f"check-record of {count:,} rows ({path.stat().st_size / 1e9:.1f} GB, {series}) beside reading into"
            check = [sys.executable, "-m", "fqtool", "check-record", str(path)]
            for into in ("table", "vectors"):
                floor = read_types(path, types, into)
                show(f"{what} {into}", 1.5, partial(spent, check), partial(spent, floor))
            with path.open() as stream:
                line = stream.readline()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"  largest process: {peak:.2f} GB")
    record = json.loads(line)
    if registry.check(record):
        raise SystemExit(f"the record does not fit: {registry.check(record)}")
    repeat = 2_000
    show(
        "registry.check beside json.loads", 5,
        lambda: timeit.timeit(lambda: registry.check(record), number=repeat),
        lambda: timeit.timeit(lambda: json.loads(line), number=repeat),
    )  # fmt: skip
    code = [sys.executable, "-m", "fqtool", "check-code", "fqtool", "tests", "bench"]
    compiled = [sys.executable, "-m", "compileall", "-q", "-f", "fqtool", "tests", "bench"]
    show("check-code beside compileall", 3, lambda: spent(code), lambda: spent(compiled))


if __name__ == "__main__":
    main()
