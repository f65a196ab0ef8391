"""RULE=LEVEL as it is given to a command: how grave a rule is this time."""

from __future__ import annotations

from fqtool.errors import UsageError
from fqtool.finding import Severity

_LEVELS = {
    "breaking": Severity.ERROR,
    "risky": Severity.WARNING,
    "safe": Severity.NOTE,
    "ignore": None,
    **{str(one): one for one in Severity},
}


def levels_of(words: list[str]) -> dict[str, Severity | None]:
    """Read RULE=LEVEL, each once. Raises UsageError for a rule or level that is none."""
    return dict(map(_level, words))


def _level(word: str) -> tuple[str, Severity | None]:
    from fqtool.finding import RULES
    from fqtool.rules import about_breaks, about_stored_rows

    mine = {one.__name__ for one in (about_breaks, about_stored_rows, *about_breaks.MODULES)}
    known = {code for code, one in RULES.items() if one.module in mine}
    code, equals, level = word.partition("=")
    if not equals or level not in _LEVELS:
        raise UsageError(f"{word!r} is no RULE=LEVEL.", remedy=f"Levels: {', '.join(_LEVELS)}; e.g. FQ825=breaking.")
    if code.upper() not in known:
        raise UsageError(f"diff has no rule {code}.", remedy="fqtool rules lists them: FQ801 to FQ849.")
    return code.upper(), _LEVELS[level]
