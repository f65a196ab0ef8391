"""A real headless browser for pages that fqtool writes, and what it saw: errors, requests."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

_SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")


@contextmanager
def browser(width: int = 1280, height: int = 900, *, dark: bool = False) -> Iterator[webdriver.Chrome]:
    """Start Chromium; without one, skip loudly, or fail where FQTOOL_REQUIRE_BROWSER is 1."""
    driver, program = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if not driver or not program:
        reason = "THE REPORT IS NOT TESTED IN A BROWSER: install chromium and chromium-driver"
        if os.environ.get("FQTOOL_REQUIRE_BROWSER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    options = Options()
    options.binary_location = program
    for one in (*_SWITCHES, f"--window-size={width},{height}"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    try:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        started.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield started
    finally:
        started.quit()


def opened(driver: webdriver.Chrome, page: Path) -> None:
    """Open a file."""
    driver.get(page.resolve().as_uri())


def requests(driver: webdriver.Chrome) -> list[str]:
    """The addresses that the page asked for, but itself and data: URLs."""
    log: list[dict[str, Any]] = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in log if one["method"] == "Network.requestWillBeSent"]
    return [one for one in asked if one != driver.current_url.partition("#")[0] and not one.startswith("data:")]


def complaints(driver: webdriver.Chrome) -> list[str]:
    """The messages of the console."""
    return [entry["message"] for entry in driver.get_log("browser")]
