"""Asks every gate about every fault and writes the page that is named: `python -m tests.gates PAGE`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.gates.page import asked, page
from tests.gates.place import healthy
from tests.gates.seeded import FAULTS


def main() -> int:
    """See the module; ends with 1 where a gate did not catch what it claims."""
    with tempfile.TemporaryDirectory() as folder:
        base = healthy(Path(folder) / "base")
        answers = {fault: asked(fault, base, Path(folder) / f"{number}") for number, fault in enumerate(FAULTS)}
    Path(sys.argv[1]).write_text(page(answers))
    missed = [f"{fault.name}: {gate}" for fault, told in answers.items() for gate in fault.missed(told)]
    sys.stdout.write(
        "".join(f"not caught: {one}\n" for one in missed) or f"{len(FAULTS)} faults, each caught as claimed\n"
    )
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
