"""One parse a statement: bqemulator has sqlglot read the same text some twenty times on its way.

Mends `Dialect.parse` of sqlglot. What is handed out is a copy, for the stock code changes the trees it gets.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from .hooks import mend

_KEPT = 64

Trees = list[exp.Expr | None]


def _once(stock: Any) -> Any:
    kept: OrderedDict[tuple[type[Dialect], str, str], Trees] = OrderedDict()

    def parse(self: Dialect, sql: str, **opts: Any) -> Trees:
        key = (type(self), sql, repr(sorted(opts.items())))
        if key not in kept:
            kept[key] = stock(self, sql, **opts)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return [tree.copy() if tree is not None else None for tree in kept[key]]

    return parse


def install() -> None:
    """Mends sqlglot; once, before the server starts."""
    mend(Dialect, "parse", _once(Dialect.parse))
