"""Which dates changed since they were scored: a fingerprint of the inputs of each date, kept in a table.

A fingerprint identifies the rows of a date in one warehouse, and is compared with nothing else: DuckDB computes another
number than BigQuery. It is read before the date is scored and stored afterwards. So a change in between, or a process
that is killed in between, leads to one scoring too many, never to one too few.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from fqtool.errors import InputError
from fqtool.schema.build import desired_table
from fqtool.scoring.merge import Span
from fqtool.scoring.roles import Roles
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, WholeTable, ident
from fqtool.table.column import Column
from fqtool.table.model import Table
from fqtool.table.typetext import column

SCORED = "_fqtool_scored"


@dataclass(frozen=True, slots=True)
class ScoredDate:
    """A date that was scored.

    Attributes:
        scoring: identifies what was computed.
        day: the date, in ISO format.
        inputs: the fingerprint of its inputs.
        as_of: the time of scoring in its rows, in ISO format.
        at: when this was written, in UTC.
    """

    scoring: str
    day: str
    inputs: str
    as_of: str
    at: str


COLUMNS = tuple(field.name for field in fields(ScoredDate))
TABLE = Table(SCORED, tuple(column(name, "STRING") for name in COLUMNS))
ROWS = WholeTable(SCORED, COLUMNS, tuple(of_table.sql_type for of_table in TABLE.columns))


@dataclass(frozen=True)
class InputChanges:
    """Finds the dates whose inputs changed since a scoring wrote their rows.

    Attributes:
        scoring: the scoring.
        tool: the version of fqtool. Another version may compute something else, so it scores again.
    """

    scoring: Scoring
    tool: str

    @property
    def columns(self) -> tuple[Column, ...]:
        """The keys and the stored columns that scoring reads and does not write."""
        written = {computed.name.lower() for computed in self.scoring.columns}
        read = self.scoring.named.union(key.lower() for key in self.scoring.registry.table.keys) - written
        return tuple(stored for stored in self.scoring.reads if stored.key in read)

    @cached_property
    def identity(self) -> str:
        """Identifies what is computed: the statement without its date, the types of the table, the version."""
        day = date(2000, 1, 1)
        statement = Span(self.scoring, day, day).merge(datetime(2000, 1, 1, tzinfo=UTC)).sql
        types = [f"{stored.name} {stored.sql_type}" for stored in desired_table(self.scoring.registry).columns]
        return hashlib.sha256("\n".join([statement, *types, self.tool]).encode()).hexdigest()[:16]

    def query(self, start: date, end: date) -> Query:
        """Return the query for the fingerprint of each date, and the times of scoring in its rows.

        Raises:
            InputError: The registry has no column with the time of scoring.
        """
        registry, dates = self.scoring.registry, self.scoring.dates
        computed_at = Roles(registry).computed_at
        if not computed_at:
            raise InputError(
                f"--only-changed needs the time of scoring in the rows, and {registry.path} has no column for it.",
                remedy="Add a TIMESTAMP column with `expr: '@computed_at'` under `columns`.",
            )
        names, moment = ", ".join(ident(stored.name) for stored in self.columns), ident(computed_at)
        return Query(
            f"SELECT {dates.of_row()} AS `fqtool_date`,\n"
            f"  BIT_XOR(FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({names})))) AS `inputs`,\n"
            f"  MIN({moment}) AS `first`, MAX({moment}) AS `last`, COUNTIF({moment} IS NULL) AS `unscored`\n"
            f"FROM {ident(registry.table.name)}\nWHERE {dates.between(start, end)}\nGROUP BY {dates.of_row()}"
        )

    def unchanged(
        self, states: Mapping[date, Mapping[str, object]], stored: Iterable[Mapping[str, Any]]
    ) -> frozenset[date]:
        """Return the dates whose inputs and times of scoring are those of their last entry.

        Args:
            states: The rows of `query` by date.
            stored: The rows of the table `_fqtool_scored`.
        """
        identity, last = self.identity, dict[str, ScoredDate]()
        for entry in sorted((ScoredDate(**row) for row in stored), key=lambda entry: entry.at):
            if entry.scoring == identity:
                last[entry.day] = entry

        def same(day: date, state: Mapping[str, object]) -> bool:
            entry = last.get(day.isoformat())
            if entry is None or entry.inputs != str(state["inputs"]) or state["unscored"]:
                return False
            return state["first"] == state["last"] == datetime.fromisoformat(entry.as_of)

        return frozenset(day for day, state in states.items() if same(day, state))

    def append(self, days: Sequence[date], states: Mapping[date, Mapping[str, object]], as_of: datetime) -> Query:
        """Return the INSERT that records dates as scored."""
        now, identity = datetime.now(UTC).isoformat(timespec="microseconds"), self.identity
        entries = [
            ScoredDate(identity, day.isoformat(), str(states[day]["inputs"]), as_of.isoformat(), now) for day in days
        ]
        rows = ",\n  ".join(f"({', '.join(f'@{name}_{n}' for name in COLUMNS)})" for n in range(len(entries)))
        values = tuple((f"{name}_{n}", getattr(entry, name)) for n, entry in enumerate(entries) for name in COLUMNS)
        return Query(f"INSERT INTO {ident(SCORED)} ({', '.join(map(ident, COLUMNS))}) VALUES\n  {rows}", values)
