"""fqtool diff: what a new registry breaks for those who live by the old one, and how many stored rows it changes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from fqtool.errors import InputError, Refusal
from fqtool.finding import Finding, Severity
from fqtool.quality.rescoring import Preview, Rescoring
from fqtool.registry.model import Registry
from fqtool.rules.about_breaks import check_breaks, levelled
from fqtool.rules.about_judgement_breaks import PREVIEW
from fqtool.rules.about_stored_rows import stored_rows_change
from fqtool.rules.comparison import Comparison
from fqtool.verbs.workspace import require_columns, require_sound
from fqtool.warehouse.duckdb_scorer import RECORDS, DuckDBScorer
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Diff:
    """The findings, the gravest first; `preview` is told where rows were given."""

    findings: tuple[Finding, ...]
    preview: Preview | None = None


def diff_of(
    old: Registry,
    new: Registry,
    preview: Preview | None = None,
    levels: Mapping[str, Severity | None] | None = None,
) -> Diff:
    """Compare two registries. `levels` go before those that the new registry gives under `drift`."""
    levels = dict(new.drift) | dict(levels or {})
    found = check_breaks(Comparison(old, new), levels)
    if preview is None:
        return Diff(found)
    counted = [replace(one, remedy="") if one.remedy == PREVIEW else one for one in found]
    return Diff(levelled((*counted, *stored_rows_change(preview)), levels), preview)


def preview_of_file(old: Registry, new: Registry, source: Path) -> Preview:
    """Score the records of a file by both registries.

    Raises RegistryError for a registry with errors, UsageError for a name without a known ending, InputError for
    records that cannot be read or that lack what is scored, WorldError.
    """
    rescoring = _rescoring(old, new)
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder:
        out = Path(folder) / "counts.ndjson"
        DuckDBScorer(rescoring.sql(RECORDS), rescoring.reads).file(source, out, datetime.now(UTC))
        return rescoring.read(json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())


def preview_of_table(
    old: Registry, new: Registry, warehouse: Warehouse, start: date, end: date, max_bytes: int | None = None
) -> Preview:
    """Score the stored rows of some dates by both registries, in one scan; nothing is written.

    Raises RegistryError for a registry with errors, InputError for dates the wrong way round, NotThere for an absent
    table or column, Refusal where the scan would read more than `max_bytes`.
    """
    if end < start:
        raise InputError(f"The end {end} lies before the start {start}.")
    rescoring = _rescoring(old, new)
    require_columns(new, warehouse, (one.name for one in rescoring.reads))
    query = rescoring.query(start, end, datetime.now(UTC))
    told = warehouse.run(query, dry_run=True).bytes_processed if max_bytes is not None else None
    if told is not None and max_bytes is not None and told > max_bytes:
        raise Refusal(
            f"The rows from {start} to {end} take a scan of {told:,} bytes, more than the {max_bytes:,} allowed.",
            remedy="Ask fewer dates, or allow more with --max-bytes.",
        )
    return rescoring.read(warehouse.rows(query))


def _rescoring(old: Registry, new: Registry) -> Rescoring:
    """Only what `validate` lets through can be scored."""
    require_sound(old)
    require_sound(new)
    return Rescoring(old, new)
