"""fqtool check-code: lists of names in code beside the feature vector of the registry."""

from __future__ import annotations

import os
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fqtool.commands.check_code.alignment import Alignment, Difference, aligned
from fqtool.commands.check_code.name_lists import READERS, SMALLEST, Named, NameList, NotRead
from fqtool.commands.check_code.rules import Copied
from fqtool.commands.check_code.rules import NotRead as FileNotRead
from fqtool.errors import InputError
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Location
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.table.column import Column

_NOT_READ = "FQ543"
_ENDINGS = "{} and {} files".format(", ".join([*READERS][:-1]), [*READERS][-1])
_IGNORED = "fqtool: ignore FQ541"
_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})


@dataclass(frozen=True, slots=True)
class CheckedCode:
    """How many files were read, how many could not be read, and what was found."""

    files: int
    not_read: int
    findings: tuple[Finding, ...]


def check_code(registry: Registry, paths: Sequence[Path]) -> CheckedCode:
    """Compare the lists of names in files, and in the files of folders, with the registry.

    Raises InputError for a path that does not exist, or has no file that is checked.
    """
    vector, count, not_read, found = _Vector(registry), 0, 0, list[Finding]()
    for named in paths:
        before = count
        for path in _files(named):
            count += 1
            of_file = tuple(vector.findings(path))
            not_read += any(finding.rule == _NOT_READ for finding in of_file)
            found += of_file
        if count == before:
            raise InputError(f"{named} has no file that is checked.", remedy=f"Name files, or folders of {_ENDINGS}.")
    return CheckedCode(count - not_read, not_read, tuple(found))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _FOLDERS)
            files = (Path(folder, name) for name in sorted(names) if Path(name).suffix in READERS)
            yield from (file for file in files if file.is_file())  # reading a pipe would block
    elif not path.is_file():
        state = "is not a file" if path.exists() else "does not exist"
        raise InputError(f"{path} {state}.", remedy="Check the path of the code.")
    elif path.suffix in READERS:
        yield path


@dataclass(frozen=True)
class _Vector:
    """The vector of a registry, and the lists that are declared parts of it."""

    registry: Registry

    @cached_property
    def indices(self) -> dict[str, int]:
        """Name -> index."""
        return {feature.name: feature.index for feature in self.registry.features}

    @cached_property
    def names(self) -> dict[int, str]:
        """Index -> name."""
        return {feature.index: feature.name for feature in self.registry.features}

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns in order, by lower-case name: a list that has them between features is one of columns."""
        return desired_table(self.registry).by_key

    @cached_property
    def declared(self) -> frozenset[tuple[str, ...]]:
        """Lists that the registry declares: what models read, and the features of a category or processor."""
        groups = defaultdict[tuple[str, str], list[str]](list)
        for feature in self.registry.active_features:
            groups["category", feature.category].append(feature.name)
            groups["processor", feature.processor].append(feature.name)
            if feature.critical:
                groups["critical", ""].append(feature.name)
        return frozenset(map(tuple, [*groups.values(), *(model.needs for model in self.registry.models)]))

    def findings(self, path: Path) -> Iterator[Finding]:
        """Yield what is wrong with the lists of a file."""
        try:
            text = _text_of(path)
        except (OSError, UnicodeError, SyntaxError, LookupError):
            yield from _found(FileNotRead(Location(str(path))))
            return
        folded = text.lower()
        if sum(name.lower() in folded for name in self.indices) < SMALLEST:
            return
        lines, places, template = text.split("\n"), set[tuple[int, str]](), 0
        try:
            for names in READERS[path.suffix](text):
                if names.has_tags:
                    template = template or self._template_line(names)
                    continue
                copied = self._copied(str(path), names)
                if copied is None or (copied.at.line, copied.given) in places:
                    continue
                places.add((copied.at.line, copied.given))
                if not any(_IGNORED in lines[line - 1] for line in {names.names[0].line, copied.at.line}):
                    yield from _found(copied)
        except NotRead as error:
            yield from _found(FileNotRead(Location(str(path), error.line)))
        if template:
            yield from _found(FileNotRead(Location(str(path), template), is_template=True))

    def _template_line(self, listed: NameList) -> int:
        """Return the line of the first feature of a list in a template, 0 for a list of other names."""
        known = [one.line for one in listed.names if one.name in self.indices]
        return known[0] if len(known) >= SMALLEST else 0

    def _copied(self, file: str, listed: NameList) -> Copied | None:
        """Return what a list has of the vector, None for one that does not repeat it."""
        known = [one for one in listed.names if one.name in self.indices]
        if len(known) < SMALLEST or self._is_declared(listed):
            return None
        if listed.absolute:
            alignment = self._by_index(listed, known)
        else:
            alignment = aligned(
                listed.names, [*self.indices], lambda name: listed.is_columns or name.lower() in self.columns
            )
        if alignment is None:
            return None
        differ = alignment.differences
        if differ and listed.is_columns and self._is_in_order_of_columns(listed, differ):
            return None
        first = differ[0] if differ else Difference(known[0])
        is_part = 2 * len(known) > len(self.names) or known[0].name == self.names.get(0)
        return Copied(
            Location(file, first.named.line, first.named.column), first.named.name, first.named.index, len(differ),
            first.index, "" if first.index is None else self.names.get(first.index, ""),
            self.indices.get(first.named.name), [one.name for one in listed.names].count(first.named.name) > 1,
            tuple((self.indices[name], name) for name in alignment.left_out if is_part), len(self.names),
        )  # fmt: skip

    def _is_in_order_of_columns(self, listed: NameList, differ: Sequence[Difference]) -> bool:
        """Return whether SQL names columns of the table in the order that they have there, not that of the vector."""
        names = [one.name.lower() for one in listed.names if one.name.lower() in self.columns]
        listed_once = set(names)
        in_order = names == [name for name in self.columns if name in listed_once]
        return in_order and all(one.named.name.lower() in listed_once for one in differ)

    def _is_declared(self, listed: NameList) -> bool:
        """Return whether the registry declares the list, numbered from 0 where it has indices."""
        counted = [one.index for one in listed.names] == list(range(len(listed.names)))
        return counted and tuple(one.name for one in listed.names) in self.declared

    def _by_index(self, listed: NameList, known: Sequence[Named]) -> Alignment | None:
        """Compare indices that are written beside names, None where fewer than five are the registry's.

        In a map of all features, more than half of them are enough. All names may be moved by the same number, as in a
        map that counts from 1; a map that has other names too is one of columns.
        """
        offsets = Counter(self.indices[one.name] - one.index for one in known)
        count, is_whole = max(offsets.values()), self.indices.keys() <= {one.name for one in known}
        is_copy = offsets[0] >= SMALLEST or (is_whole and 2 * offsets[0] > len(self.indices))
        if not is_copy and (count < SMALLEST or count < len(listed.names)):
            return None
        part = (one for one in listed.names if one.name in self.indices or known[0].index < one.index)
        differ = (Difference(one, one.index) for one in part if self.names.get(one.index) != one.name)
        ends = [*self.indices][known[-1].index + 1 :]
        return Alignment(tuple(differ), tuple(ends))


def _text_of(path: Path) -> str:
    """Return the text of a file: of Python in the encoding that its first lines name, of others in UTF-8."""
    if path.suffix in (".py", ".pyi"):
        with tokenize.open(path) as stream:
            return stream.read()
    return path.read_text(encoding="utf-8-sig")


def _found(seen: Copied | FileNotRead) -> Iterator[Finding]:
    for rule in rules_of(Group.CODE):
        if rule.looks_at(seen):
            yield from rule.check(seen)
