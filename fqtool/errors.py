"""The tree of errors, with the exit code of each.

FqtoolError                    one sentence with place, cause and remedy
+-- InputError          (2)    the input of the user is wrong
|   +-- UsageError             the words of a command
|   +-- RegistryError          the registry file; has every Finding
|   +-- MigrationError         a migration file, its checksum or its place in history
+-- Refusal             (1)    fqtool refuses a valid request; has the Findings with the reasons
|   +-- OtherColumns           the table lacks a column that the command reads, or has another type
+-- WorldError          (3)    an external service failed
    +-- Unreachable            network, timeout
    +-- Denied                 credentials or permission
    +-- NotThere               a project, dataset, table or file that does not exist
    |   +-- NoTable            a table that does not exist in its dataset
    +-- Throttled              rate limit
    |   +-- QuotaSpent         a quota is used up
    +-- Busy                   another process holds the lock or the lease
    +-- StatementFailed        the warehouse rejected a statement, or failed to run it
        +-- ConcurrentUpdate   another statement changed the same table at the same time
        +-- Cancelled          a user or process cancelled the job of the statement
        +-- BytesLimitExceeded (1)  the statement would bill more than --max-bytes allows; nothing was billed
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fqtool.findings.finding import Finding
    from fqtool.findings.remedy import Remedy

DISK_FULL = "Free space on the disk, then run the same command again."
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def remedy_of(error: OSError) -> str:
    """Return what a user does about an error of the operating system, "" where its text is all that is known."""
    if error.errno in _FULL:
        return DISK_FULL
    return "Change the permissions, or name another place." if error.errno in _NOT_ALLOWED else ""


class FqtoolError(Exception):
    """Base of every error that fqtool raises deliberately.

    Args:
        message: One sentence with place and cause.
        remedy: What to do next; may be empty.
        findings: The findings behind the error.

    `exit_code` is the exit code of the command.
    """

    exit_code = 3

    def __init__(self, message: str, *, remedy: Remedy = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.findings = findings

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class InputError(FqtoolError):
    """The input of the user is wrong; nothing was changed."""

    exit_code = 2


class UsageError(InputError):
    """An option, argument or target is not valid."""


class RegistryError(InputError):
    """The registry is not valid; `findings` has every problem in it."""


class MigrationError(InputError):
    """A migration file is not valid, edited, missing or out of order; `findings` may have details."""


class Refusal(FqtoolError):
    """fqtool refuses a valid request; `findings` has each reason with its remedy."""

    exit_code = 1


class OtherColumns(Refusal):
    """The table lacks a column that the command reads, or the column has another type than in the registry."""


class WorldError(FqtoolError):
    """An external service failed: network, credentials, quota, disk or lock."""


class Unreachable(WorldError):
    """No answer before the deadline: refused connection or timeout."""


class Denied(WorldError):
    """No credentials, or credentials without a permission that the command needs."""


class NotThere(WorldError):
    """A project, dataset, table or file does not exist. A table that cannot be read is never treated as empty."""


class NoTable(NotThere):
    """A table does not exist, but its dataset exists."""


class Throttled(WorldError):
    """A rate limit was exceeded, and retries before the deadline failed."""


class QuotaSpent(Throttled):
    """A quota is used up. Every further request fails until the quota is renewed."""


class Busy(WorldError):
    """Another process has the lock of the database or the migration lease."""


class StatementFailed(WorldError):
    """The warehouse rejected a statement, or failed to run it."""


class ConcurrentUpdate(StatementFailed):
    """Another statement changed the same table at the same time. This one changed nothing and may run again."""


class Cancelled(StatementFailed):
    """A user or process cancelled the job of the statement. It changed nothing and may run again."""


class BytesLimitExceeded(StatementFailed):
    """The statement would bill more bytes than allowed. It did not run, and nothing was billed."""

    exit_code = 1  # a limit that the user set: a retry has the same result
