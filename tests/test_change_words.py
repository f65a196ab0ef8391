"""Laws of the words for a change: what happened, what it is for, and the rollback, which restores the state."""

from __future__ import annotations

import pytest

from fqtool.migrations.contract import breaks, contract_text, read_contract
from fqtool.migrations.plan import compared, make_statement
from fqtool.registry.model import Feature
from fqtool.table.change_options import SetOption
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetType,
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
DEFAULT = "the default of b differs from the registry"
NEW = "is new, or its text differs"
# What changes the table; as a finding; what it is for; words of the rollback.
TEXTS: list[tuple[Change, str, str, str]] = [
    (
        CreateTable(Table("t", (column("a", "INT64"),))),
        "table t was created", "create t with 1 columns", f"{BACK} by fqtool",
    ),
    (AddColumn(column("c", "DATE")), "column c was added as DATE", "the registry has c, the table", "DROP COL"),
    (DropColumn("b"), "column b was dropped", "the registry has `dropped: true`", f"{BACK} because"),
    (RenameColumn("b", "c"), "column b was renamed to c", "the registry has `renamed_from`", "RENAME COLUMN"),
    (SetType("a", Type(Kind.FLOAT64)), "column a was changed to FLOAT64", "a is FLOAT64 in", f"{BACK} because"),
    (SetMode("a", Mode.NULLABLE), "column a was changed to NULLABLE", "a is NULLABLE in", f"{BACK} because"),
    (SetDefault("b", "'x'"), "the default of column b was changed to 'x'", DEFAULT, "DEFAULT"),
    (SetDefault("b", None), "the default of column b was dropped", DEFAULT, "DEFAULT"),
    (
        SetDescription(("b",), "new"),
        "the description of b was changed", "the description of b differs from the registry", "description",
    ),
    (SetOption("description", "new"), "option description was changed to 'new'", "table options differ", "description"),
    (PutView(View("v", "SELECT b FROM t", "words")), "the text of view v was changed", f"the view v {NEW}", "SELECT a"),
    (PutView(View("w", "SELECT b FROM t", "words")), "the text of view w was changed", f"view w {NEW}", "DROP VIEW"),
    (DropView("v"), "view v was dropped", "the table differs from the registry", "SELECT a"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "found", "why", "back"), TEXTS, ids=lambda one: type(one).__name__)
def test_a_change_in_words(change: Change, found: str, why: str, back: str) -> None:
    """The words name what happened and what for; the rollback is one statement, or the reason why there is none."""
    before = State() if isinstance(change, CreateTable) else BEFORE
    made = make_statement(before, (change,))
    assert change.describe() == found
    assert why in made.why
    assert back in made.way_back
    assert made.way_back.startswith(BACK) == back.startswith(BACK)


@pytest.mark.parametrize("change", [change for change, _, _, back in TEXTS if not back.startswith(BACK)], ids=str)
def test_the_rollback_restores_the_state(change: Change) -> None:
    """After the change and its rollback nothing differs from before."""
    state = change.apply(BEFORE)
    for statement in parse_script(make_statement(BEFORE, (change,)).way_back + ";"):
        for one in statement.changes:
            state = one.apply(state)
    assert list(diff(state, BEFORE)) == []


def test_a_contract_reads_back() -> None:
    """Names, indices and who is retired come back; the index of one that is gone stays taken."""
    features = (Feature(0, "a", "one"), Feature(1, "b", "one", retired=True))
    recorded = read_contract(contract_text(features))
    assert [(one.index, one.name, one.retired) for one in recorded] == [(0, "a", False), (1, "b", True)]
    assert list(breaks(recorded, features)) == []
    assert [str(one.remedy).endswith("next free index, 2.") for one in breaks(recorded, ())] == [True, True]
    assert [str(one.remedy).endswith("next free index, 2.") for one in breaks(recorded, features[:1])] == [True]


def test_what_was_compared_is_counted() -> None:
    """A created table counts its columns; every other change is one of its kind."""
    made = CreateTable(Table("t", (column("a", "STRING"), column("b", "STRING"))))
    changes = [made, AddColumn(column("c", "STRING")), SetType("a", Type(Kind.STRING)), SetType("b", Type(Kind.STRING))]
    assert compared(changes) == "2 columns, 1 added column, 2 types"
