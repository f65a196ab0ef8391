"""Run the emulator in the foreground until Ctrl-C, with an empty dataset to try fqtool on.

`python -m tests.bed.foreground PORT`; PORT 0 is a free port. `make emulator` builds its environment and calls this.
"""

from __future__ import annotations

import signal
import socket
import sys

from tests.bed.running import Emulator

PROJECT, DATASET = "demo-project", "demo"


def main(port: int) -> int:
    """Return the exit code: 0 after Ctrl-C or SIGTERM, 1 where the port is in use or the emulator ended."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    if port and _is_used(port):
        print(f"error: Port {port} of 127.0.0.1 is in use.", file=sys.stderr)
        print(f"    fix: make emulator PORT={port + 1}", file=sys.stderr)
        return 1
    print("Starting the emulator; the first start may take a minute.", flush=True)
    emulator = Emulator(port)
    try:
        emulator.start().create_dataset(DATASET, PROJECT)
        print(
            f"The emulator of BigQuery answers on {emulator.url}. In another terminal:\n\n"
            f"  export BIGQUERY_EMULATOR_HOST={emulator.url}\n"
            f"  export FQTOOL_TARGET=bigquery://{PROJECT}/{DATASET}\n\n"
            "Ctrl-C ends it and discards its tables.",
            flush=True,
        )
        code = emulator.wait()
    except KeyboardInterrupt:
        print("\nThe emulator has ended.")
        return 0
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not interrupt the end
        emulator.stop()
    print(f"error: The emulator ended with exit code {code}:\n{emulator.errors()}", file=sys.stderr)
    return 1


def _is_used(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
