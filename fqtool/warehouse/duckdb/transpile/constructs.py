"""The closed list of what DuckDB runs: each construct with the arguments, options and clauses that were compared.

Everything else is refused by name: a wrong number without a message is worse than an error. To accept another
argument, add a case to tests/cases/values, see that both engines agree, and name it here.
"""

from __future__ import annotations

import re

from sqlglot import exp

from fqtool.errors import InputError

_CALLED_SO = {"ERROR", "ST_NUMPOINTS"}
_REFUSED: dict[type[exp.Expr], str] = {
    exp.BitwiseRightShift: "Shifting right",
    exp.TableSample: "TABLESAMPLE",
    exp.Command: "This statement",
    exp.SafeFunc: "SAFE.function",
    exp.AtTimeZone: "AT TIME ZONE",
    exp.Collate: "COLLATE",
    exp.Placeholder: "A parameter without a name",
    exp.Pivot: "PIVOT",
}
# The name of each construct on sqlglot's tree, and the names of its arguments there.
_ACCEPTED = """
    Add Sub Mul Div IntDiv Mod SafeDivide DPipe EQ NEQ LT LTE GT GTE Is NullSafeEQ NullSafeNEQ And Or Xor Like Escape
    BitwiseAnd BitwiseOr BitwiseXor BitwiseLeftShift PropertyEQ Dot: this expression safe
    Paren Neg Not BitwiseNot: this
    Between: this low high
    In: this expressions unnest query
    Case: this ifs default
    If: this true false
    Alias PivotAlias: this alias
    Literal: this is_string
    Boolean Null RawString Var Parameter DataTypeParam: this
    ByteString: this is_bytes
    Identifier: this quoted
    Column: this table db catalog
    Star: except_ replace
    Tuple Schema Values: this expressions alias
    DataType: this expressions nested
    Interval: this unit
    WeekStart: this
    JSONPath: expressions
    JSONPathRoot:
    JSONPathKey JSONPathSubscript: this
    Array: expressions struct_name_inheritance bracket_notation
    Bracket: this expressions offset safe
    Struct: expressions
    Cast TryCast: this to safe
    Coalesce Greatest Least ArrayConcat: this expressions ignore_nulls
    Nullif: this expression
    Abs Sign Floor Ceil Trunc Sqrt IsInf IsNan Upper Lower ByteLength ArraySize JSONFormat: this
    Round: this decimals
    Length: this binary
    Concat: expressions safe
    Trim: this expression position
    StartsWith EndsWith Split RegexpLike: this expression
    Replace: this expression replacement
    StrPosition: this substr
    Substring: this start length
    ArrayToString: this expression null
    GenerateSeries GenerateDateArray: start end step
    JSONExtractScalar: this expression scalar_only
    CurrentDate CurrentTimestamp CurrentDatetime SessionUser Uuid Rand: is_string
    Date TsOrDsToDate TsOrDsToDatetime TsOrDsToTimestamp UnixSeconds UnixMillis: this
    Timestamp: this with_tz
    LastDay: this unit
    StrToDate: this format default_year
    UnixDate UnixMicros Ln Exp: this
    Pow Left Right PercentileCont ArgMax ArgMin: this expression
    HavingMax: this expression max
    Pad: this expression fill_pattern is_left
    Format: this expressions
    RegexpExtract: this expression group null_if_pos_overflow null_if_no_match
    RegexpReplace: this expression replacement
    DatetimeAdd DatetimeSub: this expression unit
    DateFromParts: year month day
    DateAdd DateSub TimestampAdd TimestampSub TimestampDiff: this expression unit
    DateDiff DatetimeDiff: this expression unit date_part_boundary
    DateTrunc TimestampTrunc DatetimeTrunc: this unit
    Extract: this expression
    TimeToStr: this format
    Exists: this
    AnyValue Avg CountIf LogicalAnd LogicalOr Max Min Stddev StddevPop StddevSamp Sum Variance VariancePop ArrayAgg
    FirstValue LastValue: this
    Corr: this expression
    BitwiseXorAgg: this
    FarmFingerprint: expressions
    Count: this big_int
    GroupConcat: this separator
    Lag Lead: this offset default
    RowNumber Rank DenseRank:
    IgnoreNulls RespectNulls: this
    Distinct: expressions
    Window: this partition_by order spec alias over
    WindowSpec: kind start start_side end end_side
    Ordered: this desc nulls_first
    Order: this expressions
    Limit Offset: this expression
    With: expressions recursive
    CTE: this alias
    TableAlias: this columns
    Table: this alias db catalog joins pivots
    From Where Having Qualify: this
    Group: expressions
    Join: this on side kind using
    Unnest: expressions alias offset explode_array
    Pivot: this alias expressions fields unpivot include_nulls
    UnpivotColumns: this expressions
    Select: with_ expressions distinct from_ joins where group having qualify windows order limit offset
    Subquery: this alias with_ joins pivots where order limit offset
    Union Except Intersect: with_ this expression distinct order limit offset
    Insert: with_ this expression
    Update: with_ this expressions from_ where
    Delete: with_ this where
    Merge: with_ this using on whens
    Whens: expressions
    When: matched source condition then
"""
ARGUMENTS: dict[type[exp.Expr], frozenset[str]] = {
    getattr(exp, name): frozenset(arguments.split())
    for names, arguments in re.findall(r"([\w\s]+):([^\n]*)", _ACCEPTED)
    for name in names.split()
}


# The names that sqlglot gives to arguments without a name.
_IN_WORDS = {"this": "an argument", "expression": "a second argument", "expressions": "more arguments"}


def check(node: exp.Expr) -> None:
    """Raise InputError for a construct with other results on DuckDB, or one that was never compared."""
    kind = type(node)
    if kind in _REFUSED and not node.args.get("unpivot"):
        raise refusal(_REFUSED[kind])
    match node:
        case exp.Anonymous() | exp.AnonymousAggFunc() if node.name.upper() in _CALLED_SO:
            return
        case exp.Anonymous() | exp.AnonymousAggFunc():
            raise refusal(f"{node.name.upper()}()")
        case exp.Parameter() if isinstance(node.this, exp.Parameter):
            raise refusal("A system variable")
        case exp.Select() if node.args.get("kind"):
            raise refusal(f"SELECT AS {node.args['kind']}")
        case exp.Insert() if isinstance(node.parent, exp.When) and isinstance(node.this, exp.Var):
            raise refusal("INSERT ROW")
        case exp.Unnest() if node.args.get("offset") and isinstance(node.parent, exp.Join) and node.parent.side:
            raise refusal("An outer join of UNNEST WITH OFFSET")
        case exp.Unnest() if len(node.expressions) != 1:
            raise refusal("UNNEST of several arrays")
        case exp.Limit() if isinstance(node.parent, exp.AggFunc) and not isinstance(node.parent, exp.ArrayAgg):
            raise refusal(f"{_text(node.parent).partition('(')[0]} with LIMIT")
        case exp.BitwiseXorAgg() if not is_fingerprint(node):
            raise refusal("BIT_XOR()")
        case exp.FarmFingerprint() if not isinstance(node.parent, exp.BitwiseXorAgg):
            raise refusal("FARM_FINGERPRINT()")
        case exp.Func() if node.arg_key == "unit":
            return  # a WEEK, which looks like a function
    if kind not in ARGUMENTS:
        name, bracket, _ = _text(node).partition("(")
        raise refusal(f"{name}()" if bracket and isinstance(node, exp.Func) else f"`{_text(node)}`")
    given = {key for key, value in node.args.items() if value not in (None, False, []) and value != ""}
    if more := sorted(given - ARGUMENTS[kind]):
        parts = ", ".join(_IN_WORDS.get(part, part).replace("_", " ").strip() for part in more)
        raise refusal(f"`{_text(node)}`, with {parts},")


def is_fingerprint(node: exp.BitwiseXorAgg) -> bool:
    """Return whether it is BIT_XOR(FARM_FINGERPRINT(TO_JSON_STRING(STRUCT(column, ...)))), a fingerprint of rows.

    Its number is another one on DuckDB. It is compared only with a number that the same warehouse computed.
    """
    text = next(iter(node.this.expressions), None) if isinstance(node.this, exp.FarmFingerprint) else None
    struct = text.this if isinstance(text, exp.JSONFormat) else None
    return isinstance(struct, exp.Struct) and all(isinstance(part, exp.Column) for part in struct.expressions)


def _text(node: exp.Expr) -> str:
    return " ".join(node.sql("bigquery").split())[:60]


def refusal(construct: str) -> InputError:
    """Return the error for a construct that is not accepted."""
    return InputError(
        f"{construct} is not supported on DuckDB, or was never compared.",
        remedy="Rewrite the expression, or run it on BigQuery.",
    )
