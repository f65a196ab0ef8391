"""Reading a registry file: every problem in one run, each at its place, and never a traceback."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fqtool.errors import RegistryError
from fqtool.registry.load import SIZE_LIMIT, decoded, load_registry, read_registry, schema

ROOT = Path(__file__).parents[1]
REAL = (ROOT / "feature_registry.yaml").read_text(encoding="utf-8")
MINIMAL = (ROOT / "tests/cases/registry/minimal.yaml").read_text(encoding="utf-8")

# rule, text of the minimal registry, what takes its place, what the finding points at, words of it
MISTAKES = [
    ("FQ005", "tiers:\n", "tiers: [\n", "- {name: good", "not YAML"),
    ("FQ005", "  name: store", "\tname: store", "\tname", "tab"),
    ("FQ005", "description: How he plays.", "description: plays: how", ": how", "comma"),
    ("FQ005", "name: store", "name: store: two", ": two", "Quote the value"),
    ("FQ005", "name: store", "name: `store`", "`store`", "Quote the value"),
    ("FQ005", "  name: store", "\u00a0 name: store", "\u00a0 name", "no-break space"),
    ("FQ005", "  name: store", "  name:store", ":", "a blank after the colon in line 4"),
    ("FQ005", 'Of {name}."}', "Of {name}.}", "'v1'", "starts in line"),
    ("FQ005", "name: store", "name: st\x07ore", "\x07ore", "U+0007"),
    ("FQ006", "version: 1\n", "version: 1\n---\nversion: 1\n", "---", "second YAML document"),
    ("FQ007", "name: good, min: 80", "name: good, min: 80, min: 81", "min: 81", "line 23"),
    ("FQ008", "keys: [player, day]", "keys: &keys [player, day]", "&keys", "&keys"),
    ("FQ008", "cluster_by: [player]", "cluster_by: *keys", "*keys", "*keys"),
    ("FQ009", "min: 80", "min: !!float 80", "!!float", "!!float"),
    ("FQ009", "name: store", "name: !!python/name:os.system store", "!!python", "python/name:os.system"),
    ("FQ010", "require_partition_filter: true", "require_partition_filter: yes", "yes", "Write true."),
    ("FQ010", "section: each", "section: no", "no,", "truth value"),
    ("FQ010", "min: 80", "min: 080", "080", "080"),
    ("FQ010", "min: 80", "min: 017", "017", "plain digits"),
    ("FQ010", "min: 80", "min: 0x50", "0x50", "a number"),
    ("FQ010", "min: 80", "min: 1_000", "1_000", "a number"),
    ("FQ010", "min: 80", "min: 8e1", "8e1", "a number"),
    ("FQ010", "min: 80", "min: .inf", ".inf", "plain digits"),
    ("FQ010", "keys: [player, day]", "keys: yes", "yes", "brackets"),
    ("FQ010", "min: 80", "min: 99999999999999999999", "99999999999999999999", "a number"),
    ("FQ010", "section: each", "section: 12:30", "12:30", "Quote it"),
    ("FQ010", 'as_of: "2026-08-05"', "as_of: 2026-08-05", "2026-08-05", 'Quote it: "2026-08-05"'),
    ("FQ010", "  quality_version: v1", "  no: v1", "no: v1", "truth value"),
    ("FQ010", "  Cache: {", "  <<: {", "<<: {", "merge"),
    ("FQ012", "  quality_version: v1", "  {index}: v1", "{index}", "Quote"),
    ("FQ012", "  quality_version: v1", "  ? [a, b]\n  : v1", "[a, b]", "Quote"),
    ("FQ013", "category: form, processor", "categry: form, processor", "categry", "category"),
    ("FQ013", "thresholds:\n", "treshholds:\n", "treshholds", "thresholds"),
    ("FQ013", "name: store", "name: store\n  dataset: x", "dataset", "Known keys: cluster_by"),
    ("FQ014", ", section: each", "", '{name: "feature_{index}', "section: aggregate"),
    ("FQ015", "keys: [player, day]", "keys: player", "player", "brackets"),
    ("FQ015", "min: 80", 'min: "80"', '"80"', "Remove the quotes"),
    ("FQ015", "range: [0, 70]", "range: [0, high]", "high", "Write a number."),
    ("FQ015", "features:\n", "features:\nxs:\n", "", "a dash before each entry"),
    ("FQ015", "index: 1,", "index: 1.5,", "1.5", "a whole number"),
    ("FQ015", 'drift:\n  FQ303: warning\n  ignore: {"raw_*": [description]}', "drift:", "", "a map, but is empty"),
    ("FQ016", "for_each: feature", "for_each: features", "features", "Write feature."),
    ("FQ016", "owner: upstream", "owner: shred", "shred", "Write shared."),
    ("FQ016", "version: 1", "version: 2", "2", "it must be 1"),
    ("FQ016", "FQ303: warning", "FQ303: loud", "loud", "error or warning or note or ignore"),
    ("FQ017", "name: fatigue", 'name: "fatigue score"', '"fatigue', "letters, digits and _"),
    ("FQ017", "  rest: {", "  re-st: {", "re-st", "letters, digits and _"),
    ("FQ017", "range: [0, 70]", "range: [0, 70, 80]", "[0, 70, 80]", "exactly 2"),
    ("FQ017", "expr: quality,", 'expr: "",', '"",', "not empty"),
    ("FQ017", "index: 1,", "index: -1,", "-1", "at least 0"),
    ("FQ017", '"2026-08-05"', '"05.08.2026"', '"05.08', "a date such as"),
    ("FQ017", 'since: "2026-02-06"', 'since: "2026-02-30"', '"2026-02-30"', "calendar"),
    ("FQ017", "  FQ303: warning", "  FQ3: warning", "FQ3: warning", "of the form"),
    ("FQ017", "keys: [player, day]", "keys: []", "[]", "at least 1"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "old", "new", "spot", "words"), MISTAKES)
def test_every_mistake_is_named_at_its_place(code: str, old: str, new: str, spot: str, words: str) -> None:
    """A mistake gives a finding with its rule, its words, and its line and column."""
    assert MINIMAL.count(old) >= 1, old
    text = MINIMAL.replace(old, new, 1)
    registry, findings = load_registry(text, "small.yaml")
    assert registry is None
    found = [one for one in findings if one.rule == code]
    assert found, findings
    assert words in f"{found[0].message} {found[0].cause} {found[0].remedy!s}"
    place = found[0].location
    assert place is not None
    assert place.file == "small.yaml"
    assert text.split("\n")[place.line - 1][place.column - 1 :].startswith(spot)


def test_a_missing_key_is_reported_with_an_example() -> None:
    """A missing key is reported at its map, in a form that can be pasted."""
    _, findings = load_registry(MINIMAL.replace("  keys: [player, day]\n", ""), "small.yaml")
    assert [(one.rule, one.subject, str(one.remedy)) for one in findings] == [
        ("FQ014", "table", "Add it, e.g. keys: [shop_id, day]")
    ]


def test_all_problems_come_in_one_run_in_the_order_of_the_file() -> None:
    """Problems of different kinds are found in one run, and are sorted by their place."""
    text = MINIMAL
    for old, new in (("keys: [player, day]", "keys: player"), ("min: 80", "min: 080"),
                     ("category: rest", "categori: rest"), ("owner: upstream", "owner: upstraem")):  # fmt: skip
        text = text.replace(old, new, 1)
    _, findings = load_registry(text, "small.yaml")
    assert [one.rule for one in findings] == ["FQ015", "FQ010", "FQ013", "FQ016"]
    places = [one.location for one in findings]
    assert places == sorted(places, key=str) or places == sorted(one for one in places if one)


def test_a_misspelt_key_is_reported_once() -> None:
    """The unknown key that was most likely meant for the missing one is one finding, not two."""
    _, findings = load_registry(MINIMAL.replace("  keys: [", "  kyes: ["), "small.yaml")
    assert [(one.rule, str(one.remedy)) for one in findings] == [("FQ013", "Write keys.")]


def test_one_problem_is_not_reported_twice() -> None:
    """What YAML itself refuses is not refused a second time for its type."""
    _, findings = load_registry(MINIMAL.replace("min: 80", "min: 080"), "small.yaml")
    assert [one.rule for one in findings] == ["FQ010"]


@pytest.mark.parametrize("text", ["", "\n\n", "# to be done\n", "---\n", "~", "\ufeff"])
def test_an_empty_file_is_not_a_registry(text: str) -> None:
    """Nothing, comments and null are one problem: an empty registry."""
    registry, findings = load_registry(text, "empty.yaml")
    assert registry is None
    assert [one.rule for one in findings] == ["FQ004"]


@pytest.mark.parametrize("text", ["just text", "[1, 2]", "5", "true"])
def test_a_registry_is_a_map(text: str) -> None:
    """Any other YAML value is reported as something other than a registry."""
    _, findings = load_registry(text, "unusual.yaml")
    assert [one.rule for one in findings] == ["FQ015"]
    assert "the registry must be a map" in findings[0].message


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("version: 1".encode("utf-16"), "UTF-16"),
        ("version: 1".encode("utf-32"), "UTF-32"),
        ("version: 1".encode("utf-16-le"), "zero bytes"),
        ("name: Münster".encode("latin-1"), "0xFC"),
        (b"DUCK@\0\0\0\0", "it is a binary file"),
        (b"\x1f\x8b\x08", "it is a binary file"),
    ],
)
def test_other_encodings_are_refused(raw: bytes, words: str) -> None:
    """Only UTF-8 is read; what else it seems to be is reported."""
    text, findings = decoded(raw, "x.yaml")
    assert text is None
    assert [one.rule for one in findings] == ["FQ002"]
    assert words in findings[0].message


def test_a_wrong_byte_is_shown_at_its_place() -> None:
    """The place of a byte that is not UTF-8 counts lines and characters as an editor does."""
    _, findings = decoded("a: ä\nb: x".encode() + b"\xff", "x.yaml")
    assert str(findings[0].location) == "x.yaml:2:5"


def test_a_byte_order_mark_and_windows_lines_are_tolerated(tmp_path: Path) -> None:
    """A file saved on Windows is the same registry, and places in it are the same."""
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    here = load_registry(MINIMAL, str(path))[0]
    assert read_registry(path) == here


def test_paths_other_than_files_are_refused_with_a_sentence(tmp_path: Path) -> None:
    """Missing, a directory, a pipe, too large, a name with a zero byte: RegistryError with one finding each."""
    large, pipe = tmp_path / "large.yaml", tmp_path / "pipe"
    with large.open("wb") as file:
        file.truncate(SIZE_LIMIT + 1)
    os.mkfifo(pipe)
    expected = {
        tmp_path / "none.yaml": "FQ001", tmp_path: "FQ001", pipe: "FQ001", large: "FQ003",
        Path("a\0b"): "FQ001", large / "below": "FQ001",
    }  # fmt: skip
    for path, code in expected.items():
        with pytest.raises(RegistryError) as caught:
            read_registry(path)
        assert [one.rule for one in caught.value.findings] == [code]
        assert str(caught.value)


def test_read_registry_carries_every_finding(tmp_path: Path) -> None:
    """The error of a bad file counts its problems and holds all of them."""
    path = tmp_path / "r.yaml"
    path.write_text(MINIMAL.replace("min: 80", "min: x").replace("owner: upstream", "owner: me"), encoding="utf-8")
    with pytest.raises(RegistryError, match="2 problems") as caught:
        read_registry(path)
    assert [one.rule for one in caught.value.findings] == ["FQ015", "FQ016"]


def test_numbers_become_floats_where_the_model_has_floats() -> None:
    """`expected: 10` and `expected: 10.0` are the same value of the same type, and truth values stay such."""
    registry, _ = load_registry(MINIMAL, "m")
    assert registry is not None
    points = registry.features[0]
    assert type(points.expected) is float
    assert [type(one) for one in points.range or ()] == [float, float]
    assert points.critical is False
    assert [type(one.weight) for one in registry.sources] == [float, float]


def test_features_come_in_index_order() -> None:
    """The order in the file is free; the index decides."""
    first, second = (line for line in MINIMAL.split("\n") if line.startswith("  - {index:"))
    swapped = MINIMAL.replace(f"{first}\n{second}", f"{second}\n{first}")
    registry, _ = load_registry(swapped, "m")
    assert registry is not None
    assert [one.index for one in registry.features] == [0, 1]
    assert registry.features[0].at.line > registry.features[1].at.line


def test_the_schema_is_one_and_describes_every_key() -> None:
    """The schema is valid 2020-12, closes every map, describes every key, and its examples fit their keys."""
    Draft202012Validator.check_schema(schema())

    def visit(node: dict[str, Any], path: str) -> None:
        assert node.get("description"), path
        if node.get("type") == "object":
            assert "additionalProperties" in node, path
        for name, inner in node.get("properties", {}).items():
            visit(inner, f"{path}/{name}")
        for key in ("items", "additionalProperties"):
            if isinstance(node.get(key), dict):
                visit(node[key], f"{path}/{key}")
        for example in node.get("examples", ()):
            assert Draft202012Validator(node).is_valid(example), path

    visit(schema(), "")


def test_places_are_those_of_the_file() -> None:
    """Every entry of the Registry knows the line it came from."""
    registry, _ = load_registry(MINIMAL, "m")
    assert registry is not None
    lines = MINIMAL.split("\n")
    entries = (registry.features, registry.columns, registry.base_columns, registry.tiers, registry.models)
    for name, at in [(one.name, one.at) for kind in entries for one in kind]:
        assert name in lines[at.line - 1]
    for source in registry.sources:
        assert lines[source.at.line - 1].startswith(f"  {source.label}:")


def test_the_minimal_registry_has_every_kind_of_entry() -> None:
    """The registry that the mistakes are made in leaves no part of the model empty, so no part goes untested."""
    registry, findings = load_registry(MINIMAL, "m")
    assert registry is not None, findings
    assert not [key for key, value in asdict(registry).items() if value in ((), None, "")]


def test_an_anchor_and_its_aliases_are_one_problem() -> None:
    """However often it is used, it is reported once, at its first place, with how often it comes again."""
    _, findings = load_registry("a: &x [1]\nb: [*x, *x, *x]\nc: *y\n", "r.yaml")
    copies = [one for one in findings if one.rule == "FQ008"]
    assert [(one.subject, one.location.line if one.location else 0) for one in copies] == [("&x", 1), ("*y", 3)]
    assert "and 3 times more" in copies[0].message


def test_a_registry_without_permission_names_the_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fix is not another file. As root every file is readable, so the refusal is raised here."""
    path = tmp_path / "r.yaml"
    path.write_text("version: 1")
    refused = PermissionError(13, "Permission denied")
    monkeypatch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(refused))
    with pytest.raises(RegistryError) as raised:
        read_registry(path)
    (finding,) = raised.value.findings
    assert "Permission denied" in finding.message
    assert str(finding.remedy).endswith(f"chmod u+r {path}.")
