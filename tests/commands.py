"""fqtool run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bed.running import ROOT
from tests.machine import patient

LIMIT = 60.0


def fqtool(folder: Path, *words: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command of fqtool in a folder, as it ends."""
    return subprocess.run(
        [sys.executable, "-m", "fqtool", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=patient(LIMIT),
        check=False,
    )


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """One command of fqtool in a folder, ended as it should."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=patient(100),
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done
