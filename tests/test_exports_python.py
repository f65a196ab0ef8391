"""Laws of the Python module: it types the rows of the store, and its checkers take it."""

from __future__ import annotations

import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fqtool.commands.export.python import python
from fqtool.registry.alerts_and_models import Alert, AlertLevel
from fqtool.registry.model import BaseColumn, Registry
from fqtool.schema.build import desired_table
from fqtool.table.column import Column, Mode
from tests.exported_registries import LIMIT, hostile, loaded, of, of_every_type, real
from tests.machine import patient
from tests.stores import BASE, small_registry
from tests.strategies import types as some_types


@settings(max_examples=40)
@given(st.lists(some_types(), min_size=1, max_size=4), st.sampled_from(Mode))
def test_every_column_is_a_field_of_the_row(kinds: list[Any], mode: Mode) -> None:
    """In Python, Row has each column in table order; exactly the required ones must be there."""
    registry = of_every_type(*(Column("x", kind.shape, mode) for kind in kinds))
    row = loaded(of(registry, "python")).Row
    columns = desired_table(registry).columns
    assert list(row.__annotations__) == [one.name for one in columns]
    assert row.__required_keys__ == {one.name for one in columns if one.mode is Mode.REQUIRED}
    hints = typing.get_type_hints(row)
    assert {name for name, hint in hints.items() if typing.get_origin(hint) is list} == {
        one.name for one in columns if one.mode is Mode.REPEATED
    }


def checked(folder: Path, text: str, use: str = "") -> str:
    """The findings of mypy --strict and ruff's default rules for a module, and for a program that uses it."""
    (folder / "store.py").write_text(text)
    (folder / "use.py").write_text(use or "import store\n\nprint(store.TABLE)\n")
    (folder / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    said = ""
    for words in (
        ("mypy", "store.py", "use.py"),
        ("ruff", "check", "--isolated", "."),
        ("ruff", "format", "--isolated", "--line-length", "120", "--check", "."),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=patient(LIMIT),
            check=False,
        )
        said += done.stdout + done.stderr if done.returncode else ""
    return said


USE = """\
from datetime import date

from store import FEATURES, Row, Tier

row: Row = {"item": "a", "day": date(2026, 1, 1), "tier": "gold", "history": {"seen": 1}}
tier: Tier = "poor"
print(FEATURES[0], row["item"].upper(), tier)
"""


def test_a_python_program_is_checked_against_the_store(tmp_path: Path) -> None:
    """Mypy --strict and ruff take the module; a wrong tier, a wrong type, a lost key and an unknown one are errors."""
    text = python(small_registry())
    assert checked(tmp_path, text, USE) == ""
    wrong = (
        USE.replace('"gold"', '"golden"').replace('"seen": 1', '"seen": "x"').replace('"item": "a", ', "")
        + 'print(row["nothing"])\n'
    )
    said = checked(tmp_path, text, wrong)
    assert said.count("error:") == 4, said


def unusual_names() -> Registry:
    """A store whose columns have names that a class cannot have, or that its annotations use."""
    base = [*BASE, BaseColumn("class", "STRING"), BaseColumn("date", "DATE"), BaseColumn("str", "ARRAY<STRING>")]
    base += [BaseColumn("__dunder", "JSON"), BaseColumn("Row", "STRUCT<int INT64, from STRUCT<None DATE>>")]
    alerts = (Alert("plain", "TRUE", "red"), Alert("other", "TRUE", "red"))
    return small_registry(base_columns=tuple(base), alerts=alerts, alert_levels=(AlertLevel("red"),))


@pytest.mark.parametrize("registry", [hostile(real()), unusual_names()], ids=["hostile", "unusual names"])
def test_the_python_module_passes_its_checkers(registry: Registry, tmp_path: Path) -> None:
    """Mypy --strict, ruff's rules and ruff's format take the module, whatever names and descriptions there are."""
    text = python(registry)
    assert checked(tmp_path, text) == ""
    made = loaded(text)
    assert tuple(one.name for one in registry.features) == made.FEATURES
    assert list(made.Row.__annotations__) == [one.name for one in desired_table(registry).columns]
