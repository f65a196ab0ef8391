"""What people ask when something is off: which rows, which features, how one feature looks row by row."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.quality.gates import derived_gates
from fqtool.quality.question import Question, Stored, select
from fqtool.registry.model import Registry
from fqtool.sql import ident, literal


def detection(registry: Registry) -> tuple[Question, ...]:
    """Return the questions of detection. Raises InputError where no column stores quality or source."""
    stored = Stored(registry)
    return (_bad_rows(stored), *_passing(stored), _distribution(stored), _deep_dive(stored))


def _bad_rows(stored: Stored) -> Question:
    """Incident detection (DOMAIN 12, 1)."""
    roles, registry = stored.roles, stored.registry
    qualities, sources = roles.of_features("quality"), roles.of_features("source")
    critical = [one.index for one in registry.active_features if one.critical]
    told = critical or [one.index for one in registry.active_features if not one.optional]
    shown = [ident(name) for index in critical for name in (qualities[index], sources[index])]
    low = literal(stored.low)
    conditions = "\n  OR ".join(f"{ident(qualities[index])} < {low}" for index in told)
    what = "critical feature" if critical else "feature that is not optional"
    return Question(
        "bad_rows",
        f"rows of @date in which a {what} has a quality below {low}",
        select(
            [*stored.keys, *map(ident, (roles.score, roles.tier, roles.alert_level)), *shown],
            stored.table,
            f"{stored.on_date}\n  AND ({conditions})",
            f"ORDER BY {', '.join([ident(roles.score), *stored.keys])}",
        ),
    )


def _passing(stored: Stored) -> Iterator[Question]:
    """Yield the rows that pass each gate of a view: the filter of training, that of serving (DOMAIN 12, 2)."""
    for name, expr in derived_gates(stored.registry):
        yield Question(
            f"rows_{name}",
            f"rows from @start to @end that pass {name}",
            select(
                [*stored.keys, ident(stored.roles.score)],
                stored.table,
                f"{stored.between}\n  AND ({expr})",
                f"ORDER BY {', '.join(stored.keys)}",
            ),
        )


def _distribution(stored: Stored) -> Question:
    """Each feature on one date, the worst first (DOMAIN 12, 3)."""
    return Question(
        "feature_distribution",
        "each feature on @date, the worst first: quality, stand-ins, values",
        select(
            [
                "f.feature_index",
                "f.feature_name",
                "ANY_VALUE(f.category) AS category",
                "COUNT(f.quality) AS scored_rows",
                "ROUND(AVG(f.quality), 2) AS mean_quality",
                f"COUNTIF({stored.is_stand_in('f.source')}) AS defaulted_rows",
                "AVG(f.value) AS mean_value",
                "STDDEV_SAMP(f.value) AS stddev_value",
                "COUNTIF(f.value = 0) AS zero_rows",
            ],
            stored.by_feature(),
            stored.on_date,
            "GROUP BY f.feature_index, f.feature_name",
            "ORDER BY mean_quality, f.feature_index",
        ),
    )


def _deep_dive(stored: Stored) -> Question:
    """One feature row by row, with its details (DOMAIN 12, 4)."""
    details = [f"f.{ident(name)}" for name in stored.roles.details]
    return Question(
        "deep_dive",
        "the feature named @feature on @date, row by row, the worst first",
        select(
            [*stored.who, "f.value", "f.quality", "f.source", *details],
            stored.by_feature(details=True),
            f"{stored.on_date}\n  AND f.feature_name = @feature",
            f"ORDER BY f.quality, {', '.join(stored.who)}",
            "LIMIT 100",
        ),
    )
