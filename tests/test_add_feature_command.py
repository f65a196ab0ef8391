"""Laws of fqtool add-feature on the command line: the 38th feature by one command, patches, wrong words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.add_feature.run import plan_addition
from fqtool.lint.check import check_registry
from fqtool.registry.load import load_registry, read_registry
from fqtool.registry.yaml.mentions import mentions
from tests.bed.running import ROOT
from tests.commands import run
from tests.example_stores import STORES
from tests.feature_layouts import CATEGORY, ENTRY, FEATURE, MEAN_20, PROCESSOR, REAL, registry_in
from tests.machine import patient


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
    subprocess.run(["git", "apply", "-p0", "x.patch"], cwd=tmp_path, check=True, timeout=patient(60))
    patched = path.read_bytes()
    registry_in(tmp_path)
    run(tmp_path, *words)
    assert path.read_bytes() == patched


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--range", "5"], "--range must be two numbers, not '5'"),
        (["--range", "a,b"], "--range must be two numbers"),
        (["--range", "0,inf"], "--range must be a finite number"),
        (["--expected", "nan"], "--expected must be a finite number"),
        (["--registry", "none.yaml"], "none.yaml does not exist"),
    ],
)
def test_wrong_words_are_reported(tmp_path: Path, words: list[str], sentence: str) -> None:
    """A malformed range or number, and an absent registry, end with 2 and a sentence."""
    registry_in(tmp_path)
    said = ["--category", CATEGORY, "--processor", PROCESSOR]
    assert sentence in " ".join(run(tmp_path, "add-feature", "x1", *said, *words, code=2).stderr.split())


def test_the_fix_for_a_feature_without_its_column_declares_it(tmp_path: Path) -> None:
    """Where `value` reads the column of the feature's name; a text in quotes would load and be wrong."""
    text = (ROOT / "examples" / "energy" / "feature_registry.yaml").read_text()
    registry_in(tmp_path, re.sub(r"^  - \{name: peak_kw, type.*\n", "", text, flags=re.MULTILINE))
    said = run(tmp_path, "validate", code=1).stdout
    assert (
        "Declare the column peak_kw under `base_columns`, or write a `value` of its own in the feature peak_kw." in said
    )
    assert "in quotes" not in said


def test_a_store_without_processors_needs_none(tmp_path: Path) -> None:
    """Where the registry declares no processor, a feature has none; what loads then is what was given."""
    text = (STORES["JSON values by name"].folder / "feature_registry.yaml").read_text()
    text = re.sub(r"^processors:.*?^(?=features:)", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r",? processor: \w+", "", text)
    path = registry_in(tmp_path, text)
    plan_addition(path, "max_price", category="price", labels=("sales", "constant")).write()
    registry, findings = load_registry(path.read_text(), str(path))
    assert registry is not None
    assert not findings
    assert check_registry(registry) == ()
    assert registry.features[-1].name == "max_price"
    assert not registry.features[-1].processor


def test_lines_that_count_the_features_are_reported(tmp_path: Path) -> None:
    """Reported are the version, the comment and the model of 37 features, and by category what counts its own."""
    path = registry_in(tmp_path)
    registry = read_registry(path)
    sentence = plan_addition(path, "points_avg_last_20", **MEAN_20).look_at
    after = plan_addition(path, "points_avg_last_20", **MEAN_20).after.splitlines()
    lines = [after[one.at.line - 1].strip() for one in sentence]
    assert lines == [one.line for one in sentence]
    for line in ("feature_schema_version: v2_37features", "expr: \"'v2_37features'\"", "- name: catboost_v10"):
        assert line in lines
    assert not [line for line in lines if "index:" in line]
    matchup = plan_addition(path, "x", category="matchup", processor=PROCESSOR, critical=True).look_at
    assert "when: matchup_default_count = 6" in [one.line for one in matchup]
    assert not [one for one in matchup if "mean_defaults" in one.line]
    assert mentions(replace(registry, document=None), FEATURE, "") == ()


def test_a_store_with_a_column_for_each_feature_gets_the_column(tmp_path: Path) -> None:
    """The base column is declared and planned on request; a declared one is used, and --type without one is refused."""
    STORES["named columns"].copied(tmp_path)
    more = ("--category", "weather", "--processor", "WeatherJoin")
    run(tmp_path, "migrate")
    run(tmp_path, "add-feature", "humidity_pct", *more, "--type", "INT64", "--description", "Humidity.")
    text = (tmp_path / "feature_registry.yaml").read_text()
    assert '  - {name: humidity_pct, type: INT64, description: "Humidity."}\n' in text
    without = run(tmp_path, "migrate", "plan", "--dry-run")
    assert "added only with --include-base: humidity_pct, declared" in without.stderr + without.stdout
    planned = run(tmp_path, "migrate", "plan", "--include-base")
    assert "added only with --include-base" not in planned.stderr + planned.stdout
    run(tmp_path, "migrate")
    assert "No drift" in run(tmp_path, "check-drift").stdout
    run(tmp_path, "add-feature", "weather_loaded_at", *more)
    assert (tmp_path / "feature_registry.yaml").read_text().count("type: FLOAT64") == text.count("type: FLOAT64")
    refused = run(tmp_path, "add-feature", "created_at", *more, "--type", "INT64", code=2)
    assert "--type needs a new column, and the value of created_at is in a declared one." in refused.stderr


def test_a_store_with_a_column_for_each_label_gets_it_too(tmp_path: Path) -> None:
    """Value and label are columns: both are declared."""
    STORES["named columns"].copied(tmp_path)
    path = tmp_path / "feature_registry.yaml"
    text = path.read_text().replace('value: "{name}"', 'value: "{name}"\n  source: "{name}_label"')
    names = [one.name for one in read_registry(path).features]
    labels = "".join(f"  - {{name: {name}_label, type: STRING}}\n" for name in names)
    path.write_text(text.replace("base_columns:\n", f"base_columns:\n{labels}"))
    addition = plan_addition(path, "humidity_pct", category="weather", processor="WeatherJoin")
    assert [(one.name, one.type) for one in addition.columns] == [
        ("humidity_pct", "FLOAT64"), ("humidity_pct_label", "STRING"),
    ]  # fmt: skip
