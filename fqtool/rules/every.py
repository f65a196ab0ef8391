"""All rules there are, of every command."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

import fqtool.rules
from fqtool.finding import RULES, Rule


def every_rule() -> Mapping[str, Rule]:
    """Import every module of rules, and return the rules by code."""
    for module in iter_modules(fqtool.rules.__path__, "fqtool.rules."):
        import_module(module.name)
    return RULES
