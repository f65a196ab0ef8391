"""Work done once for statements that differ in their dates alone: a backfill sends one text for every date.

A statement is known by its template: its text with every date literal replaced. Patches
`rewrite_and_translate_statement` and `rewrite_table_refs` of bqemulator.jobs.executor, and the methods of
`MemoryCatalogRepository` that change a schema.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import date, timedelta
from functools import wraps
from typing import Any, TypeVar

from bqemulator.catalog.memory_repository import MemoryCatalogRepository
from bqemulator.jobs import executor

from .hooks import override

Made = TypeVar("Made")

_KEPT = 256
_FIRST_DATE = date(8101, 1, 1)
# Date literals of both dialects; strings and comments are matched so that nothing is found inside them.
_DATE_OR_TEXT = re.compile(
    r"""\bDATE\s+'(\d{4}-\d\d-\d\d)'|\bCAST\('(\d{4}-\d\d-\d\d)'\s+AS\s+DATE\)"""
    r"""|'{3}.*?'{3}|"{3}.*?"{3}|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`|--[^\n]*|\#[^\n]*|/\*.*?\*/""",
    re.DOTALL | re.IGNORECASE,
)
# What is read at translation and not only at execution.
_NOT_KEPT = re.compile(r"INFORMATION_SCHEMA|SYSTEM_TIME|SESSION_USER", re.IGNORECASE)
_NO_SCHEMA = ("job", "snapshot", "model")


class Located(str):
    """DuckDB text whose table names are the storage's already."""

    __slots__ = ()


class Memo:
    """The results of work on templates, by what they depend on; the least recently used are forgotten."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """The result, or None."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Hashable, result: Any) -> None:
        """Keeps a result."""
        with self._lock:
            self._results[key] = result
            while len(self._results) > _KEPT:
                self._results.popitem(last=False)


_MEMO = Memo()
_generation = 0


def masked(sql: str) -> tuple[str, dict[str, str]]:
    """The template, and the date of each replacement. Equal dates have one replacement."""
    replacements: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        day = match[1] or match[2]
        if day is None or not _is_date(day):
            return match[0]
        index = len(replacements)
        other = replacements.setdefault(day, str(_FIRST_DATE + timedelta(days=index)))
        return match[0].replace(day, other)

    if str(_FIRST_DATE.year) in sql:
        return sql, {}
    text = _DATE_OR_TEXT.sub(replace, sql)
    return text, {other: day for day, other in replacements.items()}


def unmasked(text: str, dates: dict[str, str]) -> str:
    """The text with its own dates."""
    for other, day in dates.items():
        text = text.replace(other, day)
    return text


def once(kind: str, sql: str, key: Hashable, work: Callable[[str], str]) -> str:
    """`work(sql)`, a text that depends on the statement, the key and the schemas of the catalog."""
    text, dates = masked(sql)
    known = (kind, text, key, _generation)
    result: str | None = _MEMO.get(known)
    if result is None:
        result = work(text)
        _MEMO.put(known, result)
    return unmasked(result, dates)


def checked_once(kind: str, sql: str, key: Hashable, check: Callable[[str], object]) -> None:
    """`check(sql)`, which raises or has no result; a statement like one that passed, passes."""
    text, _ = masked(sql)
    known = (kind, text, key, _generation)
    if _MEMO.get(known) is None:
        check(sql)
        _MEMO.put(known, True)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _translate(stock: Any, locate_tables: Any) -> Any:
    async def translate(bq_sql: str, *, project_id: str, ctx: Any, caller: Any, translator: Any) -> str:
        more = {"project_id": project_id, "ctx": ctx, "caller": caller, "translator": translator}
        if _NOT_KEPT.search(bq_sql) or ctx.catalog.list_all_materialized_views():
            return str(await stock(bq_sql, **more))
        text, dates = masked(bq_sql)
        known = ("translate", text, project_id, caller.principal, _generation)
        result = _MEMO.get(known)
        if result is None:
            translated = await stock(text, **more)
            try:
                result = locate_tables(translated, project_id)
            except Exception:  # noqa: BLE001 - raised again where the executor words it
                return unmasked(translated, dates)
            _MEMO.put(known, result)
        return Located(unmasked(result, dates))

    return translate


def _locate(stock: Any) -> Any:
    def locate_tables(duckdb_sql: str, project_id: str) -> str:
        return duckdb_sql if isinstance(duckdb_sql, Located) else str(stock(duckdb_sql, project_id))

    return locate_tables


def _counting(stock: Any, *, update: bool) -> Any:
    """A change of a schema ends what was made from it; a change of the number of rows does not."""

    @wraps(stock)
    def change(self: Any, *args: Any, **kwargs: Any) -> Any:
        global _generation  # noqa: PLW0603
        old = self.get_table(args[0].project_id, args[0].dataset_id, args[0].table_id) if update else None
        result = stock(self, *args, **kwargs)
        if old is None or _shape(old) != _shape(args[0]):
            _generation += 1
        return result

    return change


def _shape(table: Any) -> tuple[Any, ...]:
    guarded = getattr(table, "require_partition_filter", False)
    parts = (table.time_partitioning, table.range_partitioning)
    return table.schema_, table.table_type, table.view_query, guarded, parts


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    stock = executor.rewrite_and_translate_statement
    override(executor, "rewrite_and_translate_statement", _translate(stock, executor.rewrite_table_refs))
    override(executor, "rewrite_table_refs", _locate(executor.rewrite_table_refs))
    for name in dir(MemoryCatalogRepository):
        verb, _, noun = name.partition("_")
        if verb in ("create", "update", "delete", "upsert") and noun not in _NO_SCHEMA:
            method = getattr(MemoryCatalogRepository, name)
            override(MemoryCatalogRepository, name, _counting(method, update=name == "update_table"))
