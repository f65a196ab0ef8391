"""OPTIONS(...) of tables and views, as the catalog keeps them."""

from __future__ import annotations

from typing import Any

from bqemulator.catalog.models import TableMeta

from .catalog import fail, key_of, shown

_DAY_MS = 86_400_000


def table_changes(table: TableMeta, given: dict[str, Any]) -> dict[str, Any]:
    """Catalog attributes after SET OPTIONS; what is not named keeps its value, NULL clears it."""
    changes: dict[str, Any] = {}
    for name, value in given.items():
        match name:
            case "description" | "friendly_name":
                changes[name] = value
            case "labels":
                changes["labels"] = dict(value or [])  # the list given replaces every label
            case "expiration_timestamp":
                changes["expiration_time"] = value
            case "require_partition_filter":
                if value and table.time_partitioning is None and table.range_partitioning is None:
                    raise fail(f"require_partition_filter needs a partitioned table: {shown(key_of(table))}")
                changes["require_partition_filter"] = bool(value)
            case "partition_expiration_days":
                changes["time_partitioning"] = _expiring(table, value)
            case _ if name in _SETTINGS:
                kept = changes.setdefault("settings", dict(getattr(table, "settings", {})))
                key, shape = _SETTINGS[name]
                kept |= {key: shape(value)} if value is not None else {key: None}
            case _:  # enable_change_history and others: legal, and tables.get does not show them
                continue
    return changes


_SETTINGS: dict[str, tuple[str, Any]] = {
    "kms_key_name": ("encryptionConfiguration", lambda name: {"kmsKeyName": name}),
    "default_rounding_mode": ("defaultRoundingMode", str),
    "max_staleness": ("maxStaleness", str),
    "tags": ("resourceTags", dict),
}
SETTINGS = tuple(key for key, _ in _SETTINGS.values())
"""Keys of the resource that the bed only keeps."""


def _expiring(table: TableMeta, days: float | None) -> Any:
    if table.time_partitioning is None:
        raise fail(f"partition_expiration_days needs a table partitioned by time: {shown(key_of(table))}")
    milliseconds = None if days is None else round(float(days) * _DAY_MS)
    return table.time_partitioning.model_copy(update={"expiration_ms": milliseconds})
