"""Parse OPTIONS(...) of tables and columns by the rows of `properties`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from fqtool.errors import InputError
from fqtool.table.column import Column
from fqtool.table.ddl_cursor import DdlCursor, Foreign
from fqtool.table.properties import COLUMN_PROPERTIES, NAME_OF, TABLE_PROPERTIES, with_value
from fqtool.table.property import Form, OptionValue, Property, Written
from fqtool.table.spellings import interval, is_interval, moment

_DESCRIPTION = Property(("description",))
_ASYNCHRONOUS = "asynchronous"  # an option that every generated column has
_NOT_KEPT = ("storage_uri", "file_format", "table_format", "data_governance_tags")
"""Options of BigQuery that a registry does not have."""
_UNSET = ("CAST", "(", "NULL", "AS")  # as INFORMATION_SCHEMA prints an option without a value
_POLICY = re.compile(r"\{\s*['\"]name['\"]\s*:\s*['\"]([^'\"]*)['\"]\s*\}")


def table_options(cursor: DdlCursor) -> list[tuple[str, OptionValue]]:
    """Read OPTIONS(...) of a table or view with the cursor at the opening bracket.

    Returns:
        The names of the rows of `TABLE_PROPERTIES`, and their values.
    """
    known = [word for word, name in NAME_OF.items() if TABLE_PROPERTIES[name].written is not Written.CLAUSE]
    found = ((NAME_OF[word], _read(cursor, word, TABLE_PROPERTIES[NAME_OF[word]])) for word in _assigned(cursor, known))
    return [(name, value) for name, values in found for value in values]


def column_options(cursor: DdlCursor, of: Column) -> Column:
    """Read OPTIONS(...) of a column, and return the column with these options changed."""
    for name, value in named_column_options(cursor):
        of = replace(of, description=value) if name == "description" else with_value(of, name, value)
    return of


def named_column_options(cursor: DdlCursor) -> list[tuple[str, str]]:
    """Read OPTIONS(...) of a column as names, `description` or a row of `COLUMN_PROPERTIES`, and values."""
    writers = (Written.OPTIONS, Written.OWNER) if isinstance(cursor, Foreign) else (Written.OPTIONS,)
    rows = {name: row for name, row in COLUMN_PROPERTIES.items() if row.written in writers}
    rows |= {"description": _DESCRIPTION, _ASYNCHRONOUS: Property(form=Form.WORD)}
    found = ((word, _read(cursor, word, rows[word])) for word in _assigned(cursor, rows))
    return [(name, str(value)) for name, values in found for value in values if name != _ASYNCHRONOUS]


def _assigned(cursor: DdlCursor, known: Collection[str]) -> Iterator[str]:
    """Yield the name of each option with the cursor at its value. List and skip the unknown options of a script."""
    cursor.take("(")
    while not cursor.took(")"):
        word = cursor.name().lower()
        if word not in known:
            cursor.at -= 1
            if not isinstance(cursor, Foreign):
                raise cursor.wrong(f"one of the options {', '.join(known)}")
            if word not in _NOT_KEPT:
                options = ", ".join(sorted({*known} - {_ASYNCHRONOUS}))
                raise cursor.refused(
                    f"BigQuery has no option `{word}` here.",
                    f"Correct or remove it: the options are {options}. A newer fqtool may know more.",
                )
            cursor.leave_out(f"the option `{word}`")
            cursor.at += 1
        if isinstance(cursor, Foreign):
            cursor.took("+")  # data_policies += [...]
        cursor.take("=")
        if word in known:
            yield word
        else:
            cursor.until(",", ")")
        if not cursor.sees(")"):
            cursor.take(",")


def _read(cursor: DdlCursor, word: str, row: Property) -> tuple[OptionValue, ...]:
    """Read the value of an option; () if a script has an expression instead of a value."""
    start = cursor.at
    try:
        value = row.unset if _took_null(cursor) else _literal(cursor, row.form)
        if not (cursor.sees(",") or cursor.sees(")")):
            raise cursor.wrong("`,` or `)`")
    except InputError:
        if not isinstance(cursor, Foreign):
            raise
        cursor.at = start
        cursor.leave_out(f"the option `{word}`", ": its value is an expression")
        cursor.until(",", ")")
        return ()
    return (value,)


def _took_null(cursor: DdlCursor) -> bool:
    """Read NULL, also with a type."""
    if cursor.took(*_UNSET):
        cursor.until(")")
        cursor.take(")")
        return True
    return cursor.took("NULL")


def _literal(cursor: DdlCursor, form: Form) -> OptionValue:
    match form:
        case Form.LABELS:
            return tuple(_pairs(cursor))
        case Form.TAGS:
            return ", ".join(sorted(map("=".join, _pairs(cursor))))
        case Form.NAMES:
            return ", ".join(_POLICY.sub(r"\1", text) for text in _strings(cursor))
        case Form.MOMENT:
            cursor.take("TIMESTAMP")
            text = cursor.string()
            return moment(text) or text
        case Form.BOOL:
            return cursor.next("TRUE or FALSE").word == "TRUE"
        case Form.WORD:
            return cursor.next("TRUE or FALSE").word
        case Form.INTERVAL:
            start = cursor.at
            found = interval(cursor.until(",", ")"))
            if not is_interval(found):
                cursor.at = start
                raise cursor.wrong("an INTERVAL literal")
            return found
        case Form.TEXT:
            return cursor.string()
        case Form.DAYS:
            text = cursor.next("a number").raw
    try:
        return float(text)
    except ValueError:
        cursor.at -= 1
        raise cursor.wrong("a number") from None


def _pairs(cursor: DdlCursor) -> Iterator[tuple[str, str]]:
    cursor.take("[")
    while not cursor.took("]"):
        cursor.take("(")
        key = cursor.string()
        cursor.take(",")
        yield key, cursor.string()
        cursor.take(")")
        if not cursor.sees("]"):
            cursor.take(",")


def _strings(cursor: DdlCursor) -> Iterator[str]:
    if not (cursor.sees("[") or cursor.sees("(")):
        yield cursor.string()
        return
    end = "]" if cursor.next("[").raw == "[" else ")"
    while not cursor.took(end):
        yield cursor.string()
        if not cursor.sees(end):
            cursor.take(",")
