"""Run a tool of the peers' environment; without one, skip loudly, or fail where FQTOOL_REQUIRE_PEERS is 1."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.machine import patient

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 180.0
# None of them must call its maker's servers.
_QUIET = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "False", "FEAST_USAGE": "False", "NO_COLOR": "1"}


def peers_python() -> Path:
    """The interpreter of the peers' own environment."""
    return Path(os.environ.get("FQTOOL_PEERS_PYTHON") or ROOT / ".venv-peers" / "bin" / "python")


def peer(folder: Path, tool: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a tool, or `python`, in a folder."""
    program = peers_python().parent / tool
    if not program.exists():
        reason = f"EXPORTS ARE NOT TESTED BY THE TOOLS THEY ARE FOR: no {program}; run `make peers` to install them"
        if os.environ.get("FQTOOL_REQUIRE_PEERS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FEATURE_STORE"))}
    return subprocess.run(
        [program, *words],
        cwd=folder,
        env=inherited | _QUIET | {"HOME": str(folder)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patient(LIMIT),
        check=False,
    )
