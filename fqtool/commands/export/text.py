"""Text of YAML and Python files, which reads back as the same values."""

from __future__ import annotations

import re
from typing import Any

import yaml

_WIDTH = 120
# PyYAML writes these unescaped in single quotes, where they are read as spaces.
_BREAKS = frozenset("\x85\u2028\u2029")


class _Plain(yaml.SafeDumper):
    """Writes equal values twice, where PyYAML would write an alias for the second."""

    def ignore_aliases(self, data: Any) -> bool:
        _ = data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key, as the documentation of dbt does."""
        _ = indentless
        super().increase_indent(flow, indentless=False)


def _text(dumper: _Plain, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS.intersection(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Plain.add_representer(str, _text)


def yaml_text(value: Any) -> str:
    """Return a YAML document; keys keep their order."""
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=_WIDTH)


def python_name(name: str) -> str:
    """Return a name as a Python identifier of ASCII: each other character is its code between underscores."""
    return re.sub(r"\W", lambda found: f"_{ord(found[0]):x}_", name, flags=re.ASCII)


def quoted(text: str) -> str:
    """Return text as a Python literal, in double quotes where possible."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def remark(text: str) -> str:
    """Return text as one line for a comment; characters that are not printable are written as escapes."""
    line = " ".join(text.split())
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
