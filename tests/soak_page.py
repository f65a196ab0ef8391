"""Writes docs/reference/soak.md from what runs of `make soak` printed: `python -m tests.soak_page LOG ...`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.bed.running import ROOT

PAGE = ROOT / "docs" / "reference" / "soak.md"
_COUNT = re.compile(r"^ *([\d,]+)  (\S.*)$", re.MULTILINE)
_RUN = re.compile(r"-m tests\.soak (\d+) (\d+)$", re.MULTILINE)


def counts_of(printed: Iterable[str]) -> Counter[str]:
    """Return how often each step was taken in all runs."""
    taken = Counter[str]()
    for text in printed:
        for count, step in _COUNT.findall(text):
            taken[step] += int(count.replace(",", ""))
    return taken


def page(printed: Sequence[str]) -> str:
    """Return the page of the runs whose output this is. Raises ValueError for a run that did not end well."""
    for text in printed:
        if "Traceback" in text or "steps" not in text:
            raise ValueError("A run has no counts, or has failed; the page is for runs without a failure.")
    taken = counts_of(printed)
    runs = [f"`make soak STEPS={steps} SEED={seed}`" for text in printed for steps, seed in _RUN.findall(text)]
    steps = taken.pop("steps")
    rows = [f"| {step.replace('|', ' or ')} | {count:,} |" for step, count in sorted(taken.items())]
    return f"""# Random sequences

Made by {" and ".join(runs)}. Each run takes random steps on a store in DuckDB, as people,
colleagues and accidents would: edits of the registry, changes of the table by hand, lost and edited files, merged
branches, a second process, a process that is killed at a random file or statement. After every step it checks:

- What `migrate plan` wrote with exit code 0, `migrate` applies, unless registry, table or files were changed since.
- Where `check-drift` ends with exit code 0, the table has the columns that the registry declares.
- The printed remedies, performed exactly, lead to exit code 0 of every command within six commands, or to a remedy
  that names what a person has to decide.
- No file that fqtool did not write is gone or changed.
- No row is lost, and no value of a column that fqtool does not compute.

{steps:,} steps were taken; every check held after each. The same seed and number of steps repeat a run.

| step | times |
| --- | --: |
{chr(10).join(rows)}
"""


if __name__ == "__main__":
    PAGE.write_text(page([Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]]), encoding="utf-8")
