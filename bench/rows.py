"""Base-table rows in bulk, made inside DuckDB: labels, vectors and times that differ from row to row."""

from __future__ import annotations

from fqtool.registry.model import Registry

TABLE = "records"
# Of a hundred labels: most features of a healthy row come from the best source.
LABELS = {
    "phase4": 70, "calculated": 12, "vegas": 5, "phase3": 4, "default": 4, "opponent_history": 2, "minutes_ppm": 1,
    "fallback": 1, "missing": 1,
}  # fmt: skip
_TIMES = ("source_daily_cache", "source_composite", "source_shot_zones", "source_team_defense")


def select(registry: Registry, rows: int, a_date: int = 200, maps: int = 0) -> str:
    """Return a DuckDB SELECT of that many rows; the same rows every time.

    Args:
        registry: whose features the rows have.
        rows: how many.
        a_date: how many of them have the same date.
        maps: how many different label maps the rows of a date have; 0: no two rows have the same.
    """
    listed = [label for label, share in LABELS.items() for _ in range(share)]
    labels = "[" + ", ".join(f"'{one}'" for one in listed) + "]"
    size = len(registry.features)
    map_of = f"(n // {a_date} * {maps} + n % {a_date} % {maps})" if maps else "n"
    entry = f"'\"' || i || '\": \"' || {labels}[1 + (HASH({map_of} * 64 + i) % {len(listed)})::INT] || '\"'"
    times = ", ".join(
        f"TIMESTAMPTZ '2026-02-05 23:00:00+00' + TO_SECONDS(HASH(n + {number}) % 7200) AS {name}_last_updated, "
        f"(1 + n % 400)::BIGINT AS {name}_rows_found"
        for number, name in enumerate(_TIMES)
    )
    return (
        f"SELECT 'player_' || n AS player_lookup, DATE '2025-10-22' + (n // {a_date})::INT AS game_date, "
        f"'{{' || ARRAY_TO_STRING(LIST_TRANSFORM(RANGE({size}), LAMBDA i : {entry}), ', ') || '}}' AS feature_sources, "
        f"LIST_TRANSFORM(RANGE({size}), LAMBDA i : (HASH(n * 64 + i + 7) % 5000) / 100.0e0) AS features, "
        f"(n % 82)::BIGINT AS actual_games_count, {times}, TIMESTAMPTZ '2026-02-06 12:00:00+00' AS created_at, "
        f"NULL::TIMESTAMPTZ AS updated_at, NULL::BOOLEAN AS is_production_ready, NULL::VARCHAR AS matchup_data_status "
        f"FROM RANGE({rows}) t(n)"
    )
