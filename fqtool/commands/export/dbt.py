"""The registry for dbt: a source for the existing table and the contract of a model, both with data tests.

The tests need no package. A range is tested by selecting the rows outside of it with `where` and comparing them with a
value inside it, so that every selected row fails. dbt renders descriptions and values with Jinja, so they are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fqtool.commands.export.contents import Held, contents, dataset_of
from fqtool.commands.export.text import yaml_text
from fqtool.registry.model import Registry
from fqtool.sql import ident
from fqtool.table.column import Kind, Mode
from fqtool.table.tokens import RESERVED

_HEAD = """\
# Written by `fqtool export dbt`; change the registry, not this file.
# Vars: fqtool_project and fqtool_dataset of the source; fqtool_days, the number of days that the tests read.
"""
_OPENING = re.compile(r"\{(?=[{%#])")
_DAYS = 7


def dbt(registry: Registry) -> str:
    """Return the text of the properties file."""
    place = dataset_of(registry)
    since = _since(registry)
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
            | {"columns": [{key: value for key, value in one.items() if key != "constraints"} for one in columns]}
        ],
    }
    model = (
        {"name": registry.table.name}
        | described
        | {"config": _layout(registry), "data_tests": [_unique(registry, since)], "columns": columns}
    )
    return _HEAD + yaml_text({"version": 2, "sources": [source], "models": [model]})


def jinja(text: str) -> str:
    """Return the template that Jinja renders as `text`."""
    return _OPENING.sub("{{ '{' }}", text)


def _var(name: str, default: str) -> str:
    return f"{{{{ var('{name}', {default}) }}}}"


def _layout(registry: Registry) -> dict[str, Any]:
    spec = registry.table
    properties: dict[str, Any] = {"contract": {"enforced": True}}
    if spec.partition_by:
        kind = _partition_kind(registry)
        properties["partition_by"] = {
            "field": spec.partition_by,
            "data_type": kind.value.lower(),
            "granularity": spec.partition_granularity.lower(),
        }
    if spec.cluster_by:
        properties["cluster_by"] = list(spec.cluster_by)
    if spec.require_partition_filter:
        properties["require_partition_filter"] = True
    if spec.partition_expiration_days:
        properties["partition_expiration_days"] = spec.partition_expiration_days
    if spec.labels:
        properties["labels"] = dict(spec.labels)
    return properties


def _partition_kind(registry: Registry) -> Kind:
    return next(held.column.type.kind for held in contents(registry) if held.name == registry.table.partition_by)


def _since(registry: Registry) -> str:
    """The condition on the partition column, where the table requires one (bigquery.md#partitions), or ""."""
    spec = registry.table
    if not spec.partition_by or not spec.require_partition_filter:
        return ""
    kind = _partition_kind(registry)
    first = f"CURRENT_DATE - {_var('fqtool_days', str(_DAYS))}"
    return f"{_named(spec.partition_by)} >= {first if kind is Kind.DATE else f'CAST({first} AS {kind})'}"


def _named(column: str) -> str:
    """A name without quotes, as every warehouse accepts it; a reserved word is quoted as in BigQuery."""
    return ident(column) if column.upper() in RESERVED else column


def _column(one: Held, since: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"name": one.name, "data_type": one.column.sql_type}
    if one.column.description:
        properties["description"] = jinja(one.column.description)
    if one.name.upper() in RESERVED:
        properties["quote"] = True
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
