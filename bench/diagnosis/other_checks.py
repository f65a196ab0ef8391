"""What other checks find in the same rows: a plain z-score, and packages in an environment of their own.

The packages are in requirements-checks.txt; `make bench-diagnosis` installs them into build/diagnosis-peers. Where they
are not installed, only the z-score is measured.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from stores import Row, Store

PYTHON = Path(__file__).resolve().parents[2] / "build/diagnosis-peers/bin/python"
BASELINE = 14
_FAR, _ENOUGH = 3.0, 5


class Peer(Protocol):
    """A check of one store."""

    name: str

    def findings(self, day: date, held: Mapping[date, Sequence[Row]]) -> set[str]:
        """Return what it finds on a date while some dates have other rows."""


class ZScore:
    """The row count, and share of absent values and mean of each feature, against the 14 dates before."""

    name = "z-score"

    def __init__(self, store: Store) -> None:
        """Compute the figures of all dates."""
        self.store = store
        self.figures = {day: _figures(store, rows) for day, rows in store.rows.items()}

    def findings(self, day: date, held: Mapping[date, Sequence[Row]]) -> set[str]:
        """Return the figures that are more than three standard deviations from their mean."""
        figures = self.figures | {one: _figures(self.store, rows) for one, rows in held.items()}
        before = [figures[one] for one in sorted(figures) if one < day][-BASELINE:]
        today = figures[day]
        return {name for name, value in today.items() if _is_far(value, [one[name] for one in before if name in one])}


def _figures(store: Store, rows: Sequence[Row]) -> dict[str, float]:
    figures = {"rows": float(len(rows))}
    for name, values in columns_of(store, rows).items():
        if name in store.features and rows:
            real = [one for one in values if one is not None and not math.isnan(one)]
            figures[f"{name} absent"] = 1 - len(real) / len(values)
            if real:
                figures[f"{name} mean"] = statistics.fmean(real)
    return figures


def _is_far(value: float, before: Sequence[float]) -> bool:
    if len(before) < _ENOUGH:
        return False
    usual, spread = statistics.fmean(before), statistics.stdev(before)
    return abs(value - usual) > max(_FAR * spread, 1e-9 * abs(usual))


def columns_of(store: Store, rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return keys, group and features as columns; a value that its label calls a default value is None."""
    names = dict.fromkeys((*(one for one in store.registry["table"]["keys"] if one != "day"), store.group))
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in names}
    labels = [json.loads(row["labels"]) if store.labelled else {} for row in rows]
    for at, name in enumerate(store.features):
        pairs = zip(rows, labels, strict=True)
        columns[name] = [None if own.get(str(at)) == "none" else row[name] for row, own in pairs]
    return columns


class Package:
    """A package, asked in a process of its own."""

    def __init__(self, name: str, process: subprocess.Popen[str], store: Store, learned: int) -> None:
        """Send the rows of all dates, and how many of them are learned from."""
        self.name, self.process, self.store = name, process, store
        keys = [one for one in store.registry["table"]["keys"] if one != "day"]
        about = {"keys": keys, "group": store.group, "features": list(store.features), "learned": learned}
        self._send({**about, "rows": self._as_text(store.rows)})

    def findings(self, day: date, held: Mapping[date, Sequence[Row]]) -> set[str]:
        """Return its findings."""
        self._send({"day": str(day), "held": self._as_text(held)})
        answer = self.process.stdout.readline()  # type: ignore[union-attr]
        if not answer:
            raise SystemExit(f"{self.name} ended; import it with {PYTHON} to see why.")
        return set(json.loads(answer))

    def _as_text(self, rows: Mapping[date, Sequence[Row]]) -> dict[str, dict[str, list[Any]]]:
        return {str(day): columns_of(self.store, held) for day, held in sorted(rows.items())}

    def _send(self, document: Mapping[str, Any]) -> None:
        print(json.dumps(document), file=self.process.stdin, flush=True)


@contextmanager
def peers_of(store: Store, learned: int) -> Iterator[list[Peer]]:
    """Yield the checks of a store; those that learn get the first `learned` dates."""
    names = ("Great Expectations", "Evidently") if PYTHON.exists() else ()
    script = Path(__file__).with_name("package_checks.py")
    processes = [
        subprocess.Popen(
            [PYTHON, script, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name in names
    ]
    try:
        yield [ZScore(store), *(Package(*one, store, learned) for one in zip(names, processes, strict=True))]
    finally:
        for process in processes:
            process.kill()
            process.wait()
