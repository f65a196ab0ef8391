"""A new kind of change is its class and its two renderings: the type checker and the rules demand just these."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import pytest

from fqtool.commands.migrate.rules import judge
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Group
from fqtool.migrations.legality import refusals
from fqtool.migrations.plan import compared, make_statement, plan, satisfied
from fqtool.table import ddl
from fqtool.table.change import ColumnChange, NoSqlChange
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import AddForeignKey, DropForeignKey, SetOption, SetPrimaryKey, SetProperty
from fqtool.table.change_rebuild import CopyRows, RenameTable, VerifyCopy
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetPartitioning,
    SetType,
    fold,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.model import Partitioning, State, Table, View
from fqtool.table.typetext import column
from fqtool.warehouse.refused import changed
from tests.machine import patient

ROOT = Path(__file__).parents[1]
STATE = State(Table("t", (column("a", "INT64"), column("s", "STRUCT<a INT64>"))))
EXAMPLES: tuple[Change, ...] = (
    CreateTable(Table("t", (column("a", "INT64"),))),
    AddColumn(column("b", "DATE")),
    AddField(("s",), column("b", "DATE")),
    DropColumn("a"),
    RenameColumn("a", "b"),
    SetType("a", Type(Kind.FLOAT64)),
    SetMode("a", Mode.NULLABLE),
    SetDefault("a", "1"),
    SetDescription(("a",), "new"),
    SetProperty(("a",), "policy_tags", "tag"),
    Reorder(("a",)),
    SetPartitioning(Partitioning("a")),
    SetClustering(("a",)),
    SetOption("description", "new"),
    SetPrimaryKey(("a",)),
    AddForeignKey("FOREIGN KEY (a) REFERENCES u(b)"),
    DropForeignKey("FOREIGN KEY (a) REFERENCES u(b)"),
    PutView(View("v", "SELECT 1 AS x")),
    DropView("v"),
    CopyRows("t", "u", (("a", "`a`"),)),
    VerifyCopy("t", "u", (("a", "`a`"),)),
    RenameTable("t", "u"),
)
# check-drift refuses an absent table, reads no view that the registry does not have, and compares one table.
NO_DRIFT = (CreateTable, DropView, CopyRows, VerifyCopy, RenameTable)


@dataclass(frozen=True, slots=True)
class SetCollation(ColumnChange):
    """A kind that fqtool does not have, with the members that the type checker demands."""

    collation: str
    order = 5
    happened = "column {0.name} got the collation {0.collation}"
    noun = "collation"

    def altered(self, table: Table) -> Table:
        """The test's columns keep it as their description."""
        return table.with_column(self.name, description=self.collation)

    def refusal(self, before: State) -> str:
        """BigQuery has collations for STRING only."""
        old = before.column(self.name)
        return f"{self.name} is not a STRING" if old and old.type.kind is not Kind.STRING else ""

    def reverse(self, before: State) -> Change:
        """It was there before."""
        old = cast("Column", before.column(self.name))
        return cast("Change", SetCollation(self.name, old.description))


def test_the_type_checker_demands_the_members_and_both_renderings_of_a_new_kind(tmp_path: Path) -> None:
    """An unknown member of the union is refused in three places: its class and the two renderers."""
    shutil.copytree(ROOT / "fqtool", tmp_path / "fqtool", ignore=shutil.ignore_patterns("__pycache__"))
    changes = tmp_path / "fqtool/table/changes.py"
    kind = "@final\n@dataclass(frozen=True, slots=True)\nclass SetCollation(ColumnChange):\n    collation: str\n\n\n"
    text = changes.read_text().replace(
        "Change: TypeAlias = (\n", f"{kind}Change: TypeAlias = (\n    SetCollation\n    | "
    )
    changes.write_text(re.sub(r"\|\s+CreateTable", "| CreateTable", text))
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=patient(900), check=False)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert {line.partition(":")[0] for line in errors} == {
        "fqtool/table/changes.py",
        "fqtool/table/ddl.py",
        "fqtool/warehouse/duckdb/ddl.py",
    }, done.stdout + done.stderr
    assert len(errors) == 3
    demanded = next(line for line in errors if line.startswith("fqtool/table/changes.py"))
    assert set(re.findall(r'"(\w+)"', demanded)) == {"altered", "happened", "noun", "order", "refusal", "reverse"}
    assert all('"assert_never"' in line for line in errors if line != demanded)


def test_a_new_kind_is_planned_described_refused_and_reversed_by_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its GoogleSQL rendered, a kind of the test goes through every step from a plan to the comparison."""
    monkeypatch.setattr(ddl, "_action", lambda one: f"ALTER COLUMN {one.name} SET COLLATION {one.collation}")
    before = State(Table("t", (column("a", "STRING"), column("b", "INT64"))))
    change = cast("Change", SetCollation("a", "und:ci"))
    statement = make_statement(before, (change,), judge(before, change))
    assert statement.sql.endswith("SET COLLATION und:ci")
    assert statement.way_back.endswith("SET COLLATION ")
    assert (statement.why, statement.hazards) == ("the table differs from the registry", ())
    assert change.describe() == "column a got the collation und:ci"
    assert compared([change]) == "1 collation"
    assert [satisfied(state, [change]) for state in (before, changed(before, [change]))] == [False, True]
    with pytest.raises(Exception, match="SetCollation: b is not a STRING"):
        changed(before, [cast("Change", SetCollation("b", "und:ci"))])


def test_the_examples_are_every_kind() -> None:
    """The tests below leave out no member of the union."""
    assert [type(change) for change in EXAMPLES] == list(get_args(Change))


@pytest.mark.parametrize("change", EXAMPLES, ids=lambda change: type(change).__name__)
def test_every_kind_has_words_without_placeholders(change: Change) -> None:
    """The templates of its texts are filled in."""
    texts = [change.describe(), change.reason.format(change, 1), change.reasons.format(change, 2), change.noun]
    assert all(text and "{" not in text for text in texts)


@pytest.mark.parametrize("change", EXAMPLES, ids=lambda change: type(change).__name__)
def test_no_drift_passes_unseen(change: Change) -> None:
    """Each kind of difference between a live table and the registry has a rule."""
    rules = [one.code for one in rules_of(Group.DRIFT) if one.looks_at(change)]
    assert bool(rules) != isinstance(change, NO_DRIFT)


@pytest.mark.parametrize("change", EXAMPLES, ids=lambda change: type(change).__name__)
def test_a_plan_refuses_or_leaves_out_what_no_sql_makes(change: Change) -> None:
    """A kind without a statement never reaches the renderer, which has none for it."""
    legal = not isinstance(change, NoSqlChange)
    assert legal or not change.planned() or refusals(STATE, change)


@pytest.mark.parametrize("group", [Group.LEGALITY, Group.HAZARDS, Group.DRIFT])
def test_every_rule_about_changes_looks_at_a_kind_and_not_at_all(group: Group) -> None:
    """A rule whose last parameter names no kind would never run; one that names all distinguishes them itself."""
    for rule in rules_of(group):
        assert 0 < sum(map(rule.looks_at, EXAMPLES)) < len(EXAMPLES) / 2, rule.code


# A difference of one existing table has none of the others.
OF_A_TABLE = [
    one
    for one in EXAMPLES
    if not isinstance(one, (CreateTable, CopyRows, VerifyCopy, RenameTable, RenameColumn, Reorder))
]


@pytest.mark.parametrize("change", OF_A_TABLE, ids=lambda change: type(change).__name__)
def test_a_plan_is_computed_while_the_change_is_in_a_file_that_did_not_run(change: Change) -> None:
    """A change that the files have and the table has not is planned again, so that check-drift can report it."""
    live = STATE
    if isinstance(change, DropForeignKey):
        live = fold(live, [AddForeignKey(change.key)])
    if isinstance(change, DropView):
        live = fold(live, [PutView(View(change.name, "SELECT 1 AS x"))])
    desired = fold(live, [change])
    made = plan(desired, live, desired, judge=judge, filed=desired)
    planned = [one for statement in made.statements for one in statement.changes if not statement.adopted]
    assert made.refused or planned == ([] if desired == live else [*change.planned()])
