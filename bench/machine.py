"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("duckdb", "sqlglot", "google-cloud-bigquery", "typer")


def line() -> str:
    """Return one line: day, processor, memory, versions."""
    cpu = next((one.partition(":")[2].strip() for one in _lines("/proc/cpuinfo") if one.startswith("model name")), "")
    memory = next((int(one.split()[1]) for one in _lines("/proc/meminfo") if one.startswith("MemTotal")), 0)
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} x {cpu or platform.machine()}, "
        f"{memory / 1024**2:.0f} GB, Python {platform.python_version()}, {packages}."
    )


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


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
