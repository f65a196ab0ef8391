"""What people ask every day: health by date, the worst features, alerts, completeness, what training would get."""

from __future__ import annotations

from fqtool.quality.gates import gates
from fqtool.quality.question import Question, Stored, select
from fqtool.registry.model import Registry
from fqtool.sql import ident, literal


def monitoring(registry: Registry) -> tuple[Question, ...]:
    """Return the questions of monitoring, daily checks last. Raises InputError where a column is not there."""
    stored = Stored(registry)
    made = (
        _daily_health(stored), _worst_features(stored), _category_means(stored), _alert_frequency(stored),
        _completeness(stored), _readiness(stored), worst_rows(registry),
    )  # fmt: skip
    return (*made, daily_checks(registry)) if registry.thresholds else made


def daily_checks(registry: Registry) -> Question:
    """Return the question behind `thresholds`: one row, a column for each of them (DOMAIN 13)."""
    stored = Stored(registry)
    columns = [f"{' '.join(one.metric.split())} AS {ident(one.name)}" for one in registry.thresholds]
    return Question(
        "daily_checks", "the figures of @date that thresholds judge", select(columns, stored.table, stored.on_date)
    )


def checks_by_date(registry: Registry) -> Question:
    """Return the same figures for each date from @start to @end; `date` names it."""
    stored = Stored(registry)
    columns = [f"{' '.join(one.metric.split())} AS {ident(one.name)}" for one in registry.thresholds]
    columns = [f"{stored.day} AS `date`", *columns]
    about = "the figures that thresholds judge, of each date from @start to @end"
    return Question(
        "checks_by_date", about, select(columns, stored.table, stored.between, "GROUP BY `date`", "ORDER BY `date`")
    )


def worst_rows(registry: Registry) -> Question:
    """Return the ten rows of the lowest score from @start to @end: keys, score, tier, level, stand-ins, alerts."""
    stored = Stored(registry)
    roles = stored.roles
    return Question(
        "worst_rows",
        "the ten rows of the lowest score from @start to @end",
        select(
            [
                *stored.keys,
                f"{ident(roles.score)} AS score",
                f"{ident(roles.tier)} AS tier",
                f"{ident(roles.alert_level)} AS level",
                f"{ident(roles.defaults)} AS stand_ins",
                f"ARRAY_TO_STRING({ident(roles.alert_codes)}, ', ') AS alerts",
            ],
            stored.table,
            f"{stored.between} AND {ident(roles.score)} IS NOT NULL",
            f"ORDER BY score, {', '.join(stored.keys)}",
            "LIMIT 10",
        ),
    )


def _daily_health(stored: Stored) -> Question:
    """Rows by tier (DOMAIN 12, 5)."""
    roles = stored.roles
    columns = [
        f"{stored.day} AS `date`",
        f"{ident(roles.tier)} AS `tier`",
        "COUNT(*) AS `rows`",
        f"ROUND(AVG({ident(roles.score)}), 2) AS mean_score",
        f"SUM({ident(roles.defaults)}) AS stand_ins",
        *_levels(stored),
    ]
    return Question(
        "daily_health",
        "rows of each date from @start to @end by tier",
        select(columns, stored.table, stored.between, "GROUP BY `date`, `tier`", "ORDER BY `date`, mean_score DESC"),
    )


def _levels(stored: Stored) -> list[str]:
    level = ident(stored.roles.alert_level)
    names = [one.name for one in stored.registry.alert_levels]
    return [f"COUNTIF({level} = {literal(name)}) AS {ident(f'{name}_rows')}" for name in names]


def _worst_features(stored: Stored) -> Question:
    """The ten worst features of a span (DOMAIN 12, 6)."""
    canonical = dict.fromkeys(one.canonical for one in stored.registry.sources)
    return Question(
        "worst_features",
        "the ten features of the lowest mean quality from @start to @end",
        select(
            [
                "f.feature_index",
                "f.feature_name",
                "COUNT(f.quality) AS scored_rows",
                "ROUND(AVG(f.quality), 2) AS mean_quality",
                *(f"COUNTIF(f.source = {literal(name)}) AS {ident(f'{name}_rows')}" for name in canonical),
            ],
            stored.by_feature(),
            stored.between,
            "GROUP BY f.feature_index, f.feature_name",
            "ORDER BY mean_quality, f.feature_index",
            "LIMIT 10",
        ),
    )


def _category_means(stored: Stored) -> Question:
    """Means by category and counts by level (DOMAIN 12, 7 and 9)."""
    means = [f"ROUND(AVG({ident(name)}), 1) AS {ident(name)}" for name in stored.roles.category_scores.values()]
    share = f"ROUND(100 * COUNTIF({ident(stored.roles.alert_level)} = {literal(stored.worst_level)}) / COUNT(*), 1)"
    return Question(
        "category_means",
        f"mean quality of each category from @start to @end, rows by alert level, and the percentage that is "
        f"{stored.worst_level}",
        select(
            [f"{stored.day} AS `date`", "COUNT(*) AS `rows`", *means, *_levels(stored),
             f"{share} AS {ident(f'{stored.worst_level}_pct')}"],
            stored.table, stored.between, "GROUP BY `date`", "ORDER BY `date`",
        ),
    )  # fmt: skip


def _alert_frequency(stored: Stored) -> Question:
    """How often each alert fired (DOMAIN 12, 8)."""
    who = stored.who[0] if len(stored.who) == 1 else f"CONCAT({', '.join(stored.who)})"
    return Question(
        "alert_frequency",
        "how often each alert fired from @start to @end",
        select(
            [
                "alert",
                f"COUNT(DISTINCT {stored.day}) AS `dates`",
                "COUNT(*) AS `rows`",
                f"COUNT(DISTINCT {who}) AS `keys`",
            ],
            f"{stored.table}\nCROSS JOIN UNNEST({ident(stored.roles.alert_codes)}) AS alert",
            stored.between,
            "GROUP BY alert",
            "ORDER BY `rows` DESC, alert",
        ),
    )


def _completeness(stored: Stored) -> Question:
    """How many rows are scored, how many could not be (DOMAIN 12, 11)."""
    known = stored.registry.inputs.sources_known
    return Question(
        "completeness",
        "rows of each date from @start to @end that are scored, that lack sources, that wait",
        select(
            [
                f"{stored.day} AS `date`",
                "COUNT(*) AS `rows`",
                f"COUNT({ident(stored.roles.alert_level)}) AS scored_rows",
                f"COUNTIF(NOT ({known})) AS rows_without_sources",
                f"COUNTIF(({known}) AND {ident(stored.roles.alert_level)} IS NULL) AS waiting_rows",
            ],
            stored.table,
            stored.between,
            "GROUP BY `date`",
            "ORDER BY `date`",
        ),
    )


def _readiness(stored: Stored) -> Question:
    """What training and serving would get (DOMAIN 12, 12)."""
    roles = stored.roles
    means = [f"ROUND(AVG({ident(roles.score)}), 2) AS mean_score"]
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
            "GROUP BY `date`",
            "ORDER BY `date`",
        ),
    )
