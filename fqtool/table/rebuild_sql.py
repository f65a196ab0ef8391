"""The statements about rows of a rebuild as GoogleSQL, and their parser.

The copy is one MERGE, which replaces all rows in one step. The comparison is a query that fails where counts or
checksums differ. The checksum is the sum of the fingerprints of all rows: it does not depend on their order, and a row
that occurs twice counts twice.
"""

from __future__ import annotations

from fqtool.sql import ident, literal
from fqtool.table.change_rebuild import CopyRows, RenameTable, RowsChange, VerifyCopy
from fqtool.table.tokens import Cursor, cut


def rows_sql(change: CopyRows | VerifyCopy) -> str:
    """Return the statement, without a semicolon."""
    return _copy(change) if isinstance(change, CopyRows) else _verify(change)


def source_query(change: RowsChange) -> str:
    """Return the query of the rows of the old table as the new one has them."""
    columns = ",\n  ".join(f"{expression} AS {ident(name)}" for name, expression in change.columns)
    return f"SELECT\n  {columns}\nFROM {ident(change.source)}{_where(change.source_filter)}"


def target_query(change: RowsChange) -> str:
    """Return the query of the rows of the new table, with the same columns."""
    columns = ",\n  ".join(ident(name) for name, _ in change.columns)
    return f"SELECT\n  {columns}\nFROM {ident(change.target)}{_where(change.target_filter)}"


def _where(condition: str) -> str:
    return f"\nWHERE {condition}" if condition else ""


def _copy(change: CopyRows) -> str:
    names = ", ".join(ident(name) for name, _ in change.columns)
    values = ", ".join(f"s.{ident(name)}" for name, _ in change.columns)
    filtered = f" AND ({change.target_filter})" if change.target_filter else ""
    return (
        f"MERGE {ident(change.target)} AS t\nUSING (\n{source_query(change)}\n) AS s\nON FALSE\n"
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})\nWHEN NOT MATCHED BY SOURCE{filtered} THEN DELETE"
    )


def _verify(change: VerifyCopy) -> str:
    names = ", ".join(f"r.{ident(name)}" for name, _ in change.columns)
    checksum = f"SUM(CAST(FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({names}))) AS BIGNUMERIC))"
    sums = f"SELECT TO_JSON_STRING(STRUCT(COUNT(*) AS `rows`, {checksum} AS `checksum`)) FROM"
    differ = literal(f"{change.source} and {change.target} have different rows")
    return (
        f"SELECT IF(\n({sums} (\n{source_query(change)}\n) AS r)\n=\n({sums} (\n{target_query(change)}\n) AS r),\n"
        f"'equal', ERROR({differ}))"
    )


def parse_rows(cursor: Cursor) -> CopyRows | VerifyCopy:
    """Read the statement at the cursor. Raises InputError for one that `rows_sql` does not write."""
    change = _read(cursor)
    if [token.raw for token in cut(rows_sql(change))] != [token.raw for token in cursor.tokens]:
        cursor.at = 0
        raise cursor.wrong("the statement as fqtool writes it", "Change the registry, and plan the rebuild again.")
    cursor.at = len(cursor.tokens)
    return change


def _read(cursor: Cursor) -> CopyRows | VerifyCopy:
    if cursor.took("MERGE"):
        target = cursor.name()
        _skip_to(cursor, "USING", "(", "SELECT")
        columns, source, source_filter = _selected(cursor)
        _skip_to(cursor, "BY", "SOURCE")
        target_filter = ""
        if cursor.took("AND", "("):
            target_filter = cursor.until(")")
        return CopyRows(source, target, columns, source_filter, target_filter)
    _skip_to(cursor, "FROM", "(", "SELECT")
    columns, source, source_filter = _selected(cursor)
    _skip_to(cursor, "FROM", "(", "SELECT")
    _, target, target_filter = _selected(cursor)
    return VerifyCopy(source, target, columns, source_filter, target_filter)


def _skip_to(cursor: Cursor, *words: str) -> None:
    """Skip to these words, and skip them."""
    while not cursor.took(*words):
        cursor.next(" ".join(words))


def _selected(cursor: Cursor) -> tuple[tuple[tuple[str, str], ...], str, str]:
    """Read the columns, the table and the condition of a query after SELECT."""
    columns = []
    while True:
        expression = cursor.until("AS", ",", "FROM")
        columns.append((cursor.name() if cursor.took("AS") else "", expression))
        if not cursor.took(","):
            break
    cursor.take("FROM")
    table = cursor.name()
    return tuple(columns), table, cursor.until(")") if cursor.took("WHERE") else ""


def rename_sql(change: RenameTable) -> str:
    """Return the statement that renames a table, without a semicolon."""
    return f"ALTER TABLE {ident(change.name)} RENAME TO {ident(change.to)}"
