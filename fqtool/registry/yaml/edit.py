"""Append a feature or a base column to a registry's text without changing any other character."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import yaml

from fqtool.errors import InputError
from fqtool.registry.yaml.document import LOADER, Document, read_document
from fqtool.registry.yaml.scalars import plain_kind

# Words on one line, without characters that YAML gives a meaning: colon, comma, bracket, brace, #, quote at the start.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.<>()'/;-]*(?: [A-Za-z0-9_<>(][A-Za-z0-9_.<>()'/;-]*)*")
_PLACES = 18  # decimal places: more are not read
# Characters that JSON does not escape, and that YAML reads as a line break or does not allow.
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def scalar(text: str) -> str:
    """Return text as a YAML scalar: plain where every YAML reader reads it as text, otherwise in double quotes."""
    return text if _PLAIN.fullmatch(text) and plain_kind(text) is None else quoted(text)


def quoted(text: str) -> str:
    """Return text in double quotes that both JSON and YAML read. The text must not contain lone surrogates."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def number(value: float, *, whole: bool = True) -> str:
    """Return a finite number as text without an exponent, with at most 18 decimal places.

    Args:
        value: A finite number.
        whole: Whether a whole number is written as an integer (5) or as a float (5.0).

    Returns:
        The number as YAML and JSON read it.
    """
    value += 0.0  # turns -0.0 into 0.0
    if float(value).is_integer():
        return f"{value:.0f}" if whole else f"{value:.1f}"
    short = repr(float(value))
    if "e" not in short and len(short.partition(".")[2]) <= _PLACES:
        return short
    head, _, places = f"{value:.{_PLACES}f}".partition(".")
    return f"{head}.{places.rstrip('0') or '0'}"


def flow_list(texts: list[str]) -> str:
    """Return a list on one line, of items that are YAML scalars already."""
    return f"[{', '.join(texts)}]"


_WIDEST = 120
_LINE_END = re.compile(r"\r\n|\n|\r")
_DASH = re.compile(r"(?<=[\r\n])( *)-[ \t]*(?:#[^\r\n]*)?(?=[\r\n])")
_REST = re.compile(r"[ \t]*(?P<comma>,?)[ \t]*(#.*)?", re.DOTALL)

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NewFeature:
    """A feature to append. Empty or None values are left out of its entry."""

    section: ClassVar[str] = "features"
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
    value: str = ""

    def lines(self, write: Callable[[str], str]) -> list[Pairs]:
        """Return keys and values as text, in groups: one per line of an entry that spans several lines.

        Args:
            write: Turns a text into a scalar: `scalar` or `quoted`.
        """
        first = [("index", str(self.index)), ("name", write(self.name)), ("category", write(self.category))]
        first += [(key, "true") for key in ("critical", "optional") if getattr(self, key)]
        origin: Pairs = [("processor", write(self.processor))] if self.processor else []
        origin += [("value", quoted(self.value))] if self.value else []
        origin += [("labels", flow_list([write(one) for one in self.labels]))] if self.labels else []
        values: Pairs = [("expected", number(self.expected, whole=False))] if self.expected is not None else []
        values += [("range", flow_list([number(one) for one in self.range]))] if self.range else []
        words: Pairs = [("description", quoted(self.description))] if self.description else []
        return [group for group in (first, origin, values, words) if group]


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A base column to append, with its type as BigQuery writes it."""

    section: ClassVar[str] = "base_columns"
    name: str
    type: str
    description: str = ""

    def lines(self, write: Callable[[str], str]) -> list[Pairs]:
        """Return keys and values as text, in one group; see NewFeature.lines."""
        words: Pairs = [("description", quoted(self.description))] if self.description else []
        return [[("name", write(self.name)), ("type", write(self.type)), *words]]


NewEntry: TypeAlias = NewFeature | NewColumn


def appended(document: Document, new: NewEntry) -> str:
    """Append an entry to its section, in the layout of the last one.

    Args:
        document: A registry without findings.
        new: The entry to append.

    Returns:
        The new text of the file.

    Raises:
        InputError: The layout of the list does not allow a safe insertion.
    """
    listed = document.data[new.section]
    text = _after(document, new) if listed else _into_empty(document, new)
    made = read_document(text, document.file)
    if made.findings or made.data != {**document.own, new.section: [*listed, _plain(new)]}:
        entry = one_line(new)
        raise InputError(
            f"fqtool cannot edit the layout of the list `{new.section}` in {document.file}.",
            remedy=f"Append this entry by hand: {entry}",
        )
    return text


def _plain(new: NewEntry) -> dict[str, Any]:
    """The entry as data, as it is read back."""
    return {key: yaml.safe_load(value) for line in new.lines(scalar) for key, value in line}


def _after(document: Document, new: NewEntry) -> str:
    text, last = document.text, len(document.data[new.section]) - 1
    start = document.indices((new.section, last))[1]
    end, in_flow = extent(text, start)
    line = line_start(text, start)
    prefix = text[line:start]
    if text[document.indices((new.section,))[1]] == "[":
        return _after_in_flow(text, end, _entry(document, new), prefix)
    if not prefix.strip():  # the dash has a line of its own
        dash = [*_DASH.finditer(text, 0, start)][-1]
        prefix = f"{dash[1]}- "
    if in_flow:
        entry = _entry(document, new)
    else:
        pairs = [pair for group in new.lines(scalar) for pair in group]
        entry = f"\n{' ' * len(prefix)}".join(f"{key}: {value}" for key, value in pairs)
    if "\n" not in entry and len(prefix + entry) > _WIDEST:
        entry = _flow(new.lines(scalar), "", "", f",\n{' ' * (len(prefix) + 1)}")
    return inserted(text, line_end(text, end), f"\n{prefix}{entry}")


def _after_in_flow(text: str, end: int, entry: str, prefix: str) -> str:
    """Insert after an item of [...]. A comment after that item stays with it."""
    stop = line_end(text, end)
    rest = _REST.fullmatch(text[end:stop])
    if prefix.strip():
        return inserted(text, end, f", {entry}")
    if rest is None:
        return inserted(text, end, f",\n{prefix}{entry}")
    if rest["comma"]:
        return inserted(text, stop, f"\n{prefix}{entry},")
    return inserted(inserted(text, stop, f"\n{prefix}{entry}"), end, ",")


def _into_empty(document: Document, new: NewEntry) -> str:
    """Insert into an empty list: between the brackets of a JSON file, otherwise as a list with dashes."""
    text, start = document.text, document.indices((new.section,))[1]
    end, _ = extent(text, start)
    if text[document.indices(())[1] :].lstrip().startswith("{"):
        return inserted(text, start + 1, _flow(new.lines(quoted), "", "", ", ", quoted))
    entry = one_line(new)
    if len(entry) > _WIDEST - 4:
        entry = _flow(new.lines(scalar), "", "", ",\n     ")
    listed = inserted(text, line_end(text, end), f"\n  - {entry}")
    return listed[:start].rstrip(" ") + listed[end:]


def _entry(document: Document, new: NewEntry) -> str:
    """A map in braces, in the layout of the last entry: its lines, blanks and quotes."""
    text, path = document.text, (new.section, len(document.data[new.section]) - 1)
    start = document.indices(path)[1]
    end, _ = extent(text, start)
    keys = [document.indices((*path, key))[0] for key in document.value(path)]
    write = quoted if text[keys[0]] == '"' else scalar
    opening, closing = text[start + 1 : keys[0]], text[start:end][len(text[start : end - 1].rstrip()) : -1]
    opening, closing = (_LINE_END.sub("\n", one) if not one.strip() else "" for one in (opening, closing))
    groups = new.lines(write)
    lines = [document.location(key).line for key in keys]
    if len(set(lines)) == len(lines) > 1:
        groups = [[pair] for group in groups for pair in group]
    indents = [indent for key in keys[1:] if not (indent := text[line_start(text, key) : key]).strip()]
    separator = f",\n{indents[0]}" if indents else ", "
    return _flow(groups, opening, closing, separator, write)


def one_line(new: NewEntry) -> str:
    """Return an entry as a map in braces on one line."""
    return _flow(new.lines(scalar), "", "", ", ")


def _flow(groups: list[Pairs], opening: str, closing: str, separator: str, write: Callable[[str], str] = scalar) -> str:
    lines = (", ".join(f"{write(key)}: {value}" for key, value in group) for group in groups)
    return f"{{{opening}{separator.join(lines)}{closing}}}"


def extent(text: str, start: int) -> tuple[int, bool]:
    """Return the end of the list or map that starts at `start`, and whether it is written in brackets."""
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
            while text[last - 1 : last].isspace():  # a block scalar includes the line ends after it
                last -= 1
    raise ValueError(f"no list or map starts at {start}")


def inserted(text: str, at: int, new: str) -> str:
    """Return the text with another at an index, with the line ends of the text.

    Args:
        text: The text of the file.
        at: The index of the character before which the other text is inserted.
        new: The other text, its lines ended by line feeds.
    """
    found = _LINE_END.search(text)
    return text[:at] + new.replace("\n", found[0] if found else "\n") + text[at:]


def line_start(text: str, at: int) -> int:
    """Return the index at which the line of an index begins."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def line_end(text: str, at: int) -> int:
    """Return the index at which the line of an index ends, without its line break."""
    found = _LINE_END.search(text, at)
    return found.start() if found else len(text)
