"""Match the fields of STRUCTs by position, as BigQuery does; DuckDB matches them by name."""

from __future__ import annotations

from sqlglot import exp


def name_fields(tree: exp.Expr) -> None:
    """Give the STRUCTs of each UNION ALL the field names of its first query."""
    for union in tree.find_all(exp.SetOperation):
        pairs = zip(_select(union.this).expressions, _select(union.expression).expressions, strict=False)
        for first, other in pairs:
            named, struct = first.unalias(), other.unalias()
            if isinstance(named, exp.Struct) and isinstance(struct, exp.Struct):
                fields = zip(named.expressions, map(field_value, struct.expressions), strict=False)
                struct.set("expressions", [_named(like, value) for like, value in fields])


def field_value(field: exp.Expr) -> exp.Expr:
    """Return the value of a field of STRUCT(...), without its name."""
    return field.expression if isinstance(field, exp.PropertyEQ) else field.unalias()


def _named(like: exp.Expr, value: exp.Expr) -> exp.Expr:
    name = like.this.name if isinstance(like, exp.PropertyEQ) else like.alias_or_name
    return exp.PropertyEQ(this=exp.to_identifier(name), expression=value.copy()) if name else value.copy()


def _select(query: exp.Expr) -> exp.Expr:
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return query
