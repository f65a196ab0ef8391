"""DuckDB answers as Google's reference implementation does, or refuses by name: no silent other number."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fqtool.errors import InputError, StatementFailed
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.table.ddl import Statement
from fqtool.table.model import Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.transpile.dialect import to_duckdb
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.zeta import evaluate

COLUMNS = {
    "k": "INT64", "f": "FLOAT64", "s": "STRING", "i": "INT64", "n": "NUMERIC", "p": "NUMERIC(5,2)",
    "ts": "TIMESTAMP", "d": "DATE", "af": "ARRAY<FLOAT64>", "a": "ARRAY<STRING>", "b": "BOOL", "j": "STRING",
}  # fmt: skip
JSON = '{"a":"phase4","b":1.50,"c":{"x":1},"d":[1],"e":null,"f":true,"g":"{z","h":-7}'
UTC = dt.UTC
ROWS: list[tuple[Any, ...]] = [
    (1, 2.675, "12", 3, Decimal("2.5"), Decimal("1.25"), dt.datetime(2025, 1, 2, 3, 4, 5, 600000, tzinfo=UTC),
     dt.date(2025, 3, 2), [1.0, 2.5], ["a", "b"], True, JSON),
    (2, None, None, None, None, None, None, None, [], [], None, None),
    (3, -0.125, "2.5", -7, Decimal("-0.000000001"), Decimal("-99.99"),
     dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), dt.date(2024, 12, 31), [0.1], ["x"], False, "no json"),
    (4, 1e20, "abc", 9007199254740993, Decimal(100), Decimal(0), dt.datetime(2025, 1, 2, tzinfo=UTC),
     dt.date(2024, 2, 29), [], ["x", "y", "z"], True, '{"a":"default","b":"vegas"}'),
]  # fmt: skip

# One expression over the row each: what DuckDB, or sqlglot's DuckDB, gets wrong by itself, and its neighbours.
OVER_COLUMNS = """
    CAST(f AS STRING)  CAST(i AS STRING)  CAST(n AS STRING)  CAST(p AS STRING)  CAST(ts AS STRING)
    CAST(d AS STRING)  CAST(b AS STRING)  TO_JSON_STRING(f)  TO_JSON_STRING(i)  TO_JSON_STRING(n)
    TO_JSON_STRING(p)  TO_JSON_STRING(ts)  TO_JSON_STRING(d)  TO_JSON_STRING(b)  TO_JSON_STRING(s)
    TO_JSON_STRING(STRUCT(f AS x, s AS `5`))  TO_JSON_STRING([s, 'x'])  TO_JSON_STRING(STRUCT(1, s))
    SAFE_CAST(f AS INT64)  SAFE_CAST(s AS INT64)  SAFE_CAST(n AS INT64)  SAFE_CAST(p AS INT64)
    SAFE_CAST(b AS INT64)  SAFE_CAST(s AS FLOAT64)  SAFE_CAST(n AS FLOAT64)  SAFE_CAST(f AS NUMERIC)
    SAFE_CAST(s AS NUMERIC)  SAFE_CAST(s AS BOOL)  SAFE_CAST(s AS DATE)
    ROUND(f, 2)  ROUND(n, 1)  ROUND(p, 1)  ROUND(f)  ROUND(f * 10, 1)  ROUND(-f, 2)
    f / 3  i / 2  SAFE_DIVIDE(i, i - 3)  MOD(i, 4)  DIV(i, 2)  i * 2.5  p * 2  -f + 1  ABS(f)
    a[SAFE_OFFSET(1)]  a[SAFE_OFFSET(k - 2)]  a[SAFE_ORDINAL(k)]  af[SAFE_OFFSET(0)]
    ARRAY_TO_STRING(a, ',')  ARRAY_TO_STRING(IF(b, a, NULL), ',')  ARRAY_LENGTH(a)  ARRAY_CONCAT(a, ['q'])
    ARRAY_TO_STRING([s, 'x', NULL], '-', 'none')
    JSON_VALUE(j, '$.a')  JSON_VALUE(j, '$.b')  JSON_VALUE(j, '$.h')  JSON_VALUE(j, '$.c.x')  JSON_VALUE(j, '$.d[0]')
    CONCAT(JSON_VALUE(j, '$.a'), '-', JSON_VALUE(j, '$.b'))
    SAFE_CAST(JSON_VALUE(j, '$.b') AS FLOAT64)
    DATE_SUB(d, INTERVAL 3 DAY)  DATE_ADD(d, INTERVAL k MONTH)  DATE_TRUNC(d, WEEK)  DATE_TRUNC(d, ISOWEEK)
    DATE_TRUNC(d, MONTH)  DATE_DIFF(d, DATE '2025-01-01', WEEK)  DATE_DIFF(d, DATE '2025-01-01', ISOWEEK)
    DATE_DIFF(d, DATE '2025-01-01', DAY)  DATE_DIFF(d, DATE '2025-01-01', MONTH)  d + 1  d - 1
    EXTRACT(DAYOFWEEK FROM d)  EXTRACT(WEEK FROM d)  EXTRACT(ISOWEEK FROM d)  EXTRACT(DAYOFYEAR FROM d)
    EXTRACT(DATE FROM ts)  EXTRACT(HOUR FROM ts)  EXTRACT(SECOND FROM ts)  EXTRACT(MILLISECOND FROM ts)
    TIMESTAMP_DIFF(ts, TIMESTAMP '2025-01-01 00:00:00+00', HOUR)
    TIMESTAMP_DIFF(ts, TIMESTAMP '2025-01-01 00:00:00+00', DAY)
    TIMESTAMP_DIFF(ts, TIMESTAMP '2025-01-01 00:00:00+00', MINUTE) / 60
    TIMESTAMP_TRUNC(ts, HOUR)  TIMESTAMP_SUB(ts, INTERVAL 90 MINUTE)  UNIX_SECONDS(ts)  UNIX_MILLIS(ts)  DATE(ts)
    FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', ts)  FORMAT_DATE('%Y%m%d', d)  FORMAT_TIMESTAMP('%F %T', ts)
    SUBSTR(s, 2)  SUBSTR(s, -2)  SUBSTR(s, -5)  SUBSTR(s, 0, 2)  LENGTH(s)  s LIKE '%b%'  s LIKE 'a\\\\_c'
    CONCAT(s, NULL)  s || '!'  UPPER(s)  STRPOS(s, 'b')  STARTS_WITH(s, 'a')  REGEXP_CONTAINS(s, '^[0-9]+$')
    CASE WHEN f > 1 THEN 40 ELSE 100 END * 1.5  IF(b, f, i)  COALESCE(p, n, 1)  GREATEST(k, 3)  LEAST(i, 5)
    BYTE_LENGTH(s)  i IN UNNEST([3, -7])  i BETWEEN -7 AND 3  s IS DISTINCT FROM 'abc'  NULLIF(k, 3)
    (SELECT COUNT(*) FROM UNNEST(a) AS e WHERE e > 'a')
    ARRAY(SELECT CONCAT(e, CAST(o AS STRING)) FROM UNNEST(a) AS e WITH OFFSET AS o ORDER BY o DESC)
"""
# These need the columns' types, and are refused, or of another but equal type, where they are not known.
NEED_TYPES = """
    TO_JSON_STRING(a)  TO_JSON_STRING(af)  n / 3  p / 7  SAFE_DIVIDE(p, n)  n * n  p * p  ROUND(i, 1)  SIGN(i)  SIGN(f)
"""
WHOLE_QUERIES = [
    "SELECT COUNTIF(b) FROM t WHERE k > 9",
    "SELECT AVG(p), AVG(f), SUM(n), SUM(i - k), MIN(s), MAX(d), COUNT(s), COUNT(DISTINCT b) FROM t WHERE k < 4",
    "SELECT AVG(p) FROM t WHERE k > 9",
    "SELECT CORR(f, k), CORR(k, f * 2), CORR(k, 1) FROM t",
    "SELECT CORR(f, k) FROM t WHERE k < 2",
    "SELECT CORR(f, k) FROM t WHERE k > 9",
    "SELECT STDDEV(k), VARIANCE(k), STDDEV_POP(k), LOGICAL_OR(b), LOGICAL_AND(b) FROM t",
    "SELECT b, COUNT(*) AS c, ROUND(AVG(f), 1) AS m FROM t GROUP BY b ORDER BY b",
    "SELECT ARRAY_AGG(s IGNORE NULLS ORDER BY s DESC), STRING_AGG(s, '-' ORDER BY k) FROM t",
    "SELECT ARRAY_AGG(DISTINCT b IGNORE NULLS ORDER BY b) FROM t",
    "SELECT k, s FROM t ORDER BY s",
    "SELECT k, s FROM t ORDER BY s DESC",
    "SELECT k, ROW_NUMBER() OVER (ORDER BY s DESC) AS n, LAG(k) OVER (ORDER BY k) FROM t QUALIFY n < 4 ORDER BY k",
    "SELECT k, SUM(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t ORDER BY k",
    "SELECT t.k, e, o FROM t CROSS JOIN UNNEST(t.a) AS e WITH OFFSET AS o ORDER BY k, o",
    "SELECT t.k, x.q, x.w FROM t CROSS JOIN UNNEST([STRUCT('a' AS q, f AS w), STRUCT('b', n)]) AS x ORDER BY k, x.q",
    "SELECT t.k, x.q, x.w FROM t CROSS JOIN UNNEST([STRUCT('a' AS q, s = 'x' AS w), STRUCT('b', s = 'y')]) AS x "
    "ORDER BY k, x.q",
    "SELECT f_, v FROM (SELECT k, f, f * 2 AS g FROM t) UNPIVOT INCLUDE NULLS (v FOR f_ IN (f AS 'a b', g AS 'c')) "
    "ORDER BY k, f_",
    "SELECT x.v, x.w, x.l FROM (SELECT f AS f1, s AS s1, f * 2 AS f2, j AS s2, k FROM t) "
    "UNPIVOT INCLUDE NULLS ((v, w) FOR l IN ((f1, s1) AS 'one', (f2, s2) AS 'two')) AS x ORDER BY k, l",
    "SELECT UPPER(s) AS s, COUNT(*) AS n FROM t GROUP BY s HAVING n > 0 ORDER BY s",
    "SELECT -k AS i, ROW_NUMBER() OVER (ORDER BY i) AS r FROM t QUALIFY i < 0 AND r < 3 ORDER BY r",
    "SELECT * EXCEPT (a, af, j) REPLACE (k + 1 AS k) FROM t WHERE k = 1",
    "SELECT JSON_VALUE(j,'$.a'), JSON_VALUE(j,'$.b'), JSON_VALUE(j,'$.c'), JSON_VALUE(j,'$.d'), JSON_VALUE(j,'$.e'), "
    "JSON_VALUE(j,'$.f'), JSON_VALUE(j,'$.g'), JSON_VALUE(j,'$.h'), JSON_VALUE(j,'$.none') FROM t ORDER BY k",
    "WITH x AS (SELECT k, JSON_VALUE(j, '$.a') AS one, JSON_VALUE(j, '$.b') AS two FROM t AS u WHERE k <> 2) "
    "SELECT x.one, x.two, t.s FROM x JOIN t ON t.k = x.k WHERE JSON_VALUE(t.j, '$.a') IS NOT NULL ORDER BY x.k",
    "WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), b AS (SELECT x * 2.5 AS y FROM a) "
    "SELECT CAST(y AS INT64), CAST(y AS STRING), ROUND(y / 3, 2), TO_JSON_STRING(y) FROM b ORDER BY y",
    "SELECT BYTE_LENGTH('é日'), BYTE_LENGTH(b'\\xff\\x00'), BYTE_LENGTH(CAST(NULL AS BYTES)), BYTE_LENGTH('')",
    "SELECT SUM(2 * ARRAY_LENGTH(a) + BYTE_LENGTH(ARRAY_TO_STRING(a, ''))) FROM t",
    "SELECT SUM((SELECT SUM(2 + BYTE_LENGTH(e)) FROM UNNEST(a) AS e)) FROM t",
    "SELECT GENERATE_DATE_ARRAY(DATE '2025-01-30', DATE '2025-02-02'), GENERATE_ARRAY(1, 5, 2)",
    "SELECT 5 << 40, 0.1 + 0.2, 7 / 2, DIV(-7, 2), MOD(-7, 2), 2000000 * 2000000, 1e3, .5, -2.5",
    "SELECT CAST(2.5 AS INT64), CAST(-2.5 AS INT64), CAST(0.49999999999999994 AS INT64), CAST('0x1F' AS INT64)",
    "SELECT CAST(2.675 AS NUMERIC(5,2)), CAST(NUMERIC '2.675' AS NUMERIC(5,2)), CAST(0.1 + 0.2 AS NUMERIC)",
    "SELECT TO_JSON_STRING('a\"b\\\\<é\\n\\u2028/\\x01>&'), TO_JSON_STRING(CAST(NULL AS STRING)), TO_JSON_STRING(NULL)",
    "SELECT TO_JSON_STRING(CAST('inf' AS FLOAT64)), CAST(CAST('-inf' AS FLOAT64) AS STRING), CAST(-0.0 AS STRING)",
    "SELECT TIMESTAMP('2025-03-05 01:02:03'), TIMESTAMP(DATE '2025-03-05'), DATE(2025, 3, 5)",
    "SELECT DISTINCT CURRENT_DATE() = DATE(CURRENT_TIMESTAMP()) FROM t",
]
REFUSED = {
    "FORMAT('%x', k)": "FORMAT", "FARM_FINGERPRINT(s)": "FARM_FINGERPRINT", "APPROX_QUANTILES(k, 4)": "APPROX_QUANTILES",  # noqa: E501
    "k >> 1": "right", "EXTRACT(WEEK(TUESDAY) FROM d)": "WEEK", "DATE(ts, 'Asia/Tokyo')": "Tokyo",
    "FORMAT_TIMESTAMP('%c', ts)": "FORMAT_TIMESTAMP", "JSON_QUERY(j, '$.a')": "JSON_QUERY", "d - d": "DATE_DIFF",
    "ROUND(f, k)": "ROUND", "CAST(s AS BYTES)": "BYTES", "ARRAY_AGG(k LIMIT k)": "ARRAY_AGG", "ML_THING(k)": "ML_THING",
    "SAFE.SUBSTR(s, 1)": "SAFE", "ARRAY(SELECT AS STRUCT 1 AS x)": "SELECT AS STRUCT", "PARSE_JSON(j)": "JSON",
    "CAST(s AS STRING FORMAT 'YYYY')": "FORMAT", "CAST(s AS STRING(2))": "STRING", "CAST(f AS BIGNUMERIC)": "BIGNUM",
    "ANY_VALUE(s HAVING MAX k) OVER ()": "MAX_BY", "@@error.message": "system variable", "k + ?": "without a name",
    "1e400": "not a FLOAT64", "ROUND(f, 2, 'ROUND_HALF_EVEN')": "ROUND", "AVG(CAST(k AS BIGNUMERIC))": "BIGNUMERIC",
    "REGEXP_EXTRACT(s, 'a', 2)": "REGEXP_EXTRACT", "REGEXP_EXTRACT(s, '(a)?b')": "group", "POW(n, 2)": "POW",
    "MIN_BY(s, k) OVER ()": "MAX_BY", "LEFT(s, k)": "LEFT", "LPAD(s, k)": "LPAD", "PARSE_DATE('%d', s)": "PARSE_DATE",
    "REGEXP_REPLACE(s, s, '')": "regular expression", "LN(n)": "LN", "SUBSTR(s)": "SUBSTR", "SQRT(n)": "SQRT",
    "INSTR(s, 'a', 1, 2)": "occurrence", "DIV(n, 2)": "DIV", "TRUNC(f, 1)": "TRUNC", "CAST(af AS STRING)": "ARRAY",
}  # fmt: skip
REFUSED_QUERIES = {
    "SELECT * FROM t UNPIVOT (v FOR l IN (f AS 'a', i AS 'b'))": "SELECT \\*",
    "SELECT v, l FROM t UNPIVOT (v FOR l IN (f AS 1, i AS 2))": "labels",
    "SELECT v FROM t UNPIVOT ((v, w) FOR l IN ((f, s) AS 'a', (i, j) AS 'b'))": "UNPIVOT",
    "SELECT k FROM t FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()": "SYSTEM_TIME|VERSION|TIMESTAMP",
    "SELECT table_name FROM d.INFORMATION_SCHEMA.TABLES": "INFORMATION_SCHEMA",
    "SELECT k FROM t LEFT JOIN UNNEST(t.a) AS e WITH OFFSET AS o": "outer join",
    "SELECT AVG(k) OVER () FROM u": "unknown type",
    "SELECT k FROM t TABLESAMPLE SYSTEM (10 PERCENT)": "TABLESAMPLE",
    "MERGE t USING t AS u ON FALSE WHEN NOT MATCHED THEN INSERT ROW": "INSERT ROW",
    "CREATE TABLE x AS SELECT 1": "not a query",
    "DROP TABLE t": "not a query",
    "SELECT 1; SELECT 2": "one statement",
    "SELEC 1": "not a query|not valid",
    "SELECT (1": "cannot|not valid",
}
FAILS = ["1 / 0", "k / (k - 1)", "MOD(1, 0)", "DIV(1, 0)", "CAST('2.5' AS INT64)", "CAST('x' AS FLOAT64)", "SQRT(-1)",
         "[1, 2][OFFSET(5)]", "CAST('yes' AS BOOL)", "9223372036854775807 + k"]  # fmt: skip


def words(block: str) -> list[str]:
    """The expressions of a block, parted by two spaces or a line's end."""
    return [one for one in re.split(r"\s{2,}", block.strip()) if one]


def comparable(value: Any) -> Any:
    """Sequences as tuples, NUMERIC without zeros at its end, floats apart from integers."""
    match value:
        case list() | tuple():
            return tuple(map(comparable, value))
        case dict():
            return tuple(map(comparable, value.values()))
        case Decimal():
            return value.normalize() + 0
        case float():
            return repr(value)
        case _:
            return value


def in_utc(value: Any) -> Any:
    """DuckDB's own UTC is pytz's."""
    return value.astimezone(UTC) if isinstance(value, dt.datetime) and value.tzinfo else value


def google(query: str) -> object:
    """What Google's reference implementation answers."""
    return comparable(evaluate(query, {"t": (COLUMNS, ROWS)}))


@pytest.fixture(scope="module")
def duck() -> Iterator[DuckDBWarehouse]:
    """The same rows in DuckDB."""
    with DuckDBWarehouse(":memory:") as opened:
        made = Table("t", tuple(column(name, text) for name, text in COLUMNS.items()))
        opened.run(Statement("", (CreateTable(made),)))
        opened._connection().executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(COLUMNS))})", ROWS)
        yield opened


def told(duck: DuckDBWarehouse, query: str) -> object:
    """What DuckDB answers, knowing the table."""
    return comparable([tuple(row.values()) for row in duck.rows(Query(query))])


def blind(duck: DuckDBWarehouse, query: str) -> object:
    """What DuckDB answers to SQL written without knowing the table."""
    rows = duck._connection().execute(to_duckdb(query)).fetchall()
    return comparable([tuple(map(in_utc, row)) for row in rows])


@pytest.mark.parametrize("expression", words(OVER_COLUMNS))
def test_an_expression_answers_as_google_does(duck: DuckDBWarehouse, expression: str) -> None:
    """Row for row the same value and type, with the columns' types known and without."""
    query = f"SELECT {expression} AS v FROM t ORDER BY k"
    assert told(duck, query) == blind(duck, query) == google(query)


@pytest.mark.parametrize("expression", words(NEED_TYPES))
def test_types_of_columns_are_looked_up(duck: DuckDBWarehouse, expression: str) -> None:
    """What depends on a column's type is right where the warehouse knows it; blind SQL refuses, or is equal."""
    query = f"SELECT {expression} AS v FROM t WHERE k < 4 ORDER BY k"
    assert told(duck, query) == google(query)
    try:
        answer = duck._connection().execute(to_duckdb(query)).fetchall()
    except Exception as error:  # noqa: BLE001  DuckDB has no one class for a refused cast
        assert re.search("NUMERIC|TO_JSON_STRING", str(error))  # noqa: PT017  either end is right
    else:
        assert [row[0] for row in answer] == [row[0] for row in evaluate(query, {"t": (COLUMNS, ROWS)})]


@pytest.mark.parametrize("query", WHOLE_QUERIES)
def test_a_query_answers_as_google_does(duck: DuckDBWarehouse, query: str) -> None:
    """Aggregates over no rows, arrays, windows, UNNEST, UNPIVOT, JSON, literals: the same rows."""
    assert told(duck, query) == google(query)


@pytest.mark.parametrize(("expression", "named"), REFUSED.items())
def test_what_cannot_be_translated_is_refused_by_name(expression: str, named: str) -> None:
    """A function that DuckDB does otherwise, or that was never compared, raises InputError that names it."""
    schemas = (("t", tuple((name, text) for name, text in COLUMNS.items())),)
    with pytest.raises(InputError, match=named):
        to_duckdb(f"SELECT {expression} FROM t", schemas)


@pytest.mark.parametrize(("query", "named"), REFUSED_QUERIES.items())
def test_a_query_that_means_something_else_is_refused(query: str, named: str) -> None:
    """Clauses that DuckDB reads otherwise, several statements, DDL and text other than SQL raise InputError."""
    with pytest.raises(InputError, match=named):
        to_duckdb(query)


@pytest.mark.parametrize("expression", FAILS)
def test_what_fails_at_google_fails_here(duck: DuckDBWarehouse, expression: str) -> None:
    """Division by zero, bad casts, an index out of bounds, overflow: an error, where DuckDB gives NULL, inf or 3."""
    with pytest.raises(StatementFailed):
        duck.rows(Query(f"SELECT {expression} AS v FROM t WHERE k = 1"))


@settings(max_examples=300)
@given(st.floats(-1e6, 1e6), st.integers(0, 4))
@example(2.675, 2)
@example(0.125, 2)
@example(-1.005, 2)
@example(0.285, 2)
@example(5e-324, 3)
def test_round_is_exact(duck: DuckDBWarehouse, value: float, places: int) -> None:
    """ROUND of FLOAT64 rounds the exact value, halves away from zero."""
    context = decimal.Context(prec=800, rounding=decimal.ROUND_HALF_UP)
    exact = context.quantize(Decimal(value), Decimal(1).scaleb(-places))
    (row,) = duck.rows(Query(f"SELECT ROUND(@x, {places}) AS r", (("x", value),)))
    assert row["r"] == float(exact)


def test_json_is_parsed_once(duck: DuckDBWarehouse) -> None:
    """Reads of many keys of one column in one SELECT parse the column once; a single read, or a star, does not."""
    many = ", ".join(f"JSON_VALUE(j, '$.\"{n}\"') AS c{n}" for n in range(37))
    assert to_duckdb(f"SELECT {many} FROM t").count("JSON_TRANSFORM") == 1
    assert "JSON_TRANSFORM" not in to_duckdb("SELECT JSON_VALUE(j, '$.a') AS a FROM t")
    starred = f"SELECT *, {many} FROM t WHERE k = 2"
    assert "JSON_TRANSFORM" not in to_duckdb(starred)
    assert "_json0" not in duck.rows(Query(starred))[0]


def test_malformed_json_is_a_missing_value(duck: DuckDBWarehouse) -> None:
    """Text that is not JSON reads as NULL, parsed once or by itself, and does not stop the query."""
    query = "SELECT JSON_VALUE(j, '$.a') AS a, JSON_VALUE(j, '$.b') AS b FROM t WHERE k = 3"
    assert duck.rows(Query(query)) == [{"a": None, "b": None}]
    assert duck.rows(Query("SELECT JSON_VALUE('{bad', '$.a') AS a")) == [{"a": None}]


@pytest.mark.parametrize(
    ("place", "points"),
    [("POINT(1 2)", 1), ("LINESTRING(0 0, 1 1)", 2), ('{"type": "Point", "coordinates": [1, 2]}', 1),
     ('{"type": "LineString", "coordinates": [[0, 0], [1, -1]]}', 2)],
)  # fmt: skip
def test_the_points_of_a_geography_are_counted(duck: DuckDBWarehouse, place: str, points: int) -> None:
    """A GEOGRAPHY is text on DuckDB, WKT or GeoJSON."""
    assert duck.rows(Query("SELECT ST_NUMPOINTS(@place) AS n", (("place", place),))) == [{"n": points}]


def test_a_value_is_written_once() -> None:
    """A large argument of ROUND is not repeated: repeats nest, and nested repeats crash DuckDB's planner."""
    total = " + ".join(f"COALESCE(q{n}, 0)" for n in range(37))
    assert to_duckdb(f"SELECT ROUND(({total}) / 37.0, 2) AS r FROM t").count("q36") == 1


def test_names_and_parameters() -> None:
    """Project and dataset are dropped, @name becomes $name, nameless columns are named as BigQuery names them."""
    assert to_duckdb("SELECT @a, x FROM `p.d.t` AS y").startswith("SELECT $a AS f0_, x FROM ")
    assert '"p"' not in to_duckdb("SELECT 1 FROM `p.d.t`, d.u")
    assert "DEFAULT" in to_duckdb("UPDATE t SET s = DEFAULT WHERE TRUE").replace('"DEFAULT"', "column")


def test_sqlglot_is_loaded_for_queries_alone() -> None:
    """Importing the warehouse loads neither DuckDB nor sqlglot."""
    code = (
        "import sys, fqtool.warehouse.duckdb.warehouse, fqtool.warehouse.duckdb.transpile.dialect\n"
        "raise SystemExit(any(name in sys.modules for name in ('duckdb', 'sqlglot')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
