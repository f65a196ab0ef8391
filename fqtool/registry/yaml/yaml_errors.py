"""Rules for a registry file that cannot be read or is not unambiguous YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fqtool.findings.finding import Edit, Finding, Group, Location, rule
from fqtool.findings.remedy import Commands, Remedy


@rule("FQ001", group=Group.LOAD)
def unreadable_file(at: Location, why: str, remedy: Remedy = "Name a file with --registry.") -> Iterator[Finding]:
    """The registry cannot be opened.

    Problem: The path does not exist, is a folder, or is not readable.

    Why: Every command reads this one file.

    Example: fqtool validate --registry feature_registy.yaml

    Fix: Name the file with `--registry`, run fqtool in the folder of the file, or create one with `fqtool init`.
    """
    yield Finding(at.file, f"The registry cannot be read: {why}.", remedy=remedy, location=at)


@rule("FQ002", group=Group.LOAD)
def wrong_encoding(at: Location, found: str, remedy: str = "") -> Iterator[Finding]:
    """The registry is not UTF-8 text.

    Problem: The file is encoded in UTF-16, UTF-32 or an old code page, or is a binary file.

    Why: A wrong guess of the encoding changes names without a message.

    Example: A file saved by Notepad as "Unicode", which is UTF-16.

    Fix: Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 old.yaml > feature_registry.yaml`. In place of a binary file, such
    as a DuckDB file, name the registry with `--registry`.
    """
    yield Finding(
        at.file,
        f"The file is not UTF-8 text: {found}.",
        remedy=remedy or "Save it as UTF-8, e.g. iconv -f UTF-16 -t UTF-8 old.yaml > new.yaml",
        location=at,
    )


@rule("FQ003", group=Group.LOAD)
def file_too_large(at: Location, size: int, limit: int) -> Iterator[Finding]:
    """The registry file is too large.

    Problem: The file is larger than 8 MiB.

    Why: 5,000 features take 1.5 MB, and BigQuery allows 10,000 columns per table. A larger file is the wrong file.

    Example: fqtool validate --registry rows.ndjson

    Fix: Name the registry file; repeat columns with `for_each` instead of listing them.
    """
    yield Finding(
        at.file,
        f"The file has {size:,} bytes; a registry has at most {limit:,}.",
        remedy="Check that this is the registry; repeat columns with `for_each` instead of listing them.",
        location=at,
    )


def small_registry(file: str, *options: str, first: str) -> Commands:
    """Return the command that writes a small registry into this file, and into no other."""
    out = () if file == "feature_registry.yaml" else ("--out", file)
    return Commands((("fqtool", "init", *out, *options),), first)


@rule("FQ004", group=Group.LOAD)
def empty_file(at: Location) -> Iterator[Finding]:
    """The registry is empty.

    Problem: The file is empty, or has only comments.

    Why: An empty registry would mean that the table has no quality columns.

    Example: # to be done

    Fix: Start from a small example: `fqtool init --force` writes one.
    """
    write = small_registry(at.file, "--force", first="Create a small one:")
    yield Finding(at.file, "The registry is empty.", remedy=write, location=at)


@rule("FQ005", group=Group.LOAD)
def yaml_syntax(at: Location, problem: str, remedy: str = "") -> Iterator[Finding]:
    """The file is not valid YAML.

    Problem: The parser found something that YAML does not allow, such as a tab as indentation or an open bracket.

    Why: The parser cannot read what follows, so the rest of the file is not checked.

    Example: tiers: [{name: gold, min: 95}

    Fix: Fix the mistake at the place shown or just before it.
    """
    yield Finding(at.file, f"This is not YAML: {problem}.", remedy=remedy, location=at)


@rule("FQ006", group=Group.LOAD)
def several_documents(at: Location) -> Iterator[Finding]:
    """The file has more than one YAML document.

    Problem: A line `---` starts a second document.

    Why: It is unclear which document is the registry.

    Example: A line --- between two registries

    Fix: Remove the line `---`, or move the second document to another file.
    """
    yield Finding(
        at.file,
        "A second YAML document starts here; a registry file has only one.",
        remedy="Remove the line `---`, or move what follows to another file.",
        location=at,
    )


@rule("FQ007", group=Group.LOAD)
def duplicate_key(at: Location, key: str, first: Location) -> Iterator[Finding]:
    """A key occurs twice in one map.

    Problem: The same key occurs twice, or is in the registry and in the file that it extends. Most YAML readers keep
    the last value without a message.

    Why: One of the two values has no effect, and the file does not show which.

    Example: {name: price_eur, index: 5, index: 6}

    Fix: Keep the correct one.
    """
    other = f"first in line {first.line}" if first.file == at.file else f"also in {first.file}, line {first.line}"
    yield Finding(key, f"The key {key} occurs twice.", cause=other, remedy="Keep one.", location=at)


@rule("FQ008", group=Group.LOAD)
def alias(at: Location, name: str, more: int = 0) -> Iterator[Finding]:
    """A YAML anchor or alias is used.

    Problem: `&name` or `*name` copies a part of the file to another place.

    Why: A reader of one entry cannot see its value, and nested aliases grow without limit.

    Example: needs: *first_models_features

    Fix: Write the value in full; use `for_each` for repeated entries.
    """
    times = f", and {more} time{'s' * (more != 1)} more" if more else ""
    yield Finding(
        name,
        f"The anchor or alias {name} is used{times}; a registry must not use them.",
        remedy="Write the value in full.",
        location=at,
    )


@rule("FQ009", group=Group.LOAD)
def tag(at: Location, name: str) -> Iterator[Finding]:
    """A YAML tag is used.

    Problem: `!name` makes the YAML reader build a special type of value.

    Why: A registry has only text, numbers, truth values, lists and maps. A tag can run code.

    Example: min: !!float 95

    Fix: Remove the tag.
    """
    yield Finding(
        name, f"The YAML tag {name} is used; a registry must not use tags.", remedy="Remove the tag.", location=at
    )


AMBIGUOUS = "FQ010"


@rule(AMBIGUOUS, group=Group.LOAD)
def ambiguous_value(at: Location, text: str, other: str) -> Iterator[Finding]:
    """YAML readers disagree on a plain value.

    Problem: Without quotes, `no`, `017`, `12:30`, `1e3` or `2026-02-06` is text for one YAML reader and a value of
    another type for others.

    Why: Editors, CI tools and fqtool must read the same values from the file.

    Example: as_of: 2026-08-05

    Fix: Quote text: `as_of: "2026-08-05"`. Write truth values as true or false.
    """
    hint = " or write true or false" if other == "bool" else ""
    yield Finding(
        text,
        f"{text} is {_KINDS.get(other, other)} for some YAML readers and text for others.",
        remedy=f'Quote it: "{text}"{hint}.',
        location=at,
        patch=(Edit(at, replace(at, column=at.column + len(text)), f'"{text}"'),) if _PLAIN.fullmatch(text) else (),
    )


_PLAIN = re.compile(r"[^\s\"\\]+")
_KINDS = {
    "bool": "a truth value", "timestamp": "a date", "int": "a number", "float": "a number", "null": "empty",
    "merge": "a merge of maps", "value": "a default value",
}  # fmt: skip


@rule("FQ011", group=Group.LOAD)
def nested_too_deep(at: Location, limit: int) -> Iterator[Finding]:
    """Lists and maps are nested too deep.

    Problem: Lists and maps are nested deeper than 100 levels.

    Why: A bracket is not closed, or the file is made to break the parser.

    Example: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[

    Fix: Close the brackets; a registry needs six levels.
    """
    yield Finding(
        at.file, f"Nested deeper than {limit} levels.", remedy="Look for a bracket that is not closed.", location=at
    )


@rule("FQ012", group=Group.LOAD)
def key_is_not_text(at: Location) -> Iterator[Finding]:
    """A key is a list or a map.

    Problem: A key is a map or a list, often a `{placeholder}` without quotes.

    Why: A key must be a name.

    Example: {index}: 5

    Fix: Quote the key: `"{index}": 5`.
    """
    yield Finding(at.file, "A key must be text.", remedy="Quote it.", location=at)
