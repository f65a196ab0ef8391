"""How YAML readers interpret an unquoted word, and on which words all of them agree."""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

PREFIX = "tag:yaml.org,2002:"
_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
_LONGEST_NUMBER = 18  # digits: more do not fit an INT64, and Python itself refuses thousands

# Only what YAML 1.1, YAML 1.2 and JSON read alike.
PLAIN: dict[str, tuple[re.Pattern[str], Callable[[str], object]]] = {
    "null": (re.compile(r"null|~|"), lambda _: None),
    "bool": (re.compile(r"true|false"), lambda text: text == "true"),
    "int": (re.compile(rf"0|-?[1-9][0-9]{{0,{_LONGEST_NUMBER - 1}}}"), int),
    "float": (re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}"), float),
}


def plain_kind(text: str) -> str | None:
    """Return the type that some YAML reader gives a plain scalar, or None if all of them read text."""
    resolvers = _RESOLVERS.get(text[:1])
    if resolvers is None:
        return None
    for name, form in resolvers:
        if form.match(text):
            return name.removeprefix(PREFIX)
    return "float" if _NEWER_NUMBER.fullmatch(text) else None


# 0o17 is a number in YAML 1.2 and text in 1.1; so is 1e3, which is a number in JSON too.
_NEWER_NUMBER = re.compile(r"0o[0-7]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
