"""The figures of a date as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fqtool.quality.checks import Check


def figures(checks: Sequence[Check]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return headers and rows: each figure, what it means, what is good."""
    rows: list[tuple[object, ...]] = [
        (one.threshold.name, one.measured, str(one.verdict), one.wanted) for one in checks
    ]
    return ("check", "measured", "verdict", "good is"), rows
