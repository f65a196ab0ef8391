"""Laws of `fqtool generate-sql writer`: the MERGE of a batch, and what a team's own statement leaves out."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fqtool.commands.generate_sql.run import generated_sql
from fqtool.output.findings import FORMATS
from fqtool.records.read_dml import column_lists
from fqtool.records.writer_sql import batch_table, writer_merge
from fqtool.registry.load import read_registry
from fqtool.schema.build import desired_table
from fqtool.warehouse.duckdb.types import quoted, type_text
from tests.bed.running import ROOT
from tests.bed.zeta import analyze
from tests.in_process import findings
from tests.in_process import fqtool as run
from tests.writers import RECORD, REGISTRY_FILE, as_ndjson, has_place, store_in

REGISTRY = read_registry(REGISTRY_FILE)
COLUMNS = [column.name for column in desired_table(REGISTRY).columns]
OWNED = ["features", "names", "labels", "vector_version", "games", "history"]
MERGE = writer_merge(REGISTRY)
UPDATE = "MERGE store t USING b s ON t.player = s.player\nWHEN MATCHED THEN UPDATE SET {}"
SETS = ", ".join(f"{name} = s.{name}" for name in [*OWNED, "score", "quality_version"])
NAMES = ", ".join(["player", "day", *OWNED])
REVERSED = ", ".join(reversed(NAMES.split(", ")))
SWAPPED = "player, day, features, names, {}, {}, games, history"
VALUES = ", ".join(f"s.{name}" for name in ["player", "day", *OWNED])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the registry."""
    return store_in(tmp_path).parent


def checked(folder: Path, sql: str) -> list[dict[str, Any]]:
    """The findings of a file of SQL."""
    (folder / "writer.sql").write_text(sql)
    return findings(folder, "generate-sql", "writer", "--check", "writer.sql")


def test_the_merge_inserts_new_rows_and_replaces_every_column_of_old_ones(folder: Path) -> None:
    """Run on DuckDB: a row is inserted, then updated in all columns; a default value is set once and kept."""
    with duckdb.connect() as connection:
        types = ", ".join(f"{quoted(c.name)} {type_text(c.type, c.mode)}" for c in desired_table(REGISTRY).columns)
        for name in ("store", "store_batch"):
            connection.execute(f"CREATE TABLE {name} ({types})")
        merge = generated_sql(REGISTRY, "writer", "duckdb").rstrip().removesuffix(";")
        for games in (7, None):
            lines = as_ndjson(folder / "batch.ndjson", [RECORD | {"games": games, "score": None}])
            connection.execute("DELETE FROM store_batch")
            connection.execute(f"INSERT INTO store_batch BY NAME FROM read_ndjson('{lines}')")
            connection.execute(merge, {"date": date(2026, 2, 6)})
            (row,) = connection.execute("SELECT games, written_at, features FROM store").fetchall()
            assert (row[0], row[2]) == (games, RECORD["features"])
            assert row[1] is not None


def test_google_accepts_the_merge() -> None:
    """GoogleSQL's analyser reads it against the table and its batch, for the small store and the real one."""
    for path in (REGISTRY_FILE, ROOT / "feature_registry.yaml"):
        registry = read_registry(path)
        types = {column.name: column.sql_type for column in desired_table(registry).columns}
        tables = {registry.table.name: types, batch_table(registry): types}
        assert analyze(writer_merge(registry), tables, {"date": date(2026, 2, 6)}) is None


def test_every_column_is_named(folder: Path) -> None:
    """In UPDATE all but the keys, in INSERT all; and the statement passes its own check."""
    update, insert = column_lists(MERGE, "store")
    assert [one.column for one in update.columns] == COLUMNS[2:]
    assert [one.column for one in insert.columns] == COLUMNS
    assert checked(folder, MERGE + ";") == []
    (folder / "feature_registry.yaml").write_text((ROOT / "feature_registry.yaml").read_text())
    done = run(folder, "generate-sql", "writer", "--out", "real.sql")
    assert done.code == 0, done.said
    assert findings(folder, "generate-sql", "writer", "--check", "real.sql") == []


def test_the_statement_of_duckdb_is_read_too(folder: Path) -> None:
    """Its names are in double quotes, which are strings in BigQuery."""
    sql = generated_sql(REGISTRY, "writer", "duckdb")
    assert checked(folder, sql) == []
    found = checked(
        folder, sql.replace('"games" = s."games", ', "").replace('"names" = s."names"', '"names" = s."games"')
    )
    assert [one["message"] for one in found] == [
        "UPDATE leaves out 1 column, which keeps its old value: games.",
        "names gets the source's games.",
    ]
    strings = RIGHT["rows of one length"].replace("s.labels", '"games"')
    assert checked(folder, strings) == []


@pytest.mark.parametrize("name", OWNED)
def test_a_merge_that_leaves_a_column_out_is_found(folder: Path, name: str) -> None:
    """Each column that a writer owns, in UPDATE, with the line of the word."""
    (found,) = checked(folder, "-- ours\n" + UPDATE.format(SETS.replace(f"{name} = s.{name}", "score = NULL")))
    assert (found["rule"], found["subject"], found["location"]["line"]) == ("FQ521", name, 3)
    assert f"UPDATE leaves out 1 column, which keeps its old value: {name}." in found["message"]


RIGHT = {
    "a MERGE of all columns": UPDATE.format(SETS) + f"\nWHEN NOT MATCHED THEN INSERT ({NAMES}) VALUES ({VALUES});",
    "an INSERT of a project's table": f"INSERT INTO `p-1.d.store` ({NAMES}) SELECT {NAMES} FROM b",
    "a name in parts": f"INSERT `d`.`store`({NAMES}) VALUES (1, 2, 3, 4, 5, 6, 7, 8)",
    "another table": f"INSERT INTO other VALUES (1); INSERT INTO store ({NAMES}) SELECT * FROM b",
    "a CASE with WHEN": UPDATE.format(SETS.replace("s.games", "CASE WHEN s.games > 0 THEN 1 ELSE (SELECT 2) END")),
    "every column by name": UPDATE.format("*") + " WHEN NOT MATCHED THEN INSERT *",
    "a field of a STRUCT": UPDATE.format(
        SETS.replace("history = s.history", "history.found = s.history.found, t.history.days = s.games")
    ),
    "rows of one length": f"INSERT store ({NAMES}) VALUES ({VALUES}), ({VALUES})",
    "a UNION by name": f"INSERT store ({NAMES}) SELECT {NAMES} FROM b UNION ALL BY NAME SELECT {REVERSED} FROM c",
    "a UNION": f"INSERT store ({NAMES}) SELECT {NAMES} FROM b UNION ALL SELECT {NAMES} FROM c UNION ALL SELECT *",
    "a comment and a string": (
        f"-- INSERT INTO store VALUES (1)\nSELECT 'INSERT INTO store';\nINSERT store ({NAMES}) SELECT b.* FROM b"
    ),
    "values by other names": f"INSERT store ({NAMES}) SELECT {NAMES.replace('games', 's.x AS games')} FROM b AS s",
    "a SELECT with expressions": (
        f"INSERT store ({NAMES}) SELECT 'a', @day, [1, 2 * 3], s.names, NULL, IF(TRUE, 'a', 'b'), 7,"
        " (SELECT AS STRUCT 1 AS found) FROM b AS s"
    ),
    "a SELECT after WITH": f"INSERT store ({NAMES}) WITH w AS (SELECT labels AS names FROM b) SELECT {NAMES} FROM w",
    "a template": f"INSERT store ({NAMES}) SELECT {{{{ columns }}}} FROM b",
    "an UPDATE of rows that the batch lacks": (
        UPDATE.format(SETS) + " WHEN NOT MATCHED BY SOURCE THEN UPDATE SET games = NULL"
    ),
    "functions of the right columns": (
        f"INSERT store ({NAMES}) SELECT TRIM(player), @day, features, names, CAST(labels AS STRING), "
        "IFNULL(vector_version, 'v1'), CAST(ARRAY_LENGTH(names) AS INT64), history FROM b"
    ),
    "all columns of a query in another order than the table": (
        f"INSERT store ({REVERSED}) WITH w AS (SELECT {REVERSED} FROM b) SELECT * FROM w"
    ),
    "a join of queries": f"INSERT store ({NAMES}) WITH w AS (SELECT games FROM b) SELECT * FROM w JOIN c USING (day)",
    "DuckDB's INSERT by name": f"INSERT INTO store BY NAME SELECT {NAMES.replace('games', '1 AS games')} FROM b",
    "DuckDB's INSERT of all by name": "INSERT INTO store BY NAME SELECT * FROM b",
    "two branches": UPDATE.format(SETS) + " WHEN NOT MATCHED BY SOURCE AND t.day > '2026-01-01' THEN DELETE",
}  # fmt: skip
WRONG = {
    "an INSERT that leaves a column out": (f"INSERT store ({NAMES.replace(', games', '')}) SELECT *", "FQ521", "games"),
    "an INSERT by name that leaves one out": (
        f"INSERT INTO store BY NAME SELECT {NAMES.replace('games', 'games AS plays')} FROM b", "FQ521", "NULL: games.",
    ),
    "INSERT OR REPLACE": (f"INSERT OR REPLACE INTO store ({NAMES.replace(', games', '')}) SELECT *", "FQ521", "games"),
    "a computed column of an UPDATE": (
        UPDATE.format(SETS.replace(", score = s.score", "")), "FQ522", "leaves 1 computed column at the scores",
    ),
    "an INSERT without names": ("INSERT INTO store VALUES (1, 2, 3)", "FQ523", "its 3 values go by position"),
    "INSERT SELECT without names": ("INSERT INTO store SELECT * FROM b", "FQ523", "the values go by position"),
    "INSERT ROW": (UPDATE.format(SETS) + " WHEN NOT MATCHED THEN INSERT ROW", "FQ523", "the values go by position"),
    "INSERT ROW alone": ("MERGE store USING b ON FALSE WHEN NOT MATCHED THEN INSERT ROW", "FQ523", "names no columns"),
    "a second row of another length": (
        f"INSERT store ({NAMES}) VALUES ({VALUES}), (1, 2)", "FQ525", "8 columns and gives 2 values",
    ),
    "a second SELECT in another order": (
        f"INSERT store ({NAMES}) SELECT {NAMES} FROM b UNION ALL SELECT {REVERSED} FROM c",
        "FQ525", "player gets the source's history",
    ),
    "a column that is named twice": (f"INSERT store ({NAMES}, games) SELECT *", "FQ525", "names games 2 times"),
    "an unknown field path": (UPDATE.format(SETS + ", x.found = 1"), "FQ524", "UPDATE names x, which is not"),
    "an unknown column": (f"INSERT store ({NAMES}, gamse) SELECT *", "FQ524", "Write games instead of gamse."),
    "a value of another column": (
        f"INSERT store ({NAMES}) VALUES ({VALUES.replace('s.features', 's.names')})", "FQ525", "features gets the",
    ),
    "a selected column of another column": (
        f"INSERT store ({NAMES}) SELECT {VALUES.replace('s.features', 's.names')} FROM b AS s",
        "FQ525", "features gets the source's names",
    ),
    "a column after WITH": (
        f"INSERT store ({NAMES}) WITH w AS (SELECT * FROM b) SELECT {NAMES.replace('games', 'history')} FROM w",
        "FQ525", "games gets the source's history",
    ),
    "another name": (
        f"INSERT store ({NAMES}) SELECT {VALUES.replace('s.games', 's.x AS history')} FROM b s", "FQ525", "games gets",
    ),
    "fewer selected values": (f"INSERT store ({NAMES}) SELECT 1, 2", "FQ525", "8 columns and gives 2 values"),
    "a table after a tag": ("SELECT 1; INSERT {{ target }}.store (player, day) VALUES (1, 2)", "FQ521", "features"),
    "a table after a field of an f-string": ("INSERT {x}.store (player, day) VALUES (1, 2)", "FQ521", "games"),
    "fewer values than columns": (f"INSERT store ({NAMES}) VALUES (1, 2)", "FQ525", "8 columns and gives 2 values"),
    "all columns of a query by WITH": (
        f"INSERT store ({NAMES}) WITH w AS (SELECT {REVERSED} FROM b) SELECT * FROM w",
        "FQ525", "player gets the source's history",
    ),
    "all columns of a query in brackets": (
        f"INSERT store ({NAMES}) SELECT x.* FROM (SELECT {REVERSED} FROM b) AS x",
        "FQ525", "player gets the source's history",
    ),
    "values in CAST": (
        f"INSERT store ({NAMES}) SELECT {SWAPPED} FROM b".format(
            "CAST(vector_version AS STRING)", "SAFE_CAST(labels AS STRING)"
        ),
        "FQ525", "labels gets the source's vector_version",
    ),
    "values in functions of UPDATE": (
        UPDATE.format("vector_version = TRIM(s.labels), labels = TRIM(s.vector_version)"),
        "FQ525", "labels gets the source's vector_version",
    ),
    "parameters": (
        f"INSERT store ({NAMES}) VALUES ({SWAPPED.format('@vector_version', '@labels')})",
        "FQ525", "vector_version gets the source's labels",
    ),
    "names that the query of USING swaps": (
        f"MERGE store t USING (SELECT player, labels AS vector_version, vector_version AS labels FROM b) s ON FALSE "
        f"WHEN NOT MATCHED THEN INSERT ({NAMES}) VALUES ({VALUES})",
        "FQ525", "labels gets the source's vector_version",
    ),
    "another column in UPDATE": (UPDATE.format(SETS.replace("s.games", "s.history")), "FQ525", "games gets the"),
}  # fmt: skip


TEMPLATES = {
    "a loop": "INSERT INTO store ({% for c in cols %}{{ c }}{% if not loop.last %}, {% endif %}{% endfor %}) SELECT *",
    "a filter": "INSERT INTO store ({{ columns | join(', ') }}) SELECT * FROM b",
    "an f-string": "INSERT INTO store ({columns}) SELECT * FROM b",
    "%s": "INSERT INTO store (%s) SELECT * FROM b",
    "the name of the table": "INSERT INTO {{ this }} (player) SELECT 1",
    "the last part of the name": "MERGE p.{{ d }}.{{ t }} USING b ON TRUE WHEN NOT MATCHED THEN INSERT ROW",
    "a condition": f"INSERT INTO store ({NAMES}{{% if x %}}, extra{{% endif %}}) SELECT 1",
    "a loop in UPDATE": UPDATE.format(
        "{% for c in cols %}{{ c }} = s.{{ c }}{% if not loop.last %}, {% endif %}{% endfor %}"
    ),
    "a condition in UPDATE": UPDATE.format("games = s.games{% if x %}, labels = s.labels{% endif %}"),
    "assignments of an f-string": UPDATE.format("{assignments}"),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_of_columns_is_a_note(folder: Path, name: str) -> None:
    """What it writes is not known, so it is not compared."""
    (found,) = checked(folder, TEMPLATES[name])
    assert (found["rule"], found["severity"]) == ("FQ526", "note")
    assert checked(folder, UPDATE.format(SETS.replace("s.games", "{{ x }} % 2"))) == []


def test_scores_of_the_older_row_are_a_note_where_scoring_reads_what_is_set(folder: Path) -> None:
    """An UPDATE of other columns has none."""
    update = UPDATE.format("{} = s.{}")
    rules = {name: [one["rule"] for one in checked(folder, update.replace("{}", name))] for name in OWNED}
    assert [name for name in OWNED if "FQ522" in rules[name]] == ["features", "labels"], rules
    notes = [one for one in checked(folder, update.replace("{}", "labels")) if one["rule"] == "FQ522"]
    assert [one["severity"] for one in notes] == ["note"]
    upstream = "\ncolumns:\n  - {name: brand, type: STRING, section: all, owner: upstream, description: The brand.}\n"
    file = folder / "feature_registry.yaml"
    assert "\ncolumns:\n" in file.read_text()
    file.write_text(file.read_text().replace("\ncolumns:\n", upstream))
    assert "FQ522" not in [one["rule"] for one in checked(folder, update.replace("{}", "brand"))]


@pytest.mark.parametrize("name", RIGHT)
def test_a_statement_that_writes_all_columns_has_no_finding(folder: Path, name: str) -> None:
    """However the table is named, and whatever else is in the file."""
    assert checked(folder, RIGHT[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_a_statement_gets_wrong_is_found(folder: Path, name: str) -> None:
    """With its rule and what is wrong."""
    sql, code, words = WRONG[name]
    found = checked(folder, sql)
    assert code in [one["rule"] for one in found], found
    assert words in json.dumps(found)


def test_a_kind_without_sql_is_named(folder: Path) -> None:
    """An empty output alone would look like a failure."""
    done = run(folder, "generate-sql", "view")
    assert (done.code, done.out) == (0, "")
    assert done.err == "feature_registry.yaml has nothing for `generate-sql view`.\n"


def test_a_file_without_a_statement_of_the_table_is_refused(folder: Path) -> None:
    """An empty answer would look like success; so would a kind of SQL that --check does not know."""
    (folder / "writer.sql").write_text("SELECT 1")
    done = run(folder, "generate-sql", "writer", "--check", "writer.sql")
    assert (done.code, "has no MERGE or INSERT into store" in done.err) == (2, True)
    (folder / "writer.py").write_text(f'SQL = """{MERGE}"""')
    done = run(folder, "generate-sql", "writer", "--check", "writer.py")
    assert (done.code, "Texts in Python are not read: name a file of SQL" in done.err) == (2, True), done.said
    (folder / "writer.sql").write_text("INSERT INTO other (a) SELECT 1;\nINSERT INTO store (player,")
    done = run(folder, "generate-sql", "writer", "--check", "writer.sql")
    assert (done.code, "The SQL is incomplete: line 2, column 19: ( is not closed." in done.err) == (2, True)
    done = run(folder, "generate-sql", "writer", "--check", "absent.sql")
    assert (done.code, "absent.sql does not exist." in done.err, "fix: " in done.err) == (2, True, True)
    assert run(folder, "generate-sql", "table", "--check", "writer.sql").code == 2


@pytest.mark.parametrize(
    ("raw", "message", "fix"),
    [
        (b"INSERT INTO store (player) VALUES ('a", "' is not closed.", "Close it."),
        (b"\xff\xfe", "is not UTF-8 text.", "Name a text file, or write this one in UTF-8."),
        (None, ". is a folder.", "Name a file."),
    ],
)
def test_a_file_of_sql_that_cannot_be_read_has_a_fix(folder: Path, raw: bytes | None, message: str, fix: str) -> None:
    """A quote without an end, another encoding, a folder."""
    (folder / "writer.sql").write_bytes(raw or b"")
    done = run(folder, "generate-sql", "writer", "--check", "." if raw is None else "writer.sql")
    assert (done.code, message in done.err, f"fix: {fix}" in done.err) == (2, True, True), done.said
    done = run(folder, "models", "--features", "absent.json")
    assert "fix: Check the path." in done.err, done.said


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_file_and_line(folder: Path, form: str) -> None:
    """The place of a finding is in each format."""
    (folder / "writer.sql").write_text("\nINSERT INTO store VALUES (1)")
    done = run(folder, "generate-sql", "writer", "--check", "writer.sql", "--format", form)
    assert done.code == 1, done.said
    assert "FQ523" in done.out
    assert has_place(done.out, form, "writer.sql", 2), done.out
