"""fqtool check-record: the records of a file beside the registry and the live table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from fqtool.commands.check_record.rules import Seen
from fqtool.errors import InputError
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Location
from fqtool.records.check import NO_OBJECT, RecordCheck
from fqtool.records.misfits import (
    Misfit,
    Missing,
    OtherLabel,
    RejectedVersion,
    UnknownLabel,
    UnknownPosition,
    Unreadable,
)
from fqtool.warehouse.duckdb.plain_records import Failed, Passed, PlainRecord, plain_records

STDIN = "stdin"
_BY_MESSAGE = (Unreadable, RejectedVersion, UnknownLabel, UnknownPosition, OtherLabel)
_DISTINCT = 20


@dataclass(slots=True)
class _Tally:
    """A problem of one field: the first misfit, where it was, and how many records have it.

    `is_other`: it is one of many of its kind that differ in a label. `last` is the number of the last such record.
    """

    misfit: Misfit
    first: PlainRecord
    is_other: bool = False
    records: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """How many records were checked, and what was found, each problem of a field once."""

    records: int
    findings: tuple[Finding, ...]


def check_record(check: RecordCheck, record: Any) -> tuple[Finding, ...]:
    """Return what is wrong with one record of a program."""
    if check.is_right(record):
        return ()
    return tuple(finding for misfit in check.misfits(record) for finding in _found(Seen(), misfit))


def check_file(check: RecordCheck, path: Path, sample: int | None = None) -> Checked:
    """Check the records of a file, the first `sample` of them where that is given.

    Raises InputError for a file without records, and what `plain_records` does.
    """
    name = STDIN if str(path) == "-" else str(path)
    records = plain_records(path, check, pass_over_right=sample is None)
    checked = _checked(check, name, islice(records, sample))
    if not checked.records:
        raise InputError(f"{name} has no records.", remedy="Name a file that has at least one record of the writer.")
    return checked


def _checked(check: RecordCheck, name: str, records: Iterable[PlainRecord]) -> Checked:
    tallies, count = dict[tuple[type, str, str], _Tally](), 0
    distinct = dict[tuple[type, str], set[str]]()
    for record in records:
        held = record.held
        if isinstance(held, Passed):
            count += held.records
            continue
        count += 1
        if isinstance(held, Failed):
            misfits: Iterable[Misfit] = (Unreadable("record", held.why, held.remedy),)
        elif check.is_right(held):
            continue
        else:
            misfits = check.misfits(held)
        for key, misfit in {(type(one), one.field, _problem(one)): one for one in misfits}.items():
            of_field = distinct.setdefault(key[:2], set())
            is_other = key[2] not in of_field and len(of_field) >= _DISTINCT
            tally = tallies.setdefault((*key[:2], "") if is_other else key, _Tally(misfit, record, is_other))
            tally.records += tally.last != record.number
            tally.last = record.number
            if not is_other:
                of_field.add(key[2])
    found = (finding for one in _joined(tallies.values()) for finding in _found(_seen(one, name, count), one.misfit))
    return Checked(count, tuple(found))


def _problem(misfit: Misfit) -> str:
    """Return what distinguishes problems of one kind and field: fixes of labels differ, those of values do not."""
    if isinstance(misfit, Missing):
        return "NULL" if misfit.is_null else "missing"
    if isinstance(misfit, Unreadable) and misfit.why.startswith(NO_OBJECT):
        return misfit.remedy
    return misfit.problem if isinstance(misfit, _BY_MESSAGE) else ""


def _is_null(misfit: Misfit) -> bool:
    return isinstance(misfit, Missing) and misfit.is_null


def _joined(tallies: Iterable[_Tally]) -> Iterator[_Tally]:
    """Yield the tallies, with one for the fields that as many records lack, from the same record on."""
    missing = dict[tuple[int, int, bool], _Tally]()
    others = list[_Tally]()
    for tally in tallies:
        misfit, key = tally.misfit, (tally.first.number, tally.records, _is_null(tally.misfit))
        if isinstance(misfit, Missing) and (joined := missing.get(key)) and isinstance(joined.misfit, Missing):
            joined.misfit = replace(joined.misfit, others=(*joined.misfit.others, misfit.field, *misfit.others))
            continue
        if isinstance(misfit, Missing):
            missing[key] = tally
        others.append(tally)
    yield from others


def _seen(tally: _Tally, name: str, count: int) -> Seen:
    first = tally.first
    at = Location(name, first.number if first.unit == "line" else 0)
    return Seen(None if name == STDIN else at, f"{first.unit} {first.number:,}", tally.records, count, tally.is_other)


def _found(seen: Seen, misfit: Misfit) -> tuple[Finding, ...]:
    return next(rule.check(seen, misfit) for rule in rules_of(Group.RECORDS) if rule.looks_at(misfit))
