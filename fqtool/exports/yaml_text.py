"""YAML that reads back as what was given, and is written the same way every time."""

from __future__ import annotations

from typing import Any

import yaml

_WIDTH = 120
# PyYAML writes these bare in single quotes, where they read back as blanks.
_BREAKS = frozenset("\x85\u2028\u2029")


class _Plain(yaml.SafeDumper):
    """Writes every value out, where PyYAML would name the first of two equal ones and refer to it."""

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
    """Return a document; keys stay in their order."""
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=_WIDTH)
