"""Append a model to a registry's text without changing any other character."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from fqtool.errors import InputError
from fqtool.registry.yaml.document import Document, read_document
from fqtool.registry.yaml.edit import extent, flow_list, inserted, line_end, line_start, quoted, scalar

_WIDTH = 116


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model to append: its name, the features that it reads in its order, and its other inputs."""

    name: str
    needs: tuple[str, ...]
    external: tuple[str, ...] = ()
    description: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The entry as it is read back."""
        entry: dict[str, Any] = {"name": self.name, "needs": list(self.needs)}
        entry |= {"external": list(self.external)} if self.external else {}
        return entry | ({"description": self.description} if self.description else {})

    @property
    def entry(self) -> str:
        """The entry as an item of a list with dashes."""
        lines = [f"- name: {scalar(self.name)}", *_listed("needs", self.needs)]
        lines += _listed("external", self.external) if self.external else []
        lines += [f"  description: {quoted(self.description)}"] if self.description else []
        return "\n".join(lines)


def _listed(key: str, names: tuple[str, ...]) -> list[str]:
    whole = f"  {key}: {flow_list([scalar(name) for name in names])}"
    if len(whole) <= _WIDTH:
        return [whole]
    text = ", ".join(map(scalar, names))
    lines = textwrap.wrap(text, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [f"  {key}: [", *(f"    {line}" for line in lines), "  ]"]


def with_model(document: Document, model: NewModel) -> str:
    """Return the text of a registry with a model after the last one.

    Raises InputError where the layout of the list does not allow a safe insertion.
    """
    models = document.data.get("models", [])
    text = _after(document, model) if models else _at_the_end(document, model)
    made = read_document(text, document.file)
    if made.findings or made.data != {**document.own, "models": [*models, model.data]}:
        raise InputError(
            f"fqtool cannot edit the layout of the list `models` in {document.file}.",
            remedy=f"Append this entry by hand:\n{model.entry}",
        )
    return text


def _after(document: Document, model: NewModel) -> str:
    text = document.text
    start = document.indices(("models", len(document.data["models"]) - 1))[1]
    end, _ = extent(text, start)
    prefix = text[line_start(text, start) : start]
    indent = prefix[: len(prefix) - len(prefix.lstrip())]
    return inserted(text, line_end(text, end), "\n" + textwrap.indent(model.entry, indent))


def _at_the_end(document: Document, model: NewModel) -> str:
    before = "" if document.text.endswith(("\n", "\r")) else "\n"
    entry = textwrap.indent(model.entry, "  ")
    return inserted(document.text, len(document.text), f"{before}\nmodels:\n{entry}\n")
