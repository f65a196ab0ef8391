"""Laws of `fqtool check-code`: a list of names that repeats the vector and disagrees at one index is found."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fqtool.output.findings import FORMATS
from tests.bed.running import ROOT
from tests.in_process import findings
from tests.in_process import fqtool as run
from tests.writers import FEATURES, has_place, store_in

RIGHT = list(FEATURES)
MOVED = [*RIGHT[:5], "speed"]  # a name that the registry does not have
SWAPPED = [*RIGHT[:3], RIGHT[4], RIGHT[3], RIGHT[5]]
MAP = dict(enumerate(MOVED))
BY_INDEX = ",\n".join(f"{index}: {name!r}" for index, name in MAP.items())
BY_NAME = ",\n".join(f"{name!r}: {index}" for index, name in MAP.items())


def quoted(names: list[str]) -> str:
    """Names in quotes, one on each line."""
    return ",\n".join(f'  "{name}"' for name in names)


def each(form: str) -> str:
    """A line for each index and name."""
    return ",\n".join(form.format(index, name) for index, name in MAP.items())


ROW_ITEMS, ROW_CALLS = each('row["{1}"]'), each('float(row.get("{1}") or 0)')
BY_VECTOR = each('"{1}": float(vector[{0}])')
WRONG: dict[str, tuple[str, str, int]] = {
    "a list in Python": ("code.py", f"import os\nNAMES = [\n{quoted(MOVED)}\n]\n", 8),
    "a tuple in a call": ("code.py", f"f(1, (\n{quoted(MOVED)}\n))\n", 7),
    "an index map in Python": ("code.py", f"M = {{\n{BY_INDEX}\n}}\n", 7),
    "a name map in Python": ("code.py", f"M = {{\n{BY_NAME}\n}}\n", 7),
    "a map with text keys": ("code.py", json.dumps({str(k): v for k, v in MAP.items()}, indent=1), 7),
    "a class of constants": ("code.py", "class F:\n" + "".join(f"    {v.upper()} = {k}\n" for k, v in MAP.items()), 7),
    "an array in SQL": ("view.sql", f"SELECT [\n{quoted(MOVED)}\n] AS names FROM t", 7),
    "columns in SQL": ("view.sql", "SELECT\n" + ",\n".join(MOVED) + "\nFROM t", 7),
    "offsets in SQL": ("view.sql", "SELECT\n" + ",\n".join(f"features[OFFSET({k})] AS {v}" for k, v in MAP.items()), 7),
    "safe offsets in SQL": (
        "view.sql", "SELECT\n" + ",\n".join(f"f[SAFE_OFFSET({k})] AS `{v}`" for k, v in MAP.items()) + " FROM t", 7,
    ),
    "values of a row": ("code.py", f"V = [\n{ROW_ITEMS}\n]", 7),
    "values of a row or 0": ("code.py", f"V = [\n{ROW_CALLS}\n]", 7),
    "attributes of a row": ("code.py", f"V = [\n{each('0.0 if row.{1} is None else row.{1}')}\n]", 7),
    "values by index": ("code.py", f"R = {{\n{BY_VECTOR}\n}}", 7),
    "values of an array in SQL": ("view.sql", f"SELECT [\n{each('CAST(IFNULL(t.{1}, 0) AS FLOAT64)')}] FROM t", 7),
    "a list in YAML": ("conf.yaml", "names:\n" + "".join(f"  - {name}\n" for name in MOVED), 7),
    "a list on one line in YAML": ("conf.yml", f"names: [{', '.join(MOVED)}]", 1),
    "an index map in YAML": ("conf.yaml", "by:\n" + "".join(f"  {k}: {v}\n" for k, v in MAP.items()), 7),
    "entries with index and name": (
        "conf.yaml", "features:\n" + "".join(f"- {{index: {k}, name: {v}}}\n" for k, v in MAP.items()), 7,
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the registry, and code beside it."""
    (tmp_path / "code").mkdir()
    return store_in(tmp_path).parent


@pytest.mark.parametrize("name", WRONG)
def test_a_list_that_disagrees_at_one_index_is_found(folder: Path, name: str) -> None:
    """With file and line, the index, and both names."""
    file, text, line = WRONG[name]
    (folder / "code" / file).write_text(text)
    (found,) = findings(folder, "check-code", "code")
    assert (found["rule"], found["location"]["file"], found["location"]["line"]) == ("FQ541", f"code/{file}", line)
    assert "Index 5 is speed here and rest in the registry." in found["message"]


@pytest.mark.parametrize("name", WRONG)
def test_the_same_list_without_the_mistake_has_no_finding(folder: Path, name: str) -> None:
    """The name of the registry in that place."""
    file, text, _ = WRONG[name]
    (folder / "code" / file).write_text(text.replace("speed", "rest").replace("SPEED", "REST"))
    assert findings(folder, "check-code", "code") == []


@pytest.mark.parametrize(
    ("names", "index", "given", "expected"),
    [
        (["points", "minutes", "fatigue", "pace", "usage", "spare"], 5, "spare", "rest"),
        ([*FEATURES, "new"], None, "", ""),
        (["spare", "minutes", "fatigue", "pace", "usage", "rest"], None, "", ""),
    ],
)
def test_the_first_index_that_differs_is_named(
    folder: Path, names: list[str], index: int | None, given: str, expected: str
) -> None:
    """Another name; a name before the copy begins is not part of it."""
    (folder / "code" / "code.py").write_text(f"NAMES = {names!r}\n")
    found = [one for one in findings(folder, "check-code", "code") if one["rule"] == "FQ541"]
    if index is None:
        assert found == []
        return
    assert f"Index {index} is {given} here" in found[0]["message"]
    assert expected in found[0]["message"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([*RIGHT[:5], "new", "rest"], "Position 5 of the list is new, which is not in the registry."),
        ([*RIGHT[:3], "new", *RIGHT[3:]], "Position 3 of the list is new, which is not in the registry."),
        ([*RIGHT[1:], "points"], "Position 5 of the list is points, which has index 0 in the registry."),
        ([*RIGHT, "usage"], "usage is in the list more than once, at position 6 too."),
    ],
)
def test_a_name_too_many_is_named_with_its_position(folder: Path, names: list[str], message: str) -> None:
    """One finding about the name that was inserted, moved or repeated, not about the names after it."""
    for file in ("code.py", "code.yaml"):
        (folder / "code" / file).write_text(f"NAMES = {names!r}\n" if file == "code.py" else f"names: {names!r}\n")
    assert [one["message"] for one in findings(folder, "check-code", "code")] == [message, message]


@pytest.mark.parametrize(
    ("form", "at"),
    [(form, at) for form in ("N = {0!r}", "N = {1}", "names: [{2}]") for at in range(6)]
    + [("SELECT {2} FROM t", at) for at in range(1, 6)],
)
def test_a_typo_at_any_place_of_the_list_is_found(folder: Path, form: str, at: int) -> None:
    """Also in the middle, where no five names follow one another; at the start, SQL may have other columns."""
    names = [*RIGHT[:at], f"{RIGHT[at]}x", *RIGHT[at + 1 :]]
    items = [f"row[{name!r}]" for name in names]
    file = {"S": "a.sql", "n": "a.yaml"}.get(form[0], "a.py")
    (folder / file).write_text(form.format(names, f"[{', '.join(items)}]", ", ".join(names)))
    (found,) = findings(folder, "check-code", file)
    assert (found["rule"], found["subject"]) == ("FQ541", names[at])
    assert f"Index {at} is {names[at]} here and {RIGHT[at]} in the registry." in found["message"]


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        (RIGHT[1:], "1 of 6 features: points (index 0)."),
        (RIGHT[:5], "1 of 6 features: rest (index 5)."),
        (["player", *RIGHT[:5], "target"], None),
    ],
)
def test_features_in_order_are_a_subset_wherever_names_are_left_out(
    folder: Path, names: list[str], left_out: str | None
) -> None:
    """A note names what is absent, with its index. Another name in its place disagrees."""
    (folder / "code" / "code.py").write_text(f"NAMES = {names!r}\n")
    (found,) = findings(folder, "check-code", "code")
    expected = f"The list leaves out {left_out}" if left_out else "Index 5 is target here and rest in the registry."
    assert found["message"] == expected


def test_a_long_list_without_a_name_in_the_middle_is_a_subset(folder: Path) -> None:
    """Features after the gap are not one index too early; with other columns in SQL neither."""
    (folder / "feature_registry.yaml").write_text((ROOT / "feature_registry.yaml").read_text())
    from fqtool.registry.load import read_registry

    names = [one.name for one in read_registry(ROOT / "feature_registry.yaml").features]
    (folder / "code" / "gap.py").write_text(f"NAMES = {[*names[:1], *names[2:]]!r}\n")
    sql = ", ".join(["player_lookup", *names[:12], "extra", *names[12:]])
    (folder / "code" / "columns.sql").write_text(f"SELECT {sql} FROM x;\nINSERT INTO t ({sql}) SELECT 1")
    (folder / "code" / "columns.py").write_text(f"df[{[*names[:12], 'game_date', *names[12:]]!r}]")
    (found,) = findings(folder, "check-code", "code")
    assert (found["rule"], found["severity"], found["location"]["file"]) == ("FQ542", "note", "code/gap.py")
    assert found["message"] == f"The list leaves out 1 of {len(names)} features: {names[1]} (index 1)."
    (folder / "code" / "array.sql").write_text(f"SELECT [{', '.join([*names[:12], 'extra', *names[12:]])}] FROM x")
    assert "Position 12 of the list is extra" in findings(folder, "check-code", "code/array.sql")[0]["message"]


RIGHTS = {
    "other names": "NAMES = ['a', 'b', 'c', 'd', 'e', 'f']",
    "four names": f"NAMES = {RIGHT[:3]!r} + ['x', 'rest']",
    "names in another order": f"NAMES = {sorted(RIGHT)!r}",
    "ranks": "RANK = {'rest': 0, 'usage': 1, 'pace': 2, 'fatigue': 3, 'minutes': 4, 'points': 5}",
    "a list that is kept": f"NAMES = {MOVED!r}  # fqtool: ignore FQ541",
    "numbers and names": "X = [1, 2, 3, 4, 5, 'points', None, ('minutes',)]",
}


LIST, SORTED = ", ".join(SWAPPED), ", ".join(sorted(RIGHT))
WHOLE = ", ".join(RIGHT)
NO_COPIES = {
    "keys after all features": ("a.sql", f"SELECT {WHOLE}, day, item FROM x"),
    "columns of a file by index": (
        "a.py",
        f"r = {{{', '.join(f'{name!r}: cells[{at}]' for at, name in enumerate(['item', 'day', *RIGHT]))}}}",
    ),
    "keys around all features": ("a.py", f"df[['item', *X]], df[{['item', *RIGHT, 'target']!r}]"),
    "GROUP BY and ORDER BY": ("a.sql", f"SELECT 1 FROM x GROUP BY {WHOLE} ORDER BY {WHOLE} LIMIT 1"),
    "GROUP BY": ("a.sql", f"SELECT 1 FROM x GROUP BY {LIST} HAVING TRUE"),
    "PARTITION BY": ("a.sql", f"SELECT ROW_NUMBER() OVER (PARTITION BY {LIST} ORDER BY {LIST}) FROM x"),
    "IN": ("a.sql", f"SELECT 1 FROM x WHERE name IN ({quoted(SWAPPED)}) OR name IN UNNEST([{quoted(SWAPPED)}])"),
    "EXCEPT": ("a.sql", f"SELECT * EXCEPT ({LIST}) FROM x JOIN y USING ({LIST})"),
    "sorted": ("a.py", f"x = sorted({SWAPPED})\nassert sorted(names) == {SWAPPED}"),
    "a set": ("a.py", f"x = set({SWAPPED}) | frozenset({SWAPPED})\nassert set(names) == {SWAPPED}"),
    "in": ("a.py", f"assert name in {SWAPPED} and name not in {tuple(SWAPPED)}"),
}


@pytest.mark.parametrize("name", NO_COPIES)
def test_lists_without_an_order_and_other_columns_have_no_finding(folder: Path, name: str) -> None:
    """A list of groups is not a vector, and a key after the vector is another column."""
    file, text = NO_COPIES[name]
    (folder / "code" / file).write_text(text + "\n")
    assert findings(folder, "check-code", "code") == []


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT {', '.join(RIGHT[:4])}, {{% if a %}} extra, {{% endif %}} usage, rest FROM t",
        f"{{% set names = [{quoted(SWAPPED)}] %}}\nSELECT day, {{{{ a }}}}, {LIST} FROM t",
        f"SELECT [{quoted(RIGHT[:5])}, {{{{ f(1, 2) }}}}]",
        f"SELECT\n{{% for f in [{LIST}] %}} {{{{ f }}}}, {{% endfor %}} {WHOLE}",
    ],
)
def test_a_list_with_tags_of_a_template_is_a_note(folder: Path, text: str) -> None:
    """What it becomes is not known. Other lists of the file are compared."""
    file = folder / "code" / "a.sql"
    file.write_text(text)
    (found,) = findings(folder, "check-code", "code")
    assert (found["rule"], found["message"]) == ("FQ543", "A list with tags of a template was not compared.")
    file.write_text(f"{text};\n{{# {LIST} #}}\nSELECT\n{LIST} FROM {{{{ ref('a') }}}}")
    copied, note = findings(folder, "check-code", "code")
    assert (copied["rule"], copied["location"]["line"]) == ("FQ541", text.count("\n") + 4)
    assert note["rule"] == "FQ543"


def test_tags_beside_other_lists_have_no_note(folder: Path) -> None:
    """Such as the settings of a dbt model before its queries."""
    queries = ", ".join(f"q{number} AS (SELECT {{{{ a }}}} AS x FROM t)" for number in range(6))
    (folder / "code" / "a.sql").write_text(f"{{{{ config(a=1) }}}}\nWITH {queries} SELECT {WHOLE} FROM q1")
    assert findings(folder, "check-code", "code") == []


@pytest.mark.parametrize("name", RIGHTS)
def test_other_lists_have_no_finding(folder: Path, name: str) -> None:
    """What does not repeat the vector, and what a comment keeps."""
    (folder / "code" / "code.py").write_text(RIGHTS[name] + "\n")
    assert findings(folder, "check-code", "code") == []


def test_lists_that_the_registry_declares_have_no_finding(folder: Path) -> None:
    """The real store: the features of a category, of a processor, and the inputs of each model, as code lists them."""
    from fqtool.registry.load import read_registry

    (folder / "feature_registry.yaml").write_text((ROOT / "feature_registry.yaml").read_text())
    registry = read_registry(ROOT / "feature_registry.yaml")
    lists = [[one.name for one in registry.features if one.category == kind.name] for kind in registry.categories]
    lists += [list(model.needs) for model in registry.models]
    (folder / "code" / "code.py").write_text("\n".join(f"L{number} = {one!r}" for number, one in enumerate(lists)))
    found = findings(folder, "check-code", "code", "feature_registry.yaml")
    assert [one for one in found if one["severity"] != "note"] == []


def test_a_list_that_ends_early_is_a_note(folder: Path) -> None:
    """A copy of the first features may be meant; it does not fail the command."""
    (folder / "code" / "code.py").write_text(f"NAMES = {RIGHT[:5]!r}\n")
    (found,) = findings(folder, "check-code", "code")
    assert (found["rule"], found["severity"]) == ("FQ542", "note")
    assert run(folder, "check-code", "code").code == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("moved.py", f"NAMES = {SWAPPED}"),
        ("moved.sql", f"SELECT {', '.join(SWAPPED)} FROM {{{{ ref('store') }}}}"),
        ("moved.yaml", f"names: &names [{', '.join(SWAPPED)}]"),
    ],
)
def test_features_that_changed_places_are_found(folder: Path, name: str, text: str) -> None:
    """Also where no five names follow one another as in the registry."""
    (folder / name).write_text(text)
    (found,) = findings(folder, "check-code", name)
    assert (found["rule"], found["subject"]) == ("FQ541", "usage")
    assert found["message"].startswith("Index 3 is usage here and pace in the registry")


def test_columns_of_a_store_without_a_vector_have_the_order_of_the_table(folder: Path) -> None:
    """The statement of `generate-sql writer`, and lists whose order has no meaning; another SELECT is found."""
    file = folder / "feature_registry.yaml"
    text, order = file.read_text(), [*SWAPPED]
    columns = "".join(f"  - {{name: {name}, type: FLOAT64, description: D.}}\n" for name in order)
    text = text.replace("value: features[SAFE_OFFSET({index})]", 'value: "{name}"')
    file.write_text(text.replace("base_columns:\n", f"base_columns:\n{columns}"))
    run(folder, "generate-sql", "writer", "--out", "code/generated.sql")
    moved = [*RIGHT[:4], RIGHT[5], RIGHT[4]]
    sets = ", ".join(f"{name} = s.{name}" for name in moved)
    (folder / "code" / "own.sql").write_text(
        f"MERGE store t USING b s ON TRUE WHEN MATCHED THEN UPDATE SET {sets}\n"
        f"WHEN NOT MATCHED THEN INSERT (player, {', '.join(moved)}) VALUES ({', '.join(order)}, player);\n"
        f"INSERT INTO store (player, {', '.join(moved)}) SELECT player, {', '.join(moved)} FROM b"
    )
    (found,) = findings(folder, "check-code", "code")
    assert (found["location"]["file"], found["location"]["line"]) == ("code/own.sql", 3)
    assert "Index 4 is rest here and usage in the registry" in found["message"]


@pytest.mark.parametrize("name", [name for name in WRONG if "map" in name or "index" in name or "class" in name])
def test_features_that_changed_places_in_a_map_are_found(folder: Path, name: str) -> None:
    """Two of six: fewer than five names have the registry's index."""
    file, text, _ = WRONG[name]
    for before, after in (("pace", "?"), ("usage", "pace"), ("?", "usage"), ("speed", "rest")):
        text = text.replace(before, after).replace(before.upper(), after.upper())
    (folder / "code" / file).write_text(text)
    (found,) = findings(folder, "check-code", "code")
    assert found["rule"] == "FQ541"
    assert found["message"] == "Index 3 is usage here and pace in the registry, the first of 2 that differ."


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [points, minutes, fatigue, pace, usage, sleep, *a]\n",
        "a0: &a0 [points, minutes, fatigue, pace, usage, sleep]\n"
        + "".join(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 9)),
    ],
    ids=["circle", "many"],
)
def test_a_list_behind_yaml_aliases_is_found_once(folder: Path, text: str) -> None:
    """An alias that leads to itself, or a hundred million times to the same list, ends."""
    (folder / "alias.yaml").write_text(text)
    assert [one["rule"] for one in findings(folder, "check-code", "alias.yaml")] == ["FQ541"]


def test_python_is_read_in_its_own_encoding(folder: Path) -> None:
    """As its first line names it; a file in another one is a note."""
    text = f"# coding: latin-1\n# \u00e9\nNAMES = {[*FEATURES[:-1], 'sleep']}\n"
    (folder / "latin.py").write_bytes(text.encode("latin-1"))
    assert [one["rule"] for one in findings(folder, "check-code", "latin.py")] == ["FQ541"]
    (folder / "wide.py").write_bytes(text.encode("utf-16"))
    (folder / "wide.sql").write_bytes(text.encode("utf-16"))
    assert [one["rule"] for one in findings(folder, "check-code", "wide.py", "wide.sql")] == ["FQ543", "FQ543"]


def test_a_pipe_is_not_read(folder: Path) -> None:
    """Reading it may wait forever: it is refused, and passed over in a folder."""
    (folder / "pipes").mkdir()
    os.mkfifo(folder / "pipes" / "pipe.py")
    (folder / "pipes" / "code.py").write_text("")
    assert findings(folder, "check-code", "pipes") == []
    assert "is not a file" in run(folder, "check-code", "pipes/pipe.py").err


def test_a_file_that_cannot_be_read_is_a_note(folder: Path) -> None:
    """Where it names the features; other files are passed over, as are folders that are hidden."""
    (folder / "code" / "broken.py").write_text(f"NAMES = {MOVED!r}\nif")
    (folder / "code" / "broken.yaml").write_text(f"a: {{% x %}}\nb: {MOVED!r}")
    (folder / "code" / "other.py").write_text("if")
    (folder / "code" / ".hidden").mkdir()
    (folder / "code" / ".hidden" / "code.py").write_text(f"NAMES = {MOVED!r}")
    found = findings(folder, "check-code", "code")
    assert [(one["rule"], one["location"]["file"]) for one in found] == [
        ("FQ543", "code/broken.py"), ("FQ543", "code/broken.yaml"),
    ]  # fmt: skip
    done = run(folder, "check-code", "absent.py")
    assert (done.code, "absent.py does not exist" in done.err) == (2, True)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_file_and_line(folder: Path, form: str) -> None:
    """The place of a finding is in each format."""
    (folder / "code" / "code.py").write_text(f"\nNAMES = {MOVED!r}\n")
    done = run(folder, "check-code", "code", "--format", form)
    assert done.code == 1, done.said
    assert has_place(done.out, form, "code/code.py", 2), done.out


@pytest.mark.parametrize("file", ["empty", "notes.txt"])
def test_a_path_without_code_is_refused(folder: Path, file: str) -> None:
    """A wrong path must not pass in CI, also beside a right one."""
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("points")
    (folder / "code" / "a.sql").write_text("SELECT 1")
    done = run(folder, "check-code", "code", file)
    assert (done.code, f"{file} has no file that is checked." in done.err) == (2, True), done.said
    assert "1 file checked: no list" in run(folder, "check-code", "code").out


@pytest.mark.parametrize(
    ("file", "text", "fix"),
    [
        ("a.py", f"N = {MOVED}", "Import FEATURES"),
        ("a.sql", f"SELECT {', '.join(MOVED)} FROM t", "Write rest at index 5."),
        ("a.yaml", f"names: [{', '.join(MOVED)}]", "Write rest at index 5."),
        ("b.yaml", f"names: {dict(enumerate([*RIGHT, 'more']))}", "Correct the index of more, remove it, or append it"),
        ("b.sql", f"SELECT {', '.join(SWAPPED)} FROM t", "Write pace at index 3, and correct 1 more."),
    ],
)
def test_the_fix_is_one_for_the_language(folder: Path, file: str, text: str, fix: str) -> None:
    """Only Python can import the list."""
    (folder / "code" / file).write_text(text)
    done = run(folder, "check-code", "code")
    assert (done.code, fix in done.out) == (1, True), done.said


def test_a_list_of_offsets_has_one_finding(folder: Path) -> None:
    """Its names have the indices of the offsets; as columns they would end early."""
    file = folder / "feature_registry.yaml"
    last = "  - {index: 5, name: rest,"
    text = file.read_text()
    assert last in text
    line = next(line for line in text.split("\n") if line.startswith(last))
    more = line.replace("index: 5", "index: {0}").replace("rest", "extra_{0}")
    added = "\n".join([line, *(more.replace("{0}", str(index)) for index in range(6, 9))])
    file.write_text(text.replace(line, added))
    columns = ", ".join(f"features[OFFSET({at})] AS {name}" for at, name in zip((*range(5), 6), RIGHT, strict=True))
    (folder / "code" / "a.sql").write_text(f"SELECT {columns} FROM t")
    (found,) = findings(folder, "check-code", "code")
    assert (found["rule"], "Index 6 is rest here and extra_6" in found["message"]) == ("FQ541", True)
