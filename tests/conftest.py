"""Fixtures for all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.bed.fixtures", "tests.filling", "tests.migrating"]

# Deterministic, so that a red run is red again; make long runs with more examples elsewhere.
settings.register_profile(
    "law", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("fewer", settings.get_profile("law"), max_examples=15)
settings.load_profile("law")


@pytest.fixture(autouse=True)
def _plain_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees this machine's settings, and none can reach a real project."""
    for name in list(os.environ):
        if name.startswith(("FQTOOL_TARGET", "FQTOOL_REGISTRY", "GOOGLE_", "BIGQUERY_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
