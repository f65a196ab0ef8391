"""The registry for dbt: a source for the existing table and the contract of a model, both with data tests.

The tests need no package. A range is tested by selecting the rows outside of it with `where` and comparing them with a
value inside it, so that every selected row fails. dbt renders descriptions and values with Jinja, so they are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fqtool.commands.export.contents import Held, contents, dataset_of, declared_column, declared_table
from fqtool.commands.export.text import yaml_text
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.sql import ident
from fqtool.table.column import Kind, Mode
from fqtool.table.ddl_grammar import range_of
from fqtool.table.model import INGESTION_TIME, Partitioning, Table, key_parts
from fqtool.table.tokens import RESERVED

_HEAD = """\
# Written by `fqtool export dbt`; change the registry, not this file.
# Vars: fqtool_project and fqtool_dataset of the source; fqtool_days, the number of days that the tests read.
"""
_OPENING = re.compile(r"\{(?=[{%#])")
_DAYS = 7
_OF_MODELS = ("constraints", "policy_tags")  # of a column; dbt has them for models only
_TARGET = "`{{ target.database }}`.`{{ target.schema }}`."  # BigQuery needs the dataset in REFERENCES
# Option of BigQuery -> key of a model's `config`. dbt has no key for the other options.
_CONFIGS = {
    "require_partition_filter": "require_partition_filter",
    "partition_expiration_days": "partition_expiration_days",
    "labels": "labels",
    "tags": "resource_tags",
    "kms_key_name": "kms_key_name",
    "enable_change_history": "enable_change_history",
}


def dbt(registry: Registry) -> str:
    """Return the text of the properties file."""
    place, table = dataset_of(registry), desired_table(registry)
    since = _since(table)
    columns = [_column(one, since) for one in contents(registry)]
    described = {"description": jinja(registry.table.description)} if registry.table.description else {}
    source = {
        "name": place.dataset if place else registry.table.name,
        "database": _var("fqtool_project", f"'{place.project}'" if place else "target.database"),
        "schema": _var("fqtool_dataset", f"'{place.dataset}'" if place else "target.schema"),
        "tables": [
            {"name": registry.table.name}
            | described
            | {"data_tests": [_unique(registry, since)]}
            | {"columns": [{key: value for key, value in one.items() if key not in _OF_MODELS} for one in columns]}
        ],
    }
    model = (
        {"name": registry.table.name}
        | described
        | {"config": _config(table), "data_tests": [_unique(registry, since)]}
        | _constraints(table)
        | {"columns": columns}
    )
    return _HEAD + yaml_text({"version": 2, "sources": [source], "models": [model]})


def jinja(text: str) -> str:
    """Return the template that Jinja renders as `text`."""
    return _OPENING.sub("{{ '{' }}", text)


def _var(name: str, default: str) -> str:
    return f"{{{{ var('{name}', {default}) }}}}"


def _config(table: Table) -> dict[str, Any]:
    """What dbt's adapter of BigQuery writes into the table: https://docs.getdbt.com/reference/resource-configs."""
    config: dict[str, Any] = {
        "contract": {"enforced": True},
        # Without it, dbt writes neither descriptions nor policy tags.
        "persist_docs": {"relation": True, "columns": True},
    }
    if by := _partition_by(table):
        config["partition_by"] = by
    if table.clustering:
        config["cluster_by"] = list(table.clustering)
    properties = declared_table(table)
    return config | {key: properties[name] for name, key in _CONFIGS.items() if name in properties}


def _partition_by(table: Table) -> dict[str, Any]:
    """Return the partitioning; {} for one by ingestion time, for which dbt needs a column that the table lacks."""
    by = table.partitioning
    if by is None or by.column == INGESTION_TIME:
        return {}
    if span := range_of(by):
        return {"field": by.column, "data_type": "int64", "range": span}
    kind = _partition_kind(table, by)
    return {"field": by.column, "data_type": kind.value.lower(), "granularity": by.granularity.lower()}


def _partition_kind(table: Table, by: Partitioning) -> Kind:
    column = table.find(by.column)
    return column.type.kind if column else Kind.TIMESTAMP  # ingestion time


def _constraints(table: Table) -> dict[str, Any]:
    """Return the keys, which BigQuery does not enforce. dbt would warn of that in each run."""
    found: list[dict[str, Any]] = []
    if table.primary_key:
        found.append({"type": "primary_key", "columns": list(table.primary_key)})
    for key in table.foreign_keys:
        own, other, columns = key_parts(key)
        place = (_TARGET if "." not in other else "") + ident(*other.split("."))
        target = f"{place} ({', '.join(map(ident, columns))})"
        found.append({"type": "foreign_key", "columns": list(own), "expression": target})
    return {"constraints": [one | {"warn_unenforced": False} for one in found]} if found else {}


def _since(table: Table) -> str:
    """The condition on the partition column, where the table requires one (bigquery.md#partitions), or ""."""
    by = table.partitioning
    if by is None or not table.options.require_partition_filter:
        return ""
    if span := range_of(by):
        return f"{_named(by.column)} >= {span['start']}"
    kind, first = _partition_kind(table, by), f"CURRENT_DATE - {_var('fqtool_days', str(_DAYS))}"
    return f"{_named(by.column)} >= {first if kind is Kind.DATE else f'CAST({first} AS {kind})'}"


def _named(column: str) -> str:
    """A name without quotes, as every warehouse accepts it; a reserved word is quoted as in BigQuery."""
    return ident(column) if column.upper() in RESERVED else column


def _column(one: Held, since: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"name": one.name, "data_type": one.column.sql_type}
    if one.column.description:
        properties["description"] = jinja(one.column.description)
    if one.name.upper() in RESERVED:
        properties["quote"] = True
    if tags := declared_column(one.column).get("policy_tags"):
        properties["policy_tags"] = tags
    required = one.column.mode is Mode.REQUIRED
    if required:
        properties["constraints"] = [{"type": "not_null"}]
    if tests := list(_tests(one, since, required=required)):
        properties["data_tests"] = tests
    return properties


def _tests(one: Held, since: str, *, required: bool) -> Iterator[Any]:
    if required:
        yield _test("not_null", {}, since)
    if one.accepted:
        yield _test("accepted_values", {"values": [jinja(value) for value in one.accepted]}, since)
    if one.bounds:
        low, high = one.bounds
        outside = f"({_named(one.name)} < {low} OR {_named(one.name)} > {high})"
        yield _test(
            "accepted_values", {"values": [low], "quote": False}, f"{since} AND {outside}" if since else outside
        )


def _unique(registry: Registry, since: str) -> dict[str, Any]:
    """The test that the keys identify one row. They are joined by a character that keys do not contain."""
    parts = [f"CAST({_named(name)} AS STRING)" for name in registry.table.keys]
    key = f"CONCAT({', CHR(31), '.join(parts)})" if len(parts) > 1 else _named(registry.table.keys[0])
    return _test("unique", {"column_name": key}, since)


def _test(name: str, arguments: dict[str, Any], where: str) -> dict[str, Any]:
    config = {"config": {"where": where}} if where else {}
    return {name: ({"arguments": arguments} if arguments else {}) | config}
