"""Writes what mutmut found to the page that is named: `mutmut results --all true | python -m tests.mutants PAGE`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

PACKAGES = ("table", "expressions", "scoring", "schema", "migrations")
# mutmut's words; a mutant that runs on and on is noticed too.
NOTICED = ("killed", "timeout", "segfault")
MISSED = ("survived", "no tests", "suspicious")


def found(told: str) -> dict[str, str]:
    """Each mutant that was tried, and how it ended, as mutmut reports it."""
    ended = dict(re.findall(r"^ *(fqtool\.\S+): (.+)$", told, re.MULTILINE))
    return {name: how for name, how in ended.items() if how in NOTICED + MISSED}


def page(ended: dict[str, str]) -> str:
    """A line a package, and the names of what no test noticed."""
    lines = [f"| package | tried | {' | '.join(NOTICED + MISSED)} |", f"|---|---{'|---' * len(NOTICED + MISSED)}|"]
    for package in PACKAGES:
        of_it = Counter(how for name, how in ended.items() if name.startswith(f"fqtool.{package}."))
        counts = " | ".join(f"{of_it[how]:,}" for how in NOTICED + MISSED)
        lines.append(f"| `fqtool/{package}` | {of_it.total():,} | {counts} |")
    missed = [f"- `{name}`: {how}" for name, how in sorted(ended.items()) if how in MISSED]
    return "\n".join([*lines, "", "What no test noticed; `mutmut show NAME` shows it:", "", *missed])


def main(path: Path) -> None:
    """Put it between the marks of the page; the text around them stays."""
    before, mark, rest = path.read_text().partition("<!-- found -->\n")
    _, end, after = rest.partition("<!-- end of found -->")
    if not (mark and end):
        raise SystemExit(f"{path} has no marks")
    path.write_text(f"{before}{mark}\n{page(found(sys.stdin.read()))}\n\n{end}{after}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
