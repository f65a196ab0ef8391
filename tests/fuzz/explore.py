"""Coverage-guided: `python -m tests.fuzz.explore HARNESS SECONDS` under atheris. What fails is kept in the corpus."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fqtool"]):
    from tests.fuzz import harnesses


def main() -> None:
    """Explore one harness for some seconds. New inputs go to a folder of their own, failing ones into the corpus."""
    name, seconds = sys.argv[1], sys.argv[2]
    for seed in harnesses.seeds(name):
        harnesses.run(name, seed)
    found = Path(tempfile.gettempdir()) / f"fqtool-fuzz-{name}"
    found.mkdir(exist_ok=True)
    known = harnesses.CORPUS / name
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={seconds}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={known}/",
            "-print_final_stats=1",
            str(found),
            str(known),
        ],
        lambda data: harnesses.run(name, data),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
