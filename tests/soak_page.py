"""Write docs/reference/soak.md: `python -m tests.soak_page STEPS SEED [SEED ...]` runs tests/soak.py for each seed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

from tests.bed.running import ROOT

PAGE = ROOT / "docs" / "reference" / "soak.md"
_TEXT = """# Soak test

Written by `make soak-page`, which runs random operations on a store on DuckDB: edits of the registry, changes of the
table by hand, lost and merged files, plans and migrations that are killed, a second process, and fqtool's own commands.
After each operation five things must hold:

1. What `fqtool migrate plan` wrote with exit code 0, `fqtool migrate` applies, unless the registry, the table or the
   files were changed in between.
2. Where `fqtool check-drift` ends with exit code 0, the table has the columns that the registry declares.
3. Following the printed remedies exactly ends with exit code 0 of every command within six commands, or at a remedy
   that names what a person has to decide.
4. No file that fqtool did not write is deleted or changed.
5. No row is lost, and no value of a column that fqtool does not compute.

The last run of {steps:,} operations ({runs}) found no violation. `make soak STEPS={each} SEED={seed}` repeats a part.

| operation | count |
|---|---:|
{table}

Where following the remedies ended:

| end | count |
|---|---:|
{ends}
"""


def page(counts: Counter[str], each: int, seeds: list[str]) -> str:
    """Return the page with the counts of these runs.

    Args:
        counts: How often each step was taken, summed over the runs.
        each: The steps of each run.
        seeds: The seed of each run.
    """
    rest = Counter(counts)
    total = rest.pop("steps")
    ended = {step.partition(": ")[2]: rest.pop(step) for step in list(counts) if step.startswith("follow remedies: ")}
    return _TEXT.format(
        steps=total - sum(ended.values()), runs=f"seeds {' and '.join(seeds)}", each=each, seed=seeds[0],
        table=_rows(rest), ends=_rows(Counter(ended)),
    )  # fmt: skip


def _rows(counts: Counter[str]) -> str:
    return "\n".join(f"| {step} | {count:,} |" for step, count in sorted(counts.items()))


def main(each: str, *seeds: str) -> int:
    """Run the seeds beside each other, and write the page where all are clean. Returns the exit code."""
    processes = [
        subprocess.Popen([sys.executable, "-m", "tests.soak", each, seed], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for seed in seeds
    ]
    counts = Counter[str]()
    for process in processes:
        out, _ = process.communicate()
        sys.stdout.write(out)
        for count, step in re.findall(r"^ *([\d,]+)  (.+)$", out, re.MULTILINE):
            counts[step] += int(count.replace(",", ""))
    if any(process.returncode for process in processes):
        return 1
    PAGE.write_text(page(counts, int(each), list(seeds)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
