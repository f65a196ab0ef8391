"""Laws of the fault matrix: a sample of it holds, its judge can refuse, its page has every command with a target."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.bed.running import ROOT, Emulator
from tests.faults.commands import COMMANDS, Command
from tests.faults.faults import FAULTS, GROUPS
from tests.faults.matrix import FAILED, SUCCEEDED, VIOLATION, Bench, Cell, cells, judged
from tests.faults.running import Ran
from tests.test_docs import commands

PAGE = ROOT / "docs" / "reference" / "fault-matrix.md"
# The long ones get fewer.
SAMPLE = {"migrate": 2, "score": 2, "backfill": 2}
OTHERS = 3


@pytest.fixture(scope="module")
def bench(emulator: Emulator) -> Iterator[Bench]:
    """The store in all its stages."""
    made = Bench(emulator)
    yield made
    made.close()


def sample(bench: Bench, command: Command) -> list[Cell]:
    """Some cells of a command, always the same ones."""
    chance = random.Random(command.name)
    every = cells({command.name: bench.unbroken(command.name).requests})
    return chance.sample(every, SAMPLE.get(command.name, OTHERS))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_a_sample_of_the_matrix(command: Command, bench: Bench) -> None:
    """Whatever goes wrong with a request: success or one sentence, nothing half done, and a rerun that completes."""
    results = [bench.run(cell) for cell in sample(bench, command)]
    assert [f"{one.cell}: {one.why}" for one in results if one.outcome == VIOLATION] == []


# What the matrix found and what was fixed since: a statement that ran and could not be read back, or whose answer came
# too late, was taken for failed, and the next run refused the table that it had made; and an answer without anything in
# it was taken for an empty ledger; and rows that could not be read were named and not counted.
FOUND = (
    Cell("migrate", 8, "answer lost", always=True),
    Cell("migrate", 9, "401", always=False),
    Cell("migrate status", 0, "empty object", always=False),
    Cell("check-drift --data", 3, "404", always=False),
    Cell("diagnose", 2, "empty object", always=False),
    Cell("check-drift", 1, "empty object", always=True),
)


@pytest.mark.parametrize("cell", FOUND, ids=str)
def test_what_the_matrix_found_is_fixed(cell: Cell, bench: Bench) -> None:
    """A cell that was a violation once is not one now."""
    result = bench.run(cell)
    assert (result.outcome, result.why) == (FAILED, "")


def test_every_command_with_a_warehouse_has_its_row() -> None:
    """A command that takes --target is in the matrix and in its page, so that a new one cannot be forgotten."""
    asking = {name for name, one in commands() if any("--target" in parameter.opts for parameter in one.params)}
    text = PAGE.read_text()
    for name in asking:
        rows = [one.name for one in COMMANDS if _is(name, f"fqtool {one.name}")]
        assert rows, f"{name} is not in tests/faults/commands.py"
        counted = {text.count(f"| `fqtool {row}` |") for row in rows}
        assert counted == {len(GROUPS)}, f"{name} is not in {PAGE}; run `make faults`"


def _is(name: str, row: str) -> bool:
    """Whether a row is the command's, and not that of one below it."""
    return row == name or row.startswith(f"{name} --")


def test_the_page_counts_no_violation() -> None:
    """The page that is kept was made of a run of every pair of command and fault without a violation."""
    text = PAGE.read_text()
    assert " 0 violations." in " ".join(text.split())
    for fault in FAULTS:
        assert f" {fault.name} |" in text
    assert "| 0 / 0 " not in text


GOOD = Ran(0, "fine\n", "", 1.0)
WRONG: dict[str, tuple[str, Ran]] = {
    "a defect": ("401", Ran(3, "", "error: internal error (please report): KeyError: 'x'\n", 1.0)),
    "a traceback": ("401", Ran(3, "", "Traceback (most recent call last):\n", 1.0)),
    "nothing on stderr": ("401", Ran(3, "", "", 1.0)),
    "two errors": ("401", Ran(3, "", "error: One.\nerror: Two.\n", 1.0)),
    "no sentence": ("401", Ran(3, "", "error: \n", 1.0)),
    "too late": ("401", Ran(3, "", "error: It is late.\n", 60.0)),
    "another code": ("401", Ran(2, "", "error: You are wrong.\n", 1.0)),
    "another answer": ("empty object", Ran(0, "nothing there\n", "", 1.0)),
    "success after an error": ("401", Ran(0, "fine\n", "error: It failed.\n", 1.0)),
    "what passes was noticed": ("503", Ran(3, "", "error: It failed.\n", 1.0)),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_the_judge_can_refuse(mistake: str) -> None:
    """Each way of ending badly is a violation."""
    fault, ran = WRONG[mistake]
    outcome, why = judge(fault, ran)
    assert why, outcome


def judge(fault: str, ran: Ran) -> tuple[str, list[str]]:
    """Judge a reading command's run with a fault that came once."""
    (found,) = (one for one in FAULTS if one.name == fault)
    (command,) = (one for one in COMMANDS if one.name == "diagnose")
    return judged(Cell("diagnose", 0, fault, always=False), found, command, ran, GOOD, 5.0)


def test_the_judge_can_accept() -> None:
    """The answer of an unbroken run, and exit 3 with a sentence, are what they should be."""
    assert judge("503", GOOD) == (SUCCEEDED, [])
    assert judge("401", Ran(3, "", "error: It asks for credentials.\n    fix: Sign in.\n", 1.0)) == (FAILED, [])
