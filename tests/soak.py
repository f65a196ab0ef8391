"""Whatever people, colleagues and accidents do to a store: random sequences of it, and what must hold after each step.

`make soak STEPS=20000 SEED=1` takes as many steps as are asked for and prints how often each was taken; the same seed
and number of steps repeat a run. The tests take some of them.

After every step:
(a) what `migrate plan` wrote with exit 0, `migrate` applies, unless registry, table or files were changed since;
(b) where `check-drift` ends with 0, the table has the columns that the registry declares, each with its type;
(c) following the printed remedies exactly ends at exit 0 of every command within six commands, or at a remedy
    that names what a person has to decide;
(d) no file that fqtool did not write is gone or changed;
(e) no row and no value of a column that fqtool does not compute is lost.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fqtool.migrations.plan import make_statement
from fqtool.table.model import State, Table
from fqtool.table.parse import parse
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.target import open_target
from tests.in_process import Done, fqtool
from tests.interrupted_plans import at_operation
from tests.killed_migrator import beginning, ending, in_child

TABLE = "feature_store"
FILE = ".fqtool/local.duckdb"
REGISTRY = "feature_registry.yaml"
GOOD = '{"0": "computed", "1": "computed"}'
BASE = ("item", "day", "features", "labels", "prices_updated_at", "written_at")
NAMES = ("one", "two", "three")
DAY = "2026-02-06"
MOST_COMMANDS = 6
TAKEN = Counter[str]()
"""How often each step was taken in this process."""
_FIX = re.compile(r"^ *fix: (.*)$", re.MULTILINE)

_NEXT = re.compile(r"^Next: fqtool migrate((?: --allow FQ\d{3})*)$", re.MULTILINE)
_CODE = re.compile(r"FQ\d{3}")
_JSON = ("--format", "json")
ENDS = (
    ("check-drift", *_JSON),
    ("migrate", "verify", *_JSON),
    ("migrate",),
    ("migrate", "plan"),
    ("migrate", "status"),
)
"""The commands that all end with 0 where nothing is left to do."""

HANDS = {
    "drop a computed column": f"ALTER TABLE {TABLE} DROP quality_tier",
    "drop a feature's column": f"ALTER TABLE {TABLE} DROP feature_1_quality",
    "add a column": f"ALTER TABLE {TABLE} ADD COLUMN rogue VARCHAR",
    "relax a base column": f"ALTER TABLE {TABLE} ALTER item DROP NOT NULL",
    "change a computed type": f"ALTER TABLE {TABLE} ALTER default_feature_count TYPE DOUBLE",
    "change a feature's type": f"ALTER TABLE {TABLE} ALTER feature_0_source TYPE BLOB",
    "drop a default": f"ALTER TABLE {TABLE} ALTER written_at DROP DEFAULT",
    "rename a computed column": f"ALTER TABLE {TABLE} RENAME quality_tier TO tier",
    "restore without constraints": f"CREATE OR REPLACE TABLE {TABLE} AS FROM {TABLE}",
    "drop the table": f"DROP TABLE {TABLE}",
    "add what is pending": f"ALTER TABLE {TABLE} ADD COLUMN one BIGINT",
}


@cache
def scaffold() -> Path:
    """A migrated store of `fqtool init`, made once in a process."""
    folder = Path(tempfile.mkdtemp(prefix="fqtool-soak-"))
    for words in (("init",), ("migrate", "plan"), ("migrate",)):
        done = fqtool(folder, *words)
        assert done.code == 0, done.said
    return folder


class Store(RuleBasedStateMachine):
    """One store on DuckDB, and what is known of it."""

    engine: type[Any] = DuckDBWarehouse
    refusal: type[Exception] = duckdb.Error
    hands = HANDS

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="fqtool-soak-")) / "store"
        self.log: list[str] = []
        self.planned = False
        self.allowed: tuple[str, ...] = ()
        self.foreign: dict[str, str] = {}
        self.committed: dict[str, str] = {}
        self.rows: dict[str, list[tuple[Any, ...]]] = {}

    def teardown(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    # --- what is done ---------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """A migrated store with two rows."""
        shutil.copytree(scaffold(), self.folder)
        self.write_rows()

    @rule()
    def write_rows(self) -> None:
        """A writer brings rows, where there is a table for them."""
        self.step("write rows")
        with suppress(self.refusal):
            count = len(self.log)
            values = f"('i{count}', DATE '{DAY}', [1.5, {count}.0], '{GOOD}', NULL, NULL)"
            self.sql(f"INSERT INTO {TABLE} ({', '.join(BASE)}) VALUES {values}")
        self.remember()

    @rule(name=st.sampled_from(NAMES))
    def declare(self, name: str) -> None:
        """A person declares a column, or removes one that was never planned."""
        self.step(f"declare {name}")
        if declare(self.registry, name):
            self.planned = False

    @rule(words=st.sampled_from(("Where it came from.", "Its band.", "Mean.")))
    def describe(self, words: str) -> None:
        """A person rewords a description."""
        self.step("describe")
        text = self.registry.read_text(encoding="utf-8")
        self.registry.write_text(
            re.sub(r"(expr: TIER\(feature_quality_score\)\n +description: )[^\n]*", rf"\g<1>{words}", text),
            encoding="utf-8",
        )
        self.planned = False

    @rule(hand=st.sampled_from(sorted(HANDS)))
    def by_hand(self, hand: str) -> None:
        """A colleague alters the table; what DuckDB refuses did not happen."""
        self.step(hand)
        with suppress(self.refusal):
            self.sql(self.hands[hand])
            self.planned = False
        self.remember()

    @rule()
    def back_up_and_restore(self) -> None:
        """The table is put back as it was at first: the ledger is ahead of it."""
        self.step("restore an old table")
        with suppress(self.refusal):
            self.sql(self.restored())
            self.planned = False
        self.remember()

    @rule(name=st.sampled_from(("checksums.txt", "feature_contract.json")), how=st.sampled_from(("gone", "cut")))
    def lose_a_record(self, name: str, how: str) -> None:
        """A record beside the migrations is deleted or truncated."""
        self.step(f"{name} {how}")
        path = self.folder / "migrations" / name
        if path.exists():
            path.unlink() if how == "gone" else path.write_bytes(path.read_bytes()[:40])
            self.planned = False

    @rule(name=st.sampled_from((".#x.sql", "NOTES.md", "0001_x.sql~")))
    def leave_a_file(self, name: str) -> None:
        """Put a file of another author among the migrations."""
        self.step("leave a file")
        (self.folder / "migrations" / name).write_text("mine\n", encoding="utf-8")
        self.foreign[name] = "mine\n"

    @precondition(lambda self: len(self.files) > 2)
    @rule()
    def lose_the_newest_migration(self) -> None:
        """The newest migration file is deleted, as where a branch was left behind."""
        self.step("lose the newest migration")
        self.commit()
        self.files[-1].unlink()
        self.planned = False

    @rule(redo=st.booleans(), fatal=st.integers(0, 40))
    def plan_is_killed(self, redo: bool, fatal: int) -> None:
        """A plan dies before one of its file operations."""
        self.step("plan is killed")
        words = ("migrate", "plan", *["--redo"] * redo)
        in_child(partial(_killed_at_file, self.folder, words, fatal))
        self.planned = False

    @rule(fatal=st.integers(0, 8))
    def migrate_is_killed(self, fatal: int) -> None:
        """A migration dies before one of its statements."""
        self.step("migrate is killed")
        in_child(partial(_killed_at_statement, self.engine, self.folder, fatal))

    @rule(name=st.sampled_from(NAMES), records=st.sampled_from(("ours", "theirs", "conflict")))
    def merge_a_branch(self, name: str, records: str) -> None:
        """A colleague declared and planned on a branch; Git merges it, its migration files beside ours."""
        self.commit()
        self.step(f"merge a branch, {records}")
        branch = self.folder.parent / "branch"
        shutil.copytree(self.folder, branch)
        declare(branch / REGISTRY, name)
        if fqtool(branch, "migrate", "plan", "--name", "theirs").code == 0:
            merge(branch / "migrations", self.folder / "migrations", records)
            declare(self.registry, name)
            self.planned = False
        shutil.rmtree(branch)

    @rule(
        other=st.sampled_from((("migrate",), ("migrate", "plan"), ("migrate", "plan", "--redo"), ("check-drift",))),
        words=st.sampled_from((("migrate",), ("migrate", "plan"), ("score", "--start", DAY, "--end", DAY))),
    )
    def beside_another_process(self, other: tuple[str, ...], words: tuple[str, ...]) -> None:
        """Two processes at the same time, on a copy: both end with what users may see, and remedies work afterwards."""
        self.step(f"{' '.join(words)} beside another process: {' '.join(other)}")
        copy = Store()
        shutil.copytree(self.folder, copy.folder)
        copy.log, copy.foreign, copy.rows, copy.committed = self.log, self.foreign, self.rows, self.committed
        try:
            child = beginning(partial(_ends_well, copy.folder, other))
            fqtool(copy.folder, *words)
            assert ending(child) == 0, self.log
            copy.nothing_is_lost()
            copy.follow_remedies()
        finally:
            copy.teardown()

    @rule()
    def plan(self) -> None:
        """Plan."""
        self.planned_by("migrate", "plan")

    @rule()
    def plan_anew(self) -> None:
        """Plan what was not applied again."""
        self.planned_by("migrate", "plan", "--redo")

    @rule()
    def migrate(self) -> None:
        """Invariant (a): what was planned is applied, with the hazards that the plan printed."""
        planned = self.planned
        done = self.run("migrate", *(self.allowed if planned else ()))
        assert not planned or done.code == 0, self.told(done)

    @rule(words=st.sampled_from((("migrate", "--dry-run"), ("migrate", "status"), ("migrate", "verify"))))
    def ask(self, words: tuple[str, ...]) -> None:
        """Ask, which changes nothing."""
        self.run(*words)

    @rule()
    def score(self) -> None:
        """Score the rows."""
        self.run("score", "--start", DAY, "--end", DAY)

    @rule()
    def check_drift(self) -> None:
        """Invariant (b): clean means that the table has what the registry declares."""
        done = self.run("check-drift")
        if done.code == 0:
            wanted = fqtool(self.folder, "generate-schema", "--full")
            fields = {field["name"] for field in json.loads(wanted.out)}
            assert fields <= self.columns(), self.told(done)

    @rule()
    def follow_remedies(self) -> None:
        """Invariant (c)."""
        self.step("follow remedies")
        failed: Done | None = None
        for _ in range(MOST_COMMANDS):
            failed = failed or self.first_that_fails()
            if failed is None:
                self.planned = True
                TAKEN["follow remedies: everything ends with 0"] += 1
                return
            statements, commands = _remedies(failed)
            if not statements and not commands:
                assert _FIX.search(failed.said) or '"remedy": "' in failed.said, self.told(failed)
                codes = sorted(set(_CODE.findall(failed.out + failed.err)))
                TAKEN[f"follow remedies: a person decides about {', '.join(codes) or failed.words[0]}"] += 1
                return
            if any(words[0] == "git" and Path(words[-1]).name not in self.committed for words in commands):
                TAKEN["follow remedies: a file is needed that was never committed"] += 1
                return
            for statement in statements:
                self.perform(statement)
            # A command that fails in its turn prints a remedy of its own.
            failed = next((done for words in commands if (done := self.act(*words)).code), None)
        last = failed or self.first_that_fails()
        assert last is None or not any(_remedies(last)), self.told(last)

    def commit(self) -> None:
        """Keep the migrations as version control does."""
        self.committed |= {path.name: path.read_text(encoding="utf-8") for path in self.files}

    def act(self, program: str, *words: str) -> Done:
        """Run a command of a remedy: fqtool, or `git checkout -- PATH` for a file that was committed."""
        if program == "fqtool":
            return self.run(*words)
        assert (program, *words[:2]) == ("git", "checkout", "--"), words
        self.step("restore a file from version control")
        path = self.folder / words[2]
        path.write_text(self.committed[path.name], encoding="utf-8")
        return Done(words, 0, "", "")

    def perform(self, statement: str) -> None:
        """Run a statement of a remedy on the target: in DuckDB's words, or in BigQuery's where DuckDB has none."""
        self.step("run the statement of a remedy")
        with open_target(self.url) as warehouse:
            if statement.startswith('ALTER TABLE "') and isinstance(warehouse, DuckDBWarehouse):
                warehouse.connection().execute(statement)
                return
            live = warehouse.describe(TABLE)
            assert isinstance(live, Table)
            warehouse.run(make_statement(State(live), parse(statement.removesuffix(";"))))

    # --- what is asked --------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        """Invariants (d) and (e)."""
        for name, text in self.foreign.items():
            assert (self.folder / "migrations" / name).read_text(encoding="utf-8") == text, self.log
        now = self.values()
        for column, values in self.rows.items():
            assert now.get(column) == values, (column, self.log)

    def first_that_fails(self) -> Done | None:
        """The first of the commands that does not end with 0, as it ends; None where all do."""
        for words in ENDS:
            done = fqtool(self.folder, *words)
            if done.code:
                return done
        return None

    def planned_by(self, *words: str) -> None:
        """Plan, and keep the rules that `migrate` must then be allowed to break."""
        done = self.run(*words)
        self.planned = done.code == 0
        command = _NEXT.search(done.said)
        self.allowed = tuple(command[1].split()) if command else ()

    def run(self, *words: str) -> Done:
        """One command of fqtool."""
        self.step(" ".join(words))
        return fqtool(self.folder, *words)

    def step(self, name: str) -> None:
        """Count a step, and keep it for the message of one that fails."""
        TAKEN[name] += 1
        self.log.append(name)

    def told(self, done: Done) -> str:
        """Everything that led to a failure."""
        return "\n".join((*self.log, done.said))

    @property
    def url(self) -> str:
        """The target."""
        return f"duckdb:///{self.folder / FILE}"

    def restored(self) -> str:
        """A statement that puts the table back as it was before the first migration."""
        return f"CREATE OR REPLACE TABLE {TABLE} AS SELECT {', '.join(BASE)} FROM {TABLE}"

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask DuckDB behind fqtool's back."""
        with duckdb.connect(str(self.folder / FILE)) as connection:
            return connection.execute(statement).fetchall()

    def columns(self) -> set[str]:
        """The names of the table's columns."""
        return {
            str(row[0]) for row in self.sql(f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{TABLE}'")
        }

    def values(self) -> dict[str, list[tuple[Any, ...]]]:
        """The values of each column that fqtool does not compute."""
        ours = self.columns() & {*BASE, "rogue", "tier"}
        return {name: self.sql(f"SELECT {name} FROM {TABLE} ORDER BY item, {name}") for name in sorted(ours)}

    def remember(self) -> None:
        """What is in the table now was put there by another process: it must stay."""
        self.rows = self.values()

    @property
    def registry(self) -> Path:
        """The registry."""
        return self.folder / REGISTRY

    @property
    def files(self) -> list[Path]:
        """The migrations, in order."""
        return sorted((self.folder / "migrations").glob("[0-9]*.sql"))


def declare(registry: Path, name: str) -> bool:
    """Declare a column at the end of the registry; whether it was not there."""
    text = registry.read_text(encoding="utf-8")
    if f"name: {name}," in text:
        return False
    entry = f"{{name: {name}, type: INT64, section: aggregate, description: d, expr: COUNT_FEATURES(is_default)}}"
    registry.write_text(f"{text.rstrip()}\n  - {entry}\n", encoding="utf-8")
    return True


def merge(theirs: Path, ours: Path, records: str) -> None:
    """Bring what a branch wrote among the migrations of another, as Git does.

    `records` names the side that was kept of a file that both changed, or "conflict" for both with Git's markers.
    """
    for path in theirs.iterdir():
        here, text = ours / path.name, path.read_text(encoding="utf-8")
        kept = here.read_text(encoding="utf-8") if here.exists() else text
        if text != kept and records == "conflict":
            text = f"<<<<<<< HEAD\n{kept}=======\n{text}>>>>>>> theirs\n"
        here.write_text(kept if records == "ours" else text, encoding="utf-8")


def _remedies(done: Done) -> tuple[list[str], list[list[str]]]:
    """The statements for the target that a command printed, and the words of the first commands that are a remedy."""
    if done.out.startswith("{"):
        grave = [one for one in json.loads(done.out)["findings"] if one["severity"] != "note"]
        statements = [one["remedy"] for one in grave if one["remedy"].startswith("ALTER")]
        lines = next((one["commands"] for one in grave if one["commands"]), [])
        return statements, lines
    literal = [one for one in _FIX.findall(done.said) if one.startswith("fqtool ")]
    return [], [shlex.split(part) for one in literal[:1] for part in one.split(" && ")]


def _ends_well(folder: Path, words: tuple[str, ...]) -> None:
    done = fqtool(folder, *words)
    assert done.code in (0, 1, 2, 3), done.said


def _killed_at_file(folder: Path, words: tuple[str, ...], fatal: int) -> None:
    at_operation(folder / "migrations", fatal, "kill", [])
    fqtool(folder, *words)


def _killed_at_statement(engine: type[Any], folder: Path, fatal: int) -> None:
    """Die before the statement of this number, as where the power goes."""
    run, count = engine.run, iter(range(fatal + 1))

    def counted(self: Any, *given: Any, **how: Any) -> Any:
        if next(count, fatal) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, *given, **how)

    engine.run = counted
    fqtool(folder, "migrate")


def soak(steps: int, chosen: int, each: int = 30, machine: type[Store] = Store) -> None:
    """Take about this number of steps, in sequences of at most `each`."""
    options = settings(
        max_examples=max(steps // each, 1), stateful_step_count=each, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    run_state_machine_as_test(seed(chosen)(machine), settings=options)


def main(machine: type[Store]) -> None:
    """Take the steps and the seed of the command line, and print how often each step was taken."""
    try:
        soak(int(sys.argv[1]), int(sys.argv[2]), machine=machine)
    finally:
        _print_counts()


def _print_counts() -> None:
    for step, count in (*sorted(TAKEN.items()), ("steps", sum(TAKEN.values()))):
        sys.stdout.write(f"{count:>8,}  {step}\n")


if __name__ == "__main__":
    main(Store)
