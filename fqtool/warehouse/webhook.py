"""Post a JSON document to an address that a team chose, such as an incoming webhook of its chat."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from fqtool.errors import UsageError

TIMEOUT = 10.0
"""Seconds to wait for an answer: a check does not wait longer for a slow chat."""


def require_address(url: str) -> str:
    """Return the address. Raises UsageError, which does not repeat it: the address of a webhook is a secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("--notify must be an http or https URL.", remedy="Write it like https://hooks.example.com/id.")
    return url


def post(url: str, document: dict[str, Any]) -> str:
    """Post a document and return why that failed, "" where it did not; the reason names the host alone.

    Args:
        url: An address that `require_address` accepts.
        document: The JSON document.
    """
    import http.client
    import urllib.error
    import urllib.request

    body = json.dumps(document, allow_nan=False).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  http or https
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        why = f"status {error.code}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        why = "no answer" if isinstance(reason, TimeoutError) else type(reason).__name__
    return f"{urlsplit(url).hostname} did not take the notification: {why}."
