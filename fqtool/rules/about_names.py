"""Rules on names: of columns, and of what must be told apart by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fqtool.finding import Finding, rule
from fqtool.rules.subject import Subject, once, repeats

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME_LIMIT = 300  # BIGQUERY 47
_ONE = "Rename or remove one."
_RESERVED = (
    "_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TYPE", "_CHANGE_TIMESTAMP",
)  # fmt: skip


@rule("FQ101")
def duplicate_column(subject: Subject) -> Iterator[Finding]:
    """Two columns have one name.

    Problem: a name stands twice among the base columns or among the managed ones, repeated entries expanded.

    Why: BigQuery compares column names without regard to case and refuses the table.

    Example: Quality_Tier beside quality_tier; or "feature_{index}_quality" beside an entry feature_5_quality.

    Fix: rename or remove one. A name in base_columns and in columns is allowed: that is one column.
    """
    base = repeats((one.name, one.at) for one in subject.registry.base_columns)
    managed = repeats((one.name, one.spec.at) for one in subject.named)
    yield from once(
        Finding(one.name, f"The column {one.name} stands twice.", one.cause, _ONE, subject.within(one.at, "name"))
        for one in (*base, *managed)
        if one.at != one.first_at or one.name != one.first  # another rule says why an entry repeats a name
    )


@rule("FQ102")
def reserved_name(subject: Subject) -> Iterator[Finding]:
    """A column name begins with a prefix that BigQuery keeps for itself.

    Problem: names that begin with _TABLE_, _PARTITION, _CHANGE_TYPE and the like are refused.

    Why: BigQuery's pseudo columns live there.

    Example: _partition_quality

    Fix: choose another name; renamed_from keeps the values of a column that exists.
    """
    yield from once(
        Finding(
            name,
            f"{name} begins with {prefix}, which BigQuery reserves.",
            remedy="Rename it.",
            location=subject.within(at, "name"),
        )
        for name, _, at in subject.named_columns()
        for prefix in [next((one for one in _RESERVED if name.upper().startswith(one)), None)]
        if prefix
    )


@rule("FQ103")
def invalid_name(subject: Subject) -> Iterator[Finding]:
    """A column name has characters or a length that a column cannot have.

    Problem: after the placeholders are filled in, the name is not letters, digits and _ only, begins with a digit, or
    has more than 300 characters.

    Why: BigQuery refuses it, or takes it only in backticks, which the tools around it forget.

    Example: "{index}_quality", which gives 0_quality

    Fix: put a letter before the number, and use short names.
    """
    yield from once(_unnameable(subject))


def _unnameable(subject: Subject) -> Iterator[Finding]:
    for name, _, at in subject.named_columns():
        if len(name) > _NAME_LIMIT:
            message = f"The name has {len(name)} characters; {_NAME_LIMIT} are allowed."
            yield Finding(name, message, remedy="Shorten it.", location=subject.within(at, "name"))
        elif not _NAME.fullmatch(name):
            message = f"{name!r} is no column name: letters, digits and _ only, not beginning with a digit."
            yield Finding(name, message, remedy="Rename it.", location=subject.within(at, "name"))


@rule("FQ104")
def former_name_still_there(subject: Subject) -> Iterator[Finding]:
    """A column or feature is said to be renamed from a name that still exists.

    Problem: renamed_from names a column or feature that the registry lists as well, or two entries claim one old name.

    Why: a rename takes the old name away; both cannot be.

    Example: {name: tier, renamed_from: quality_tier} beside an entry quality_tier

    Fix: remove the old entry, or remove renamed_from and let the new column start empty.
    """
    registry = subject.registry
    columns = [(one.name, one.spec.renamed_from, one.spec.at) for one in subject.managed if not one.spec.for_each]
    for present, entries in (
        (subject.types.keys(), columns),
        (
            {one.name.lower() for one in registry.features},
            [(one.name, one.renamed_from, one.at) for one in registry.features],
        ),
    ):
        former = [(old, at) for _, old, at in entries if old]
        for name, old, at in entries:
            if old and old.lower() in present:
                message = f"{name} is renamed from {old}, which is still there."
                remedy = f"Remove renamed_from, or the entry {old}."
                yield Finding(name, message, remedy=remedy, location=subject.within(at, "renamed_from"))
        for one in repeats(former):
            message = f"Two entries are renamed from {one.name}."
            at = subject.within(one.at, "renamed_from")
            yield Finding(one.name, message, remedy="Remove one of the two renamed_from.", location=at)


@rule("FQ105")
def duplicate_name(subject: Subject) -> Iterator[Finding]:
    """Two entries of a list have one name.

    Problem: two tiers, alerts, alert levels, models or thresholds are called the same.

    Why: what is stored or reported is the name; nobody could tell which was meant.

    Example: two alerts with the code matchup_quality_critical

    Fix: rename or remove one.
    """
    registry = subject.registry
    for what, names in (
        ("tiers", [(one.name, one.at) for one in registry.tiers]),
        ("alerts", [(one.code, one.at) for one in registry.alerts]),
        ("alert_levels", [(one.name, one.at) for one in registry.alert_levels]),
        ("models", [(one.name, one.at) for one in registry.models]),
        ("thresholds", [(one.name, one.at) for one in registry.thresholds]),
    ):
        for one in repeats(names):
            message = f"{what} has {one.name} twice."
            yield Finding(one.name, message, one.cause, _ONE, subject.within(one.at, "name"))


@rule("FQ106")
def clashing_view(subject: Subject) -> Iterator[Finding]:
    """A view has the name of the table or of another view.

    Problem: table and views live in one dataset, and two of them are called the same.

    Why: creating the second would replace the first, or fail.

    Example: a view called ml_feature_store_v2 over the table ml_feature_store_v2

    Fix: rename the view.
    """
    registry = subject.registry
    names = [(registry.table.name, registry.table.at), *((one.name, one.at) for one in registry.views)]
    for one in repeats(names):
        message = f"The view {one.name} has the name of the table or of another view."
        yield Finding(one.name, message, one.cause, "Rename the view.", one.at)


@rule("FQ107")
def clashing_view_column(subject: Subject) -> Iterator[Finding]:
    """A view has two columns of one name.

    Problem: a derived column is called like another, or like a stored column that the view includes.

    Why: BigQuery refuses the view; other engines pick one of the two.

    Example: include: ["*"] beside a derived column quality_tier

    Fix: rename the derived column, or leave the stored one out of include.
    """
    for view in subject.registry.views:
        stored = sorted(subject.types) if "*" in view.include else list(view.include)
        single = [(one.name, one.at) for one in view.columns if not one.for_each]
        for one in repeats([*((name, view.at) for name in stored), *single]):
            message = f"The view {view.name} has two columns {one.name}."
            yield Finding(one.name, message, remedy="Rename the derived one, or leave the stored out.", location=one.at)
