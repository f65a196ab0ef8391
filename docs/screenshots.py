# ruff: noqa: INP001 - docs/ is not a package
"""Take the picture of the report that the README shows: `make screenshots`.

Runs `fqtool demo` in a temporary folder and photographs the page that it writes with headless Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).resolve().parent / "images" / "report.png"
LIMIT = 300_000  # bytes: the picture is in the repository
SIZE = "1200,1300"
TIMEOUT = 300  # seconds
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")


def main() -> int:
    """Write the picture, and fail where it is too large for the repository."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write("error: Chromium is not installed.\n    fix: Install chromium, then: make screenshots\n")
        return 3
    fqtool = Path(sys.executable).with_name("fqtool")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([fqtool, "--quiet", "demo"], cwd=folder, check=True, timeout=TIMEOUT, stdout=subprocess.DEVNULL)  # noqa: S603
        page = (Path(folder) / ".fqtool" / "demo.html").as_uri()
        options = (*SWITCHES, f"--window-size={SIZE}", "--virtual-time-budget=3000", f"--screenshot={PICTURE}")
        done = subprocess.run([browser, *options, page], capture_output=True, text=True, timeout=TIMEOUT, check=False)  # noqa: S603
    if done.returncode:
        sys.stderr.write(f"error: {browser} failed with exit code {done.returncode}.\n{done.stderr}")
        return 3
    size = PICTURE.stat().st_size
    if size > LIMIT:
        sys.stderr.write(f"error: {PICTURE} has {size:,} bytes; the limit is {LIMIT:,}.\n    fix: Make SIZE smaller.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
