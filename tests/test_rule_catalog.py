"""The catalogue of rules: each rule is loaded by its group, whatever file it is written in."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from fqtool.findings.catalog import every_rule, rules_of
from fqtool.findings.finding import RULES, Group
from tests.machine import patient

_WALK = """
import importlib, json, pkgutil, fqtool
from fqtool.findings.finding import RULES
for module in pkgutil.walk_packages(fqtool.__path__, "fqtool."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps({code: rule.group for code, rule in RULES.items()}))
"""


def _run(program: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=patient(120), check=True
    )
    return dict(json.loads(done.stdout))


def test_the_catalogue_loads_every_rule_that_is_written() -> None:
    """A rule in a module that the catalogue does not list is found here."""
    assert {code: rule.group for code, rule in every_rule().items()} == _run(_WALK)


@pytest.mark.parametrize("group", Group)
def test_a_group_is_whole_when_nothing_else_is_loaded(group: Group) -> None:
    """A command that runs one group runs all of its rules, also where no other command has loaded them."""
    program = f"""
import json
from fqtool.findings.finding import Group
from fqtool.findings.catalog import rules_of
print(json.dumps({{rule.code: rule.group for rule in rules_of(Group({group.value!r}))}}))
"""
    assert _run(program) == {code: rule.group for code, rule in every_rule().items() if rule.group is group}


def test_the_sections_of_a_page_begin_alike() -> None:
    """Problem, Why and Fix begin with a capital, a command or code; so does Example where it begins with a sentence."""
    begins = re.compile(
        r"(Problem|Why|Fix): (?![A-Z0-9`#\"]|fqtool )|Example: (the|an?|two|in|columns|features?|index) "
    )
    lines = [(code, line) for code, one in every_rule().items() for line in one.page.splitlines()]
    assert [(code, line) for code, line in lines if begins.match(line)] == []


def test_rules_come_in_order_of_their_codes() -> None:
    """Two groups asked for together are one list."""
    codes = [rule.code for rule in rules_of(Group.DRIFT, Group.LEGALITY)]
    assert codes == sorted(codes)
    assert {RULES[code].group for code in codes} == {Group.DRIFT, Group.LEGALITY}
