"""Laws of what a backfill may spend."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from fqtool.commands.backfill.journal import Event
from fqtool.commands.backfill.partition_runner import Observer
from fqtool.commands.backfill.plan import CostEstimate, SpendingLimit
from fqtool.commands.backfill.run import Options, plan_backfill
from fqtool.commands.cost.run import cost_of
from fqtool.commands.diff.run import preview_of_table
from fqtool.commands.score.run import score_partitions
from fqtool.errors import BytesLimitExceeded, Refusal, StatementFailed
from fqtool.registry.alerts_and_models import Pricing
from fqtool.sql import Query
from fqtool.table.ddl import Statement
from fqtool.warehouse.protocol import Outcome, Warehouse
from fqtool.warehouse.target import open_target
from tests.backfill_stores import Failing, clock_at, done_days, events, rows_of
from tests.bed.running import PROJECT, Emulator
from tests.fault_proxy import Answer, FaultyServer, Mangled, Pass, Request, Step, error, inserts, through
from tests.unscored_store import END, NOW, START, filled, past_registry, store


@pytest.mark.parametrize(
    ("allowed", "spent", "sentence"),
    [
        (SpendingLimit(bytes=2399), 0, "2,400 bytes; --max-bytes allows 2,399 bytes"),
        (SpendingLimit(bytes=2499), 100, "2,500 bytes, including 100 bytes that are spent; --max-bytes allows 2,499"),
        (SpendingLimit(cost=0.0024, pricing=Pricing(NOW.date(), scan_per_tib=2.0**40 / 1e6)), 100, "0.0025 USD"),
    ],
)
def test_a_bill_larger_than_allowed_is_refused(allowed: SpendingLimit, spent: int, sentence: str) -> None:
    """With both numbers, what is spent counted in; one that is just allowed is not."""
    bill = CostEstimate((200,) * 12, allowed.pricing)
    with pytest.raises(Refusal, match=sentence):
        allowed.require(bill, spent)
    allowed.require(CostEstimate((200,) * 11, allowed.pricing), spent)
    with pytest.raises(Refusal, match="the limit"):
        allowed.require_rest(2500)
    allowed.require_rest(2399 - 1)


def test_all_phases_are_paid_from_one_purse(small: Warehouse) -> None:
    """What the phases cost together is known before the first: none is done where the last could not be paid."""
    whole = plan_backfill(past_registry(), small, Options(START, END), NOW)[1].billed
    with pytest.raises(Refusal, match=f"{whole:,} bytes; --max-bytes allows {whole - 1:,} bytes"):
        filled(small, phased=True, max_bytes=whole - 1)
    assert not [one for one in events(small) if one.event == Event.STARTED]
    assert len(filled(small, phased=True, max_bytes=whole).partitions) == 12


def test_a_refused_bill_leaves_no_run_to_go_on_with(small: Warehouse) -> None:
    """Rows get the time of the run that scores them, and not that of one that was refused hours before."""
    later = NOW + timedelta(hours=3)
    with pytest.raises(Refusal):
        filled(small, now=NOW, max_bytes=1, observer=Observer(configure=clock_at(NOW)))
    filled(small, now=later, observer=Observer(configure=clock_at(later)))
    assert {row["computed_at"] for row in rows_of(small) if row["labels"]} == {later}


class Costly(Failing):
    """A warehouse whose statements process a megabyte each."""

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Pass on, and bill what scores."""
        if self.budget and work.sql.startswith("MERGE `store`"):
            self.budget.pay(1_000_000, None)
        return super().run(work, **how)


def test_what_may_be_spent_is_not_exceeded_twice(small: Warehouse) -> None:
    """When the bytes allowed are spent the run ends with the number; what was done stays done, and it goes on."""
    costly = Costly(small, [], 0, StatementFailed(""))
    with pytest.raises(Refusal, match="3,000,000 bytes, the limit"):
        filled(costly, max_bytes=2_500_000, batch_days=1)
    assert len([one for one in events(small) if one.event == Event.DONE]) == 3
    assert len(done_days(filled(small))) == 9


class Estimated(Failing):
    """A warehouse whose dry runs report the bytes to process, as BigQuery's do."""

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Estimate a dry run."""
        return Outcome(bytes_processed=1200) if how.get("dry_run") else super().run(work, **how)


def test_without_a_price_list_a_statement_has_bigquery_s_minimum(small: Warehouse) -> None:
    """BigQuery bills 10 MiB also where the registry has no `pricing`; a warehouse that bills nothing has no minimum."""
    registry, options = replace(past_registry(), pricing=None), Options(START, END, batch_days=1)
    billed = Estimated(small, [], 0, StatementFailed(""))
    assert plan_backfill(registry, billed, options, NOW)[1].billed == 12 * 10 * 2**20
    assert plan_backfill(registry, billed, replace(options, batch_days=5), NOW)[1].billed == 3 * 10 * 2**20
    free = plan_backfill(registry, small, options, NOW)[1]
    assert free.billed == free.bytes


class BillingServer(FaultyServer):
    """Bills each statement as a service would, and does not run one that bills more than its limit.

    A MERGE on the store bills 40 MiB, whatever was estimated; another statement that reads a table 10 MiB.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__(rest=self._step, upstream=upstream)
        self.billed: dict[str, int] = {}
        self.without_limit: list[str] = []

    def _step(self, request: Request) -> Step:
        if not inserts(request):
            name = request.path.partition("?")[0].rpartition("/")[2]
            return Mangled(partial(self._bill, self.billed[name])) if name in self.billed else Pass()
        config, job = request.json["configuration"], request.json["jobReference"]["jobId"]
        if config.get("dryRun"):
            return Pass()
        sql, most = config["query"]["query"], config["query"].get("maximumBytesBilled")
        cost = 40 * MIB if sql.startswith("MERGE `store`") else 10 * MIB if "FROM" in sql or "MERGE" in sql else 0
        self.without_limit += [sql] if most is None else []
        if most is not None and int(most) < cost:
            return error(400, "bytesBilledLimitExceeded", f"Query exceeded limit for bytes billed: {most}.")
        self.billed.setdefault(job, cost)
        return Mangled(partial(self._bill, cost))

    @staticmethod
    def _bill(cost: int, answer: Answer) -> Answer:
        body = json.loads(answer.payload)
        if "statistics" in body:
            body["statistics"].setdefault("query", {})["totalBytesBilled"] = str(cost)
        return Answer(answer.status, body)


MIB = 2**20


def test_the_sum_of_all_statements_stays_within_what_is_allowed(
    emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: each statement has a limit, the sum billed is within the bound, and the next command continues directly."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with open_target(f"bigquery://{PROJECT}/{dataset}") as direct:
        store(direct, 4, 2)
    with BillingServer(emulator.url) as server:
        with through(server, PROJECT, dataset) as bounded, pytest.raises(Refusal, match="than are left") as stopped:
            filled(bounded, max_bytes=200 * MIB, batch_days=1)
        assert f"of {200 * MIB:,} bytes are spent, {20 * MIB:,} bytes are reserved" in stopped.value.message
        assert f"bills at least {10 * MIB:,} bytes for each table" in str(stopped.value.remedy)
        assert server.without_limit == []
        assert 100 * MIB < sum(server.billed.values()) <= 200 * MIB
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        with open_target(f"bigquery://{PROJECT}/{dataset}") as free:
            assert [one for one in filled(free, batch_days=1).partitions if one.failed] == []
        scored = [job for job, cost in server.billed.items() if cost == 40 * MIB]
    assert len(scored) == 4


def test_the_bounds_of_the_other_commands_hold_for_their_queries(
    emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: every statement of score, cost and diff is sent with a limit, and together they stay within the bound."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with open_target(f"bigquery://{PROJECT}/{dataset}") as direct:
        store(direct, 1, 2)
    with BillingServer(emulator.url) as server, through(server, PROJECT, dataset) as bounded:
        score_partitions(past_registry(), bounded, END, END, as_of=NOW, max_bytes=70 * MIB)
        cost_of(past_registry(), bounded, END, END, max_bytes=10 * MIB)
        preview_of_table(past_registry(), past_registry(), bounded, END, END, max_bytes=10 * MIB)
        with pytest.raises(BytesLimitExceeded, match="may bill more bytes than allowed") as refused:
            score_partitions(past_registry(), bounded, END, END, as_of=NOW, max_bytes=30 * MIB)
        assert refused.value.exit_code == 1
        assert str(refused.value.remedy).startswith("Nothing was billed. Raise --max-bytes")
        assert server.without_limit == []
