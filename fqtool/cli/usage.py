"""What is wrong with the words of a command, in the form of every other error: one sentence and a fix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fqtool.errors import UsageError

_OPTION = re.compile(r"Invalid value for '(?P<option>[^']+)': Input should be (?P<must>.+?)(?:, unable to .*)?\.?")
_BOUND = re.compile(r"(?P<sign>greater|less) than or equal to (?P<bound>\S+)")


def usage_error(error: Any) -> UsageError | None:
    """Return the error for the words of a command, None for an exception that is not about them.

    Args:
        error: An exception of typer.
    """
    if not callable(getattr(error, "format_message", None)):
        return None
    from fqtool.errors import UsageError
    from fqtool.findings.remedy import Commands

    return UsageError(_sentence(error.format_message()), remedy=Commands((("fqtool", *_words(error), "--help"),)))


def _words(error: Any) -> tuple[str, ...]:
    """Return the words of the command whose options are wrong, without the program's name."""
    words, context = list[str](), getattr(error, "ctx", None)
    while context is not None and context.parent is not None:
        words.append(context.info_name)
        context = context.parent
    return tuple(reversed(words))


def _sentence(message: str) -> str:
    text = " ".join(message.split()).replace("Value error, ", "").replace("valid integer", "whole number")
    if named := _OPTION.fullmatch(text):
        must = _BOUND.sub(lambda bound: f"{bound['bound']} or {'more' if bound['sign'] == 'greater' else 'less'}",
                          named["must"])  # fmt: skip
        text = f"{named['option']} must be {must}"
    return text if text.endswith((".", "?", ")")) else f"{text}."
