"""A store where all is well: registry, migrations, schema file, a table with scored rows; and copies to be spoiled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from fqtool import load_registry
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.faults.running import Ran, run

REGISTRY = Path(__file__).parent.parent / "faults" / "feature_registry.yaml"
DAY = date(2026, 2, 6)
FIRST = DAY - timedelta(days=14)
# Each gate: the words of its command. `old.yaml` is the registry before the fault, `schema.json` what is kept of it.
GATES: dict[str, tuple[str, ...]] = {
    "validate": ("validate", "--registry", "{registry}"),
    "generate-schema --check": ("generate-schema", "--registry", "{registry}", "--check", "{folder}/schema.json"),
    "migrate verify": ("migrate", "verify", "--registry", "{registry}", "--migrations", "{folder}/migrations"),
    "check-drift": (
        "check-drift", "--registry", "{registry}", "--migrations", "{folder}/migrations", "--target", "{url}",
    ),
    "check-drift --data": (
        "check-drift", "--registry", "{registry}", "--migrations", "{folder}/migrations", "--target", "{url}",
        "--data", "--start", f"{DAY}", "--end", f"{DAY}",
    ),
    "diff": ("diff", "{folder}/old.yaml", "{registry}"),
    "diagnose": ("diagnose", "--registry", "{registry}", "--target", "{url}", "--date", f"{DAY}"),
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A folder of its own with everything in it."""

    folder: Path

    @property
    def registry(self) -> Path:
        """The registry file."""
        return self.folder / "feature_registry.yaml"

    @property
    def file(self) -> Path:
        """The DuckDB file."""
        return self.folder / "store.duckdb"

    @property
    def url(self) -> str:
        """The target."""
        return f"duckdb:///{self.file}"

    def edit(self, old: str, new: str, name: str = "feature_registry.yaml") -> None:
        """Replace a text that occurs in a file."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1))

    def by_hand(self, *statements: str) -> None:
        """Run SQL without fqtool, as a person with a console does."""
        with duckdb.connect(str(self.file)) as connection:
            for one in statements:
                connection.execute(one)

    def rows(self, *incidents: Incident) -> None:
        """Fill the table from scratch, scored, with something wrong on the last date."""
        registry = load_registry(REGISTRY)
        made = list(Season(registry, FIRST, 15, rows_per_day=30).rows(incidents))
        scores = registry.score(made, as_of=datetime(2026, 2, 7, tzinfo=UTC))
        with duckdb.connect(str(self.file)) as connection:
            connection.execute(f"DELETE FROM {registry.table.name}")
        with DuckDBWarehouse(self.file) as warehouse:
            load(warehouse, registry.table.name, [row | score for row, score in zip(made, scores, strict=True)])

    def ask(self, gate: str) -> Ran:
        """Run the gate's command."""
        fill = {"registry": str(self.registry), "folder": str(self.folder), "url": self.url}
        return run([*(word.format(**fill) for word in GATES[gate]), "--format", "json"], "")

    def copy(self, folder: Path) -> Place:
        """The same in another folder."""
        shutil.copytree(self.folder, folder)
        return Place(folder)


def healthy(folder: Path) -> Place:
    """Make the store by fqtool itself."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(REGISTRY, folder / "feature_registry.yaml")
    shutil.copy(REGISTRY, folder / "old.yaml")
    place = Place(folder)
    where = ["--registry", str(place.registry)]
    folders = ["--migrations", str(folder / "migrations")]
    for words in (
        ["generate-schema", *where, "--out", str(folder / "schema.json")],
        ["migrate", "plan", *where, *folders, "--offline"],
        ["migrate", *where, *folders, "--target", place.url],
    ):
        done = run(words, "")
        assert done.code == 0, done.err
    place.rows()
    return place


def caught(ran: Ran) -> Sequence[str]:
    """What the gate found, by the codes of its rules; "refused" where it would not begin. () for nothing."""
    told = json.loads(ran.out)["findings"] if ran.out.startswith("{") else []
    codes = sorted({one["rule"] for one in told if one["severity"] != "note"})
    return codes or (("refused",) if ran.code else ())
