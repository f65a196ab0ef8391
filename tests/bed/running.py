"""The BigQuery emulator of the test bed as a child process, and clients that talk to it."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import requests

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "bed-project"
_START = 120.0  # the first start on a machine compiles the analyser
_STOP = 10.0
_CALL = 30.0


def bed_python() -> Path:
    """The interpreter of the emulator's own environment."""
    return Path(os.environ.get("FQTOOL_BED_PYTHON") or ROOT / ".venv-bed" / "bin" / "python")


class Emulator:
    """One server on a port of this machine, 0 for a free one; it ends with this process."""

    def __init__(self, port: int = 0) -> None:
        self.url = ""
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._said = ""
        self._clients: list[Any] = []

    def start(self) -> Emulator:
        """Returns when the server answers; raises RuntimeError with what it printed when it does not."""
        command = [str(bed_python()), "-u", str(Path(__file__).parent / "emulator" / "serve.py"), str(self._port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=ROOT
        )
        line = self._first_line(time.monotonic() + _START)
        if not line:
            self.stop()
            raise RuntimeError(f"the emulator did not start:\n{self.errors()}")
        self.url = json.loads(line)["url"]
        return self

    def stop(self) -> None:
        """Ends the server; harmless when it has ended."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        for client in self._clients:
            client.close()
        self._said = self.errors()
        self._errors.close()

    def errors(self) -> str:
        """What the server wrote on standard error so far."""
        if self._errors.closed:
            return self._said
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode(errors="replace")

    @property
    def request_log(self) -> list[tuple[str, str]]:
        """(method, path) of every request since the start or the last `reset_log`, in order."""
        answer = requests.get(f"{self.url}/_bed/requests", timeout=_CALL)
        return [(method, path) for method, path in answer.json()]

    def reset_log(self) -> None:
        """Forgets the requests so far."""
        requests.post(f"{self.url}/_bed/reset", timeout=_CALL).raise_for_status()

    @contextmanager
    def holding(self, text: str) -> Iterator[None]:
        """Statements that contain the text stay RUNNING once it is their turn, until the end of the block."""
        self._control("hold", text=text)
        try:
            yield
        finally:
            self._control("release", text=text)

    def held(self, count: int) -> list[str]:
        """The ids of the jobs that are held, in their order, as soon as there are `count` of them."""
        return [str(job_id) for job_id in self._control("held", count=count)]

    @contextmanager
    def stopped_clock(self) -> Iterator[None]:
        """The clock of the quotas stops until the end of the block, however slow this machine is."""
        self._control("quotas", stopped=True)
        try:
            yield
        finally:
            self._control("quotas", stopped=False)

    def advance_quotas(self, seconds: float) -> None:
        """Moves the clock of the quotas on."""
        self._control("quotas", advance=seconds)

    def _control(self, name: str, **content: Any) -> Any:
        answer = requests.post(f"{self.url}/_bed/{name}", json=content, timeout=_CALL)
        answer.raise_for_status()
        return answer.json()

    def client(self, project: str = PROJECT) -> Any:
        """A google-cloud-bigquery Client; pass `retry=None` or a deadline to each call, as ever."""
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        options = ClientOptions(api_endpoint=self.url)
        made = bigquery.Client(project=project, credentials=AnonymousCredentials(), client_options=options)
        self._clients.append(made)
        return made

    def fresh_dataset(self, project: str = PROJECT, location: str = "US") -> str:
        """The id of a new, empty dataset that nothing else uses."""
        name = f"d_{uuid.uuid4().hex[:12]}"
        self.create_dataset(name, project, location)
        return name

    def create_dataset(self, name: str, project: str = PROJECT, location: str = "US") -> None:
        """Create an empty dataset of that name."""
        body = {"datasetReference": {"projectId": project, "datasetId": name}, "location": location}
        url = f"{self.url}/bigquery/v2/projects/{project}/datasets"
        requests.post(url, json=body, timeout=_CALL).raise_for_status()

    def wait(self) -> int:
        """Wait until the server ends, and return its exit code."""
        assert self._process is not None
        return self._process.wait()

    def _first_line(self, deadline: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        out, line = self._process.stdout.fileno(), b""
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while not line.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
                if selector.select(left):
                    part = os.read(out, 4096)
                    if not part:  # it ended
                        return b""
                    line += part
        return line if line.endswith(b"\n") else b""
