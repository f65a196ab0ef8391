"""Ctrl-C while a command waits for the warehouse: one sentence with what to do next, exit 130, no traceback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fqtool.cli.interrupt import SENTENCE
from tests.bed.running import ROOT
from tests.faults.commands import COMMANDS, Command
from tests.in_process import fqtool
from tests.machine import patient

# A shell that starts tests in the background makes them, and all they start, ignore Ctrl-C.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from fqtool.app.app import main; main()"
)

FINISHING = ("backfill",)
"""Commands that finish the statement under way at the first Ctrl-C, and stop at the second."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry and its migrations, planned on an empty DuckDB file."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "tests/faults/feature_registry.yaml", folder)
    done = fqtool(folder, "migrate", "plan", "--target", "duckdb:///s.duckdb")
    assert done.code == 0, done.said
    return folder


def first_request(server: socket.socket, child: subprocess.Popen[str]) -> socket.socket:
    """The connection on which the first request came; fails where the command ended without one."""
    server.settimeout(0.2)
    while child.poll() is None:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        connection.settimeout(patient(60))
        connection.recv(1)
        return connection
    raise AssertionError(child.communicate())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_ctrl_c_ends_with_how_to_go_on(command: Command, project: Path) -> None:
    """Of every command that talks to BigQuery, at its first request, which is never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *command.words(project, "bigquery://project/dataset", 600)],
            cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "BIGQUERY_EMULATOR_HOST": f"{host}:{port}"},
        ) as child:  # fmt: skip
            try:
                with first_request(server, child):
                    child.send_signal(signal.SIGINT)
                    if command.name in FINISHING:
                        assert child.stderr is not None
                        lines = []
                        while not lines or (lines[-1] and "press Ctrl-C again" not in lines[-1]):
                            lines.append(child.stderr.readline())
                        assert lines[-1], lines
                        child.send_signal(signal.SIGINT)
                    out, err = child.communicate(timeout=patient(30))
            finally:
                child.kill()
    assert child.returncode == 130, out + err
    assert SENTENCE in err
    assert "Traceback" not in out + err


def test_ctrl_c_while_modules_load_is_one_line() -> None:
    """The first half second of a command is spent on imports: exit 130, no traceback."""
    program = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from fqtool.__main__ import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=patient(60)
    )
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == f"\n{SENTENCE}\n"
