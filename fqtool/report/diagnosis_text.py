"""What surrounds a diagnosis for a reader: the date in one line, readiness beside the usual, a strip per category."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fqtool.diagnosis.signs import FEWEST

if TYPE_CHECKING:
    from fqtool.registry.model import Registry
    from fqtool.verbs.diagnose import Diagnosis

_SHADES = ".:+#"
_FALL = 0.1


def surroundings(diagnosis: Diagnosis, registry: Registry) -> Iterator[str]:
    """Yield what is printed above the findings."""
    yield heading(diagnosis)
    for line in (*strips(diagnosis, registry), *readiness(diagnosis)):
        yield f"  {line}"
    yield ""


def heading(diagnosis: Diagnosis) -> str:
    """Return the date, its rows, and what it is compared with."""
    today = diagnosis.today
    if today is None:
        return f"{diagnosis.day}: no rows."
    count = len(diagnosis.before)
    compared = f"compared with {count} date{'' if count == 1 else 's'} before" if count else "no dates to compare with"
    unscored = f", {today.rows - today.scored} of them without scores" if today.scored < today.rows else ""
    return f"{today.day}: {today.rows} rows{unscored}; {compared}."


def healthy(diagnosis: Diagnosis) -> str:
    """Return what is printed where nothing was found."""
    today = diagnosis.today
    if today is None:
        return heading(diagnosis)
    few = f" Values are not judged by fewer than {FEWEST} rows." if today.rows < FEWEST else ""
    return f"{heading(diagnosis)} Nothing unusual.{few}"


def readiness(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the gates that fewer rows pass than usual."""
    today = diagnosis.today
    if today is None or not today.scored:
        return
    for name, count in today.gates.items():
        usual = [day.gates[name] / day.rows for day in diagnosis.before if day.scored]
        if usual and statistics.median(usual) - count / today.rows >= _FALL:
            yield f"{name}: {count} of {today.rows} rows, usually {statistics.median(usual):.0%}"


def strips(diagnosis: Diagnosis, registry: Registry) -> Iterator[str]:
    """Yield a line per category, a sign per feature: the share of stand-ins in quarters from . to #, ? if unknown."""
    if diagnosis.today is None:
        return
    width = max((len(one.name) for one in registry.categories), default=0)
    for category in registry.categories:
        own = [one for one in registry.active_features if one.category == category.name]
        shares = [diagnosis.today.features[one.index].default_share for one in own]
        signs = "".join("?" if share is None else _SHADES[min(int(share * 4), 3)] for share in shares)
        yield f"{category.name:<{width}}  {signs}  {indexes([one.index for one in own])}"


def indexes(numbers: Sequence[int]) -> str:
    """Return 5-8, 13 for 5, 6, 7, 8, 13."""
    spans: list[list[int]] = []
    for one in numbers:
        if spans and one == spans[-1][-1] + 1:
            spans[-1].append(one)
        else:
            spans.append([one])
    return ", ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)
