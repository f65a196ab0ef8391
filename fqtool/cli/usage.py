"""What is wrong with the words of a command, in the form of every other error: one sentence and a fix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fqtool.cli.output import current_run

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

    words, general = _words(error), _general(error)
    if general is None:
        return UsageError(_sentence(error.format_message()), remedy=Commands((("fqtool", *words, "--help"),)))
    value = (general.metavar or "VALUE",) if not (general.is_flag or general.count) else ()
    return UsageError(
        f"{error.option_name} is an option of fqtool and goes before the command.",
        remedy=Commands((("fqtool", error.option_name, *value, *words),), "Write it there:"),
    )


def _general(error: Any) -> Any:
    """Return the option of fqtool itself that was written after the command, None for any other mistake."""
    name, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if name is None or context is None or context.parent is None:
        return None
    return next((one for one in context.find_root().command.params if name in one.opts), None)


def _words(error: Any) -> tuple[str, ...]:
    """Return the words of the command whose options are wrong, without the program's name."""
    words, context = list[str](), getattr(error, "ctx", None)
    if context is None:  # an option without its value
        return tuple(filter(None, current_run().words))
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
