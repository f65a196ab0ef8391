"""How long a command takes to start, beside a bare typer app with two commands and beside Python itself.

python bench/startup.py        written into README.md
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parent.parent
TRIES = 25
BARE = '''
import typer

app = typer.Typer()


@app.command()
def one() -> None:
    """The first."""


@app.command()
def two(name: str = "x") -> None:
    """The second, with an option."""


app()
'''
FQTOOL = ("-m", "fqtool")


def taken(runs: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """The least seconds of each; they take turns, so that a busy moment of the machine falls on all."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(TRIES):
        for name, words in runs.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=True)
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def main() -> None:
    """Time the help of both, a command's help of both, and the quickest real commands."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.py")
        bare.write_text(BARE)
        seconds = taken(
            {
                "python -c pass": ("-c", "pass"),
                "bare --help": (str(bare), "--help"),
                "fqtool --help": (*FQTOOL, "--help"),
                "fqtool --version": (*FQTOOL, "--version"),
                "bare two --help": (str(bare), "two", "--help"),
                "fqtool validate --help": (*FQTOOL, "validate", "--help"),
                "bare two": (str(bare), "two"),
                "fqtool generate-schema": (*FQTOOL, "generate-schema"),
                "fqtool validate": (*FQTOOL, "validate"),
            }
        )
    peers = {"two --help": "bare two --help", "validate --help": "bare two --help", "--version": "bare --help"}
    lines = [f"{machine.line()}\n", "| command | seconds | beside |", "|---|---|---|"]
    for name, one in seconds.items():
        words = name.partition(" ")[2]
        peer = peers.get(words, "bare --help" if words == "--help" else "bare two")
        beside = f"{one / seconds[peer]:.2f}x `{peer}`" if name.startswith("fqtool") else ""
        lines.append(f"| `{name}` | {one:.3f} | {beside} |")
    page = "\n".join(lines) + "\n"
    sys.stdout.write(page)
    machine.put("startup", page)


if __name__ == "__main__":
    main()
