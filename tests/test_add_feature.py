"""Laws of fqtool add-feature: the entry is put in, every other character stays, and the result is the hand-made one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.add_feature.run import plan_addition
from fqtool.commands.init.run import scaffold_example
from fqtool.errors import InputError, Refusal, RegistryError, UsageError
from fqtool.registry.load import read_registry
from fqtool.registry.yaml.document import LOADER, read_document
from fqtool.registry.yaml.edit import NewFeature, appended, number, quoted, scalar
from tests.feature_layouts import ENTRY, FEATURE, LAYOUTS, MEAN_20, REAL, added, registry_in


def test_the_result_is_the_file_edited_by_hand(tmp_path: Path) -> None:
    """The repository's registry gets the entry that a person would write behind the last one, and nothing else."""
    old = REAL.read_text()
    last = old.index("{index: 36,")
    place = old.index("\n\n", last) + 1
    assert added(registry_in(tmp_path)) == old[:place] + ENTRY + old[place:]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("loader", [LOADER, yaml.SafeLoader])
def test_the_entry_is_written_as_its_neighbours_are(
    layout: str, line_end: str, loader: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each layout the entry is placed and written as expected, with libyaml and without; all else stays."""
    monkeypatch.setattr("fqtool.registry.yaml.edit.LOADER", loader)
    monkeypatch.setattr("fqtool.registry.yaml.document.LOADER", loader)
    whole = LAYOUTS[layout].replace("\n", line_end)
    before, rest = whole.split("<here>")
    entry, after = rest.split("<end>")
    text = appended(read_document(before + after, "r.yaml"), FEATURE)
    assert text == before + entry + after


def test_a_comment_in_brackets_stays_with_its_entry() -> None:
    """Between brackets without a comma at the end, one is put before the comment of the former last entry."""
    old = "features: [\n  {index: 0, name: a, category: one}  # the first\n]\n"
    new = appended(read_document(old, "r.yaml"), NewFeature(1, "b", "one"))
    assert new == (
        "features: [\n  {index: 0, name: a, category: one},  # the first\n  {index: 1, name: b, category: one}\n]\n"
    )


@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_in_json_stays_json(indent: int | None) -> None:
    """JSON is YAML; with the feature it is still JSON, and each other line is as it was."""
    data = {"features": [{"index": 0, "name": "a", "category": "one"}], "columns": []}
    made = appended(read_document(json.dumps(data, indent=indent), "r.yaml"), NewFeature(1, "b", "one"))
    new = {"index": 1, "name": "b", "category": "one"}
    assert json.loads(made) == {**data, "features": [*data["features"], new]}
    wanted = json.dumps({**data, "features": [*data["features"], new]}, indent=indent)
    assert made.splitlines() == wanted.splitlines()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("features: []  # none\nx: []\n", "features:  # none\n  - {index: 0, name: a, category: one}\nx: []\n"),
        ('{"features": [], "x": []}', '{"features": [{"index": 0, "name": "a", "category": "one"}], "x": []}'),
        ("features: []", "features:\n  - {index: 0, name: a, category: one}"),
    ],
)  # fmt: skip
def test_the_first_feature_takes_the_place_of_the_empty_list(old: str, new: str) -> None:
    """`features: []` becomes a list of one; a file in JSON keeps its brackets."""
    assert appended(read_document(old, "r.yaml"), NewFeature(0, "a", "one")) == new


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(words, words, st.floats(-1e17, 1e17), st.sampled_from(sorted(LAYOUTS)))
def test_no_word_can_break_the_file(name: str, description: str, expected: float, layout: str) -> None:
    """Whatever names and descriptions hold, what is read is the old data and that one feature."""
    text = LAYOUTS[layout].split("<here>")[0] + LAYOUTS[layout].split("<end>")[1]
    document = read_document(text, "r.yaml")
    made = read_document(appended(document, NewFeature(2, name, "one", description=description, expected=expected)), "")
    assert made.findings == []
    told = {"index": 2, "name": name, "category": "one", "expected": pytest.approx(expected, rel=1e-9, abs=1e-17)}
    told |= {"description": description} if description else {}
    assert made.data == {**document.data, "features": [*document.data["features"], told]}


@given(words)
def test_text_as_yaml_reads_back(text: str) -> None:
    """A text written as a scalar or in quotes is read back by this reader and by YAML's own, in any map."""
    for form in (scalar(text), quoted(text)):
        for line in (f"a: {form}\n", f"{{a: {form}, b: [{form}]}}\n", f"{form}: a\n"):
            document = read_document(line, "r.yaml")
            assert document.findings == []
            assert document.data == yaml.safe_load(line)
            assert text in (document.data.get("a"), *document.data)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e17, max_value=1e17))
def test_numbers_read_back(value: float) -> None:
    """A number is written so that it is read as that number, without an exponent, and as a float where asked."""
    for whole in (True, False):
        read = read_document(f"a: {number(value, whole=whole)}", "r.yaml")
        assert read.findings == []
        assert read.data["a"] == pytest.approx(value, rel=1e-9, abs=1e-17)
    assert isinstance(read.data["a"], float)


def test_twice_gives_the_next_two_indices(tmp_path: Path) -> None:
    """Each run takes the next index, and reverting the second by hand gives the first's file."""
    path = registry_in(tmp_path)
    first = added(path)
    second = added(path, "points_avg_last_30")
    names = {one.index: one.name for one in read_registry(path).features}
    assert (names[37], names[38], len(names)) == ("points_avg_last_20", "points_avg_last_30", 39)
    entry = ENTRY.replace("37", "38").replace("last_20", "last_30", 1)
    assert second.replace(entry, "") == first


def test_a_byte_order_mark_and_windows_lines_stay(tmp_path: Path) -> None:
    """A file as some editors write it keeps its mark and its line ends, and the entry has them too."""
    text = "\ufeff" + REAL.read_text().replace("\n", "\r\n")
    path = registry_in(tmp_path, text)
    new = added(path)
    assert new.replace(ENTRY.replace("\n", "\r\n"), "") == text
    assert len(read_registry(path).features) == 38


@pytest.mark.parametrize(
    ("name", "sentence", "error", "words"),
    [
        ("new", {"category": "player_histori"}, UsageError, "Write player_history, or add it under `categories`."),
        ("new", {"category": "xyz"}, UsageError, "Use one of matchup, player_history"),
        ("new", {"processor": "PlayerDailyCache"}, UsageError, "Write PlayerDailyCacheProcessor"),
        ("new", {"processor": ""}, UsageError, "Add --processor"),
        ("new", {"labels": ("phase_4",)}, UsageError, "Write phase4"),
        ("Fatigue_Score", {}, Refusal, "`fatigue_score` exists already at index 5"),
        ("new", {"range": (5.0, 1.0)}, RegistryError, "1 problem"),
        ("new", {"expected": 99.0}, RegistryError, "1 problem"),
        ("two words", {}, RegistryError, "1 problem"),
        ("x}, {index: 99, name: y", {}, RegistryError, "1 problem"),
        ("new", {"description": "x" * 70_000}, None, ""),
    ],
)
def test_what_would_be_wrong_is_refused(
    tmp_path: Path, name: str, sentence: dict[str, Any], error: type[Exception] | None, words: str
) -> None:
    """A name in use, an undeclared word and an entry with errors are reported, and nothing is written."""
    path = registry_in(tmp_path)
    if error is None:
        assert "x" * 70_000 in added(path, name, **sentence)
        return
    with pytest.raises(error) as caught:
        added(path, name, **sentence)
    assert words in str(caught.value)
    assert path.read_bytes() == REAL.read_bytes()
    assert [one.location for one in getattr(caught.value, "findings", ()) if one.location] == []


def test_a_retired_name_is_never_used_again(tmp_path: Path) -> None:
    """The refusal reports that the name was retired, and with which index."""
    text = REAL.read_text().replace("name: fatigue_score,", "name: fatigue_score, retired: true,", 1)
    models = {"fatigue_score, ": ""}
    for old, new in models.items():
        text = text.replace(old + "shot", new + "shot")
    path = registry_in(tmp_path, text)
    with pytest.raises(Refusal, match="`fatigue_score` is the retired feature at index 5"):
        added(path, "fatigue_score")
    assert len(read_registry(path).features) == 37
    assert "index: 37" in added(path, "fatigue_score_v2")


def test_a_registry_with_errors_is_not_edited(tmp_path: Path) -> None:
    """An error that exists already is reported first, with its place."""
    path = registry_in(tmp_path, REAL.read_text().replace("category: matchup", "category: matchupp", 1))
    with pytest.raises(RegistryError) as caught:
        added(path)
    assert [one.rule for one in caught.value.findings] == ["FQ127"]
    assert caught.value.findings[0].location is not None


def test_the_places_of_a_rounding_are_not_a_count(tmp_path: Path) -> None:
    """In a store of two features, ROUND(..., 2) is not reported as a line that counts them."""
    path = registry_in(tmp_path, scaffold_example().text)
    told = plan_addition(path, "low_price", category="price", processor="PriceProcessor").look_at
    assert [one.line for one in told] == []


def test_a_file_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """An edit made between reading and writing is kept."""
    path = registry_in(tmp_path)
    addition = plan_addition(path, "points_avg_last_20", **MEAN_20)
    path.write_text(REAL.read_text() + "# mine\n")
    with pytest.raises(UsageError, match="changed in the meantime"):
        addition.write()
    assert path.read_text().endswith("# mine\n")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Through a symbolic link the file it leads to is written."""
    (tmp_path / "real").mkdir()
    real = registry_in(tmp_path / "real")
    link = tmp_path / "link.yaml"
    link.symlink_to(real)
    assert "index: 37" in added(link)
    assert link.is_symlink()
    assert "index: 37" in real.read_text()


def test_a_layout_that_cannot_be_edited_is_refused_with_the_entry(tmp_path: Path) -> None:
    """Where inserting would change what else is read, the entry to append by hand is printed."""
    text = "features:\n  - index: 0\n    name: a\n    category: one\n    description: |+\n      kept\n\ncolumns: []\n"
    with pytest.raises(InputError) as caught:
        appended(read_document(text, "r.yaml"), NewFeature(1, "b", "one"))
    assert "{index: 1, name: b, category: one}" in str(caught.value.remedy)
    assert tmp_path.exists()
