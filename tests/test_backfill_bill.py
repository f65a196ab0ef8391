"""Laws of what a backfill may spend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fqtool.backfill.journal import Event
from fqtool.backfill.plan import Allowed, Bill
from fqtool.errors import Refusal, StatementFailed
from fqtool.registry.judgement import Pricing
from fqtool.sql import Query
from fqtool.table.statement import Statement
from fqtool.verbs.backfill import Options, Watch, plan_backfill
from fqtool.warehouse.protocol import Outcome, Warehouse
from tests.filling import Failing, clock_at, done_days, events, rows_of
from tests.past import END, NOW, START, filled, past_registry


@pytest.mark.parametrize(
    ("allowed", "spent", "sentence"),
    [
        (Allowed(bytes=2399), 0, "2,400 bytes; 2,399 are"),
        (Allowed(bytes=2499), 100, "2,500 bytes, 100 bytes of it spent already; 2,499 are"),
        (Allowed(cost=0.0024, pricing=Pricing(NOW.date(), scan_per_tib=2.0**40 / 1e6)), 100, "0.0025 USD"),
    ],
)
def test_a_bill_larger_than_allowed_is_refused(allowed: Allowed, spent: int, sentence: str) -> None:
    """With both numbers, what is spent counted in; one that is just allowed is not."""
    bill = Bill((200,) * 12, allowed.pricing)
    with pytest.raises(Refusal, match=sentence):
        allowed.require(bill, spent)
    allowed.require(Bill((200,) * 11, allowed.pricing), spent)
    with pytest.raises(Refusal, match="all that may be spent"):
        allowed.require_rest(2500)
    allowed.require_rest(2399 - 1)


def test_all_phases_are_paid_from_one_purse(small: Warehouse) -> None:
    """What the phases cost together is known before the first: none is done where the last could not be paid."""
    whole = plan_backfill(past_registry(), small, Options(START, END), NOW)[1].billed
    with pytest.raises(Refusal, match=f"{whole:,} bytes; {whole - 1:,} are allowed"):
        filled(small, phased=True, max_bytes=whole - 1)
    assert not [one for one in events(small) if one.event == Event.STARTED]
    assert len(filled(small, phased=True, max_bytes=whole).done) == 12


def test_a_refused_bill_leaves_no_run_to_go_on_with(small: Warehouse) -> None:
    """Rows get the time of the run that scores them, and not that of one that was refused hours before."""
    later = NOW + timedelta(hours=3)
    with pytest.raises(Refusal):
        filled(small, now=NOW, max_bytes=1, watch=Watch(configure=clock_at(NOW)))
    filled(small, now=later, watch=Watch(configure=clock_at(later)))
    assert {row["computed_at"] for row in rows_of(small) if row["labels"]} == {later}


class Costly(Failing):
    """A warehouse whose statements process a megabyte each."""

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Pass on, and say so."""
        return replace(super().run(work, **how), bytes_processed=None if how.get("dry_run") else 1_000_000)


def test_what_may_be_spent_is_not_exceeded_twice(small: Warehouse) -> None:
    """When the bytes allowed are spent the run ends with the number; what was done stays done, and it goes on."""
    costly = Costly(small, [], 0, StatementFailed(""))
    with pytest.raises(Refusal, match="3,000,000 bytes, all that may be spent"):
        filled(costly, max_bytes=2_500_000)
    assert len([one for one in events(small) if one.event == Event.DONE]) == 3
    assert len(done_days(filled(small))) == 9
