"""The steps of tests/soak.py on BigQuery's API: `python -m tests.soak_bigquery STEPS SEED`, over the tests' server."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from google.cloud import bigquery
from hypothesis.stateful import initialize

from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from tests.bed.running import PROJECT, Emulator
from tests.in_process import fqtool
from tests.soak import BASE, DAY, TABLE, Store, main, scaffold

HANDS = {
    "drop a computed column": f"ALTER TABLE {TABLE} DROP COLUMN quality_tier",
    "drop a feature's column": f"ALTER TABLE {TABLE} DROP COLUMN feature_1_quality",
    "add a column": f"ALTER TABLE {TABLE} ADD COLUMN rogue STRING",
    "relax a base column": f"ALTER TABLE {TABLE} ALTER COLUMN item DROP NOT NULL",
    "change a computed type": f"ALTER TABLE {TABLE} ALTER COLUMN default_feature_count SET DATA TYPE FLOAT64",
    "change a feature's type": f"ALTER TABLE {TABLE} ALTER COLUMN feature_0_quality SET DATA TYPE FLOAT64",
    "drop a default": f"ALTER TABLE {TABLE} ALTER COLUMN written_at DROP DEFAULT",
    "rename a computed column": f"ALTER TABLE {TABLE} RENAME COLUMN quality_tier TO tier",
    "restore without constraints": f"ALTER TABLE {TABLE} SET OPTIONS (require_partition_filter = false)",
    "drop the table": f"DROP TABLE {TABLE}",
    "add what is pending": f"ALTER TABLE {TABLE} ADD COLUMN one INT64",
}
_CALL = 60.0


class BigQueryStore(Store):
    """One store in a dataset of its own; no copy of it is made, so no second process works on one."""

    engine = BigQueryWarehouse
    refusal = GoogleAPIError
    hands = HANDS
    emulator: Emulator
    beside_another_process = None

    @initialize()
    def begin(self) -> None:
        """A migrated store with rows."""
        shutil.copytree(scaffold(), self.folder)
        self.dataset = self.emulator.fresh_dataset()
        self.client = self.emulator.client()
        os.environ |= {"BIGQUERY_EMULATOR_HOST": self.emulator.url, "FQTOOL_TARGET": self.url}
        done = fqtool(self.folder, "migrate")
        assert done.code == 0, done.said
        self.write_rows()

    def teardown(self) -> None:
        """Leave nothing behind."""
        super().teardown()
        for name in ("BIGQUERY_EMULATOR_HOST", "FQTOOL_TARGET"):
            os.environ.pop(name, None)
        with suppress(AttributeError, GoogleAPIError):
            self.client.delete_dataset(self.dataset, delete_contents=True, timeout=_CALL)

    @property
    def url(self) -> str:
        """The target."""
        return f"bigquery://{PROJECT}/{self.dataset}"

    def restored(self) -> str:
        """A statement that puts the table back as it was before the first migration."""
        layout = "PARTITION BY day CLUSTER BY item OPTIONS (require_partition_filter = true)"
        return f"CREATE OR REPLACE TABLE {TABLE} {layout} AS SELECT {', '.join(BASE)} FROM {TABLE} WHERE day = '{DAY}'"

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the server behind fqtool's back."""
        config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{self.dataset}")
        rows = self.client.query(statement, job_config=config, timeout=_CALL).result(timeout=_CALL)
        return [tuple(row.values()) for row in rows]

    def columns(self) -> set[str]:
        """The names of the table's columns."""
        table = self.table()
        return {field.name for field in table.schema} if table else set()

    def values(self) -> dict[str, list[tuple[Any, ...]]]:
        """The values of each column that fqtool does not compute."""
        table = self.table()
        ours = [field for field in table.schema if field.name in {*BASE, "rogue", "tier"}] if table else []
        rows = list(self.client.list_rows(table, selected_fields=ours, timeout=_CALL)) if ours else []
        return {field.name: sorted(((row[field.name],) for row in rows), key=repr) for field in ours}

    def table(self) -> bigquery.Table | None:
        """The table as the API describes it, None where it is absent."""
        with suppress(GoogleAPIError):
            return self.client.get_table(f"{PROJECT}.{self.dataset}.{TABLE}", timeout=_CALL)
        return None


if __name__ == "__main__":
    BigQueryStore.emulator = Emulator().start()
    try:
        main(BigQueryStore)
    finally:
        BigQueryStore.emulator.stop()
