"""fqtool init --from-ddl on every form of DDL that people write: `tests/ddl/NAME.sql`, or a folder of such files.

`tests/ddl/NAME.txt` beside it is the outcome: the error of a script that is refused, by the name of what BigQuery
refuses, else what is noted and the table as a registry has it. A first line `-- init ...` holds options.
`FQTOOL_RENEW=1` writes the outcomes; read what changed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from fqtool.commands.init.run import scaffold_ddl
from fqtool.errors import FqtoolError, InputError
from fqtool.schema.build import base_table
from fqtool.table.parse import statements
from fqtool.table.properties import COLUMN_PROPERTIES, TABLE_PROPERTIES, column_values, table_values, with_fields
from fqtool.table.read_ddl import Created, read_ddl
from fqtool.table.tokens import cut
from tests.bed import zeta
from tests.commands import run
from tests.scaffolds import loaded

CORPUS = Path(__file__).parent / "ddl"
SCRIPTS = sorted(path for path in CORPUS.iterdir() if path.suffix == ".sql" or path.is_dir())
_OPTIONS = re.compile(r"-- init(?: --name (?P<name>\S+))?(?P<comments> --comments)?\n")
# The analyser lacks what these hold, or refuses a part of them.
_OF_BIGQUERY_ALONE = "_refused$|^generated_|^aliases_|^one_of|^managed_|^connection_"
OTHERS = ("orders", "customers", "u")
_SHOWN = ("table", "base_columns")


def outcome(script: Path) -> str:
    """What init makes of a script, as text."""
    options = _OPTIONS.match(script.read_text(encoding="utf-8")) if script.is_file() else None
    name, comments = (options["name"] or "", bool(options["comments"])) if options else ("", False)
    try:
        made = scaffold_ddl(Path(script.name), name, comments=comments)
    except FqtoolError as error:
        found = "".join(f"{one.location}: {one.rule}: {one.message}\n" for one in error.findings)
        return f"refused: {error.message}\nremedy: {error.remedy}\n{found}"
    notes = [f"note: {note}" for note in (*made.notes, *made.made.unsaid)]
    sections = re.split(r"(?m)^(?=[a-z_]+:)", made.text)
    shown = [section for section in sections if section.startswith(tuple(f"{key}:" for key in _SHOWN))]
    lines = [line for section in shown for line in section.rstrip().splitlines() if not line.startswith("#")]
    return "\n".join((*notes, *lines)) + "\n"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_has_the_outcome_beside_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each script is read as its outcome states, or refused by the name of what BigQuery refuses."""
    monkeypatch.chdir(CORPUS)
    expected, found = script.with_suffix(".txt"), outcome(script)
    if os.environ.get("FQTOOL_RENEW"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")
    assert found.startswith("refused:") is script.stem.endswith("_refused")


def test_every_outcome_has_its_script() -> None:
    """No outcome is left behind, and the corpus does not shrink unnoticed."""
    assert sorted(path.stem for path in CORPUS.glob("*.txt")) == sorted(path.stem for path in SCRIPTS)
    assert len(SCRIPTS) >= 100


def test_every_property_that_ddl_states_is_in_the_corpus() -> None:
    """A script states each property of a column, of a field and of a table, so a new row needs a script."""
    of_columns, of_fields, of_tables = set[str](), set[str](), set[str]()
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8") if script.is_file() else ""
        for table in (created.table for created in tables_of(text)):
            values = table_values(table)
            of_tables |= {name for name, row in TABLE_PROPERTIES.items() if values[name] != row.unset}
            for path, field in (pair for column in table.columns for pair in with_fields(column)):
                names = column_values(field, nested=True)
                of_columns |= set(names) if len(path) == 1 else set()
                of_fields |= set(names) if len(path) > 1 else set()
    assert of_tables == set(TABLE_PROPERTIES)
    assert of_columns == {*COLUMN_PROPERTIES, "default"}
    assert of_fields == {*COLUMN_PROPERTIES} - {"generated"}


_TRUNCATED = {
    "TIMESTAMP_TRUNC(ts": ("HOUR", "DAY", "MONTH"),
    "TIMESTAMP_TRUNC(_PARTITIONTIME": ("HOUR", "MONTH", "YEAR"),
    "DATETIME_TRUNC(dt": ("HOUR", "YEAR"),
    "DATE_TRUNC(day": ("MONTH", "YEAR", "WEEK"),
}
FORMS = (
    *(f"PARTITION BY {re.escape(start)}, {unit}" for start, units in _TRUNCATED.items() for unit in units),
    r"PARTITION BY (_PARTITIONDATE|DATE\(_PARTITIONTIME\)|RANGE_BUCKET)",
    r"PARTITION BY DATE\((ts|dt)\)",
    r"PARTITION BY DATE\(ts, '",
    r"ALTER TABLE IF EXISTS",
    r"ADD COLUMN IF NOT EXISTS",
    r"DROP COLUMN IF EXISTS",
    r"RENAME COLUMN IF EXISTS",
    r"ALTER COLUMN IF EXISTS",
    r"ALTER COLUMN \w+ SET OPTIONS",
    r"ALTER COLUMN \w+ SET DEFAULT",
    r"DROP DEFAULT",
    r"DROP NOT NULL",
    r"SET DATA TYPE",
    r"orders SET OPTIONS",
    r"SET DEFAULT COLLATE",
    r"RENAME TO",
    r"ADD PRIMARY KEY",
    r"ADD FOREIGN KEY",
    r"ADD CONSTRAINT",
    r"DROP PRIMARY KEY",
    r"DROP CONSTRAINT",
    r"CREATE OR REPLACE TABLE",
    r"CREATE TABLE IF NOT EXISTS",
    r"CREATE TABLE [\w.]+\s+AS",
    r" LIKE ",
    r" CLONE ",
    r" COPY ",
    r"CREATE (OR REPLACE )?VIEW",
    r"CREATE MATERIALIZED VIEW",
    r"CREATE EXTERNAL TABLE",
    r"CREATE SNAPSHOT TABLE",
    r"CREATE TEMP TABLE",
    r"CREATE (OR REPLACE )?FUNCTION",
    r"CREATE TABLE FUNCTION",
    r"CREATE (OR REPLACE )?PROCEDURE",
    r"NOT NULL DEFAULT",
    r"DEFAULT \w+(\(\))? NOT NULL",
    r"ARRAY<[^>]+> NOT NULL",
    r"REFERENCES shop\.\w+\(",
    r"COLLATE '",
    r"GENERATED ALWAYS AS",
    r"TIMESTAMP\(12\)",
    r"TABLE [a-z]+-[\w-]+\.",
    "^\ufeff",
    r"'\s+'",
    r"\r\n",
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_in_the_corpus(form: str) -> None:
    """Each form of the statements that people write is in a script."""
    found = (path.read_bytes().decode() for path in SCRIPTS if path.is_file())
    assert any(re.search(form, text) for text in found)


def created_alone(script: Path) -> bool:
    """Whether the script makes one table whose columns a registry can name, without options of init."""
    if script.is_dir() or script.stem.endswith("_refused"):
        return False
    text = script.read_text(encoding="utf-8")
    created = read_ddl([(script.name, text)]).created
    named = (re.fullmatch(r"\w+", one.name, re.ASCII) for table in created for one in table.table.columns)
    return len(created) == 1 and not text.startswith("-- init") and all(named)


@pytest.mark.parametrize("script", [*filter(created_alone, SCRIPTS)], ids=lambda path: path.stem)
def test_the_registry_of_a_script_is_the_table_it_creates(script: Path) -> None:
    """Names, types, modes and descriptions of the columns come back, and the defaults but for those that are noted."""
    (created,) = read_ddl([(script.name, script.read_text(encoding="utf-8"))]).created
    made = scaffold_ddl(script)
    columns = base_table(loaded(made.text)).columns
    noted = " ".join(made.made.unsaid)
    for found, expected in zip(columns, created.table.columns, strict=True):
        default = None if f"The default of `{found.name}` is not managed" in noted else expected.default
        assert (found.name, found.shape, found.description) == (expected.name, expected.shape, expected.description)
        assert found.default == default


def accepted(script: Path) -> list[str]:
    """The CREATE TABLE statements of a script that init reads."""
    text = script.read_text(encoding="utf-8").removeprefix("\ufeff")
    found = (text[tokens[0].start : tokens[-1].end] for tokens in statements(text))
    return [sql for sql in found if re.match(r"CREATE\s+(OR REPLACE\s+)?TABLE\s(?!FUNCTION)", sql, re.IGNORECASE)]


READ = [path for path in SCRIPTS if path.suffix == ".sql" and not re.search(_OF_BIGQUERY_ALONE, path.stem)]


@pytest.mark.parametrize("script", READ, ids=lambda path: path.stem)
def test_google_s_analyser_accepts_what_init_reads(script: Path) -> None:
    """The corpus is GoogleSQL: each CREATE TABLE of a script that is read passes Google's own analyser."""
    tables = {f"shop.{name}": {"order_id": "STRING", "id": "STRING", "a": "STRING", "b": "STRING"} for name in OTHERS}
    for sql in accepted(script):
        assert zeta.analyze(sql, tables | {"other-project.shop.u": {"a": "STRING"}}) is None


def test_of_a_folder_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """An unclosed comment stops its own file, not the others; a folder without SQL is refused."""
    with pytest.raises(InputError, match=r"has no \.sql or \.ddl file"):
        scaffold_ddl(tmp_path)
    (tmp_path / "a.sql").write_text("CREATE TABLE d.broken (x INT64 /* never closed );")
    (tmp_path / "b.sql").write_text("CREATE TABLE d.t (x INT64);")
    made = scaffold_ddl(tmp_path)
    (note,) = made.notes
    assert made.made.table.name == "t"
    assert "a.sql was not read" in note
    assert "is not closed" in note


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.suffix == ".sql"], ids=lambda path: path.stem)
def test_a_broken_script_is_refused_or_read(script: Path) -> None:
    """With any token cut out, doubled, or all after it gone, a script is read or has a reason, and never a crash."""
    text = script.read_text(encoding="utf-8")
    for token in cut(text):
        doubled = f"{text[: token.end]} {text[token.start :]}"
        for broken in (text[: token.start] + text[token.end :], doubled, text[: token.start]):
            assert all(one.table.columns or one.problem for one in tables_of(broken))


def tables_of(sql: str) -> tuple[Created, ...]:
    """The tables of a script; () for one that is refused with its place."""
    try:
        return read_ddl([("t.sql", sql)]).created
    except InputError as error:
        if not error.message.startswith("t.sql: "):
            raise
        return ()


def test_comments_go_with_ddl(tmp_path: Path) -> None:
    """--comments without --from-ddl is wrong input, and nothing is written; with it the comments are descriptions."""
    assert "--from-ddl" in run(tmp_path, "init", "--comments", code=2).stderr
    assert [*tmp_path.iterdir()] == []
    run(tmp_path, "init", "--comments", "--from-ddl", str(CORPUS / "comments_offered.sql"))
    assert "description: who bought" in (tmp_path / "feature_registry.yaml").read_text(encoding="utf-8")
