"""The one exception tree. Every error a user can meet is drawn here, with the exit code it ends in.

FqtoolError                    one clear sentence: place, cause, remedy
+-- InputError          (2)    what the user gave is wrong
|   +-- UsageError             a command's words
|   +-- RegistryError          the registry file; carries every Finding at once
|   +-- MigrationError         a migration file, its checksum or its place in history
+-- Refusal             (1)    the tool understood and will not; carries the Findings that say why
+-- WorldError          (3)    the world failed
    +-- Unreachable            network, timeout, silence
    +-- Denied                 credentials or permission
    +-- NotThere               a project, dataset, table or file that does not exist
    +-- Throttled              rate limit
    |   +-- QuotaSpent         a quota that is used up
    +-- Busy                   another process holds the lock or the lease
    +-- StatementFailed        the warehouse ran a statement and said no
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fqtool.finding import Finding


class FqtoolError(Exception):
    """Base of every error fqtool raises on purpose.

    `message` is one sentence with place and cause; `remedy` says what to do next (may be empty).
    `exit_code` is what the command line ends with.
    """

    exit_code = 3

    def __init__(self, message: str, *, remedy: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.findings = findings

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class InputError(FqtoolError):
    """What the user gave is wrong; nothing was done."""

    exit_code = 2


class UsageError(InputError):
    """A flag, argument or target that cannot be understood."""


class RegistryError(InputError):
    """The registry cannot be used; `findings` holds every problem found in it."""


class MigrationError(InputError):
    """A migration file is unreadable, edited, missing or out of order; `findings` may say more."""


class Refusal(FqtoolError):
    """The request is understood and refused; `findings` holds each reason with its way out."""

    exit_code = 1


class WorldError(FqtoolError):
    """Something outside the process failed: network, credentials, quota, disk, lock."""


class Unreachable(WorldError):
    """No answer within the deadline: refused connection, timeout, silence."""


class Denied(WorldError):
    """No credentials, or credentials without the permission the command needs."""


class NotThere(WorldError):
    """A project, dataset, table or file that does not exist. An unreadable table is never an empty one."""


class Throttled(WorldError):
    """A rate limit was hit and retrying within the deadline did not help."""


class QuotaSpent(Throttled):
    """A quota is used up: whatever is asked next is refused as well, until it is renewed."""


class Busy(WorldError):
    """Another process holds the database lock or the migration lease."""


class StatementFailed(WorldError):
    """The warehouse received a statement and refused or failed it."""
