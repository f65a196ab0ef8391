"""What a registry asks of a column's values beside their type: versions, the vector and its names, source labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from fqtool.records.misfits import (
    Misfit,
    Mistyped,
    OtherLabel,
    RejectedVersion,
    UnknownLabel,
    UnknownPosition,
    WrongLength,
    WrongNames,
)
from fqtool.records.unique_keys import RepeatedKey, loads
from fqtool.records.values import SHOWN, described, items_of, shown
from fqtool.registry.model import Feature

Rule: TypeAlias = Callable[[Any], Iterator[Misfit]]


def version_rule(name: str, labels: tuple[str, ...]) -> Rule:
    """Return the rule of a column with version labels."""

    def rule(value: Any) -> Iterator[Misfit]:
        if str(value) not in labels:
            yield RejectedVersion(name, str(value)[:SHOWN], labels)

    return rule


def length_rule(name: str, expected: int) -> Rule:
    """Return the rule of the feature vector."""

    def rule(value: Any) -> Iterator[Misfit]:
        if len(value) != expected:
            yield WrongLength(name, len(value), expected)

    return rule


def names_rule(name: str, expected: tuple[str, ...]) -> Rule:
    """Return the rule of the names of the vector."""
    listed = list(expected)

    def rule(value: Any) -> Iterator[Misfit]:
        given = list(value)
        if not given or given == listed:
            return
        if len(given) != len(listed):
            yield WrongLength(name, len(given), len(listed))
        pairs = enumerate(zip(given, listed, strict=False))
        differs = next(((at, got, wished) for at, (got, wished) in pairs if got != wished), None)
        if differs is not None:
            yield WrongNames(name, differs[0], shown(differs[1]), differs[2])

    return rule


def labels_of(feature: Feature, declared: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that a writer may send for a feature: those of the feature, or all where it lists none."""
    return feature.labels or tuple(declared)


def labels_rule(name: str, features: Mapping[int | str, Feature], declared: Sequence[str]) -> Rule:
    """Return the rule of a column that holds labels by key of a JSON object, or by position of an ARRAY."""
    accepted = frozenset((key, label) for key, one in features.items() for label in (*labels_of(one, declared), None))
    keys = {feature.name: str(key) for key, feature in features.items()}
    by_position = any(isinstance(key, int) for key in features)

    def rule(value: Any) -> Iterator[Misfit]:
        try:
            held = dict(enumerate(items_of(value) or ())) if by_position else _object(value)
        except RepeatedKey as repeated:
            yield Mistyped(name, "a JSON object of labels", str(repeated))
            return
        if held is None:
            yield Mistyped(name, "a JSON object of labels", described(value))
            return
        try:
            if accepted.issuperset(held.items()):
                return
        except TypeError:  # a label that is a list or an object
            pass
        named = [key for key in held if key in keys and key not in features]
        if named:
            yield UnknownPosition(name, named[0], keys[named[0]], len(named))
        for key, label in held.items():
            if key in features:
                yield from _of_label(name, features[key], label, declared)
            elif key not in keys:
                yield UnknownPosition(name, str(key)[:SHOWN])

    return rule


def label_rule(name: str, feature: Feature, declared: Sequence[str]) -> Rule:
    """Return the rule of a column that holds the label of one feature."""
    return lambda value: _of_label(name, feature, value, declared)


def _of_label(name: str, feature: Feature, label: Any, declared: Sequence[str]) -> Iterator[Misfit]:
    accepted = labels_of(feature, declared)
    if label is None or (isinstance(label, str) and label in accepted):
        return
    text = str(label)[:SHOWN]
    if isinstance(label, str) and label in declared:
        yield OtherLabel(name, feature.name, text, accepted)
    else:
        yield UnknownLabel(name, feature.name, text)


def _object(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, str):
        try:
            value = loads(value)
        except RepeatedKey:
            raise
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None
