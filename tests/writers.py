"""A small store for tests of writers: its registry as a file, a record that fits it, and files of records."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FEATURES = ("points", "minutes", "fatigue", "pace", "usage", "rest")
REGISTRY_FILE = Path(__file__).parent / "cases" / "writers" / "feature_registry.yaml"
RECORD: dict[str, Any] = {
    "player": "a",
    "day": "2026-02-06",
    "features": [1.0, 2.5, 3.0, 4.0, 5.0, 6.0],
    "names": list(FEATURES),
    "labels": json.dumps({str(index): "real" for index in range(len(FEATURES))}),
    "vector_version": "v2",
    "games": 7,
    "history": {"found": 3, "days": ["2026-02-01"]},
}

_PLACES = {
    "json": r'"file": "{}",\s*"line": {}\b', "sarif": r'"uri": "{}".*?"startLine": {}\b',
    "github": r"::error file={},line={}\b",
}  # fmt: skip


def has_place(text: str, form: str, file: str, line: int) -> bool:
    """Return whether a format names a file and a line, as links and annotations need them."""
    place = _PLACES.get(form, r"{}:{}\b").format(re.escape(file), line)
    return re.search(place, text.replace("&#58;", ":"), re.DOTALL) is not None


def store_in(folder: Path) -> Path:
    """Write the registry into a folder."""
    return Path(shutil.copy(REGISTRY_FILE, folder))


def as_ndjson(path: Path, records: Sequence[Any]) -> Path:
    """Write records as NDJSON; a text as it is."""
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def as_csv(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    """Write records as CSV, lists and objects as JSON."""
    names = list(dict.fromkeys(name for record in records for name in record))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        for record in records:
            writer.writerow({n: json.dumps(v) if isinstance(v, list | dict) else v for n, v in record.items()})
    return path
