"""Laws of `extends:`: sections of a shared file are read as if the registry had them, with their places there."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from fqtool.commands.validate.run import validated
from fqtool.errors import RegistryError
from fqtool.registry.load import read_registry
from tests.bed.running import ROOT
from tests.commands import fqtool
from tests.machine import patient

DAY = date(2026, 2, 6)
SECTIONS = ("sources", "tiers", "processors")
ENERGY = ROOT / "examples" / "energy" / "feature_registry.yaml"


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """The registry of an example, with three sections in a file beside its folder."""
    shutil.copytree(ENERGY.parent, tmp_path / "energy")
    file, shared = tmp_path / "energy" / "feature_registry.yaml", ""
    text = file.read_text()
    for section in SECTIONS:
        part = re.search(rf"^{section}:.*\n(?:(?:[ #].*|)\n)*", text, re.MULTILINE)
        assert part
        shared += part[0]
        text = text.replace(part[0], "")
    file.write_text(text.replace("version: 1\n", "version: 1\nextends: ../shared.yaml\n"))
    (tmp_path / "shared.yaml").write_text(shared)
    return file


def edited(file: Path, old: str, new: str) -> None:
    """Replace a text that the file has once."""
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def problems(registry: Path) -> list[tuple[str, str, int]]:
    """The rule, file and line of each problem of a registry that cannot be read."""
    with pytest.raises(RegistryError) as raised:
        read_registry(registry)
    return [
        (one.rule, Path(one.location.file).name, one.location.line) for one in raised.value.findings if one.location
    ]


def test_the_registry_is_the_one_in_one_file(registry: Path) -> None:
    """Sections are equal, and the place of each entry is in the file that has it."""
    whole, split = read_registry(ENERGY), read_registry(registry)
    for section in (*SECTIONS, "features", "columns", "base_columns"):
        entries = getattr(split, section)
        assert [str(one).partition("at=")[0] for one in entries] == [
            str(one).partition("at=")[0] for one in getattr(whole, section)
        ]
        name = "shared.yaml" if section in SECTIONS else "feature_registry.yaml"
        assert {Path(one.at.file).name for one in entries} == {name}
    assert validated(registry, DAY) == ()


def test_problems_have_their_place_in_the_shared_file(registry: Path) -> None:
    """What does not fit the schema, is not YAML, or is found by a rule of registries."""
    shared = registry.parent.parent / "shared.yaml"
    edited(shared, "weight: 100", "wieght: 100")
    assert problems(registry) == [("FQ013", "shared.yaml", 2)]
    edited(shared, "wieght: 100", "weight: 100, canonical: x")
    assert problems(registry) == [("FQ007", "shared.yaml", 2)]
    edited(shared, "weight: 100, canonical: x", "weight: 100")
    edited(shared, "min: 0}", "min: 10}")
    (finding,) = [one for one in validated(registry, DAY) if one.rule != "FQ180"]
    assert finding.location is not None
    assert (Path(finding.location.file).name, finding.location.line) == ("shared.yaml", 8)


def test_a_shared_file_has_three_sections_and_one_level(registry: Path) -> None:
    """Other keys, a second level, a section in both files and an absent file are refused with their place."""
    shared = registry.parent.parent / "shared.yaml"
    text = shared.read_text()
    shared.write_text(f"extends: more.yaml\n{text}")
    assert problems(registry) == [("FQ013", "shared.yaml", 1)]
    shared.write_text(text)
    with registry.open("a") as file:
        file.write("\ntiers: [{name: gold, min: 0}]\n")
    ((rule, name, _),) = problems(registry)
    assert (rule, name) == ("FQ007", "feature_registry.yaml")
    shared.unlink()
    assert problems(registry)[0][:2] == ("FQ017", "feature_registry.yaml")


def test_a_section_that_neither_file_has_is_missing(registry: Path) -> None:
    """Together they are complete."""
    shared = registry.parent.parent / "shared.yaml"
    shared.write_text(re.sub(r"^tiers:\n( .*\n)+", "", shared.read_text(), flags=re.MULTILINE))
    assert [rule for rule, *_ in problems(registry)] == ["FQ014"]


def test_edits_reach_only_the_registry(registry: Path) -> None:
    """add-feature and learn write the registry; validate --fix offers no fix for the shared file."""
    shared = registry.parent.parent / "shared.yaml"
    before = shared.read_text()
    words = ("--category", read_registry(registry).categories[0].name, "--processor", "WeatherJoin")
    done = fqtool(registry.parent, "add-feature", "wind_speed", *words, "--description", "Wind in m/s.")
    assert done.returncode == 0, done.stderr
    assert any(one.name == "wind_speed" for one in read_registry(registry).features)
    assert shared.read_text() == before
    edited(shared, "weight: 100", '"weight": "100"')
    after = shared.read_text(), registry.read_text()
    done = fqtool(registry.parent, "validate", "--fix")
    assert done.returncode == 1
    assert "shared.yaml:2" in done.stdout
    assert (shared.read_text(), registry.read_text()) == after


def test_a_suppression_of_the_shared_file_may_be_for_another_registry(registry: Path) -> None:
    """It is accepted where it suppresses nothing."""
    shared = registry.parent.parent / "shared.yaml"
    edited(shared, "  WeatherJoin:\n", "  # fqtool: ignore FQ134 other stores use it\n  WeatherJoin:\n")
    assert validated(registry, DAY) == ()


def test_a_revision_extends_the_file_of_the_revision(registry: Path) -> None:
    """`diff git:HEAD` compares with both files as they were."""
    root = registry.parent.parent
    for words in (("init", "-q"), ("add", "."), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")):
        subprocess.run(["git", *words], cwd=root, check=True, timeout=patient(30))
    edited(root / "shared.yaml", "weight: 100", "weight: 90")
    done = fqtool(registry.parent, "diff", "git:HEAD", "--format", "json")
    assert "weight" in done.stdout, done.stdout + done.stderr


def test_a_shared_processor_of_another_registry_is_accepted(registry: Path) -> None:
    """Its features are in the other registry."""
    shared = registry.parent.parent / "shared.yaml"
    shared.write_text(shared.read_text() + "  PriceLoader:\n    table: raw.prices\n")
    assert validated(registry, DAY) == ()
