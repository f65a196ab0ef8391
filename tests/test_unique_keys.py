"""Laws of how a key that is given twice is seen without a second look at the line."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fqtool.records.unique_keys import QUOTE, quotes_of

_TEXTS = st.text(st.sampled_from('a":\\ \u00e9\U0001f600\n,'), max_size=6)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(value=_VALUES, ascii_only=st.booleans(), blanks=st.sampled_from(((",", ":"), (" ,", " : "))))
def test_a_text_without_repeated_keys_has_the_quotes_of_its_value(
    value: Any, ascii_only: bool, blanks: tuple[str, str]
) -> None:
    """Blanks, escapes and nesting make no difference."""
    text = json.dumps(value, ensure_ascii=ascii_only, separators=blanks)
    assert text.count('"') == quotes_of(value)


@given(first=_VALUES, second=_VALUES, key=_TEXTS, deep=st.booleans())
def test_a_repeated_key_leaves_more_quotes_than_the_value_has(first: Any, second: Any, key: str, deep: bool) -> None:
    """However the first value is written, it is missing from what was read."""
    name = json.dumps(key)
    text = f"{{{name}: {json.dumps(first)}, {name}: {json.dumps(second)}}}"
    text = f'[1, {{"a": {text}}}]' if deep else text
    assert text.count('"') > quotes_of(json.loads(text))


def test_a_quote_in_another_notation_could_balance_a_repeated_key() -> None:
    """That is why a text with QUOTE gets a second look."""
    text = f'{{"a": 1, "a": "{QUOTE}{QUOTE}"}}'
    assert text.count('"') == quotes_of(json.loads(text))
