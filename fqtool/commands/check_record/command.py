"""fqtool check-record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fqtool.cli.counts import counted
from fqtool.cli.options import (
    REGISTRY,
    Format,
    RegistryPath,
    TargetBeside,
    Timeout,
    report_findings,
    warehouse_of,
)

app = typer.Typer()


@app.command("check-record")
def check_record(
    file: Annotated[Path, typer.Argument(help="Records: .ndjson, .csv, .parquet, .avro, or - for NDJSON on stdin.")],
    registry: RegistryPath = REGISTRY,
    target: TargetBeside = None,
    timeout: Timeout = 30.0,
    sample: Annotated[int | None, typer.Option("--sample", min=1, help="Check only the first N records.")] = None,
    form: Format = "text",
) -> None:
    """Compare records of a writer with registry and live table.

    The live table is compared where --target is given.
    """
    from fqtool.commands.check_record.run import check_file
    from fqtool.lint.check import open_registry
    from fqtool.records.check import RecordCheck
    from fqtool.warehouse.protocol import existing_table

    loaded, live = open_registry(registry), None
    if target is not None:
        with warehouse_of(loaded, target, timeout) as warehouse:
            live = existing_table(warehouse, loaded.table.name)
    checked = check_file(RecordCheck(loaded, live), file, sample)
    beside = "the registry" if live is None else "the registry and the table"
    ok = f"{counted(checked.records, 'record')} checked against {beside}: no problems found."
    report_findings(checked.findings, form, target=str(file), command="check-record", ok=ok)
