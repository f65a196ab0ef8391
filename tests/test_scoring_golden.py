"""The scoring SQL of the registry that ships, as files to read in a review; FQTOOL_RENEW=1 writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fqtool.scoring.merge import Span
from fqtool.scoring.scoring import Scoring
from fqtool.sql import ident
from tests.test_scoring_reference import DAY, NOW, REGISTRY

FOLDER = Path(__file__).parent / "golden" / "scoring"
PARTITION = Span(Scoring(REGISTRY), DAY, DAY)
SELECT = PARTITION.scoring.select(ident(REGISTRY.table.name), PARTITION.predicate)
MERGE = PARTITION.merge(NOW).sql


@pytest.mark.parametrize(
    ("name", "text"), [("select.sql", SELECT), ("merge.sql", MERGE.replace(SELECT, "-- as in select.sql"))]
)
def test_golden(name: str, text: str) -> None:
    """The SELECT that scores one date, and the MERGE around it, are exactly what was reviewed."""
    path = FOLDER / name
    if os.environ.get("FQTOOL_RENEW"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    assert f"{text}\n" == path.read_text(encoding="utf-8"), "intended? then: make golden, and read the diff"


def test_the_merge_holds_the_select_once() -> None:
    """What is written is the answer of that very SELECT, whose text is the same each time it is made."""
    assert MERGE.count(SELECT) == 1
    assert PARTITION.merge(NOW) == Span(Scoring(REGISTRY), DAY, DAY).merge(NOW)
