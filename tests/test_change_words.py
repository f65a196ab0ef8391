"""Laws of what is said of a change: what happened, what it is for, and the way back, which leads back."""

from __future__ import annotations

import pytest

from fqtool.migrations.contract import breaks, contract_text, read_contract
from fqtool.migrations.plan import make_statement
from fqtool.migrations.tell import told
from fqtool.registry.model import Feature
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetType,
    apply,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.diff import diff
from fqtool.table.model import State, Table, View
from fqtool.table.parse import parse_script
from fqtool.table.typetext import column

BEFORE = State(
    Table("t", (Column("a", Type(Kind.INT64), Mode.REQUIRED), column("b", "STRING"))),
    (View("v", "SELECT a FROM t", "words"),),
)
BACK = "irreversible"
OTHER = "has another default in the registry"
NEW = "is new or has another text"
# What changes the table; told as found; what it is for; words of the way back.
SAID: list[tuple[Change, str, str, str]] = [
    (
        CreateTable(Table("t", (column("a", "INT64"),))),
        "table t was created", "create t with 1 columns", f"{BACK} by fqtool",
    ),
    (AddColumn(column("c", "DATE")), "column c was added as DATE", "the registry has c, the table has not", "DROP COL"),
    (DropColumn("b"), "column b was dropped", "the registry says dropped", f"{BACK}: the values go away"),
    (RenameColumn("b", "c"), "column b was renamed to c", "the registry says renamed_from", "RENAME COLUMN"),
    (SetType("a", Type(Kind.FLOAT64)), "column a became FLOAT64", "a is to be FLOAT64", f"{BACK} because"),
    (SetMode("a", Mode.NULLABLE), "column a became NULLABLE", "a need not be REQUIRED", f"{BACK} because"),
    (SetDefault("b", "'x'"), "column b got the default 'x'", f"b {OTHER}", "DEFAULT"),
    (SetDefault("b", None), "column b lost its default", f"b {OTHER}", "DEFAULT"),
    (SetDescription(("b",), "new"), "b got another description", "b has another description", "description"),
    (SetOption("description", "new"), "option description became 'new'", "table options differ", "description"),
    (PutView(View("v", "SELECT b FROM t", "words")), "view v got another text", f"the view v {NEW}", "SELECT a"),
    (PutView(View("w", "SELECT b FROM t", "words")), "view w got another text", f"the view w {NEW}", "DROP VIEW"),
    (DropView("v"), "view v was dropped", "the table differs from the registry", "SELECT a"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "found", "why", "back"), SAID, ids=lambda one: type(one).__name__)
def test_a_change_in_words(change: Change, found: str, why: str, back: str) -> None:
    """It says what happened and what for; the way back is one statement, or the reason why there is none."""
    before = State() if isinstance(change, CreateTable) else BEFORE
    made = make_statement(before, (change,))
    assert told(change) == found
    assert why in made.why
    assert back in made.way_back
    assert made.way_back.startswith(BACK) == back.startswith(BACK)


@pytest.mark.parametrize("change", [change for change, _, _, back in SAID if not back.startswith(BACK)], ids=str)
def test_the_way_back_leads_back(change: Change) -> None:
    """After the change and its way back nothing differs from before."""
    state = apply(BEFORE, change)
    for statement in parse_script(make_statement(BEFORE, (change,)).way_back + ";"):
        for one in statement.changes:
            state = apply(state, one)
    assert list(diff(state, BEFORE)) == []


def test_a_contract_reads_back() -> None:
    """Names, indices and who is retired come back; the index of one that is gone stays taken."""
    features = (Feature(0, "a", "one"), Feature(1, "b", "one", retired=True))
    recorded = read_contract(contract_text(features))
    assert [(one.index, one.name, one.retired) for one in recorded] == [(0, "a", False), (1, "b", True)]
    assert list(breaks(recorded, features)) == []
    assert [one.remedy.endswith("next free index, 2.") for one in breaks(recorded, ())] == [True, True]
    assert [one.remedy.endswith("next free index, 2.") for one in breaks(recorded, features[:1])] == [True]
