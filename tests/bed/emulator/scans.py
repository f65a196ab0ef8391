"""Which columns of which tables a statement reads, from the analyser's answer.

Only the messages that lead to a table are walked: the answer for a scoring statement has some megabytes, and nests
deeper than protobuf decodes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service_pb
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_enums_pb2 as enums
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_pb2

from .resolved import read_varint, wire_fields

_READS = (enums.ResolvedStatementEnums.READ, enums.ResolvedStatementEnums.READ_WRITE)
_LENGTH_DELIMITED = 2


@dataclass(frozen=True)
class Scan:
    """One place where a statement reads a table; the target of DML is one."""

    table: str
    """The path as the statement names it."""
    columns: tuple[str, ...]
    target: bool = False


def scans(raw: bytes, tables: list[str]) -> list[Scan]:
    """Every scan of `tables`, with the columns it reads."""
    places: list[int] = []
    for name in tables:
        # How a reference to the table ends: its full name.
        mark = b"\x1a" + _varint_of(len(name.encode())) + name.encode()
        places += [found.start() for found in re.finditer(re.escape(mark), raw)]
    return list(_walk(raw, sorted(places)))


def _varint_of(size: int) -> bytes:
    return bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])


def _walk(raw: bytes, places: list[int]) -> Iterator[Scan]:
    waiting: list[tuple[Any, int, int]] = [(service_pb.AnalyzeResponse.DESCRIPTOR, 0, len(raw))]
    while waiting:
        message, start, end = waiting.pop()
        written = _unread_columns(message, raw, start, end)
        for number, at, body, stop in wire_fields(raw, start, end):
            field = message.fields_by_number.get(number)
            if raw[at] & 7 != _LENGTH_DELIMITED or field is None or field.message_type is None:
                continue
            first = bisect_left(places, body)
            if first == len(places) or places[first] >= stop:
                continue
            if field.message_type.name != "ResolvedTableScanProto":
                waiting.append((field.message_type, body, stop))
                continue
            scan = resolved_ast_pb2.ResolvedTableScanProto.FromString(raw[body:stop])
            names = [column.name for column in scan.parent.column_list]
            target = field.name == "table_scan"
            read = [n for n, access in zip(names, written, strict=True) if access in _READS] if written else names
            yield Scan(scan.table.full_name, tuple(read if target else names), target)


def _unread_columns(message: Any, raw: bytes, start: int, end: int) -> list[int]:
    """How DML uses each column of its target; empty for any other message."""
    field = message.fields_by_name.get("column_access_list")
    if field is None:
        return []
    found: list[int] = []
    for number, at, body, stop in wire_fields(raw, start, end):
        if number == field.number:
            place = body if raw[at] & 7 == _LENGTH_DELIMITED else at + 1
            while place < stop:
                value, place = read_varint(raw, place)
                found.append(value)
    return found
