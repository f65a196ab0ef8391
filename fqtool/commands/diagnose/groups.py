"""Groups of rows, such as a team or an airport: one without rows on a date, and one that is new."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fqtool.commands.diagnose.baseline import BY_CHANCE, unbroken
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.findings.listing import listed

_ENOUGH = 7
_REGULAR = 0.9
_LEAST = 5  # rows of a date; a smaller group may lack them by chance


@dataclass(frozen=True, slots=True)
class GroupChange:
    """Groups of one column that are gone or new.

    Attributes:
        text: The column and the groups, such as `` `team` BOS ``.
        evidence: On how many dates before the groups have rows.
        lasting: Number of last dates on which they are gone, or present.
        column: The column; "" for a feature.
        groups: The groups.
    """

    text: str
    evidence: str
    lasting: int
    column: str = ""
    groups: tuple[str, ...] = ()


def groups_gone(days: Sequence[Day]) -> list[GroupChange]:
    """Return the groups without rows on the last date that have rows on nearly all dates before, also on its weekday.

    Dates that also lack the group, directly before the last one, belong to the problem.
    """
    *before, today = days
    found = []
    for name, now in today.groups.items():
        known = [(one.day, one.groups[name]) for one in before if name in one.groups]
        lost: dict[tuple[int, int], list[str]] = {}
        for group in sorted(set().union(*(groups for _, groups in known)) - set(now)):
            lasting = unbroken([group not in groups for _, groups in known])
            earlier = known[: len(known) - lasting]
            having = [day for day, groups in earlier if group in groups]
            weekdays = [group in groups for day, groups in earlier if day.weekday() == today.day.weekday()]
            rows = statistics.median(groups[group] for _, groups in earlier if group in groups) if having else 0
            same = [groups for day, groups in earlier if day.weekday() == today.day.weekday()]
            if _lost(group, same or [groups for _, groups in earlier], now) > BY_CHANCE:
                continue  # so few rows are left that a group may have none
            if rows >= _LEAST and len(earlier) >= _ENOUGH and len(having) >= _REGULAR * len(earlier) and all(weekdays):
                lost.setdefault((lasting + 1, len(having)), []).append(group)
        for (lasting, count), groups in lost.items():
            dates = len(known) - lasting + 1
            evidence = f"rows on {count} of {dates} earlier dates"
            found.append(GroupChange(_named(name, groups), evidence, lasting, name, tuple(groups)))
    return found


def _lost(group: str, earlier: Sequence[Mapping[str, int]], now: Mapping[str, int]) -> float:
    """The probability that a group has no rows, where each row is lost as often as those of the other groups."""
    rows = statistics.median(groups.get(group, 0) for groups in earlier) if earlier else 0.0
    usual = statistics.median(sum(groups.values()) for groups in earlier) - rows if earlier else 0.0
    left = min(sum(now.values()) / usual, 1.0) if usual > 0 else 1.0
    return float((1 - left) ** rows)


def groups_new(days: Sequence[Day]) -> list[GroupChange]:
    """Return the groups of the last date that are new, where the groups before were the same on each date.

    Dates that also have them, directly before the last one, belong to the problem.
    """
    *before, today = days
    found = []
    for name, now in today.groups.items():
        known = [frozenset(one.groups[name]) for one in before if name in one.groups]
        new, lasting = _new(frozenset(now), known)
        if new:
            evidence = f"no rows on {len(known) - lasting + 1} earlier dates"
            found.append(GroupChange(_named(name, new), evidence, lasting, name, tuple(new)))
    return found


def renamed(gone: Sequence[GroupChange], new: Sequence[GroupChange]) -> Iterator[tuple[GroupChange, GroupChange]]:
    """Yield the groups that are gone with those of the same column that are new since the same date, as many."""
    for one in gone:
        for other in new:
            alike = (one.column, one.lasting, len(one.groups)) == (other.column, other.lasting, len(other.groups))
            if alike:
                yield one, other


def without_groups(days: Sequence[Day], changes: Sequence[GroupChange]) -> Sequence[Day]:
    """Return the dates without the rows of groups that are gone or new, those of the first column that has some."""
    if not changes:
        return days
    column = changes[0].column
    names = [name for one in changes if one.column == column for name in one.groups]

    def rows(day: Day) -> int:
        return day.rows - sum(day.groups.get(column, {}).get(name, 0) for name in names)

    return [replace(day, rows=rows(day)) for day in days]


def categories_new(index: int, days: Sequence[Day]) -> GroupChange | None:
    """Return the values of a text feature on the last date that are new as groups can be; None without such values."""
    *before, today = days
    known = [one.categories[index] for one in before if index in one.categories]
    new, lasting = _new(today.categories.get(index, frozenset()), known)
    evidence = f"each of {len(known) - lasting + 1} earlier dates has the same categories, without these"
    return GroupChange(listed(new), evidence, lasting) if new else None


def _new(now: frozenset[str], known: Sequence[frozenset[str]]) -> tuple[list[str], int]:
    """Return the groups that no date has before the last ones, which all have them, and the number of these dates.

    None where the earlier dates have different groups.
    """
    for lasting in range(len(known) - _ENOUGH + 1):
        earlier, last = known[: len(known) - lasting], known[len(known) - lasting :]
        new = now.intersection(*last) - earlier[0]
        if new and all(one == earlier[0] for one in earlier):
            return sorted(new), lasting + 1
    return [], 0


def _named(name: str, groups: Sequence[str]) -> str:
    return f"`{name}` {listed(groups)}"
