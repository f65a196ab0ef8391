"""What the registry says, as frozen values. Nothing here is about one team's store: it all comes from YAML.

Every entry carries `at`, the place in the file it came from, so that whatever is noticed later can point there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from fqtool.finding import Location, Severity
from fqtool.registry.judgement import (
    NOWHERE,
    Alert,
    AlertLevel,
    Each,
    ExpectedSize,
    Model,
    Pricing,
    Threshold,
    ViewSpec,
)

if TYPE_CHECKING:
    from fqtool.registry.document import Document


class Owner(StrEnum):
    """Who writes a column.

    `fqtool` computes it; `upstream` writes it and fqtool never does; `shared` means an upstream value is kept
    and fqtool derives one only where it is NULL.
    """

    FQTOOL = "fqtool"
    UPSTREAM = "upstream"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class TableSpec:
    """The table the registry describes; project and dataset come from the target.

    `partition_expiration_days` None means that partitions never expire. `description` and `labels` None mean
    that they are not managed.
    """

    name: str
    keys: tuple[str, ...]
    partition_by: str | None = None
    partition_granularity: str = "DAY"
    cluster_by: tuple[str, ...] = ()
    require_partition_filter: bool = False
    partition_expiration_days: float | None = None
    description: str | None = None
    labels: tuple[tuple[str, str], ...] | None = None
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class BaseColumn:
    """A column that exists before fqtool: drift-checked, never altered unless asked."""

    name: str
    type: str
    required: bool = False
    description: str = ""
    default: str | None = None
    field_descriptions: tuple[tuple[str, str], ...] = ()
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A column on its way out: not before `remove_after`, and only when `dropped` says so (DOMAIN 8)."""

    since: date
    remove_after: date
    replaced_by: str = ""
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One managed column, or a row of them with `for_each`.

    In `name`, `expr` and `description` of a repeated entry, {index}, {name}, {category} and the like are filled
    in from the feature or category. `only` limits the repetition to those names. `expr` is the feature language
    (a GoogleSQL expression); it is absent only where the owner is upstream.
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
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Source:
    """A raw source label: `weight` is the quality 0-100 it gives, `canonical` what is stored (DOMAIN 3)."""

    label: str
    weight: float
    canonical: str
    is_default: bool = False
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class UnknownSource:
    """What a label outside the list counts as, and what an index absent from a non-NULL map counts as."""

    weight: float
    canonical: str
    absent_label: str


@dataclass(frozen=True, slots=True)
class Tier:
    """A band of a 0-100 value; `min` is its inclusive lower bound (DOMAIN 3, C1)."""

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

    `table` is where it writes (dataset.table), `expected` whether a run is expected for every date, `last_updated`
    and `rows_found` the base columns that tell of its run, `minimum_rows` what a good run writes at least.
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
    description: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Spread:
    """How a feature's values scatter over one date; below these a batch is suspicious (DOMAIN 2c).

    `zero_share` and `null_share` are the expected shares 0-1; `may_be_constant` turns the zero-variance check off.
    """

    min_stddev: float | None = None
    min_distinct: int | None = None
    zero_share: float | None = None
    null_share: float | None = None
    may_be_constant: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """One position of the feature vector. `index` is a contract: appended, never renumbered or reused.

    `expected` is the stand-in value written when the input is absent (None: none is written), `range` the hard
    limits of a real value, `window` the games a rolling feature looks at, `labels` the raw source labels its
    extractor can write, best first; a feature that has no default label is silent: only its values tell.
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
    labels: tuple[str, ...] = ()
    expected: float | None = None
    range: tuple[float, float] | None = None
    window: str = ""
    sample_size: str = ""
    fallback_reason: str = ""
    spread: Spread = Spread()
    retired: bool = False
    renamed_from: str | None = None
    at: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Inputs:
    """GoogleSQL over base columns for what is dynamic per feature; {index} and {name} are filled in.

    `source` gives the raw label, `sources_known` whether the row has labels at all, `value` the feature's value,
    `names` the row's own list of feature names, `cold_start` whether its windows cannot be full yet ("" where rows do
    not tell).
    """

    source: str
    value: str
    sources_known: str
    names: str = ""
    cold_start: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rules `fqtool validate` speaks of, by codes or beginnings of codes: those of `select`, less `ignore`."""

    select: tuple[str, ...] = ("FQ",)
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """The whole file. `features` are in index order with retired ones kept; `drift` maps rule codes to levels.

    `document` is what it was read from, to find the place of a part of a text; it says nothing that the rest does not.
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
    pricing: Pricing | None = None
    expected_size: ExpectedSize | None = None
    targets: tuple[tuple[str, str], ...] = ()
    drift: tuple[tuple[str, Severity | None], ...] = ()
    validate: Choice = Choice()
    training_quality: float = 85.0
    schema_versions: tuple[tuple[str, str], ...] = field(default=())
    document: Document | None = field(default=None, repr=False, compare=False)

    @property
    def active_features(self) -> tuple[Feature, ...]:
        """The features that are not retired, in index order."""
        return tuple(feature for feature in self.features if not feature.retired)

    @property
    def written(self) -> str:
        """The column that tells when a row was written: that of the processor which writes this table, or ""."""
        own = f".{self.table.name}"
        return next((one.last_updated for one in self.processors if one.table.endswith(own)), "")

    def last_updated(self, feature: Feature) -> str:
        """The base column that tells when a feature's processor last ran, or ""."""
        return next((one.last_updated for one in self.processors if one.name == feature.processor), "")
