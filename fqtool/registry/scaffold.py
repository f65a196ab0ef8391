"""The text of a first registry: a table as it stands with every other section to be filled in, or a whole example.

Every example line in it begins with `#` and what stands in the file without it, so taking the # away is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fqtool.registry.model import BaseColumn, Inputs, TableSpec
from fqtool.registry.writing import flow_list, number, quoted, scalar

_WIDEST = 120
_LABELS = "labels"
_NOTHING_YET = Inputs("NULLIF('{name}', '{name}')", "CAST(NULLIF('{name}', '{name}') AS FLOAT64)", "NULL IS NOT NULL")

EXAMPLE_COLUMNS = (
    BaseColumn("item", "STRING", required=True, description="What the row is about; with day it names the row."),
    BaseColumn("day", "DATE", required=True, description="The day; partition column, so every query must filter it."),
    BaseColumn("features", "ARRAY<FLOAT64>", description="The feature vector in index order."),
    BaseColumn(_LABELS, "STRING", description="JSON map from feature index to the label of its source."),
    BaseColumn("prices_updated_at", "TIMESTAMP", description="When prices were last written for the day."),
    BaseColumn("written_at", "TIMESTAMP", default="CURRENT_TIMESTAMP()", description="When the row was written."),
)


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What a scaffold is made of.

    `origin` names what was learned from, "" for the example store; `vector` the column that holds the features, ""
    where that is not known; `target` a URL to show as an example; `unsaid` what the file cannot say.
    """

    table: TableSpec
    columns: tuple[BaseColumn, ...]
    origin: str = ""
    keys_stated: bool = True
    vector: str = ""
    target: str = ""
    unsaid: tuple[str, ...] = ()


def example(name: str) -> Scaffold:
    """Return a small complete store: two features of one category, and the columns that judge them."""
    table = TableSpec(name, ("item", "day"), "day", cluster_by=("item",), require_partition_filter=True)
    return Scaffold(table, EXAMPLE_COLUMNS, vector="features")


def scaffold_text(made: Scaffold) -> str:
    """Return the registry as YAML text."""
    parts = (_head, _table, _targets, _inputs, _sources, _categories, _processors, _features, _base, _columns)
    return "\n".join("\n".join(part(made)) + "\n" for part in parts)


def _head(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "Everything fqtool knows about this feature store. Change it, run `fqtool validate`, then `fqtool "
        "migrate plan`."
    )
    if made.origin:
        yield from _comment(f"The table was read from {made.origin}. What only you can know is left open below.")
        yield from _comment(
            "A line with no blank after its #, or with two, is an example: take the # away, and the empty entry "
            "above it."
        )
    for one in made.unsaid:
        yield from _comment(one)
    yield "version: 1"


def _table(made: Scaffold) -> Iterator[str]:
    table = made.table
    yield "table:"
    yield f"  name: {scalar(table.name)}"
    if not made.keys_stated:
        yield "  # No primary key was stated: name the columns that tell one row from another."
    yield f"  keys: {_names(table.keys)}"
    if table.partition_by:
        yield f"  partition_by: {scalar(table.partition_by)}"
    if table.partition_granularity != "DAY":
        yield f"  partition_granularity: {table.partition_granularity}"
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


def _targets(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "Names for --target. The one named default is used without --target; without one it is "
        "duckdb:///.fqtool/local.duckdb."
    )
    url = made.target or "bigquery://my-project/my_dataset"
    yield from _commented(["targets:", f"  production: {quoted(url)}"])


def _inputs(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "GoogleSQL over base columns, for each feature: the label of its source, its value, and whether the "
        "row has labels at all. {index} and {name} are filled in."
    )
    if not made.origin:
        yield from _expressions(_real(made.vector))
        return
    yield from _comment("These read no labels yet, so every quality stays NULL; say where the labels stand.")
    value = f"{made.vector}[SAFE_OFFSET({{index}})]" if made.vector else _NOTHING_YET.value
    yield from _expressions(Inputs(_NOTHING_YET.source, value, _NOTHING_YET.sources_known))
    yield from _comment("With the labels in a JSON map from index to label, and the values in an array:")
    yield from _commented([*_expressions(_real(made.vector or "features"))])


def _real(vector: str) -> Inputs:
    return Inputs(
        f"JSON_VALUE({_LABELS}, '$.\"{{index}}\"')", f"{vector}[SAFE_OFFSET({{index}})]", f"{_LABELS} IS NOT NULL"
    )


def _expressions(inputs: Inputs) -> Iterator[str]:
    """Plain, as people write them: nothing in them has a meaning to YAML on a line of its own."""
    yield "inputs:"
    for key in ("source", "value", "sources_known"):
        yield f"  {key}: {getattr(inputs, key)}"


def _sources(_: Scaffold) -> Iterator[str]:
    yield from _comment(
        "The labels that tell where a value came from: what each is worth, 0-100, and what is stored for it."
    )
    yield from """\
sources:
  computed: {weight: 100, canonical: computed, description: Computed from its usual input.}
  fallback: {weight: 40, canonical: default, is_default: true, description: A stand-in from related data.}
  default: {weight: 40, canonical: default, is_default: true, description: A fixed stand-in value.}
unknown_source: {weight: 40, canonical: default, absent_label: default}

# Bands of a 0-100 value; `min` belongs to the band.
tiers:
  - {name: gold, min: 95}
  - {name: silver, min: 85}
  - {name: bronze, min: 70}
  - {name: poor, min: 50}
  - {name: critical, min: 0}""".splitlines()


def _categories(made: Scaffold) -> Iterator[str]:
    yield from _comment("Groups of features that are scored together. fqtool validate warns of one without a feature.")
    yield from _section(made, "categories: {}", ["price: {description: What the item costs.}"])


def _processors(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "The jobs that write the features: what a diagnosis names. `last_updated` is a base column that tells "
        "when one ran."
    )
    run = ["PriceProcessor:", "  table: upstream.prices"]
    if not made.origin:
        run += ["  expected: true", "  last_updated: prices_updated_at"]
    yield from _section(made, "processors: {}", [*run, "  description: Reads the price list every night."])


def _features(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "The vector. `index` is a contract, since models read by position: append, never renumber, reorder or "
        "reuse. `fqtool add-feature` writes the next entry. `labels`: what its extractor can write, best "
        "first. `expected`: the value that is written when the input is absent."
    )
    lines = [
        "- {index: 0, name: last_price, category: price, critical: true,",
        "   processor: PriceProcessor, labels: [computed, fallback, default],",
        "   expected: 0.0, range: [0, 10000],",
        '   description: "The last price before the day."}',
    ]
    if not made.origin:
        lines += [
            "- {index: 1, name: mean_price, category: price,",
            "   processor: PriceProcessor, labels: [computed, fallback, default],",
            "   expected: 0.0, range: [0, 10000],",
            '   description: "Mean price of the 30 days before; without them, the last price."}',
        ]
    yield from _section(made, "features: []", lines)


def _base(made: Scaffold) -> Iterator[str]:
    yield from _comment("What stands before fqtool: checked for drift, never altered unless asked.")
    yield "base_columns:"
    for column in made.columns:
        yield from _base_column(column)


def _columns(made: Scaffold) -> Iterator[str]:
    yield from _comment(
        "The columns that fqtool computes, in order. The repeated entries stand for a column per feature or category."
    )
    lines = [
        "- name: feature_quality_score",
        '  type: "NUMERIC(5, 2)"',
        "  section: aggregate",
        "  expr: ROUND(AVG_OVER_FEATURES(quality), 2)",
        "  description: Mean quality of the features, 0-100; NULL where the row has no labels.",
        "- name: quality_tier",
        "  type: STRING",
        "  section: aggregate",
        "  expr: TIER(feature_quality_score)",
        "  description: Band of feature_quality_score.",
        "- name: default_feature_count",
        "  type: INT64",
        "  section: aggregate",
        "  expr: COUNT_FEATURES(is_default)",
        "  description: Features that hold a stand-in.",
        '- name: "{category}_quality_pct"',
        "  for_each: category",
        "  type: FLOAT64",
        "  section: category",
        "  expr: \"AVG_OVER_FEATURES(quality, category = '{category}')\"",
        '  description: "Mean quality of the features of {category}, 0-100."',
        '- name: "feature_{index}_quality"',
        "  for_each: feature",
        "  type: FLOAT64",
        "  section: per_feature",
        "  expr: quality",
        '  description: "Quality of {name}, 0-100."',
        '- name: "feature_{index}_source"',
        "  for_each: feature",
        "  type: STRING",
        "  section: per_feature",
        "  expr: source",
        '  description: "Where the value of {name} came from."',
    ]
    yield from _section(made, "columns: []", lines)


def _section(made: Scaffold, empty: str, entries: list[str]) -> Iterator[str]:
    """A section of the example store; in another, empty, with its entries as an example to put in its place."""
    lines = [f"{empty.split(maxsplit=1)[0]}", *(f"  {line}" for line in entries)]
    if made.origin:
        yield empty
        lines = [*_commented(lines)]
    yield from lines


def _base_column(column: BaseColumn) -> Iterator[str]:
    pairs = [("name", scalar(column.name)), ("type", scalar(column.type))]
    if column.required:
        pairs.append(("required", "true"))
    if column.default is not None:
        pairs.append(("default", scalar(column.default)))
    if column.description:
        pairs.append(("description", scalar(column.description)))
    if column.field_descriptions:
        yield "  - " + f"\n{' ' * 4}".join(f"{key}: {value}" for key, value in pairs)
        yield "    field_descriptions:"
        yield from (f"      {scalar(path)}: {scalar(words)}" for path, words in column.field_descriptions)
        return
    written = [f"{key}: {value}" for key, value in pairs]
    line = f"  - {{{', '.join(written)}}}"
    if len(line) > _WIDEST and column.description:
        line = f"  - {{{', '.join(written[:-1])},\n     {written[-1]}}}"
    yield line


def _names(names: Iterable[str]) -> str:
    return flow_list([scalar(name) for name in names])


def _commented(lines: Iterable[str]) -> Iterator[str]:
    return (f"#{line}" for line in lines)


def _comment(text: str) -> Iterator[str]:
    """A sentence as a comment on lines that fit; a line end inside it must not end the comment."""
    line = "#"
    for word in quoted(text)[1:-1].replace('\\"', '"').split():
        if len(line) + len(word) >= _WIDEST and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line
