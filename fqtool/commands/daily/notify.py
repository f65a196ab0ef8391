"""What `fqtool daily --notify` posts: the outcome in a sentence for a chat, and the document of `--format json`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fqtool.cli.output import complain
from fqtool.errors import FqtoolError
from fqtool.output.json_document import document_of, finite
from fqtool.output.outcome import Outcome, headline
from fqtool.warehouse.webhook import post, require_address

_LISTED = 5
_TO_TELL = (1, 3)


@dataclass
class Notice:
    """A notification of one run; `outcome` is set where the date was checked."""

    store: str
    always: bool = False
    outcome: Outcome | None = None

    def document(self, code: int, error: FqtoolError | None) -> dict[str, Any] | None:
        """Return what to post at the end of a run, None for a run without problems.

        Args:
            code: The exit code.
            error: The error that ended the run, None where findings or nothing did.
        """
        if code not in _TO_TELL and not self.always:
            return None
        if error is not None or self.outcome is None:
            return {"text": f"{self.store}: {error or f'exit code {code}'}", "exit_code": code}
        lines = [f"{self.store}, {self.outcome.also.get('date', '')}: {self.outcome.conclusion()}"]
        lines += [
            f"• {finding.severity} {headline(finding)}" + (f" (owner: {finding.owner})" if finding.owner else "")
            for finding in self.outcome.findings[:_LISTED]
        ]
        more = len(self.outcome.findings) - _LISTED
        lines += [f"and {more} more"] if more > 0 else []
        document: dict[str, Any] = finite(document_of(self.outcome))
        return {"text": "\n".join(lines), "exit_code": code, **document}


@contextmanager
def notifying(store: str, url: str | None, *, always: bool = False) -> Iterator[Notice]:
    """Post a notice at the end of the block, however it ends. A failed post is a warning.

    Args:
        store: The name of the table.
        url: The address, None to post nothing.
        always: Whether to post a run without problems.

    Raises:
        UsageError: The address is not valid.
    """
    address = require_address(url) if url else ""
    notice, code, error = Notice(store, always), 0, None
    try:
        yield notice
    except Exception as ending:
        # The end of a command and the errors of fqtool know their exit codes; any other one is internal.
        code, error = getattr(ending, "exit_code", 3), ending if isinstance(ending, FqtoolError) else None
        raise
    finally:
        document = notice.document(code, error) if address else None
        if document is not None and (why := post(address, document)):
            complain(f"warning: {why}")
