"""Each HTTP exchange of a session, told with its time. Hung in only where somebody listens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter

if TYPE_CHECKING:
    from fqtool.warehouse.told import Listener


class _Told(BaseAdapter):
    """Sends as the adapter inside does, and tells of it: also of what was never answered.

    Neither headers, which hold tokens, nor bodies, nor query strings are looked at.
    """

    def __init__(self, inner: BaseAdapter, listener: Listener) -> None:
        super().__init__()
        self._inner = inner
        self._listener = listener

    def send(self, request: PreparedRequest, *words: Any, **options: Any) -> Response:
        """Send, and tell the seconds until the answer's head was there."""
        start = time.perf_counter()
        outcome: int | BaseException = 0
        try:
            answer = self._inner.send(request, *words, **options)
            outcome = answer.status_code
        except BaseException as error:
            outcome = error
            raise
        finally:
            path = urlsplit(request.url or "").path
            self._listener.exchange(request.method or "", str(path), time.perf_counter() - start, outcome)
        return answer

    def close(self) -> None:
        """Close the adapter inside."""
        self._inner.close()


def listen(session: Session, listener: Listener) -> None:
    """Tell the listener of every exchange of this session. The one that fetches tokens is another."""
    for prefix, adapter in tuple(session.adapters.items()):
        session.mount(prefix, _Told(adapter, listener))
