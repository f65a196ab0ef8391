"""Parse YAML text into plain data with positions, and refuse whatever two YAML readers may parse differently.

One loop builds the tree from the parser's events: libyaml's own composer recurses, and overflows the C stack at about
50,000 open brackets.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from fqtool.findings.finding import Finding, Location
from fqtool.registry.yaml import yaml_errors as problems
from fqtool.registry.yaml.scalars import PLAIN, PREFIX, plain_kind
from fqtool.registry.yaml.syntax import syntax_problem

DEPTH_LIMIT = 100
MARK = "fqtool:"  # the start of a comment that is meant for fqtool
FINDINGS_LIMIT = 1000  # a hostile file could cause millions
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Step = str | int


@dataclass(slots=True)
class _Open:
    """A list or map being read: its data, the places of its items, and the map key whose value comes next."""

    data: Any
    index: int
    places: Any
    is_map: bool
    key: str | None = None
    key_index: int = 0
    skip: bool = False


@dataclass(slots=True)
class Document:
    """Plain data and the place of each part of it. `findings` has the problems met while parsing.

    A place is the index of a character, from 0; line and column are computed on demand. `places` maps the id of a list
    to the index of each item, and the id of a map to its keys, with the indices of key and value in one number.
    `noun` is what messages call the whole file. `shared` is the file that this one extends: its sections are in `data`,
    and their places are in that file.
    `scalars` are the spans in which a # does not start a comment; they are kept only if the text contains `MARK`.
    """

    file: str
    text: str
    noun: str = "the registry"
    data: Any = None
    findings: list[Finding] = field(default_factory=list)
    places: dict[int, Any] = field(default_factory=dict)
    scalars: list[tuple[int, int]] = field(default_factory=list)
    shared: Document | None = None
    _lines: list[int] = field(default_factory=list)
    _split: list[str] = field(default_factory=list)

    def extend(self, shared: Document) -> None:
        """Add the sections of another file, which this one does not have."""
        self.shared = shared
        self.data.update(shared.data)

    @property
    def own(self) -> dict[str, Any]:
        """The data without the sections of the shared file."""
        return {key: value for key, value in self.data.items() if not self.is_shared((key,))}

    def is_shared(self, path: Iterable[Step]) -> bool:
        """Return whether the value at `path` is in the shared file, where no edit of this one reaches."""
        return self.shared is not None and next(iter(path), None) in self.shared.data

    def at(self, path: Iterable[Step]) -> Location:
        """Return the place of the value at `path`, or of its nearest parent that exists."""
        return self._walk(path, of_key=False)

    def at_key(self, path: Iterable[Step]) -> Location:
        """Return the place of the key at the end of `path`; for an item of a list, the place of the item."""
        return self._walk(path, of_key=True)

    def _walk(self, path: Iterable[Step], *, of_key: bool) -> Location:
        path = tuple(path)
        holder = self.shared if self.shared is not None and self.is_shared(path) else self
        return holder.location(holder.indices(path)[0 if of_key else 1])

    def indices(self, path: Iterable[Step]) -> tuple[int, int]:
        """Return the indices, from 0, where key and value at `path` start, or those of the nearest parent."""
        index, key_index, data = 0, 0, self.data
        for step in path:
            places: Any = self.places.get(id(data))
            try:
                place = places[step]
                data = data[step]
            except (KeyError, IndexError, TypeError):
                break
            key_index, index = divmod(place, _SHIFT) if isinstance(places, dict) else (place, place)
        return key_index, index

    def value(self, path: Iterable[Step]) -> Any:
        """Return the data at `path`. Raises KeyError or IndexError if it does not exist."""
        data = self.data
        for step in path:
            data = data[step]
        return data

    @property
    def lines(self) -> list[str]:
        """The lines of the text, without line ends."""
        if not self._split:
            self._split = _LINE_END.split(self.text)
        return self._split

    def index(self, place: Location) -> int:
        """Return the index, from 0, of the character at a place: the inverse of `location`."""
        self.location(0)
        return self._lines[place.line - 1] + place.column - 1

    def location(self, index: int) -> Location:
        """Return the line and column of the character at `index`, both from 1 as editors count."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in _LINE_END.finditer(self.text))]
        line = bisect_right(self._lines, index)
        return Location(self.file, line, index - self._lines[line - 1] + 1)


_SHIFT = 1 << 32
_LINE_END = re.compile(r"\r\n|\n|\r")


def read_document(text: str, file: str, noun: str = "the registry") -> Document:
    """Parse YAML.

    Args:
        text: The YAML text.
        file: The name of the file, for places.
        noun: What messages call the whole file.

    Returns:
        The document. Its `findings` list every problem; its `data` is None where nothing could be read.
    """
    document = Document(file, text, noun)
    reader = _Reader(document)
    try:
        reader.read(yaml.parse(text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = document.location(min(mark.index, len(text)) if mark else 0)
        begun = document.location(error.context_mark.index) if error.context_mark else None
        if "nesting depth" in (error.problem or ""):  # newer versions of libyaml read ahead and have their own limit
            document.findings += problems.nested_too_deep(at, DEPTH_LIMIT)
        else:
            document.findings += problems.yaml_syntax(*syntax_problem(document.lines, error, at, begun))
        document.data = None
    except (yaml.YAMLError, UnicodeError):
        document.findings += _forbidden_character(document)
        document.data = None
    if reader.documents == 0 and not document.findings:
        document.findings += problems.empty_file(document.location(0))
    return document


class _Reader:
    """Builds the data from events with an explicit stack, so that no input overflows the stack of Python or C."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.documents = 0
        self.stack: list[_Open] = []
        self.report = document.findings.extend
        self.keeps_scalars = MARK in document.text
        self.copies: dict[str, list[Any]] = {}

    def read(self, events: Iterable[Any]) -> None:
        """Read events to the end, or up to an event that makes the rest meaningless."""
        try:
            self._take(events)
        finally:
            for name, used in self.copies.items():
                self.report(problems.alias(self._at(used[0]), name, len(used) - 1))

    def _copied(self, event: Any) -> None:
        """Record an anchor or an alias of it: all aliases of an anchor are one problem."""
        sign = "*" if type(event) is yaml.AliasEvent else "&"
        used = self.copies.get(f"&{event.anchor}") or self.copies.setdefault(f"{sign}{event.anchor}", [])
        used.append(event)

    def _take(self, events: Iterable[Any]) -> None:
        for event in events:
            kind = type(event)
            if len(self.document.findings) >= FINDINGS_LIMIT:
                self.document.data = None
                return
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, is_map=kind is yaml.MappingStartEvent)
                if len(self.stack) > DEPTH_LIMIT:
                    self.report(problems.nested_too_deep(self._at(event), DEPTH_LIMIT))
                    self.document.data = None
                    return
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                self._copied(event)
                self._put(None, event.start_mark.index)
            elif kind is yaml.DocumentStartEvent:
                self.documents += 1
                if self.documents > 1:
                    self.report(problems.several_documents(self._at(event)))
                    self.document.data = None  # a key that the first lacks may be in the second
                    return

    def _at(self, event: Any) -> Location:
        return self.document.location(event.start_mark.index)

    def _open(self, event: Any, *, is_map: bool) -> None:
        if event.anchor or event.tag:
            self._refuse_extras(event)
        parent = self.stack[-1] if self.stack else None
        opened = _Open({} if is_map else [], event.start_mark.index, {} if is_map else [], is_map)
        if parent and parent.is_map and parent.key is None:
            self.report(problems.key_is_not_text(self._at(event)))
            opened.skip = True
        self.document.places[id(opened.data)] = opened.places
        self.stack.append(opened)

    def _close(self) -> None:
        done = self.stack.pop()
        if done.skip:  # a list or map in the place of a key: skip the value that follows too
            parent = self.stack[-1]
            parent.key, parent.skip = "", True
        else:
            self._put(done.data, done.index)

    def _scalar(self, event: Any) -> None:
        if event.anchor or event.tag:
            self._refuse_extras(event)
        if self.keeps_scalars:
            start, end = event.start_mark.index, event.end_mark.index
            # A comment may follow the | or > of a block.
            first = self.document.text.find("\n", start, end) if event.style in ("|", ">") else start
            self.document.scalars.append((first if first >= 0 else end, end))
        value: object = event.value
        parent = self.stack[-1] if self.stack else None
        is_key = parent is not None and parent.is_map and parent.key is None
        if event.implicit[0] and (kind := plain_kind(event.value)):
            form, make = PLAIN.get(kind, (None, str))
            if is_key or form is None or not form.fullmatch(event.value):
                self.report(problems.ambiguous_value(self._at(event), event.value, kind))
            else:
                value = make(event.value)
        if parent and is_key:
            parent.key, parent.key_index = event.value, event.start_mark.index
        else:
            self._put(value, event.start_mark.index)

    def _put(self, value: object, index: int) -> None:
        if not self.stack:
            self.document.data = value
            return
        parent = self.stack[-1]
        if not parent.is_map:
            parent.data.append(value)
            parent.places.append(index)
            return
        key = parent.key
        parent.key = None
        if parent.skip:
            parent.skip = False
        elif key is None:  # an alias in the place of a key, which is reported already
            parent.key, parent.skip = "", True
        elif key in parent.data:
            here, first = map(self.document.location, (parent.key_index, parent.places[key] // _SHIFT))
            self.report(problems.duplicate_key(here, key, first))
        else:
            parent.data[key] = value
            parent.places[key] = parent.key_index * _SHIFT + index

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor:
            self._copied(event)
        if event.tag:
            self.report(problems.tag(self._at(event), event.tag.replace(PREFIX, "!!")))


def _forbidden_character(document: Document) -> tuple[Finding, ...]:
    """Report control characters and lone surrogates here: the parsers disagree on their place."""
    bad = re.search(_FORBIDDEN, document.text)
    found = f"the character U+{ord(bad[0]):04X}" if bad else "a character"
    remedy = "Remove it, or write it as an escape in double quotes."
    return problems.yaml_syntax(document.location(bad.start() if bad else 0), f"{found} is not allowed", remedy)


_FORBIDDEN = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
