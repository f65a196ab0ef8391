"""Mutants of this process: a check is taken out by another value of an attribute, and the tests that then fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Mutant:
    """A check that is taken out: an attribute, or a key of a dict, with another value, and the tests that then fail.

    `point` is the point of what is promised that the check belongs to.
    """

    point: str
    owner: Any
    name: Any
    value: object
    tests: tuple[Callable[[], None], ...]

    def __str__(self) -> str:
        return f"{self.point}: {self.name}"

    def require_failures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run each test with the check, where it passes, and without it, where its own assertion fails."""
        assert self.tests
        for test in self.tests:
            test()
            with monkeypatch.context() as patch:
                (patch.setitem if isinstance(self.owner, dict) else patch.setattr)(self.owner, self.name, self.value)
                # A test that takes the one finding of several raises ValueError where there is none, and
                # `pytest.raises` fails where nothing is raised.
                with pytest.raises((AssertionError, ValueError, pytest.fail.Exception)):
                    test()


def nothing(*_: object, **__: object) -> tuple[()]:
    """Find nothing."""
    return ()


def none(*_: object, **__: object) -> None:
    """Find nothing, as a function that returns one value or None."""


def never(*_: object, **__: object) -> bool:
    """Deny."""
    return False


def always(*_: object, **__: object) -> bool:
    """Accept."""
    return True
