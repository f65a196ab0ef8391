"""Laws of the gates: each catches the faults that it claims, passes a healthy store, and the page lists both."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.bed.running import ROOT
from tests.gates.place import GATES, Place, caught, healthy
from tests.gates.seeded import FAULTS, Fault

PAGE = ROOT / "docs" / "reference" / "what-catches-what.md"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store where all is well."""
    return healthy(tmp_path_factory.mktemp("gates") / "base")


@pytest.mark.parametrize("gate", GATES)
def test_what_is_well_passes(gate: str, base: Place) -> None:
    """Law: on a store without a fault no gate finds anything; a false alarm is as much a defect as a miss."""
    ran = base.ask(gate)
    assert (ran.code, caught(ran)) == (0, ()), ran.out


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_caught_by_the_gates_that_claim_it(fault: Fault, base: Place, tmp_path: Path) -> None:
    """Law: each gate that claims the fault reports it, by the rule that is named."""
    place = base.copy(tmp_path / "spoiled")
    fault.seed(place)
    assert fault.claimed
    assert fault.missed({gate: caught(place.ask(gate)) for gate in fault.claimed}) == []


def test_every_gate_has_its_faults() -> None:
    """Law: no gate is trusted unseen: each claims some faults, and none is in the list twice."""
    claims = Counter(gate for fault in FAULTS for gate in fault.claimed)
    assert set(claims) == set(GATES)
    assert min(claims.values()) >= 4, claims
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 40


def test_the_page_has_every_fault() -> None:
    """Law: the page has a row for each fault, with each claim in bold; `make gates` writes it."""
    rows = {
        line.split(" | ")[0].removeprefix("| "): line for line in PAGE.read_text().splitlines() if line.startswith("| ")
    }
    for fault in FAULTS:
        assert fault.name in rows, "run `make gates`"
        assert Counter(rows[fault.name].replace("|", " ").replace(",", " ").split()) >= Counter(
            f"**{rule}**" for rule in fault.claimed.values()
        )
