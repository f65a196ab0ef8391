"""Keeps work within a warehouse's pace."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from fqtool.warehouse.protocol import Pace


@dataclass
class Pacer:
    """Remembers when operations were begun, and waits before one too many."""

    sleep: Callable[[float], None] = time.sleep
    _recent: deque[float] = field(default_factory=deque)

    def wait(self, pace: Pace | None) -> None:
        """Wait until one more operation fits."""
        if pace is None:
            return
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= pace.seconds:
            self._recent.popleft()
        if len(self._recent) >= pace.operations:
            self.sleep(pace.seconds - (now - self._recent[0]))
            self._recent.popleft()
        self._recent.append(time.monotonic())
