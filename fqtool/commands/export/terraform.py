"""The registry as Terraform resources for BigQuery, in the JSON syntax.

Terraform reads every string as a template, so `${` and `%{` are escaped by doubling the first character.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fqtool.commands.export.contents import dataset_of
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_state
from fqtool.table.ddl_grammar import range_of
from fqtool.table.model import DATASET, INGESTION_TIME, Table, View, key_parts
from fqtool.table.properties import TABLE_PROPERTIES, table_values
from fqtool.table.property import DAY_MS
from fqtool.table.schema_json import schema_json

_NOTE = "Written by `fqtool export terraform`; change the registry, not this file."
_PROJECT, _DATASET = "${var.feature_store_project}", "${var.feature_store_dataset}"
_TEMPLATE = re.compile(r"[$%](?=\{)")
# Row of `TABLE_PROPERTIES` -> attribute of google_bigquery_table. Terraform has no attribute for the other rows.
_ATTRIBUTES = {
    "friendly_name": "friendly_name",
    "expiration": "expiration_time",
    "kms_key_name": "encryption_configuration",
    "max_staleness": "max_staleness",
    "tags": "resource_tags",
}


def terraform(registry: Registry) -> str:
    """Return a `.tf.json` file: the table, its views, and variables for project and dataset."""
    place, state = dataset_of(registry), desired_state(registry)
    if state.table is None:
        return ""
    tables = {resource(state.table.name): _table(state.table)}
    tables |= {resource(view.name): _view(view, state.table) for view in state.views}
    properties = {
        "//": _NOTE,
        "variable": {
            "feature_store_project": _variable("The project of the feature store.", place.project if place else None),
            "feature_store_dataset": _variable("The dataset of the feature store.", place.dataset if place else None),
        },
        "resource": {"google_bigquery_table": tables},
    }
    return json.dumps(properties, indent=2, ensure_ascii=False) + "\n"


def template(text: str) -> str:
    """Return the template that Terraform evaluates to `text`."""
    return _TEMPLATE.sub(lambda match: match[0] * 2, text)


def resource(name: str) -> str:
    """Return the name of a table as a resource name, which must not begin with a digit or a hyphen."""
    return name if name[0].isalpha() or name[0] == "_" else f"_{name}"


def _variable(description: str, default: str | None) -> dict[str, str]:
    return {"type": "string", "description": description} | ({"default": default} if default else {})


def _table(table: Table) -> dict[str, Any]:
    properties = _common(table.name, table.options.description)
    properties["schema"] = template(schema_json(table.columns))
    properties |= _partitions(table)
    if table.clustering:
        properties["clustering"] = list(table.clustering)
    if table.options.require_partition_filter:
        properties["require_partition_filter"] = True
    if table.options.labels:
        properties["labels"] = {key: template(value) for key, value in table.options.labels}
    values = table_values(table)
    for name, attribute in _ATTRIBUTES.items():
        if values[name] != TABLE_PROPERTIES[name].unset:
            written: dict[str, Any] = {}
            TABLE_PROPERTIES[name].write(values[name], written)
            (value,) = written.values()
            properties[attribute] = _snake_case(value)
    if constraints := _constraints(table):
        properties["table_constraints"] = constraints
    return properties | {"deletion_protection": True}


def _constraints(table: Table) -> dict[str, Any]:
    """Return the keys. In Terraform a foreign key has one column; longer ones are left out."""
    found: dict[str, Any] = {"primary_key": {"columns": list(table.primary_key)}} if table.primary_key else {}
    keys = [_foreign_key(*key) for key in map(key_parts, table.foreign_keys) if len(key[0]) == 1]
    return found | ({"foreign_keys": keys} if keys else {})


def _foreign_key(own: tuple[str, ...], table: str, others: tuple[str, ...]) -> dict[str, Any]:
    parts = list(map(template, table.split(".")))
    path = [_PROJECT, _DATASET][: 3 - len(parts)] + parts
    return {
        "referenced_table": dict(zip(("project_id", "dataset_id", "table_id"), path, strict=True)),
        "column_references": {"referencing_column": template(own[0]), "referenced_column": template(others[0])},
    }


def _partitions(table: Table) -> dict[str, Any]:
    by = table.partitioning
    if by is None:
        return {}
    if span := range_of(by):
        return {"range_partitioning": {"field": by.column, "range": span}}
    time: dict[str, Any] = {"type": by.granularity}
    if by.column != INGESTION_TIME:
        time["field"] = by.column
    if days := table.options.partition_expiration_days:
        time["expiration_ms"] = round(days * DAY_MS)
    return {"time_partitioning": time}


def _snake_case(value: Any) -> Any:
    """A value of the API as Terraform has it, with its texts as templates."""
    if isinstance(value, dict):
        return {re.sub(r"[A-Z]", lambda c: f"_{c[0].lower()}", key): template(text) for key, text in value.items()}
    return template(value)


def _view(view: View, table: Table) -> dict[str, Any]:
    query = f"{_PROJECT}.{_DATASET}".join(template(part) for part in view.text.split(DATASET))
    labels = {key: template(text) for key, text in dict(view.options).get("labels", ())}  # type: ignore[attr-defined]
    return (
        _common(view.name, view.description)
        | ({"labels": labels} if labels else {})
        | {
            "view": {"query": query, "use_legacy_sql": False},
            "deletion_protection": False,
            "depends_on": [f"google_bigquery_table.{resource(table.name)}"],
        }
    )


def _common(name: str, description: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"project": _PROJECT, "dataset_id": _DATASET, "table_id": name}
    return properties | ({"description": template(description)} if description else {})
