"""One parse a statement: bqemulator has sqlglot parse the same text some twenty times.

Patches `Dialect.parse` and `Expression.__deepcopy__` of sqlglot. What is handed out is a copy, for the stock code
changes the trees it gets.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from .hooks import override

_KEPT = 64

Trees = list[exp.Expr | None]


def _once(stock: Any) -> Any:
    kept: OrderedDict[tuple[type[Dialect], str, str], Trees] = OrderedDict()
    lock = threading.Lock()

    def parse(self: Dialect, sql: str, **opts: Any) -> Trees:
        key = (type(self), sql, repr(sorted(opts.items())))
        trees = kept.get(key)
        if trees is None:
            trees = stock(self, sql, **opts)
        with lock:
            kept[key] = trees
            kept.move_to_end(key)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        return [tree.copy() if tree is not None else None for tree in trees]

    return parse


def _copy(self: exp.Expr, _memo: Any) -> exp.Expr:
    """As the stock one, but for notes of a node: numbers and texts, which need no deep copy."""
    root = self.__class__()
    pairs = [(self, root)]
    while pairs:
        node, copy = pairs.pop()
        copy.comments = node.comments and list(node.comments)
        copy._type = node._type and node._type.copy()
        copy._meta = node._meta and dict(node._meta)
        for key, value in node.args.items():
            if isinstance(value, exp.Expr):
                pairs.append((value, value.__class__()))
                copy.args[key] = _placed(pairs[-1][1], copy, key, None)
            elif type(value) is list:
                copy.args[key] = items = []
                for index, item in enumerate(value):
                    if isinstance(item, exp.Expr):
                        pairs.append((item, item.__class__()))
                        items.append(_placed(pairs[-1][1], copy, key, index))
                    else:
                        items.append(item)
            else:
                copy.args[key] = value
    return root


def _placed(child: exp.Expr, parent: exp.Expr, key: str, index: int | None) -> exp.Expr:
    child.parent, child.arg_key, child.index = parent, key, index
    return child


def install() -> None:
    """Patches sqlglot; once, before the server starts."""
    override(Dialect, "parse", _once(Dialect.parse))
    override(exp.Expression, "__deepcopy__", _copy)
