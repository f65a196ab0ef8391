"""The kinds of values in a tree of sqlglot, and templates of DuckDB expressions."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp

Tables = Mapping[str, Mapping[str, str]]
"""Table name -> lower-case column name -> kind: INT64, ARRAY<STRING>, ..."""

_TYPES = {
    exp.DataType.Type.BIGINT: "INT64", exp.DataType.Type.INT: "INT64", exp.DataType.Type.DOUBLE: "FLOAT64",
    exp.DataType.Type.DECIMAL: "NUMERIC", exp.DataType.Type.BIGDECIMAL: "BIGNUMERIC", exp.DataType.Type.TEXT: "STRING",
    exp.DataType.Type.BOOLEAN: "BOOL", exp.DataType.Type.DATE: "DATE", exp.DataType.Type.TIMESTAMPTZ: "TIMESTAMP",
    exp.DataType.Type.TIMESTAMP: "DATETIME", exp.DataType.Type.DATETIME: "DATETIME", exp.DataType.Type.TIME: "TIME",
    exp.DataType.Type.BINARY: "BYTES", exp.DataType.Type.VARBINARY: "BYTES", exp.DataType.Type.JSON: "JSON",
    exp.DataType.Type.VARCHAR: "STRING",
}  # fmt: skip
_FIXED = {
    "BOOL": (
        exp.Predicate, exp.Not, exp.And, exp.Or, exp.Boolean, exp.LogicalAnd, exp.LogicalOr, exp.StartsWith,
        exp.EndsWith, exp.RegexpLike, exp.IsNan, exp.IsInf, exp.Contains,
    ),
    "INT64": (
        exp.Count, exp.CountIf, exp.Length, exp.ByteLength, exp.ArraySize, exp.RowNumber, exp.Rank, exp.DenseRank,
        exp.DateDiff,
        exp.TimestampDiff, exp.DatetimeDiff, exp.StrPosition, exp.UnixSeconds, exp.UnixMillis, exp.UnixMicros,
        exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.IntDiv, exp.UnixDate, exp.UnixMicros,
    ),
    "FLOAT64": (
        exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Rand, exp.Ln,
        exp.Exp, exp.Pow, exp.PercentileCont, exp.Corr,
    ),
    "STRING": (
        exp.JSONExtractScalar, exp.JSONFormat, exp.Concat, exp.Lower, exp.Upper, exp.Trim, exp.ArrayToString,
        exp.Replace, exp.GroupConcat, exp.TimeToStr, exp.Uuid, exp.RegexpReplace, exp.RegexpExtract, exp.SessionUser,
        exp.Left, exp.Right, exp.Pad, exp.Format,
    ),
    "TIMESTAMP": (exp.CurrentTimestamp, exp.Timestamp, exp.TimestampAdd, exp.TimestampSub, exp.TimestampTrunc),
    "DATETIME": (
        exp.CurrentDatetime, exp.Datetime, exp.DatetimeAdd, exp.DatetimeSub, exp.DatetimeTrunc, exp.TsOrDsToDatetime,
    ),
    "DATE": (exp.CurrentDate, exp.Date, exp.DateFromParts, exp.TsOrDsToDate, exp.LastDay, exp.StrToDate),
}  # fmt: skip
_FIRST_ARGUMENT = (
    exp.Paren, exp.Alias, exp.Neg, exp.Abs, exp.Sign, exp.Sum, exp.Min, exp.Max, exp.AnyValue,
    exp.HavingMax, exp.ArgMax, exp.ArgMin, exp.Window, exp.Filter,
    exp.Lag,
    exp.Lead, exp.FirstValue, exp.LastValue, exp.IgnoreNulls, exp.RespectNulls, exp.Nullif, exp.Distinct, exp.Order,
    exp.Limit, exp.Substring, exp.Mod, exp.ArrayConcat, exp.DateAdd, exp.DateSub, exp.DateTrunc, exp.DPipe,
)  # fmt: skip
# STRFTIME and DATE_PART of a TIMESTAMPTZ make DuckDB 2.0.1 plan a prepared query at each execution.
IN_UTC = "MAKE_TIMESTAMP(EPOCH_US(:v))"
_NUMBERS = ("INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64")
_EXACT = ("NUMERIC", "BIGNUMERIC")


class Kinds:
    """The kinds of one statement, cached by node. The tree must not be changed before."""

    def __init__(self, tree: exp.Expr, tables: Tables) -> None:
        self._tables = tables
        self._known: dict[int, str] = {}
        self._alive: list[exp.Expr] = []  # an id is unique only while its node exists
        self._columns: dict[int, dict[str, exp.Expr]] = {}
        self._tree = tree

    def of(self, node: exp.Expr | None) -> str:
        """Return the kind of an expression; "" if it is unknown."""
        if node is None:
            return ""
        key = id(node)
        if key not in self._known:
            self._alive.append(node)
            self._known[key] = ""  # a recursive CTE depends on itself
            self._known[key] = self._of(node)
        return self._known[key]

    def learn(self, node: object) -> None:
        """Cache the kind of a node now, before the tree is changed."""
        if isinstance(node, exp.Expression):
            self.of(node)

    def note(self, node: exp.Expr, kind: str) -> None:
        """Set the kind of a node that replaces another."""
        self._alive.append(node)
        self._known[id(node)] = kind

    def _of(self, node: exp.Expr) -> str:
        for kind, classes in _FIXED.items():
            if isinstance(node, classes):
                return kind
        match node:
            case exp.Literal():
                return "STRING" if node.is_string else "INT64" if node.is_int else self._of_decimal(node)
            case exp.Cast():
                return type_kind(node.to)
            case exp.Column():
                return self._of_column(node)
            case exp.Add() | exp.Sub() | exp.Mul():
                kinds = [self.of(node.left), self.of(node.right)]
                return "DATE" if kinds == ["DATE", "INT64"] else self.common([node.left, node.right])
            case exp.Div() | exp.SafeDivide():
                kind = self.common([node.this, node.expression])
                return "FLOAT64" if kind == "INT64" else kind
            case exp.Sqrt():
                return "NUMERIC" if self.of(node.this) == "NUMERIC" else "FLOAT64"
            case exp.Round() | exp.Floor() | exp.Ceil() | exp.Trunc() | exp.Avg():
                kind = self.of(node.this)
                return "FLOAT64" if kind == "INT64" else kind if kind in _NUMBERS else ""
            case exp.If() | exp.Case() | exp.Coalesce() | exp.Greatest() | exp.Least():
                return self._of_branches(node)
            case exp.Bracket():
                return _element(self.of(node.this))
            case exp.Array():
                return self._of_array(node)
            case exp.Extract():
                return "DATE" if node.name.upper() == "DATE" else "INT64"
            case exp.Split():
                return "ARRAY<STRING>"
            case exp.Subquery() if isinstance(node.this, exp.Select) and len(node.this.expressions) == 1:
                return self.of(node.this.expressions[0])
            case _ if isinstance(node, _FIRST_ARGUMENT):
                return self.of(node.this)
            case _:
                return ""

    def common(self, nodes: list[exp.Expr]) -> str:
        """Return the kind that several expressions have in common; a decimal literal adapts to NUMERIC."""
        nodes = [node for node in nodes if not isinstance(node, exp.Null)]
        decimals = ["FLOAT64" for node in nodes if is_decimal(node)]
        others = [self.of(node) for node in nodes if not is_decimal(node)]
        kind = _widest(others)
        return kind if kind in _EXACT else _widest([*others, *decimals])

    def _of_branches(self, node: exp.Expr) -> str:
        return self.common(operands(node))

    def _of_decimal(self, literal: exp.Literal) -> str:
        """Return the kind of a literal such as 0.1: NUMERIC beside a NUMERIC, else FLOAT64."""
        node: exp.Expr = literal
        while isinstance(node.parent, exp.Paren | exp.Neg):
            node = node.parent
        parent = node.parent
        if isinstance(parent, exp.If) and isinstance(parent.parent, exp.Case):
            parent = parent.parent
        if isinstance(parent, exp.Cast) and type_kind(parent.to) in _EXACT:
            return "NUMERIC"
        together = operands(parent) if parent is not None else []
        kind = self.common(together) if any(part is node for part in together) else ""
        return kind if kind in _EXACT else "FLOAT64"

    def _of_array(self, node: exp.Array) -> str:
        first = node.expressions[0] if node.expressions else None
        if isinstance(first, exp.Select):
            kind = self.of(first.expressions[0]) if len(first.expressions) == 1 else ""
        else:
            kind = self.common(node.expressions)
        return f"ARRAY<{kind}>" if kind else ""

    def _of_column(self, column: exp.Column) -> str:
        aliased = _ordering_alias(column)
        if aliased is not None:
            return self.of(aliased)
        for scope in _ancestors(column):
            if isinstance(scope, exp.Select | exp.Merge | exp.Update | exp.Delete):
                sources = [
                    source for source in _sources(scope) if not column.table or _alias(source) == column.table.lower()
                ]
                kinds = [kind for source in sources if (kind := self._in_source(source, column)) is not None]
                if kinds:
                    return kinds[0] if len(set(kinds)) == 1 else ""
                if column.table and sources:
                    return ""
        return ""

    def _in_source(self, source: exp.Expr, column: exp.Column) -> str | None:
        """Return the kind of a column in a source: "" if unknown, None if the source does not have the column."""
        name = column.name.lower()
        match source:
            case exp.Table():
                query = _cte(source)
                if query is None:
                    columns = self._tables.get(source.name)
                    return "" if columns is None else columns.get(name)
                return self._in_query(query, name)
            case exp.Subquery():
                return self._in_query(source.this, name)
            case exp.Unnest() if source.expressions:
                return self._in_unnest(source, column)
            case _:
                return ""

    def _in_unnest(self, source: exp.Unnest, column: exp.Column) -> str | None:
        if any(parent is source for parent in _ancestors(column)):
            return None
        offset = source.args.get("offset")
        if isinstance(offset, exp.Identifier) and offset.name.lower() == column.name.lower():
            return "INT64"
        kind = _element(self.of(source.expressions[0]))
        if _alias(source) == column.name.lower() and not column.table:
            return kind
        return None if kind else ""  # an item of unknown type may be a STRUCT with such a field

    def _in_query(self, query: exp.Expr, name: str) -> str | None:
        while isinstance(query, exp.SetOperation | exp.Subquery):
            query = query.this
        if not isinstance(query, exp.Select):
            return ""
        if id(query) not in self._columns:
            self._columns[id(query)] = {item.alias_or_name.lower(): item for item in query.expressions}
        column = self._columns[id(query)].get(name)
        if column is not None:
            return self.of(column)
        if any(item.is_star for item in query.expressions):
            inner = exp.column(name)
            kinds = [self._in_source(item, inner) for item in _sources(query)]
            known = [kind for kind in kinds if kind is not None]
            return known[0] if len(known) == 1 else "" if known else None
        return None


def _ordering_alias(column: exp.Column) -> exp.Expr | None:
    """Return the expression whose alias a key of ORDER BY is, or None; BigQuery prefers it to a column."""
    order = column.parent.parent if isinstance(column.parent, exp.Ordered) else None
    select = order.parent if order is not None and not column.table else None
    named = select.expressions if isinstance(select, exp.Select) else ()
    same = (item for item in named if isinstance(item, exp.Alias) and item.alias.lower() == column.name.lower())
    return next((item.this for item in same), None)


def operands(node: exp.Expr) -> list[exp.Expr]:
    """Return the operands of an expression that must have one type: both sides, all branches, all items."""
    match node:
        case exp.If():
            parts = [node.args["true"], node.args.get("false")]
        case exp.Case():
            parts = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
        case exp.Between():
            parts = [node.this, node.args["low"], node.args["high"]]
        case exp.Array() | exp.Coalesce() | exp.Greatest() | exp.Least() | exp.In():
            parts = [node.this, *node.expressions] if node.this else list(node.expressions)
        case exp.Binary() | exp.SafeDivide() | exp.Nullif():
            parts = [node.this, node.expression]
        case _:
            parts = []
    return [part for part in parts if part is not None]


def is_decimal(node: exp.Expr) -> bool:
    """Return whether this is a literal such as 0.1 or -(0.1)."""
    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    return isinstance(node, exp.Literal) and not node.is_string and not node.is_int


def type_kind(of: exp.DataType) -> str:
    """Return the kind of a parsed type."""
    if of.this == exp.DataType.Type.ARRAY and of.expressions:
        inner = type_kind(of.expressions[0])
        return f"ARRAY<{inner}>" if inner else ""
    return _TYPES.get(of.this, "")


def _widest(kinds: list[str]) -> str:
    if not kinds or not all(kinds):
        return ""
    if len(set(kinds)) == 1:
        return kinds[0]
    return max(kinds, key=_NUMBERS.index) if all(kind in _NUMBERS for kind in kinds) else ""


def _element(kind: str) -> str:
    return kind.removeprefix("ARRAY<").removesuffix(">") if kind.startswith("ARRAY<") else ""


def _sources(scope: exp.Expr) -> list[exp.Expr]:
    if isinstance(scope, exp.Merge):
        return [scope.this, scope.args["using"]]
    first = scope.args.get("from_")
    sources = [scope.this] if isinstance(scope, exp.Update | exp.Delete) and scope.this is not None else []
    sources += [first.this] if first is not None else []
    return sources + [join.this for join in scope.args.get("joins") or ()]


def _alias(source: exp.Expr) -> str:
    if isinstance(source, exp.Unnest):
        alias = source.args.get("alias")
        names = alias.args.get("columns") if alias else None
        return names[0].name.lower() if names else source.alias.lower()
    return source.alias_or_name.lower()


def _cte(table: exp.Table) -> exp.Expr | None:
    """Return the query of the CTE with the name of a table, searched from the table outwards."""
    if table.args.get("db"):
        return None
    for scope in _ancestors(table):
        clause = scope.args.get("with_")
        for cte in clause.expressions if clause else ():
            if cte.alias.lower() == table.name.lower():
                return None if any(parent is cte for parent in _ancestors(table)) else cte.this
    return None


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the ancestors of a node, nearest first."""
    ancestor = node.parent
    while ancestor is not None:
        yield ancestor
        ancestor = ancestor.parent


_SIMPLE = (exp.Column, exp.Literal, exp.Parameter, exp.Null, exp.Boolean)


@functools.lru_cache(maxsize=512)
def _parsed(template: str) -> exp.Expr:
    return sqlglot.parse_one(template, read="duckdb")


def filled(template: str, **parts: exp.Expr) -> exp.Expr:
    """Return a DuckDB expression from a template, with each `:name` replaced by its part, in brackets if needed."""
    expression = _parsed(template).copy()
    for place in list(expression.find_all(exp.Placeholder)):
        part = parts[place.name].copy()
        place.replace(exp.paren(part, copy=False) if isinstance(part, exp.Binary | exp.Unary | exp.Condition) and
                      not isinstance(part, (*_SIMPLE, exp.Func, exp.Paren, exp.Array)) else part)  # fmt: skip
    return expression


def once(template: str, value: exp.Expr, **parts: exp.Expr) -> exp.Expr:
    """Fill a template that uses :v several times, with the value computed and written only once.

    A repeated large expression takes long to plan on DuckDB, and nested repetitions make it crash.
    """
    if isinstance(value, _SIMPLE) or len(re.findall(r":v\b", template)) == 1:
        return filled(template, v=value, **parts)
    inside = filled(template, v=exp.column("v_"), **parts)
    return filled("LIST_TRANSFORM([:value], LAMBDA v_ : :inside)[1]", value=value, inside=inside)
