"""Laws of Ctrl-C."""

from __future__ import annotations

import io
import os
import signal
import sys

import pytest

from fqtool.cli.interrupt import interruptible


class Interrupted(io.RawIOBase):
    """A stream that gets Ctrl-C in the middle of its first write."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.written = b""

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """Where it ends."""
        return self._descriptor

    def write(self, data: object, /) -> int:
        """Be interrupted, then take all."""
        if not self.written:
            os.kill(os.getpid(), signal.SIGINT)
        self.written += bytes(data)  # type: ignore[call-overload]
        return len(self.written)


@pytest.fixture
def at_hand() -> object:
    """Python's own handling of Ctrl-C, whatever this process was started with."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("at_hand")
def test_ctrl_c_in_the_middle_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is written whole, the sentence is printed, and the caller knows to stop."""
    reader, writer = os.pipe()
    raw = Interrupted(writer)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", io.TextIOWrapper(io.BufferedWriter(raw), write_through=True))  # type: ignore[type-var]
        with interruptible("Ending.") as stopping:
            assert not stopping()
            sys.stderr.write("2026-02-06: 201 rows\n")
            sys.stderr.flush()
            assert stopping()
    os.close(writer)
    assert os.read(reader, 100) == b"\nEnding.\n"
    os.close(reader)
    assert raw.written == b"2026-02-06: 201 rows\n"


@pytest.mark.usefixtures("at_hand")
def test_the_second_stops_immediately() -> None:
    """It raises KeyboardInterrupt where it comes; afterwards all is as before."""
    with interruptible("") as stopping:
        os.kill(os.getpid(), signal.SIGINT)
        assert stopping()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
