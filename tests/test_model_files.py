"""Laws of `fqtool models --features` and `--register` with the files that model libraries write."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from fqtool.commands.models.model_files import read_model_file
from fqtool.errors import InputError
from fqtool.registry.load import read_registry
from tests.bed.running import ROOT
from tests.in_process import findings
from tests.in_process import fqtool as run
from tests.writers import FEATURES, REGISTRY_FILE, store_in

MODELS = Path(__file__).parent / "cases" / "models"
"""Files that CatBoost, LightGBM, XGBoost and onnx wrote of a model with the inputs INPUTS; see make_models.py there."""
INPUTS = (*FEATURES[:3], "moon", *FEATURES[3:])
FILES = sorted(path.name for path in MODELS.glob("model*"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the registry."""
    return store_in(tmp_path).parent


@pytest.mark.parametrize("name", FILES)
def test_the_inputs_of_a_model_are_read_in_their_order(name: str) -> None:
    """From each format, as the library itself wrote it."""
    assert read_model_file((MODELS / name).read_bytes(), name).names == INPUTS


def test_every_library_has_a_file() -> None:
    """No format goes untested."""
    assert FILES == [
        "model-inputs.onnx", "model-metadata.onnx", "model.catboost.json", "model.lightgbm.json", "model.lightgbm.txt",
        "model.xgboost.json", "model.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_features_compares_what_the_file_names(folder: Path, name: str) -> None:
    """An input that the registry does not have is found, with the file's name."""
    (folder / name).write_bytes((MODELS / name).read_bytes())
    (found,) = findings(folder, "models", "--features", name)
    assert (found["rule"], found["location"]["file"]) == ("FQ653", name)
    assert "moon (position 3)" in found["message"]


@pytest.mark.parametrize("name", FILES)
def test_register_writes_the_entry(folder: Path, name: str) -> None:
    """Afterwards the registry is sound, the file fits the model, and no other character changed."""
    (folder / name).write_bytes((MODELS / name).read_bytes())
    before = (folder / "feature_registry.yaml").read_text()
    done = run(folder, "models", "--register", name, "--model", "first")
    assert done.code == 0, done.said
    after = (folder / "feature_registry.yaml").read_text()
    assert after.startswith(before)
    (model,) = read_registry(folder / "feature_registry.yaml").models
    assert (model.name, model.needs, model.external) == ("first", FEATURES, ("moon",))
    assert run(folder, "validate").code == 0
    assert findings(folder, "models", "--features", name, "--model", "first") == []
    again = run(folder, "models", "--register", name, "--model", "first")
    assert (again.code, "is a model of" in again.err) == (1, True)
    done = run(folder, "models", "--register", name, "--model", "second")
    assert done.code == 0, done.said
    assert [one.name for one in read_registry(folder / "feature_registry.yaml").models] == ["first", "second"]


def test_register_keeps_the_layout_of_a_long_registry(folder: Path) -> None:
    """In the real registry the entry comes after the last model, and nothing else changes."""
    text = (ROOT / "feature_registry.yaml").read_text()
    (folder / "feature_registry.yaml").write_text(text)
    names = [feature.name for feature in read_registry(ROOT / "feature_registry.yaml").features]
    (folder / "v11.json").write_text(json.dumps({"feature_names": [*names, "star_out"]}))
    done = run(folder, "models", "--register", "v11.json")
    assert done.code == 0, done.said
    after = (folder / "feature_registry.yaml").read_text()
    assert [line for line in text.splitlines() if line not in after.splitlines()] == []
    model = read_registry(folder / "feature_registry.yaml").models[-1]
    assert (model.name, model.needs, model.external) == ("v11", tuple(names), ("star_out",))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("model.pkl", b"anything"),
        ("model.json", pickle.dumps(["points"])),
        ("model.bin", b"PK\x03\x04"),
        ("model.cbm", b"CBM1\xff\xfe"),
        ("model.txt", b"tree\nversion=v4\n"),
        ("model.yaml", b"a: [b"),
        ("model.onnx", b"\x0a"),
        ("model.onnx", b""),
        ("model.json", b'{"learner": {}}'),
    ],
)
def test_a_file_without_names_is_refused(name: str, raw: bytes) -> None:
    """A pickle is never read; the error of a file without names has a remedy."""
    with pytest.raises(InputError) as caught:
        read_model_file(raw, name)
    assert caught.value.remedy


def test_a_model_that_names_a_feature_twice_is_not_registered(folder: Path) -> None:
    """The registry stays as it is."""
    (folder / "twice.json").write_text('["points", "points"]')
    before = (folder / "feature_registry.yaml").read_bytes()
    done = run(folder, "models", "--register", "twice.json")
    assert (done.code, "twice.json names points twice." in done.err) == (1, True), done.said
    assert (folder / "feature_registry.yaml").read_bytes() == before


def test_a_model_without_features_is_not_registered(folder: Path) -> None:
    """It is most likely another store's; --register takes no other question."""
    (folder / "m.json").write_text('["a", "b"]')
    done = run(folder, "models", "--register", "m.json")
    assert (done.code, "names no feature of" in done.err) == (1, True)
    assert run(folder, "models", "--register", "m.json", "--features", "m.json").code == 2
    assert (folder / "feature_registry.yaml").read_text() == REGISTRY_FILE.read_text()


def test_a_misspelt_feature_is_named_where_it_is_registered_as_external(folder: Path) -> None:
    """With the feature to which it is similar; other external inputs are listed."""
    (folder / "typo.json").write_text(json.dumps(["points", "minutez", "odds_of_a_bookmaker"]))
    done = run(folder, "models", "--register", "typo.json")
    assert "warning: minutez is not a feature, so it is an external input. Did you mean minutes?" in done.err, done.said
    assert "External input: odds_of_a_bookmaker." in done.err
