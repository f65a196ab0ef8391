"""How slow this machine is at the moment, so that the deadlines of tests are longer on a slow or busy one."""

from __future__ import annotations

import hashlib
import os
import time

_WORK = b"x" * 40_000_000
_QUIET = 0.030  # seconds that the work takes on an idle core of 2024
_KEPT = 15.0
_measured: tuple[float, float] = (0.0, 0.0)


def slowness() -> float:
    """Return how many times longer than on an idle machine a fixed piece of work takes now; at least 1.

    FQTOOL_TEST_PATIENCE multiplies it.
    """
    global _measured  # noqa: PLW0603  one measurement serves all tests of some seconds
    moment, factor = _measured
    if not factor or time.monotonic() - moment > _KEPT:
        began = time.perf_counter()
        hashlib.blake2b(_WORK).digest()
        factor = max(1.0, (time.perf_counter() - began) / _QUIET)
        _measured = (time.monotonic(), factor)
    return factor * float(os.environ.get("FQTOOL_TEST_PATIENCE", "1"))


def patient(seconds: float) -> float:
    """Return a deadline of so many seconds on an idle machine, made longer where the machine is slow.

    It ends what hangs, and does not measure speed: it is three times as long as asked for, since the load may rise.
    """
    return 3 * seconds * slowness()
