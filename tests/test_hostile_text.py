"""Words that try to be more than words: descriptions, labels, names and expressions that would escape into SQL."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import pairwise

import pytest

from fqtool.commands.export.dictionary import dictionary
from fqtool.commands.export.dictionary_pages import dictionary_html, dictionary_markdown
from fqtool.commands.export.run import EXPORTS
from fqtool.commands.generate_schema.run import generated_schema
from fqtool.commands.generate_sql.run import generated_sql
from fqtool.errors import InputError
from fqtool.lint.check import check_registry
from fqtool.migrations.legality import refusals
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.sql import ident, literal
from fqtool.table.change_options import SetOption
from fqtool.table.changes import AddColumn, CreateTable, SetDefault, SetDescription
from fqtool.table.ddl import render
from fqtool.table.model import State
from fqtool.table.tokens import tokens_of, unquoted
from fqtool.table.typetext import column
from tests.bed.zeta import ZetaError, analyze, evaluate
from tests.test_registry_load import MINIMAL

HOSTILE = {
    "quotes": 'it\'s "quoted" \'\'\'three\'\'\' """times"""',
    "backticks": "`; DROP TABLE store; --`",
    "a statement": "x'); DROP TABLE store; SELECT ('",
    "backslashes": "\\ \\' \\\\n \\",
    "lines": "one\ntwo\r\nthree\n",
    "tabs": "a\tb",
    "unicode": "naïve 日本 \U0001f600 é e\u0301",
    "bidi": "\u202etxet\u202c \u2066x\u2069 \u200f",
    "invisible": "zero\u200bwidth\ufeff\u00ad",
    "separators": "line\u2028para\u2029next\u0085",
    "comments": "-- x # y /* z */ */ --",
    "templates": "{{ env_var('X') }} {% raw %} ${var.x} %{ if true } {index} {name}",
    "markup": "<script>alert(1)</script> | [a](javascript:1) &amp; ![x](y)",
    "formulas": "=cmd|' /C calc'!A0",
    "a bell": "a\x07b",
    "escape": "\x1b[31mred",
    "empty of meaning": " ",
    "1,024 characters": "x" * 1024,
}
REFUSED = {"1,025 characters": "x" * 1025, "half of a surrogate pair": "\ud800"}


def yaml(text: str) -> str:
    """The text as YAML's double quotes take it, every character beyond ASCII as an escape."""
    return re.sub(
        r"\\ud[89ab]..\\ud[c-f]..",
        lambda found: f"\\U{ord(json.loads(chr(34) + found[0] + chr(34))):08x}",
        json.dumps(text),
    )


def described(text: str) -> str:
    """The small registry with this text in every place that takes one for readers."""
    said = yaml(text)
    changed = MINIMAL.replace("description: Mean.", f"description: {said}").replace(
        "description: Who.", f"description: {said}"
    )
    changed = changed.replace("description: How he plays.", f"description: {said}")
    changed = changed.replace("  name: store\n", f"  name: store\n  description: {said}\n", 1)
    return changed.replace("  - name: v_unpivot\n", f"  - name: v_unpivot\n    description: {said}\n", 1)


def loaded(text: str) -> Registry:
    """The registry, which must have no error."""
    registry, findings = load_registry(text, "small.yaml")
    assert registry is not None, findings
    assert not [one for one in check_registry(registry) if one.severity == "error"]
    return registry


def statements(sql: str) -> list[str]:
    """The statements of a text: cut at each semicolon that is a token of its own."""
    cuts = [-1, *(token.start for token in tokens_of(sql) if token.raw == ";"), len(sql)]
    made = [sql[one + 1 : two].strip() for one, two in pairwise(cuts)]
    return [one for one in made if one]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_google_reads_the_text_that_was_quoted(text: str) -> None:
    """Law: the literal of a text, run by Google's implementation, is the text; its name names that column."""
    assert evaluate(f"SELECT {literal(text)} AS x") == [(text,)]
    assert evaluate(f"SELECT {ident(text)} FROM (SELECT 1 AS {ident(text)})") == [(1,)]
    assert len(statements(f"SELECT {literal(text)} AS {ident(text)}")) == 1


@pytest.mark.parametrize("first", [chr(code) for code in (10, 13, *range(32, 127))])
def test_an_escape_is_one_of_googles(first: str) -> None:
    """Law: an escape is read if Google reads it, and as the same text."""
    for raw in (rf"'\{first}'", rf"'\{first}41'", rf"'\{first}00000041'"):
        ours = googles = None
        with suppress(ValueError):
            ours = unquoted(raw)
        with suppress(ZetaError):
            ((googles,),) = evaluate(f"SELECT {raw}")
        assert ours == googles, raw


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_description_stays_a_description(text: str) -> None:
    """Law: as many statements as for a plain word, each without a semicolon and accepted by Google's analyser."""
    registry, plain = loaded(described(text)), loaded(described("plain"))
    for kind in ("scoring", "table", "view"):
        made = statements(generated_sql(registry, kind, "bigquery"))
        assert len(made) == len(statements(generated_sql(plain, kind, "bigquery")))
        if kind == "table":
            assert [analyze(one, {}) for one in made] == [None]
    (score,) = (one for one in json.loads(generated_schema(registry)) if one["name"] == "score")
    assert score["description"] == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_statement_of_a_migration_is_one_statement(text: str) -> None:
    """Law: added columns, descriptions and options are one statement that Google's analyser accepts."""
    table = {"t": {"a": "INT64"}}
    for change in (
        AddColumn(column("b", "INT64", description=text)),
        SetDescription(("a",), text),
        SetOption("description", text),
        SetOption("friendly_name", text),
    ):
        sql = render("t", [change])
        assert len(statements(sql)) == 1
        assert analyze(sql, table) is None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_written_for_others_holds_the_text_as_text(text: str) -> None:
    """Law: exports and dictionary can be written; Python compiles, JSON parses, and no markup is alive in the HTML."""
    registry = loaded(described(text))
    for export in EXPORTS.values():
        made = export.render(registry)
        made.encode()
        if export.file.endswith(".py"):
            compile(made, export.file, "exec")
        if export.file.endswith(".json"):
            json.loads(made)
    sheets = dictionary(registry)
    dictionary_markdown("store", sheets).encode()
    assert "<script>alert" not in dictionary_html("store", sheets)


def test_sql_carries_no_nul() -> None:
    """Law: the one character that SQL text cannot hold is refused in words, as value and as name."""
    for write in (literal, ident):
        with pytest.raises(InputError, match="NUL"):
            _ = write("a\0b")


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_no_column_can_hold_is_refused(text: str) -> None:
    """Law: control characters and a description of more than 1,024 characters are findings, at their line."""
    registry, findings = load_registry(described(text), "small.yaml")
    found = findings if registry is None else check_registry(registry)
    assert [one for one in found if one.severity == "error"]
    assert all(one.location for one in found)


@pytest.mark.parametrize(
    "text", [*HOSTILE.values(), *REFUSED.values(), "name\n", "", "\uff4eame", "naïve", "a b", "1a"]
)
@pytest.mark.parametrize(
    "place",
    [
        "  name: store",
        "name: ready",
        "name: fatigue",
        "name: v_unpivot",
        "name: feature_name",
        "name: player",
        "name: good",
    ],
)
def test_a_name_is_a_plain_name(place: str, text: str) -> None:
    """Law: a table, feature, view or tier has letters, digits, _ . - alone, or is refused; columns are flexible."""
    key = place.partition(":")[0]
    assert place in MINIMAL
    registry, findings = load_registry(MINIMAL.replace(place, f"{key}: {yaml(text)}", 1), "small.yaml")
    if registry is not None:
        findings = check_registry(registry)
    errors = [one for one in findings if one.severity == "error"]
    allowed = r"[\w -]+" if place in {"name: ready", "name: feature_name"} else r"[A-Za-z0-9_.-]+"
    assert errors or re.fullmatch(allowed, text)


ESCAPES = [
    "1); DROP TABLE store; --", "1; SELECT 1", ";", "score;", "(SELECT 1)", "(SELECT MAX(score) FROM store)",
    "EXISTS(SELECT 1)", "score IN (SELECT score FROM other)", "ARRAY(SELECT 1)", "(WITH a AS (SELECT 1) SELECT 1)",
    "score FROM other", "score, 1", "score AS x", "score UNION ALL SELECT 1", "1)) FROM other --",
    "1 /* ", "/* x", "score */", "'open", '"open', "`open", "'''open", "score WHERE TRUE", "score LIMIT 1",
    "score GROUP BY 1", "score OVER ()", "SUM(score) OVER (PARTITION BY day)", "store.score", "other.store.score",
    "`other.store`.score", "`p.d.t`", "INFORMATION_SCHEMA.TABLES", "SESSION_USER()", "CURRENT_USER()", "ERROR('x')",
    "EXTERNAL_QUERY('c', 'q')", "ML.PREDICT(MODEL m, TABLE t)", "GENERATE_UUID()", "RAND()", "NET.HOST('x')",
    "KEYS.NEW_KEYSET('x')", "AEAD.DECRYPT_STRING(a, b, c)", "my_udf(score)", "d.my_udf(score)", "@@project_id",
    "@@script.job_id", "?", "DECLARE x INT64", "EXECUTE IMMEDIATE 'x'", "CALL p()", "BEGIN SELECT 1; END", "score := 1",
    "IF score THEN 1 END IF", "CAST(score AS INT64 FORMAT (SELECT 1))", "CAST(score AS INT64) FROM other",
    "CAST(score AS STRING FORMAT 'x')", "CAST(score AS INT64); SELECT (1", "UNNEST([1])", "TABLE other",
    "STRUCT(1 AS x)", "score[SAFE_OFFSET((SELECT 1))]", "CASE WHEN (SELECT TRUE) THEN 1 END", "score\\", "\\x3b",
    "score \u037e DROP", "score\u2028; DROP", "\uff1b", "score -- \n; DROP TABLE store", "score # \r; DROP",
]  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES)
def test_an_expression_cannot_escape(text: str) -> None:
    """Law: what is not one expression over the row, of the closed list of functions, is an error of validate."""
    assert len(ESCAPES) >= 40
    registry, findings = load_registry(MINIMAL.replace("expr: score, dep", f"expr: {yaml(text)}, dep"), "small.yaml")
    if registry is not None:
        findings = check_registry(registry)
    assert [one.rule for one in findings if one.severity == "error"], text


@pytest.mark.parametrize("key", ["metric: AVG(score)", 'expr: "feature_{index}_quality"', "where: score > 0"])
@pytest.mark.parametrize(
    "text",
    ["1; DROP TABLE store", "1) FROM store; DROP TABLE store; --", "1 -- x", "1 /*", "1 /* x */", "1 #", "1 # \r + 1",
     "'open", "1, 2", "(1", "1)", "[1)", "(SELECT 1)", "1 AS x", "1 FROM other", "1 WHERE TRUE", "`open", "1 \\",
     "1 UNION ALL SELECT 1", "(FROM other)", "EXISTS(FROM other)", "1 IN (FROM other |> LIMIT 1)", "1 |> LIMIT 1",
     "(TABLE other)", "f(TABLE `other`)", "(VALUES (1))", "(GRAPH g MATCH (n) RETURN n.x)",
     "EXTRACT(DAY FROM (FROM t))", "DISTINCT 1", "1 JOIN other", "1 TABLESAMPLE SYSTEM (1 PERCENT)"],
)  # fmt: skip
def test_sql_of_the_warehouse_cannot_end_its_statement(key: str, text: str) -> None:
    """Law: views and thresholds may use what a warehouse has, but no more than one expression, and no comment."""
    registry = loaded_or_none(key, text)
    assert registry is None


@pytest.mark.parametrize(
    "text",
    ["ARRAY_LENGTH(SPLIT('--;#', ';')) > 1", "score IS NOT DISTINCT FROM 2", "EXTRACT(DAY FROM day) = 1",
     "(score) > 1 AND player LIKE 'x'"],
)  # fmt: skip
def test_a_function_of_the_warehouse_is_not_refused(text: str) -> None:
    """Law: a lookalike of an escape inside a string, or of a clause inside brackets, is ignored."""
    assert loaded_or_none("where: score > 0", text)


@pytest.mark.parametrize("key", ["type: INT64, description: Rows", "section: all, expr: score,"])
@pytest.mark.parametrize(
    "text",
    ["1, DROP COLUMN score", "1), ADD COLUMN x INT64", "1); DROP TABLE store; --", "1; DROP TABLE store", "1 -- x",
     "1 /*", "(SELECT 1)", "(FROM other)", "'open", "score", "1 AS x"],
)  # fmt: skip
def test_a_default_cannot_end_its_statement(key: str, text: str) -> None:
    """Law: what CREATE and ALTER TABLE would take for more than one value is an error of validate, at its place."""
    registry, _ = load_registry(
        MINIMAL.replace(key, f"{key.partition(',')[0]}, default: {yaml(text)},{key.partition(',')[2]}", 1), "small.yaml"
    )
    assert registry is not None
    errors = [one for one in check_registry(registry) if one.severity == "error"]
    assert [one.rule for one in errors] == ["FQ163" if text == "score" else "FQ150"]
    assert all(one.location and one.location.line > 1 for one in errors)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("INT64", "1"), ("FLOAT64", "-1"), ("DATE", "NULL"), ("DATE", "CURRENT_DATE"), ("STRING", "'; -- FROM'"),
        ("TIMESTAMP", "CURRENT_TIMESTAMP()"), ("DATE", "DATE '2026-02-06'"), ("ARRAY<INT64>", "[1, 2]"),
    ],
)  # fmt: skip
def test_a_default_may_be_what_bigquery_takes(kind: str, text: str) -> None:
    """Law: literals and the functions of defaults pass validate and a plan, also where a text looks like SQL."""
    entry = f"base_columns:\n  - {{name: given, type: {kind}, default: {yaml(text)}}}\n"
    made = desired_table(loaded(MINIMAL.replace("base_columns:\n", entry, 1)))
    for change in (SetDefault("given", text), CreateTable(made)):
        assert not refusals(State(made), change)


def loaded_or_none(key: str, text: str) -> Registry | None:
    """The small registry with the text in place of the key's value; None where it is refused."""
    source = MINIMAL.replace("  - name: v_unpivot\n", "  - name: v_unpivot\n    where: score > 0\n", 1)
    assert key in source
    registry, _ = load_registry(source.replace(key, f"{key.partition(':')[0]}: {yaml(text)}", 1), "small.yaml")
    found = check_registry(registry) if registry is not None else ()
    return None if [one for one in found if one.severity == "error"] else registry
