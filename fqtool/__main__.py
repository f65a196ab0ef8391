"""Run fqtool: `fqtool` and `python -m fqtool`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run fqtool. Ctrl-C ends it with exit code 130 and one line, also while its modules are loaded."""
    try:
        from fqtool.app.app import main as run

        run()
    except KeyboardInterrupt:
        from fqtool.cli.interrupt import SENTENCE

        sys.stderr.write(f"\n{SENTENCE}\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
