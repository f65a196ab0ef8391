"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("duckdb", "sqlglot", "google-cloud-bigquery", "typer")


def line() -> str:
    """Return one line: day, processor, memory, versions."""
    memory = next((int(one.split()[1]) for one in _lines("/proc/meminfo") if one.startswith("MemTotal")), 0)
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} x {_processor()}, "
        f"{memory / 1024**2:.0f} GB, Python {platform.python_version()}, {packages}."
    )


def short() -> str:
    """Return the day and the processor, for one row of a table."""
    return f"{datetime.now(UTC):%Y-%m-%d}, {re.sub(r'[(](R|TM)[)]| Processor| CPU', '', _processor())}"


def put_rows(name: str, header: str, rows: Sequence[str]) -> None:
    """Put rows into the table between the marks of that name: each replaces the one with the same first cell.

    Args:
        name: the name of the marks.
        header: the first line of the table. Rows of a table with another number of columns are dropped.
        rows: lines of the table.
    """
    columns = header.count("|")
    kept = [line for line in stored(name).splitlines() if line.count("|") == columns][2:]
    by_cell = {row.split("|")[1]: row for row in [*kept, *rows]}
    put(name, "\n".join([header, "|" + "---|" * (columns - 1), *by_cell.values()]) + "\n")


def put(name: str, page: str) -> None:
    """Put a page between the marks of that name in README.md."""
    readme = Path(__file__).with_name("README.md")
    before, mark, rest = readme.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not (mark and end):
        raise SystemExit(f"{readme} has no marks for {name}")
    readme.write_text(f"{before}{mark}\n{page}\n{end}{after}")


def stored(name: str) -> str:
    """Return the page between the marks of that name in README.md."""
    text = Path(__file__).with_name("README.md").read_text()
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- end of {name} -->")[0].strip()


def _processor() -> str:
    cpu = next((one.partition(":")[2].strip() for one in _lines("/proc/cpuinfo") if one.startswith("model name")), "")
    return cpu or platform.machine()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
