"""How every command without a warehouse grows with the number of features: time, memory, size of what it writes.

python bench/wide.py [FEATURES ...]        written into README.md
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import machine

ROOT = Path(__file__).resolve().parent.parent
SIZES = (250, 1000, 2500, 4900)
AFTER = "\n# --- The table"
LIMIT = 300.0
COMMANDS: dict[str, tuple[str, ...]] = {
    "validate": ("validate",),
    "generate-schema": ("generate-schema",),
    "generate-sql table": ("generate-sql", "table"),
    "generate-sql scoring": ("generate-sql", "scoring"),
    "generate-sql view": ("generate-sql", "view"),
    "migrate plan --offline": ("migrate", "plan", "--offline", "--dry-run", "-m", "none"),
    "diff": ("diff", "before.yaml", "feature_registry.yaml"),
    "export dbt": ("export", "dbt"),
    "export python": ("export", "python"),
    "docs": ("docs",),
}


class Run(NamedTuple):
    """One process: exit code, seconds, peak megabytes, kilobytes written, what it printed where it refused."""

    code: int
    seconds: float
    peak: float
    written: float
    said: str


def registry_of(features: int) -> str:
    """The repository's registry with so many features."""
    text = (ROOT / "feature_registry.yaml").read_text(encoding="utf-8")
    first = text.count("\n  - {index: ")
    more = "".join(
        f"  - {{index: {index}, name: feature_number_{index}, category: game_context, labels: [calculated, default],\n"
        f"     expected: 0.0, range: [0, 100], description: Made to measure with.}}\n"
        for index in range(first, features)
    )
    before, mark, after = text.partition(AFTER)
    return f"{before}\n{more}{mark}{after}" if not before.endswith("\n") else f"{before}{more}{mark}{after}"


def run(folder: Path, words: tuple[str, ...]) -> Run:
    """Run one command in a folder."""
    out = folder / "out"
    with out.open("wb") as stdout, (folder / "err").open("wb") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "fqtool", *words],
            cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=stdout, stderr=stderr,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        taken = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    written = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file() and one.suffix != ".yaml")
    return Run(process.returncode, taken, used.ru_maxrss / 1024, written / 1024, (folder / "err").read_text())


def measured(features: int) -> dict[str, Run]:
    """Every command at one size, the better of two."""
    found = {}
    for name, words in COMMANDS.items():
        runs = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                (place / "feature_registry.yaml").write_text(registry_of(features), encoding="utf-8")
                (place / "before.yaml").write_text(registry_of(features - 50), encoding="utf-8")
                runs.append(run(place, words))
        found[name] = min(runs, key=lambda one: one.seconds)
        print(features, name, found[name][:4], file=sys.stderr, flush=True)
    return found


def cell(one: Run) -> str:
    """A run in a table."""
    told = f"{one.seconds:.2f} s, {one.peak:.0f} MB, {one.written:,.0f} KB"
    return told if one.code == 0 else f"{told}, exit {one.code}"


def main(sizes: tuple[int, ...]) -> None:
    """Measure all, and write the table."""
    all_of = {features: measured(features) for features in sizes}
    lines = [
        machine.line(),
        "",
        f"| command | {' | '.join(f'{features:,} features' for features in sizes)} | exponent |",
        f"|{'---|' * (len(sizes) + 2)}",
    ]
    for name in COMMANDS:
        first, last = all_of[sizes[0]][name], all_of[sizes[-1]][name]
        exponent = math.log(last.seconds / first.seconds) / math.log(sizes[-1] / sizes[0])
        cells = " | ".join(cell(all_of[features][name]) for features in sizes)
        lines.append(f"| `{name}` | {cells} | {exponent:.2f} |")
    refused = {
        (name, features): one.said.splitlines()[0]
        for features, runs in all_of.items()
        for name, one in runs.items()
        if one.code and one.said
    }
    lines += ["", *(f"- {name} at {features:,}: {said}" for (name, features), said in refused.items())]
    page = "\n".join(lines) + "\n"
    sys.stdout.write(page)
    machine.put("wide", page)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
