"""Names in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names as a list in a sentence: `a, b and 3 more`.

    Args:
        names: The names, with backticks where they need them.
        most: How many of them are named.
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
