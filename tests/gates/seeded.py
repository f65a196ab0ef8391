"""The faults: what a person does wrong, and the gates that claim to catch it, each with the rule that reports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fqtool.synthetic.incidents import Incident
from tests.gates.place import DAY, Place

TABLE = "feature_store"


@dataclass(frozen=True, eq=False)
class Fault:
    """A fault in a data engineer's words, how it comes about, and gate -> rule, or "refused", that catches it."""

    name: str
    seed: Callable[[Place], None]
    claimed: Mapping[str, str]

    def missed(self, told: Mapping[str, Sequence[str]]) -> list[str]:
        """The gates that claim the fault and did not report it."""
        return [gate for gate, rule in self.claimed.items() if rule not in told[gate]]


def edited(old: str, new: str, name: str = "feature_registry.yaml") -> Callable[[Place], None]:
    """A text of a file is another."""
    return lambda place: place.edit(old, new, name)


def by_hand(*statements: str) -> Callable[[Place], None]:
    """A person ran SQL on the live table."""
    return lambda place: place.by_hand(*statements)


def happened(kind: str, features: tuple[str, ...] = (), share: float = 0.3) -> Callable[[Place], None]:
    """Something upstream broke on the date: for the features, or for all of the processor."""
    processor = "" if features else "PriceProcessor"
    return lambda place: place.rows(Incident(kind, DAY, DAY, processor, features, share))


def _migration(place: Place) -> Path:
    """The one that adds the managed columns."""
    return next((place.folder / "migrations").glob("0001*"))


def _edit_migration(place: Place) -> None:
    place.edit("ADD COLUMN", "ADD  COLUMN", f"migrations/{_migration(place).name}")


def _remove_migration(place: Place) -> None:
    _migration(place).unlink()


def _swap(place: Place) -> None:
    place.edit("index: 0, name: last_price", "index: 0, name: tmp")
    place.edit("index: 1, name: mean_price", "index: 1, name: last_price")
    place.edit("index: 0, name: tmp", "index: 0, name: mean_price")


FAULTS = (
    # The registry does not make sense.
    Fault(
        "a feature names a category that is not there",
        edited("category: price, critical", "category: prices, critical"),
        {"validate": "FQ127"},
    ),
    Fault("two features have one index", edited("index: 1,", "index: 0,"), {"validate": "FQ125", "diff": "FQ802"}),
    Fault("the indices have a gap", edited("index: 1,", "index: 2,"), {"validate": "FQ125", "diff": "FQ802"}),
    Fault("a key is misspelt", edited("critical: true", "critcal: true"), {"validate": "FQ013", "diff": "refused"}),
    Fault(
        "an expression names a column that is not there",
        edited("expr: TIER(feature_quality_score)", "expr: TIER(feature_quality_scor)"),
        {"validate": "FQ151"},
    ),
    Fault(
        "an expression has another type than its column",
        edited("expr: COUNT_FEATURES(is_default)", "expr: AVG_OVER_FEATURES(quality)"),
        {"validate": "FQ154"},
    ),
    Fault("an expression reads another table", edited("expr: source", "expr: (SELECT 1)"), {"validate": "FQ150"}),
    Fault("tiers do not go down", edited("name: silver, min: 85", "name: silver, min: 96"), {"validate": "FQ136"}),
    Fault("a weight is above 100", edited("weight: 100", "weight: 101"), {"validate": "FQ135"}),
    Fault(
        "an alert can never fire",
        edited("default_feature_count = 2", "default_feature_count = 3"),
        {"validate": "FQ158"},
    ),
    Fault(
        "a model needs a feature that is not there",
        edited("needs: [last_price, mean_price]", "needs: [last_price, men_price]"),
        {"validate": "FQ137"},
    ),
    Fault(
        "a column's name is reserved",
        edited("name: schema_version, type", "name: _PARTITIONTIME, type"),
        {"validate": "FQ142"},
    ),
    # The registry was edited, and nothing was generated or planned again.
    Fault(
        "two features change places",
        _swap,
        {"diff": "FQ802", "generate-schema --check": "FQ407", "migrate verify": "FQ406", "check-drift": "FQ406"},
    ),
    Fault("a feature is renamed without a word", edited("name: mean_price", "name: average_price"), {"diff": "FQ804"}),
    Fault(
        "a column's type changes",
        edited("type: INT64", "type: FLOAT64"),
        {"generate-schema --check": "FQ407", "migrate verify": "FQ404", "check-drift": "FQ303"},
    ),
    Fault(
        "a column is added",
        edited(
            "schema_versions:",
            '  - {name: extra, type: STRING, section: aggregate, expr: "NULL", description: More.}\n\nschema_versions:',
        ),
        {"generate-schema --check": "FQ407", "migrate verify": "FQ404", "check-drift": "FQ301"},
    ),
    Fault(
        "a description changes",
        edited("description: Features that hold a default value.", "description: Defaults."),
        {"generate-schema --check": "FQ407", "migrate verify": "FQ404", "check-drift": "FQ306"},
    ),
    Fault("a label's weight changes", edited("fallback: {weight: 40", "fallback: {weight: 60"), {"diff": "FQ830"}),
    Fault("a tier's bound moves", edited("name: gold, min: 95", "name: gold, min: 90"), {"diff": "FQ831"}),
    Fault(
        "a view's query changes",
        edited(
            '{name: quality, expr: "feature_{index}_quality"', '{name: quality, expr: "ROUND(feature_{index}_quality)"'
        ),
        {"migrate verify": "FQ404", "check-drift": "FQ313"},
    ),
    # Files were changed or lost.
    Fault("a migration that ran is edited", _edit_migration, {"migrate verify": "FQ401", "check-drift": "FQ402"}),
    Fault("a migration that ran is lost", _remove_migration, {"migrate verify": "FQ401", "check-drift": "FQ403"}),
    Fault(
        "the schema file is edited",
        edited('"INTEGER"', '"STRING"', "schema.json"),
        {"generate-schema --check": "FQ407"},
    ),
    # The live table was altered by hand.
    Fault(
        "a column is dropped by hand",
        by_hand(f"ALTER TABLE {TABLE} DROP COLUMN feature_1_source"),
        {"check-drift": "FQ301"},
    ),
    Fault(
        "a column is added by hand", by_hand(f"ALTER TABLE {TABLE} ADD COLUMN rogue VARCHAR"), {"check-drift": "FQ302"}
    ),
    Fault(
        "a column gets another type by hand",
        by_hand(f"ALTER TABLE {TABLE} ALTER default_feature_count TYPE DOUBLE"),
        {"check-drift": "FQ303"},
    ),
    Fault(
        "a wrong type and a rogue column",
        by_hand(
            f"ALTER TABLE {TABLE} ALTER default_feature_count TYPE DOUBLE",
            f"ALTER TABLE {TABLE} ADD COLUMN rogue VARCHAR",
        ),
        {"check-drift": "FQ303"},
    ),
    Fault(
        "a column is renamed by hand",
        by_hand(f"ALTER TABLE {TABLE} RENAME quality_tier TO tier"),
        {"check-drift": "FQ301"},
    ),
    Fault(
        "a description is changed by hand",
        by_hand(f"COMMENT ON COLUMN {TABLE}.quality_tier IS 'Something else.'"),
        {"check-drift": "FQ306"},
    ),
    Fault("a view is dropped by hand", by_hand("DROP VIEW v_unpivot"), {"check-drift": "FQ313"}),
    Fault(
        "a view is replaced by hand",
        by_hand(f"CREATE OR REPLACE VIEW v_unpivot AS SELECT item, day, 'x' AS feature, 1.0 AS quality FROM {TABLE}"),
        {"check-drift": "FQ313"},
    ),
    # Rows were written past the scoring.
    Fault(
        "a score does not follow from its parts",
        by_hand(f"UPDATE {TABLE} SET feature_quality_score = 12.5 WHERE day = '{DAY}'"),
        {"check-drift --data": "FQ704"},
    ),
    Fault(
        "a source outside the list is stored",
        by_hand(f"UPDATE {TABLE} SET feature_0_source = 'computd' WHERE day = '{DAY}'"),
        {"check-drift --data": "FQ702"},
    ),
    Fault(
        "a tier outside the list is stored",
        by_hand(f"UPDATE {TABLE} SET quality_tier = 'golden' WHERE day = '{DAY}'"),
        {"check-drift --data": "FQ702"},
    ),
    Fault(
        "a quality above 100 is stored",
        by_hand(f"UPDATE {TABLE} SET feature_0_quality = 120 WHERE day = '{DAY}'"),
        {"check-drift --data": "FQ703"},
    ),
    Fault(
        "rows hold an older version of the columns",
        by_hand(f"UPDATE {TABLE} SET schema_version = 'v0' WHERE day = '{DAY}'"),
        {"check-drift --data": "FQ710"},
    ),
    Fault(
        "a date is not scored",
        by_hand(f"UPDATE {TABLE} SET schema_version = NULL, feature_quality_score = NULL WHERE day = '{DAY}'"),
        {"check-drift --data": "FQ711"},
    ),
    # Something upstream broke; the rows are scored as they should be. tests/test_diagnosis.py has all of its scenarios.
    Fault("a processor did not run", happened("defaulted"), {"diagnose": "FQ601"}),
    Fault("a processor did not run, and the labels claim it did", happened("masked"), {"diagnose": "FQ602"}),
    Fault("a processor ran for a part of the rows", happened("partial", share=0.5), {"diagnose": "FQ604"}),
    Fault("a feature is the same in all rows", happened("constant", features=("mean_price",)), {"diagnose": "FQ607"}),
    Fault("a feature's unit has changed", happened("rescaled"), {"diagnose": "FQ612"}),
    Fault(
        "vectors have another length", happened("wrong_length"), {"diagnose": "FQ609", "check-drift --data": "FQ707"}
    ),
)
