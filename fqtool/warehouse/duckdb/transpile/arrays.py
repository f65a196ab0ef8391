"""Translate arrays and tables of GoogleSQL to DuckDB's SQL."""

from __future__ import annotations

from sqlglot import exp

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile.kinds import Kinds, filled, once

_ENTRY_CLAUSES = {"expressions", "from_", "where", "order", "limit"}
_OUT_OF_BOUNDS = "ERROR('Array index ' || :i || ' is out of bounds')"


def element(node: exp.Bracket, _: Kinds) -> exp.Expr:
    """Translate array[OFFSET(i)] and the like: DuckDB counts from 1, and from the end for a negative index."""
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        raise InputError("An array needs one OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL to run on DuckDB.")
    index, first = node.expressions[0], node.args.get("offset") or 0
    safe = bool(node.args.get("safe"))
    shift = "" if first == 1 else " + 1"
    if safe and isinstance(index, exp.Literal) and index.is_int:
        at = int(index.name)
        return filled(f"LIST_EXTRACT(:v, {at + (first != 1)})", v=node.this) if at >= first else exp.null()
    inside = f":i >= {first}" if safe else f":i >= {first} AND :i{shift} <= LEN(:v)"
    outside = "" if safe else f" WHEN :v IS NULL OR :i IS NULL THEN NULL ELSE {_OUT_OF_BOUNDS}"
    return once(f"CASE WHEN {inside} THEN LIST_EXTRACT(:v, :i{shift}){outside} END", node.this, i=index)


def array_to_string(node: exp.ArrayToString, _: Kinds) -> exp.Expr:
    """Translate ARRAY_TO_STRING, which is '' without items."""
    if not isinstance(node.expression, exp.Literal):
        raise InputError("ARRAY_TO_STRING needs a constant separator to run on DuckDB.")
    null = node.args.get("null")
    value = node.this
    if null is not None:
        value = filled("LIST_TRANSFORM(:v, LAMBDA n_ : COALESCE(n_, :n))", v=value, n=null)
    joined = "COALESCE(ARRAY_TO_STRING(:v, :by), '')"
    if isinstance(value, exp.Array):
        return filled(joined, v=value, by=node.expression)
    return once(f"CASE WHEN NOT :v IS NULL THEN {joined} END", value, by=node.expression)


def array_concat(node: exp.ArrayConcat, _: Kinds) -> exp.Expr:
    """Translate ARRAY_CONCAT, which is NULL if one array is NULL."""
    arrays = [node.this, *node.expressions]
    joined = exp.Anonymous(this="LIST_CONCAT", expressions=[array.copy() for array in arrays])
    doubtful = [array for array in arrays if not isinstance(array, exp.Array)]
    if not doubtful:
        return joined
    names = {f"a{number}": array for number, array in enumerate(doubtful)}
    null = " OR ".join(f":{name} IS NULL" for name in names)
    return filled(f"CASE WHEN NOT ({null}) THEN :joined END", joined=joined, **names)


def unnest(node: exp.Unnest, _: Kinds) -> exp.Expr:
    """Translate UNNEST, with its offset from 0 as a column of a subquery."""
    offset = node.args.get("offset")
    if not offset or _entry_source(node.find_ancestor(exp.Subquery)) is node:
        return node
    alias = node.args.get("alias")
    columns = alias.args.get("columns") if alias else None
    name = columns[0] if columns else alias.this if alias else exp.to_identifier("_value")
    called = offset if isinstance(offset, exp.Identifier) else exp.to_identifier("offset")
    value = node.expressions[0]
    select = exp.select(
        exp.alias_(filled("UNNEST(:v)", v=value), name.copy()),
        exp.alias_(filled("UNNEST(RANGE(LEN(:v)))", v=value), called.copy()),
    )
    return exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier(f"_of_{name.name}")))


def entry(node: exp.Subquery, _: Kinds) -> exp.Expr:
    """Translate the query of one entry of an ARRAY: DuckDB's time to plan triples with each correlated subquery."""
    source = _entry_source(node)
    if source is None:
        return node
    field, condition, name = node.this.expressions[0].this, node.this.args["where"].this, _item(source)
    for column in [part for part in condition.find_all(exp.Column) if part.table == name]:
        column.set("table", exp.to_identifier("entry_"))
    found = filled(
        "LIST_EXTRACT(LIST_FILTER(:v, LAMBDA entry_ : :condition), 1)", v=source.expressions[0], condition=condition
    )
    value = exp.Dot(this=found, expression=exp.to_identifier(field.name, quoted=True))
    return exp.alias_(value, node.alias, copy=False) if node.alias else value


def _entry_source(node: exp.Expr | None) -> exp.Unnest | None:
    """Return the UNNEST of a query of one entry, as the grammar of expressions writes it; None for any other query.

    It is (SELECT item.x FROM UNNEST(array) AS item WITH OFFSET AS place WHERE ... ORDER BY place LIMIT 1).
    """
    query = node.this if isinstance(node, exp.Subquery) and not isinstance(node.parent, exp.From | exp.In) else None
    if query is None or {key for key, part in query.args.items() if part} != _ENTRY_CLAUSES:
        return None
    source, (field, *others), order = query.args["from_"].this, query.expressions, query.args["order"].expressions
    if not isinstance(source, exp.Unnest) or not source.args.get("offset") or not isinstance(field, exp.Column):
        return None
    by_place = [one.this.name for one in order if not one.args.get("desc")] == [source.args["offset"].name]
    first = by_place and query.args["limit"].expression.name == "1"
    return source if first and not others and field.table == _item(source) else None


def _item(source: exp.Unnest) -> str:
    alias = source.args.get("alias")
    columns = alias.args.get("columns") if alias else None
    return str(columns[0].name) if columns else "item"


def unpivot(node: exp.Pivot, _: Kinds) -> exp.Expr:
    """Accept UNPIVOT where the rows and labels are the same on both."""
    if not node.args.get("unpivot"):
        raise InputError("PIVOT is not supported on DuckDB.")
    if any(isinstance(expression, exp.Tuple) for expression in node.expressions) and not node.args.get("include_nulls"):
        raise InputError(
            "UNPIVOT of several columns drops other rows on DuckDB than on BigQuery.",
            remedy="Write UNPIVOT INCLUDE NULLS, and filter the rows with WHERE.",
        )
    select = node.find_ancestor(exp.Select)
    if select is not None and any(expression.is_star for expression in select.expressions):
        raise InputError(
            "The columns of an UNPIVOT have another order on DuckDB.", remedy="Name them instead of SELECT *."
        )
    for label in node.find_all(exp.PivotAlias):
        if isinstance(label.args["alias"], exp.Literal) and not label.args["alias"].is_string:
            raise InputError(
                "UNPIVOT with numbers as labels is not supported on DuckDB, which makes them text.",
                remedy="Use string labels.",
            )
    return node


def table(node: exp.Table, _: Kinds) -> exp.Expr:
    """Remove project and dataset, which a DuckDB file does not have."""
    if node.args.get("version") or node.args.get("when") or node.args.get("sample"):
        raise InputError(f"{node.sql('bigquery')[:60]} is not supported on DuckDB.")
    if any("INFORMATION_SCHEMA" in part.name.upper() for part in node.parts):
        raise InputError("INFORMATION_SCHEMA of BigQuery is not supported on DuckDB.")
    if not isinstance(node.this, exp.Identifier):
        raise InputError(f"{node.sql('bigquery')[:60]} is not a table of a DuckDB file.")
    node.set("db", None)
    node.set("catalog", None)
    return node


def column(node: exp.Column, _: Kinds) -> exp.Expr:
    """Translate DEFAULT in DML, which sqlglot reads as a column."""
    identifier = node.this
    if isinstance(identifier, exp.Identifier) and identifier.name.upper() == "DEFAULT" and not identifier.quoted:
        return exp.Var(this="DEFAULT")
    return node


def generate_array(node: exp.GenerateSeries, _: Kinds) -> exp.Expr:
    """Translate GENERATE_ARRAY, which fails if the step is zero."""
    step = node.args.get("step")
    if step is None or (isinstance(step, exp.Literal) and step.name != "0"):
        return node
    return filled("CASE WHEN :s = 0 THEN ERROR('Sequence step cannot be 0.') ELSE :items END", s=step, items=node)
