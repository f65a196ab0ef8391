"""fqtool learn: ranges and spreads of features from stored dates, written into the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fqtool.commands.diagnose.daily_stats import Day, Evidence
from fqtool.commands.diagnose.run import days_of
from fqtool.commands.learn.limits import FEWEST_DATES, learned
from fqtool.errors import InputError, Refusal, UsageError
from fqtool.registry.model import Feature, Registry
from fqtool.registry.patches import text_diff
from fqtool.registry.yaml.document import Document
from fqtool.registry.yaml.set_keys import with_keys
from fqtool.warehouse.files import read_text, write_text
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import require_columns

_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Learned:
    """A registry with learned limits.

    Attributes:
        path: The registry file.
        before: Its text before.
        after: Its text after.
        dates: The dates with rows that the limits come from.
        features: The features that get limits.
        kept: The features whose own limits are kept.
    """

    path: Path
    before: str
    after: str
    dates: tuple[date, ...]
    features: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def diff(self) -> str:
        """The change as a unified diff; "" without a change."""
        return text_diff(self.before, self.after, str(self.path), str(self.path))


def plan_learning(
    path: Path, registry: Registry, warehouse: Warehouse, start: date, end: date, *, replace: bool = False
) -> Learned:
    """Learn from a span of dates, by one scan. Nothing is written.

    Args:
        path: The registry file.
        registry: What it holds.
        warehouse: The target.
        start: The first date.
        end: The last date.
        replace: Whether a declared range or spread is replaced too; otherwise it is kept.

    Raises:
        Refusal: The span has too few dates with rows.
        InputError: The file has a layout that fqtool cannot edit.
        NotThere: The table or a column does not exist.
    """
    days = days_between(registry, warehouse, start, end)
    if len(days) < FEWEST_DATES:
        count = f"{len(days) or 'no'} date{'s' * (len(days) != 1)} with rows"
        raise Refusal(
            f"{registry.table.name} has {count} from {start} to {end}; learning needs {FEWEST_DATES} or more.",
            remedy="Use an earlier --start.",
        )
    document = registry.document
    assert document is not None  # noqa: S101  it was read from a file
    text = with_limits(document, registry, days, replace=replace)
    mark = _MARK if read_text(path).startswith(_MARK) else ""
    kept = tuple(one.name for one in registry.active_features if _declared(one) and not replace)
    changed = tuple(name for name, _ in _limits(registry, days, replace=replace))
    dates = tuple(one.day for one in days)
    return Learned(path, mark + document.text, mark + text, dates, changed, kept)


def days_between(registry: Registry, warehouse: Warehouse, start: date, end: date) -> list[Day]:
    """Return the statistics of the dates with rows, in order. Raises as `plan_learning`."""
    if start > end:
        raise InputError(f"--start {start} is after --end {end}.", remedy="Exchange them.")
    evidence = Evidence(registry)
    require_columns(registry, warehouse, evidence.needs)
    return days_of(evidence, warehouse, start, end, judged=start)


def with_limits(document: Document, registry: Registry, days: Sequence[Day], *, replace: bool = False) -> str:
    """Return the text of a registry with the limits that the dates show.

    Args:
        document: The registry as a document.
        registry: The registry.
        days: The statistics of the dates.
        replace: Whether declared limits are replaced.
    """
    at = {one["name"]: number for number, one in enumerate(document.data["features"])}
    entries = [(("features", at[name]), pairs) for name, pairs in _limits(registry, days, replace=replace)]
    return with_keys(document, entries)


def write_learned(found: Learned) -> None:
    """Write the whole file; a symbolic link is followed.

    Raises:
        UsageError: The file was changed in the meantime.
        WorldError: The file cannot be written.
    """
    if read_text(found.path) != found.before:
        raise UsageError(
            f"{found.path} was changed in the meantime; nothing was written.", remedy="Run the command again."
        )
    write_text(found.path, found.after)


def _limits(registry: Registry, days: Sequence[Day], *, replace: bool) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The name of each feature to change, with the keys to set."""
    for feature in registry.active_features:
        declared = set() if replace else _declared(feature)
        pairs = [(key, value) for key, value in learned(feature, days).entries() if key not in declared]
        if pairs:
            yield feature.name, pairs


def _declared(feature: Feature) -> set[str]:
    """The limits that the registry has already."""
    spread = feature.spread != type(feature.spread)()
    return {key for key, has in (("range", feature.range is not None), ("spread", spread)) if has}
