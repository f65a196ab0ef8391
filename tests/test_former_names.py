"""Names of the release before are accepted for one release, and the docs list them."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from fqtool.app.app import app
from fqtool.findings.catalog import every_rule
from fqtool.findings.former_names import KEYS, RULES, with_former_keys
from tests.bed.running import ROOT


@pytest.mark.parametrize(("former", "name"), RULES.items())
def test_rule_accepts_the_former_name_of_a_rule(former: str, name: str) -> None:
    """`fqtool rule FORMER` prints the page of the rule; no rule has a former name as its name."""
    names = {rule.name: rule.code for rule in every_rule().values()}
    assert former not in names
    done = CliRunner().invoke(app, ["rule", former])
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{names[name]} {name} ")


@pytest.mark.parametrize(
    ("command", "former", "name"), [(command, *pair) for command, keys in KEYS.items() for pair in keys.items()]
)
def test_a_document_repeats_a_renamed_key_under_its_former_name(command: str, former: str, name: str) -> None:
    """Keys that were not renamed are printed once, and objects inside stay as they are."""
    item = {name: 1, "rows": 2, "inner": {name: 3}}
    assert with_former_keys(item, command) == {**item, former: 1}
    assert with_former_keys({"rows": 2}, command) == {"rows": 2}


def test_the_docs_list_every_former_name() -> None:
    """docs/reference/rules.md has a row for each former name, beside the present one."""
    page = (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8")
    pairs = [*RULES.items(), *(pair for keys in KEYS.values() for pair in keys.items())]
    assert [f"| `{former}` | `{name}` |" in page for former, name in pairs] == [True] * len(pairs)
