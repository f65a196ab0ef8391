"""The law of fqtool diff: every difference between two registries is reported, whichever field it is in."""

from __future__ import annotations

import fnmatch
import types
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from enum import Enum
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fqtool.commands.diff.compare import Comparison
from fqtool.commands.diff.edits import edits
from fqtool.commands.diff.rules import BREAKS, check_breaks
from fqtool.findings.finding import Location
from fqtool.registry.alerts_and_models import KnownEvent
from fqtool.registry.load import load_registry
from fqtool.registry.model import Deprecation, Registry, Spread
from fqtool.table.changes import Change
from tests.bed.running import ROOT
from tests.test_diff import CASES, VERSIONED, base, entry

Path = tuple[str | int, ...]
_NOT_SAID = ("path", "document", "at")


@cache
def real() -> Registry:
    """The repository's registry, with something in what it leaves empty."""
    found, problems = load_registry((ROOT / "feature_registry.yaml").read_text(), "registry.yaml")
    assert found is not None, problems
    return replace(found, drift=(("FQ303", None),))


def walk(value: Any, kind: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Every field and every list in a value: its path, what is there, its declared type.

    Of a list of entries the first and the last are walked, and one with fields inside: they are of one class.
    """
    if path:
        yield path, value, kind
    if is_dataclass(value):
        hints = typing.get_type_hints(type(value), localns={"Document": object})
        for one in fields(value):
            if one.name not in _NOT_SAID:
                yield from walk(getattr(value, one.name), hints[one.name], (*path, one.name))
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        nested = [n for n, one in enumerate(value) if getattr(one, "field_descriptions", ())]
        for number in sorted({0, len(value) - 1, *nested[:1]}):
            for inner_path, inner, inner_kind in walk(value[number], type(value[number]), (*path, number)):
                if len(inner_path) > len(path) + 1:
                    yield inner_path, inner, inner_kind


def others(value: Any, kind: Any, field: str) -> list[Any]:
    """Other values for a field: each must be reported."""
    if field == "foreign_keys":
        return [((("a",), "players", ("b",)),)]
    if field == "known_events":
        return [(KnownEvent("strike", date(2026, 1, 1), date(2026, 1, 9)),)]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, Enum):
        return [one for one in type(value) if one is not value]
    if field == "type":
        return ["BYTES"]
    if isinstance(value, str):
        return [f"{value}_x"]
    if isinstance(value, int):
        return [value + 100]
    if isinstance(value, float):
        return [value + 1.5]
    if isinstance(value, date):
        return [value + timedelta(days=1)]
    if isinstance(value, tuple):
        return of_list(value, field)
    if is_dataclass(value):
        return [Spread(may_be_constant=True)] if isinstance(value, Spread) else []
    return [from_nothing(kind)]


def of_list(value: tuple[Any, ...], field: str) -> list[Any]:
    """One less, one more, another order."""
    if field == "range":
        return [(value[0] - 1, value[1]), (value[0], value[1] + 1)]
    made: list[Any] = [value[1:]] if value else []
    if len(value) > 1:
        made.append((value[1], value[0], *value[2:]))
    if value and is_dataclass(value[0]):
        key = next(name for name in ("name", "code", "label", "what", "reason") if hasattr(value[0], name))
        new = replace(value[0], **{key: f"{getattr(value[0], key)}_new"})
        made.append((*value, replace(new, index=len(value)) if hasattr(new, "index") else new))
    elif value and isinstance(value[0], tuple):
        made += [(*value, ("other", "x")), ((value[0][0], "other"), *value[1:])]
    elif field in ("properties", "field_properties", "not_managed"):
        made.append((("tags", (("key", "other"),)),))
    elif field != "field_descriptions":
        made.append((*value, "x"))
    return made


def from_nothing(kind: Any) -> Any:
    """A value for an absent field, by the declared type."""
    kinds = [one for one in typing.get_args(kind) if one is not types.NoneType]
    for one in kinds:
        if isinstance(one, type) and issubclass(one, Enum):
            return next(iter(one))
        if one is Deprecation:
            return Deprecation(date(2026, 1, 1), date(2026, 6, 1))
        plain = {str: "x", float: 1.0, int: 1, bool: True}
        if one in plain:
            return plain[one]
        if typing.get_origin(one) is tuple:
            return (0.0, 1.0) if float in typing.get_args(one) else (("a", "b"),)
    raise AssertionError(kind)


def put(value: Any, path: Path, new: Any) -> Any:
    """The value with the part at `path` replaced."""
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(head, str):
        return replace(value, **{head: put(getattr(value, head), rest, new)})
    return (*value[:head], put(value[head], rest, new), *value[head + 1 :])


@cache
def mutations() -> tuple[tuple[Path, Any], ...]:
    """Every path with another value for it."""
    return tuple(
        (path, other) for path, value, kind in walk(real(), Registry) for other in others(value, kind, str(path[-1]))
    )


def test_every_field_of_the_model_is_tried() -> None:
    """No field of a class that the registry holds is without a mutation, so a new one cannot be forgotten."""
    tried = {(type(at(real(), path[:-1])), path[-1]) for path, _ in mutations()}
    held = {type(at(real(), path[:cut])) for path, _ in mutations() for cut in range(len(path))}
    said = {(one, field.name) for one in held if is_dataclass(one) for field in fields(one)}
    inside = {(one, name) for one, name in said if name not in _NOT_SAID} - tried
    assert {name for _, name in inside} <= {"table", "unknown_source", "inputs", "pricing", "expected_size", "validate"}


def at(value: Any, path: Path) -> Any:
    """The part at a path."""
    for step in path:
        value = getattr(value, step) if isinstance(step, str) else value[step]
    return value


PARTS = sorted({str(path[0]) for path, _ in mutations()})


@pytest.mark.parametrize("part", PARTS)
def test_each_single_difference_is_reported(part: str) -> None:
    """Each field, changed alone, gives a finding, in either direction, with a place and a sentence."""
    for path, other in mutations():
        if path[0] == part:
            changed = put(real(), path, other)
            for old, new in ((real(), changed), (changed, real())):
                told = check_breaks(Comparison(old, new))
                assert told, (path, other)
                assert all(one.message.endswith(".") and one.rule.startswith("FQ8") for one in told)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_several_differences_are_each_reported(data: st.DataObject) -> None:
    """Changes of several sections are reported together: no finding of one hides another's section."""
    chosen = data.draw(st.lists(st.sampled_from(mutations()), min_size=2, max_size=4, unique_by=lambda one: one[0][0]))
    changed = real()
    for path, other in chosen:
        changed = put(changed, path, other)
    comparison = Comparison(real(), changed)
    assert {str(path[0]) for path, _ in chosen} <= {one.part.partition(".")[0] for one in comparison.edits}
    told = {(one.rule, one.message) for one in check_breaks(comparison)}
    for path, other in chosen:
        if path[0] not in _OF_THE_TABLE:
            alone = check_breaks(Comparison(real(), put(real(), path, other)))
            assert {(one.rule, one.message) for one in alone if one.rule not in ("FQ837", "FQ842", "FQ844")} <= told


# Changes of these go into one table, so that one finding may name two of them.
_OF_THE_TABLE = ("columns", "base_columns", "features", "categories", "table", "views", "schema_versions")


def test_every_kind_in_the_table_occurs() -> None:
    """A kind that no comparison produces, such as a field with another name now, is a row that never applies."""
    pairs = [(real(), put(real(), path, other)) for path, other in mutations()]
    pairs += [(before(base()), after(base())) for _, before, after, _ in CASES]
    pairs.append((replace(base(), **VERSIONED), entry("sources", 0, weight=90.0)(replace(base(), **VERSIONED))))
    comparisons = [Comparison(*way) for old, new in pairs for way in ((old, new), (new, old))]
    kinds = {difference.kind for comparison in comparisons for difference in comparison.differences}
    assert {kind for kind in BREAKS if not fnmatch.filter(kinds, kind)} == set()


def test_every_change_of_the_table_has_a_row() -> None:
    """A class of Change without a row has no message; some classes never come from two registries."""
    classes = {kind.__name__ for kind in typing.get_args(Change)}
    rows = {kind.partition(".")[0] for kind in BREAKS}
    assert classes - rows == {"CreateTable", "DropView", "CopyRows", "VerifyCopy", "RenameTable"}


def test_equal_registries_have_no_difference() -> None:
    """A registry and itself, elsewhere and on other lines, give nothing."""
    moved = replace(
        real(),
        path="elsewhere.yaml",
        document=None,
        features=tuple(replace(one, at=Location("elsewhere.yaml", 1, 1)) for one in real().features),
        table=replace(real().table, at=Location("elsewhere.yaml", 2)),
    )
    assert edits(real(), moved) == ()
    assert check_breaks(Comparison(real(), moved)) == ()
