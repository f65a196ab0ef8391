"""Laws of the table core: diff, fold, render, parse, schema JSON."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.errors import InputError
from fqtool.sql import ident, literal
from fqtool.table.change_fields import AddField
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
    fold,
    steps,
)
from fqtool.table.column import ALIASES, Column, Kind, Mode, Type, is_widening
from fqtool.table.ddl import render
from fqtool.table.diff import diff
from fqtool.table.model import Inapplicable, State, Table, View
from fqtool.table.parse import parse, parse_script
from fqtool.table.schema_json import read_schema, schema_json
from fqtool.table.tokens import unquoted
from fqtool.table.typetext import column, parse_type
from tests.strategies import columns, names, states, tables, texts, types


def folded_case(state: State) -> State:
    """The state with names in lower case: BigQuery compares them so."""

    def lower(one: Column) -> Column:
        inner = tuple(lower(field) for field in one.type.fields)
        return replace(one, name=one.key, type=replace(one.type, fields=inner))

    table = state.table
    if table is None:
        return state
    partition = table.partitioning and replace(table.partitioning, column=table.partitioning.column.lower())
    clustering = tuple(name.lower() for name in table.clustering)
    lowered = replace(table.with_columns(map(lower, table.columns)), partitioning=partition, clustering=clustering)
    return State(lowered, tuple(sorted((replace(v, query=v.text) for v in state.views), key=lambda v: v.name)))


@given(states(), states())
def test_folding_the_difference_gives_the_other(a: State, b: State) -> None:
    """fold(a, diff(a, b)) = b, up to the case of names and the order of views."""
    assert folded_case(fold(a, diff(a, b))) == folded_case(b)


@given(states())
def test_nothing_differs_from_itself(a: State) -> None:
    """diff(a, a) = (), and so is the difference to itself in another case of names."""
    assert diff(a, a) == ()
    assert diff(a, folded_case(a)) == ()


@given(states())
def test_a_table_comes_from_nothing(b: State) -> None:
    """fold(empty, diff(empty, b)) = b: creation is a difference like any other."""
    assert folded_case(fold(State(), diff(State(), b))) == folded_case(b)


def test_a_table_is_never_dropped() -> None:
    """There is no change that drops a table; asking for one is an error."""
    with pytest.raises(ValueError, match="never drops"):
        diff(State(Table("t", (column("a", "INT64"),))), State())


@given(states(), states())
def test_steps_are_the_changes_in_their_order(a: State, b: State) -> None:
    """Only added columns are put together, so that a thousand of them are one step over the table."""
    changes, found = diff(a, b), [*steps(diff(a, b))]
    assert tuple(change for step in found for change in step) == changes
    assert all(len(step) == 1 or {type(change) for change in step} == {AddColumn} for step in found)


@given(tables())
def test_columns_are_looked_up_once(table: Table) -> None:
    """Whoever asks a table for each of its columns pays for one look through them, not for one each."""
    assert table.by_key is table.by_key
    assert [table.find(one.name) for one in table.columns] == [*table.columns]


@given(tables(), st.data())
def test_a_rename_is_a_rename_only_when_declared(table: Table, data: st.DataObject) -> None:
    """With `renames` a column keeps its data under the new name; without, it is dropped and added."""
    old = data.draw(st.sampled_from(table.columns))
    new = replace(old, name="brand_new_name")
    after = State(table.with_columns(new if one is old else one for one in table.columns))
    told = diff(State(table), after, {"brand_new_name": old.name})
    assert RenameColumn(old.name, "brand_new_name") in told
    assert not any(isinstance(change, AddColumn | DropColumn) for change in told)
    silent = diff(State(table), after)
    assert {type(change) for change in silent} >= {AddColumn, DropColumn}


single_changes: st.SearchStrategy[Change] = st.one_of(
    tables().map(CreateTable),
    columns().map(AddColumn),
    names.map(DropColumn),
    st.builds(RenameColumn, names, names),
    st.builds(SetType, names, types(1).map(lambda kind: kind.undescribed)),
    st.builds(SetMode, names, st.just(Mode.NULLABLE)),
    st.builds(SetDefault, names, st.sampled_from([None, "0", "CURRENT_TIMESTAMP()", "'a, b)'", "[1, 2]", "-1.5e3"])),
    st.builds(SetDescription, st.lists(names, min_size=1, max_size=3).map(tuple), texts),
    st.builds(AddField, st.lists(names, min_size=1, max_size=3).map(tuple), columns()),
    st.builds(SetOption, st.just("description"), texts),
    st.builds(SetOption, st.just("partition_expiration_days"), st.none() | st.integers(1, 999).map(float)),
    st.builds(SetOption, st.just("require_partition_filter"), st.booleans()),
    st.builds(PutView, st.builds(View, names, st.just("SELECT 'a;b' AS x -- c;\nFROM t"), texts)),
    names.map(DropView),
)


@given(single_changes)
def test_what_is_rendered_parses_back(change: Change) -> None:
    """parse(render(c)) = c for every change that has a statement, whatever the names and texts hold."""
    if isinstance(change, CreateTable):
        table = change.table
        kinds = {Kind.DATE: "DAY", Kind.TIMESTAMP: "MONTH"}
        if table.partitioning:
            kind = next(k for k in (Kind.DATE, Kind.TIMESTAMP) if kinds[k] == table.partitioning.granularity)
            name = table.partitioning.column
            table = table.with_columns(replace(c, type=Type(kind)) if c.name == name else c for c in table.columns)
            change = CreateTable(table)
    assert parse(render("t", [change])) == (change,)


@given(st.lists(columns(), min_size=1, max_size=5, unique_by=lambda one: one.key))
def test_many_columns_are_added_by_one_statement(added: list[Column]) -> None:
    """Any number of ADD COLUMNs is one ALTER TABLE, and parses back in order."""
    changes = tuple(AddColumn(one) for one in added)
    sql = render("t", changes)
    assert sql.count("ALTER TABLE") == 1 or any("ALTER TABLE" in one.description for one in added)
    assert parse(sql) == changes


@given(st.lists(single_changes, min_size=1, max_size=4))
def test_a_script_falls_into_its_statements(changes: list[Change]) -> None:
    """Semicolons inside strings and comments end nothing; between statements they do."""
    script = ";\n-- a comment; with a semicolon\n".join(render("t", [change]) for change in changes) + ";"
    assert len(parse_script(script)) == len(changes)


@given(texts)
def test_text_survives_quoting(text: str) -> None:
    """A literal or name reads back as the text it was made of, and holds no raw line break."""
    assert unquoted(literal(text)) == text
    assert "\n" not in literal(text)
    if text:
        assert unquoted(ident(text)) == text


@given(types())
def test_a_type_reads_back(kind: Type) -> None:
    """parse_type(str(type)) is the type without what a type's text cannot express."""
    found, mode = parse_type(str(kind))
    assert mode is Mode.NULLABLE
    assert found.shape == kind.shape


@pytest.mark.parametrize(("alias", "kind"), sorted(ALIASES.items()))
def test_every_alias_means_its_kind(alias: str, kind: Kind) -> None:
    """Every alias spelling of a type, in any case, is the same type (bigquery.md#types)."""
    arguments = {"STRUCT": "<a INT64>", "RANGE": "<DATE>"}.get(kind.value, "")
    for text in (alias, alias.lower(), f" {alias} "):
        assert parse_type(text.strip() + arguments)[0].kind is kind


@given(st.lists(columns(), max_size=5))
def test_schema_json_reads_back(made: list[Column]) -> None:
    """read_schema(schema_json(columns)) = columns, and the same columns give the same bytes."""
    text = schema_json(made)
    assert read_schema(text, "x") == tuple(made)
    assert schema_json(read_schema(text, "x")) == text


@given(st.lists(columns(0), min_size=1, max_size=5, unique_by=lambda one: one.key), st.data())
def test_alias_spellings_do_not_differ(made: list[Column], data: st.DataObject) -> None:
    """A schema spelled with other type names, another case of names and missing modes diffs empty."""
    back = {kind: [alias for alias, other in ALIASES.items() if other is kind] for kind in Kind}
    fields = json.loads(schema_json(made))
    for one, field in zip(made, fields, strict=True):
        field["type"] = data.draw(st.sampled_from(back[one.type.kind])).lower()
        field["name"] = one.name.upper()
        if one.mode is Mode.NULLABLE:
            del field["mode"]
    spelled = read_schema(json.dumps(fields), "x")
    assert diff(State(Table("t", tuple(made))), State(Table("t", spelled))) == ()


@pytest.mark.parametrize(
    ("old", "new", "legal"),
    [
        ("INT64", "NUMERIC", True),
        ("INT64", "BIGNUMERIC", True),
        ("INT64", "FLOAT64", True),
        ("NUMERIC", "BIGNUMERIC", True),
        ("NUMERIC", "FLOAT64", True),
        ("STRING(5)", "STRING(7)", True),
        ("STRING(5)", "STRING", True),
        ("NUMERIC(7, 2)", "NUMERIC(8, 2)", True),
        ("NUMERIC(10, 6)", "NUMERIC(12, 8)", True),
        ("NUMERIC(5, 2)", "NUMERIC", True),
        ("STRING", "STRING(7)", False),
        ("NUMERIC(8, 2)", "NUMERIC(7, 2)", False),
        ("NUMERIC(5, 2)", "NUMERIC(5, 3)", False),
        ("BIGNUMERIC", "FLOAT64", False),
        ("FLOAT64", "INT64", False),
        ("FLOAT64", "NUMERIC", False),
        ("INT64", "STRING", False),
        ("STRING", "FLOAT64", False),
        ("BOOL", "INT64", False),
        ("DATE", "TIMESTAMP", False),
        ("DATE", "DATETIME", False),
        ("INT64", "NUMERIC(29, 0)", False),
        ("NUMERIC", "BIGNUMERIC(40, 20)", True),
        ("NUMERIC(20, 9)", "BIGNUMERIC(20, 9)", True),
        ("NUMERIC", "BIGNUMERIC(40, 5)", False),
        ("NUMERIC", "BIGNUMERIC(30, 20)", False),
        ("STRUCT<a INT64, b STRING>", "STRUCT<a NUMERIC, b STRING>", True),
        ("STRUCT<a INT64, b STRING(5)>", "STRUCT<A FLOAT64, b STRING>", True),
        ("STRUCT<a STRUCT<b INT64>, c DATE>", "STRUCT<a STRUCT<b FLOAT64>, c DATE>", True),
        ("STRUCT<a INT64, b STRING>", "STRUCT<a INT64, b STRING>", False),
        ("STRUCT<a INT64, b STRING>", "STRUCT<a NUMERIC>", False),
        ("STRUCT<a INT64, b STRING>", "STRUCT<b STRING, a NUMERIC>", False),
        ("STRUCT<a INT64>", "STRUCT<b NUMERIC>", False),
        ("STRUCT<a FLOAT64>", "STRUCT<a INT64>", False),
        ("STRUCT<a INT64, b ARRAY<INT64>>", "STRUCT<a NUMERIC, b ARRAY<INT64>>", True),
        ("STRUCT<a INT64, b ARRAY<INT64>>", "STRUCT<a INT64, b ARRAY<FLOAT64>>", False),
        ("STRUCT<a ARRAY<STRUCT<b INT64>>>", "STRUCT<a ARRAY<STRUCT<b FLOAT64>>>", False),
        ("STRUCT<a INT64 NOT NULL>", "STRUCT<a NUMERIC NOT NULL>", False),
        ("BIGNUMERIC(76, 38)", "BIGNUMERIC", True),
        ("BIGNUMERIC", "BIGNUMERIC(76, 38)", True),
        ("BIGNUMERIC", "BIGNUMERIC(75, 38)", False),
        ("BIGNUMERIC", "BIGNUMERIC(75, 37)", False),
    ],
)
def test_only_documented_type_changes_are_legal(old: str, new: str, legal: bool) -> None:
    """Exactly what BigQuery's documentation lists is a widening (bigquery.md#widening)."""
    assert is_widening(parse_type(old)[0], parse_type(new)[0]) is legal


@pytest.mark.parametrize(
    "text",
    ["", "FOO", "INT64(5)", "NUMERIC(0)", "NUMERIC(40, 2)", "NUMERIC(5, 10)", "ARRAY<ARRAY<INT64>>", "STRUCT<>",
     "ARRAY<INT64",
     "STRING(0)", "STRING(-1)", "STRING(x)", "NUMERIC(5, x)",
     "INT64 INT64", "RANGE<INT64>", "STRUCT<a>", "ARRAY<" * 40, "INT64 -- x", "INT64 /* x", "STRUCT<'a' INT64>",
     "STRUCT<a INT64,>"],
)  # fmt: skip
def test_text_other_than_a_type_is_refused_in_a_sentence(text: str) -> None:
    """Text that is not a BigQuery type raises InputError with what was expected, never anything else."""
    with pytest.raises(InputError) as caught:
        parse_type(text)
    assert str(caught.value.remedy)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text makes the DDL or type parser raise anything but InputError."""
    for attempt in (parse_script, parse_type):
        with contextlib.suppress(InputError):
            attempt(text)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t GARBAGE foo",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT64",
        "DROP TABLE t",
        "UPDATE t SET a = 1 WHERE TRUE",
        "ALTER TABLE t ADD COLUMN a INT64 OPTIONS(wrong='x')",
        "ALTER TABLE t ADD COLUMN order VARCHAR(10)",
        "CREATE TABLE t (a INT64) extra",
        "CREATE TABLE t (a ARRAY<ARRAY<INT64>>)",
        "CREATE TABLE t (a INT64(5))",
        f"CREATE TABLE t (a {'STRUCT<a ' * 20}INT64{'>' * 20})",
        "ALTER TABLE t ALTER COLUMN a SET",
        "SELECT 1",
    ],
)
def test_sql_other_than_a_schema_change_is_refused_with_its_place(sql: str) -> None:
    """A statement outside the vocabulary is refused with line and column; sqlglot alone would let it pass."""
    with pytest.raises(InputError, match=r"line 1, column \d+"):
        parse_script(sql)


def test_a_schema_is_a_list_or_what_bigquery_returns_for_a_table() -> None:
    """A list of fields, an object of `fields`, or a whole table's `schema`; letters of all scripts stay readable."""
    columns = (replace(column("a", "INT64"), description="größer"),)
    told = schema_json(columns)
    assert "größer" in told
    for text in (told, f'{{"fields": {told}}}', f'{{"schema": {{"fields": {told}}}}}'):
        assert read_schema(text, "schema.json") == columns


def test_digits_without_a_scale_are_whole_numbers() -> None:
    """NUMERIC(5) is NUMERIC(5, 0), however it comes about."""
    assert parse_type("NUMERIC(5)") == parse_type("NUMERIC(5, 0)")
    assert Type(Kind.NUMERIC, precision=5) == Type(Kind.NUMERIC, 5, 0)


def test_a_rename_needs_its_old_name_free() -> None:
    """Where the old name is still declared, in whatever letters, the new one is a column of its own."""
    before = State(Table("t", (column("Old", "INT64"),)))
    for kept in ("old", "OLD", "Old"):
        wanted = State(Table("t", (column(kept, "INT64"), column("new", "INT64"))))
        assert list(diff(before, wanted, {"new": "old"})) == [AddColumn(column("new", "INT64"))]


@pytest.mark.parametrize("written", [r"r'a\b'", r"R'a\b'", r"'a\\b'", r'r"a\b"'])
def test_a_raw_text_means_what_it_shows(written: str) -> None:
    """A backslash in r'' means itself; in '' it is written twice."""
    (made,) = parse_script(f"ALTER TABLE t ALTER COLUMN a SET OPTIONS (description = {written});")
    assert made.changes == (SetDescription(("a",), "a\\b"),)


def test_a_field_within_fields_is_described() -> None:
    """Only the field at the end of the path changes; a path that leads nowhere names its first wrong part."""
    state = State(Table("t", (column("a", "STRUCT<b STRUCT<c INT64, d INT64>, e INT64>"), column("z", "INT64"))))
    after = SetDescription(("a", "b", "c"), "reviewed").apply(state)
    assert after.table is not None
    outer = after.table.columns[0]
    assert outer.type.fields[0].type.fields[0].description == "reviewed"
    assert SetDescription(("a", "b", "c"), "").apply(after) == state
    with pytest.raises(Inapplicable, match="column or field x does not exist"):
        SetDescription(("a", "b", "x"), "reviewed").apply(state)


def test_changes_that_do_not_fit_are_refused() -> None:
    """A change to an absent or present column raises Inapplicable naming it; nothing is passed over."""
    state = State(Table("t", (column("a", "INT64"),)))
    for change in (DropColumn("b"), AddColumn(column("A", "STRING")), RenameColumn("b", "c"), DropView("v")):
        with pytest.raises(Inapplicable):
            change.apply(state)
