"""Where a fact comes from: a citation names a section of a page in docs/, or a page of the vendor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("fqtool", "tests", "docs", "bench")
FACTS = ROOT / "docs" / "reference" / "bigquery.md"
OUTSIDE = re.compile(r"\b(?:BIGQUERY|DOMAIN|FEASIBILITY|DESIGN)(?:\.md| \d| section)|\((?:C\d+)(?:, C\d+)*\)")


def texts() -> list[Path]:
    """The sources and pages of the repository."""
    here = Path(__file__)
    return [path for folder in FOLDERS for kind in ("*.py", "*.md") for path in (ROOT / folder).rglob(kind)
            if path != here and ".venv" not in path.parts]  # fmt: skip


def sections() -> set[str]:
    """The anchors of the page of facts."""
    headings = re.findall(r"^## (.*)$", FACTS.read_text(), re.MULTILINE)
    return {heading.lower().replace(" ", "-") for heading in headings}


def test_no_citation_names_a_document_outside_the_repository() -> None:
    """Numbered facts of other documents mean nothing to a reader of this repository."""
    found = {str(path.relative_to(ROOT)): OUTSIDE.findall(path.read_text(encoding="utf-8")) for path in texts()}
    assert {path: cited for path, cited in found.items() if cited} == {}


def test_every_citation_of_a_fact_names_a_section() -> None:
    """`bigquery.md#names` in a docstring or comment is a section of the page; each section is cited or read."""
    cited = {anchor for path in texts() for anchor in re.findall(r"bigquery\.md#([\w-]+)", path.read_text())}
    assert cited - sections() == set()
    assert cited


@pytest.mark.parametrize("cited", ["(BIGQUERY 47)", "DOMAIN 12, 5", "(C44)", "DESIGN section 4", "BIGQUERY.md"])
def test_a_citation_of_another_document_is_noticed(cited: str) -> None:
    """The pattern can fail."""
    assert OUTSIDE.search(f"Names have 300 characters {cited}.")
