"""The text of a first registry: an existing table with every other section to be filled in, or a whole example.

An example line is a comment without a space after its #, so removing the # is enough to use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files

from fqtool.registry.base_entry import base_column_lines, property_value
from fqtool.registry.model import BaseColumn, Inputs, TableSpec
from fqtool.registry.yaml.edit import NewFeature, flow_list, number, one_line, quoted, scalar
from fqtool.sql import ident
from fqtool.table.tokens import RESERVED

_WIDEST = 120
_LABELS = "labels"
_FIRST_FEATURE = 5  # lines of the section `features` up to the end of its first entry
_OF_EXAMPLE = ("    expected:", "    last_updated:")  # only the example store has base columns for these
_PRESENCE = """\
sources:
  present: {weight: 100, canonical: present, description: The value is there.}
  missing: {weight: 0, canonical: missing, is_default: true, description: The value is NULL.}
unknown_source: {weight: 0, canonical: missing, absent_label: missing}""".splitlines()

EXAMPLE_COLUMNS = (
    BaseColumn("item", "STRING", required=True, description="The item of the row; item and day are its key."),
    BaseColumn("day", "DATE", required=True, description="The day. Partition column: every query must filter by it."),
    BaseColumn("features", "ARRAY<FLOAT64>", description="The feature vector in index order."),
    BaseColumn(_LABELS, "STRING", description="JSON map from feature index to the label of its source."),
    BaseColumn("prices_updated_at", "TIMESTAMP", description="When prices were last written for the day."),
    BaseColumn("written_at", "TIMESTAMP", default="CURRENT_TIMESTAMP()", description="When the row was written."),
)


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The contents of a first registry.

    Attributes:
        table: the table.
        columns: its columns.
        origin: where they were read; "" for the example store.
        keys_stated: whether the source declares a primary key.
        vector: the column with the features; "" where it is unknown.
        target: a URL to print as an example.
        unsaid: sentences about what the source does not have.
        features: features to propose.
        keys_from: why these keys, where no primary key is declared.
        no_defaults: the columns whose default is not managed.
    """

    table: TableSpec
    columns: tuple[BaseColumn, ...]
    origin: str = ""
    keys_stated: bool = True
    vector: str = ""
    target: str = ""
    unsaid: tuple[str, ...] = ()
    features: tuple[NewFeature, ...] = ()
    keys_from: str = "this is a guess: list the columns that identify a row, with its date"
    no_defaults: tuple[str, ...] = ()


def example(name: str) -> Scaffold:
    """Return a small complete store: two features of one category, and their quality columns."""
    table = TableSpec(name, ("item", "day"), "day", cluster_by=("item",), require_partition_filter=True)
    return Scaffold(table, EXAMPLE_COLUMNS, vector="features")


def scaffold_text(made: Scaffold) -> str:
    """Return the registry as YAML text."""
    parts = (
        *(part(made) for part in (_head, _table, _targets, _inputs)),
        _sources(made),
        _categories(made),
        _section(made, "processors", "{}"),
        _features(made),
        _base(made),
        _example()["columns"] if made.features else _section(made, "columns", "[]"),
    )
    not_managed = [f"    {scalar(name)}: [default]" for name in made.no_defaults]
    drift = "\n".join(["", "drift:", "  ignore:", *not_managed, ""]) if not_managed else ""
    return "\n".join("\n".join(part) + "\n" for part in parts) + drift


def _head(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "The registry of this feature store. After a change run `fqtool validate`, then `fqtool migrate plan`."
    )
    if made.origin:
        yield from _comment(f"The table was read from {made.origin}. Fill in the other sections below.")
        yield from _comment("To use a commented example, remove its # characters and the empty entry above it.")
    for one in made.unsaid:
        yield from _comment(one)
    yield "version: 1"


def _table(made: Scaffold) -> Iterator[str]:
    table = made.table
    yield "table:"
    yield f"  name: {scalar(table.name)}"
    if not made.keys_stated:
        yield f"  # No primary key is declared, so {made.keys_from}."
    yield f"  keys: {_names(table.keys)}"
    if table.partition_by:
        yield f"  partition_by: {scalar(table.partition_by)}"
    if table.partition_granularity != "DAY":
        yield f"  partition_granularity: {table.partition_granularity}"
    if table.partition_expr:
        yield f"  partition_expr: {quoted(table.partition_expr)}"
    if table.primary_key:
        yield "  primary_key: true"
    if table.foreign_keys:
        yield "  foreign_keys:"
        yield from (
            f"    - {{columns: {_names(own)}, table: {quoted(other)}, references: {_names(there)}}}"
            for own, other, there in table.foreign_keys
        )
    if table.cluster_by:
        yield f"  cluster_by: {_names(table.cluster_by)}"
    if table.require_partition_filter:
        yield "  require_partition_filter: true"
    if table.partition_expiration_days is not None:
        yield f"  partition_expiration_days: {number(table.partition_expiration_days)}"
    if table.description is not None:
        yield f"  description: {quoted(table.description)}"
    if table.labels is not None:
        yield "  labels:"
        yield from (f"    {scalar(key)}: {quoted(value)}" for key, value in table.labels)
    if table.properties:
        yield "  properties:"
        yield from (f"    {name}: {property_value(value)}" for name, value in table.properties)


def _targets(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "Names for --target. Without --target, `default` is used; without `default`, duckdb:///.fqtool/local.duckdb."
    )
    url = made.target or "bigquery://my-project/my_dataset"
    yield from _commented(["targets:", f"  production: {quoted(url)}"])


def _inputs(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "GoogleSQL over base columns, for each feature: the label of its source, its value, and whether the "
        "row has labels. {index} and {name} are filled in."
    )
    if not made.origin:
        yield from _expressions(_real(made.vector))
        return
    yield from _comment(
        "These read no labels: a NULL value is `missing`, any other value `present`. If the rows have labels, add "
        "`source`: `source: '{name}_source'` reads one label column for each feature."
    )
    # Features that are proposed are columns, whatever else the table has.
    by_position = made.vector and not made.features
    yield from _expressions(Inputs(value=_real(made.vector).value if by_position else '"{name}"'))
    yield from _comment("With labels in a JSON map from index to label, and values in an array:")
    yield from _commented([*_expressions(_real(made.vector or "features"))])


def _real(vector: str) -> Inputs:
    return Inputs(
        f"JSON_VALUE({_LABELS}, '$.\"{{index}}\"')",
        f"{_vector(vector)}[SAFE_OFFSET({{index}})]",
        f"{_LABELS} IS NOT NULL",
    )


def _vector(name: str) -> str:
    """Return the name of a column as an expression accepts it."""
    return ident(name) if name.upper() in RESERVED else name


def _expressions(inputs: Inputs) -> Iterator[str]:
    """The expressions without quotes, unless they begin with a backtick, which a YAML scalar must not."""
    yield "inputs:"
    for key in ("source", "value", "sources_known"):
        text = getattr(inputs, key)
        if text:
            yield f"  {key}: {quoted(text) if text.startswith('`') else text}"


def _base(made: Scaffold) -> Iterator[str]:
    yield from _comment("Columns that exist before fqtool: checked for drift, changed only with --include-base.")
    yield "base_columns:"
    for column in made.columns:
        yield from base_column_lines(column)


def _sources(made: Scaffold) -> Iterator[str]:
    """Labels and tiers. Another store gets labels that follow from values, and those of the example as comments."""
    lines = _example()["sources"]
    if not made.origin:
        yield from lines
        return
    start, end = lines.index("sources:"), lines.index("")
    yield from (*lines[:start], *_PRESENCE, *_commented(lines[start:end]), *lines[end:])


def _categories(made: Scaffold) -> Iterator[str]:
    if not made.features:
        yield from _section(made, "categories", "{}")
        return
    yield _example()["categories"][0]
    yield "categories:"
    for name in dict.fromkeys(one.category for one in made.features):
        yield f"  {scalar(name)}: {{}}"


def _features(made: Scaffold) -> Iterator[str]:
    """The proposed features. `add-feature` and `learn` edit this layout."""
    if not made.features:
        yield from _section(made, "features", "[]")
        return
    yield from _comment(
        "The features, proposed from the columns. `index` is a contract: append, never renumber, reorder or reuse."
    )
    yield "features:"
    yield from (f"  - {one_line(one)}" for one in made.features)


def _section(made: Scaffold, name: str, empty: str) -> Iterator[str]:
    """A section of the example store; for another store empty, with example entries in comments."""
    lines = _example()[name]
    if made.origin and empty:
        comments = [line for line in lines if line.startswith("#")]
        entries = [line for line in lines if not line.startswith("#")]
        if name == "features":
            entries = [re.sub(r" labels: \[[^]]*\],", "", line) for line in entries[:_FIRST_FEATURE]]
        yield from (*comments, f"{name}: {empty}")
        lines = [*_commented(line for line in entries if not line.startswith(_OF_EXAMPLE))]
    yield from lines


def _example() -> dict[str, list[str]]:
    """The sections of `example.yaml` in this folder, by name."""
    text = files("fqtool.commands.init").joinpath("example.yaml").read_text(encoding="utf-8")
    names = ("sources", "categories", "processors", "features", "columns")
    return dict(zip(names, (section.splitlines() for section in text.split("\n---\n")), strict=True))


def _names(names: Iterable[str]) -> str:
    return flow_list([scalar(name) for name in names])


def _commented(lines: Iterable[str]) -> Iterator[str]:
    return (f"#{line}" for line in lines)


def _comment(text: str) -> Iterator[str]:
    """A sentence as a wrapped comment; a line break inside it must not end the comment."""
    line = "#"
    for word in quoted(text)[1:-1].replace('\\"', '"').split():
        if len(line) + len(word) >= _WIDEST and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line
