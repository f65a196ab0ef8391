"""What BigQuery refuses although its description of the API allows it: one row per restriction, with its source.

A row is about the schemas it names ("Table"), about the parameters of a path or of a query string ("path", "query"),
or about an answer's schema ("answer TableRow"). Its check yields what is wrong, in the service's words where known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.bed import api_parameters

Check = Callable[[dict[str, Any]], Iterable[str]]

STATEMENT_LIMIT = 1_024_000
_LABEL_LIMIT, _LABELS = 63, 64
_LABEL_MARKS = "_-"


@dataclass(frozen=True)
class Rule:
    """One documented restriction."""

    name: str
    about: tuple[str, ...]
    check: Check
    source: str
    """Title and section of the page in BigQuery's documentation."""


def _one_of(name: str, *allowed: str) -> Check:
    def check(content: dict[str, Any]) -> Iterator[str]:
        value = content.get(name)
        if value is not None and str(value).upper() not in allowed:
            yield f"Invalid value for {name}: {value} is not a valid value"

    return check


def _ids(content: dict[str, Any]) -> Iterator[str]:
    words = "must be alphanumeric (plus underscores{}) and must be at most 1024 characters long."
    for name, kind, marks in [("jobId", "job", "_-"), ("datasetId", "dataset", "_"), ("tableId", "table", "_-$ ")]:
        text = content.get(name)
        if isinstance(text, str) and not (
            0 < len(text) <= 1024 and _made_of(text, marks, ascii_only=name != "tableId")
        ):
            dashes = " and dashes" if "-" in marks else ""
            yield f'Invalid {kind} ID "{text}". {kind.capitalize()} IDs {words.format(dashes)}'


def _made_of(text: str, marks: str, *, ascii_only: bool) -> bool:
    """Letters and digits, or marks; without ascii_only also the letters, marks and numbers of any script."""
    return all(
        (character.isascii() and character.isalnum())
        or character in marks
        or (not ascii_only and unicodedata.category(character)[0] in "LMN")
        for character in text
    )


_LOCATION = re.compile(r"us|eu|(aws|azure)-[a-z0-9-]+|[a-z]+-[a-z]+\d+", re.IGNORECASE)


def _location(content: dict[str, Any]) -> Iterator[str]:
    text = content.get("location")
    if isinstance(text, str) and not _LOCATION.fullmatch(text):
        yield f"Invalid value for location: {text} is not a valid value"


def _labels(content: dict[str, Any]) -> Iterator[str]:
    labels = content.get("labels")
    if not isinstance(labels, dict):
        return
    if len(labels) > _LABELS:
        yield f"Too many labels: {len(labels)}; at most {_LABELS} are allowed."
    for key, value in labels.items():
        if not key or not _label(key) or not key[0].isalpha():
            yield f'Label key "{key}" has invalid characters.'
        if isinstance(value, str) and not _label(value):
            yield f'Label value "{value}" has invalid characters.'


def _label(text: str) -> bool:
    letters = all(c in _LABEL_MARKS or (c.isalnum() and c == c.lower()) for c in text)
    return letters and len(text) <= _LABEL_LIMIT


def _statement(content: dict[str, Any]) -> Iterator[str]:
    text = content.get("query")
    if isinstance(text, str) and len(text) > STATEMENT_LIMIT:
        limit = "1024.00K characters, including comments and white space characters"
        yield f"The query is too large. The maximum query length is {limit}."


def _legacy(content: dict[str, Any]) -> Iterator[str]:
    if content.get("useLegacySql") is not False:
        yield "useLegacySql must be false: its default is true, and the statement is GoogleSQL"


def _one_kind(content: dict[str, Any]) -> Iterator[str]:
    kinds = [name for name in ("query", "load", "copy", "extract") if content.get(name) is not None]
    if len(kinds) != 1:
        yield (
            "Job configuration must contain exactly one job-specific configuration object (e.g., query, load, extract, "
            f"copy), but there were {len(kinds)}: {', '.join(kinds)}"
        )


def _mode(content: dict[str, Any]) -> Iterator[str]:
    given = content.get("queryParameters")
    if not isinstance(given, list) or not given:
        return
    mode, names = content.get("parameterMode"), [p.get("name") for p in given if isinstance(p, dict)]
    if mode is None:
        yield "queryParameters need a parameterMode, NAMED or POSITIONAL"
    if (mode == "NAMED" and not all(names)) or (mode == "POSITIONAL" and any(names)):
        yield "Positional and named parameters cannot be mixed."
    lower = [name.lower() for name in names if isinstance(name, str)]
    for name in sorted({name for name in lower if lower.count(name) > 1}):
        yield f"Duplicate parameter name: {name}"


_TYPES = (
    "STRING", "BYTES", "INTEGER", "INT64", "FLOAT", "FLOAT64", "BOOLEAN", "BOOL", "TIMESTAMP", "DATE", "TIME",
    "DATETIME", "GEOGRAPHY", "NUMERIC", "BIGNUMERIC", "JSON", "RECORD", "STRUCT", "RANGE", "INTERVAL",
)  # fmt: skip
_NUMERICS, _TEXTS = ("NUMERIC", "BIGNUMERIC"), ("STRING", "BYTES")


def _field(content: dict[str, Any]) -> Iterator[str]:
    name, kind = content.get("name"), str(content.get("type")).upper()
    if isinstance(name, str) and not (0 < len(name) <= 300 and _made_of(name, "_- &%=+:'<>#|", ascii_only=False)):
        yield f'Invalid field name "{name}".'
    if (kind in ("RECORD", "STRUCT")) != bool(content.get("fields")):
        yield f"Field {name} is type {kind} and has {'no' if not content.get('fields') else 'a'} schema"
    if len(content.get("description") or "") > 1024:
        yield f"Field {name} has a description that is too long: the maximum is 1,024 characters"
    if any(content.get(key) is not None for key in ("precision", "scale")) and kind not in _NUMERICS:
        yield f"Field {name} of type {kind} may not have precision or scale"
    if content.get("maxLength") is not None and kind not in _TEXTS:
        yield f"Field {name} of type {kind} may not have a maximum length"


def _clusters(content: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(content.get("fields") or ()) <= 4:
        yield "Clustering needs one to four fields"


def _insert_rows(content: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(content.get("rows") or ()) <= 50_000:
        yield "No rows present in the request, or more than 50,000."


def _cells(content: dict[str, Any]) -> Iterator[str]:
    """Every value of a row is a text, null, a record, or a list of cells."""

    def wrong(value: Any) -> bool:
        match value:
            case None | str():
                return False
            case dict() if set(value) == {"f"}:
                return any(wrong(cell.get("v")) for cell in value["f"])
            case list():
                return any(not isinstance(cell, dict) or set(cell) != {"v"} or wrong(cell["v"]) for cell in value)
        return True

    if set(content) != {"f"}:
        yield f"a row has the fields {sorted(content)}"
    for cell in content.get("f") or ():
        if set(cell) != {"v"} or wrong(cell["v"]):
            yield f"a row has {cell!r}, which is not a cell"


@dataclass(frozen=True)
class Tolerated:
    """What the description lacks and the service accepts: its official client sends it."""

    about: str
    """A method of the API, or a schema."""
    name: str
    source: str
    """Where google-cloud-bigquery 3.47 sends it."""


TOLERATED = (
    Tolerated("jobs.get", "projection", "Client.get_job"),
    Tolerated("jobs.cancel", "projection", "Client.cancel_job"),
    Tolerated("QueryParameterValue", "value", "ScalarQueryParameter.to_api_repr: a finite FLOAT64 is a number"),
)

RULES = (
    Rule("job, dataset and table ids", ("path", "JobReference", "DatasetReference", "TableReference"), _ids,
         "REST reference: JobReference, DatasetReference, TableReference"),
    Rule("location", ("query", "JobReference", "QueryRequest", "Dataset"), _location,
         "BigQuery locations: Supported locations"),
    Rule("labels", ("JobConfiguration", "QueryRequest", "Table", "Dataset"), _labels,
         "Introduction to labels: Requirements for labels"),
    Rule("length of a statement", ("JobConfigurationQuery", "QueryRequest", "ViewDefinition"), _statement,
         "Quotas and limits: Query jobs, maximum query length"),
    Rule("legacy SQL", ("JobConfigurationQuery", "QueryRequest", "ViewDefinition"), _legacy,
         "REST reference: JobConfigurationQuery, useLegacySql"),
    Rule("one kind of job", ("JobConfiguration",), _one_kind, "REST reference: JobConfiguration"),
    Rule("mode of parameters", ("JobConfigurationQuery", "QueryRequest"), _mode,
         "Run parameterized queries: Using the API"),
    Rule("type of a parameter", ("QueryParameterType",), api_parameters.types, "REST reference: QueryParameterType"),
    Rule("value of a parameter", ("QueryParameter",), api_parameters.values,
         "Run parameterized queries; Data types: canonical format of each type"),
    Rule("createDisposition", ("JobConfigurationQuery",),
         _one_of("createDisposition", "CREATE_IF_NEEDED", "CREATE_NEVER"),
         "REST reference: JobConfigurationQuery"),
    Rule("writeDisposition", ("JobConfigurationQuery",),
         _one_of("writeDisposition", "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_APPEND", "WRITE_EMPTY"),
         "REST reference: JobConfigurationQuery"),
    Rule("priority", ("JobConfigurationQuery",), _one_of("priority", "INTERACTIVE", "BATCH"),
         "REST reference: JobConfigurationQuery"),
    Rule("parameterMode", ("JobConfigurationQuery", "QueryRequest"), _one_of("parameterMode", "NAMED", "POSITIONAL"),
         "REST reference: JobConfigurationQuery"),
    Rule("type of a field", ("TableFieldSchema",), _one_of("type", *_TYPES), "REST reference: TableFieldSchema"),
    Rule("mode of a field", ("TableFieldSchema",), _one_of("mode", "NULLABLE", "REQUIRED", "REPEATED"),
         "REST reference: TableFieldSchema"),
    Rule("parts of a field", ("TableFieldSchema",), _field, "Specifying a schema: Column names, Column descriptions"),
    Rule("granularity of partitions", ("TimePartitioning",), _one_of("type", "HOUR", "DAY", "MONTH", "YEAR"),
         "REST reference: TimePartitioning"),
    Rule("clustering", ("Clustering",), _clusters, "Introduction to clustered tables: Limitations"),
    Rule("rows inserted", ("TableDataInsertAllRequest",), _insert_rows, "Quotas and limits: Streaming inserts"),
    Rule("cells of a row", ("answer TableRow",), _cells, "REST reference: TableRow"),
)  # fmt: skip
