"""Fields of STRUCTs and entries of arrays in expressions: read, typed, and equal on both engines and in Python."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.expressions.expression import Field, Lookup, Name, render
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import Names
from fqtool.expressions.typecheck import Trouble, infer
from fqtool.expressions.value_types import type_named
from fqtool.scoring.places import Place, Shape, place_of, written
from fqtool.warehouse.duckdb.transpile.dialect import to_duckdb
from tests.bed.zeta import analyze, evaluate
from tests.test_typecheck import types_by_google

COLUMNS = {
    "s": "STRING", "v": "STRUCT<a FLOAT64, B INT64, `strange name` STRING, deep STRUCT<c DATE>>",
    "e": "ARRAY<STRUCT<name STRING, value FLOAT64, seen DATE>>", "n": "ARRAY<STRUCT<id INT64, note STRING>>",
}  # fmt: skip
ROW = Names({name: type_named(text) for name, text in COLUMNS.items()}, parameters={})
LOOKUP = "(SELECT value FROM UNNEST(e) WHERE name = 'a')"
READ = (
    "v.a", "v.b", "v.`strange name`", "v.deep.c", "(v).a + 1", "e[SAFE_OFFSET(0)].value", "-v.a", "v.a IS NULL",
    LOOKUP, f"{LOOKUP} + v.a", "(SELECT note FROM UNNEST(n) WHERE id = 3)", f"COALESCE({LOOKUP}, 0.0)",
    "(SELECT value FROM UNNEST(e) WHERE name = CONCAT(s, 'x'))",
)  # fmt: skip
DAY = "2026-02-06"
ENTRIES: dict[str, list[dict[str, Any]] | None] = {
    "none": None, "empty": [], "other": [{"name": "b", "value": 2.0, "seen": None}],
    "one": [{"name": "b", "value": 2.0, "seen": None}, {"name": "a", "value": 1.5, "seen": None}],
    "twice": [{"name": "a", "value": 1.5, "seen": None}, {"name": "a", "value": 9.0, "seen": None}],
    "twice, first without a value": [
        {"name": "a", "value": None, "seen": None}, {"name": "a", "value": 9.0, "seen": None},
    ],
    "without a name": [{"name": None, "value": 3.0, "seen": None}],
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_fields_and_entries_have_the_types_that_google_infers(text: str) -> None:
    """Law: each is accepted by both with one type, and read again from its own SQL."""
    parsed = parse_expression(text)
    found, problems = infer(parsed, ROW)
    assert problems == ()
    assert parse_expression(render(parsed)) == parsed
    assert [str(found)] == types_by_google([render(parsed)], COLUMNS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v.aa", "which has no field aa"),
        ("s.a", "s is STRING, which has no field a."),
        ("e.value", "which has no field value"),
        ("v.deep.d", "which has no field d"),
        ("(SELECT valu FROM UNNEST(e) WHERE name = 'a')", "which has no field valu"),
        ("(SELECT value FROM UNNEST(e) WHERE nam = 'a')", "which has no field nam"),
        ("(SELECT value FROM UNNEST(e) WHERE name = 1)", "must have one type"),
        ("(SELECT value FROM UNNEST(v) WHERE name = 'a')", "UNNEST needs"),
    ],
)
def test_a_field_that_is_not_there_is_named(text: str, words: str) -> None:
    """Law: what Google refuses is a mistake here, with the field and the type that lacks it."""
    assert analyze(f"SELECT {text} FROM row_", {"row_": COLUMNS}) is not None
    problems = infer(parse_expression(text), ROW)[1]
    assert any(words in one.message for one in problems), problems
    assert {one.trouble for one in problems} <= {Trouble.NAME, Trouble.TYPE}


@pytest.mark.parametrize(
    "text", ["(SELECT 1)", "(SELECT value FROM e)", "(SELECT a FROM UNNEST(e))", "v.", "v.1", "v.'a'"]
)
def test_any_other_query_is_refused_with_the_form_that_is_allowed(text: str) -> None:
    """Law: an expression cannot contain other queries."""
    with pytest.raises(Unreadable) as caught:
        parse_expression(text)
    assert not text.startswith("(") or "(SELECT value FROM UNNEST(array) WHERE name = 'a')" in caught.value.message


@pytest.mark.parametrize("which", sorted(ENTRIES))
def test_an_entry_is_the_same_for_google_duckdb_and_python(which: str) -> None:
    """Law: the first entry with the name; NULL without one. A repeated name stops no query."""
    entries = ENTRIES[which]
    sql = f"SELECT {render(parse_expression(LOOKUP))} AS c FROM row_"
    ((google,),) = evaluate(sql, {"row_": ({"e": COLUMNS["e"]}, [(entries,)])})
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE row_ (e STRUCT(name VARCHAR, value DOUBLE, seen DATE)[])")
        connection.execute("INSERT INTO row_ VALUES (?)", [entries])
        (ours,) = connection.execute(to_duckdb(sql)).fetchall()[0]
    place = place_of(parse_expression(LOOKUP))
    assert place is not None
    assert google == ours == place.read({"e": entries})


def test_a_place_is_the_part_that_a_program_can_write() -> None:
    """A field of a column and an entry by a constant name are places; a nested or computed one is not."""
    assert place_of(Field(Name("v"), "a")) == Place("v", Shape.FIELD, "a")
    assert place_of(parse_expression(LOOKUP)) == Place("e", Shape.ENTRY, "a", ("name", "value"))
    assert place_of(parse_expression("v.deep.c")) is None
    assert place_of(Lookup(Name("e"), "value", "name", Name("s"))) is None


NAMES = st.sampled_from("abc")
RECORDS = st.fixed_dictionaries(
    {
        "v": st.none() | st.dictionaries(NAMES, st.integers(), max_size=3),
        "e": st.none() | st.lists(st.fixed_dictionaries({"name": NAMES, "value": st.integers()}), max_size=4),
    }
)


@given(RECORDS, NAMES, st.integers(), st.sampled_from((Shape.FIELD, Shape.ENTRY)))
def test_what_is_written_is_read_and_nothing_else_changes(
    record: dict[str, Any], name: str, value: int, shape: Shape
) -> None:
    """Law: reading a place that was written gives the value, and every other place what it had."""
    by_shape = {
        shape.FIELD: Place("v", Shape.FIELD, name),
        Shape.ENTRY: Place("e", Shape.ENTRY, name, ("name", "value")),
    }
    place = by_shape[shape]
    made = written(record, [(place, value)])
    assert place.read(made) == value
    others = [Place(place.column, shape, one, place.fields) for one in "abc" if one != name]
    assert [one.read(made) for one in others] == [one.read(record) for one in others]
