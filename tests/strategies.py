"""Random columns, tables and states for laws."""

from __future__ import annotations

from hypothesis import strategies as st

from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.model import Options, Partitioning, State, Table, View

PLAIN = (
    Kind.INT64, Kind.FLOAT64, Kind.BOOL, Kind.STRING, Kind.BYTES, Kind.DATE, Kind.DATETIME, Kind.TIME,
    Kind.TIMESTAMP, Kind.NUMERIC, Kind.BIGNUMERIC, Kind.JSON, Kind.GEOGRAPHY, Kind.INTERVAL,
)  # fmt: skip

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,6}", fullmatch=True)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def _numeric(kind: Kind) -> st.SearchStrategy[Type]:
    whole, most = (29, 9) if kind is Kind.NUMERIC else (38, 38)
    return st.integers(0, most).flatmap(
        lambda scale: st.integers(max(1, scale), scale + whole).map(lambda precision: Type(kind, precision, scale))
    )


def types(depth: int = 2) -> st.SearchStrategy[Type]:
    """Types of every kind, STRUCTs nested to `depth`."""
    flat = st.one_of(
        st.sampled_from(PLAIN).map(Type),
        _numeric(Kind.NUMERIC),
        _numeric(Kind.BIGNUMERIC),
        st.builds(Type, st.sampled_from([Kind.STRING, Kind.BYTES]), length=st.integers(1, 99)),
        st.sampled_from([Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP]).map(lambda kind: Type(Kind.RANGE, element=kind)),
    )
    if not depth:
        return flat
    fields = st.lists(columns(depth - 1), min_size=1, max_size=3, unique_by=lambda one: one.key)
    return st.one_of(flat, fields.map(lambda inner: Type(Kind.STRUCT, fields=tuple(inner))))


def columns(depth: int = 2, *, name: st.SearchStrategy[str] = names) -> st.SearchStrategy[Column]:
    """Columns or fields, described or not."""
    return st.builds(Column, name, types(depth), st.sampled_from(Mode), description=texts)


@st.composite
def tables(draw: st.DrawFn, *, depth: int = 2) -> Table:
    """Tables with unique columns, layout and options."""
    found = tuple(draw(st.lists(columns(depth), min_size=1, max_size=6, unique_by=lambda one: one.key)))
    keys = [one.name for one in found]
    partition = draw(st.none() | st.builds(Partitioning, st.sampled_from(keys), st.sampled_from(["DAY", "MONTH"])))
    clustering = tuple(draw(st.lists(st.sampled_from(keys), max_size=4, unique=True)))
    return Table("t", found, partition, clustering, draw(options()))


def options() -> st.SearchStrategy[Options]:
    """Table options, set or not."""
    labels = st.dictionaries(st.from_regex("[a-z]{1,4}", fullmatch=True), st.from_regex("[a-z]{0,4}", fullmatch=True))
    return st.builds(
        Options,
        st.booleans(),
        st.none() | st.integers(1, 4000).map(float),
        st.none() | st.just("2030-01-01T00:00:00Z"),
        texts,
        texts,
        labels.map(lambda made: tuple(sorted(made.items()))),
    )


@st.composite
def states(draw: st.DrawFn) -> State:
    """A table and up to two views."""
    queries = st.sampled_from(["SELECT 1 AS x", "SELECT 2 AS x -- two", "SELECT a\nFROM `${dataset}`.`t`"])
    made = st.builds(View, st.sampled_from(["v", "w", "V"]), queries, texts)
    return State(draw(tables()), tuple(draw(st.lists(made, max_size=2, unique_by=lambda view: view.key))))
