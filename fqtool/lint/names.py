"""Rules about names: of columns, and of entries that are identified by name."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.findings.finding import Finding, Group, rule
from fqtool.lint.context import PLACEHOLDER, Subject, once, repeats
from fqtool.table.column import refused_character

_NAME_LIMIT = 300  # bigquery.md#names
_ONE = "Rename or remove one."
_RESERVED = (
    "_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TYPE", "_CHANGE_TIMESTAMP",
)  # fmt: skip


@rule("FQ101", group=Group.REGISTRY)
def duplicate_column(subject: Subject) -> Iterator[Finding]:
    """Two columns have the same name.

    Problem: A name occurs twice under `base_columns` or twice under `columns`, with repeated entries expanded.

    Why: BigQuery ignores the case of column names and rejects the table.

    Example: Quality_Tier and quality_tier; or "feature_{index}_quality" and an entry feature_5_quality.

    Fix: Rename or remove one. A name may be under `base_columns` and under `columns`: that is one column.
    """
    base = repeats((one.name, one.at) for one in subject.registry.base_columns)
    managed = repeats((one.name, one.spec.at) for one in subject.named)
    yield from once(
        Finding(one.name, f"Two columns have the name {one.name}.", one.cause, _ONE, subject.within(one.at, "name"))
        for one in (*base, *managed)
        if one.at != one.first_at or one.name != one.first  # another rule reports an entry that repeats a name
    )


@rule("FQ102", group=Group.REGISTRY)
def reserved_name(subject: Subject) -> Iterator[Finding]:
    """A column name starts with a prefix that BigQuery reserves.

    Problem: The name starts with _TABLE_, _PARTITION, _CHANGE_TYPE or another reserved prefix.

    Why: BigQuery uses these prefixes for pseudo columns and rejects the table.

    Example: _partition_quality

    Fix: Use another name; `renamed_from` keeps the values of an existing column.
    """
    yield from once(
        Finding(
            name,
            f"{name} starts with {prefix}, which BigQuery reserves.",
            remedy="Rename it.",
            location=subject.within(at, "name"),
        )
        for name, _, at in subject.named_columns()
        for prefix in [next((one for one in _RESERVED if name.upper().startswith(one)), None)]
        if prefix
    )


@rule("FQ103", group=Group.REGISTRY)
def invalid_name(subject: Subject) -> Iterator[Finding]:
    """A column name is not valid.

    Problem: With placeholders filled in, the name has a character that BigQuery does not allow, or more than 300
    characters. Letters and digits of any language, spaces and _ & % = + : ' < > # | - are allowed.

    Why: BigQuery rejects the name.

    Example: quality.score

    Fix: Rename the column, and use short names.
    """
    yield from once(_unnameable(subject))


def _unnameable(subject: Subject) -> Iterator[Finding]:
    of_table = ((name, at) for name, _, at in subject.named_columns())
    # The values of placeholders in a view are numbers and names, which other rules check.
    of_views = (
        (PLACEHOLDER.sub("", column.name), column.at) for view in subject.registry.views for column in view.columns
    )
    for name, at in (*of_table, *of_views):
        if len(name) > _NAME_LIMIT:
            message = f"The name has {len(name)} characters; at most {_NAME_LIMIT} are allowed."
            yield Finding(name, message, remedy="Shorten it.", location=subject.within(at, "name"))
        elif refused := refused_character(name):
            message = f"{name!r} is not a valid column name: BigQuery does not allow the character {refused!r}."
            yield Finding(name, message, remedy="Rename it.", location=subject.within(at, "name"))


@rule("FQ104", group=Group.REGISTRY)
def former_name_still_exists(subject: Subject) -> Iterator[Finding]:
    """A column or feature is renamed from a name that still exists.

    Problem: `renamed_from` names a column or feature that is still in the registry, or two entries have the same
    `renamed_from`.

    Why: After a rename, the old name no longer exists.

    Example: {name: tier, renamed_from: quality_tier} and an entry quality_tier

    Fix: Remove the old entry; or remove `renamed_from`, and the new column starts empty. Names are swapped in three
    migrations: one of the two gets a third name first. BigQuery ignores the case of column names: a column whose name
    changes only in case needs no `renamed_from`, a feature does.
    """
    registry = subject.registry
    columns = [(one.name, one.spec.renamed_from, one.spec.at) for one in subject.managed if not one.spec.for_each]
    features = [(one.name, one.renamed_from, one.at) for one in registry.features]
    for present, entries in (
        (subject.types.keys(), columns),
        ({one.name.lower() for one in registry.features}, features),
    ):
        former = {name.lower(): old.lower() for name, old, _ in entries if old}
        for name, old, at in entries:
            if old and old.lower() in present and (entries is columns or old == name or old.lower() != name.lower()):
                message, remedy = _why_not_renamed(name, old, is_swap=former.get(old.lower()) == name.lower())
                yield Finding(name, message, remedy=remedy, location=subject.within(at, "renamed_from"))
        for one in repeats((old, at) for _, old, at in entries if old):
            message = f"Two entries are renamed from {one.name}."
            at = subject.within(one.at, "renamed_from")
            yield Finding(one.name, message, remedy="Remove one of the two `renamed_from`.", location=at)


def _why_not_renamed(name: str, old: str, *, is_swap: bool) -> tuple[str, str]:
    """Return the message about a `renamed_from` whose name exists, and the fix."""
    if old.lower() == name.lower():
        return f"{name} is renamed from {old}, which is the same name.", "Remove `renamed_from`."
    if is_swap:
        return f"{name} and {old} are each renamed from the other.", (
            f"To swap the names, rename {name} to a third name and migrate, then {old}, then {name} again. If only "
            "their places in the list were exchanged, exchange them again and remove `renamed_from`."
        )
    return f"{name} is renamed from {old}, which still exists.", f"Remove `renamed_from`, or the entry {old}."


@rule("FQ105", group=Group.REGISTRY)
def duplicate_name(subject: Subject) -> Iterator[Finding]:
    """Two entries of a list have the same name.

    Problem: Two tiers, alerts, alert levels, models or thresholds have the same name.

    Why: Rows and reports contain only the name, so the two could not be distinguished.

    Example: Two alerts with the code demand_quality_critical

    Fix: Rename or remove one.
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
            message = f"Two entries of `{what}` have the name {one.name}."
            yield Finding(one.name, message, one.cause, _ONE, subject.within(one.at, "name"))


@rule("FQ106", group=Group.REGISTRY)
def clashing_view(subject: Subject) -> Iterator[Finding]:
    """A view has the name of the table or of another view.

    Problem: The table and its views are in one dataset, and two of them have the same name.

    Why: Creating the second would replace the first, or fail.

    Example: A view ml_feature_store_v2 over the table ml_feature_store_v2

    Fix: Rename the view.
    """
    registry = subject.registry
    names = [(registry.table.name, registry.table.at), *((one.name, one.at) for one in registry.views)]
    for one in repeats(names):
        message = f"The view {one.name} has the name of the table or of another view."
        yield Finding(one.name, message, one.cause, "Rename the view.", one.at)


@rule("FQ107", group=Group.REGISTRY)
def clashing_view_column(subject: Subject) -> Iterator[Finding]:
    """A view has two columns with the same name.

    Problem: A derived column has the name of another derived column or of an included stored column.

    Why: BigQuery rejects the view; other engines use one of the two columns.

    Example: include: ["*"] and a derived column quality_tier

    Fix: Rename the derived column, or remove the stored column from `include`.
    """
    for view in subject.registry.views:
        stored = sorted(subject.types) if "*" in view.include else list(view.include)
        single = [(one.name, one.at) for one in view.columns if not one.for_each]
        for one in repeats([*((name, view.at) for name in stored), *single]):
            message = f"The view {view.name} has two columns with the name {one.name}."
            remedy = "Rename the derived column, or remove the stored one from `include`."
            yield Finding(one.name, message, remedy=remedy, location=one.at)
