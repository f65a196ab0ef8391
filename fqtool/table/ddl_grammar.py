"""Parse the parts of GoogleSQL DDL that migrations and scripts of other authors share: columns, keys, partitions.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language. A migration is refused
if it has more than a Change can represent. A `Foreign` cursor reads a script of another author, and lists what it
leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from fqtool.sql import ident
from fqtool.table.column import Column, Kind, Mode, refused_character
from fqtool.table.ddl_cursor import DdlCursor, Foreign, bracketed_names, names, path
from fqtool.table.ddl_options import column_options, table_options
from fqtool.table.model import GRANULARITIES, INGESTION_TIME, Partitioning, Table, foreign_key
from fqtool.table.properties import ordered, with_values
from fqtool.table.property import OptionValue
from fqtool.table.tokens import cut
from fqtool.table.typetext import not_null, read_type

_DEFAULT_ENDS = ("NOT", "COLLATE", "OPTIONS", "PRIMARY", "REFERENCES", "CONSTRAINT", ",", ")")
RANGE = re.compile(r"RANGE\((.*)\)")
"""The granularity of a partitioning by ranges of whole numbers: start, end, interval."""
_EMBEDDING = re.compile(r"\s*AI\s*\.\s*(?:EMBED|GENERATE_EMBEDDING)\s*\(", re.IGNORECASE)


def created_table(cursor: DdlCursor, name: str) -> Table:
    """Read what follows CREATE TABLE and the name, up to the options.

    Args:
        cursor: A cursor at the opening bracket.
        name: The name of the table.
    """
    columns = dict[str, Column]()
    values = dict[str, OptionValue]()
    cursor.default_collation = _default_collation(cursor)
    cursor.take("(")
    while not (columns and cursor.took(")")):
        if not took_constraint(cursor):
            start = cursor.at
            made = column(cursor)
            if made.key in columns and isinstance(cursor, Foreign):
                cursor.at = start
                raise cursor.refused(f"The column `{made.name}` occurs twice.", "Remove one of them.")
            columns[made.key] = made
        if not (cursor.sees(")") or cursor.sees(",")):
            raise cursor.wrong("`,` or `)` after the column")
        if not cursor.sees(")"):
            cursor.take(",")
    if cursor.took("DEFAULT", "COLLATE"):
        cursor.string()
    values["default_collation"] = cursor.default_collation
    by = partitioning(cursor, columns) if cursor.took("PARTITION", "BY") else None
    clustering = tuple(names(cursor)) if cursor.took("CLUSTER", "BY") else ()
    if isinstance(cursor, Foreign) and cursor.took("WITH", "CONNECTION"):
        cursor.leave_out("WITH CONNECTION")
        if not cursor.took("DEFAULT"):
            path(cursor)
    values |= table_options(cursor) if cursor.took("OPTIONS") else ()
    table = Table(
        name, tuple(columns.values()), by, clustering, primary_key=cursor.primary_key, foreign_keys=cursor.foreign_keys
    )
    return with_values(table, values)


def _default_collation(cursor: DdlCursor) -> str:
    """The collation of columns without one: that of the table, which follows its columns, else that of the dataset."""
    words = [token.word for token in cursor.tokens]
    found = next((at for at, pair in enumerate(pairwise(words)) if pair == ("DEFAULT", "COLLATE")), None)
    if found is None:
        return cursor.default_collation
    ahead = DdlCursor(cursor.sql, cursor.tokens[found + 2 :])
    return ahead.string()


def column(cursor: DdlCursor, depth: int = 0) -> Column:
    """Read a column or field: name, type, COLLATE, key, DEFAULT or generated expression, NOT NULL, OPTIONS."""
    line = cursor.line
    name = cursor.name()
    if isinstance(cursor, Foreign) and not depth:
        cursor.lines[name.lower()] = line
    if isinstance(cursor, Foreign) and (refused := refused_character(name)):
        cursor.at -= 1
        raise cursor.refused(f"BigQuery does not allow {refused!r} in the name `{name}`.", "Rename the column.")
    made = typed(cursor, name, depth)
    collation, cursor.element_collation = cursor.element_collation, None
    if cursor.took("COLLATE"):
        collation = cursor.string()
    if collation is None and made.type.kind is Kind.STRING:
        collation = cursor.default_collation
    properties = {"collation": collation or ""}
    default, mode = None, made.mode
    while not cursor.done:
        if cursor.sees("DEFAULT"):
            if depth:
                raise cursor.refused(
                    f"`{name}` is a field with a DEFAULT; BigQuery has defaults of whole columns only.",
                    "Write the DEFAULT after the type of the column, with a value for each of its fields.",
                )
            if mode is Mode.REQUIRED:
                raise cursor.refused(
                    f"NOT NULL of `{name}` comes before DEFAULT; BigQuery requires DEFAULT first.",
                    "Write DEFAULT and its value before NOT NULL.",
                )
            cursor.take("DEFAULT")
            default = cursor.until(*_DEFAULT_ENDS)
            if cursor.sees("COLLATE"):
                raise cursor.refused(
                    f"COLLATE of `{name}` comes after DEFAULT; BigQuery requires COLLATE first.",
                    "Write COLLATE after the type.",
                )
        elif cursor.sees("NOT", "NULL"):
            mode = not_null(cursor, name, mode)
        elif cursor.sees("GENERATED") or cursor.sees("AS", "("):
            properties["generated"] = _generated(cursor, name)
        elif not _took_key(cursor, name):
            break
    made = replace(made, mode=mode, default=default, properties=ordered(properties))
    if cursor.took("OPTIONS"):
        made = column_options(cursor, made)
    return _with_comment(cursor, made) if isinstance(cursor, Foreign) and not made.description else made


def typed(cursor: DdlCursor, name: str, depth: int = 0) -> Column:
    """Read the type of the column `name`.

    Args:
        cursor: Before the type.
        name: The name of the column.
        depth: How many STRUCT and ARRAY types surround the column.
    """
    kind, mode = read_type(cursor, column, depth)
    return Column(name, kind, mode)


def _with_comment(cursor: Foreign, made: Column) -> Column:
    text = cursor.comment()
    if text and cursor.takes_comments:
        return replace(made, description=text)
    if text:
        cursor.commented.append(made.name)
    return made


def _generated(cursor: DdlCursor, name: str) -> str:
    """Read GENERATED ALWAYS AS (expression) STORED, which BigQuery supports only for embeddings."""
    place = cursor.at
    cursor.took("GENERATED", "ALWAYS")
    cursor.take("AS")
    cursor.take("(")
    expression = cursor.until(")")
    cursor.take(")")
    if not _EMBEDDING.match(expression):
        cursor.at = place
        raise cursor.refused(
            f"`{name}` is generated by `{expression[:60]}`; BigQuery generates columns only with AI.EMBED.",
            f"Make `{name}` an ordinary column, and compute it in a view or in the job that writes the table.",
        )
    cursor.took("STORED")
    return expression


def _took_key(cursor: DdlCursor, name: str) -> bool:
    """Read PRIMARY KEY or REFERENCES of a column, with or without CONSTRAINT and a name."""
    if cursor.took("CONSTRAINT"):
        cursor.name()
    start = cursor.at
    if cursor.took("PRIMARY", "KEY"):
        _set_primary_key(cursor, start, (name,))
    elif cursor.sees("REFERENCES"):
        cursor.foreign_keys += (_references(cursor, (name,)),)
    else:
        return False
    _take_not_enforced(cursor, start)
    return True


def _set_primary_key(cursor: DdlCursor, start: int, columns: tuple[str, ...]) -> None:
    if cursor.primary_key:
        cursor.at = start
        known = ", ".join(cursor.primary_key)
        raise cursor.refused(f"The table has the primary key {known} already.", "Keep one of the two keys.")
    cursor.primary_key = columns


def _take_not_enforced(cursor: DdlCursor, start: int) -> None:
    if not cursor.took("NOT", "ENFORCED"):
        cursor.at = start
        raise cursor.refused("BigQuery has only keys that are NOT ENFORCED.", "Write NOT ENFORCED after the key.")


def took_constraint(cursor: DdlCursor) -> bool:
    """Read [CONSTRAINT name] PRIMARY KEY (...) or FOREIGN KEY (...) REFERENCES ..., and return whether it was there."""
    start, name, keeps = cursor.at, "", False
    if cursor.took("CONSTRAINT"):
        keeps = cursor.took("IF", "NOT", "EXISTS")
        name = cursor.name().lower()
    start_of_key = cursor.at
    if cursor.took("PRIMARY", "KEY"):
        _set_primary_key(cursor, start_of_key, bracketed_names(cursor))
    elif cursor.took("FOREIGN", "KEY"):
        key = _references(cursor, bracketed_names(cursor))
        if not (keeps and name in cursor.named_keys):
            cursor.foreign_keys += (key,)
            cursor.named_keys |= {name: key} if name else {}
    else:
        cursor.at = start
        return False
    _take_not_enforced(cursor, start_of_key)
    return True


def _references(cursor: DdlCursor, of: tuple[str, ...]) -> str:
    cursor.take("REFERENCES")
    table, columns = path(cursor), bracketed_names(cursor)
    return foreign_key(of, ".".join(table), columns)


def partitioning(cursor: DdlCursor, columns: Mapping[str, Column]) -> Partitioning:
    """Read the expression after PARTITION BY.

    Args:
        cursor: A cursor at the expression.
        columns: The columns of the table by lower-case name.

    Raises:
        InputError: BigQuery does not partition by the expression.
    """
    start = cursor.at
    first = cursor.name()
    if cursor.took("("):
        by = _range(cursor) if first.upper() == "RANGE_BUCKET" else _by_function(cursor, first, start)
    else:
        by = Partitioning(first)
        found = columns.get(first.lower())
        if found and found.type.kind in (Kind.TIMESTAMP, Kind.DATETIME):
            cursor.at = start
            raise cursor.refused(
                f"`{found.name}` is a {found.type.kind}; BigQuery partitions by a bare column only if it is a DATE.",
                f"Write PARTITION BY {found.type.kind}_TRUNC({found.name}, DAY), or with HOUR, MONTH or YEAR.",
            )
    if by.column.upper() in (INGESTION_TIME, "_PARTITIONDATE"):
        return replace(by, column=INGESTION_TIME)
    if isinstance(cursor, Foreign) and by.column.lower() not in columns:
        cursor.at = start
        raise cursor.refused(f"The table has no column `{by.column}` to partition by.", "Use one of its columns.")
    return by


def parse_partitioning(text: str) -> Partitioning:
    """Return the partitioning of a PARTITION BY expression by itself, e.g. `_PARTITIONDATE`. Raises InputError."""
    cursor = DdlCursor(text, cut(text))
    found = partitioning(cursor, {})
    if not cursor.done:
        raise cursor.wrong("the end of the expression")
    return found


def partition_sql(by: Partitioning, kind: Kind) -> str:
    """Return the PARTITION BY expression of a partitioning.

    Args:
        by: The partitioning.
        kind: The type of its column.
    """
    name = ident(by.column)
    if by.column == INGESTION_TIME:
        return "_PARTITIONDATE" if by.granularity == "DAY" else f"TIMESTAMP_TRUNC({INGESTION_TIME}, {by.granularity})"
    if bounds := RANGE.fullmatch(by.granularity):
        return f"RANGE_BUCKET({name}, GENERATE_ARRAY({bounds[1]}))"
    return name if kind is Kind.DATE and by.granularity == "DAY" else f"{kind}_TRUNC({name}, {by.granularity})"


def range_of(by: Partitioning) -> dict[str, int]:
    """Return `start`, `end` and `interval` of partitions by whole numbers; {} for other partitions."""
    bounds = RANGE.fullmatch(by.granularity)
    return dict(zip(("start", "end", "interval"), map(int, bounds[1].split(", ")), strict=True)) if bounds else {}


def _by_function(cursor: DdlCursor, function: str, start: int) -> Partitioning:
    name = cursor.name()
    if cursor.took(","):
        if cursor.tokens[cursor.at : cursor.at + 1] and cursor.tokens[cursor.at].raw[0] in "'\"":
            cursor.at = start
            raise cursor.refused(
                f"BigQuery does not partition by {function}(...) with a time zone: partitions are days in UTC.",
                f"Write {function}({name}), or partition by a DATE column with the local date.",
            )
        granularity = cursor.name().upper()
        if granularity not in GRANULARITIES:
            cursor.at = start
            raise cursor.refused(
                f"BigQuery does not partition by {granularity}.", f"Write one of {', '.join(GRANULARITIES)}."
            )
    else:
        granularity = "DAY"
    cursor.take(")")
    return Partitioning(name, granularity)


def _bound(cursor: DdlCursor) -> str:
    start = cursor.at
    text = "".join(cursor.until(",", ")").split())
    if not re.fullmatch(r"-?\d{1,19}", text):
        cursor.at = start
        raise cursor.wrong("a whole number")
    return text


def _range(cursor: DdlCursor) -> Partitioning:
    """Read `column, GENERATE_ARRAY(start, end[, interval]))`."""
    name = cursor.name()
    cursor.take(",", "GENERATE_ARRAY", "(")
    bounds = [_bound(cursor)]
    while cursor.took(","):
        bounds.append(_bound(cursor))
    cursor.take(")", ")")
    return Partitioning(name, f"RANGE({', '.join([*bounds, '1'][:3])})")
