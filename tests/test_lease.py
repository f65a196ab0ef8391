"""Laws of the lease: never two hold it, whatever their clocks and names, and none is refused by one who has left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fqtool.errors import Busy, StatementFailed
from fqtool.migrations.ledger import LEDGER, Entry, leases
from fqtool.sql import Query, ident
from fqtool.table.statement import Statement
from fqtool.verbs.lease import Lease, is_dead, place, prepare_ledger
from fqtool.verbs.workspace import ledger_entries
from fqtool.warehouse.duckdb import DuckDBWarehouse
from fqtool.warehouse.protocol import Outcome

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
def house() -> Iterator[Meddled]:
    """An empty ledger."""
    with Meddled(":memory:") as opened:
        prepare_ledger(opened)
        yield opened


def lease(house: DuckDBWarehouse, runner: str = "a@host:1", **more: Any) -> Lease:
    """A lease that does not wait in earnest."""
    return Lease(house, runner, "backfilling", "fqtool backfill", **{"sleep": lambda _: None} | more)


def in_use(house: DuckDBWarehouse) -> list[str]:
    """The runners of the leases that are taken."""
    return [one.runner for one in leases(ledger_entries(house))]


def copied(house: DuckDBWarehouse) -> None:
    """Another's row beside the one that stands, as two write it who both found none: insertions never conflict."""
    others = {"runner": "'b@host:2'", "job": "'other'"}
    (row,) = house.rows(Query(f"SELECT * FROM {LEDGER}"))
    house.run(Query(f"INSERT INTO {LEDGER} SELECT {', '.join(others.get(n, ident(n)) for n in row)} FROM {LEDGER}"))


def freed(house: DuckDBWarehouse) -> None:
    """The other ends."""
    house.run(Query(f"UPDATE {LEDGER} SET file = '', finished_at = CURRENT_TIMESTAMP() WHERE runner = 'b@host:2'"))


def test_two_that_both_write_the_first_row(house: Meddled) -> None:
    """Each that reads two rows frees its own; it is refused and leaves nothing, or has both once the other left."""
    house.meanwhile = lambda: copied(house)
    with pytest.raises(Busy, match="b@host:2 is backfilling"):
        lease(house).held().__enter__()
    assert in_use(house) == ["b@host:2"]
    house.run(Query(f"DELETE FROM {LEDGER} WHERE TRUE"))
    house.meanwhile = lambda: copied(house)
    with lease(house, sleep=lambda _: freed(house)).held():
        assert in_use(house) == ["a@host:1", "a@host:1"]
        with pytest.raises(Busy, match="a@host:1 is backfilling"):
            lease(house, "c@host:3").held().__enter__()
        assert in_use(house) == ["a@host:1", "a@host:1"]
    assert in_use(house) == []


def test_one_who_has_just_left_refuses_nobody(house: Meddled) -> None:
    """Free again between the attempt and the look: it is tried again."""
    other = lease(house, "b@host:2")
    other._take()
    house.meanwhile = other._free
    with lease(house).held():
        assert in_use(house) == ["a@host:1"]


def test_clocks_do_not_matter(house: Meddled) -> None:
    """A holder whose clock is an hour slow or fast is held for as long as any, and is refused as any."""
    slow = lease(house, "s", clock=lambda: datetime.now(UTC) - HOUR)
    fast = lease(house, "f", clock=lambda: datetime.now(UTC) + HOUR)
    for first, second in ((slow, fast), (fast, slow)):
        with first.held(), pytest.raises(Busy, match=f"{first.runner} is backfilling"), second.held():
            pass


def test_a_lease_that_ran_out_is_lost(house: Meddled) -> None:
    """Another takes it; the first is told so when it renews, and frees nothing that is not its own."""
    clock = datetime.now(UTC)
    slow = lease(house, clock=lambda: clock)
    with slow.held():
        house.run(Query(f"UPDATE {LEDGER} SET finished_at = TIMESTAMP '2026-01-01 00:00:00+00'"))
        with lease(house, "b@host:2").held():
            slow.renew()
            clock += timedelta(minutes=6)
            with pytest.raises(Busy, match="b@host:2 is backfilling"):
                slow.renew()
            slow._free()
            assert in_use(house) == ["b@host:2"]


def test_one_name_is_not_one_process(house: Meddled) -> None:
    """Two containers with one name of host and one process id do not take one another's lease."""
    with lease(house, "root@localhost:1").held(), pytest.raises(Busy, match="root@localhost:1 is backfilling"):
        lease(house, "root@localhost:1").held().__enter__()


def test_only_a_process_of_this_place_is_known_to_be_dead(house: Meddled) -> None:
    """A process id that is free here tells nothing of another container, another boot, or where that is not known."""
    gone = os.fork()
    if not gone:
        os._exit(0)
    os.waitpid(gone, 0)
    with lease(house, f"root@localhost:{gone}").held():
        (found,) = leases(ledger_entries(house))
    here: Entry = replace(found, file="backfilling", partial_hash=place())
    assert is_dead(here)
    assert not is_dead(replace(here, runner=f"root@localhost:{os.getpid()}"))
    assert not any(is_dead(replace(here, partial_hash=other)) for other in ("another boot pid:[1]", ""))
    assert not is_dead(replace(here, runner="somebody"))


def test_a_conflict_is_not_the_end(house: Meddled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where BigQuery fails one of two statements at a moment, what stands then decides; other failures are told."""
    run, words = house.run, ["Could not serialize access to table due to concurrent update"]

    def failing(work: Statement | Query, **how: Any) -> Outcome:
        if words and isinstance(work, Query) and "NOT EXISTS" in work.sql:
            raise StatementFailed(words.pop())
        return run(work, **how)

    monkeypatch.setattr(house, "run", failing)
    with lease(house).held():
        assert in_use(house) == ["a@host:1"]
    words.append("No such column.")
    with pytest.raises(StatementFailed, match="No such column"):
        lease(house).held().__enter__()
