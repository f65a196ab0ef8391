"""fqtool in this process: as a user runs it, from its words to its exit code, without the start of an interpreter."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fqtool.app.app import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams, with the command before them: what a failing test shows."""
        return f"$ fqtool {' '.join(self.words)}\n{self.out}{self.err}exit {self.code}"


def fqtool(folder: Path, *words: str) -> Done:
    """Run a command in a folder. An internal error fails the test."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch.object(sys, "argv", ["fqtool", *words]),
    ):
        try:
            main()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    done = Done(words, code, out.getvalue(), err.getvalue())
    assert "please report" not in done.err, done.said
    return done


def findings(folder: Path, *words: str) -> list[dict[str, Any]]:
    """The findings of a command, as `--format json` prints them; a command that ends with 2 or 3 fails the test."""
    done = fqtool(folder, *words, "--format", "json")
    assert done.code in (0, 1), done.said
    listed: list[dict[str, Any]] = json.loads(done.out)["findings"]
    return listed
