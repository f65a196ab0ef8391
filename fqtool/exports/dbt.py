"""The registry as dbt reads it: a source for the table as it stands, and a model's contract, both with data tests.

No test needs a package. What lies outside a range is asked for with `where`, and then compared with a value that lies
inside, so that every row that is found fails. Descriptions and values pass through Jinja in dbt, so they are written
to come out of it as they went in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fqtool.exports.contents import Held, contents, dataset_of
from fqtool.exports.yaml_text import yaml_text
from fqtool.registry.model import Registry
from fqtool.sql import ident
from fqtool.table.column import Kind, Mode
from fqtool.table.tokens import RESERVED

_HEAD = """\
# Written by `fqtool export dbt`; change the registry, not this file.
# Vars: fqtool_project and fqtool_dataset, where the source stands; fqtool_days, how many days the tests look back.
"""
_OPENING = re.compile(r"\{(?=[{%#])")
_DAYS = 7


def dbt(registry: Registry) -> str:
    """Return the properties file."""
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
    made: dict[str, Any] = {"contract": {"enforced": True}}
    if spec.partition_by:
        kind = next(one.column.type.kind for one in contents(registry) if one.name == spec.partition_by)
        made["partition_by"] = {
            "field": spec.partition_by,
            "data_type": kind.value.lower(),
            "granularity": spec.partition_granularity.lower(),
        }
    if spec.cluster_by:
        made["cluster_by"] = list(spec.cluster_by)
    if spec.require_partition_filter:
        made["require_partition_filter"] = True
    if spec.partition_expiration_days is not None:
        made["partition_expiration_days"] = spec.partition_expiration_days
    if spec.labels:
        made["labels"] = dict(spec.labels)
    return made


def _since(registry: Registry) -> str:
    """A condition on the partition column, without which BigQuery may refuse a query (BIGQUERY 90), or ""."""
    spec = registry.table
    if not spec.partition_by or not spec.require_partition_filter:
        return ""
    kind = next(one.column.type.kind for one in contents(registry) if one.name == spec.partition_by)
    first = f"CURRENT_DATE - {_var('fqtool_days', str(_DAYS))}"
    return f"{_named(spec.partition_by)} >= {first if kind is Kind.DATE else f'CAST({first} AS {kind})'}"


def _named(column: str) -> str:
    """A name as every warehouse takes it, but for a reserved word, which is quoted as BigQuery does."""
    return ident(column) if column.upper() in RESERVED else column


def _column(one: Held, since: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": one.name, "data_type": one.column.sql_type}
    if one.column.description:
        made["description"] = jinja(one.column.description)
    if one.name.upper() in RESERVED:
        made["quote"] = True
    required = one.column.mode is Mode.REQUIRED
    if required:
        made["constraints"] = [{"type": "not_null"}]
    if tests := list(_tests(one, since, required=required)):
        made["data_tests"] = tests
    return made


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
    """Say that the keys name one row; the character between them is none that keys hold."""
    parts = [f"CAST({_named(name)} AS STRING)" for name in registry.table.keys]
    key = f"CONCAT({', CHR(31), '.join(parts)})" if len(parts) > 1 else _named(registry.table.keys[0])
    return _test("unique", {"column_name": key}, since)


def _test(name: str, arguments: dict[str, Any], where: str) -> dict[str, Any]:
    config = {"config": {"where": where}} if where else {}
    return {name: ({"arguments": arguments} if arguments else {}) | config}
