"""A feature put into a registry's text: inserted where the last one ends, with every other character as it was.

Laws: the data read from the new text is the old data and the new feature at the end of `features`; without what was
inserted, the new text is the old one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from fqtool.errors import InputError
from fqtool.registry.document import LOADER, Document, read_document
from fqtool.registry.writing import flow_list, number, quoted, scalar

_WIDEST = 120
_LINE_END = re.compile(r"\r\n|\n|\r")
_DASH = re.compile(r"(?<=[\r\n])( *)-[ \t]*(?:#[^\r\n]*)?(?=[\r\n])")
_REST = re.compile(r"[ \t]*(?P<comma>,?)[ \t]*(#.*)?", re.DOTALL)

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NewFeature:
    """What is said of a feature to be appended; what is empty or None is left out of its entry."""

    index: int
    name: str
    category: str
    processor: str = ""
    labels: tuple[str, ...] = ()
    expected: float | None = None
    range: tuple[float, float] | None = None
    critical: bool = False
    optional: bool = False
    description: str = ""

    def lines(self, write: Callable[[str], str]) -> list[Pairs]:
        """Return key and value as text, grouped into the lines of an entry on several; `write` writes a text."""
        first = [("index", str(self.index)), ("name", write(self.name)), ("category", write(self.category))]
        first += [(key, "true") for key in ("critical", "optional") if getattr(self, key)]
        origin: Pairs = [("processor", write(self.processor))] if self.processor else []
        origin += [("labels", flow_list([write(one) for one in self.labels]))] if self.labels else []
        values: Pairs = [("expected", number(self.expected, whole=False))] if self.expected is not None else []
        values += [("range", flow_list([number(one) for one in self.range]))] if self.range else []
        words: Pairs = [("description", quoted(self.description))] if self.description else []
        return [group for group in (first, origin, values, words) if group]


def appended(document: Document, feature: NewFeature) -> str:
    """Return the document's text with the feature after the last one, laid out as that one is.

    Raises InputError where the text is laid out in a way in which it cannot be inserted safely.
    """
    features = document.data["features"]
    text = _after(document, feature) if features else _into_empty(document, feature)
    made = read_document(text, document.file)
    if made.findings or made.data != {**document.data, "features": [*features, _plain(feature)]}:
        entry = _flow(feature.lines(scalar), "", "", ", ")
        raise InputError(
            f"{document.file}: its list of features is laid out in a way that fqtool does not edit.",
            remedy=f"Append by hand: {entry}",
        )
    return text


def _plain(feature: NewFeature) -> dict[str, Any]:
    """The entry as data, as reading it gives it."""
    return {key: yaml.safe_load(value) for line in feature.lines(scalar) for key, value in line}


def _after(document: Document, feature: NewFeature) -> str:
    text, last = document.text, len(document.data["features"]) - 1
    start = document.indices(("features", last))[1]
    end, in_flow = _extent(text, start)
    line = _line_start(text, start)
    prefix = text[line:start]
    if text[document.indices(("features",))[1]] == "[":
        return _after_in_flow(text, end, _entry(document, feature), prefix)
    if not prefix.strip():  # the dash stands on a line of its own
        dash = [*_DASH.finditer(text, 0, start)][-1]
        prefix = f"{dash[1]}- "
    if in_flow:
        entry = _entry(document, feature)
    else:
        pairs = [pair for group in feature.lines(scalar) for pair in group]
        entry = f"\n{' ' * len(prefix)}".join(f"{key}: {value}" for key, value in pairs)
    if "\n" not in entry and len(prefix + entry) > _WIDEST:
        entry = _flow(feature.lines(scalar), "", "", f",\n{' ' * (len(prefix) + 1)}")
    return _inserted(text, _line_end(text, end), f"\n{prefix}{entry}")


def _after_in_flow(text: str, end: int, entry: str, prefix: str) -> str:
    """After an item of [...]: a comment behind that item stays with it."""
    stop = _line_end(text, end)
    rest = _REST.fullmatch(text[end:stop])
    if prefix.strip():
        return _inserted(text, end, f", {entry}")
    if rest is None:
        return _inserted(text, end, f",\n{prefix}{entry}")
    if rest["comma"]:
        return _inserted(text, stop, f"\n{prefix}{entry},")
    return _inserted(_inserted(text, stop, f"\n{prefix}{entry}"), end, ",")


def _into_empty(document: Document, feature: NewFeature) -> str:
    """Into `features: []`: between the brackets of a file in JSON, else as a list with dashes in their place."""
    text, start = document.text, document.indices(("features",))[1]
    end, _ = _extent(text, start)
    if text[document.indices(())[1] :].lstrip().startswith("{"):
        return _inserted(text, start + 1, _flow(feature.lines(quoted), "", "", ", ", quoted))
    entry = _flow(feature.lines(scalar), "", "", ", ")
    if len(entry) > _WIDEST - 4:
        entry = _flow(feature.lines(scalar), "", "", ",\n     ")
    listed = _inserted(text, _line_end(text, end), f"\n  - {entry}")
    return listed[:start].rstrip(" ") + listed[end:]


def _entry(document: Document, feature: NewFeature) -> str:
    """A map in braces, written as the last entry is: its lines, its blanks, its quotes."""
    text, path = document.text, ("features", len(document.data["features"]) - 1)
    start = document.indices(path)[1]
    end, _ = _extent(text, start)
    keys = [document.indices((*path, key))[0] for key in document.value(path)]
    write = quoted if text[keys[0]] == '"' else scalar
    opening, closing = text[start + 1 : keys[0]], text[start:end][len(text[start : end - 1].rstrip()) : -1]
    opening, closing = (_LINE_END.sub("\n", one) if not one.strip() else "" for one in (opening, closing))
    groups = feature.lines(write)
    lines = [document.location(key).line for key in keys]
    if len(set(lines)) == len(lines) > 1:
        groups = [[pair] for group in groups for pair in group]
    indents = [indent for key in keys[1:] if not (indent := text[_line_start(text, key) : key]).strip()]
    separator = f",\n{indents[0]}" if indents else ", "
    return _flow(groups, opening, closing, separator, write)


def _flow(groups: list[Pairs], opening: str, closing: str, separator: str, write: Callable[[str], str] = scalar) -> str:
    lines = (", ".join(f"{write(key)}: {value}" for key, value in group) for group in groups)
    return f"{{{opening}{separator.join(lines)}{closing}}}"


def _extent(text: str, start: int) -> tuple[int, bool]:
    """Where the list or map that begins at `start` ends, without what stands behind it; and whether in brackets."""
    opened: list[Any] = []
    last = start
    events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
    for event in events:
        kind = type(event)
        if issubclass(kind, yaml.CollectionStartEvent):
            opened.append(event)
        elif issubclass(kind, yaml.CollectionEndEvent):
            begun = opened.pop()
            last = event.end_mark.index if begun.flow_style else last
            if begun.start_mark.index == start:
                return last, bool(begun.flow_style)
        elif kind is yaml.ScalarEvent:
            last = event.end_mark.index
            while text[last - 1 : last].isspace():  # a text in a block takes the line ends behind it along
                last -= 1
    raise ValueError(f"nothing begins at {start}")


def _inserted(text: str, at: int, new: str) -> str:
    """Insert at a place, with the line ends that the text has."""
    found = _LINE_END.search(text)
    return text[:at] + new.replace("\n", found[0] if found else "\n") + text[at:]


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return found.start() if found else len(text)
