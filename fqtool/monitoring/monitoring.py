"""Queries for every day: health by date, the worst features, alerts, completeness, rows that pass each gate."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.monitoring.question import Question, Stored, select
from fqtool.registry.model import Registry
from fqtool.scoring.gates import derived_gates, gates
from fqtool.sql import ident, literal


def monitoring(registry: Registry) -> tuple[Question, ...]:
    """Return the queries of monitoring, daily checks last. A query whose columns the store lacks is left out."""
    stored = Stored(registry)
    roles = stored.roles
    questions = [_daily_health(stored)]
    questions += [_worst_features(stored)] if "quality" in stored.per_feature else []
    questions.append(_category_means(stored))
    questions += [_alert_frequency(stored)] if roles.alert_codes else []
    questions += [_completeness(stored)] if roles.alert_level or roles.scored else []
    questions.append(_readiness(stored))
    questions += [worst_rows(registry)] if roles.score else []
    questions += [daily_checks(registry)] if registry.thresholds else []
    return tuple(questions)


def daily_checks(registry: Registry) -> Question:
    """Return the query for the figures of the thresholds: one row, one column per threshold."""
    stored = Stored(registry)
    columns = [f"{' '.join(one.metric.split())} AS {ident(one.name)}" for one in registry.thresholds]
    return Question(
        "daily_checks", "the figures of the thresholds on @date", select(columns, stored.table, stored.on_date)
    )


def checks_by_date(registry: Registry) -> Question:
    """Return the query for the figures of each date from @start to @end, which is in the column `date`."""
    stored = Stored(registry)
    columns = [f"{' '.join(one.metric.split())} AS {ident(one.name)}" for one in registry.thresholds]
    columns = [f"{stored.day} AS `date`", *columns]
    about = "the figures of the thresholds on each date from @start to @end"
    return Question(
        "checks_by_date", about, select(columns, stored.table, stored.between, "GROUP BY 1", "ORDER BY `date`")
    )


def worst_rows(registry: Registry) -> Question:
    """Return the query for the ten rows with the lowest score from @start to @end.

    Its columns are keys, score, tier, level, defaults (the number of defaulted features) and alerts. A column that the
    store lacks is left out; the score must be stored.
    """
    stored = Stored(registry)
    roles = stored.roles
    judged = {"score": roles.score, "tier": roles.tier, "level": roles.alert_level, "defaults": roles.defaults}
    codes = [f"ARRAY_TO_STRING({ident(roles.alert_codes)}, ', ') AS alerts"] if roles.alert_codes else []
    return Question(
        "worst_rows",
        "the ten rows with the lowest score from @start to @end",
        select(
            [
                *stored.keys,
                *(f"{ident(column)} AS {name}" for name, column in judged.items() if column),
                *codes,
            ],
            stored.table,
            f"{stored.between} AND {ident(roles.score)} IS NOT NULL",
            f"ORDER BY score, {', '.join(stored.keys)}",
            "LIMIT 10",
        ),
    )


def _daily_health(stored: Stored) -> Question:
    """Rows by tier."""
    roles = stored.roles
    columns = [
        f"{stored.day} AS `date`",
        *([f"{ident(roles.tier)} AS `tier`"] if roles.tier else []),
        "COUNT(*) AS `rows`",
        *([f"ROUND(AVG({ident(roles.score)}), 2) AS mean_score"] if roles.score else []),
        *([f"SUM({ident(roles.defaults)}) AS defaulted_features"] if roles.defaults else []),
        *_levels(stored),
    ]
    group, order = ("1, 2", "`date`, mean_score DESC") if roles.tier else ("1", "`date`")
    return Question(
        "daily_health",
        f"rows of each date from @start to @end{' by tier' if roles.tier else ''}",
        select(columns, stored.table, stored.between, f"GROUP BY {group}", f"ORDER BY {order}"),
    )


def _levels(stored: Stored) -> list[str]:
    if not stored.roles.alert_level:
        return []
    level = ident(stored.roles.alert_level)
    names = [one.name for one in stored.registry.alert_levels]
    return [f"COUNTIF({level} = {literal(name)}) AS {ident(f'{name}_rows')}" for name in names]


def _worst_features(stored: Stored) -> Question:
    """The ten features with the lowest mean quality."""
    f, canonical = stored.f, dict.fromkeys(one.canonical for one in stored.registry.sources)
    return Question(
        "worst_features",
        "the ten features with the lowest mean quality from @start to @end",
        select(
            [
                f"{f}.feature_index",
                f"{f}.feature_name",
                f"COUNT({f}.quality) AS scored_rows",
                f"ROUND(AVG({f}.quality), 2) AS mean_quality",
                *(
                    f"COUNTIF({f}.source = {literal(name)}) AS {ident(f'{name}_rows')}"
                    for name in canonical
                    if "source" in stored.per_feature
                ),
            ],
            stored.by_feature(),
            stored.between,
            f"GROUP BY {f}.feature_index, {f}.feature_name",
            f"ORDER BY mean_quality, {f}.feature_index",
            "LIMIT 10",
        ),
    )


def _category_means(stored: Stored) -> Question:
    """Means by category and counts by level."""
    means = [f"ROUND(AVG({ident(name)}), 1) AS {ident(name)}" for name in stored.roles.category_scores.values()]
    level, about = stored.roles.alert_level, "mean quality of each category from @start to @end"
    share = []
    if level:
        about += f", rows by alert level, and the percentage of {stored.worst_level} rows"
        percentage = f"ROUND(100 * COUNTIF({ident(level)} = {literal(stored.worst_level)}) / COUNT(*), 1)"
        share = [f"{percentage} AS {ident(f'{stored.worst_level}_pct')}"]
    return Question(
        "category_means",
        about,
        select(
            [f"{stored.day} AS `date`", "COUNT(*) AS `rows`", *means, *_levels(stored), *share],
            stored.table, stored.between, "GROUP BY 1", "ORDER BY `date`",
        ),
    )  # fmt: skip


def _alert_frequency(stored: Stored) -> Question:
    """How often each alert fired."""
    who, alert = stored.who[0] if len(stored.who) == 1 else f"CONCAT({', '.join(stored.who)})", stored.alias("alert")
    return Question(
        "alert_frequency",
        "how often each alert fired from @start to @end",
        select(
            [
                f"{alert} AS `alert`",
                f"COUNT(DISTINCT {stored.day}) AS `dates`",
                "COUNT(*) AS `rows`",
                f"COUNT(DISTINCT {who}) AS `keys`",
            ],
            f"{stored.table}\nCROSS JOIN UNNEST({ident(stored.roles.alert_codes)}) AS {alert}",
            stored.between,
            "GROUP BY 1",
            "ORDER BY `rows` DESC, 1",
        ),
    )


def _completeness(stored: Stored) -> Question:
    """Scored rows, rows without sources, and rows that are not scored yet."""
    known, scored = stored.layout.known, ident(stored.roles.alert_level or stored.roles.scored)
    return Question(
        "completeness",
        "rows of each date from @start to @end that are scored, lack sources, or are not scored yet",
        select(
            [
                f"{stored.day} AS `date`",
                "COUNT(*) AS `rows`",
                f"COUNT({scored}) AS scored_rows",
                f"COUNTIF(NOT ({known})) AS rows_without_sources",
                f"COUNTIF(({known}) AND {scored} IS NULL) AS waiting_rows",
            ],
            stored.table,
            stored.between,
            "GROUP BY 1",
            "ORDER BY `date`",
        ),
    )


def _readiness(stored: Stored) -> Question:
    """Rows that pass each gate, for training and serving."""
    roles = stored.roles
    means = [f"ROUND(AVG({ident(roles.score)}), 2) AS mean_score"] if roles.score else []
    if roles.training_features:
        means.append(f"ROUND(AVG({ident(roles.training_features)}), 1) AS mean_training_features")
    passing = []
    for name, expr in gates(stored.registry).items():
        passing.append(f"COUNTIF({expr}) AS {ident(name)}")
        passing.append(f"ROUND(COUNTIF({expr}) / COUNT(*), 3) AS {ident(f'{name}_share')}")
    return Question(
        "training_audit",
        "rows of each date from @start to @end that pass each gate, and their share",
        select(
            [f"{stored.day} AS `date`", "COUNT(*) AS `rows`", *means, *passing],
            stored.table,
            stored.between,
            "GROUP BY 1",
            "ORDER BY `date`",
        ),
    )


def detection(registry: Registry) -> tuple[Question, ...]:
    """Return the queries of detection. That of bad rows is left out where the quality of features is not stored."""
    stored = Stored(registry)
    bad = [_bad_rows(stored)] if "quality" in stored.per_feature else []
    return (*bad, *_passing(stored), _distribution(stored), _deep_dive(stored))


def _bad_rows(stored: Stored) -> Question:
    """Rows with a feature of low quality."""
    roles, registry = stored.roles, stored.registry
    qualities, order = stored.per_feature["quality"], ([ident(roles.score)] if roles.score else [])
    critical = [one.index for one in registry.active_features if one.critical]
    judged = critical or [one.index for one in registry.active_features if not one.optional]
    shown = [ident(columns[index]) for index in critical for columns in stored.per_feature.values()]
    low = literal(stored.low)
    conditions = "\n  OR ".join(f"{ident(qualities[index])} < {low}" for index in judged)
    what = "critical feature" if critical else "feature that is not optional"
    return Question(
        "bad_rows",
        f"rows of @date in which a {what} has a quality below {low}",
        select(
            [*stored.keys, *map(ident, filter(None, (roles.score, roles.tier, roles.alert_level))), *shown],
            stored.table,
            f"{stored.on_date}\n  AND ({conditions})",
            f"ORDER BY {', '.join([*order, *stored.keys])}",
        ),
    )


def _passing(stored: Stored) -> Iterator[Question]:
    """Yield a query per gate of a view: the rows that pass it."""
    for name, expr in derived_gates(stored.registry):
        yield Question(
            f"rows_{name}",
            f"rows from @start to @end that pass {name}",
            select(
                [*stored.keys, *([ident(stored.roles.score)] if stored.roles.score else [])],
                stored.table,
                f"{stored.between}\n  AND ({expr})",
                f"ORDER BY {', '.join(stored.keys)}",
            ),
        )


def _distribution(stored: Stored) -> Question:
    """Each feature on one date, the worst first."""
    f = stored.f
    qualities = [f"COUNT({f}.quality) AS scored_rows", f"ROUND(AVG({f}.quality), 2) AS mean_quality"]
    defaults = [f"COUNTIF({stored.is_default(f'{f}.source')}) AS defaulted_rows"]
    worst = "mean_quality, " if "quality" in stored.per_feature else ""
    return Question(
        "feature_distribution",
        "each feature on @date, the worst first: quality, defaulted rows, values",
        select(
            [
                f"{f}.feature_index",
                f"{f}.feature_name",
                f"ANY_VALUE({f}.category) AS category",
                *(qualities if worst else []),
                *(defaults if "source" in stored.per_feature else []),
                f"AVG({f}.value) AS mean_value",
                f"STDDEV_SAMP({f}.value) AS stddev_value",
                f"COUNTIF({f}.value = 0) AS zero_rows",
            ],
            stored.by_feature(),
            stored.on_date,
            f"GROUP BY {f}.feature_index, {f}.feature_name",
            f"ORDER BY {worst}{f}.feature_index",
        ),
    )


def _deep_dive(stored: Stored) -> Question:
    """One feature in each row, with its details."""
    f = stored.f
    details = [f"{f}.{ident(name)}" for name in stored.roles.details]
    return Question(
        "deep_dive",
        "the feature named @feature on @date, row by row, the worst first",
        select(
            [*stored.who, f"{f}.value", *(f"{f}.{what}" for what in stored.per_feature), *details],
            stored.by_feature(details=True),
            f"{stored.on_date}\n  AND {f}.feature_name = @feature",
            f"ORDER BY {f'{f}.quality, ' * ('quality' in stored.per_feature)}{', '.join(stored.who)}",
            "LIMIT 100",
        ),
    )
