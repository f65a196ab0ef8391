"""Read the lines of files as DuckDB counts records: the place of each record, and its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

LINE_LIMIT = 16 * 1024 * 1024
"""The longest record that is read, in bytes."""
TOO_LONG = f"longer than {LINE_LIMIT // 1024 // 1024} MiB"

BUFFER = 1 << 18  # lines of a few KB are read in a third of the time that they take with Python's 8 KB
_BLANKS = b" \t\r\n\v\f"


class Record(NamedTuple):
    """The number of a record and its first line, both from 1, and its first LINE_LIMIT bytes."""

    number: int
    line: int
    raw: bytes


def json_records(path: Path) -> Iterator[Record]:
    """Yield the lines that are not blank. Numbers do not count blank lines."""
    number = 0
    for line, raw in numbered_lines(path):
        if not is_blank(raw):
            number += 1
            yield Record(number, line, raw.rstrip(b"\r\n"))


def is_blank(line: bytes) -> bool:
    """Return whether a line has no record."""
    return not line.strip(_BLANKS)


def csv_records(lines: Iterable[tuple[int, bytes]], delimiter: str, width: int) -> Iterator[Record]:
    """Yield the records after the header that are not blank. A record may contain quoted line breaks.

    Numbers count the header and blank lines, as DuckDB does.

    Args:
        lines: The lines of the file from the header on, as `lines_of` yields them.
        delimiter: The delimiter of cells.
        width: The number of columns.
    """
    parts, first, number, size, quote_open = list[bytes](), 0, 0, 0, False
    for line, raw in lines:
        first = first or line
        if size < LINE_LIMIT:
            parts.append(raw)
            size += len(raw)
        if b'"' in raw:
            quote_open = _quote_open(raw, delimiter.encode(), inside=quote_open)
        if not quote_open:
            number += 1
            yield from _record(number, first, parts, width)
            parts, first, size = [], 0, 0
    yield from _record(number + 1, first, parts, width)


def ends_differ(path: Path) -> bool:
    """Return whether some lines of a file end in CRLF and others in LF."""
    feeds = pairs = 0
    with path.open("rb") as stream:
        last = b""
        while chunk := stream.read(1 << 20):
            feeds += chunk.count(b"\n")
            pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
            last = chunk[-1:]
    return 0 < pairs < feeds


def write_with_line_feeds(source: Path, target: Path, delimiter: str) -> None:
    """Copy a CSV file so that all its records end in LF. Line breaks in quoted cells are kept. Raises OSError.

    Args:
        source: The file to read.
        target: The file to write.
        delimiter: The character between two cells.
    """
    quote_open = False
    with source.open("rb") as read, target.open("wb") as written:
        while line := read.readline(LINE_LIMIT):
            quote_open = _quote_open(line, delimiter.encode(), inside=quote_open) if b'"' in line else quote_open
            written.write(line if quote_open else re.sub(rb"\r\n\Z", b"\n", line))


def write_without_long_lines(source: Path, target: Path) -> None:
    """Copy a file, with each line longer than LINE_LIMIT replaced by one that is not JSON. Raises OSError."""
    with target.open("wb") as written:
        for _, line in numbered_lines(source):
            ended = line if line.endswith(b"\n") else line + b"\n"
            written.write(ended if len(ended) <= LINE_LIMIT + 1 else b"!\n")


def _record(number: int, first: int, parts: list[bytes], width: int) -> Iterator[Record]:
    raw = b"".join(parts).rstrip(b"\r\n")
    if parts and number > 1 and (raw or width == 1):
        yield Record(number, first, raw)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file as `lines_of`."""
    with path.open("rb", buffering=BUFFER) as stream:
        yield from lines_of(stream)


def batches_of(stream: BinaryIO, size: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield lines without LF, many together, with the number of the first from 1.

    A line longer than LINE_LIMIT is cut after that.

    Args:
        stream: What is read.
        size: How many bytes to read before the batch ends with the line that they are in; 1 yields single lines.
    """
    number = 1
    while batch := stream.read(size):
        if not batch.endswith(b"\n"):
            batch += (rest := stream.readline(LINE_LIMIT + 2))
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(LINE_LIMIT)
        lines = batch.removesuffix(b"\n").split(b"\n")
        yield number, lines
        number += len(lines)


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a stream, numbered from 1, each with its first LINE_LIMIT + 2 bytes."""
    number = 0
    while line := stream.readline(LINE_LIMIT + 2):
        number += 1
        yield number, line
        while not line.endswith(b"\n") and (line := stream.readline(LINE_LIMIT)):
            pass


def _quote_open(line: bytes, delimiter: bytes, *, inside: bool) -> bool:
    """Return whether a quoted cell continues after this line. A quote opens only at the start of a cell."""
    at = 0
    while True:
        if not inside:
            if line[at : at + 1] != b'"':
                at = line.find(delimiter, at) + 1
                if not at:
                    return False
                continue
            at += 1
        at = line.find(b'"', at)
        if at < 0:
            return True
        inside = line[at + 1 : at + 2] == b'"'
        at += 2 if inside else 1
