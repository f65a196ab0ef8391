"""Statement: SQL together with the changes it makes, why, at what risk, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

from fqtool.finding import Finding
from fqtool.table.changes import Change


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a migration.

    `sql` is GoogleSQL that BigQuery runs as it stands; a warehouse of another dialect renders `changes` natively.
    `hazards` are the findings a person must know or allow; `way_back` is the reverse statement, or a sentence that
    begins with "irreversible". An `adopted` statement is not run: what it makes was found in place.
    """

    sql: str
    changes: tuple[Change, ...]
    why: str = ""
    way_back: str = ""
    hazards: tuple[Finding, ...] = ()
    adopted: bool = False
