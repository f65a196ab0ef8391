"""A corpus of wrong registries, one text file each: exactly the findings that the file lists, at their places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fqtool.findings.catalog import every_rule
from tests.wrong_registries import Case, cases, found_in

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)
def test_a_wrong_registry_has_exactly_these_findings(case: Case, tmp_path: Path) -> None:
    """Law: validate finds what the case lists, with line and column, and nothing else."""
    assert found_in(case, tmp_path) == case.expected


def test_every_rule_has_a_case() -> None:
    """Law: a rule about registries that no case breaks does not exist; and a case is named after the rule it is for."""
    shown = {one.split()[0] for case in CASES for one in case.expected}
    assert shown == {code for code in every_rule() if code < "FQ200"}
    for case in CASES:
        named = re.match(r"(FQ\d{3})-[a-z0-9-]+$", case.path.stem)
        assert named, case.path
        assert any(one.startswith(named[1]) for one in case.expected), case.path


def test_a_case_describes_what_is_wrong() -> None:
    """Law: each file begins with a sentence."""
    for case in CASES:
        first = case.path.read_text(encoding="utf-8").partition("\n")[0]
        assert re.match(r"[A-Z].*\.$", first), case.path
