"""Laws of reading a registry, attacked with random text: it never raises, and the quick check is never wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fqtool.findings.finding import RULES
from fqtool.registry.checks.fast_schema import fits
from fqtool.registry.load import decoded, load_registry, schema
from fqtool.registry.yaml import document
from fqtool.registry.yaml.document import DEPTH_LIMIT, read_document
from tests.machine import patient

ROOT = Path(__file__).parents[1]
REAL = (ROOT / "feature_registry.yaml").read_text(encoding="utf-8")
MINIMAL = (ROOT / "tests/cases/registry/minimal.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_nesting_without_end_is_refused(text: str) -> None:
    """Any number of open brackets ends in a finding, immediately; libyaml's composer would end the process."""
    began = time.monotonic()
    _, findings = load_registry(text, "deep.yaml")
    assert {one.rule for one in findings} & {"FQ011", "FQ005"}
    assert time.monotonic() - began < patient(5)


def test_the_depth_limit_is_exact() -> None:
    """Up to the limit a document is read, one level more is refused."""
    assert not read_document("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT, "x").findings
    over = DEPTH_LIMIT + 1
    assert [one.rule for one in read_document("[" * over + "]" * over, "x").findings] == ["FQ011"]


def test_an_alias_bomb_costs_nothing() -> None:
    """Aliases are refused, never followed."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    began = time.monotonic()
    _, findings = load_registry("\n".join(lines), "bomb.yaml")
    assert {"FQ008"} <= {one.rule for one in findings}
    assert time.monotonic() - began < patient(5)


@pytest.mark.parametrize("text", ["a: 1\n" * 100_000, "a: [" + "no, " * 100_000 + "]", f"tiers: [{'1, ' * 100_000}]"])
def test_a_file_of_mistakes_is_given_up(text: str) -> None:
    """However many mistakes a file holds, the first thousand are reported and memory stays small."""
    registry, findings = load_registry(text, "x")
    assert registry is None
    assert 1000 <= len(findings) <= 1100


def test_without_libyaml_the_registry_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser, used where libyaml is absent, reads the same values at the same places."""
    quick = load_registry(REAL, "r")
    monkeypatch.setattr(document, "LOADER", yaml.SafeLoader)
    assert load_registry(REAL, "r") == quick


def _parts(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        found += _parts(value, (*path, key))
    return found


PLAIN = yaml.load(MINIMAL, Loader=yaml.CSafeLoader)
PATHS = [path for path in _parts(PLAIN) if path]
ODD = st.sampled_from(
    [None, True, 0, 1, -1, 1.0, 1.5, 10**9, "", "x", "a b", "2026-01-01", [], ["x"], [1, 2], {}, {"a": 1}]
)


@given(
    st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(["put", "drop", "add"]), ODD), min_size=1, max_size=2)
)
@settings(max_examples=300)
def test_the_quick_check_agrees_with_jsonschema(edits: list[tuple[tuple[Any, ...], str, Any]]) -> None:
    """The compiled predicate is true exactly where jsonschema finds no error."""
    data = json.loads(json.dumps(PLAIN))
    for path, how, value in edits:
        parent = data
        try:
            for step in path[:-1]:
                parent = parent[step]
            if how == "drop":
                del parent[path[-1]]
            elif how == "add" and isinstance(parent, dict):
                parent["extra"] = value
            else:
                parent[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    assert fits(schema())(data) == Draft202012Validator(schema()).is_valid(data)


def test_an_unknown_keyword_is_never_waved_through() -> None:
    """A schema keyword that the quick check does not know sends everything to jsonschema."""
    assert not fits({"type": "string", "format": "date"})("2026-01-01")
    assert fits({"type": "string", "description": "x"})("2026-01-01")


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_never_raise(raw: bytes) -> None:
    """Any bytes end in a Registry or in findings, each with a rule of its own."""
    text, findings = decoded(raw, "x")
    if text is not None:
        registry, findings = load_registry(text, "x")
        assert (registry is None) == bool(findings)
    assert all(one.rule in RULES for one in findings)


@given(st.text(st.sampled_from("ab:-{}[],&*!|>'\"%@`#? \n\t01.~<yno"), max_size=60))
def test_yaml_like_text_never_raises(text: str) -> None:
    """Whatever is made of YAML's own signs ends in findings."""
    registry, findings = load_registry(text, "x")
    assert registry is None
    assert findings


@given(st.integers(0, len(MINIMAL) - 1), st.integers(0, 30), st.text(max_size=6))
@settings(max_examples=300)
def test_a_mutated_registry_never_raises(start: int, length: int, put: str) -> None:
    """A registry with any stretch replaced by anything ends in a Registry or in findings that point into it."""
    text = MINIMAL[:start] + put + MINIMAL[start + length :]
    registry, findings = load_registry(text, "x")
    assert (registry is None) == bool(findings)
    lines = len(text.splitlines()) + 1
    for found in findings:
        assert found.location is not None
        assert 0 <= found.location.line <= lines


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20))
def test_quoted_text_is_read_as_it_is(text: str) -> None:
    """A JSON string is a YAML string: what is quoted arrives unchanged."""
    read = read_document(f"a: {json.dumps(text)}", "x")
    assert read.data == {"a": text}
    assert not read.findings


def test_a_large_registry_is_read_in_no_time() -> None:
    """2,500 features load in a few times what the bare parser needs, so in well under a second."""
    feature = next(line for line in REAL.split("\n  - {index: 5,")[1].split("\n  - {index: 6,"))
    entries = "\n".join(
        f"  - {{index: {n}," + feature.replace("name: fatigue_score", f"name: f{n}") for n in range(2500)
    )
    before, after = REAL.split("features:\n", 1)[0], REAL[REAL.index("\nbase_columns:") :]
    text = f"{before}features:\n{entries}\n{after}"
    floor, took = [], []
    for _ in range(3):
        began = time.perf_counter()
        sum(1 for _ in yaml.parse(text, Loader=yaml.CSafeLoader))
        floor.append(time.perf_counter() - began)
        began = time.perf_counter()
        registry, findings = load_registry(text, "big.yaml")
        took.append(time.perf_counter() - began)
        assert registry is not None, findings
        assert len(registry.features) == 2500
    assert min(took) < 8 * min(floor), (took, floor)
