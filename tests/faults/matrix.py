"""Cells of the matrix: a command, one of its requests, a fault, once or from there on; and what is wrong then."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count

from tests.bed.running import Emulator
from tests.fault_proxy import FaultyServer, Pass, Request, Step
from tests.faults.commands import COMMANDS, Command
from tests.faults.faults import FAULTS, Fault
from tests.faults.running import Ran, run
from tests.faults.store import Place, Stages, Standings

_UNREAD = "FQ409"  # the rule that check-drift reports where it may not read the ledger
AMPLE, ROOMY, TIGHT = 30.0, 5.0, 1.0
"""Seconds of --timeout: where this machine is busy, where a fault passes within it, and where only its end helps."""
PATIENCE = 6
"""How many times --timeout faults may add to a command: three exchanges, each bounded by twice the timeout."""
SUCCEEDED, FAILED, VIOLATION = "succeeded", "failed cleanly", "violation"


_WRITES = re.compile(r"^\s*(MERGE|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|TRUNCATE)\b", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """`request` counts from 0; `always`: the fault stays from there on."""

    command: str
    request: int
    fault: str
    always: bool

    def __str__(self) -> str:
        """The cell in words."""
        return f"{self.command}, request {self.request + 1}, {self.fault}{', and from then on' * self.always}"


@dataclass(frozen=True)
class Result:
    """The outcome of a cell; `why` describes the violation."""

    cell: Cell
    outcome: str
    why: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Unbroken:
    """A command's run without a fault: its exit code, the state it left, how many requests it made."""

    ran: Ran
    after: Standings
    requests: int


class Bench:
    """Runs cells against one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._stages = Stages(emulator)
        self._commands = {one.name: one for one in COMMANDS}
        self._faults = {one.name: one for one in FAULTS}
        self._unbroken: dict[str, Unbroken] = {}
        self.close = self._stages.close

    def unbroken(self, name: str) -> Unbroken:
        """The command's run without a fault."""
        if name not in self._unbroken:
            command = self._commands[name]
            place = self._stages.place_for(command)
            with FaultyServer(upstream=self._stages.emulator.url) as server:
                ran = run(command.words(place.folder, place.target, 30.0), server.url)
                assert ran.code in (0, 1), ran.err
                assert not ran.errors
                self._unbroken[name] = Unbroken(ran, self._stages.look(place), len(server.requests))
        return self._unbroken[name]

    def run(self, cell: Cell) -> Result:
        """Run the command with the fault, look at the state, run it again without the fault.

        Where this machine is too slow to come as far as the fault in that time, or past it, it gets more. How often a
        job's end is asked for depends on the time it takes: where fewer requests came, the fault is at the last one.
        """
        fault = self._faults[cell.fault]
        result = self._run(cell, TIGHT if cell.always or fault.slow else ROOMY)
        if isinstance(result, int) or (result.outcome == VIOLATION and "no answer within" in result.why):
            result = self._run(cell, AMPLE)
        while isinstance(result, int) and result:
            result = self._run(replace(cell, request=result - 1), AMPLE)
        return result if isinstance(result, Result) else Result(cell, VIOLATION, "it sent no request")

    def _run(self, cell: Cell, timeout: float) -> Result | int:
        """The cell's result, or how many requests came where the one with the fault did not."""
        command, fault, unbroken = self._commands[cell.command], self._faults[cell.fault], self.unbroken(cell.command)
        place = self._stages.place_for(command)
        before = self._stages.look(place) if command.writes else None
        with FaultyServer(upstream=self._stages.emulator.url, rest=_script(cell, fault)) as server:
            ran = run(command.words(place.folder, place.target, timeout), server.url, as_dead=True)
            sent = list(server.requests)
        if len(sent) <= cell.request:
            return len(sent)
        outcome, wrong = judged(cell, fault, command, ran, unbroken.ran, timeout)
        if before is None:
            wrong += _writes(sent)
        else:
            wrong += self._left(command, place, before, unbroken, claimed=outcome == SUCCEEDED and not fault.absent)
        return Result(cell, VIOLATION if wrong else outcome, "; ".join(wrong), ran.seconds)

    def _left(
        self, command: Command, place: Place, before: Standings, unbroken: Unbroken, *, claimed: bool
    ) -> list[str]:
        """What is wrong with the state that the command left, and with another run; `claimed`: it reported success."""
        now, after = self._stages.look(place), unbroken.after
        wrong = [*now.wrong, *_neither(now, before, after)]
        if now == after:
            return wrong
        if claimed:
            wrong.append("it ended as if all were done, and it is not")
        again = run(command.words(place.folder, place.target, 30.0), self._stages.emulator.url)
        if again.code != unbroken.ran.code:
            wrong.append(f"run again it ended with {again.code}: {again.err[-300:]}")
        last = self._stages.look(place)
        parts = ("schema", "view", "rows", "applied", "names", "wrong")
        return wrong + [f"run again it left other {one}" for one in parts if getattr(last, one) != getattr(after, one)]


def _neither(now: Standings, before: Standings, after: Standings) -> list[str]:
    """Dates whose rows are neither those from before the command nor those it makes; a migration changes all rows."""
    if now.schema not in (before.schema, after.schema):
        return ["the table is neither the one from before nor the one it should be"]
    known = dict(after.rows if now.schema == after.schema else before.rows)
    earlier = dict(before.rows) if before.schema == after.schema else {}
    return [
        f"{day} holds rows of neither state"
        for day in {*known, *dict(now.rows)}
        if dict(now.rows).get(day) not in (known.get(day, ()), earlier.get(day, ()))
    ]


def _script(cell: Cell, fault: Fault) -> Callable[[Request], Step]:
    numbers = count()

    def step(_: Request) -> Step:
        number = next(numbers)
        return fault.step if number == cell.request or (cell.always and number > cell.request) else Pass()

    return step


def judged(
    cell: Cell, fault: Fault, command: Command, ran: Ran, unbroken: Ran, timeout: float
) -> tuple[str, list[str]]:
    """How a run with a fault ended, and what is wrong with that. Work itself may take twice as long as without."""
    if ran.seconds > PATIENCE * timeout + 2 * unbroken.seconds:
        return VIOLATION, [f"it took {ran.seconds:.1f} s"]
    if "Traceback" in ran.err or "please report" in ran.err:
        return VIOLATION, [ran.err[-300:]]
    same = command.writes or ran.told == unbroken.told
    if ran.code == unbroken.code and not ran.errors and (same or fault.absent):
        return SUCCEEDED, []
    if command.proves and ran.code in (0, 1) and re.search(rf"  (no|unknown)  |{_UNREAD}", ran.out):
        return FAILED, []
    if ran.code == 3 or (fault.absent and ran.code in (0, 1, 2)):
        if fault.passing and not cell.always:
            return VIOLATION, [f"a fault that passes was not overcome: {ran.err[-300:]}"]
        if not fault.absent and (len(ran.errors) != 1 or not ran.errors[0].endswith(".")):
            return VIOLATION, [f"not one sentence: {ran.err[-300:]}"]
        return FAILED, []
    return VIOLATION, [f"exit {ran.code}, not {unbroken.code} or 3: {(ran.err or ran.out)[-300:]}"]


def _writes(sent: Iterable[Request]) -> list[str]:
    """Jobs of a command that only reads, other than SELECT."""
    jobs = [one for one in sent if one.method == "POST" and one.path.partition("?")[0].endswith("/jobs")]
    configured = [one.json["configuration"] for one in jobs]
    texts = [one["query"]["query"] for one in configured if not one.get("dryRun")]
    return [f"it sent {text[:60]}" for text in texts if _WRITES.search(text)]


def cells(requests: Mapping[str, int], seed: int = 0) -> list[Cell]:
    """Every cell of the matrix, round by round.

    The first round has one request for each command, fault and mode, the next one another; `seed` decides which. Half
    of a round has each command and fault in one of the modes, the other half in the other.
    """
    chance, halves = random.Random(seed), dict[tuple[int, int], list[Cell]]()
    for name, many in requests.items():
        for fault in FAULTS:
            modes = chance.sample((False, True), 2)
            for half, always in enumerate(modes):
                for number, request in enumerate(chance.sample(range(many), many)):
                    halves.setdefault((number, half), []).append(Cell(name, request, fault.name, always))
    for some in halves.values():
        chance.shuffle(some)
    return [cell for _, some in sorted(halves.items()) for cell in some]
