"""Parse the parts of GoogleSQL DDL that migrations and scripts of other authors share: names, columns, options.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language. A migration is refused
if it has more than a Change can represent. A `Foreign` cursor reads a script of another author: it keeps the keys, and
lists what it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from fqtool.errors import InputError
from fqtool.table.column import Column, Kind, Mode, Properties
from fqtool.table.ddl import OPTION_NAMES, OptionValue
from fqtool.table.model import INGESTION_TIME, Options, Partitioning, Table
from fqtool.table.properties import COLUMN_PROPERTIES, TABLE_PROPERTIES, interval
from fqtool.table.tokens import Cursor, Token, unquoted
from fqtool.table.typetext import not_null, read_type

FIELDS = {bigquery: ours for ours, bigquery in OPTION_NAMES.items()}
NO_IF = "Remove IF [NOT] EXISTS: it compares only names, and hides other differences."
_DEFAULT_ENDS = ("NOT", "OPTIONS", "PRIMARY", "REFERENCES", "CONSTRAINT", ",", ")")
_DASHED = re.compile(r"[A-Za-z_]\w*(?:-\w+)+")
_BESIDE = re.compile(r"[ \t]*,?[ \t]*(?:(?:--|#)(?P<line>[^\r\n]*)|/\*(?P<block>[^\r\n]*?)\*/)")
_EMBEDDING = re.compile(r"\s*AI\s*\.\s*(?:EMBED|GENERATE_EMBEDDING)\s*\(", re.IGNORECASE)


class Foreign(Cursor):
    """A cursor over DDL that fqtool did not write.

    Args:
        comments: Use the comment after a column as its description if it has no description.
    """

    def __init__(self, sql: str, tokens: list[Token], *, comments: bool = False) -> None:
        super().__init__(sql, tokens)
        self.takes_comments = comments
        self.left_out = list[str]()
        self.commented = list[str]()
        self.primary_key: tuple[str, ...] = ()
        self.foreign_keys: tuple[str, ...] = ()
        self.element_collation = ""

    def take_element_options(self) -> None:
        """Read the collation of an ARRAY's elements, which is that of the column."""
        if self.took("COLLATE"):
            self.element_collation = self.string()
        super().take_element_options()

    def leave_out(self, what: str, why: str = "") -> None:
        """Record what is not kept, with its line."""
        self.left_out.append(f"line {self.line}: {what} is left out{why}.")

    def comment(self) -> str:
        """Return the comment after the last token on its line, or ""."""
        match = _BESIDE.match(self.sql, self.tokens[self.at - 1].end)
        return " ".join((match["line"] or match["block"] or "").split()) if match else ""


def path(cursor: Cursor) -> tuple[str, ...]:
    """Read the path of a table or view. In a script, a project with dashes may be without backticks."""
    if cursor.sees("IF"):
        raise cursor.wrong("a name", NO_IF)
    parts = _part(cursor)
    while cursor.tokens[cursor.at - 1].raw.endswith(".") or cursor.took("."):  # `project-1.` ends in a number `1.`
        parts += _part(cursor)
    return tuple(parts)


def _part(cursor: Cursor) -> list[str]:
    match = _DASHED.match(cursor.sql, cursor.place) if isinstance(cursor, Foreign) else None
    if not match:
        return cursor.name().split(".")
    while not cursor.done and cursor.place < match.end():
        cursor.at += 1
    return [match[0]]


def names(cursor: Cursor) -> list[str]:
    """Read names separated by commas."""
    found = [cursor.name()]
    while cursor.took(","):
        found.append(cursor.name())
    return found


def bracketed_names(cursor: Cursor) -> tuple[str, ...]:
    """Read names in brackets."""
    cursor.take("(")
    found = names(cursor)
    cursor.take(")")
    return tuple(found)


def created_table(cursor: Cursor, name: str) -> Table:
    """Read what follows CREATE TABLE and the name, up to the options.

    Args:
        cursor: A cursor at the opening bracket.
        name: The name of the table.
    """
    columns = dict[str, Column]()
    properties = dict[str, str]()
    cursor.take("(")
    while not (columns and cursor.took(")")):
        if not (isinstance(cursor, Foreign) and took_constraint(cursor)):
            start = cursor.at
            made = column(cursor)
            if made.key in columns and isinstance(cursor, Foreign):
                cursor.at = start
                raise cursor.refused(f"The column `{made.name}` occurs twice.", "Remove one of them.")
            columns[made.key] = made
        if not cursor.sees(")"):
            cursor.take(",")
    if isinstance(cursor, Foreign) and cursor.took("DEFAULT", "COLLATE"):
        properties["default_collation"] = cursor.string()
    by = partitioning(cursor, columns) if cursor.took("PARTITION", "BY") else None
    clustering = tuple(names(cursor)) if cursor.took("CLUSTER", "BY") else ()
    if isinstance(cursor, Foreign) and cursor.took("WITH", "CONNECTION"):
        cursor.leave_out("WITH CONNECTION")
        if not cursor.took("DEFAULT"):
            path(cursor)
    options = table_options(cursor, properties) if cursor.took("OPTIONS") else ()
    table = Table(name, tuple(columns.values()), by, clustering, Options(**dict(options)))  # type: ignore[arg-type]
    if isinstance(cursor, Foreign):
        return replace(table, primary_key=cursor.primary_key, foreign_keys=cursor.foreign_keys,
                       properties=ordered(properties))  # fmt: skip
    return table


def column(cursor: Cursor, depth: int = 0) -> Column:
    """Read a column or field: name, type, COLLATE, key, DEFAULT or generated expression, NOT NULL, OPTIONS."""
    name = cursor.name()
    made = typed(cursor, name, depth)
    properties = dict[str, str]()
    if isinstance(cursor, Foreign):
        properties["collation"], cursor.element_collation = cursor.element_collation, ""
        if cursor.took("COLLATE"):
            properties["collation"] = cursor.string()
    default, mode = None, made.mode
    while not cursor.done:
        if cursor.sees("DEFAULT"):
            if mode is Mode.REQUIRED:
                raise cursor.refused(
                    f"NOT NULL of `{name}` comes before DEFAULT; BigQuery requires DEFAULT first.",
                    "Write DEFAULT and its value before NOT NULL.",
                )
            cursor.take("DEFAULT")
            default = cursor.until(*_DEFAULT_ENDS, *(">" if depth else ()))
        elif cursor.sees("NOT", "NULL"):
            mode = not_null(cursor, name, mode)
        elif isinstance(cursor, Foreign) and (cursor.sees("GENERATED") or cursor.sees("AS", "(")):
            properties["generated"] = _generated(cursor, name)
        elif not _took_key(cursor, name):
            break
    made = replace(made, mode=mode, default=default, properties=ordered(properties))
    if cursor.took("OPTIONS"):
        made = column_options(cursor, made)
    return _with_comment(cursor, made) if isinstance(cursor, Foreign) and not made.description else made


def typed(cursor: Cursor, name: str, depth: int = 0) -> Column:
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


def _generated(cursor: Foreign, name: str) -> str:
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


def _took_key(cursor: Cursor, name: str) -> bool:
    """Read PRIMARY KEY or REFERENCES of a column, with or without CONSTRAINT and a name."""
    if not isinstance(cursor, Foreign):
        return False
    if cursor.took("CONSTRAINT"):
        cursor.name()
    if cursor.took("PRIMARY", "KEY"):
        cursor.primary_key += (name,)
    elif cursor.sees("REFERENCES"):
        cursor.foreign_keys += (_references(cursor, (name,)),)
    else:
        return False
    cursor.took("NOT", "ENFORCED")
    return True


def took_constraint(cursor: Foreign) -> bool:
    """Read [CONSTRAINT name] PRIMARY KEY (...) or FOREIGN KEY (...) REFERENCES ..., and return whether it was there."""
    start = cursor.at
    if cursor.took("CONSTRAINT"):
        cursor.took("IF", "NOT", "EXISTS")
        cursor.name()
    if cursor.took("PRIMARY", "KEY"):
        cursor.primary_key = bracketed_names(cursor)
    elif cursor.took("FOREIGN", "KEY"):
        cursor.foreign_keys += (_references(cursor, bracketed_names(cursor)),)
    else:
        cursor.at = start
        return False
    cursor.took("NOT", "ENFORCED")
    return True


def _references(cursor: Cursor, of: tuple[str, ...]) -> str:
    cursor.take("REFERENCES")
    table, columns = path(cursor), bracketed_names(cursor)
    return f"FOREIGN KEY ({', '.join(of)}) REFERENCES {'.'.join(table)}({', '.join(columns)})"


def partitioning(cursor: Cursor, columns: Mapping[str, Column]) -> Partitioning:
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


def _by_function(cursor: Cursor, function: str, start: int) -> Partitioning:
    name = cursor.name()
    if cursor.took(","):
        if cursor.tokens[cursor.at : cursor.at + 1] and cursor.tokens[cursor.at].raw[0] in "'\"":
            cursor.at = start
            raise cursor.refused(
                f"BigQuery does not partition by {function}(...) with a time zone: partitions are days in UTC.",
                f"Write {function}({name}), or partition by a DATE column with the local date.",
            )
        granularity = cursor.name().upper()
    else:
        granularity = "DAY"
    cursor.take(")")
    return Partitioning(name, granularity)


def _range(cursor: Cursor) -> Partitioning:
    """Read `column, GENERATE_ARRAY(start, end[, interval]))`."""
    name = cursor.name()
    cursor.take(",", "GENERATE_ARRAY", "(")
    bounds = [cursor.until(",", ")")]
    while cursor.took(","):
        bounds.append(cursor.until(",", ")"))
    cursor.take(")", ")")
    return Partitioning(name, f"RANGE({', '.join([*bounds, '1'][:3])})")


def table_options(cursor: Cursor, properties: dict[str, str]) -> list[tuple[str, OptionValue]]:
    """Read OPTIONS(...) of a table.

    Args:
        cursor: A cursor at the opening bracket.
        properties: Receives the options that are not fields of `Options`.

    Returns:
        The options that are fields of `Options`, as names and values.
    """
    options = list[tuple[str, OptionValue]]()
    foreign = isinstance(cursor, Foreign)
    for word in _assigned(cursor, {*FIELDS, *TABLE_PROPERTIES} if foreign else FIELDS):
        if word not in FIELDS:
            properties[word] = _property(cursor, word)
        else:
            options += ((FIELDS[word], value) for value in _option_value(cursor, FIELDS[word]))
    return options


def column_options(cursor: Cursor, of: Column) -> Column:
    """Read OPTIONS(...) of a column, and return the column with these options changed."""
    foreign = isinstance(cursor, Foreign)
    known = ("description", *(("policy_tags", *COLUMN_PROPERTIES) if foreign else ()))
    properties = dict(of.properties)
    for word in _assigned(cursor, known):
        if word == "description":
            for value in _option_value(cursor, word):
                of = replace(of, description=str(value or ""))
        elif word == "policy_tags":
            of = replace(of, policy_tags=tuple(filter(None, _property(cursor, word).split(", "))))
        else:
            properties[word] = _property(cursor, word)
    return replace(of, properties=ordered(properties))


def ordered(properties: Mapping[str, str]) -> Properties:
    """Return the properties that are set, in the order of names."""
    return tuple(sorted((name, text) for name, text in properties.items() if text))


def _assigned(cursor: Cursor, known: Collection[str]) -> Iterator[str]:
    """Yield the name of each option with the cursor at its value. List and skip the unknown options of a script."""
    cursor.take("(")
    while not cursor.took(")"):
        word = cursor.name().lower()
        if word not in known:
            cursor.at -= 1
            if not isinstance(cursor, Foreign):
                raise cursor.wrong(f"one of the options {', '.join(known)}")
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


def _property(cursor: Cursor, name: str) -> str:
    """Read the value of a property as text; "" for NULL."""
    start = cursor.at
    text = cursor.until(",", ")")
    strings = [unquoted(token.raw) for token in cursor.tokens[start : cursor.at] if token.raw[-1] in "'\""]
    if name == "tags":
        return ", ".join(sorted(map("=".join, zip(strings[::2], strings[1::2], strict=False))))
    if name == "max_staleness":
        return interval(text)
    return ", ".join(strings) if strings else "" if text.upper() == "NULL" else text.upper()


def _option_value(cursor: Cursor, name: str) -> tuple[OptionValue, ...]:
    """Read the value of an option; () if a script has an expression instead of a value."""
    start = cursor.at
    try:
        value = _literal(cursor, name)
        if not (cursor.sees(",") or cursor.sees(")")):
            raise cursor.wrong(", or )")
    except InputError:
        if not isinstance(cursor, Foreign):
            raise
        cursor.at = start
        cursor.leave_out(f"the option `{OPTION_NAMES[name]}`", ": its value is an expression")
        cursor.until(",", ")")
        return ()
    return (value,)


def _literal(cursor: Cursor, name: str) -> OptionValue:
    unset: OptionValue = getattr(Options(), name)
    if cursor.took("NULL"):
        return unset
    if name == "labels":
        return _labels(cursor)
    if name == "expiration":
        cursor.take("TIMESTAMP")
        return cursor.string()
    if isinstance(unset, bool):
        return cursor.next("TRUE or FALSE").word == "TRUE"
    if isinstance(unset, str):
        return cursor.string()
    text = cursor.next("a number").raw
    try:
        return float(text)
    except ValueError:
        cursor.at -= 1
        raise cursor.wrong("a number") from None


def _labels(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    cursor.take("[")
    labels: list[tuple[str, str]] = []
    while not cursor.took("]"):
        cursor.take("(")
        key = cursor.string()
        cursor.take(",")
        labels.append((key, cursor.string()))
        cursor.take(")")
        if not cursor.sees("]"):
            cursor.take(",")
    return tuple(labels)
