"""Numbers with their nouns in sentences."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: `1 migration`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
