"""Laws of models beside the registry: each difference between a list and the expected one is reported, and no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.models.feature_list import FeatureList, read_feature_list
from fqtool.commands.models.run import Judged, judge_list, judge_models, models_of
from fqtool.errors import InputError, UsageError
from fqtool.findings.finding import Finding
from fqtool.registry.alerts_and_models import Model
from fqtool.schema.model_inputs import Comparison, Place, compared, inputs_of, vector_of
from tests.test_diagnosis import DAY, registry
from tests.test_models import codes, run

NAMES = st.lists(st.sampled_from([f"n{number}" for number in range(12)]), unique=True, max_size=12)


@given(NAMES, st.lists(st.sampled_from([f"n{number}" for number in range(15)]), max_size=16))
def test_a_comparison_holds_all_that_differs(expected: list[str], given_: list[str]) -> None:
    """What it reports, corrected in the list, makes the expected one; it is empty for that one alone."""
    found = compared(expected, given_)
    assert bool(found) == (given_ != expected)
    again, extra, missing = ({one.name for one in ones} for ones in (found.repeated, found.extra, found.missing))
    assert all(given_[one.position] == one.name for one in (*found.repeated, *found.extra))
    assert all(given_.index(name) < len(given_) - 1 for name in again)
    kept = [name for name in dict.fromkeys(given_) if name not in extra]
    places = dict(zip(kept, (at for at, name in enumerate(expected) if name not in missing), strict=True))
    assert all(places[one.name] == one.position for one in found.moved)
    places |= {one.name: one.expected for one in found.moved} | {one.name: one.position for one in found.missing}
    assert sorted(places, key=places.__getitem__) == expected


@given(st.data(), NAMES)
def test_edits_are_reported_as_what_they_are(data: st.DataObject, expected: list[str]) -> None:
    """Names taken out are missing, names put in are extra, names written again are repeated; none of them moves one."""
    out = data.draw(st.sets(st.sampled_from(expected))) if expected else set()
    edited = [name for name in expected if name not in out]
    for number in range(data.draw(st.integers(0, 3))):
        edited.insert(data.draw(st.integers(0, len(edited))), f"x{number}")
    own = [name for name in edited if name in expected]
    again = data.draw(st.lists(st.sampled_from(own), max_size=2)) if own else []
    edited += again
    found = compared(expected, edited)
    assert {one.name for one in found.missing} == out
    assert {one.name for one in found.extra} == set(edited) - set(expected)
    assert sorted(one.name for one in found.repeated) == sorted(again)
    assert found.moved == ()


@given(NAMES.flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_a_permutation_is_reported_name_by_name(lists: tuple[list[str], list[str]]) -> None:
    """Exactly the names at other positions have moved, from where they are to where they belong."""
    expected, shuffled = lists
    found = compared(expected, shuffled)
    assert found == Comparison(moved=found.moved)
    assert {(one.name, one.position, one.expected) for one in found.moved} == {
        (name, position, expected.index(name))
        for position, name in enumerate(shuffled)
        if expected.index(name) != position
    }


@given(st.data(), st.lists(st.booleans(), max_size=10))
def test_external_inputs_may_be_anywhere_in_their_order(data: st.DataObject, pattern: list[bool]) -> None:
    """However needs and external alternate, a list with both in order fits; one that swaps two of a group does not."""
    needs = tuple(f"n{number}" for number in range(pattern.count(True)))
    external = tuple(f"e{number}" for number in range(pattern.count(False)))
    model = Model("m", needs, external)
    sources = {True: iter(needs), False: iter(external)}
    names = [next(sources[one]) for one in pattern]
    assert inputs_of(model, names) == tuple(names)
    if len(needs) > 1:
        a, b = data.draw(st.sampled_from([(a, b) for a in needs for b in needs if a < b]))
        swapped = [{a: b, b: a}.get(name, name) for name in names]
        found = compared(inputs_of(model, swapped), swapped)
        assert {one.name for one in found.moved} == {a, b}
        assert found == Comparison(moved=found.moved)


def test_a_missing_input_is_expected_before_the_one_that_follows_it() -> None:
    """Where a list lacks a name, its position is that between its neighbours of the same kind."""
    model = Model("m", ("a", "b", "c"), ("x", "y"))
    assert inputs_of(model, ["a", "x", "c"]) == ("a", "x", "b", "c", "y")
    assert inputs_of(model) == ("a", "b", "c", "x", "y")
    assert compared(inputs_of(model, ["a", "x", "c"]), ["a", "x", "c"]).missing == (Place("b", 2), Place("y", 4))


@pytest.mark.parametrize(
    ("text", "names", "model"),
    [
        ('["a", "b"]', ("a", "b"), ""),
        ('\ufeff{"feature_names": ["a"], "features": 1}', ("a",), ""),
        ('{"features": ["a"], "model": "m"}', ("a",), "m"),
        ('{"features": ["a"], "feature_names": ["a"]}', ("a",), ""),
    ],
)
def test_a_list_is_an_array_or_an_object_that_holds_one(text: str, names: tuple[str, ...], model: str) -> None:
    """Names come in their order, from either key, after a byte order mark or none."""
    assert read_feature_list(text, "list.json") == FeatureList("list.json", names, model)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "list.json:1:1: not valid JSON"),
        ('["a",\n "b"', "list.json:2:5: not valid JSON"),
        ("[]", "is empty"),
        ('["a", 5]', "5 at position 1 is not a name"),
        ('["a", ""]', "position 1"),
        ('["a", [["b"]]]', "an array at position 1"),
        ('"a"', 'the file is "a", not an array'),
        ('{"names": ["a"]}', 'has "names", not feature_names or features'),
        ("{}", "has no key"),
        ('{"features": 37}', "features is 37"),
        ('{"features": ["a"], "feature_names": ["b"]}', "the lists feature_names and features differ"),
        ('{"features": ["a"], "model": 7}', "`model` is 7"),
        ("[" * 200_000, "nested too deep"),
        (f"[{'9' * 5000}]", "list.json"),
    ],
)
def test_a_list_that_cannot_be_read_is_reported_in_a_sentence(text: str, sentence: str) -> None:
    """The place, and what is wrong there."""
    with pytest.raises(InputError, match=r"list\.json") as told:
        read_feature_list(text, "list.json")
    assert sentence in told.value.message


def listed(*names: str, model: str = "", by: str = "") -> tuple[Finding, ...]:
    """What is found about a list beside the repository's registry."""
    return judge_list(registry(), FeatureList("list.json", names, model), by).findings


def test_a_list_is_judged_by_its_model_or_by_the_vector() -> None:
    """The model comes from the command, else from the list, else the whole vector is meant; what fits is quiet."""
    vector = vector_of(registry())
    assert listed(*vector) == listed(*vector, by="catboost_v10") == listed(*vector[:33], model="catboost_v8") == ()
    assert codes(listed(*vector, model="catboost_v8")) == ["FQ653"]
    assert listed(*vector, model="catboost_v8", by="catboost_v10") == ()
    (short,) = listed(*vector[:33])
    assert str(short.remedy) == "The list has the inputs of catboost_v8 and catboost_v9. Add --model catboost_v8."
    with pytest.raises(UsageError, match="Write catboost_v8"):
        listed(*vector, by="catbost_v8")
    with pytest.raises(InputError, match=r"list\.json: unknown model 'CatBoost' in"):
        listed(*vector, model="CatBoost")


def test_each_difference_is_a_finding_of_its_rule() -> None:
    """Missing, extra, moved and repeated names are reported with positions; a typo and an old name with the new one."""
    (breakout,) = models_of(registry(), "v1_10features")
    names = list(inputs_of(breakout))
    names[3], names[4] = names[4], names[3]
    names[0] += "s"
    names.append(names[1])
    missing, extra, moved, repeated = listed(*names, by="v1_10features")
    assert codes((missing, extra, moved, repeated)) == ["FQ652", "FQ653", "FQ654", "FQ655"]
    assert "pts_vs_season_zscore (position 0)" in missing.message
    assert str(extra.remedy) == "Write pts_vs_season_zscore for pts_vs_season_zscores."
    assert "back_to_back is at 3, expected at 4; home_away is at 4, expected at 3" in moved.message
    assert "points_std_last_10 (position 10)" in repeated.message

    first = replace(registry().features[0], renamed_from="old")
    renamed = replace(registry(), features=(first, *registry().features[1:]))
    given_ = FeatureList("list.json", ("old", *vector_of(renamed)[1:]))
    assert str(judge_list(renamed, given_).findings[1].remedy) == f"old is now {first.name}."


def test_names_that_moved_together_are_reported_together() -> None:
    """One name put in front is two moves: its own, and that of all others."""
    vector = vector_of(registry())
    (found,) = listed(vector[-1], *vector[:-1])
    assert found.message.endswith(
        "breakout_flag is at 0, expected at 36; "
        "points_avg_last_5 to pts_vs_season_zscore are at 1-36, expected at 0-35."
    )


def test_an_input_named_twice_is_found_without_a_warehouse() -> None:
    """In needs, in external, or in both; the models of the repository have none."""
    assert judge_models(registry().models) == Judged(registry().models, ())
    models = (Model("a", ("x", "y", "x")), Model("b", ("x",), ("x",)), Model("c", ("x",), ("y", "y")), Model("d", ()))
    found = judge_models(models).findings
    assert [(one.rule, one.subject) for one in found] == [("FQ651", "a"), ("FQ651", "b"), ("FQ651", "c")]


def test_the_command_judges_registry_list_and_rows(tmp_path: Path) -> None:
    """Exit 0 and a line per model, 1 for findings, 2 for a wrong list, model or pair of options, 3 for no table."""
    code, told, _ = run(tmp_path)
    assert (code, told.count("  good"), "catboost_v10   points             37  0-36" in told) == (0, 6, True)
    vector = json.dumps(vector_of(registry()))
    assert run(tmp_path, "--features", "-", stdin=vector)[:2] == (
        0,
        "No problems found in stdin: it has the 37 features of the vector, in order.\n",
    )
    (tmp_path / "list.json").write_text(vector)
    code, told, _ = run(tmp_path, "--features", "list.json", "--model", "catboost_v9", "--format", "json")
    assert (code, [one["rule"] for one in json.loads(told)["findings"]]) == (1, ["FQ653"])
    assert run(tmp_path, "--features", "absent.json")[0] == 2
    assert run(tmp_path, "--model", "absent")[0] == 2
    assert run(tmp_path, "--features", "list.json", "--date", str(DAY))[0] == 2
    code, told, error = run(tmp_path, "--date", str(DAY))
    assert (code, told) == (3, "")
    assert "There is no table" in error
