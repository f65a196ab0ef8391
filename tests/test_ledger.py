"""Laws of the ledger as values: what a row records, and what the rows of a migration mean together."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from fqtool.migrations.files import read_file, read_files
from fqtool.migrations.ledger import COLUMNS, Entry, Revision, Status, entries_of, entry_for, last_attempt, revisions
from tests.stores import planned_in, small_registry

NOW = datetime(2026, 2, 6, 18, 30, tzinfo=UTC)
ONE = Entry("0001", 1, 1, "applied", 2, "0001_a.sql", "f1", "p1", "job1", "me@host:1", "fqtool 1", "t0", "t1")


def test_an_entry_records_what_runs_where_and_by_whom(tmp_path: Path) -> None:
    """Every field of a statement that is about to run is recorded; it is begun, and neither ended nor wrong."""
    planned_in(tmp_path, small_registry())
    file = read_files({one.name: one.read_text() for one in tmp_path.glob("*.sql")})[1]
    entry = entry_for(file, 2, 3, table="t", target="duckdb:///a", runner="me@host:1", tool="fqtool 1", now=NOW)
    assert asdict(entry) | {"job": ""} == {
        # quotation: the name of a column of the ledger
        "version": "0001", "statement": 2, "attempt": 3, "standing": "started", "total": len(file.statements),
        "file": file.name, "file_hash": file.hash, "partial_hash": file.partial_hashes[1], "job": "",
        "runner": "me@host:1", "tool": "fqtool 1", "started_at": "2026-02-06T18:30:00+00:00", "finished_at": "",
        "error": "", "table_name": "t",
    }  # fmt: skip


def test_a_job_id_follows_from_what_runs_where() -> None:
    """The same attempt of the same statement on the same target has the same id in every process, and no other has it.

    The ids are written out: a version that made others would run again what an earlier one has begun.
    """
    texts = ("ALTER TABLE `t`\n  ADD COLUMN `x` STRING;", "ALTER TABLE `t`\n  ADD COLUMN `y` STRING;")
    file = read_file("0001_a.sql", "\n\n".join(("-- fqtool migration 0001: a", *texts)) + "\n")

    def job(statement: int = 1, attempt: int = 1, target: str = "duckdb:///a", runner: str = "me@host:1") -> str:
        return entry_for(file, statement, attempt, table="t", target=target, runner=runner, tool="1", now=NOW).job

    assert job() == "fqtool_0001_1_3ed7709fa1d68b1d_1"
    assert job(runner="other@host:2") == job()
    assert job(2, 7) == "fqtool_0001_2_c84a2f5c7ff03302_7"
    assert job(target="duckdb:///b") == "fqtool_0001_1_2e565347259941df_1"


def test_rows_are_read_as_they_were_written() -> None:
    """Times come back as text, and NULL as nothing of its kind, in order of version, statement and attempt."""
    row = asdict(ONE) | {"started_at": NOW, "finished_at": None, "error": None, "total": None}
    second = asdict(replace(ONE, statement=2))
    read = entries_of([second, row])
    assert read == (
        replace(ONE, started_at="2026-02-06T18:30:00+00:00", finished_at="", total=0),
        replace(ONE, statement=2),
    )
    assert set(COLUMNS) == set(row)


def test_statements_make_a_migration() -> None:
    """What counts of each statement is its last attempt; the migration has the last one's runner, time and error."""
    failed = replace(ONE, statement=2, standing="failed", error="No quota.", partial_hash="p2", finished_at="t2")
    begun = replace(failed, attempt=2, standing="started", error="", runner="you@host:2", finished_at="")
    done = replace(begun, standing="applied", finished_at="t3")

    def folded(*entries: Entry) -> Revision:
        (made,) = revisions(entries)
        return made

    base = Revision("0001", 1, 2, "f1", ("p1",), "", False, "me@host:1", "t1", file="0001_a.sql")
    assert folded(ONE) == base
    assert folded(ONE, failed) == replace(base, error="No quota.", finished_at="t2")
    assert folded(ONE, failed, begun) == replace(base, runner="you@host:2", finished_at="")
    whole = folded(ONE, failed, done)
    assert whole == replace(base, applied=2, partial_hashes=("p1", "p2"), runner="you@host:2", finished_at="t3")
    assert (base.complete, whole.complete) == (False, True)
    assert last_attempt((ONE, failed, done), "0001", 2) == done
    assert last_attempt((ONE,), "0001", 2) is None


def test_a_migration_is_adopted_if_all_of_it_was_found() -> None:
    """One statement that ran makes it an applied one; one that is only begun makes it neither."""
    found = replace(ONE, standing=Status.ADOPTED)

    def adopted(*entries: Entry) -> list[bool]:
        return [one.adopted for one in revisions(entries)]

    assert adopted(found, replace(found, statement=2)) == [True]
    assert adopted(found, replace(ONE, statement=2)) == [False]
    assert adopted(replace(ONE, standing="started")) == [False]
    assert adopted(found, replace(ONE, version="0002"), replace(ONE, version="lease", standing="lease")) == [
        True,
        False,
    ]
