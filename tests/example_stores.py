"""The stores that come with fqtool, and one run of every command over each of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fqtool.commands.demo.run import LAST
from fqtool.registry.load import read_registry
from fqtool.registry.model import Registry
from fqtool.synthetic.season import Season
from tests.bed.running import ROOT
from tests.emulated_scoring import as_json

FIRST = LAST - timedelta(days=16)


@dataclass(frozen=True)
class ExampleStore:
    """A store: the folder of its registry and migrations, and what differs between stores in commands."""

    folder: Path
    broken: str
    """The processor that does not run in the store's demo."""

    @property
    def registry(self) -> Registry:
        """Its registry."""
        return read_registry(self.folder / "feature_registry.yaml")

    @property
    def season(self) -> Season:
        """The rows of its demo's last days, fewer than there."""
        return Season(self.registry, FIRST, 17, rows_per_day=30)

    def copied(self, folder: Path) -> Path:
        """Copy registry and migrations into a folder, with the files that commands read."""
        shutil.copy(self.folder / "feature_registry.yaml", folder)
        shutil.copytree(self.folder / "migrations", folder / "migrations")
        shutil.copy(folder / "feature_registry.yaml", folder / "old.yaml")
        names = [one.name for one in self.registry.features]
        (folder / "model.py").write_text(f"FEATURES = {names!r}\n", encoding="utf-8")
        (folder / "model.json").write_text(json.dumps(names), encoding="utf-8")
        (folder / "records.ndjson").write_text(json.dumps(self.record) + "\n", encoding="utf-8")
        shutil.copy(self.folder / "migrations" / "0000_base.sql", folder / "base.sql")
        return folder

    @property
    def record(self) -> dict[str, Any]:
        """A synthetic record, as a writer sends it."""
        row = next(iter(self.season.day(LAST)))
        return {name: as_json(value) for name, value in row.items() if value is not None}

    def words(self, text: str) -> list[str]:
        """Return the words of a command with the store's names in it."""
        registry, record = self.registry, self.record
        keys = [f"--key {key}={record[key]}" for key in registry.table.keys if record[key] != str(LAST)]
        category = next(iter(registry.categories)).name
        return text.format(
            key=" ".join(keys), day=LAST, span=f"--start {FIRST} --end {LAST}", table=registry.table.name,
            category=category, processor=self.broken,
        ).split()  # fmt: skip


STORES = {
    "array of values and map of labels": ExampleStore(ROOT, "PlayerCompositeFactorsProcessor"),
    "named columns": ExampleStore(ROOT / "examples" / "energy", "MeterReadings"),
    "JSON values by name": ExampleStore(ROOT / "examples" / "retail", "SalesAggregator"),
}
TARGET = "--target duckdb:///.fqtool/demo.duckdb"
# Command, its words, its exit code and a part of what it prints. In this order, since later ones change the store.
COMMANDS = (
    ("demo", "", 0, "{processor} did not run for {day}"),
    ("validate", "", 0, "No problems found in feature_registry.yaml."),
    ("rules", "", 0, "FQ301"),
    ("rule", "FQ301", 0, "FQ301"),
    ("generate-schema", "--out schema.json", 0, "Wrote schema.json."),
    ("generate-sql", "scoring", 0, "SELECT"),
    ("generate-sql", "writer", 0, "MERGE"),
    ("generate-sql", "detection", 0, "SELECT"),
    ("export", "dbt --out dbt", 0, "Wrote"),
    ("export", "feast --out feast", 0, "Wrote"),
    ("export", "python --out constants.py", 0, "Wrote"),
    ("export", "odcs --out contract.yaml", 0, "Wrote"),
    ("export", "terraform --out table.tf", 0, "Wrote"),
    ("export", "jsonschema --out record.json", 0, "Wrote"),
    ("export", "pydantic --out record.py", 0, "Wrote"),
    ("export", "avro --out record.avsc", 0, "Wrote"),
    ("docs", "--out dictionary", 0, "Wrote"),
    ("migrate", TARGET, 0, "Up to date"),
    ("migrate plan", TARGET, 0, "Up to date: no migration needed."),
    ("migrate status", TARGET, 0, "0000_base.sql"),
    ("migrate verify", "", 0, "replay to the table"),
    ("migrate import", "base.sql --migrations imported --dry-run", 0, "0000"),
    ("check-drift", TARGET, 0, "No drift: {table}"),
    ("check-drift", f"--data {{span}} {TARGET}", 0, "No drift: {table}"),
    ("check-record", "records.ndjson", 0, "no problems found"),
    ("check-code", "model.py", 0, "no list of names disagrees"),
    ("diagnose", f"--date {{day}} {TARGET}", 1, "{processor} did not run for {day}"),
    ("diagnose", f"--date 2026-02-05 {TARGET}", 0, "No problems found."),
    ("daily", f"--date {{day}} {TARGET}", 1, "{processor}"),
    ("daily", f"--date 2026-02-05 {TARGET}", 0, "No problems found"),
    ("explain", f"{{key}} --date {{day}} {TARGET}", 0, "features are unusual"),
    ("models", f"--date {{day}} {TARGET}", 1, "error FQ656"),
    ("models", "--features model.json", 0, "No problems found"),
    ("cost", f"{{span}} {TARGET}", 0, "{table}"),
    ("report", f"{{span}} --out report.html {TARGET}", 0, "Wrote report.html"),
    ("doctor", TARGET, 0, "No problems found"),
    ("backfill", f"--dry-run --no-resume {{span}} {TARGET}", 0, "to do"),
    ("backfill", f"--verify {{span}} {TARGET}", 0, "No problems found"),
    ("score", f"--start {{day}} {TARGET}", 0, "scored in"),
    ("score", "--input records.ndjson --output scores.ndjson", 0, "1 record scored."),
    ("init", f"--from-table {{table}} --out made.yaml {TARGET}", 0, "Wrote made.yaml"),
    ("learn", f"--replace --dry-run --end 2026-02-05 {TARGET}", 0, "range"),
    ("add-feature", "new_feature --category {category} --processor {processor}", 0, "Added new_feature"),
    ("diff", "old.yaml", 0, "new_feature"),
)  # fmt: skip


def on_bigquery(target: str) -> Iterator[tuple[str, str, int, str]]:
    """The commands that run on an empty dataset, then, after rows were loaded, on these; like COMMANDS."""
    yield "generate-schema", "--out schema.json", 0, "Wrote schema.json."
    yield "migrate plan", f"--target {target}", 0, "Up to date: no migration needed."
    yield "migrate", f"--target {target}", 0, "is up to date"
    yield "check-drift", f"--target {target}", 0, "No drift: {table}"
    yield "score", f"{{span}} --as-of 2026-02-07T12:00:00Z --target {target}", 0, "scored in"
    yield "diagnose", f"--date {{day}} --target {target}", 1, "{processor} did not run for {day}"
    yield "diagnose", f"--date 2026-02-05 --target {target}", 0, "No problems found."
