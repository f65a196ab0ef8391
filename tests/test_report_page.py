"""Laws of the HTML report: it needs no other file, shows what the rows hold, answers hover and keys, fits a season."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from fqtool.commands.diagnose.unscored import not_scored
from fqtool.commands.report.alerts import alert_counts
from fqtool.commands.report.html import html_of, label_step, numbers, status
from fqtool.commands.report.run import Report, report_of
from fqtool.errors import InputError, NotThere, Refusal
from fqtool.findings.finding import Severity
from fqtool.output.outcome import headline
from fqtool.registry.alerts_and_models import KnownEvent
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.workspace import Workspace, open_workspace
from tests.bed.running import ROOT
from tests.browser import browser, complaints, opened, requests
from tests.in_process import fqtool
from tests.test_diagnosis import COMPOSITE, DAY, registry, since, store

MADE = datetime(2026, 2, 7, 6, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    """The repository's own."""
    return open_workspace(ROOT / "feature_registry.yaml", ROOT / "migrations")


@pytest.fixture(scope="module")
def report(workspace: Workspace) -> Report:
    """Three weeks: masked for three dates, healthy again, and defaulted on the last."""
    masked = Incident("masked", DAY - timedelta(days=8), DAY - timedelta(days=6), COMPOSITE)
    with DuckDBWarehouse(":memory:") as warehouse:
        season = Season(registry(), DAY - timedelta(days=34), 35, 2, rows_per_day=40)
        rows = list(season.rows([masked, since(1, "defaulted")]))
        rows[-1]["player_lookup"] = HOSTILE
        store(warehouse, rows)
        return report_of(workspace, warehouse, DAY - timedelta(days=20), DAY, made=MADE)


@pytest.fixture(scope="module")
def page(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report as a file."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html_of(report), encoding="utf-8")
    return path


class Outline(HTMLParser):
    """The ids, links and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag's attributes."""
        self.tags[tag] += 1
        told = dict(attrs)
        self.ids += [told["id"]] if told.get("id") else []  # type: ignore[list-item]
        self.links += [told[name] for name in ("href", "src") if told.get(name)]  # type: ignore[misc]


def test_the_causes_are_those_of_the_rows(report: Report) -> None:
    """An incident of three dates is one episode, that of the last date another; nothing else is reported."""
    told = [(one.cause.kind, one.days[0], one.days[-1], len(one.days)) for one in report.episodes]
    first, last = DAY - timedelta(days=8), DAY - timedelta(days=6)
    assert told == [("missing", DAY, DAY, 1), ("masked", first, last, 3)]
    assert status(report)[0] == "bad"
    assert "PlayerCompositeFactorsProcessor did not run" in status(report)[1]


def test_dates_without_rows_are_causes(workspace: Workspace) -> None:
    """Two dates in sequence without rows, where rows are usual, are one episode of the page."""
    gone = [DAY - timedelta(days=3), DAY - timedelta(days=2)]
    with DuckDBWarehouse(":memory:") as warehouse:
        rows = Season(registry(), DAY - timedelta(days=34), 35, 2, rows_per_day=20).rows([])
        store(warehouse, [row for row in rows if row["game_date"] not in gone])
        made = report_of(workspace, warehouse, DAY - timedelta(days=6), DAY, made=MADE)
    assert [(one.cause.kind, list(one.days)) for one in made.episodes] == [("no rows", gone)]
    assert "FQ617" in html_of(made)


def test_a_last_date_without_scores_is_not_well(report: Report) -> None:
    """Where nothing is wrong because nothing is known, the headline reports so."""
    well = replace(report.days[-2], checks=(), of_figures=())
    day = replace(well.day, scored=0)
    unknown = replace(well, day=day, causes=not_scored([day]))
    assert status(replace(report, days=(well,)))[0] == "good"
    assert status(replace(report, days=(unknown,)))[0] == "fair"
    assert "are scored, so the figures of the date are unknown" in status(replace(report, days=(unknown,)))[1]


def test_a_report_of_a_store_without_recent_rows_is_not_good(workspace: Workspace) -> None:
    """The headline and the causes name it, and not that there are no problems."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=9), 10, 2, rows_per_day=20).rows([]))
        made = report_of(workspace, warehouse, DAY - timedelta(days=6), DAY, made=MADE, given=False)
    state, text = status(made)
    assert (state, text.startswith(headline(made.too_old[0]))) == ("bad", True)
    assert "No problems found" not in html_of(made)


def test_every_number_is_that_of_the_scan(report: Report) -> None:
    """The numbers behind the map are the evidence, feature by feature, date by date; rows by level add up."""
    told = numbers(report)
    assert [day for day, _ in told["days"]] == [one.day.day.isoformat() for one in report.days]
    assert {one[0] for one in told["features"]} == {one.index for one in registry().active_features}
    for (index, *_), cells in zip(told["features"], told["cells"], strict=True):
        seen = [(one.day.features[index].scored, one.day.features[index].defaults) for one in report.days]
        assert [(cell[0], cell[1]) for cell in cells] == seen
    assert all(sum(one.levels.values()) == one.day.scored for one in report.days)


def test_the_page_needs_no_other_file(page: Path) -> None:
    """No address but those within it, each of which is there; ids are unique; text of rows is text, never markup."""
    outline = Outline()
    text = page.read_text()
    outline.feed(text)
    assert {name: count for name, count in Counter(outline.ids).items() if count > 1} == {}
    assert {one for one in outline.links if not one.startswith(("#", "data:"))} == set()
    assert {one[1:] for one in outline.links if one.startswith("#")} <= {*outline.ids}
    assert outline.tags["img"] == 0
    assert HOSTILE not in text
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)


def test_a_known_event_is_shown_as_known(report: Report) -> None:
    """Its cause is grey and has the last accepted date; other causes are as they were."""
    first, *others = report.episodes
    event = KnownEvent("strike, ticket 123", DAY, DAY + timedelta(days=3), processors=(COMPOSITE,))
    known = replace(first, cause=replace(first.cause, event=event))
    text = html_of(replace(report, episodes=(known, *others)))
    assert 'class="note known"' in text
    assert f"Known until {event.until}: strike, ticket 123." in text
    assert text.count("known event") == 1
    assert 'class="error"' in text
    last = replace(report.days[-1], causes=(known.cause,), of_figures=tuple(
        replace(one, severity=Severity.NOTE) for one in report.days[-1].of_figures
    ))  # fmt: skip
    marked, grey = html_of(report), html_of(replace(report, days=(*report.days[:-1], last)))
    features = len(known.cause.features)
    assert marked.count("●") - grey.count("●") == features > 0
    assert (marked.count("○"), grey.count("○")) == (0, features + 1)
    assert "; a grey one and ○ marks a known event." in grey
    assert grey.count("critical by a known event") == text.count("<small>critical; ") > 0


def test_an_alert_with_a_number_is_one_row(report: Report) -> None:
    """All numbers of a code are one alert, with its dates, its rows and the numbers that it had."""
    kept = {"kept": 3, "high_default_rate_9pct": 1, "high_default_rate_30pct": 2}
    rows = [{"alert": code, "date": DAY - timedelta(days=day), "rows": kept[code]} for code in kept for day in (0, 1)]
    counts = {one.code: one for one in alert_counts(report.registry, rows)}
    assert list(counts) == ["high_default_rate_{number}pct", "kept"]
    joined = counts["high_default_rate_{number}pct"]
    assert (joined.days, joined.rows) == ((DAY - timedelta(days=1), DAY), 6)
    assert joined.distribution == "9 to 30, median 30"
    assert counts["kept"].distribution == ""
    assert {one.code for one in report.alerts} <= {alert.code for alert in report.registry.alerts}


def test_a_cause_shows_the_values_of_its_features(report: Report, page: Path) -> None:
    """The values on the date of a cause add up to its rows, and so do those of the 14 dates before."""
    latest, masked = report.episodes
    for episode in (latest, masked):
        for feature in episode.cause.features:
            shown = report.distributions[episode.days[-1], feature.index]
            assert (sum(shown.on_day), sum(shown.before)) == (40, 14 * 40)
    named = [report.distributions[masked.days[-1], one.index] for one in masked.cause.features]
    assert max(max(one.on_day) for one in named) == 40
    charts = re.findall(r"<details>.*?</details>", page.read_text(), re.DOTALL)
    assert [text.count("<svg") for text in charts] == [len(one.cause.features) for one in report.episodes]


@pytest.mark.parametrize("width", [1400, 390])
def test_labels_of_the_map_do_not_overlap(page: Path, width: int) -> None:
    """Each date above the map ends before the next begins, on a wide page and on a phone."""
    with browser(width=width) as driver:
        opened(driver, page)
        labels = [one.rect for one in driver.find_elements(By.CSS_SELECTOR, "#map thead span") if one.text]
        assert len(labels) >= 7
        assert all(one["x"] + one["width"] < after["x"] for one, after in pairwise(labels))


@pytest.mark.parametrize("dates", [1, 7, 30, 90, 180, 400])
def test_labels_have_room(dates: int) -> None:
    """At any number of dates a label has its width, and the map has at least one."""
    step = label_step(dates)
    assert 1 <= step <= dates
    assert step * 900 / dates >= 42 or dates == 1


def test_a_browser_shows_it(page: Path) -> None:
    """It renders without an error and without a request; hovering a cell shows its numbers; a screenshot has ink."""
    with browser() as driver:
        opened(driver, page)
        assert driver.title == f"ml_feature_store_v2, {DAY - timedelta(days=20)} to {DAY}"
        assert driver.find_element(By.ID, "status").text.startswith("Error PlayerCompositeFactorsProcessor")
        cell = driver.find_elements(By.CSS_SELECTOR, "#f5 td")[-1]
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
        ActionChains(driver).move_to_element(cell).perform()
        tip = driver.find_element(By.ID, "tip").text
        assert tip.startswith(f"{DAY}, 5 fatigue_score (matchup, PlayerCompositeFactorsProcessor): 40 rows")
        assert "defaulted 40 of 40 (100%)" in tip
        assert "cause: missing" in tip
        mark = driver.find_element(By.CSS_SELECTOR, "#trends path[aria-label]")
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", mark)
        driver.execute_script("arguments[0].dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))", mark)
        assert re.match(r"\d{4}-\d\d-\d\d: \w+ [\d.]+ quality", driver.find_element(By.ID, "tip").text)
        assert len(driver.find_elements(By.CSS_SELECTOR, "#trends svg")) == 4
        shot = driver.get_screenshot_as_png()
        assert len(shot) > 20_000
        assert complaints(driver) == []
        assert requests(driver) == []


def test_keys_move_through_the_map(page: Path) -> None:
    """With the map in focus arrow keys go from cell to cell, stop at its edges, and describe each cell."""
    with browser() as driver:
        opened(driver, page)
        table = driver.find_element(By.ID, "map")

        def press(key: str) -> str:
            table.send_keys(key)
            return driver.find_element(By.ID, "tip").text

        assert press(Keys.ARROW_UP).startswith(f"{DAY}, 5 ")
        assert press(Keys.ARROW_RIGHT).startswith(f"{DAY}, 5 ")
        assert press(Keys.ARROW_DOWN).startswith(f"{DAY}, 6 ")
        assert press(Keys.ARROW_LEFT).startswith(f"{DAY - timedelta(days=1)}, 6 ")
        assert driver.find_element(By.CSS_SELECTOR, "td.here").is_displayed()


def test_light_dark_narrow_and_printed(page: Path) -> None:
    """Dark is dark; a phone scrolls the map, not the page; on paper the tip is gone and the map is there."""
    with browser(dark=True) as driver:
        opened(driver, page)
        assert driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 26)"
    with browser(width=500) as driver:
        opened(driver, page)
        wide, seen = driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= seen
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert not driver.find_element(By.ID, "tip").is_displayed()
        assert driver.find_element(By.ID, "map").is_displayed()
        assert driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_colours_are_not_the_only_signal(page: Path) -> None:
    """Each cell with defaults has its share as text, a cause has a mark, and each line its own dash and shape."""
    text = page.read_text()
    row = re.search(r'<tr id="f5">(.*?)</tr>', text, re.DOTALL)
    assert row
    cells = re.findall(r'<td class="(q\d)( marked)?">([^<]*)</td>', row[1])
    assert all(bool(shown.strip("●")) == (shade != "q0") for shade, _, shown in cells)
    assert all(("●" in shown) == bool(marked) for _, marked, shown in cells)
    assert len({*re.findall(r'stroke-dasharray="([^"]+)"', text)}) >= 4


def test_a_season_fits(workspace: Workspace) -> None:
    """Half a year of dates with an incident in each month stays below two megabytes."""
    with DuckDBWarehouse(":memory:") as warehouse:
        start = DAY - timedelta(days=195)
        incidents = [
            Incident("masked", start + timedelta(days=30 * n + 20), start + timedelta(days=30 * n + 22), COMPOSITE)
            for n in range(6)
        ]
        store(warehouse, Season(registry(), start, 196, 4, rows_per_day=25).rows(incidents))
        made = report_of(workspace, warehouse, start, DAY, made=MADE)
    assert len(made.days) == 196
    assert len(made.episodes) == 6
    assert len(html_of(made).encode()) < 2_000_000


def test_nothing_to_report(workspace: Workspace, report: Report) -> None:
    """An absent table, dates without rows and reversed dates give one sentence."""
    with DuckDBWarehouse(":memory:") as warehouse:
        with pytest.raises(NotThere, match="There is no table"):
            report_of(workspace, warehouse, DAY, DAY, made=MADE)
        store(warehouse, ())
        for end, span in ((date(2020, 1, 2), "from 2020-01-01 to 2020-01-02"), (date(2020, 1, 1), "on 2020-01-01")):
            with pytest.raises(Refusal, match=f"has no rows {span}; no page was written"):
                report_of(workspace, warehouse, date(2020, 1, 1), end, made=MADE)
        for end, message in (
            (date(2019, 1, 1), "must not be earlier than --start"),
            (date(2022, 1, 1), "more than 400"),
        ):
            with pytest.raises(InputError, match=message):
                report_of(workspace, warehouse, date(2020, 1, 1), end, made=MADE)
    assert "missing permission to read the migration ledger" in html_of(replace(report, drift=None))
    assert "No drift: the table matches the registry." in html_of(replace(report, drift=()))


@pytest.mark.parametrize(("module", "package"), [("jinja2", "jinja2"), ("vl_convert", "vl-convert-python")])
def test_a_missing_package_is_reported_before_the_warehouse_is_asked(
    module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2 with what to install; no target is opened."""
    monkeypatch.setitem(sys.modules, module, None)
    done = fqtool(ROOT, "report", "--target", f"duckdb:///{tmp_path}/absent.duckdb")
    assert (done.code, done.out) == (2, ""), done.said
    assert done.err == f"error: `fqtool report` needs {package}.\n    fix: pip install 'fqtool[report]'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_dash_writes_the_page_to_stdout(tmp_path: Path) -> None:
    """As with every other --out; no file has that name."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY, 1, 0, rows_per_day=3).rows())
    (tmp_path / "feature_registry.yaml").write_text((ROOT / "feature_registry.yaml").read_text())
    done = fqtool(tmp_path, "report", "--out", "-", "--target", f"duckdb:///{tmp_path}/s.duckdb", "--end", str(DAY))
    assert (done.code, done.out[:15], "</html>" in done.out) == (0, "<!doctype html>", True), done.err
    assert not (tmp_path / "-").exists()
