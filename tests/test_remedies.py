"""Following a remedy ends its finding: a walk over the rules that carry a command, statements or an entry.

Each case makes a store in which a rule finds something, performs the finding's remedy literally, and asks again: the
finding is gone, and nothing else became an error. Rules without a case are in `JUDGEMENT`, each with its reason.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fqtool.findings.catalog import every_rule
from fqtool.findings.finding import Finding, Group
from fqtool.lint.check import check_registry
from fqtool.migrations.plan import make_statement
from fqtool.registry.load import load_registry
from fqtool.registry.patches import edited
from fqtool.table.model import State, Table
from fqtool.table.parse import parse
from fqtool.warehouse.target import open_target
from tests.in_process import findings, fqtool
from tests.wrong_registries import Case as WrongRegistry
from tests.wrong_registries import cases as wrong_registries

PAGE = Path(__file__).parents[1] / "docs/reference/remedies.md"
PRODUCT = Path(__file__).parents[1] / "fqtool"
REGISTRY = "feature_registry.yaml"
DAY = "2026-02-06"
GOOD = '{"0": "computed", "1": "computed"}'
FULL = ("generate-schema", "--full")
VIEW = "views:\n  - {name: v_tiers, description: d, columns: [{name: tier, expr: quality_tier}]}\n"
STAMPS = """
  - {name: scored_by, type: STRING, section: stamps, description: d, expr: "'v2'"}
  - {name: scored_at, type: TIMESTAMP, section: stamps, description: d, expr: "@computed_at"}
"""
CHECKSUMS = "migrations/checksums.txt"
EXTRA = "  - {name: extra, type: INT64, section: aggregate, description: d, expr: COUNT_FEATURES(is_default)}\n"


@dataclass
class Store:
    """The scaffold of `fqtool init`, migrated, in a folder of its own."""

    folder: Path

    def run(self, *words: str, code: int = 0) -> None:
        """Run a command that must end with this code."""
        done = fqtool(self.folder, *words)
        assert done.code == code, done.said

    def sql(self, *statements: str) -> None:
        """Do something behind fqtool's back, in DuckDB's words."""
        with duckdb.connect(str(self.folder / ".fqtool" / "local.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)

    def edit(self, old: str, new: str, name: str = REGISTRY) -> None:
        """Put one text in the place of another, in the registry or another file."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def more(self, text: str) -> None:
        """Append to the registry, whose last section is `columns`."""
        with (self.folder / REGISTRY).open("a", encoding="utf-8") as file:
            file.write(text)

    def rows(self, *labels: str | None, day: str = DAY) -> None:
        """Insert a row for each map of labels."""
        told = ", ".join(
            f"('i{n}', DATE '{day}', [1.5, {n}.0], {'NULL' if label is None else repr(label)}, NOW(), NOW())"
            for n, label in enumerate(labels)
        )
        columns = "item, day, features, labels, prices_updated_at, written_at"
        self.sql(f"INSERT INTO feature_store ({columns}) VALUES {told}")

    def scored(self, rows: int = 3) -> None:
        """Rows of one date, scored by a backfill."""
        self.rows(*[GOOD] * rows)
        self.run("backfill", "--start", DAY, "--end", DAY)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that each case begins with."""
    folder = tmp_path_factory.mktemp("made")
    for words in (("init",), ("migrate", "plan"), ("migrate",)):
        done = fqtool(folder, *words)
        assert done.code == 0, done.said
    return folder


@dataclass(frozen=True)
class Case:
    """A rule, what makes it find something, and the command that reports it."""

    code: str
    arrange: Callable[[Store], None]
    command: tuple[str, ...] = ("check-drift",)
    name: str = ""
    also: tuple[str, ...] = field(default=())
    """Rules that may find something afterwards: a table that now has what was missing has rows without a score."""


BACKFILL = ("backfill", "--start", DAY, "--end", DAY, "--verify")
DATA = ("check-drift", "--data", "--start", DAY, "--end", DAY)


def _update(assignment: str) -> Callable[[Store], None]:
    """A scored store, of whose rows one was changed by hand."""

    def arrange(store: Store) -> None:
        store.scored()
        store.sql(f"UPDATE feature_store SET {assignment} WHERE item = 'i1'")

    return arrange


def _hand(statement: str) -> Callable[[Store], None]:
    return lambda store: store.sql(f"ALTER TABLE feature_store {statement}")


def _stale(*words: str, file: str) -> Callable[[Store], None]:
    """A generated file, and a registry that was edited since."""

    def arrange(store: Store) -> None:
        store.run(*words, "--out", file)
        store.more(EXTRA)

    return arrange


def _view_gone(store: Store) -> None:
    store.more(VIEW)
    store.run("migrate", "plan")
    store.run("migrate")
    store.sql("DROP VIEW v_tiers")


def _unscored(store: Store) -> None:
    store.scored()
    store.sql("UPDATE feature_store SET feature_quality_score = NULL")


def _more_rows(store: Store) -> None:
    store.scored()
    store.sql("UPDATE feature_store SET item = 'j' || item")
    store.scored()
    store.sql("INSERT INTO feature_store SELECT * REPLACE ('k' || item AS item) FROM feature_store")


def _guessed(store: Store) -> None:
    store.scored()
    store.sql("UPDATE feature_store SET labels = NULL WHERE item = 'i1'")


def _renamed(store: Store) -> None:
    store.edit("name: quality_tier\n", "name: tier_of_row\n    renamed_from: quality_tier\n")


def _pending(store: Store) -> None:
    store.more(EXTRA)
    store.run("migrate", "plan")


def _stamped(store: Store) -> None:
    """Columns for when and by which version a row was scored."""
    store.more(STAMPS)
    store.edit("table:\n", "schema_versions: {scored_by: v2}\n\ntable:\n")
    store.run("migrate", "plan")
    store.run("migrate")
    store.scored()


def _older(store: Store) -> None:
    _stamped(store)
    store.sql("UPDATE feature_store SET scored_by = 'v1'")


def _late(store: Store) -> None:
    writer = "{table: app.feature_store, last_updated: written_at, description: d}"
    store.edit("processors:\n", f"processors:\n  StoreWriter: {writer}\n")
    _stamped(store)
    store.sql("UPDATE feature_store SET scored_at = written_at - INTERVAL 1 HOUR")


def _model(store: Store) -> None:
    store.more("models:\n  - {name: m, needs: [last_price, mean_price]}\n")
    store.rows(GOOD)


def _contract_gone(store: Store) -> None:
    (store.folder / "migrations/feature_contract.json").unlink()


def _filter_turned_off(store: Store) -> None:
    """The table allows queries without a partition filter, and the registry requires one again."""
    on, off = "require_partition_filter: true", "require_partition_filter: false"
    store.edit(on, off)
    store.run("migrate", "plan")
    store.run("migrate")
    store.edit(off, on)


def _of_another_branch(store: Store) -> None:
    store.more(EXTRA)
    store.run("migrate", "plan")
    store.edit("0002", "#0002", CHECKSUMS)


def _one_before_gone(store: Store) -> None:
    store.more(EXTRA)
    store.run("migrate", "plan")
    store.more(EXTRA.replace("extra", "other"))
    store.run("migrate", "plan")
    (store.folder / "migrations/0002_add_extra.sql").unlink()
    (store.folder / "migrations/0003_add_other.sql").rename(store.folder / "migrations/0002_add_other.sql")


VERIFY = ("migrate", "verify")
STATUS = ("migrate", "status")
FOREIGN = "foreign_keys: [{columns: [item], table: items, references: [item]}]"
ROUNDED = "properties: {rounding_mode: ROUND_HALF_EVEN}"
CASES = (
    Case("FQ301", _hand("DROP quality_tier"), name="dropped by hand"),
    Case("FQ301", lambda store: store.more(EXTRA), name="not planned"),
    Case("FQ301", _pending, name="not applied"),
    Case("FQ301", _hand("DROP labels"), name="of a base column"),
    Case("FQ302", _hand("ADD COLUMN rogue VARCHAR"), name="text"),
    Case("FQ302", _hand("ADD COLUMN rogue BIGINT DEFAULT 1"), name="default"),
    Case("FQ302", _hand("ADD COLUMN rogue STRUCT(a DOUBLE[], b BIGINT)"), name="struct"),
    Case("FQ306", lambda store: store.edit("Features that hold a default value.", "Other words."), name="declared"),
    Case("FQ307", _hand("ALTER written_at DROP DEFAULT"), name="of a base column"),
    Case("FQ312", lambda store: store.edit("require_partition_filter: true", "require_partition_filter: false")),
    Case("FQ312", _filter_turned_off, name="with a hazard"),
    Case("FQ313", _view_gone),
    Case(
        "FQ318",
        lambda store: store.edit(
            "    section: aggregate\n    expr: ROUND", f"    {ROUNDED}\n    section: aggregate\n    expr: ROUND"
        ),
    ),
    Case("FQ319", lambda store: store.edit("keys: [item, day]", "keys: [item, day]\n  primary_key: true")),
    Case("FQ320", lambda store: store.edit("keys: [item, day]", f"keys: [item, day]\n  {FOREIGN}")),
    Case("FQ404", lambda store: store.more(EXTRA)),
    Case("FQ401", _contract_gone, VERIFY, "contract gone"),
    Case("FQ401", _of_another_branch, VERIFY, "of another branch"),
    Case("FQ405", _one_before_gone, VERIFY),
    Case("FQ408", _hand("DROP quality_tier"), STATUS, "column gone"),
    Case("FQ408", _view_gone, STATUS, "view gone"),
    Case("FQ407", _stale("generate-schema", file="s.json"), ("generate-schema", "--check", "s.json"), "schema"),
    Case("FQ407", _stale("generate-schema", "--full", file="s.json"), (*FULL, "--check", "s.json"), "whole schema"),
    Case("FQ407", _stale("export", "dbt", file="a b.yml"), ("export", "dbt", "--check", "--out", "a b.yml"), "export"),
    Case("FQ643", lambda store: store.rows(GOOD), ("daily", "--date", DAY)),
    Case("FQ662", _unscored, BACKFILL),
    Case("FQ664", _guessed, BACKFILL),
    Case("FQ666", _more_rows, BACKFILL),
    Case("FQ702", _update("quality_tier = 'x'"), DATA, "tier"),
    Case("FQ702", _update("feature_1_source = 'x'"), DATA, "source"),
    Case("FQ703", _update("feature_1_quality = 250"), DATA),
    Case("FQ704", _update("default_feature_count = 9"), DATA),
    Case("FQ656", _model, ("models", "--date", DAY)),
    Case("FQ709", _late, DATA),
    Case("FQ710", _older, DATA),
    Case("FQ711", lambda store: store.rows(GOOD), DATA),
    Case("FQ903", lambda store: (store.folder / ".fqtool/local.duckdb").unlink(), ("doctor",)),
)


def perform(store: Store, finding: dict[str, Any]) -> None:
    """Do exactly what a remedy asks."""
    if finding["commands"]:
        for words in finding["commands"]:
            assert words[0] == "fqtool"
            done = fqtool(store.folder, *words[1:])
            assert done.code == 0, done.said
        return
    if finding["remedy"].startswith("Add it to "):
        section, entry = finding["remedy"].removeprefix("Add it to ").split(": ", maxsplit=1)
        store.edit(f"\n{section}:\n", f"\n{section}:\n  {entry}\n")
        return
    assert finding["remedy"].endswith(";"), finding
    with open_target(f"duckdb:///{store.folder}/.fqtool/local.duckdb") as warehouse:
        live = warehouse.describe("feature_store")
        assert isinstance(live, Table)
        warehouse.run(make_statement(State(live), parse(finding["remedy"].removesuffix(";"))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.name}".rstrip("-"))
def test_following_a_remedy_ends_its_finding(case: Case, made: Path, tmp_path: Path) -> None:
    """Performed literally, the remedy takes the finding away and brings no new one that is an error."""
    store = Store(Path(shutil.copytree(made, tmp_path / "store")))
    case.arrange(store)
    before = findings(store.folder, *case.command)
    mine = [one for one in before if one["rule"] == case.code]
    assert mine, before
    perform(store, mine[0])
    after = findings(store.folder, *case.command)
    gone = mine[0]["rule"], mine[0]["subject"]
    assert gone not in {(one["rule"], one["subject"]) for one in after}, after
    known = {(one["rule"], one["subject"]) for one in before}
    new = [one for one in after if (one["rule"], one["subject"]) not in known and one["rule"] not in case.also]
    assert [one for one in new if one["severity"] == "error"] == []


# Rules with a remedy other than a command, statement or entry, by what they look at; and single ones of other groups.
BY_GROUP = {
    Group.LOAD: "an edit of the registry, which its author words; edits without judgement are patches",
    Group.REGISTRY: "an edit of the registry, which its author words; edits without judgement are patches",
    Group.SUPPRESSIONS: "an edit of the registry; those without judgement are patches",
    Group.LEGALITY: "BigQuery does not make the change: a person chooses another",
    Group.PLAN: "a date that was agreed with readers, or a value that a copy would lose",
    Group.HAZARDS: "a loss that a person accepts with --allow",
    Group.LIVE: "another table or another kind of table: a person chooses",
    Group.DIAGNOSIS: "a job that is not fqtool's to run comes first",
    Group.RECORDS: "a writer's code, which its team edits",
    Group.CODE: "a list in code, which its team edits",
    Group.WRITER_SQL: "a writer's code, which its team edits",
    Group.DIFFERENCES: "two registries are compared: which one is meant is the author's decision",
    Group.DIFF: "two registries are compared: which one is meant is the author's decision",
}
JUDGEMENT = {
    "FQ303": "whether the table or the registry is right",
    "FQ304": "whether the table or the registry is right",
    "FQ305": "whether the table or the registry is right",
    "FQ308": "whether a reader goes by position",
    "FQ309": "a table's partitions are not changed in place",
    "FQ310": "a command of bq, which sets it on BigQuery alone",
    "FQ311": "access control belongs to the data owner",
    "FQ314": "readers are changed first",
    "FQ315": "another version of fqtool",
    "FQ402": "the file that ran is in version control",
    "FQ403": "the file that ran is in version control",
    "FQ409": "a right that an administrator grants",
    "FQ410": "the cause of the error comes first",
    "FQ406": "an index is a contract with models",
    "FQ641": "the cause comes first",
    "FQ642": "the cause comes first",
    "FQ644": "the pipeline that writes the table has to run",
    "FQ651": "a model's inputs are its author's",
    "FQ652": "a model's inputs are its author's",
    "FQ653": "a model's inputs are its author's",
    "FQ654": "a model's inputs are its author's",
    "FQ655": "a model's inputs are its author's",
    "FQ657": "the cause comes first",
    "FQ658": "whether the model is to be used",
    "FQ661": "whether rows are restored",
    "FQ663": "what the warehouse refused comes first",
    "FQ665": "which of two rows is right",
    "FQ701": "whether the label is meant",
    "FQ705": "what should write the column comes first",
    "FQ706": "whether the column can vary",
    "FQ707": "rows are built again first",
    "FQ708": "rows are built again first",
    "FQ717": "which of two rows is right",
    "FQ712": "whether the rows or the list of versions is right",
    "FQ713": "whether the rows or the registry is right",
    "FQ714": "whether the values or the law is right",
    "FQ715": "whether the values or the source is right",
    "FQ716": "where the values come from is the team's to know",
    "FQ901": "a right that an administrator grants",
    "FQ902": "an environment that is not fqtool's to change",
}


def test_every_rule_is_walked_or_has_a_reason_why_not() -> None:
    """No rule is left out by accident, and none is in both lists."""
    walked = {case.code for case in CASES}
    by_group = {code for code, rule in every_rule().items() if rule.group in BY_GROUP}
    excused = JUDGEMENT.keys() | (by_group - walked)
    assert walked & excused == set()
    assert every_rule().keys() - walked - excused == set()
    assert JUDGEMENT.keys() - every_rule().keys() == set()


HEAD = """# Remedies and what proves them

A remedy is commands to run, statements for the target, an entry for the registry, an edit of the registry, or a
sentence where a person has to decide. Every remedy of the first table is performed literally by a test, which then
asks again: the finding is gone, and nothing else became an error. Edits (`fqtool validate --fix`) are proven on every
wrong registry of the test suite.
"""


def _page() -> str:
    rules = every_rule()
    walked = sorted({case.code for case in CASES})
    excused = sorted(rules.keys() - set(walked))
    lines = [
        HEAD,
        f"Rules: {len(rules)}. Proven so: {len(walked)}, by {len(CASES)} cases. Left to a person: {len(excused)}.",
        "",
        "| rule | about | cases |",
        "|---|---|---|",
        *(f"| {code} | {_about(code)} | {sum(case.code == code for case in CASES)} |" for code in walked),
        "",
        "| rule | about | what a person decides |",
        "|---|---|---|",
        *(f"| {code} | {_about(code)} | {JUDGEMENT.get(code) or BY_GROUP[rules[code].group]} |" for code in excused),
        "",
    ]
    return "\n".join(lines)


def _about(code: str) -> str:
    return every_rule()[code].page.splitlines()[0].replace("|", "\\|")


def test_golden_page() -> None:
    """The page lists every rule in one of its tables; FQTOOL_RENEW=1 writes it."""
    if os.environ.get("FQTOOL_RENEW"):
        PAGE.write_text(_page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == _page(), "intended? then: make golden, and read the diff"


@pytest.mark.parametrize("wrong", wrong_registries(), ids=lambda case: case.path.stem)
def test_a_patch_ends_its_finding(wrong: WrongRegistry) -> None:
    """The edits of a finding alone, without those of the others, take it away."""
    text = wrong.text()
    for found in _of_registry(text):
        if found.patch:
            left = [(one.rule, one.subject, one.message) for one in _of_registry(edited(text, found.patch))]
            assert (found.rule, found.subject, found.message) not in left, found


def _of_registry(text: str) -> tuple[Finding, ...]:
    registry, found = load_registry(text, REGISTRY)
    return found if registry is None else (*found, *check_registry(registry, date.fromisoformat(DAY)))


def _remedies_in_text(tree: ast.AST) -> Iterator[ast.expr]:
    """What is given as `remedy=` as a text."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            yield from (
                one.value
                for one in call.keywords
                if one.arg == "remedy" and isinstance(one.value, ast.Constant | ast.JoinedStr)
            )


def test_no_remedy_is_a_text_that_names_a_command() -> None:
    """A remedy that asks to run fqtool is a value, so that it repeats the options that were given."""
    wrong = [
        (str(path.relative_to(PRODUCT)), ast.unparse(text))
        for path in PRODUCT.rglob("*.py")
        for text in _remedies_in_text(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"\bfqtool [a-z-]+|--take-lease", ast.unparse(text).replace("fqtool never writes", ""))
    ]
    assert wrong == []
