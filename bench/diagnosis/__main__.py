"""How often diagnosis is right: faults injected into stores that it was not tuned to, and dates without a fault.

The same rows are given to a plain z-score and to Great Expectations and Evidently (`other_checks.py`).

python bench/diagnosis [--dates 5] [--store NAME] [--kind KIND] [--draw TEXT] [--misses]
    --write writes the table into bench/README.md; --stored prints the stored table.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
from faults import FAULTS, Fault, Place, groups_of, key_of
from other_checks import Peer, peers_of
from stores import Row, Store, stores

from fqtool.api import LoadedRegistry, load_registry
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.commands.learn.limits import learned
from fqtool.commands.learn.run import days_between
from fqtool.findings.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.schema.build import desired_table
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse

FIRST_JUDGED = 16
OWN = "fqtool"
LASTING = (1, 4, 1, 16, 2)
DECLINE = 10


@dataclass(frozen=True)
class Result:
    """What diagnosis found of a fault."""

    kind: str
    store: str
    strength: int
    caught: bool
    feature: bool
    cause: bool
    since: bool
    told: str
    by_peers: Mapping[str, bool]


@dataclass(frozen=True)
class Judged:
    """One store: the findings on its healthy dates, by check and those of fqtool, and the results of the faults."""

    store: Store
    healthy: Mapping[str, Mapping[date, set[str]]]
    results: Sequence[Result]
    found: Mapping[date, Sequence[Finding]]

    def of_events(self) -> Iterator[tuple[date, Finding, str]]:
        """Yield the findings on dates without a fault, with the event that they are about, or ""."""
        for day, findings in self.found.items():
            for one in findings:
                events = (event for event in self.store.events if event.explains(one.rule, day, _text(one)))
                yield day, one, next((event.about for event in events), "")


_SPREAD = ("min_stddev", "zero_share", "null_share", "may_be_constant")


def _loaded(data: Mapping[str, object]) -> LoadedRegistry:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feature_registry.yaml"
        path.write_text(json.dumps(data))
        return load_registry(path)


class Bed:
    """A store in memory, whose dates can be exchanged and put back."""

    def __init__(self, store: Store) -> None:
        """Create and fill the table."""
        self.store = store
        self.registry = _loaded(store.registry)
        self.warehouse = DuckDBWarehouse(":memory:")
        self.warehouse.run(make_statement(State(), (CreateTable(desired_table(self.registry)),)))
        self.days = sorted(store.rows)
        self._load([row for day in self.days for row in store.rows[day]])
        self.warehouse.connection().execute(f"CREATE TABLE healthy AS FROM {store.name}")
        self._learn()

    def _learn(self) -> None:
        """Declare the spreads of the first dates, as `fqtool learn` does."""
        days = days_between(self.registry, self.warehouse, self.days[0], self.days[FIRST_JUDGED - 1])
        found = {one.name: learned(one, days) for one in self.registry.active_features}
        features = [
            {**one, "spread": {what: value for what in _SPREAD if (value := getattr(found[one["name"]], what))}}
            for one in self.store.registry["features"]
        ]
        self.registry = _loaded({**self.store.registry, "features": features})

    def _load(self, rows: Sequence[Row]) -> None:
        load(self.warehouse, self.store.name, rows)

    def findings(self, day: date) -> tuple[Finding, ...]:
        """Diagnose a date."""
        return diagnosis_of(self.registry, self.warehouse, day).findings

    def with_rows(self, held: dict[date, list[Row]], day: date) -> tuple[Finding, ...]:
        """Diagnose a date while some dates have other rows."""
        first, last = min(held), max(held)
        where = f"WHERE day BETWEEN DATE '{first}' AND DATE '{last}'"
        self.warehouse.run(Query(f"DELETE FROM {self.store.name} {where}"))
        self._load([row for rows in held.values() for row in rows])
        try:
            return self.findings(day)
        finally:
            self.warehouse.run(Query(f"DELETE FROM {self.store.name} {where}"))
            self.warehouse.connection().execute(f"INSERT INTO {self.store.name} FROM healthy {where}")


def _text(one: Finding) -> str:
    return f"{one.rule} {one.subject}: {one.message} {one.cause or ''}"


def _about(one: Finding, store: Store) -> str:
    """The rule of a finding, its subject, and the features that it names."""
    named = [name for name in store.features if re.search(rf"\b{name}\b", _text(one))]
    return f"{one.rule} {one.subject} {named}"


Healthy = dict[str, dict[date, set[str]]]
"""Name of a check -> date without a fault -> its findings."""


def _judged(
    bed: Bed,
    peers: Sequence[Peer],
    kind: str,
    fault: Fault,
    strength: int,
    number: int,
    healthy: Healthy,
    draw: str = "",
) -> Result:
    """Inject a fault and judge what is found."""
    store, drawn = bed.store, random.Random(f"{bed.store.name}|{kind}|{strength}|{number}{draw}")
    lasting = DECLINE if kind == "more defaults on each date" else 1 if kind == "no rows" else LASTING[number % 5]
    at = drawn.randrange(FIRST_JUDGED + lasting, len(bed.days))
    day, dates = bed.days[at], bed.days[at - lasting + 1 : at + 1]
    feature = _feature(store, kind, drawn, dates)
    before = [store.rows[one] for one in bed.days[max(0, at - lasting - 13) : at - lasting + 1]]
    usual = [
        statistics.mean(values)
        for rows in before
        if (values := [row[feature] for row in rows if row[feature] is not None])
    ]
    held: dict[date, list[Row]] = {}
    for number_of_date, one in enumerate(dates, 1):
        place = Place(
            store, feature, one, dates[0], number_of_date / lasting, random.Random(f"{kind}|{one}|{strength}"), usual
        )
        held[one] = fault.change(place, deepcopy(store.rows[one]), fault.strengths[strength])
    found = [one for one in bed.with_rows(held, day) if _about(one, store) not in healthy[OWN][day]]
    named = [one for one in found if _names(one, fault, place, held[day])]
    right = [one for one in named if fault.names_cause(_text(one))]
    since = [one for one in right or named if _is_since(one, dates, bed.days[at - 14])]
    told = f"{day} {feature} {lasting}d: " + " / ".join(_text(one)[:230] for one in found)
    by_peers = {one.name: bool(one.findings(day, held) - healthy[one.name][day]) for one in peers}
    return Result(kind, store.name, strength, bool(found), bool(named), bool(right), bool(since), told, by_peers)


def _feature(store: Store, kind: str, drawn: random.Random, dates: Sequence[date]) -> str:
    """Draw a feature in which the fault shows: one with a range, two of a processor, values other than 0.

    An optional feature is absent on most dates, which is usual. Values of other keys show where the values of a key
    or a group belong together.
    """
    related = _related(store)
    optional = {one["name"] for one in store.registry["features"] if one.get("optional")}
    ranged = {one["name"] for one in store.registry["features"] if "range" in one}
    processors = Counter(store.features.values())
    fitting = [
        one
        for one, who in store.features.items()
        if (kind != "values outside the range" or one in ranged)
        and (kind != "two features swapped" or processors[who] > 1)
        and one not in optional
        and (kind != "values of other keys" or who in related)
        and (kind not in _MOVING or _share_of_zeros(store, one, dates) < 0.3)
    ]
    return drawn.choice(fitting)


_MOVING = {"another unit", "sign flipped", "default values under good labels", "one value in all rows"}


@cache
def _related(store: Store) -> set[str]:
    """The processors with a feature that a key repeats from date to date, or that the rows of a group share.

    Values are related where those of a key, or of a group, vary by less than half of the variance of all rows.
    """
    days, found = sorted(store.rows)[:FIRST_JUDGED], set()
    for feature, processor in store.features.items():
        for names in (lambda row: key_of(store, row), lambda row: (row["day"], row[store.group])):
            held: dict[object, list[float]] = defaultdict(list)
            for row in (row for day in days for row in store.rows[day] if row[feature] is not None):
                held[names(row)].append(row[feature])
            own = [statistics.pvariance(values) * len(values) for values in held.values()]
            every = [value for values in held.values() for value in values]
            if sum(own) < 0.5 * statistics.pvariance(every) * len(every):
                found.add(processor)
    return found


def _share_of_zeros(store: Store, feature: str, dates: Sequence[date]) -> float:
    values = [row[feature] for one in dates for row in store.rows[one]]
    return sum(not value for value in values) / len(values)


def _names(one: Finding, fault: Fault, place: Place, rows: Sequence[Row]) -> bool:
    """Whether a finding names what is affected."""
    text = _text(one)
    if fault.subject == "rows":
        return one.subject == "rows"
    if fault.subject == "group":
        gone = set(groups_of(place.store, place.store.rows[place.first])) - set(groups_of(place.store, rows))
        return all(re.search(rf"\b{re.escape(name)}\b", text) for name in gone)
    if fault.subject == "processor":
        return one.subject == place.processor or all(re.search(rf"\b{name}\b", text) for name in place.together)
    return re.search(rf"\b{place.feature}\b", text) is not None


def _is_since(one: Finding, dates: Sequence[date], edge: date) -> bool:
    found = re.search(r"since (\d{4}-\d\d-\d\d)", one.message)
    if found is None:
        return len(dates) == 1
    return date.fromisoformat(found[1]) in (dates[0], max(dates[0], edge))


def _results(chosen: argparse.Namespace) -> Iterator[Judged]:
    with ProcessPoolExecutor() as pool:
        yield from pool.map(partial(_judged_store, chosen), stores(chosen.store))


def _judged_store(chosen: argparse.Namespace, store: Store) -> Judged:
    bed = Bed(store)
    found = {day: bed.findings(day) for day in bed.days[FIRST_JUDGED:]}
    for day, findings in found.items() if chosen.misses else ():
        for one in findings:
            print(f"healthy {store.name} {day} {day:%a}: {_text(one)[:300]}")
    with peers_of(store, FIRST_JUDGED) as peers:
        healthy = {one.name: {day: one.findings(day, {}) for day in found} for one in peers}
        healthy[OWN] = {day: {_about(one, store) for one in findings} for day, findings in found.items()}
        results = [
            _judged(bed, peers, kind, fault, strength, number, healthy, chosen.draw)
            for kind, fault in FAULTS.items()
            if (not chosen.kind or kind == chosen.kind) and (store.labelled or not fault.labelled)
            for strength in range(3)
            for number in range(chosen.dates)
        ]
    return Judged(store, healthy, results, found)


def _share(results: Sequence[Result], what: str) -> str:
    return f"{sum(getattr(one, what) for one in results) / len(results):.0%}" if results else "-"


def _table(results: Sequence[Result]) -> str:
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        by_kind[one.kind].append(one)
    lines = ["| fault | injected | caught | right feature | right cause | right since | caught by strength |"]
    lines.append("|---|---|---|---|---|---|---|")
    for kind, own in [*by_kind.items(), ("all", list(results))]:
        shares = " | ".join(_share(own, what) for what in ("caught", "feature", "cause", "since"))
        by_strength = ", ".join(_share([one for one in own if one.strength == at], "caught") for at in range(3))
        lines.append(f"| {kind} | {len(own)} | {shares} | {by_strength} |")
    return "\n".join(lines)


def _beside(judged: Sequence[Judged]) -> str:
    """Which faults each check caught, and what it finds on healthy dates."""
    results = [one for store in judged for one in store.results]
    names = [OWN, *results[0].by_peers] if results else [OWN]
    lines = [f"| caught by | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]

    def line(what: str, own: Sequence[Result]) -> str:
        caught = [[one.caught if name == OWN else one.by_peers[name] for one in own] for name in names]
        return f"| {what} | {' | '.join(f'{sum(marks) / len(marks):.0%}' for marks in caught)} |"

    lines += [line(kind, own) for kind in FAULTS if (own := [one for one in results if one.kind == kind])]
    lines += [line("all", results)] if results else []
    healthy = [[found for store in judged for found in store.healthy[name].values()] for name in names]
    counts = [100 * sum(map(len, found)) / len(found) for found in healthy]
    dates = [100 * sum(map(bool, found)) / len(found) for found in healthy]
    lines.append(f"| findings on 100 healthy dates | {' | '.join(f'{one:.1f}' for one in counts)} |")
    lines.append(f"| healthy dates with a finding, of 100 | {' | '.join(f'{one:.1f}' for one in dates)} |")
    return "\n".join(lines)


def _told(judged: Sequence[Judged]) -> Iterator[str]:
    """The findings on dates without a fault, and what happened."""
    yield "| store | date | finding | what happened |"
    yield "|---|---|---|---|"
    for one in judged:
        for day, finding, about in one.of_events():
            yield f"| {one.store.name} | {day} | {finding.rule} {finding.message} | {about or 'false'} |"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dates", type=int, default=5)
    parser.add_argument("--store", default="")
    parser.add_argument("--kind", default="")
    parser.add_argument("--draw", default="", help="any text: other dates, features and rows")
    for name in ("--misses", "--write", "--stored"):
        parser.add_argument(name, action="store_true")
    chosen = parser.parse_args()
    if chosen.stored:
        print(machine.stored("diagnosis accuracy"))
        return
    every: list[Result] = []
    judged: list[Judged] = []
    quiet = ["| store | dates | rows a date | findings | of real events | false | false for 100 dates |"]
    quiet.append("|---|---|---|---|---|---|---|")
    started, total, real, dates = time.perf_counter(), 0, 0, 0
    for one_store in _results(chosen):
        store, healthy, results = one_store.store, one_store.healthy[OWN], one_store.results
        judged.append(one_store)
        every += results
        count = sum(len(one) for one in healthy.values())
        events = sum(bool(about) for _, _, about in one_store.of_events())
        total, real, dates = total + count, real + events, dates + len(healthy)
        rows = statistics.median(len(one) for one in store.rows.values())
        false = f"{count - events} | {100 * (count - events) / len(healthy):.1f}"
        quiet.append(f"| {store.about} | {len(healthy)} | {rows:.0f} | {count} | {events} | {false} |")
        if chosen.misses:
            for one in results:
                if not (one.caught and one.feature and one.cause and one.since):
                    marks = "".join(
                        mark if ok else "-"
                        for mark, ok in zip("CFWS", (one.caught, one.feature, one.cause, one.since), strict=True)
                    )
                    print(f"{marks} {one.store} | {one.kind} {one.strength} | {one.told}")
    quiet.append(f"| all | {dates} | | {total} | {real} | {total - real} | {100 * (total - real) / dates:.1f} |")
    page = "\n".join([machine.line(), "", _table(every), "", *quiet, "", *_told(judged), "", _beside(judged)])
    print(f"{page}\n{time.perf_counter() - started:.0f} seconds")
    if chosen.write:
        machine.put("diagnosis accuracy", page + "\n")


if __name__ == "__main__":
    main()
