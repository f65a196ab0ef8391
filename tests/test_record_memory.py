"""The law of memory: a file of records of any format is checked in a fraction of the memory that the file takes."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import fastavro
import pytest

from tests.writers import RECORD, REGISTRY_FILE, as_csv, as_ndjson

SIZE = 32_000_000
LIMIT = SIZE // 4
_CHILD = """
import resource, sys
from pathlib import Path
from fqtool.commands.check_record.run import check_file
from fqtool.records.check import RecordCheck
from fqtool.registry.load import read_registry

check = RecordCheck(read_registry(Path(sys.argv[1])))
check_file(check, Path(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
checked = check_file(check, Path(sys.argv[3]))
print(checked.records, len(checked.findings), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
_SCHEMA = {
    "type": "record",
    "name": "row",
    "fields": [
        {"name": "player", "type": "string"},
        {"name": "day", "type": "string"},
        {"name": "features", "type": {"type": "array", "items": "double"}},
        {"name": "vector_version", "type": "string"},
    ],
}
PLAIN = {name: RECORD[name] for name in ("player", "day", "features", "vector_version")}
LONG = PLAIN | {"player": "a" * 3_000}
MANY = SIZE // 3_000


def _write(path: Path, records: int) -> Path:
    """Write long records in the format of a name."""
    match "".join(path.suffixes):
        case ".ndjson":
            return as_ndjson(path, [LONG] * records)
        case ".ndjson.gz":
            path.write_bytes(gzip.compress(json.dumps(LONG).encode() + b"\n", 1) * records)
        case ".csv":
            return as_csv(path, [LONG] * records)
        case ".avro":
            with path.open("wb") as stream:
                fastavro.writer(stream, _SCHEMA, ([LONG] * records))
        case _:
            lines = as_ndjson(path.with_suffix(".ndjson"), [PLAIN])
            duckdb.sql(
                f"COPY (SELECT * EXCLUDE (i) REPLACE (REPEAT(MD5(i::VARCHAR), 94) AS player) "
                f"FROM RANGE({records}) t(i), READ_NDJSON('{lines}')) TO '{path}' "
                "(FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 2048)"
            )
    return path


@pytest.mark.parametrize("ending", ["ndjson", "ndjson.gz", "csv", "avro", "parquet"])
def test_a_file_of_four_times_the_memory_passes(tmp_path: Path, ending: str) -> None:
    """The process that checks 32 MB grows by less than 8 MB over one that has checked a short file."""
    short, long = _write(tmp_path / f"short.{ending}", 2), _write(tmp_path / f"long.{ending}", MANY)
    words = [sys.executable, "-c", _CHILD, str(REGISTRY_FILE), str(short), str(long)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ | {"MALLOC_ARENA_MAX": "1"})
    records, problems, grown = map(int, done.stdout.split())
    assert (records, problems) == (MANY, 0)
    assert grown < LIMIT
