"""Fixtures for all tests."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.bed.running import ROOT

pytest_plugins = ["tests.bed.fixtures", "tests.backfill_stores", "tests.migrated_stores"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell script starts what it puts in the background with Ctrl-C ignored, also by its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Deterministic, so that a red run is red again; make long runs with more examples elsewhere.
settings.register_profile(
    "law", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("fewer", settings.get_profile("law"), max_examples=15)
settings.load_profile("law")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the real registry and its migrations."""
    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    return tmp_path


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """A variable that a test sets ends with it: the tests after it, in the same process, would differ."""
    before = os.environ | {"PYTEST_CURRENT_TEST": ""}
    yield
    assert os.environ | {"PYTEST_CURRENT_TEST": ""} == before


@pytest.fixture(autouse=True)
def _plain_world(
    _same_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees this machine's settings, and none can reach a real project. Workers share translations."""
    monkeypatch.setenv("FQTOOL_CACHE_DIR", str(tmp_path_factory.getbasetemp().parent / "translations"))
    for name in list(os.environ):
        if name.startswith(
            ("FQTOOL_NOTIFY", "FQTOOL_MEMORY", "FQTOOL_TARGET", "FQTOOL_REGISTRY", "GOOGLE_", "BIGQUERY_", "CLOUDSDK_")
        ):
            monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
