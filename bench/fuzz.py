"""Hostile bytes, guided by coverage, for what fqtool reads: `python bench/fuzz.py SECONDS HARNESS...`; see `make fuzz`.

Each harness runs in a process of its own. An input that fails stays in tests/fuzz/corpus; the counts go into README.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parent.parent


def counts(log: str) -> tuple[int, int]:
    """How many inputs the fuzzer tried, and how many branches they reached, by its own log."""
    tried = re.findall(r"^stat::number_of_executed_units: *(\d+)", log, re.MULTILINE)
    reached = re.findall(r"\bcov: (\d+)", log)
    return int(tried[-1]) if tried else 0, int(reached[-1]) if reached else 0


def explored(name: str, seconds: str) -> tuple[bool, str]:
    """Explore one harness; return whether nothing failed, and the fuzzer's log."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.explore", name, seconds],
        cwd=ROOT, stdout=sys.stdout, stderr=subprocess.PIPE, text=True, errors="replace", check=False,
    )  # fmt: skip
    return done.returncode == 0, done.stderr


def table(seconds: str, told: dict[str, tuple[bool, str]]) -> str:
    """A line a harness."""
    lines = [machine.line(), "", f"| {seconds} s of | inputs | branches | failed |", "|---|---|---|---|"]
    for name, (well, log) in told.items():
        tried, reached = counts(log)
        lines.append(f"| {name} | {tried:,} | {reached:,} | {'' if well else 'yes'} |")
    return "\n".join(lines)


def main() -> int:
    """Explore each; ends with 1 where an input failed."""
    seconds, *names = sys.argv[1:]
    told = {}
    for name in names:
        told[name] = explored(name, seconds)
        well, log = told[name]
        sys.stdout.write(f"{name}: {counts(log)[0]:,} inputs\n" if well else f"{name}: failed\n{log[-4000:]}\n")
        sys.stdout.flush()
    machine.put("fuzz", table(seconds, told))
    return int(not all(well for well, _ in told.values()))


if __name__ == "__main__":
    sys.exit(main())
