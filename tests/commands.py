"""fqtool run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """One command of fqtool in a folder, ended as it should."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", *words], cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done
