"""The side of the packages: reads the rows of a store, then answers what a package finds on each date, as JSON lines.

Great Expectations gets what a team writes first: expectations learned from the first dates, with half of the range that
was seen as a margin. Evidently gets its data drift preset: the date against its baseline.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pandas as pd

BASELINE = 14
Columns = dict[str, list[Any]]


class Expectations:
    """Row count, keys, groups; and for each feature NULL values, range, mean and standard deviation."""

    def __init__(self, about: dict[str, Any], days: dict[str, pd.DataFrame]) -> None:
        """Learn the expectations."""
        import great_expectations as gx
        from great_expectations import expectations as expect

        frames = list(days.values())[: about["learned"]]
        groups = sorted(set.intersection(*(set(one[about["group"]]) for one in frames)))
        low, high = _margins([len(one) for one in frames])
        made: list[Any] = [
            expect.ExpectTableRowCountToBeBetween(min_value=int(low), max_value=int(high) + 1),
            expect.ExpectColumnDistinctValuesToContainSet(column=about["group"], value_set=groups),
        ]
        keys = about["keys"]
        made += (
            [expect.ExpectCompoundColumnsToBeUnique(column_list=keys)]
            if len(keys) > 1
            else [expect.ExpectColumnValuesToBeUnique(column=keys[0])]
        )
        for name in about["features"]:
            column = pd.concat([one[name] for one in frames])
            absent = max(one[name].isna().mean() for one in frames)
            low, high = _margins([column.min(), column.max()])
            made += [
                expect.ExpectColumnValuesToNotBeNull(column=name, mostly=max(0.0, round(0.95 - absent, 4))),
                expect.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high, mostly=0.99),
            ]
            for make, figures in (
                (expect.ExpectColumnMeanToBeBetween, [one[name].mean() for one in frames]),
                (expect.ExpectColumnStdevToBeBetween, [one[name].std() for one in frames]),
            ):
                low, high = _margins([one for one in figures if not pd.isna(one)])
                made.append(make(column=name, min_value=low, max_value=high))
        context = gx.get_context(mode="ephemeral")
        asset = context.data_sources.add_pandas("store").add_dataframe_asset("rows")
        self.batches = asset.add_batch_definition_whole_dataframe("date")
        self.suite = context.suites.add(gx.ExpectationSuite("learned", expectations=made))

    def findings(self, day: str, days: dict[str, pd.DataFrame]) -> set[str]:
        """Return the expectations that a date does not meet."""
        result = self.batches.get_batch({"dataframe": days[day]}).validate(self.suite)
        failed = [one.expectation_config for one in result.results if not one.success]
        return {f"{one.type} {one.kwargs.get('column', '')}" for one in failed}


def _margins(figures: list[Any]) -> tuple[float, float]:
    low, high = float(min(figures)), float(max(figures))
    return low - (high - low) / 2, high + (high - low) / 2


class Drift:
    """The data drift preset of Evidently over the features."""

    def __init__(self, about: dict[str, Any], days: dict[str, pd.DataFrame]) -> None:
        """Nothing is learned: each date has its own baseline."""
        from evidently import Report
        from evidently.presets import DataDriftPreset

        del days
        self.features = about["features"]
        self.report = Report([DataDriftPreset()], include_tests=True)

    def findings(self, day: str, days: dict[str, pd.DataFrame]) -> set[str]:
        """Return the features that drifted. A date without rows is one finding: the report cannot be made."""
        if days[day].empty:
            return {"no rows"}
        before = pd.concat([one for at, one in sorted(days.items()) if at < day][-BASELINE:])
        names = [one for one in self.features if days[day][one].notna().any() and before[one].notna().any()]
        made = self.report.run(current_data=days[day][names], reference_data=before[names])
        failed = {one.name for one in made.tests_results if one.status.name == "FAIL"}
        return failed | {f"{one} empty" for one in self.features if one not in names}


def main(name: str) -> None:
    """Answer until the input ends."""
    # What a package prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    about = json.loads(sys.stdin.readline())

    def frames(rows: dict[str, Columns]) -> dict[str, pd.DataFrame]:
        made = {day: pd.DataFrame(columns) for day, columns in rows.items()}
        return {day: one.astype(dict.fromkeys(about["features"], "float64")) for day, one in made.items()}

    days = frames(about.pop("rows"))
    peer = {"Great Expectations": Expectations, "Evidently": Drift}[name](about, days)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            found = peer.findings(asked["day"], days | frames(asked["held"]))
        except Exception as error:  # noqa: BLE001  a check that cannot be made is one finding
            found = {f"failed: {type(error).__name__}"}
        answers.write(json.dumps(sorted(found)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
