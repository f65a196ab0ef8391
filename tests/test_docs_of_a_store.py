"""Laws of the data dictionary: every column and feature has its row, every link a place, and no text becomes markup."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from fqtool.commands.export.dictionary import Part, Sheet, dictionary
from fqtool.commands.export.dictionary_pages import dictionary_html, dictionary_markdown
from fqtool.registry.model import Processor, Registry, TableSpec
from fqtool.scoring.gates import gates
from tests.bed.running import ROOT
from tests.browser import browser, complaints, opened, requests
from tests.exported_registries import hostile, real
from tests.machine import patient
from tests.stores import small_registry
from tests.test_exports import fqtool

LIMIT = 60.0


class Outline(HTMLParser):
    """What a page holds: ids, links, tags, and its text without them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and what it carries."""
        self.tags.add(tag)
        told = dict(attrs)
        self.attributes |= set(told)
        self.ids += [told["id"] or ""] if "id" in told else []
        self.links += [told["href"] or ""] if tag == "a" and "href" in told else []

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


@cache
def pages(registry: Registry) -> tuple[str, str]:
    """The page in Markdown and in HTML."""
    sheets = dictionary(registry)
    return dictionary_markdown(registry.table.name, sheets), dictionary_html(registry.table.name, sheets)


@cache
def bad() -> Registry:
    """The real store with hostile descriptions."""
    return hostile(real())


STORES = {"real": real, "small": small_registry, "hostile": bad}


@pytest.mark.parametrize("store", STORES)
def test_every_link_leads_to_one_place(store: str) -> None:
    """In both formats an anchor occurs once, and each link within the page has its anchor."""
    markdown, html = pages(STORES[store]())
    outline = Outline(html)
    ids = re.findall(r'<a id="([^"]+)"></a>', markdown)
    links = re.findall(r"\]\(#([^)]*)\)", markdown)
    assert sorted(ids) == sorted(outline.ids)
    assert len(set(ids)) == len(ids)
    assert links
    assert set(links) <= set(ids)
    assert {link.removeprefix("#") for link in outline.links} == set(links)


def test_the_real_store_is_described_whole() -> None:
    """Every column and feature has a row with its anchor, and so has all else that the registry lists."""
    registry = real()
    sheets = {one.anchor: one for one in dictionary(registry)}
    anchors = [row.anchor for one in sheets.values() for row in one.rows if row.anchor]
    assert sum(one.startswith("column-") for one in anchors) == 170
    assert [one for one in anchors if one.startswith("feature-")] == [f"feature-{n}" for n in range(37)]
    counts = {
        name: len(sheets[name].rows) for name in ("lineage", "processors", "sources", "tiers", "alerts", "levels")
    }
    assert counts == {"lineage": 37, "processors": 9, "sources": 10, "tiers": 5, "alerts": 7, "levels": 3}
    assert len(sheets["gates"].rows) == len(gates(registry)) > 5
    assert [row.cells[0][0].text for row in sheets["models"].rows] == [one.name for one in registry.models]
    assert {f"view-{one.name}" for one in registry.views} <= set(sheets)


def cell_of(sheet: Sheet, row: int, header: str) -> tuple[Part, ...]:
    """The parts under a header in a row."""
    return sheet.rows[row].cells[sheet.headers.index(header)]


def test_feature_processor_and_columns_are_linked() -> None:
    """From a feature one comes to its processor and its columns, from the processor back, from a model to features."""
    sheets = {one.anchor: one for one in dictionary(real())}
    assert [one.link for one in cell_of(sheets["features"], 5, "processor")] == [
        "processor-PlayerCompositeFactorsProcessor"
    ]
    assert [one.link for one in cell_of(sheets["features"], 5, "columns")] == [
        "column-feature_5_quality",
        "column-feature_5_source",
    ]
    composite = next(n for n, row in enumerate(sheets["processors"].rows) if "Composite" in row.anchor)
    wanted = [f"feature-{n}" for n in (5, 6, 7, 8)]
    assert [one.link for one in cell_of(sheets["processors"], composite, "features")] == wanted
    assert [one.link for one in cell_of(sheets["models"], 0, "reads")][:3] == ["feature-35", "feature-3", "feature-13"]
    assert cell_of(sheets["section-per_feature_quality"], 5, "notes")[0].link == "feature-5"


def test_the_graph_is_the_lineage() -> None:
    """Each feature leads to its processor and the processor to each table that it reads for one, once each."""
    markdown, _ = pages(real())
    graph = re.search(r"```mermaid\ngraph LR\n(.*?)\n```", markdown, re.DOTALL)
    assert graph
    names = dict(re.findall(r'^  (n\d+)\W+"([^"]+)"\W+$', graph[1], re.MULTILINE))
    edges = [(names[start], names[end]) for start, end in re.findall(r"^  (n\d+) --> (n\d+)$", graph[1], re.MULTILINE)]
    active = real().active_features
    wanted = {(f"{one.index} {one.name}", one.processor) for one in active}
    wanted |= {(one.processor, one.upstream_table) for one in active}
    assert set(edges) == wanted
    assert len(edges) == len(wanted)
    assert len(graph[1].splitlines()) == len(names) + len(edges)


def test_a_name_that_is_job_and_table_is_two_things() -> None:
    """Where a processor is named as its table, the graph has no circle."""
    registry = small_registry(processors=(Processor("jobs", table="jobs"),))
    registry = replace(registry, features=tuple(replace(one, processor="jobs") for one in registry.features))
    lineage = next(sheet for sheet in dictionary(registry) if sheet.edges)
    assert (("processor", "jobs"), ("table", "jobs")) in lineage.edges


def test_no_text_becomes_markup() -> None:
    """Hostile descriptions show as they are: no tag, no attribute, no column too many in either format."""
    plain, shown = (Outline(pages(one())[1]) for one in (real, bad))
    assert shown.tags == plain.tags
    assert shown.attributes == plain.attributes
    assert "<b>&amp;</b> | [x](y)" in shown.text
    assert "{{ ref('x') }} {% raw %} {# c #} {{{" in shown.text
    markdown = pages(bad())[0]
    for table in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table[:300]
    assert "<b>" not in markdown


def test_a_store_with_little_has_a_page() -> None:
    """Empty sections are marked as empty; a table without partitions or views is described as well."""
    markdown, html = pages(small_registry(table=TableSpec("store", ("item",)), views=()))
    assert markdown.count("No entries.") == html.count("No entries.") > 2
    assert "| partitions | none |" in markdown


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """In a browser the HTML page asks for nothing but itself, complains of nothing, and a link shows its row."""
    path = tmp_path / "page.html"
    path.write_text(pages(bad())[1], encoding="utf-8")
    with browser() as chrome:
        opened(chrome, path)
        assert complaints(chrome) == []
        chrome.find_element(By.CSS_SELECTOR, '#feature-5 a[href="#column-feature_5_quality"]').click()
        row = chrome.find_element(By.CSS_SELECTOR, "tr:target")
        assert row.text.startswith("feature_5_quality")
        assert [one for one in requests(chrome) if not one.startswith(("file:", "data:"))] == []


def test_the_command_writes_the_page_and_finds_a_stale_one(tmp_path: Path) -> None:
    """Two processes write the same bytes; --check is clean then, and FQ407 with the command after an edit."""
    (tmp_path / "feature_registry.yaml").write_text((ROOT / "feature_registry.yaml").read_text())
    for form, name, page in zip(("markdown", "html"), ("md", "html"), pages(real()), strict=True):
        words = ("docs", "--out", "there", "--format", form)
        assert fqtool(tmp_path, *words, "--check").returncode == 1
        assert fqtool(tmp_path, *words).returncode == 0
        path = tmp_path / "there" / f"data-dictionary.{name}"
        assert path.read_text(encoding="utf-8") == page
        assert fqtool(tmp_path, *words, "--check").returncode == 0
        path.write_text(page.replace("Opponent", "Oponent"), encoding="utf-8")
        done = fqtool(tmp_path, *words, "--check")
        assert done.returncode == 1
        assert "FQ407" in done.stdout
        assert "--out there" in done.stdout
    assert fqtool(tmp_path, "docs", "--format", "pdf").returncode == 2


def test_without_its_package_html_is_refused(tmp_path: Path) -> None:
    """Where jinja2 is not installed, --format html ends in exit 2 with what to install; Markdown needs nothing."""
    (tmp_path / "jinja2.py").write_text("raise ImportError\n")
    (tmp_path / "feature_registry.yaml").write_text((ROOT / "feature_registry.yaml").read_text())
    code = "import sys; sys.path.insert(0, '.'); from fqtool.app.app import main; main()"
    for form, expected in (("html", 2), ("markdown", 0)):
        done = subprocess.run(
            [sys.executable, "-c", code, "docs", "--format", form], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=patient(LIMIT), check=False,
        )  # fmt: skip
        assert done.returncode == expected, done.stderr
        assert ("fqtool[report]" in done.stderr) == (form == "html")


def test_a_file_is_not_a_folder_for_the_page(tmp_path: Path) -> None:
    """The option and what it needs are named; the file is kept."""
    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    (tmp_path / "page").write_text("kept")
    done = fqtool(tmp_path, "docs", "--out", "page")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --out page is a file; `docs` writes into a folder.\n    fix: Name a folder.\n"
    assert (tmp_path / "page").read_text() == "kept"
