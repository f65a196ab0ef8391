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

from tests.bed.running import ROOT
from tests.in_process import fqtool
from tests.writers import RECORD, REGISTRY_FILE, as_csv, as_ndjson, store_in

SIZE = 32_000_000
LIMIT = SIZE // 4
_CHILD = """
import re, sys
from pathlib import Path
from fqtool.commands.check_record.run import check_file
from fqtool.records.check import RecordCheck
from fqtool.warehouse.duckdb.creation import CONFIG
from fqtool.registry.load import read_registry

CONFIG["memory_limit"] = "24MB"

def peak() -> int:
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

check = RecordCheck(read_registry(Path(sys.argv[1])))
check_file(check, Path(sys.argv[2]))
Path("/proc/self/clear_refs").write_text("5")  # the peak starts from what the process has now
before = peak()
checked = check_file(check, Path(sys.argv[3]))
print(checked.records, len(checked.findings), peak() - before)
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


@pytest.mark.parametrize("ending", ["ndjson", "ndjson.gz", "csv", "avro"])
def test_a_file_of_four_times_the_memory_passes(tmp_path: Path, ending: str) -> None:
    """A process that has checked a short file grows by less than 8 MB while it checks 32 MB."""
    assert _grown(tmp_path, ending, MANY) < LIMIT


def test_a_parquet_file_of_four_times_duckdbs_limit_passes(tmp_path: Path) -> None:
    """DuckDB reads 96 MB with memory_limit at 24 MB; it would refuse to keep them."""
    assert _grown(tmp_path, "parquet", 3 * MANY) < 3 * SIZE


@pytest.mark.parametrize("command", ["check-record long.parquet", "score --input long.parquet --output scores.ndjson"])
def test_too_little_memory_is_a_sentence(tmp_path: Path, command: str) -> None:
    """Not an internal error."""
    store_in(tmp_path)
    _write(tmp_path / "long.parquet", 2048)
    done = fqtool(tmp_path, "--memory", "2MB", *command.split())
    assert done.code == 3, done.said
    assert "DuckDB needs more memory than it may use to read or write long.parquet." in done.err
    assert "fix: Free memory, raise --memory" in done.err


def test_scoring_a_file_of_twice_the_memory(tmp_path: Path) -> None:
    """Scores are written while records are read: DuckDB could not keep 256 MB of records in 128 MB."""
    store_in(tmp_path)
    _write(tmp_path / "long.parquet", 8 * MANY)
    done = fqtool(tmp_path, "--memory", "128MB", "score", "--input", "long.parquet", "--output", "scores.ndjson")
    assert done.code == 0, done.said
    with (tmp_path / "scores.ndjson").open("rb") as lines:
        assert sum(1 for _ in lines) == 8 * MANY


@pytest.mark.parametrize("size", ["2", "GB", "-1GB", "two"])
def test_a_memory_that_is_not_a_size_is_refused(tmp_path: Path, size: str) -> None:
    """Before any work."""
    done = fqtool(tmp_path, "--memory", size, "validate")
    assert done.code == 2, done.said
    assert "is not a size such as 500MB or 2GB" in done.err


def test_a_process_without_memory_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A MemoryError of Python is neither a traceback nor an internal error."""

    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("fqtool.commands.validate.run.validated", exhausted)
    done = fqtool(tmp_path, "validate")
    assert (done.code, done.err.splitlines()[0]) == (3, "error: The process has too little memory."), done.said


@pytest.mark.parametrize("kilobytes", [150_000, 400_000, 800_000])
def test_a_limited_process_ends_with_a_sentence(tmp_path: Path, kilobytes: int) -> None:
    """DuckDB itself would crash where it cannot start a thread."""
    store_in(tmp_path)
    shell = f'ulimit -v {kilobytes}; exec "$0" -m fqtool check-drift'
    done = subprocess.run(
        ["/bin/bash", "-c", shell, sys.executable], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("error: DuckDB needs more memory than it may use"), done.stderr


def _grown(folder: Path, ending: str, records: int) -> int:
    """Check a short and a long file in a process of its own, and return by how much the long one made it grow."""
    short, long = _write(folder / f"short.{ending}", 2), _write(folder / f"long.{ending}", records)
    words = [sys.executable, "-c", _CHILD, str(REGISTRY_FILE), str(short), str(long)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ | {"MALLOC_ARENA_MAX": "1"})
    counted, problems, grown = map(int, done.stdout.split())
    assert (counted, problems) == (records, 0)
    return grown
