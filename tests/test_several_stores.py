"""Laws of fqtool.yaml: one file lists stores, and every command serves one of them or all."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer
from jsonschema import Draft202012Validator

from fqtool.cli.options import INTERRUPTED
from fqtool.cli.stores import OF_ALL
from fqtool.errors import FqtoolError, RegistryError
from fqtool.registry.project import Store, read_stores
from tests import in_process
from tests.bed.running import ROOT
from tests.commands import fqtool
from tests.test_docs import commands

STORES = """version: 1
stores:
  energy: {registry: energy/feature_registry.yaml}
  retail: {registry: retail/feature_registry.yaml, target: "duckdb:///retail.duckdb"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with two stores and their list."""
    for name in ("energy", "retail"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    (tmp_path / "fqtool.yaml").write_text(STORES)
    return tmp_path


def problems(tmp_path: Path, text: str) -> list[tuple[str, int, int, str]]:
    """The rule, line, column and message of each problem of a fqtool.yaml."""
    file = tmp_path / "fqtool.yaml"
    file.write_text(text)
    with pytest.raises(RegistryError) as raised:
        read_stores(file)
    places = [(finding, finding.location) for finding in raised.value.findings]
    assert all(place and place.file == str(file) for _, place in places)
    return [(finding.rule, place.line, place.column, finding.message) for finding, place in places if place]


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """The migrations are beside the registry unless the file names their folder."""
    file = tmp_path / "fqtool.yaml"
    file.write_text(
        "version: 1\nstores:\n  a: {registry: a/r.yaml}\n  b: {registry: r.yaml, migrations: m, target: dev}\n"
    )
    assert read_stores(file) == (
        Store("a", tmp_path / "a" / "r.yaml", tmp_path / "a" / "migrations"),
        Store("b", tmp_path / "r.yaml", tmp_path / "m", "dev"),
    )


def test_every_problem_of_the_file_has_its_place(tmp_path: Path) -> None:
    """Unknown and missing keys, wrong types and names, YAML that is not valid, two stores with one folder."""
    assert problems(tmp_path, "version: 1\nstores:\n  a: {registy: r.yaml}\n  b: {target: dev}\n") == [
        ("FQ013", 3, 7, "Unknown key 'registy' in stores a."),
        ("FQ014", 4, 6, "stores b has no registry."),
    ]
    assert problems(tmp_path, "version: 1\n") == [("FQ014", 1, 1, "fqtool.yaml has no stores.")]
    assert [rule for rule, *_ in problems(tmp_path, "version: 1\nstores: {1a: {registry: 5}}\n")] == ["FQ017", "FQ015"]
    assert problems(tmp_path, "version: 1\nstores: {a: {registry: r.yaml}\n")[0][0] == "FQ005"
    same = "  a: {registry: a.yaml}\n  b: {registry: ./a.yaml, migrations: m}\n  c: {registry: c.yaml}\n"
    found = problems(tmp_path, f"version: 1\nstores:\n{same}")
    assert [place for *place, _ in found] == [["FQ017", 4, 17], ["FQ017", 5, 6]]
    assert "another folder than that of the store a" in found[1][-1]
    (tmp_path / "fqtool.yaml").write_text("# nothing yet\n")
    with pytest.raises(FqtoolError, match="is empty"):
        read_stores(tmp_path / "fqtool.yaml")


def test_every_command_that_takes_a_registry_takes_a_store() -> None:
    """No command declares it, so none can miss it; --all is shown where it is listed."""
    served = set()
    for name, command in commands():
        options = {option for one in command.params for option in one.opts}
        if "--registry" in options:
            assert "--store" in options, name
            served |= (
                {name.removeprefix("fqtool ")}
                if any(one.name == "all_stores" and not getattr(one, "hidden", False) for one in command.params)
                else set()
            )
    assert served == OF_ALL


def test_one_store_is_chosen(project: Path) -> None:
    """By --store; without it several stores are refused with their names, and a registry that is given is served."""
    assert "energy/feature_registry.yaml" in fqtool(project, "validate", "--store", "energy").stdout
    for words, sentence in (
        ((), "fqtool.yaml lists 2 stores"),
        (("--store", "weather"), "fqtool.yaml has no store 'weather'"),
        (("--store", "energy", "--all"), "--store and --all contradict each other"),
        (("--store", "energy", "-r", "energy/feature_registry.yaml"), "--registry names one registry"),
    ):
        done = fqtool(project, "validate", *words)
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    given = "retail/feature_registry.yaml"
    assert given in fqtool(project, "validate", "-r", given).stdout
    assert given in fqtool(project, "validate", FQTOOL_REGISTRY=given).stdout
    assert "energy/" in fqtool(project, "validate", "--store", "energy", FQTOOL_REGISTRY=given).stdout
    (project / "fqtool.yaml").write_text(f"version: 1\nstores: {{retail: {{registry: {given}}}}}\n")
    assert given in fqtool(project, "validate").stdout
    (project / "fqtool.yaml").unlink()
    done = fqtool(project, "validate", "--store", "energy")
    assert (done.returncode, "There is no fqtool.yaml" in done.stderr) == (2, True)


def test_the_order_of_settings(project: Path) -> None:
    """Option, environment, fqtool.yaml, registry: for the target and the folder of migrations."""
    status = ("migrate", "status", "--store", "retail")
    assert "of duckdb:///retail.duckdb" in fqtool(project, *status).stdout
    assert "of duckdb:///env.duckdb" in fqtool(project, *status, FQTOOL_TARGET="duckdb:///env.duckdb").stdout
    done = fqtool(project, *status, "-t", "duckdb:///flag.duckdb", FQTOOL_TARGET="duckdb:///env.duckdb")
    assert "of duckdb:///flag.duckdb" in done.stdout
    assert "of duckdb:///.fqtool/local.duckdb" in fqtool(project, "migrate", "status", "--store", "energy").stdout
    assert "There are no migration files in elsewhere" in fqtool(project, *status, "-m", "elsewhere").stderr


def test_all_stores_are_migrated_into_one_dataset(project: Path) -> None:
    """One command each: nothing of one store is seen in the other, and remedies name the store."""
    shared = ("--target", "duckdb:///shared.duckdb")
    done = fqtool(project, "migrate", "--all", *shared)
    assert done.returncode == 0, done.stderr
    assert "Next: fqtool check-drift --store retail --target duckdb:///shared.duckdb" in done.stderr
    assert "Exit codes: energy 0, retail 0." in done.stderr
    assert fqtool(project, "check-drift", "--all", *shared).returncode == 0
    assert "no migration is pending" in fqtool(project, "migrate", "--store", "energy", *shared).stderr


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "github", "markdown"])
def test_all_stores_are_one_document(project: Path, form: str) -> None:
    """The findings of both are in it, each with its store; the exit code is the highest."""
    fqtool(project, "migrate", "--all")
    file = project / "energy" / "feature_registry.yaml"
    text = file.read_text()
    file.write_text(text.replace("categories:", "categories:\n  unused: {description: x}", 1))
    (project / "retail" / "feature_registry.yaml").write_text("version: 1\n")
    done = fqtool(project, "validate", "--all", "--format", form)
    assert done.returncode == 1, done.stderr
    assert "energy: " in done.stdout
    assert "retail: " in done.stdout
    if form == "json":
        document = json.loads(done.stdout)
        schema = json.loads((ROOT / "fqtool" / "output" / "findings.schema.json").read_text())
        Draft202012Validator(schema).validate(document)
        assert [(one["name"], one["exit_code"]) for one in document["stores"]] == [("energy", 1), ("retail", 1)]
        assert sum(one["findings"] for one in document["stores"]) == len(document["findings"])
    elif form == "sarif":
        (run,) = json.loads(done.stdout)["runs"]
        prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
        assert len(set(prints)) == len(prints) > 1
    elif form == "junit":
        assert len(ET.fromstring(done.stdout)) == 1  # noqa: S314  fqtool wrote it
    elif form == "github":
        assert all(line.startswith(("::", "fqtool ")) for line in done.stdout.splitlines())


def test_an_error_of_one_store_does_not_stop_the_others(project: Path) -> None:
    """The exit code is the highest of all: a registry that is not readable is 2, and an absent table 3."""
    (project / "energy" / "feature_registry.yaml").write_text("version: 1\n")
    done = fqtool(project, "check-drift", "--all", "--format", "json")
    assert done.returncode == 3
    assert "energy/feature_registry.yaml has " in done.stderr
    assert "There is no table product_features" in done.stderr
    assert [one["exit_code"] for one in json.loads(done.stdout)["stores"]] == [2, 3]
    done = fqtool(project, "check-drift", "--all")
    assert "-- store energy: energy/feature_registry.yaml" in done.stdout
    assert "Exit codes: energy 2, retail 3." in done.stderr


def test_an_option_of_one_store_is_refused_for_all(project: Path) -> None:
    """A file or a name for one store is not used for each of them."""
    done = fqtool(project, "score", "--all", "--input", "rows.ndjson")
    assert (done.returncode, "is of one store, so --all does not apply" in done.stderr) == (2, True)


def test_a_file_is_written_for_each_store(project: Path) -> None:
    """In a folder with the name of the store; --check compares the same files, and stdout is refused."""
    export = ("export", "dbt", "--all", "--out", "models/features.yml")
    assert fqtool(project, *export).returncode == 0
    texts = [(project / "models" / name / "features.yml").read_text() for name in ("energy", "retail")]
    assert ["meter_features" in text for text in texts] == [True, False]
    (project / "models" / "retail" / "features.yml").write_text(f"{texts[1]}old")
    done = fqtool(project, *export, "--check")
    assert (done.returncode, "energy 0, retail 1" in done.stderr) == (1, True)
    assert "fix: fqtool export dbt --store retail --out models/retail/features.yml" in done.stdout
    assert fqtool(project, "docs", "--all", "--format", "html").returncode == 0
    assert sorted(page.parent.name for page in project.glob("docs/*/data-dictionary.html")) == ["energy", "retail"]
    done = fqtool(project, "generate-schema", "--all", "--check", "schemas/s.json", "--format", "json")
    assert {one["location"]["file"] for one in json.loads(done.stdout)["findings"]} == {
        "schemas/energy/s.json", "schemas/retail/s.json"
    }  # fmt: skip
    for words in (("export", "dbt"), ("report", "--out", "-"), ("generate-sql", "table"), ("generate-schema",)):
        done = fqtool(project, *words, "--all")
        assert (done.returncode, "it needs --out" in done.stderr) == (2, True), words


def test_a_result_of_each_store_is_in_one_document(project: Path) -> None:
    """The JSON of a cost, of a plan of a backfill, and of a comparison with a revision."""
    fqtool(project, "migrate", "--all")
    dates = ("--start", "2026-01-01", "--end", "2026-01-03")
    schema = json.loads((ROOT / "fqtool" / "output" / "findings.schema.json").read_text())
    for words, key in ((("cost",), "table"), (("backfill", *dates, "--dry-run"), "tasks")):
        document = json.loads(fqtool(project, *words, "--all", "--format", "json").stdout)
        Draft202012Validator(schema).validate(document)
        assert [(one["name"], key in one["result"]) for one in document["stores"]] == [
            ("energy", True),
            ("retail", True),
        ]
    done = fqtool(project, "backfill", *dates, "--all")
    assert (done.returncode, "Exit codes: energy 0, retail 0." in done.stderr) == (0, True)


def test_all_registries_are_compared_with_a_revision(project: Path) -> None:
    """Each with its own file at the revision, which a message names with its folder; a file is of one store."""
    for words in (("init", "-q"), ("add", "."), ("-c", "user.email=a@b", "-c", "user.name=a", "commit", "-qm", "a")):
        subprocess.run(["git", *words], cwd=project, check=True)
    done = fqtool(project, "diff", "--all")
    assert "retail/feature_registry.yaml matches git:HEAD:retail/feature_registry.yaml" in done.stdout
    file = project / "retail" / "feature_registry.yaml"
    file.write_text(file.read_text().replace("weight: 100", "weight: 90"))
    done = fqtool(project, "diff", "--all", "--fail-on", "safe", "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, {one["subject"].partition(":")[0] for one in document["findings"]}) == (1, {"retail"})
    for old in ("energy/feature_registry.yaml", "git:HEAD:energy/feature_registry.yaml"):
        done = fqtool(project, "diff", old, "--all")
        assert (done.returncode, f"'{old}' is of one store" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("demo",), ("add-feature", "a", "--category", "b"), ("check-code", "."), ("check-record", "a.ndjson"),
        ("migrate", "import", "a.sql"),
    ],
)  # fmt: skip
def test_a_command_for_one_store_refuses_all(project: Path, words: tuple[str, ...]) -> None:
    """The error names the command, also in a folder without fqtool.yaml; --all of explain is about features."""
    (project / "fqtool.yaml").unlink()
    done = fqtool(project, *words, "--all")
    assert (done.returncode, "serves one store, so --all does not apply" in done.stderr) == (2, True), done.stderr
    assert "serves one store" not in fqtool(project, "explain", "--key", "a=b", "--all").stderr


def test_ctrl_c_ends_all_stores(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No further store is served after an interrupt."""
    served = []

    def interrupted(*_: object, **__: object) -> None:
        served.append(1)
        raise typer.Exit(INTERRUPTED)

    monkeypatch.setattr("fqtool.commands.backfill.command._fill", interrupted)
    done = in_process.fqtool(project, "backfill", "--start", "2026-01-01", "--end", "2026-01-02", "--all")
    assert (done.code, served) == (INTERRUPTED, [1])


def test_the_commands_of_a_demo_name_the_store(project: Path) -> None:
    """Each line that begins with $ can be pasted where fqtool.yaml lists several stores."""
    done = in_process.fqtool(project, "demo", "--store", "energy")
    lines = [line for line in done.out.splitlines() if line.startswith("$ fqtool ")]
    assert done.code == 0, done.said
    assert lines
    assert all("--store energy" in line for line in lines), lines
