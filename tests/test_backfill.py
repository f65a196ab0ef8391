"""Laws of filling past partitions: all of them once, nothing lost, and what cannot be filled is said."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Event as Released
from threading import Semaphore, Thread
from typing import Any, Self

import pytest

from fqtool.backfill.journal import ATTEMPTS, ROWS, Entry, Event, entries_of
from fqtool.backfill.partitions import Partitions, Standing, read
from fqtool.backfill.plan import Allowed, Bill, Plan, Task
from fqtool.errors import Busy, InputError, NotThere, QuotaSpent, Refusal, StatementFailed, Unreachable
from fqtool.quality.build import desired_table
from fqtool.registry.judgement import Pricing
from fqtool.sql import Query, Value, WholeTable
from fqtool.table.statement import Statement
from fqtool.verbs.backfill import Filled, Options, Watch, months_of, plan_backfill, verify
from fqtool.verbs.filling import Filler
from fqtool.verbs.lease import Lease, prepare_ledger
from fqtool.verbs.score import score_partitions
from fqtool.warehouse.protocol import Outcome, Warehouse, Writing
from fqtool.warehouse.target import open_target
from tests.bed import zeta
from tests.bed.running import PROJECT
from tests.past import DAYS, END, NOW, START, filled, past_registry, store
from tests.stores import small_registry


@pytest.fixture(params=["duckdb", "bigquery"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Warehouse, str]]:
    """A store of 12 past dates, and its URL."""
    url = "duckdb:///:memory:"
    if request.param == "bigquery":
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", request.getfixturevalue("emulator").url)
        url = f"bigquery://{PROJECT}/{request.getfixturevalue('dataset')}"
    with open_target(url, timeout=20.0) as opened:
        store(opened, 12, 4)
        yield opened, url


@pytest.fixture
def small() -> Iterator[Warehouse]:
    """The same in memory."""
    with open_target("duckdb:///:memory:") as opened:
        store(opened, 12, 4)
        yield opened


def rows_of(warehouse: Warehouse) -> list[dict[str, Value]]:
    """The whole table in order."""
    names = [one.name for one in desired_table(past_registry()).columns]
    found = warehouse.rows(WholeTable("store", tuple(names)))
    return sorted(found, key=lambda row: (str(row["day"]), str(row["item"])))


def done_days(found: Filled) -> list[str]:
    """The dates done, in order."""
    return [one.entry.day for one in found.done if not one.failed]


def events(warehouse: Warehouse) -> tuple[Entry, ...]:
    """The journal."""
    return entries_of(warehouse.rows(ROWS))


def planned(warehouse: Warehouse, **more: Any) -> Plan:
    """The plan for all of it."""
    return plan_backfill(past_registry(), warehouse, Options(**{"start": START, "end": END} | more), NOW)[0]


def put(warehouse: Warehouse, item: str, day: date, labels: str | None = '{"0":"good"}') -> None:
    """One more row, as a daily writer would write it."""
    warehouse.run(
        Query(
            "INSERT INTO store (item, day, vector, labels) VALUES (@item, @day, [1.0, 2.0, 3.0], @labels)",
            (("item", item), ("day", day), ("labels", labels)),
        )
    )


def test_all_is_scored_as_scoring_would(place: tuple[Warehouse, str]) -> None:
    """A backfill writes what `score` writes of each date, newest first, and every row with sources has a score."""
    warehouse, url = place
    found = filled(warehouse, url, now=NOW)
    assert done_days(found) == [str(END - timedelta(days=n)) for n in range(12)]
    assert found.verified.findings == ()
    made = rows_of(warehouse)
    score_partitions(past_registry(), warehouse, START, END, as_of=NOW)
    assert rows_of(warehouse) == made
    assert all((row["score"] is None) == (row["labels"] is None) for row in made)
    assert {row["computed_at"] for row in made if row["labels"]} == {NOW}


def test_a_second_run_has_nothing_to_do(place: tuple[Warehouse, str]) -> None:
    """What is done is left alone: no statement, no event but those of the run; anew, all is done once more."""
    warehouse, url = place
    filled(warehouse, url)
    before = events(warehouse)
    assert filled(warehouse, url).done == ()
    assert [one.event for one in events(warehouse)[len(before) :]] == [Event.OPENED, Event.CLOSED]
    assert len(filled(warehouse, url, resume=False).done) == 12


def test_every_date_has_its_task(small: Warehouse) -> None:
    """Empty, without sources, with repeated keys, done: each is told, and none of them is scored."""
    first = END - timedelta(days=11)
    bare, twice = first - timedelta(days=1), END - timedelta(days=3)
    put(small, "a", bare, None)
    put(small, "i0", twice)
    tasks = planned(small).tasks
    assert tasks[bare] is Task.WITHOUT_SOURCES
    assert tasks[twice] is Task.REPEATED
    assert [day for day, task in tasks.items() if task is Task.EMPTY] == [
        START + timedelta(days=n) for n in range(DAYS - 13)
    ]
    found = filled(small)
    assert [one.rule for one in found.verified.findings] == ["FQ662", "FQ665"]
    assert planned(small).rows(Task.DONE) == sum(
        one.rows for one in found.verified.standings if one.day not in (bare, twice)
    )
    assert all(row["score"] is None for row in rows_of(small) if row["day"] in (bare, twice))


def test_rows_that_come_later_are_to_do(small: Warehouse) -> None:
    """A partition that is no longer as the backfill left it is done again, and it alone."""
    filled(small)
    put(small, "late", END)
    assert [one.rule for one in verify(past_registry(), small, START, END).findings] == ["FQ662", "FQ666"]
    assert planned(small).to_do == (END,)
    assert done_days(filled(small)) == [str(END)]
    assert verify(past_registry(), small, START, END).findings == ()


def test_rows_that_go_are_told(small: Warehouse) -> None:
    """Fewer rows than the journal has is an error with both numbers."""
    filled(small)
    small.run(Query(f"DELETE FROM store WHERE day = DATE '{END}' AND item = 'i0'"))
    (found,) = verify(past_registry(), small, START, END).findings
    assert (found.rule, found.message) == ("FQ661", f"{END} had 4 rows when it was scored and has 3 now.")


def test_rows_without_sources_lose_a_score(small: Warehouse) -> None:
    """A score that nothing supports is told, and the backfill clears it."""
    small.run(Query(f"UPDATE store SET score = 99 WHERE day = DATE '{END}' AND labels IS NULL"))
    assert [one.rule for one in verify(past_registry(), small, END, END).findings] == ["FQ662", "FQ664"]
    assert filled(small).verified.findings == ()


def test_only_stale_leaves_the_current_version_alone(small: Warehouse) -> None:
    """Dates scored by other means count as current by the version in their rows; others are done."""
    score_partitions(past_registry(), small, END - timedelta(days=4), END, as_of=NOW)
    small.run(Query(f"UPDATE store SET version = 'v0' WHERE day = DATE '{END}'"))
    plan = planned(small, only_stale=True)
    assert plan.dates(Task.CURRENT) == tuple(END - timedelta(days=n) for n in (4, 3, 2, 1))
    assert plan.to_do[0] == END
    assert len(planned(small).to_do) == 12


def test_a_changed_registry_is_another_scoring(small: Warehouse) -> None:
    """What was done under other weights is not done."""
    filled(small)
    registry = past_registry()
    other = replace(registry, sources=(replace(registry.sources[0], weight=90), registry.sources[1]))
    plan, _ = plan_backfill(other, small, Options(START, END), NOW)
    assert len(plan.to_do) == 12


class Failing:
    """A warehouse that fails the statement of some dates, so many times."""

    def __init__(self, inner: Warehouse, days: Sequence[date], times: int, error: Exception) -> None:
        self.inner, self.left, self.error = inner, dict.fromkeys(days, times), error
        self.url, self.pace, self.writing = inner.url, inner.pace, inner.writing
        self.describe, self.rows, self.close = inner.describe, inner.rows, inner.close

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Fail or pass on."""
        for day, left in self.left.items():
            if left and isinstance(work, Query) and work.sql.startswith("MERGE `store`") and f"'{day}'" in work.sql:
                self.left[day] -= 1
                raise self.error
        return self.inner.run(work, **how)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The inner one is closed by whoever opened it."""


def unhurried(filler: Filler) -> None:
    """Do not wait between attempts."""
    filler.sleep = lambda _: None


def test_a_failing_partition_is_set_aside_and_the_rest_goes_on(small: Warehouse) -> None:
    """Three attempts, then an error with the warehouse's words; twice failed is done at the third; then forgiven."""
    thrice, twice = END - timedelta(days=2), END - timedelta(days=7)
    streaming = StatementFailed("It would affect rows in the streaming buffer.")
    failing = Failing(Failing(small, [thrice], ATTEMPTS, streaming), [twice], 2, streaming)
    found = filled(failing, watch=Watch(configure=unhurried))
    assert len(done_days(found)) == 11
    (told, wrong) = found.verified.findings
    assert (told.rule, wrong.rule) == ("FQ662", "FQ663")
    assert wrong.message == (
        f"{thrice} failed 3 times and was set aside: It would affect rows in the streaming buffer."
    )
    assert planned(small).dates(Task.SET_ASIDE) == (thrice,)
    assert filled(small).done == ()
    assert done_days(filled(small, retry_failed=True)) == [str(thrice)]
    assert verify(past_registry(), small, START, END).findings == ()
    attempts = {one.day: one.attempt for one in events(small) if one.event == Event.DONE}
    assert (attempts[str(twice)], attempts[str(END)]) == (3, 1)


def test_the_world_stops_a_run_and_it_goes_on(small: Warehouse) -> None:
    """An unreachable warehouse ends the run at once; the next goes on under the same job ids and time of scoring."""
    gone = Failing(small, [END - timedelta(days=6)], 1, Unreachable("No answer."))
    with pytest.raises(Unreachable):
        filled(gone, now=NOW)
    begun = [one for one in events(small) if one.event == Event.STARTED]
    filled(small, now=NOW + timedelta(hours=3))
    assert {row["computed_at"] for row in rows_of(small) if row["labels"]} == {NOW}
    jobs = {one.day: one.job for one in events(small) if one.event == Event.DONE}
    assert all(jobs[one.day] == one.job for one in begun)
    assert len({one.run for one in events(small)}) == 1


def test_a_spent_quota_ends_a_run_and_costs_one_attempt(small: Warehouse) -> None:
    """What was refused counts as one failed attempt, for its job id is used; the rest is not tried in vain."""
    spent = END - timedelta(days=6)
    with pytest.raises(QuotaSpent):
        filled(Failing(small, [spent], 1, QuotaSpent("A quota is used up.")))
    failed = [one.day for one in events(small) if one.event == Event.FAILED]
    assert failed == [str(spent)]
    assert planned(small).dates(Task.SET_ASIDE) == ()
    filled(small)
    assert {one.day: one.attempt for one in events(small) if one.event == Event.DONE}[str(spent)] == 2
    assert verify(past_registry(), small, START, END).findings == ()


def test_a_score_whose_sources_were_cleared_is_done_again(small: Warehouse) -> None:
    """What FQ664 tells to backfill is backfilled: the score becomes NULL, and nothing is left to say."""
    filled(small)
    small.run(Query(f"UPDATE store SET labels = NULL WHERE day = DATE '{END}' AND item = 'i0'"))
    assert [one.rule for one in verify(past_registry(), small, START, END).findings] == ["FQ664"]
    assert done_days(filled(small)) == [str(END)]
    assert verify(past_registry(), small, START, END).findings == ()


def test_a_run_of_yesterday_is_not_gone_on_with(small: Warehouse) -> None:
    """Rows must not be given a time of scoring from before they were written."""
    with pytest.raises(Unreachable):
        filled(Failing(small, [START, END], 1, Unreachable("No answer.")), now=NOW, watch=Watch(configure=_clock(NOW)))
    later = NOW + timedelta(days=2)
    filled(small, now=later, watch=Watch(configure=_clock(later)))
    assert {row["computed_at"] for row in rows_of(small) if row["labels"] and row["day"] == END} == {later}


def test_what_comes_after_is_later_by_every_clock(small: Warehouse) -> None:
    """A machine whose clock is slow goes on with another's run: its events are the last, so all is done once."""
    fast, slow = NOW + timedelta(hours=3), NOW - timedelta(hours=3)
    with pytest.raises(Unreachable):
        filled(Failing(small, [START, END], 1, Unreachable("No answer.")), now=NOW, watch=Watch(configure=_clock(fast)))
    filled(small, now=slow, watch=Watch(configure=_clock(slow)))
    assert planned(small).to_do == ()
    times = [one.at for one in events(small)]
    assert len(set(times)) == len(times)


def _clock(moment: datetime) -> Any:
    def set_clock(filler: Filler) -> None:
        filler.clock = lambda: moment

    return set_clock


def test_a_stopped_run_ends_at_a_partition(small: Warehouse) -> None:
    """Asked to stop, it ends what is under way, says how far it came, and goes on when it is run again."""
    seen: list[str] = []
    watch = Watch(on_done=lambda one: seen.append(one.entry.day), stopping=lambda: len(seen) >= 3)
    first = filled(small, watch=watch, batch_days=3)
    assert (first.stopped, len(first.done)) == (True, 3)
    second = filled(small)
    assert (second.stopped, len(second.done)) == (False, 9)


class Slow(Failing):
    """A warehouse that takes two statements at once and answers neither before it is released."""

    def __init__(self, inner: Warehouse) -> None:
        super().__init__(inner, [], 0, StatementFailed("too late"))
        self.writing, self.asked, self.released = Writing(2), Semaphore(0), Released()
        self.close, self.given_up = lambda: None, 0

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Pass on what is no partition's statement."""
        if not how.get("job"):
            return super().run(work, **how)
        self.asked.release()
        self.given_up += not self.released.wait(20)
        raise self.error


def test_a_second_ctrl_c_waits_for_no_statement(small: Warehouse) -> None:
    """Whoever interrupts is not kept by statements that the server is still at; the next run goes on with them."""
    slow = Slow(small)

    def interrupt() -> None:
        assert all(slow.asked.acquire(timeout=20) for _ in "12")
        os.kill(os.getpid(), signal.SIGINT)

    def to_itself(filler: Filler) -> None:
        filler.another = lambda: slow

    Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        filled(slow, watch=Watch(configure=to_itself))
    assert not slow.given_up
    slow.released.set()
    assert len(done_days(filled(small))) == 12


def test_phases_end_where_verification_fails(small: Warehouse) -> None:
    """7 days, 30, all: a phase that is not clean is the last."""
    spans = []
    watch = Watch(on_phase=lambda plan, _: spans.append((plan.start, len(plan.to_do))))
    filled(small, watch=watch, phased=True, start=START - timedelta(days=9))
    assert spans == [(END - timedelta(days=6), 7), (START, 5), (START - timedelta(days=9), 0)]
    put(small, "i0", END)
    spans.clear()
    assert [one.rule for one in filled(small, watch=watch, phased=True).verified.findings] == [
        "FQ662",
        "FQ665",
        "FQ666",
    ]
    assert len(spans) == 1


def test_two_at_work_do_not_meet(place: tuple[Warehouse, str]) -> None:
    """A backfill waits for no migrator and no other backfill: it is refused with the holder's name and work."""
    warehouse, url = place
    prepare_ledger(warehouse)
    for work in ("migrating", "backfilling"):
        lease = Lease(warehouse, "first@host:1", work, "fqtool")
        with lease.held(), pytest.raises(Busy, match=f"first@host:1 is {work}"):
            filled(warehouse, url)
    assert len(filled(warehouse, url).done) == 12
    lease._take()
    assert filled(warehouse, url, take_lease=True).done == ()


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
        filled(small, now=NOW, max_bytes=1, watch=Watch(configure=_clock(NOW)))
    filled(small, now=later, watch=Watch(configure=_clock(later)))
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


def test_wrong_words_are_told(small: Warehouse) -> None:
    """Dates the wrong way round, a table that is not there, a store without partitions or without a score."""
    with pytest.raises(InputError, match="lies before"):
        filled(small, start=END, end=START)
    with open_target("duckdb:///:memory:") as empty, pytest.raises(NotThere, match="no table store"):
        filled(empty)
    with pytest.raises(InputError, match="has no prices"):
        filled(small, max_cost=1.0)
    bare = small_registry()
    with pytest.raises(InputError, match="no partition_by"):
        Partitions(replace(bare, table=replace(bare.table, partition_by=None))).query()
    with pytest.raises(InputError, match="no column is AVG_OVER_FEATURES"):
        Partitions(replace(bare, columns=bare.columns[3:])).query()


def test_google_s_executor_counts_the_same(small: Warehouse) -> None:
    """The answer over partitions is equal on Google's reference implementation."""
    put(small, "i0", END)
    small.run(Query(f"UPDATE store SET score = 99, version = 'v0' WHERE day = DATE '{END}' AND labels IS NULL"))
    query = Partitions(past_registry()).between(START, END)
    ours = [read(row) for row in small.rows(query)]
    table = desired_table(past_registry())
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in table.columns}
    literal = query.sql.replace("@start", f"DATE '{START}'").replace("@end", f"DATE '{END}'")
    theirs = zeta.evaluate(literal, {"store": (types, rows_of(small))})
    names = ("day", "all", "sourced", "unscored", "stale", "guessed", "repeated")
    assert [read(dict(zip(names, row, strict=True))) for row in theirs] == ours
    assert ours[-1] == Standing(END, 5, 4, 4, 4, 1, 1)


def test_months_add_up(small: Warehouse) -> None:
    """Rows, scored rows and rows without sources of the months are those of the table."""
    filled(small)
    months = months_of(verify(past_registry(), small, START, END).standings)
    rows = rows_of(small)
    assert set(months) == {"2026-01", "2026-02"}
    assert sum(one[1] for one in months.values()) == len(rows)
    assert sum(one[2] for one in months.values()) == sum(row["score"] is not None for row in rows)
    assert sum(one[3] for one in months.values()) == sum(row["labels"] is None for row in rows)
