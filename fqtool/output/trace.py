"""A request to the warehouse as one line: text for people, JSON for programs (trace.schema.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fqtool.output.characters import visible

if TYPE_CHECKING:
    from fqtool.warehouse.tracing import Request

FORMAT_VERSION = 1


def as_json(request: Request, command: str) -> str:
    """Return the request as one JSON object on one line, without the line's end."""
    document = {
        "format_version": FORMAT_VERSION,
        "time": request.began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "command": command,
        "target": request.target,
        "kind": request.kind,
        "what": request.what,
        "dry_run": request.dry_run,
        "job": request.job,
        "milliseconds": round(request.milliseconds, 3),
        "bytes": request.bytes,
        "rows": request.rows,
        "outcome": request.outcome,
    }
    return json.dumps(document, ensure_ascii=False)


def as_text(request: Request) -> str:
    """Return the request as a log line."""
    parts = [f"{request.milliseconds:,.0f} ms", request.outcome]
    if request.rows is not None:
        parts.append(f"{request.rows:,} row{'' if request.rows == 1 else 's'}")
    if request.bytes is not None:
        parts.append(f"{request.bytes:,} bytes")
    if request.job:
        parts.append(f"job {request.job}")
    trial = " (dry run)" if request.dry_run else ""
    return visible(f"{request.kind} {request.what}{trial}: {', '.join(parts)}")
