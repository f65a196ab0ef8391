"""Runs the patched emulator until standard input closes: `.venv-bed/bin/python tests/bed/emulator/serve.py PORT`.

Prints one line of JSON, {"url": ...}, once it answers. Its parent holds the pipe, so a parent that dies, however
it dies, takes this process with it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
from pathlib import Path

_SAID = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the emulator logs to standard output, from its import on; that is for our one line
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from bqemulator.config import LogLevel, Settings  # noqa: E402
from bqemulator.server import EmulatorServer  # noqa: E402

from tests.bed import zeta  # noqa: E402
from tests.bed.emulator import (  # noqa: E402
    answers,
    background,
    dry_runs,
    front,
    params,
    parsing,
    rest,
    rows,
    run,
    repeated,
    spread,
    tables,
    templates,
    threads,
)


async def _serve() -> None:
    gc.set_threshold(100_000, 50, 50)  # trees of statements are large, and none of them is garbage while it grows
    sys.setrecursionlimit(20_000)  # sqlglot walks a sum of a hundred terms a hundred calls deep
    parsing.install()
    templates.install()
    threads.install()
    run.install()
    dry_runs.install()
    repeated.install()
    spread.install()
    params.install()
    rest.install()
    rows.install()
    answers.install()
    tables.install()
    background.install()
    front.install()
    zeta.analyze("SELECT 1", {})  # loads the analyser before the first request has to wait for it
    settings = Settings(
        rest_host="127.0.0.1", rest_port=int(sys.argv[1]), grpc_host="127.0.0.1", grpc_port=0, enable_format_extensions=False,
        log_level=LogLevel.ERROR, metrics_enabled=False,
    )  # fmt: skip
    server = EmulatorServer(settings)
    await server.start()
    print(json.dumps({"url": server.rest_url}), file=_SAID, flush=True)
    await asyncio.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_serve())
