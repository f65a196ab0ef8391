"""Any bytes, for every kind of input: a result or one of fqtool's errors, soon. `make fuzz` takes hours."""

from __future__ import annotations

import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.harnesses import CORPUS, HARNESSES, run, seeds

SECONDS = 10  # many times what the slowest input takes, on a machine that is busy with other tests
EXAMPLES = {"registry": 20, "rows": 12}
CASES = [(name, path.name) for name in HARNESSES for path in sorted((CORPUS / name).iterdir())]
# Words that mean something to one of the readers; a mutation that puts them in gets further than noise.
WORDS = [
    b"", b"\0", b"'", b'"', b"`", b"\\", b"\\U00110000", b"\\ud800", b"\xff", b"\xef\xbb\xbf", b"\n", b"--", b"/*",
    b"*/", b";", b"(", b")", b"<", b">", b"[", b"]", b"{", b"}", b",", b":", b"\t", b"&a", b"*a", b"!!x", b"|", b">-",
    b"---", b"NULL", b"1e999", b"-1", b"9" * 40, b"true", b"STRUCT<", b"ARRAY<", b"IF NOT EXISTS", b"OPTIONS(",
    b"SELECT",    b"null", b"[[[[", b"{index}", b"{nobody}", "\u202e\u2066".encode(), "\U0001f600".encode(),
]  # fmt: skip


@cache
def corpus(name: str) -> list[bytes]:
    """The smaller inputs of a harness, to be changed."""
    return [one for one in seeds(name) if len(one) < 20_000]


@st.composite
def changed(draw: st.DrawFn, name: str) -> bytes:
    """An input of the corpus with up to six pieces cut out, doubled, or put in from the words or from another."""
    data = draw(st.sampled_from(corpus(name)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        put = draw(st.one_of(st.sampled_from(WORDS), st.binary(max_size=4), st.just(data[start:end] * 2)))
        data = data[:start] + put + data[end:]
    return data


@pytest.mark.parametrize(("name", "case"), CASES)
def test_what_once_failed_is_answered(name: str, case: str) -> None:
    """Law: every input of the corpus, which holds all that ever failed, is answered in a short time."""
    start = time.monotonic()
    run(name, (CORPUS / name / case).read_bytes())
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("name", HARNESSES)
def test_what_is_like_the_corpus_is_answered(name: str) -> None:
    """Law: so is what differs from it in a few places."""

    @settings(max_examples=EXAMPLES.get(name, 80), database=None)
    @given(changed(name))
    def answered(data: bytes) -> None:
        run(name, data)

    answered()


@pytest.mark.parametrize("name", HARNESSES)
def test_noise_is_answered(name: str) -> None:
    """Law: so are bytes and texts without any meaning."""

    @settings(max_examples=EXAMPLES.get(name, 50), database=None)
    @given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(lambda text: text.encode())))
    def answered(data: bytes) -> None:
        run(name, data)

    answered()
