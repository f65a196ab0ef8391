"""How much processor time a command takes, beside a bare typer app and beside Python itself.

python bench/startup.py [TRIES]        least of 25 runs or of TRIES; written into README.md

The bare app reads the same YAML as fqtool, by the same library and its fast loader.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import machine
from scoring import run

ROOT = Path(__file__).resolve().parent.parent
TRIES = int(sys.argv[1]) if len(sys.argv) > 1 else 25
BARE = '''
import typer

app = typer.Typer()


@app.command()
def one() -> None:
    """The first."""


@app.command()
def two(name: str = "x") -> None:
    """The second, with an option."""


@app.command()
def read(name: str = "feature_registry.yaml") -> None:
    """The third, which reads YAML."""
    import yaml

    with open(name, encoding="utf-8") as file:
        yaml.load(file, Loader=yaml.CSafeLoader)


app()
'''
FQTOOL = ("-m", "fqtool")


def taken(runs: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """The least processor seconds of each; they take turns, so that a busy moment of the machine falls on all."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(TRIES):
        for name, words in runs.items():
            best[name] = min(best[name], run([sys.executable, *words]).processor)
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
                "bare read": (str(bare), "read"),
                "fqtool generate-schema": (*FQTOOL, "generate-schema"),
                "fqtool validate": (*FQTOOL, "validate"),
            }
        )
    peers = {"two --help": "bare two --help", "validate --help": "bare two --help", "--version": "bare --help"}
    lines = [f"{machine.line()}\n", "| command | processor seconds | beside |", "|---|---|---|"]
    for name, one in seconds.items():
        words = name.partition(" ")[2]
        peer = peers.get(words, "bare --help" if words == "--help" else "bare read")
        beside = f"{one / seconds[peer]:.2f}x `{peer}`" if name.startswith("fqtool") else ""
        lines.append(f"| `{name}` | {one:.3f} | {beside} |")
    page = "\n".join(lines) + "\n"
    sys.stdout.write(page)
    machine.put("startup", page)


if __name__ == "__main__":
    main()
