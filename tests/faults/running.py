"""A command run in this process, as `fqtool` runs it, and what came of it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache

import pytest

from fqtool.app.app import app
from fqtool.cli.endings import run_app
from fqtool.cli.output import Run, start_run

_CHANGING = (
    (re.compile(r"\bd_[0-9a-f]{12}\b"), "DATASET"),
    (re.compile(r"127\.0\.0\.1:\d+"), "SERVER"),
    (re.compile(r"/\S*/fm_\w+"), "FOLDER"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z)?"), "TIME"),
)


@dataclass(frozen=True)
class Ran:
    """One run: exit code, both streams, seconds."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def told(self) -> str:
        """What was printed on stdout, without what differs from run to run."""
        text = self.out
        for pattern, word in _CHANGING:
            text = pattern.sub(word, text)
        return text

    @property
    def errors(self) -> list[str]:
        """The sentences after `error:`."""
        return re.findall(r"^error: (.*)$", self.err, re.MULTILINE)


@cache
def _dead() -> int:
    """The id of a process of this machine that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def run(words: list[str], server: str, *, as_dead: bool = False) -> Ran:
    """Run `fqtool` with these words against a server; `as_dead` under the id of a process that ends with it."""
    out, err = io.StringIO(), io.StringIO()
    start_run(Run())
    began, code = time.monotonic(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("BIGQUERY_EMULATOR_HOST", server)
        patch.setenv("COLUMNS", "300")
        patch.setattr(sys, "argv", ["fqtool", *words])
        # No waiting for the metadata budget and the calm of a warehouse that is an emulator.
        patch.setattr("fqtool.commands.backfill.partition_runner._PAUSE", 0.02)
        if as_dead:
            patch.setattr(os, "getpid", _dead)
        try:
            run_app(app)
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    return Ran(code, out.getvalue(), err.getvalue(), time.monotonic() - began)
