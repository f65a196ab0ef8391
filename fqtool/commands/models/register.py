"""fqtool models --register: the entry of a model, written into the registry from the model's own file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from fqtool.commands.models.feature_list import FeatureList
from fqtool.errors import Refusal, RegistryError, UsageError
from fqtool.findings.finding import Severity
from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.registry.yaml.add_model import NewModel, with_model
from fqtool.workspace import RegistryEdit, edited_texts

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Registered:
    """A model that was written into a registry, and how many of its inputs are features."""

    model: NewModel
    features: int


def register(registry: Registry, given: FeatureList, name: str = "") -> Registered:
    """Append a model to the registry's file. Its inputs are the list's: features are `needs`, others `external`.

    Args:
        registry: a registry that was read from a file.
        given: the model's inputs, in its order.
        name: the model's name; by default the list's, else that of its file.

    Raises: UsageError for no name, Refusal for one that is taken or a list without a
    feature or with a name twice, RegistryError where the
    registry would have problems, InputError where the file cannot be edited.
    """
    name = name or given.model or _NOT_IN_NAMES.sub("_", Path(given.place).stem)
    if not name or name == "-":
        raise UsageError("--register needs a name.", remedy="Give it with --model NAME.")
    if any(one.name == name for one in registry.models):
        raise Refusal(
            f"{name} is a model of {registry.path} already.",
            remedy="Give another name with --model NAME, or remove the entry to replace it.",
        )
    known = {feature.name for feature in registry.active_features}
    needs = tuple(one for one in given.names if one in known)
    if not needs:
        raise Refusal(
            f"{given.place} names no feature of {registry.path}.", remedy="Check that it is the model's file."
        )
    if repeated := next((one for one in given.names if given.names.count(one) > 1), ""):
        raise Refusal(f"{given.place} names {repeated} twice.", remedy="Write each name once, in the model's order.")
    model = NewModel(name, needs, tuple(one for one in given.names if one not in known))
    document = registry.document
    assert document is not None  # noqa: S101  it was read from a file
    text = with_model(document, model)
    _require_sound(text, Path(registry.path), name)
    RegistryEdit(*edited_texts(registry, text)).write()
    return Registered(model, len(needs))


def _require_sound(text: str, path: Path, name: str) -> None:
    made, findings = load_registry(text, str(path))
    if made is not None:
        findings = tuple(one for one in check_registry(made) if one.severity is Severity.ERROR)
    if findings:
        raise RegistryError(
            f"With {name!r} {path} would have problems; nothing was written.",
            findings=tuple(replace(one, location=None) for one in findings),
        )
