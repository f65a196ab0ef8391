# ruff: noqa: INP001 - docs/ is not a package
"""Check that no page of the built site loads a script, style or image from the network: `make docs` runs it.

`mkdocs build` itself fails on a broken link.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REMOTE = re.compile(
    r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//[^\"'> ]+|url\([\"']?https?:[^)]+\)"
)


def main(site: Path) -> int:
    """Print each remote asset of the site; exit 1 where there is one."""
    pages = [path for kind in ("*.html", "*.css") for path in sorted(site.rglob(kind))]
    remote = [f"{path}: {found}" for path in pages for found in REMOTE.findall(path.read_text(encoding="utf-8"))]
    sys.stderr.writelines(f"error: {line}\n" for line in remote)
    if not pages:
        sys.stderr.write(f"error: {site} has no pages.\n    fix: make docs\n")
    return 1 if remote or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
