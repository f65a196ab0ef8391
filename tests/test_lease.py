"""Laws of the lease: never two hold it, whatever their clocks and names, and none is refused by one who has left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fqtool.commands.migrate.lease import Lease, is_dead, place, prepare_ledger
from fqtool.errors import Busy, StatementFailed
from fqtool.migrations.ledger import LEDGER, Entry, leases
from fqtool.sql import Query, ident
from fqtool.table.ddl import Statement
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Outcome, Writing
from fqtool.workspace import ledger_entries

TABLE = "store"
HOUR = timedelta(hours=1)


class Meddled(DuckDBWarehouse):
    """A warehouse in which `meanwhile` happens right after the first MERGE that is run in it."""

    meanwhile: Callable[[], object] | None = None

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Pass on, and let happen what is to happen."""
        done = super().run(work, **how)
        if self.meanwhile and isinstance(work, Query) and work.sql.startswith("MERGE"):
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return done


@pytest.fixture
def warehouse() -> Iterator[Meddled]:
    """An empty ledger."""
    with Meddled(":memory:") as opened:
        prepare_ledger(opened)
        yield opened


def lease(warehouse: DuckDBWarehouse, runner: str = "a@host:1", table: str = TABLE, **more: Any) -> Lease:
    """A lease that does not wait in earnest."""
    return Lease(warehouse, table, runner, "backfilling", "fqtool backfill", **{"sleep": lambda _: None} | more)


def in_use(warehouse: DuckDBWarehouse) -> list[str]:
    """The runners of the leases that are taken."""
    return [one.runner for one in leases(ledger_entries(warehouse, TABLE))]


def copied(warehouse: DuckDBWarehouse) -> None:
    """Another's row beside the present one, as two write it who both found none: insertions never conflict."""
    others = {"runner": "'b@host:2'", "job": "'other'"}
    (row,) = warehouse.rows(Query(f"SELECT * FROM {LEDGER}"))
    warehouse.run(Query(f"INSERT INTO {LEDGER} SELECT {', '.join(others.get(n, ident(n)) for n in row)} FROM {LEDGER}"))


def freed(warehouse: DuckDBWarehouse) -> None:
    """The other ends."""
    warehouse.run(Query(f"UPDATE {LEDGER} SET file = '', finished_at = CURRENT_TIMESTAMP() WHERE runner = 'b@host:2'"))


def test_two_that_both_write_the_first_row(warehouse: Meddled) -> None:
    """Each that reads two rows frees its own; it is refused and leaves nothing, or has both once the other left."""
    warehouse.meanwhile = lambda: copied(warehouse)
    with pytest.raises(Busy, match="b@host:2 is backfilling"):
        lease(warehouse).held().__enter__()
    assert in_use(warehouse) == ["b@host:2"]
    warehouse.run(Query(f"DELETE FROM {LEDGER} WHERE TRUE"))
    warehouse.meanwhile = lambda: copied(warehouse)
    with lease(warehouse, sleep=lambda _: freed(warehouse)).held():
        assert in_use(warehouse) == ["a@host:1", "a@host:1"]
        with pytest.raises(Busy, match="a@host:1 is backfilling"):
            lease(warehouse, "c@host:3").held().__enter__()
        assert in_use(warehouse) == ["a@host:1", "a@host:1"]
    assert in_use(warehouse) == []


def test_one_who_has_just_left_refuses_no_one(warehouse: Meddled) -> None:
    """Free again between the attempt and the look: it is tried again."""
    other = lease(warehouse, "b@host:2")
    other._take()
    warehouse.meanwhile = other._free
    with lease(warehouse).held():
        assert in_use(warehouse) == ["a@host:1"]


def test_clocks_do_not_matter(warehouse: Meddled) -> None:
    """A holder whose clock is an hour slow or fast is held for as long as any, and is refused as any."""
    slow = lease(warehouse, "s", clock=lambda: datetime.now(UTC) - HOUR)
    fast = lease(warehouse, "f", clock=lambda: datetime.now(UTC) + HOUR)
    for first, second in ((slow, fast), (fast, slow)):
        with first.held(), pytest.raises(Busy, match=f"{first.runner} is backfilling"), second.held():
            pass


def test_a_lease_that_ran_out_is_lost(warehouse: Meddled) -> None:
    """Another takes it; the first learns so when it renews, and frees nothing that is not its own."""
    clock = datetime.now(UTC)
    slow = lease(warehouse, clock=lambda: clock)
    with slow.held():
        warehouse.run(Query(f"UPDATE {LEDGER} SET finished_at = TIMESTAMP '2026-01-01 00:00:00+00'"))
        with lease(warehouse, "b@host:2").held():
            slow.renew()
            clock += timedelta(minutes=6)
            with pytest.raises(Busy, match="b@host:2 is backfilling"):
                slow.renew()
            slow._free()
            assert in_use(warehouse) == ["b@host:2"]


def test_one_name_is_not_one_process(warehouse: Meddled) -> None:
    """Two containers with one name of host and one process id do not take one another's lease."""
    with lease(warehouse, "root@localhost:1").held(), pytest.raises(Busy, match="root@localhost:1 is backfilling"):
        lease(warehouse, "root@localhost:1").held().__enter__()


def test_only_a_process_of_this_place_is_known_to_be_dead(warehouse: Meddled) -> None:
    """A free process id proves nothing about another container, another boot, or where that is not known."""
    gone = os.fork()
    if not gone:
        os._exit(0)
    os.waitpid(gone, 0)
    with lease(warehouse, f"root@localhost:{gone}").held():
        (found,) = leases(ledger_entries(warehouse, TABLE))
    here: Entry = replace(found, file="backfilling", partial_hash=place())
    assert is_dead(here)
    assert not is_dead(replace(here, runner=f"root@localhost:{os.getpid()}"))
    assert not any(is_dead(replace(here, partial_hash=other)) for other in ("another boot pid:[1]", ""))
    assert not is_dead(replace(here, runner="another"))


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=400)])
def test_a_lease_dated_by_a_clock_that_was_ahead_blocks_no_one(warehouse: Meddled, ahead: timedelta) -> None:
    """A lease lasts minutes, so one that ends later than any does was dated by a wrong clock."""
    lease(warehouse)._take()
    until = (datetime.now(UTC) + ahead).isoformat(sep=" ")
    warehouse.run(Query(f"UPDATE {LEDGER} SET started_at = TIMESTAMP '{until}', finished_at = TIMESTAMP '{until}'"))
    with lease(warehouse, "b@host:2").held():
        assert in_use(warehouse) == ["b@host:2"]
        with pytest.raises(Busy, match="b@host:2"):
            lease(warehouse, "c@host:3").held().__enter__()


def test_a_lease_of_another_boot_does_not_block_an_embedded_file(
    warehouse: Meddled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens the file is its only process; in a dataset that several open, that proves nothing."""
    lease(warehouse)._take()
    warehouse.run(Query(f"UPDATE {LEDGER} SET partial_hash = 'another boot pid:[1]'"))
    monkeypatch.setattr(warehouse, "writing", Writing())
    with pytest.raises(Busy, match="a@host:1"):
        lease(warehouse, "b@host:2").held().__enter__()
    monkeypatch.undo()
    with lease(warehouse, "b@host:2").held():
        assert in_use(warehouse) == ["b@host:2"]


def test_a_conflict_is_not_the_end(warehouse: Meddled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where BigQuery fails one of two concurrent statements, the row left decides; other failures are reported."""
    run, words = warehouse.run, ["Could not serialize access to table due to concurrent update"]

    def failing(work: Statement | Query, **how: Any) -> Outcome:
        if words and isinstance(work, Query) and "NOT EXISTS" in work.sql:
            raise StatementFailed(words.pop())
        return run(work, **how)

    monkeypatch.setattr(warehouse, "run", failing)
    with lease(warehouse).held():
        assert in_use(warehouse) == ["a@host:1"]
    words.append("No such column.")
    with pytest.raises(StatementFailed, match="No such column"):
        lease(warehouse).held().__enter__()
