"""Laws of the type checker: its verdict on an expression is that of Google's analyser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fqtool.errors import InputError
from fqtool.expressions import functions
from fqtool.expressions.expression import Literal
from fqtool.expressions.functions import null_makes_null
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import Names, feature_names
from fqtool.expressions.typecheck import Trouble, infer
from fqtool.expressions.value_types import FLOAT64, type_named
from fqtool.registry.load import read_registry
from fqtool.sql import literal
from fqtool.table.tokens import cut, first_comment, tokens_of
from tests.bed.running import ROOT
from tests.bed.zeta import analyze, evaluate, resolve
from tests.bed.zeta_values import type_kind

COLUMNS = {
    "i": "INT64", "f": "FLOAT64", "n": "NUMERIC", "b": "BOOL", "s": "STRING", "d": "DATE", "dt": "DATETIME",
    "t": "TIMESTAMP", "j": "JSON", "ai": "ARRAY<INT64>", "af": "ARRAY<FLOAT64>", "a_s": "ARRAY<STRING>",
}  # fmt: skip
OF_TYPE = {text: name for name, text in COLUMNS.items()}
ROW = Names({name: type_named(text) for name, text in COLUMNS.items()}, parameters={})
FEATURES = Names(ROW.columns, feature_names(FLOAT64))
CONSTANTS = {
    "DATE_PART": "MONTH", "TIME_PART": "HOUR", "TRUNC_PART": "DAY", "PLACES": "2", "FORMAT": "'%Y-%m-%d'",
    "PATH": "'$.\"5\"'", "TEXT": "'a'",
}  # fmt: skip
OPERATORS = {"NOT": "NOT {}", "LIKE": "{} LIKE {}", "||": "{} || {}"} | {sign: f"{{}} {sign} {{}}" for sign in "+-*/"}


def types_by_google(texts: list[str], columns: Mapping[str, str] = COLUMNS) -> list[str]:
    """The type of each expression over the columns, as the analyser infers it."""
    from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service_pb

    select = ", ".join(f"({text}) AS c{number}" for number, text in enumerate(texts))
    raw = resolve(f"SELECT {select} FROM row_", {"row_": columns})
    query = service_pb.AnalyzeResponse.FromString(raw).resolved_statement.resolved_query_stmt_node
    return [_spelt(one.column.type) for one in query.output_column_list]


def _spelt(kind: Any) -> str:
    if type_kind(kind) == "ARRAY":
        return f"ARRAY<{type_kind(kind.array_type.element_type)}>"
    return type_kind(kind)


def spelt(text: str) -> str:
    """The type as the checker infers it; fails where it finds a mistake."""
    found, problems = infer(parse_expression(text), ROW)
    assert problems == (), text
    return str(found)


def choices(word: str) -> Iterator[str]:
    """Every type of the columns that a word of a signature takes."""
    for one in word.split("|"):
        inner = one.removeprefix("ARRAY<").rstrip(">")
        kinds = functions.FAMILIES[inner][0] if inner in functions.FAMILIES else (inner,)
        yield from (text for kind in kinds if (text := f"ARRAY<{kind}>" if inner != one else str(kind)) in OF_TYPE)


def calls(signature: str, form: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every way to fill a signature, the arguments of several kinds all of one: text with gaps, types of the gaps."""
    arguments, _ = functions.parsed(signature)
    least = sum(not one.optional for one in arguments)
    several = [one for one in arguments if functions.is_several(one.word.partition("|")[0])]
    options = list(choices(several[0].word)) if several else [""]
    for count in range(least, len(arguments) + 1):
        for option in options:
            words = [one.word for one in arguments[:count] for _ in range(2 if one.repeats else 1)]
            types = tuple(
                option if functions.is_several(word.partition("|")[0]) else next(choices(word))
                for word in words
                if word not in CONSTANTS
            )
            gaps = ", ".join(CONSTANTS.get(word, "{}") for word in words)
            yield (f"{form}({gaps})" if form.isidentifier() else form), types


PRODUCTIONS = [made for name, signature in functions.FUNCTIONS.items() for made in calls(signature, name)]
PRODUCTIONS += [
    made
    for sign, signature in functions.OPERATORS.items()
    for made in calls(signature.replace("?", ""), OPERATORS[sign])
    if len(made[1]) == OPERATORS[sign].count("{}")
]
for _one in ("INT64", "FLOAT64", "NUMERIC", "STRING", "DATE", "TIMESTAMP", "BOOL"):
    PRODUCTIONS += [("CASE WHEN {} THEN {} ELSE {} END", ("BOOL", _one, _one)), ("{} >= {}", (_one, _one))]
    PRODUCTIONS += [("{} IN ({}, {})", (_one,) * 3), ("{} BETWEEN {} AND {}", (_one,) * 3), ("{} IS NULL", (_one,))]
    PRODUCTIONS += [("[{}, {}]", (_one, _one)), ("{} = {}", (_one, _one))]
for _from in COLUMNS.values():
    PRODUCTIONS += [
        (f"{word}({{}} AS {to})", (_from,))
        for word in functions.CASTS
        for to in ("INT64", "FLOAT64", "NUMERIC", "STRING", "DATE", "TIMESTAMP", "BOOL")
        if not infer(parse_expression(f"CAST({OF_TYPE[_from]} AS {to})"), ROW)[1]
    ]
PRODUCTIONS += [("{} AND {}", ("BOOL", "BOOL")), ("{} OR {}", ("BOOL", "BOOL")), ("{} + {}", ("DATE", "INT64"))]
PRODUCTIONS += [("{}[SAFE_OFFSET({})]", (one, "INT64")) for one in ("ARRAY<INT64>", "ARRAY<FLOAT64>", "ARRAY<STRING>")]


def test_every_function_has_the_type_that_google_infers() -> None:
    """Law: each call that a signature allows, and each operator and cast, is accepted by both, with one type."""
    texts = [form.format(*(OF_TYPE[one] for one in types)) for form, types in PRODUCTIONS]
    named = {one.partition("(")[0] for one in texts}
    assert set(functions.FUNCTIONS) <= named
    ours = [spelt(text) for text in texts]
    differing = [told for told in zip(texts, ours, types_by_google(texts), strict=True) if told[1] != told[2]]
    assert differing == []


@pytest.mark.parametrize(
    "text",
    [
        "i + n", "i / i", "n / i", "n + f", "i * 1.5", "n * 1.5", "IF(b, 1, 1.5)", "COALESCE(n, 1.5)", "COALESCE(i, n)",
        "IF(b, NULL, s)", "IF(b, d, '2026-01-02')", "CASE WHEN b THEN 1 ELSE n END", "[1, 1.5]", "ai || [1]",
        "ROUND(i)",        "[n, 1.5]", "GREATEST(i, f)", "LEAST(i, n, 2.5)", "d - 1", "-n", "- i",
        "t > '2026-01-02T03:04:05Z'",
        "d = '2026-01-02'", "i IN (1, 2.5)", "NULLIF(i, 1.5)", "SAFE_DIVIDE(i, i)", "SAFE_DIVIDE(n, i)", "f = i",
        "COALESCE(ai, [])", "DIV(i, 2)", "MOD(n, 2)", "IFNULL(f, 0)", "CONCAT(s, 'a', s)", "ABS(-1)",
        "ROUND(f, -1)", "b AND NULL",
    ],
)  # fmt: skip
def test_types_that_come_together_are_the_ones_of_google(text: str) -> None:
    """Law: where values of several types or literals meet, the common type is the one of the analyser."""
    assert [spelt(text)] == types_by_google([text])


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("my_udf(i)", Trouble.FUNCTION),
        ("nothing", Trouble.NAME),
        ("i + s", Trouble.TYPE),
        ("i + b", Trouble.TYPE),
        ("NOT i", Trouble.TYPE),
        ("i AND b", Trouble.TYPE),
        ("i AND i", Trouble.TYPE),
        ("ROUND(f, NOT 1)", Trouble.TYPE),
        ("-s", Trouble.TYPE),
        ("i = s", Trouble.TYPE),
        ("b = 1", Trouble.TYPE),
        ("d = i", Trouble.TYPE),
        ("d = 'yesterday'", Trouble.TYPE),
        ("i IN (1, 'a')", Trouble.TYPE),
        ("i BETWEEN 1 AND 'a'", Trouble.TYPE),
        ("s IS TRUE", Trouble.TYPE),
        ("i LIKE 'a'", Trouble.TYPE),
        ("IF(i, 1, 2)", Trouble.TYPE),
        ("IF(b, 1)", Trouble.TYPE),
        ("IF(b, 1, 'no')", Trouble.TYPE),
        ("CASE WHEN b THEN 1 ELSE 'no' END", Trouble.TYPE),
        ("COALESCE(i, s)", Trouble.TYPE),
        ("COALESCE()", Trouble.TYPE),
        ("IFNULL(i)", Trouble.TYPE),
        ("ROUND(s)", Trouble.TYPE),
        ("ROUND(f, 1, 2, 3)", Trouble.TYPE),
        ("MOD(f, 2)", Trouble.TYPE),
        ("SQRT(s)", Trouble.TYPE),
        ("LENGTH(i)", Trouble.TYPE),
        ("UPPER(1)", Trouble.TYPE),
        ("SUBSTR(s, 'a')", Trouble.TYPE),
        ("ARRAY_LENGTH(i)", Trouble.TYPE),
        ("ARRAY_CONCAT(ai, a_s)", Trouble.TYPE),
        ("ai['a']", None),
        ("i[SAFE_OFFSET(0)]", Trouble.TYPE),
        ("a_s[SAFE_OFFSET(s)]", Trouble.TYPE),
        ("TIMESTAMP_DIFF(t, t, FORTNIGHT)", Trouble.TYPE),
        ("DATE_TRUNC(s, MONTH)", Trouble.TYPE),
        ("UNIX_SECONDS(d)", Trouble.TYPE),
        ("FORMAT_DATE(d, '%Y')", Trouble.TYPE),
        ("CAST(d AS INT64)", Trouble.TYPE),
        ("CAST(ai AS STRING)", Trouble.TYPE),
        ("CAST(i AS NUMBER)", Trouble.TYPE),
        ("[1, 'a']", Trouble.TYPE),
        ("[ai]", Trouble.TYPE),
        ("9223372036854775808", Trouble.TYPE),
        ("GREATEST(i, s)", Trouble.TYPE),
        ("NULLIF(i, s)", Trouble.TYPE),
    ],
)
def test_what_is_refused_google_refuses_too(text: str, trouble: Trouble | None) -> None:
    """Law: a type that does not fit, a wrong count or an unknown name is a mistake here and an error there."""
    assert analyze(f"SELECT {text} FROM row_", {"row_": COLUMNS}) is not None
    if trouble is None:
        with pytest.raises(Unreadable):
            parse_expression(text)
    else:
        assert trouble in {one.trouble for one in infer(parse_expression(text), ROW)[1]}


@pytest.mark.parametrize("text", ["s || i", "ai = ai", "TIMESTAMP_DIFF(d, d, HOUR)", "CONCAT(s, i)", "RAND() < f"])
def test_what_other_engines_do_not_share_is_refused(text: str) -> None:
    """Law: some things that Google accepts are mistakes here, since DuckDB or another day would answer otherwise."""
    assert analyze(f"SELECT {text} FROM row_", {"row_": COLUMNS}) is None
    assert infer(parse_expression(text), ROW)[1]


@pytest.mark.parametrize("text", ["i = NULL", "i NOT IN (1, NULL)", "NULL != s", "i BETWEEN NULL AND 3", "f < NULL"])
def test_a_comparison_with_null_is_refused(text: str) -> None:
    """Law: its answer is never TRUE; where Google lets it pass, as in IN, it is a mistake here all the same."""
    assert [one.trouble for one in infer(parse_expression(text), ROW)[1]] == [Trouble.NULL]


RESULTS = {made: spelt(made[0].format(*(OF_TYPE[one] for one in made[1]))) for made in PRODUCTIONS}
BY_TYPE = {text: [made for made in PRODUCTIONS if RESULTS[made] == text] for text in sorted(set(COLUMNS.values()))}


@st.composite
def typed(draw: st.DrawFn, kind: str, depth: int = 3) -> str:
    """An expression of one type, put together from calls that give it."""
    if depth == 0 or not BY_TYPE[kind] or draw(st.booleans()):
        return OF_TYPE[kind]
    form, types = draw(st.sampled_from(BY_TYPE[kind]))
    parts = [f"({draw(typed(one, depth - 1))})" for one in types]
    return form.format(*parts)


@settings(max_examples=40)
@given(st.sampled_from(sorted(BY_TYPE)).flatmap(lambda kind: st.tuples(st.just(kind), typed(kind))))
def test_any_well_typed_expression_is_accepted_by_both(made: tuple[str, str]) -> None:
    """Law: calls put into each other by their types are accepted here and by Google, and both give that type."""
    kind, text = made
    assert spelt(text) == kind
    assert types_by_google([text]) == [kind]


SOUP = st.sampled_from(
    [*COLUMNS, *functions.FUNCTIONS, *functions.OVER_FEATURES, *functions.OF_REGISTRY, "quality", "index",
     "@computed_at", "(", ")", "(", ")", ",", ",", "[", "]", "SAFE_OFFSET", "CAST", "AS", "INT64", "CASE", "WHEN",
     "THEN", "ELSE",
     "END", "AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "=", "<", "+", "-", "*", "/", "||", "LIKE", "1",
     "1.5", "'a'",
     "9" * 30, "1e999", "'\\U99999999'", "'", "`", "``", "@", ".", ";", "SELECT", "\x00", "é", "--", "/*"]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(SOUP, max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_is_refused_or_has_a_type(text: str) -> None:
    """Law: whatever the text, reading it ends in Unreadable or an expression, and that in a type or in mistakes."""
    for names in (ROW, FEATURES, Names(ROW.columns, open=True), Names({}, FEATURES.of_feature, per_feature=True)):
        try:
            made = parse_expression(text)
        except Unreadable:
            continue
        found, problems = infer(made, names)
        assert not problems or found is None
        assert all(0 <= one.span.start <= one.span.end <= len(text) and one.message for one in problems)


@pytest.mark.parametrize("text", ["f(" * 150 + ")" * 150, "-" * 190 + "1", "+".join(["i"] * 20_000), "(" * 5000])
def test_long_and_deep_texts_end_immediately(text: str) -> None:
    """Law: depth ends in a refusal or a mistake, never in an overflow of the stack."""
    with suppress(Unreadable):
        infer(parse_expression(text), ROW)


def test_aggregates_have_the_types_of_their_columns() -> None:
    """Law: the feature language's own functions give what the columns of a registry are declared as."""
    for text, kind in {
        "COUNT_FEATURES(is_default AND index BETWEEN 5 AND 8)": "INT64",
        "AVG_OVER_FEATURES(quality, critical)": "FLOAT64",
        "ANY_FEATURE(quality < 85)": "BOOL",
        "ALL_FEATURES(source = 'x')": "BOOL",
        "FEATURE_MAP(sample_size, sample_size IS NOT NULL)": "STRING",
        "FEATURE_LIST(name)": "ARRAY<STRING>",
        "TIER(f)": "STRING",
        "ALERT_CODES()": "ARRAY<STRING>",
        "COMPATIBLE_MODELS('a')": "ARRAY<STRING>",
        "PROCESSORS_RAN()": "STRING",
    }.items():
        found, problems = infer(parse_expression(text), FEATURES)
        assert (str(found), problems) == (kind, ())


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_text_in_quotes_is_read_as_it_is(text: str) -> None:
    """Law: a literal that is written out is one token, whatever it holds, and reads back as the same text."""
    assert parse_expression(f"{literal(text)} -- 'b'") == Literal(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r'\\d' || 'it\\'s' /* a */", "r'\\d'  ||  'it\\'s'"),
        ("a<>b", "a  <>  b"),
        ("1.5+.5-1e-5*0x1F", "1.5  +  .5  -  1e-5  *  0x1F"),
        ("x  --y\n||z # end", "x  ||  z"),
        ("ARRAY<STRUCT<a INT64>>", "ARRAY  <  STRUCT  <  a  INT64  >  >"),
        ("/* a /* b */ c", "c"),
        ("@day >= `my project.d`.t", "@day  >=  `my project.d`  .  t"),
        ("rb'x' BR\"y\" b'''a'b''' '' rr", "rb'x'  BR\"y\"  b'''a'b'''  ''  rr"),
        ("my-project.d.t;", "my  -  project  .  d  .  t  ;"),
    ],
)
def test_text_is_cut_into_the_tokens_of_googlesql(text: str, expected: str) -> None:
    """Law: every form of string, name, number and comment is one token, and a token is the text at its place."""
    tokens = tokens_of(text)
    assert [one.raw for one in tokens] == expected.split("  ")
    assert [one.raw for one in tokens] == [text[one.start : one.end] for one in tokens]


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a `b", "a /* b", "a '''b''", "a ''''", "a 'b\nc'"])
def test_an_unclosed_quote_or_comment_is_refused_with_its_place(text: str) -> None:
    """Law: DDL with an unclosed quote or comment is not SQL; a newline does not belong into a simple quote."""
    with pytest.raises(InputError, match=r"line 1, column 3: .* is not closed"):
        tokens_of(text)
    assert first_comment(text) == (2 if "*" in text else None)
    assert cut(text)[1].start == 2


def test_sqlglot_cuts_the_expressions_of_the_real_registry_alike() -> None:
    """Law: the tokens of every expression of the real registry are those that sqlglot finds."""
    import sqlglot

    registry = read_registry(ROOT / "feature_registry.yaml")
    texts = [one.expr for one in registry.columns if one.expr] + [one.metric for one in registry.thresholds]
    for text in texts:
        filled = text.replace("{", "").replace("}", "")
        reference = [filled[one.start : one.end + 1] for one in sqlglot.tokenize(filled, read="bigquery")]
        # fqtool takes @name for one token.
        assert "".join(one.raw for one in cut(filled)) == "".join(reference), text
        assert [one.raw for one in cut(filled)] == reference or "@" in filled


def test_a_null_argument_makes_null_as_at_google() -> None:
    """Law: with one argument NULL, a call is NULL at Google exactly as its entry states."""
    values = {
        "i": "2", "f": "1.5", "n": "NUMERIC '1.5'", "s": "'ab'", "d": "DATE '2026-02-03'",
        "t": "TIMESTAMP '2026-02-03 04:05:06+00'", "j": "JSON '{\"5\": 1}'", "ai": "[1, 2]", "af": "[1.5]",
        "a_s": "['a', 'b']", "dt": "DATETIME '2026-02-03 04:05:06'",
    }  # fmt: skip
    cases = []
    for name, signature in functions.FUNCTIONS.items():
        for form, types in calls(signature, name):
            gaps = form.partition("(")[2].rstrip(")").split(", ")
            places = [number for number, gap in enumerate(gaps) if gap == "{}"]
            for (gap, place), truth in product(enumerate(places), ("TRUE", "FALSE")):
                given = [truth if one == "BOOL" else values[OF_TYPE[one]] for one in types]
                given[gap] = f"CAST(NULL AS {types[gap]})"
                cases.append((name, place, form.format(*given)))
    row = evaluate(f"SELECT {', '.join(f'({text}) IS NULL' for _, _, text in cases)}")[0]
    answers: dict[tuple[str, int], set[bool]] = {}
    for (name, place, _), is_null in zip(cases, row, strict=True):
        answers.setdefault((name, place), set()).add(is_null)
    differing = {key: nulls for key, nulls in answers.items() if (nulls == {True}) is not null_makes_null(*key)}
    assert differing == {}
