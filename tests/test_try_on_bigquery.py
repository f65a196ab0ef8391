"""`make emulator`, and the tour of docs/how-to/try-on-bigquery.md, each command of it run as the page shows it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bed.running import ROOT
from tests.machine import patient
from tests.test_docs import EMULATED, EMULATED_SECTION, files_in, project_in, section, shown_in, text_of, typed, unseen

_START = 120.0  # seconds: the first start on a machine compiles the analyser
_STOP = 30.0


@contextmanager
def in_foreground(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Start the emulator as a terminal does, in a process group of its own; give the variables that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bed.foreground", str(port)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    variables: dict[str, str] = {}
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.fullmatch(r"  export (\w+)=(\S+)\n", line):
                variables[found[1]] = found[2]
            if line.startswith("Ctrl-C ends it"):
                break
        yield process, variables
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def answers(url: str) -> bool:
    """Whether a server accepts connections there."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def readme_tour() -> str:
    """The section of the README about BigQuery."""
    text = section(text_of("README.md"), EMULATED_SECTION)
    assert [one.command for one in shown_in(text)].count("fqtool check-drift") == 3
    return text


@pytest.mark.parametrize("page", [EMULATED, "README.md"])
def test_the_tour_does_what_the_page_shows(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variables that the emulator prints. Ctrl-C ends it with exit code 0.

    That of the how-to begins in an empty folder, that of the README in the folder of the repository.
    """
    text = readme_tour() if page == "README.md" else text_of(page)
    if page == "README.md":
        project_in(tmp_path)
    for name, content in files_in(text):
        (tmp_path / name).write_text(content, encoding="utf-8")
    with in_foreground() as (process, variables):
        assert variables.keys() == {"BIGQUERY_EMULATOR_HOST", "FQTOOL_TARGET"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
            assert f"export {name}=" in text
        for one in shown_in(text):
            done = typed(one.command, tmp_path)
            assert done.returncode == one.code, f"{one.command}\n{done.stdout}"
            assert unseen(one, done.stdout) == [], f"{one.command}\n{done.stdout}"
        assert answers(variables["BIGQUERY_EMULATOR_HOST"])
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the server gets it too
        out, err = process.communicate(timeout=patient(_STOP))
        assert (process.returncode, out, err) == (0, "\nThe emulator has ended.\n", "")
        assert not answers(variables["BIGQUERY_EMULATOR_HOST"])


def test_a_port_in_use_is_refused_with_another_to_choose() -> None:
    """One sentence, exit 1, and no server is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tests.bed.foreground", str(port)],
            cwd=ROOT, capture_output=True, text=True, timeout=patient(_START), check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"error: Port {port} of 127.0.0.1 is in use.\n    fix: make emulator PORT={port + 1}\n")


def test_make_starts_it_on_the_port_of_the_page() -> None:
    """The page's variables hold without PORT."""
    done = subprocess.run(["make", "--dry-run", "emulator"], cwd=ROOT, capture_output=True, text=True, check=True)
    (port,) = re.findall(r"-m tests\.bed\.foreground (\d+)$", done.stdout, re.MULTILINE)
    for text in (text_of(EMULATED), readme_tour()):
        assert f"export BIGQUERY_EMULATOR_HOST=http://127.0.0.1:{port}\n" in text
