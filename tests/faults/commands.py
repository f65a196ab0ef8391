"""The commands that talk to BigQuery, each on the store it needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BARE, MIGRATED, SCORED = "bare", "migrated", "scored"
"""What exists in the dataset: rows in a table of base columns; the quality columns and the ledger; scores too."""

FIRST, LAST = "2026-02-05", "2026-02-06"
EARLIER = tuple(f"2026-01-{day}" for day in range(20, 32))
"""Dates with a row each, which only `learn` reads: it needs 14."""
_SPAN = ("--start", FIRST, "--end", LAST)
_AS_OF = ("--as-of", "2026-02-07T12:00:00Z")


@dataclass(frozen=True)
class Command:
    """A command as it is run: `name`, then `more`; {folder} in it is a folder of the run's own.

    `writes`: it changes the dataset or the folder, so every run gets fresh ones. `migrations`, `registry`: it takes the
    options of these names. `proves`: a refusal is what it looks for, so it goes on and reports it in its answer.
    """

    name: str
    more: tuple[str, ...]
    stage: str
    writes: bool = False
    migrations: bool = False
    proves: bool = False
    registry: bool = True

    def words(self, folder: Path, target: str, timeout: float) -> list[str]:
        """The words after `fqtool`."""
        words = [*self.name.split(), *(one.replace("{folder}", str(folder)) for one in self.more)]
        words += ["--registry", str(folder / "feature_registry.yaml")] if self.registry else []
        words += ["--migrations", str(folder / "migrations")] if self.migrations else []
        return [*words, "--target", target, "--timeout", str(timeout)]


COMMANDS = (
    Command("migrate plan", (), BARE, writes=True, migrations=True),
    Command("migrate", (), BARE, writes=True, migrations=True),
    Command("migrate status", (), MIGRATED, migrations=True),
    Command("check-drift", (), MIGRATED, migrations=True, proves=True),
    Command("check-drift --data", _SPAN, SCORED, migrations=True, proves=True),
    Command("score", (*_SPAN, *_AS_OF), MIGRATED, writes=True),
    Command("score --dry-run", (*_SPAN, *_AS_OF), MIGRATED),
    Command("backfill", (*_SPAN, *_AS_OF), MIGRATED, writes=True),
    Command("backfill --verify", _SPAN, SCORED),
    Command("backfill --dry-run --no-resume", _SPAN, SCORED),
    Command("diagnose", ("--date", LAST), SCORED),
    Command("doctor", (), SCORED, proves=True),
    Command("daily", ("--date", LAST), SCORED),
    Command("explain", ("--key", "item=a", "--date", LAST), SCORED),
    Command("models", ("--date", LAST), SCORED),
    Command("check-record", ("{folder}/records.ndjson",), SCORED),
    Command("report", (*_SPAN, "--out", "{folder}/report.html"), SCORED, migrations=True),
    Command("cost", _SPAN, SCORED),
    Command("diff", ("{folder}/feature_registry.yaml", *_SPAN), SCORED),
    Command("learn", ("--start", EARLIER[0], "--end", LAST, "--dry-run"), SCORED),
    Command(
        "init", ("--from-table", "feature_store", "--out", "{folder}/made.yaml"), BARE, writes=True, registry=False
    ),
)
