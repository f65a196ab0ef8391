"""The content of a registry as frozen values. Nothing here is specific to one store: all of it comes from YAML.

Every entry has `at`, its place in the file, so that a later finding can point to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from fqtool.findings.finding import Location, Severity
from fqtool.registry.alerts_and_models import (
    NOWHERE,
    Alert,
    AlertLevel,
    Each,
    ExpectedSize,
    KnownEvent,
    Model,
    Pricing,
    Threshold,
    ViewSpec,
)
from fqtool.sql import name_sql

if TYPE_CHECKING:
    from fqtool.registry.yaml.document import Document


Declared = tuple[tuple[str, object], ...]
"""Declared properties as the names and values of the file."""


class Owner(StrEnum):
    """Who writes a column.

    `fqtool`: fqtool computes it. `upstream`: a job outside fqtool writes it, and fqtool never does. `shared`: an
    upstream value is kept, and fqtool computes one only where the value is NULL.
    """

    FQTOOL = "fqtool"
    UPSTREAM = "upstream"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class TableSpec:
    """The table that the registry describes. Project and dataset come from the target.

    None means not managed: of a `partition_expiration_days` 0 means that partitions never expire, of a `primary_key`
    False that there is none. A foreign key is columns, another table, and columns of that table. `partition_expr` is
    PARTITION BY of a table that is not partitioned by a column of dates. `properties` are rows of
    `table/properties.py`, with values as they are spelled there; an empty value means that the property must not be
    set.
    `entities` are the base columns that group rows, such as a team: diagnosis reports a group without rows.
    """

    name: str
    keys: tuple[str, ...]
    partition_by: str | None = None
    partition_granularity: str = "DAY"
    cluster_by: tuple[str, ...] = ()
    require_partition_filter: bool | None = None
    partition_expiration_days: float | None = None
    description: str | None = None
    labels: tuple[tuple[str, str], ...] | None = None
    partition_expr: str | None = None
    primary_key: bool | None = None
    foreign_keys: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] | None = None
    properties: Declared = ()
    entities: tuple[str, ...] = ()
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class BaseColumn:
    """A column that fqtool does not manage: it is checked for drift, and altered only on request.

    `equals` is an expression over the row that the column must equal, "" where none is declared.
    """

    name: str
    type: str
    required: bool = False
    description: str = ""
    default: str | None = None
    field_descriptions: tuple[tuple[str, str], ...] = ()
    properties: Declared = ()
    field_properties: tuple[tuple[str, Declared], ...] = ()
    equals: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Deprecation:
    """The removal of a column: not before `remove_after`, and only once `dropped` is true."""

    since: date
    remove_after: date
    replaced_by: str = ""
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A managed column, or one per feature or category with `for_each`.

    `name`, `expr` and `description` of a repeated entry may contain placeholders such as {index}, {name} and
    {category}, which are filled in from the feature or category. `only` limits the repetition to those names. `expr`
    is an expression of the feature language (GoogleSQL); it is None only where the owner is upstream.
    """

    name: str
    type: str
    section: str
    description: str = ""
    expr: str | None = None
    for_each: Each | None = None
    only: tuple[str, ...] = ()
    owner: Owner = Owner.FQTOOL
    default: str | None = None
    renamed_from: str | None = None
    deprecated: Deprecation | None = None
    properties: Declared = ()
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Source:
    """A raw source label. `weight` is the quality 0-100 that it gives a feature, `canonical` the stored source."""

    label: str
    weight: float
    canonical: str
    is_default: bool = False
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class UnknownSource:
    """What a label outside `sources` counts as, and the label of a feature that is absent from a non-NULL map."""

    weight: float
    canonical: str
    absent_label: str


@dataclass(frozen=True, slots=True)
class Tier:
    """A band of a 0-100 value. `min` is its inclusive lower bound."""

    name: str
    min: float
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Category:
    """A group of features scored together."""

    name: str
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Processor:
    """An upstream job.

    `table` is the table it writes (dataset.table). `expected` is whether it must run for every date. `last_updated` and
    `rows_found` are the base columns that record its run. `minimum_rows` is the least number of rows of a good run.
    `owner` is the team or person who answers for it.
    """

    name: str
    table: str = ""
    date_column: str = ""
    phase: str = ""
    schedule: str = ""
    expected: bool = False
    last_updated: str = ""
    rows_found: str = ""
    minimum_rows: int | None = None
    owner: str = ""
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Spread:
    """How the values of a feature vary within a date. A batch below these limits is suspicious.

    `zero_share` is the usual share, `null_share` the largest one, 0-1. `may_be_constant` turns the zero-variance check
    off.
    """

    min_stddev: float | None = None
    min_distinct: int | None = None
    zero_share: float | None = None
    null_share: float | None = None
    may_be_constant: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """A position of the feature vector. `index` is a contract: appended, never renumbered or reused.

    `expected` is the default value that is written when the input is absent (None: no value is written). `range` has
    the hard limits of a real value. `window` is the span that a rolling feature covers. `labels` are the raw
    source labels that its extractor can write, best first; without a default label, a default shows in the values
    alone. `value` and `source` override those of `inputs`; "" means no override. `owner` overrides that of the
    processor.

    The laws of its real values: multiples of `step`, or whole numbers (`integer`); `equals`, an expression over
    features; `monotone`, "increasing" or "decreasing" from row to row of a key, within equal `monotone_within`; at most
    `upstream_tolerance` from `upstream_column` of the same keys.
    """

    index: int
    name: str
    category: str
    description: str = ""
    critical: bool = False
    optional: bool = False
    processor: str = ""
    upstream_table: str = ""
    upstream_column: str = ""
    upstream_tolerance: float | None = None
    labels: tuple[str, ...] = ()
    expected: float | None = None
    range: tuple[float, float] | None = None
    window: str = ""
    sample_size: str = ""
    value: str = ""
    source: str = ""
    fallback_reason: str = ""
    spread: Spread = Spread()
    owner: str = ""
    step: float | None = None
    integer: bool = False
    equals: str = ""
    monotone: str = ""
    monotone_within: str = ""
    retired: bool = False
    renamed_from: str | None = None
    at: Location = NOWHERE

    @property
    def grid(self) -> float | None:
        """The step between possible values, None where it is not declared."""
        return 1.0 if self.integer else self.step


@dataclass(frozen=True, slots=True)
class Inputs:
    """GoogleSQL over base columns for what differs by row and feature; {index} and {name} are filled in.

    `source` is the raw label, `sources_known` whether the row has labels at all, `value` the value of the feature,
    `names` the row's own list of feature names, `cold_start` whether windows cannot be full yet. "" means that rows do
    not have it. Without a `source` a NULL value is missing; with `nan_is_missing` a NaN value is missing too.
    """

    source: str = ""
    value: str = ""
    sources_known: str = ""
    names: str = ""
    cold_start: str = ""
    nan_is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The rules that `fqtool validate` reports: those in `select` less those in `ignore`, by code or code prefix."""

    select: tuple[str, ...] = ("FQ",)
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """The whole file. `features` are in index order and include retired ones; `drift` maps rule codes to levels.

    `not_managed` maps patterns of column names to attributes that are neither compared nor changed. `accepted_versions`
    are the labels that readers accept, by column; a column that is only under `schema_versions` has its one version.
    `document` is the parsed text, for the place of a part of a text. It adds no content.
    """

    path: str
    table: TableSpec
    base_columns: tuple[BaseColumn, ...]
    features: tuple[Feature, ...]
    columns: tuple[ColumnSpec, ...]
    sources: tuple[Source, ...]
    unknown_source: UnknownSource
    tiers: tuple[Tier, ...]
    categories: tuple[Category, ...]
    processors: tuple[Processor, ...]
    inputs: Inputs
    alerts: tuple[Alert, ...] = ()
    alert_levels: tuple[AlertLevel, ...] = ()
    models: tuple[Model, ...] = ()
    views: tuple[ViewSpec, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    known_events: tuple[KnownEvent, ...] = ()
    pricing: Pricing | None = None
    expected_size: ExpectedSize | None = None
    targets: tuple[tuple[str, str], ...] = ()
    drift: tuple[tuple[str, Severity | None], ...] = ()
    not_managed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    validate: Choice = Choice()
    training_quality: float = 85.0
    max_age_days: int = 1
    schema_versions: tuple[tuple[str, str], ...] = field(default=())
    accepted_versions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    document: Document | None = field(default=None, repr=False, compare=False)

    @property
    def active_features(self) -> tuple[Feature, ...]:
        """The features that are not retired, in index order."""
        return tuple(feature for feature in self.features if not feature.retired)

    @property
    def written(self) -> str:
        """The column with the time a row was written: `last_updated` of the processor of this table, or ""."""
        own = f".{self.table.name}"
        return next((one.last_updated for one in self.processors if one.table.endswith(own)), "")

    def owner(self, feature: Feature) -> str:
        """The owner of a feature, else of its processor, or ""."""
        return feature.owner or next((one.owner for one in self.processors if one.name == feature.processor), "")

    def last_updated(self, feature: Feature) -> str:
        """The base column with the time of the last run of a feature's processor as an expression, or ""."""
        name = next((one.last_updated for one in self.processors if one.name == feature.processor), "")
        return name_sql(name) if name else ""
