"""What may be wrong with a registry file before its content matters: one rule each, used by document and load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fqtool.finding import Edit, Finding, Location, rule


@rule("FQ001")
def unreadable_file(at: Location, why: str) -> Iterator[Finding]:
    """The registry cannot be opened.

    Problem: The path does not exist, is a directory, or may not be read.

    Why: Everything fqtool knows comes from this one file; without it there is nothing to do.

    Example: fqtool validate --registry feature_registy.yaml

    Fix: Name the file with `--registry`, run fqtool in the folder that holds it, or write one with `fqtool
    init`.
    """
    yield Finding(
        at.file,
        f"The registry cannot be read: {why}.",
        remedy="Name the file with --registry, or write a first one with fqtool init.",
        location=at,
    )


@rule("FQ002")
def wrong_encoding(at: Location, found: str) -> Iterator[Finding]:
    """The registry is not UTF-8 text.

    Problem: The bytes of the file are UTF-16, UTF-32, an old code page, or no text at all.

    Why: A guessed encoding turns names into other names without anyone noticing.

    Example: A file saved by Notepad as "Unicode", which is UTF-16.

    Fix: Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 old.yaml > feature_registry.yaml`.
    """
    yield Finding(
        at.file,
        f"The file is not UTF-8 text: {found}.",
        remedy="Save it as UTF-8, e.g. iconv -f UTF-16 -t UTF-8 old.yaml > new.yaml",
        location=at,
    )


@rule("FQ003")
def file_too_large(at: Location, size: int, limit: int) -> Iterator[Finding]:
    """The registry is larger than any registry needs to be.

    Problem: The file exceeds the size limit.

    Why: 5,000 features take 1.5 MB, and BigQuery allows 10,000 columns. A larger file is the wrong file.

    Example: fqtool validate --registry rows.ndjson

    Fix: Name the registry itself; let `for_each` repeat columns instead of writing them out.
    """
    yield Finding(
        at.file,
        f"The file has {size:,} bytes; a registry has at most {limit:,}.",
        remedy="Check that this is the registry; let for_each repeat columns instead of writing them out.",
        location=at,
    )


@rule("FQ004")
def empty_file(at: Location) -> Iterator[Finding]:
    """The registry says nothing.

    Problem: The file is empty, or holds only comments.

    Why: An empty registry would mean that every quality column is unwanted.

    Example: # to be done

    Fix: Start from a small example: `fqtool init --force` writes one.
    """
    yield Finding(at.file, "The registry is empty.", remedy="Write a small one: fqtool init --force", location=at)


@rule("FQ005")
def yaml_syntax(at: Location, problem: str, remedy: str = "") -> Iterator[Finding]:
    """The text is not YAML.

    Problem: The reader met something that YAML does not allow, such as a tab that indents or a bracket left
    open.

    Why: What follows cannot be understood, so this is the only problem shown of the rest of the file.

    Example: tiers: [{name: gold, min: 95}

    Fix: Mend the place shown; the mistake is there or just before it.
    """
    yield Finding(at.file, f"This is not YAML: {problem}.", remedy=remedy, location=at)


@rule("FQ006")
def several_documents(at: Location) -> Iterator[Finding]:
    """The file holds more than one YAML document.

    Problem: A line `---` starts a second document.

    Why: It is unclear which of them is the registry.

    Example: a line --- between two registries

    Fix: Remove the line `---`, or move the second document to a file of its own.
    """
    yield Finding(
        at.file,
        "A second YAML document starts here; a registry is one.",
        remedy="Remove the line --- or move what follows to another file.",
        location=at,
    )


@rule("FQ007")
def duplicate_key(at: Location, key: str, first: Location) -> Iterator[Finding]:
    """A key is given twice in one map.

    Problem: The same key stands twice; most YAML readers keep the last one silently.

    Why: One of the two is not what the team has, and nobody sees which.

    Example: {name: fatigue_score, index: 5, index: 6}

    Fix: Keep the right one.
    """
    yield Finding(
        key, f"The key {key} is given twice.", cause=f"first in line {first.line}", remedy="Keep one.", location=at
    )


@rule("FQ008")
def alias(at: Location, name: str, more: int = 0) -> Iterator[Finding]:
    """An anchor or alias is used.

    Problem: `&name` or `*name` copies a part of the file to another place.

    Why: A reader of one entry cannot see what it says, and nested aliases grow without limit.

    Example: needs: *first_models_features

    Fix: Write the value out; use `for_each` for what repeats.
    """
    times = f", and {more} time{'s' * (more != 1)} more" if more else ""
    yield Finding(
        name,
        f"The anchor or alias {name} is used{times}; a registry says everything where it stands.",
        remedy="Write the value out.",
        location=at,
    )


@rule("FQ009")
def tag(at: Location, name: str) -> Iterator[Finding]:
    """A YAML tag is used.

    Problem: `!name` asks the reader to build a special type of value.

    Why: A registry holds text, numbers, truth values, lists and maps; a tag can mean code.

    Example: min: !!float 95

    Fix: Remove the tag.
    """
    yield Finding(name, f"The tag {name} is used; a registry has none.", remedy="Remove the tag.", location=at)


AMBIGUOUS = "FQ010"


@rule(AMBIGUOUS)
def ambiguous_value(at: Location, text: str, other: str) -> Iterator[Finding]:
    """A plain value that YAML readers understand differently.

    Problem: Without quotes, `no`, `017`, `12:30`, `1e3` or `2026-02-06` is text to one reader and something
    else to another.

    Why: Editors, CI tools and fqtool must read the same file alike.

    Example: as_of: 2026-08-05

    Fix: Quote it where text is meant: `as_of: "2026-08-05"`. Write truth values true or false.
    """
    hint = " or write true or false" if other == "bool" else ""
    yield Finding(
        text,
        f"{text} reads as {_KINDS.get(other, other)} to some YAML readers and as text to others.",
        remedy=f'Quote it: "{text}"{hint}.',
        location=at,
        patch=(Edit(at, replace(at, column=at.column + len(text)), f'"{text}"'),) if _PLAIN.fullmatch(text) else (),
    )


_PLAIN = re.compile(r"[^\s\"\\]+")
_KINDS = {
    "bool": "a truth value", "timestamp": "a date", "int": "a number", "float": "a number", "null": "nothing",
    "merge": "a merge of maps", "value": "a default value",
}  # fmt: skip


@rule("FQ011")
def nested_too_deep(at: Location, limit: int) -> Iterator[Finding]:
    """Lists and maps are nested deeper than a registry ever is.

    Problem: More than the allowed number of lists and maps stand in one another.

    Why: Such a file is made to break the reader, or a bracket was never closed.

    Example: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[

    Fix: Close the brackets; a registry needs six levels.
    """
    yield Finding(
        at.file, f"Nested deeper than {limit} levels.", remedy="Look for a bracket that is never closed.", location=at
    )


@rule("FQ012")
def key_is_not_text(at: Location) -> Iterator[Finding]:
    """A key is a list or a map.

    Problem: A map or list stands where a key is expected, often a `{placeholder}` without quotes.

    Why: Keys are names.

    Example: {index}: 5

    Fix: Quote the key: `"{index}": 5`.
    """
    yield Finding(at.file, "A key must be text.", remedy="Quote it.", location=at)
