"""What may be wrong with a column on its way out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from fqtool.finding import Finding, rule
from fqtool.quality.build import ExpandedColumn


@rule("FQ212")
def dropped_too_early(column: ExpandedColumn, today: date) -> Iterator[Finding]:
    """A deprecated column is to be dropped before its date.

    Problem: dropped: true stands before remove_after has come.

    Why: readers were promised that the column stays until then.

    Example: remove_after: 2026-05-06 and dropped: true in February.

    Fix: wait for the date, or agree on an earlier one with the readers and write it down.
    """
    deprecated = column.spec.deprecated
    if deprecated and deprecated.dropped and today < deprecated.remove_after:
        yield Finding(
            column.name,
            f"{column.name} is not to be dropped before {deprecated.remove_after}.",
            remedy="Take dropped: true away until then.",
            location=column.spec.at,
        )
