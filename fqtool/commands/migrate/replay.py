"""Replay planned files before they are written, as `migrate verify` and `migrate` do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fqtool.commands.migrate.apply import pending_files, verify_migrations
from fqtool.commands.migrate.rehearsal import rehearse
from fqtool.errors import FqtoolError, Refusal
from fqtool.findings.finding import blocking
from fqtool.migrations.files import read_files
from fqtool.migrations.ledger import Entry
from fqtool.table.model import State
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_replay
from fqtool.workspace import Workspace


def require_replay(
    workspace: Workspace,
    texts: Mapping[str, str],
    live: State,
    entries: tuple[Entry, ...],
    warehouse: Warehouse | None,
    *,
    discard: bool = False,
) -> None:
    """Check that `migrate verify` and `migrate` accept the planned files.

    Args:
        workspace: the registry and its migrations.
        texts: name -> text of the folder after the plan is written.
        live: the state of the target.
        entries: the target's ledger.
        warehouse: the target; None for an offline plan.
        discard: ignore what the ledger records, as for a table that was dropped.

    Raises:
        Refusal: one of the commands would refuse the files.
        MigrationError: files and ledger disagree.
    """
    files = read_files({name: text for name, text in texts.items() if name.endswith(".sql")})
    written = replace(workspace, files=files, texts=texts)
    if warehouse:
        pending_files(written, entries)
    if files == workspace.files:
        return
    try:
        with open_replay(warehouse) as scratch:
            findings = tuple(blocking(verify_migrations(written, scratch, "fqtool migrate plan")))
            # A plan leaves base columns to their owner without --include-base.
            findings = tuple(one for one in findings if one.subject not in written.history().unrecorded)
    except FqtoolError as error:
        raise Refusal(
            f"The planned files cannot be replayed; nothing was written: {error.message}",
            remedy=error.remedy,
            findings=error.findings,
        ) from None
    if findings:
        raise Refusal("`migrate verify` would refuse the planned files; nothing was written.", findings=findings)
    if warehouse:
        rehearse(written, live, entries, warehouse.url, discard=discard)
