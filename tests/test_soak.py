"""A part of `make soak`: random sequences of what people, colleagues and accidents do to a store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bed.running import Emulator
from tests.soak import TAKEN, Store, soak
from tests.soak_bigquery import BigQueryStore

STEPS, SEED = 240, 1
# A step takes several times as long over HTTP.
STEPS_ON_BIGQUERY, SEED_ON_BIGQUERY = 60, 4


def test_a_store_survives_random_steps() -> None:
    """The invariants of tests/soak.py hold after every step of a fixed sequence."""
    TAKEN.clear()
    soak(STEPS, SEED)
    assert sum(TAKEN.values()) >= STEPS / 2, TAKEN


def test_a_store_on_bigquery_survives_random_steps(emulator: Emulator) -> None:
    """The same on BigQuery's API."""
    TAKEN.clear()
    BigQueryStore.emulator = emulator
    soak(STEPS_ON_BIGQUERY, SEED_ON_BIGQUERY, machine=BigQueryStore)
    assert sum(TAKEN.values()) >= STEPS_ON_BIGQUERY / 2, TAKEN


# What the soak found and what was fixed since.
FOUND: dict[str, Callable[[Store], object]] = {
    "a pending migration planned again without the table": lambda store: (
        store.declare(name="one"),
        store.plan(),
        store.by_hand(hand="drop the table"),
        store.plan_anew(),
        store.migrate(),
    ),
    "a merged file that checksums.txt does not list, and no table": lambda store: (
        store.merge_a_branch(name="one", records="ours"),
        store.by_hand(hand="drop the table"),
    ),
    "a lost migration whose number another file could take": lambda store: (
        store.merge_a_branch(name="one", records="theirs"),
        store.migrate(),
        store.lose_the_newest_migration(),
        store.back_up_and_restore(),
        store.plan_anew(),
        store.migrate(),
    ),
    "a lost migration that ran is restored from version control": lambda store: (
        store.merge_a_branch(name="one", records="ours"),
        store.follow_remedies(),
        store.lose_the_newest_migration(),
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_the_soak_found_stays_fixed(name: str) -> None:
    """After these steps too, following the remedies ends."""
    store = Store()
    store.begin()
    try:
        FOUND[name](store)
        store.follow_remedies()
        store.nothing_is_lost()
    finally:
        store.teardown()
