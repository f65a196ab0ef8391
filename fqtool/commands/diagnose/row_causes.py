"""Root causes of whole rows: vectors, groups, row counts, keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fqtool.commands.diagnose.baseline import unbroken
from fqtool.commands.diagnose.cause import Cause, Confidence, Kind
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.groups import groups_gone, groups_new, renamed, without_groups
from fqtool.commands.diagnose.row_counts import repeated_keys, unusual_count


def of_vectors(days: Sequence[Day]) -> tuple[Cause, ...]:
    """Return the root causes of vectors whose positions hold other features than the registry."""
    today = days[-1]
    counted = (
        (Kind.MISSHAPEN, "length", [day.misshapen for day in days]),
        (Kind.MISORDERED, "order", [day.misordered for day in days]),
    )
    causes = []
    for kind, what, counts in counted:
        if counts[-1]:
            since = days[-unbroken([count > 0 for count in counts])].day
            evidence = (f"{counts[-1]:,} of {today.rows:,} vectors differ from the registry in {what}",)
            causes.append(Cause(kind, today.day, since, today.rows, counts[-1], (), None, None, evidence))
    return tuple(causes)


def of_rows(days: Sequence[Day]) -> Iterator[Cause]:
    """Yield groups without rows, new groups, an unusual number of rows, and keys that repeat."""
    today = days[-1]
    gone, new = groups_gone(days), groups_new(days)
    former = {other: one for one, other in renamed(gone, new)}
    kept = [one for one in gone if one not in former.values()]
    for kind, changes in ((Kind.GROUP_GONE, kept), (Kind.GROUP_NEW, new)):
        for one in changes:
            since = days[-one.lasting].day
            old = former.get(one)
            names = (f"{old.text} has no rows since then: the name may have changed",) if old else ()
            yield Cause(
                kind, today.day, since, today.rows, today.rows, (), None, None, (one.evidence, *names), detail=one.text
            )
    if lasting := repeated_keys(days):
        evidence = (f"{today.repeated:,} of {today.rows:,} rows have the keys of another row of the date",)
        since = days[-lasting].day
        yield Cause(Kind.REPEATED_KEYS, today.day, since, today.rows, today.repeated, (), None, None, evidence)
    compared = without_groups(days, [*gone, *new])
    if (found := unusual_count(compared)) is not None:
        since = days[-found.lasting].day
        each = f"each of {found.dates} earlier dates has {found.most:,} rows"
        differ = f"usually {found.usual:,.0f} rows, {found.least:,} to {found.most:,} on {found.dates} earlier dates"
        apart = f", without those of {', '.join(one.text for one in (*gone, *new))}" if gone or new else ""
        evidence = (f"{differ if found.least < found.most else each}{apart}",)
        rows = compared[-1].rows
        yield Cause(Kind.ROW_COUNT, today.day, since, rows, rows, (), None, None, evidence, Confidence.LIKELY)
