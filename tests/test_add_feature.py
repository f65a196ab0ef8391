"""Laws of fqtool add-feature: the entry is put in, every other character stays, and the result is the hand-made one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fqtool.errors import InputError, Refusal, RegistryError, UsageError
from fqtool.quality.build import managed_columns
from fqtool.registry.counts import mentions
from fqtool.registry.document import LOADER, read_document
from fqtool.registry.edit import NewFeature, appended
from fqtool.registry.load import load_registry, read_registry
from fqtool.registry.writing import number, quoted, scalar
from fqtool.rules.about_registry import check_registry
from fqtool.verbs.add_feature import plan_addition, write_addition
from fqtool.verbs.init import scaffold_example
from tests.bed.running import ROOT

REAL = ROOT / "feature_registry.yaml"
CATEGORY, PROCESSOR = "player_history", "PlayerDailyCacheProcessor"
MEAN_20: dict[str, Any] = {
    "category": CATEGORY,
    "processor": PROCESSOR,
    "labels": ("phase4", "default"),
    "expected": 10.0,
    "range": (0.0, 70.0),
    "description": "Mean points over the last 20 games.",
}
ENTRY = """\
  - {index: 37, name: points_avg_last_20, category: player_history,
     processor: PlayerDailyCacheProcessor, labels: [phase4, default],
     expected: 10.0, range: [0, 70],
     description: "Mean points over the last 20 games."}
"""
FEATURE = NewFeature(2, "c", "one", labels=("good", "bad"), expected=1.5, range=(-1.0, 2.5), critical=True)
# Every way to write the list that people use; <here> is where the new entry is expected.
LAYOUTS = {
    "one line each": """\
features:  # the vector
  - {index: 0, name: a, category: one}
  - {index: 1, name: b, category: one}  # second
<here>  - {index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]}
<end>  # what follows
columns: []
""",
    "at the margin": """\
features:
- {index: 0, name: a, category: one}
- {index: 1, name: b, category: one}
<here>- {index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]}
<end>""",
    "several lines each": """\
features:
  -  { index: 0, name: a,
       category: one }
  -  { index: 1, name: b,
       category: one }
<here>  -  { index: 2, name: c, category: one, critical: true,
       labels: [good, bad],
       expected: 1.5, range: [-1, 2.5] }
<end>
# what follows
columns: []
""",
    "keys on lines": """\
features:
  - index: 0
    name: a
    category: one
  - index: 1
    name: b
    category: one
    labels: [good]
<here>  - index: 2
    name: c
    category: one
    critical: true
    labels: [good, bad]
    expected: 1.5
    range: [-1, 2.5]
<end>

# what follows
columns: []
""",
    "a text in a block at the end": """\
features:
  - index: 0
    name: a
    category: one
  - index: 1
    name: b
    category: one
    description: >-
      Two
      lines.
<here>  - index: 2
    name: c
    category: one
    critical: true
    labels: [good, bad]
    expected: 1.5
    range: [-1, 2.5]
<end>
columns: []
""",
    "dashes on lines of their own": """\
features:
  -
    index: 0
    name: a
    category: one
  -
    index: 1
    name: b
    category: one
<here>  - index: 2
    name: c
    category: one
    critical: true
    labels: [good, bad]
    expected: 1.5
    range: [-1, 2.5]
<end>columns: []
""",
    "in brackets on one line": """\
features: [{index: 0, name: a, category: one}, {index: 1, name: b, category: one}<here>, \
{index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]}<end>]  # all
columns: []
""",
    "in brackets, a comma at the end": """\
features: [
  {index: 0, name: a, category: one},
  {index: 1, name: b, category: one},  # second
<here>  {index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]},
<end>]
columns: []
""",
}


def registry_in(folder: Path, text: str | None = None) -> Path:
    """A registry file: the repository's, or one with this text."""
    path = folder / "feature_registry.yaml"
    path.write_bytes(REAL.read_bytes() if text is None else text.encode())
    return path


def added(path: Path, name: str = "points_avg_last_20", **said: Any) -> str:
    """The text of a registry file after a feature was added to it."""
    write_addition(plan_addition(path, name, **(MEAN_20 | said)))
    return path.read_bytes().decode()


def run(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """One command of fqtool in a folder, ended as it should."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", *words], cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


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
    """In each layout the entry stands where and as expected, with libyaml and without; all else stays."""
    monkeypatch.setattr("fqtool.registry.edit.LOADER", loader)
    monkeypatch.setattr("fqtool.registry.document.LOADER", loader)
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
    """Whatever stands in names and descriptions, what is read is the old data and that one feature."""
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
    """Each run takes the next index, and undoing the second by hand gives the first's file."""
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
    ("name", "said", "error", "words"),
    [
        ("new", {"category": "player_histori"}, UsageError, "Did you mean player_history?"),
        ("new", {"category": "xyz"}, UsageError, "Declared: matchup, player_history"),
        ("new", {"processor": "PlayerDailyCache"}, UsageError, "Did you mean PlayerDailyCacheProcessor"),
        ("new", {"processor": ""}, UsageError, "Give --processor"),
        ("new", {"labels": ("phase_4",)}, UsageError, "Did you mean phase4"),
        ("Fatigue_Score", {}, Refusal, "fatigue_score is the feature at index 5 already"),
        ("new", {"range": (5.0, 1.0)}, RegistryError, "1 problem"),
        ("new", {"expected": 99.0}, RegistryError, "1 problem"),
        ("two words", {}, RegistryError, "1 problem"),
        ("x}, {index: 99, name: y", {}, RegistryError, "1 problem"),
        ("new", {"description": "x" * 70_000}, None, ""),
    ],
)
def test_what_would_be_wrong_is_refused(
    tmp_path: Path, name: str, said: dict[str, Any], error: type[Exception] | None, words: str
) -> None:
    """A name that is taken, a word that is not declared and an entry with errors are told, and nothing is written."""
    path = registry_in(tmp_path)
    if error is None:
        assert "x" * 70_000 in added(path, name, **said)
        return
    with pytest.raises(error) as caught:
        added(path, name, **said)
    assert words in str(caught.value)
    assert path.read_bytes() == REAL.read_bytes()
    assert [one.location for one in getattr(caught.value, "findings", ()) if one.location] == []


def test_a_retired_name_is_never_used_again(tmp_path: Path) -> None:
    """The refusal says that the name was retired, and with which index."""
    text = REAL.read_text().replace("name: fatigue_score,", "name: fatigue_score, retired: true,", 1)
    models = {"fatigue_score, ": ""}
    for old, new in models.items():
        text = text.replace(old + "shot", new + "shot")
    path = registry_in(tmp_path, text)
    with pytest.raises(Refusal, match="fatigue_score was the feature at index 5 and is retired"):
        added(path, "fatigue_score")
    assert len(read_registry(path).features) == 37
    assert "index: 37" in added(path, "fatigue_score_v2")


def test_a_registry_with_errors_is_not_edited(tmp_path: Path) -> None:
    """What is wrong already is told first, with its place."""
    path = registry_in(tmp_path, REAL.read_text().replace("category: matchup", "category: matchupp", 1))
    with pytest.raises(RegistryError) as caught:
        added(path)
    assert [one.rule for one in caught.value.findings] == ["FQ127"]
    assert caught.value.findings[0].location is not None


def test_lines_that_count_the_features_are_told(tmp_path: Path) -> None:
    """Told are the version, the comment and the model of 37 features, and by category what counts its own."""
    path = registry_in(tmp_path)
    registry = read_registry(path)
    told = plan_addition(path, "points_avg_last_20", **MEAN_20).look_at
    after = plan_addition(path, "points_avg_last_20", **MEAN_20).after.splitlines()
    lines = [after[one.at.line - 1].strip() for one in told]
    assert lines == [one.line for one in told]
    for line in ("feature_schema_version: v2_37features", "expr: \"'v2_37features'\"", "- name: catboost_v10"):
        assert line in lines
    assert not [line for line in lines if "index:" in line]
    matchup = plan_addition(path, "x", category="matchup", processor=PROCESSOR, critical=True).look_at
    assert "when: matchup_default_count = 6" in [one.line for one in matchup]
    assert not [one for one in matchup if "mean_defaults" in one.line]
    assert mentions(replace(registry, document=None), FEATURE, "") == ()


def test_the_places_of_a_rounding_are_no_count(tmp_path: Path) -> None:
    """In a store of two features, ROUND(..., 2) is not told as a line that counts them."""
    path = registry_in(tmp_path, scaffold_example().text)
    told = plan_addition(path, "low_price", category="price", processor="PriceProcessor").look_at
    assert [one.line for one in told] == []


def test_a_file_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """What somebody wrote between reading and writing is kept."""
    path = registry_in(tmp_path)
    addition = plan_addition(path, "points_avg_last_20", **MEAN_20)
    path.write_text(REAL.read_text() + "# mine\n")
    with pytest.raises(UsageError, match="changed meanwhile"):
        write_addition(addition)
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
    """Where inserting would change what else is read, the entry to append by hand is told."""
    text = "features:\n  - index: 0\n    name: a\n    category: one\n    description: |+\n      kept\n\ncolumns: []\n"
    with pytest.raises(InputError) as caught:
        appended(read_document(text, "r.yaml"), NewFeature(1, "b", "one"))
    assert "{index: 1, name: b, category: one}" in caught.value.remedy
    assert tmp_path.exists()


def test_the_38th_feature_by_one_command(tmp_path: Path) -> None:
    """One command gives a schema of 124 columns, a plan of one ALTER, scoring SQL, and a table without drift."""
    registry_in(tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    run(tmp_path, "migrate")
    run(tmp_path, "add-feature", "points_avg_last_20", "--category", CATEGORY, "--processor", PROCESSOR,
        "--label", "phase4", "--label", "default", "--expected", "10", "--range", "0,70",
        "--description", MEAN_20["description"])  # fmt: skip
    assert ENTRY in (tmp_path / "feature_registry.yaml").read_text()
    schema = [one["name"] for one in json.loads(run(tmp_path, "generate-schema").stdout)]
    assert len(schema) == 124
    new = ["feature_37_quality", "feature_37_source"]
    assert [name for name in schema if "_37_" in name] == new
    run(tmp_path, "migrate", "plan")
    planned = (tmp_path / "migrations" / "0002_add_2_columns.sql").read_text()
    assert planned.count("\nALTER TABLE") == 1
    assert [name for name in new if f"ADD COLUMN `{name}`" in planned] == new
    assert "feature_37_quality" in run(tmp_path, "generate-sql", "scoring").stdout
    run(tmp_path, "migrate")
    run(tmp_path, "check-drift")


def test_a_dry_run_is_a_patch(tmp_path: Path) -> None:
    """--dry-run writes nothing; its stdout, applied by git, makes the file that the command would write."""
    path = registry_in(tmp_path)
    words = ["add-feature", "x1", "--category", "vegas", "--processor", "OddsScrapers", "--optional", "--range", "-5,5"]
    patch = run(tmp_path, *words, "--dry-run").stdout
    assert path.read_bytes() == REAL.read_bytes()
    (tmp_path / "x.patch").write_text(patch)
    subprocess.run(["git", "apply", "-p0", "x.patch"], cwd=tmp_path, check=True, timeout=60)
    patched = path.read_bytes()
    registry_in(tmp_path)
    run(tmp_path, *words)
    assert path.read_bytes() == patched


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--range", "5"], "--range takes two numbers, not '5'"),
        (["--range", "a,b"], "--range takes two numbers"),
        (["--range", "0,inf"], "--range takes a number"),
        (["--expected", "nan"], "--expected takes a number"),
        (["--registry", "none.yaml"], "none.yaml does not exist"),
    ],
)
def test_wrong_words_are_told(tmp_path: Path, words: list[str], told: str) -> None:
    """A range or number that is none, and a registry that is not there, end with 2 and a sentence."""
    registry_in(tmp_path)
    said = ["--category", CATEGORY, "--processor", PROCESSOR]
    assert told in " ".join(run(tmp_path, "add-feature", "x1", *said, *words, code=2).stderr.split())


def test_a_store_without_processors_needs_none(tmp_path: Path) -> None:
    """Where the registry declares no processor, a feature has none; what loads then is what was said."""
    text = (ROOT / "docs" / "tutorial.md").read_text().split("```yaml feature_registry.yaml\n")[1].split("```")[0]
    path = registry_in(tmp_path, text)
    write_addition(plan_addition(path, "max_price", category="price", labels=("live", "default")))
    registry, findings = load_registry(path.read_text(), str(path))
    assert registry is not None
    assert not findings
    assert check_registry(registry) == ()
    assert path.read_text() == text + "  - {index: 2, name: max_price, category: price, labels: [live, default]}\n"
    assert "feature_2_quality" in [one.name for one in managed_columns(registry)]
