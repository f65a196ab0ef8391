"""Anomalies: what is unusual about one feature on one date, compared with the dates before it.

What the registry declares normal is not an anomaly: an optional feature may be absent, a feature that may be constant
may have one value, and a row in cold start lacks the values of its windows. A declared range or share holds on every
date, also where all dates before break it; what is not declared is compared with the baseline.

Rows of one date are correlated, and a value that all rows of a group share is one observation. So a date is compared
with dates, by the scatter between dates (see `baseline`), and not by the number of its rows.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from fqtool.commands.diagnose.anomalies_of_labels import all_defaulted, defaulted, missing, not_finite
from fqtool.commands.diagnose.anomalies_of_relations import apart_from_next, precision, unrelated
from fqtool.commands.diagnose.anomalies_of_values import (
    broken,
    constant,
    negative,
    neutral,
    outside,
    repeated,
    scattered,
    shifted,
)  # fmt: skip
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.history import History, Seen
from fqtool.registry.model import Feature

_DAYS = re.compile(r"(\d+) days?$")
_LOOKS_AT_LABELS = (defaulted,)
_LOOKS = (
    all_defaulted, missing, not_finite, constant, repeated, outside, defaulted, neutral, negative, precision, shifted,
    scattered, broken, unrelated, apart_from_next,
)  # fmt: skip
"""A few default values must not hide that all other values are constant, old, or outside the range."""


def signs_of(
    feature: Feature, days: Sequence[Day], together: Sequence[Feature] = (), dates: Sequence[date] = ()
) -> Seen | None:
    """Return the gravest anomaly of a feature on the last of the sorted `days`; None without one.

    Args:
        feature: The feature.
        days: The dates, the date in question last.
        together: The features of its processor.
        dates: All dates with rows up to it, where `days` leaves some out; by default those of `days`.
    """
    *before, today = (day.features[feature.index] for day in days)
    others = [one.index for one in together if one.index != feature.index and not one.optional]
    siblings = tuple(tuple(day.features[at].unexpected_share for day in days) for at in others)
    history = History(feature, tuple(day.day for day in days[:-1]), tuple(before), days[-1].day, today, siblings)
    looks = _LOOKS if _is_comparable(feature, dates or [day.day for day in days]) else _LOOKS_AT_LABELS
    for look in looks:
        found = look(history)
        if found is not None:
            return found
    return None


def _is_comparable(feature: Feature, dates: Sequence[date]) -> bool:
    """Whether the dates that the window of a feature covers have no gap."""
    found = _DAYS.match(feature.window)
    gaps = [(later, (later - early).days) for early, later in pairwise(dates)]
    if found is None or not gaps:
        return True
    span, usual = int(found[1]), statistics.median(gap for _, gap in gaps)
    return not any((dates[-1] - day).days < span and gap > max(span / 2, 2 * usual) for day, gap in gaps)
