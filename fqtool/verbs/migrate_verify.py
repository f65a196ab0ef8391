"""fqtool migrate verify: prove the folder by replaying it on a fresh embedded engine and comparing the result."""

from __future__ import annotations

from dataclasses import replace

from fqtool.errors import MigrationError
from fqtool.finding import Finding, Severity
from fqtool.migrations.files import after
from fqtool.migrations.tell import told
from fqtool.rules.about_files import check_history
from fqtool.table.changes import Reorder
from fqtool.table.diff import diff
from fqtool.table.model import State
from fqtool.verbs.executor import Executor
from fqtool.verbs.lease import prepare_ledger
from fqtool.verbs.workspace import Workspace, live_state
from fqtool.warehouse.protocol import Warehouse


def verify_migrations(workspace: Workspace, scratch: Warehouse, tool: str) -> tuple[Finding, ...]:
    """Return what is wrong with files, checksums, chain and contract; replay them on `scratch`, an empty warehouse.

    Raises MigrationError where the replayed table is not the one the files say, which would be a defect of fqtool
    or of the file.
    """
    workspace.require_files()
    findings = check_history(workspace.history())
    if any(found.severity is Severity.ERROR and found.rule != "FQ404" for found in findings):
        return findings
    executor = Executor(
        scratch,
        read=lambda: live_state(scratch, workspace.recorded),
        runner="verify",
        tool=tool,
    )
    prepare_ledger(scratch)
    state = State()
    for file in workspace.files:
        # What was found in a live table has to be run on an empty one.
        executor.apply(replace(file, statements=tuple(replace(one, adopted=False) for one in file.statements)), state)
        state = after(state, file)
    found = diff(executor.read(), workspace.recorded)
    wrong = [change for change in found if not isinstance(change, Reorder)]
    if wrong:
        raise MigrationError(f"Replaying the files does not make what they say: {'; '.join(map(told, wrong))[:600]}.")
    return findings
