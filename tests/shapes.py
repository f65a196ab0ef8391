"""Three shapes of real BigQuery tables, of any number of columns: telemetry pings, events and a billing export.

A column is a leaf: a column or a field without fields, as BigQuery counts them. The texts are written here and not by
fqtool, so that they test how it reads them. `python -m tests.shapes SHAPE COLUMNS` prints the DDL.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Field = dict[str, Any]
DEEPEST = 15  # levels of nested STRUCTs that BigQuery accepts
_KINDS = ("STRING", "INT64", "FLOAT64", "BOOL", "TIMESTAMP", "NUMERIC")
_REST = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}


@dataclass(frozen=True)
class Shape:
    """A table: its fields as the API has them, its partitioning as DDL and as the API has it, and its clustering."""

    name: str
    fields: tuple[Field, ...]
    partition_sql: str
    partition: Field
    clustering: tuple[str, ...]

    @property
    def ddl(self) -> str:
        """CREATE TABLE, with the descriptions of all columns and fields."""
        columns = ",\n".join(f"  {_sql(field)}" for field in self.fields)
        cluster = f"\nCLUSTER BY {', '.join(self.clustering)}" if self.clustering else ""
        return f"CREATE TABLE `shop.raw.{self.name}` (\n{columns}\n)\nPARTITION BY {self.partition_sql}{cluster};\n"

    @property
    def resource(self) -> str:
        """The table as `bq show --format=prettyjson` prints it."""
        names = {"projectId": "shop", "datasetId": "raw", "tableId": self.name}
        clustering = {"clustering": {"fields": list(self.clustering)}} if self.clustering else {}
        whole = {
            "kind": "bigquery#table", "tableReference": names, "type": "TABLE", "schema": {"fields": self.fields},
            "timePartitioning": self.partition,
        }  # fmt: skip
        return json.dumps(whole | clustering, indent=2)

    @property
    def columns(self) -> int:
        """The number of leaves."""
        return sum(map(_leaves, self.fields))


def pings(columns: int) -> Shape:
    """Telemetry pings: a third of the columns at the top, the others in STRUCTs by kind of metric, two levels down."""
    top = [
        _leaf("document_id", "STRING", "REQUIRED"), _leaf("submission_timestamp", "TIMESTAMP", "REQUIRED"),
        _struct("client_info", [_leaf("client_id", "STRING"), _leaf("os", "STRING"), _leaf("app_build", "STRING")]),
    ]  # fmt: skip
    flat = (columns - 5) // 3
    top += [_leaf(f"environment_setting_{n}", _KINDS[n % len(_KINDS)]) for n in range(flat)]
    nested, metrics = columns - 5 - flat, dict[str, list[Field]]()
    while nested > 0:
        kind = ("counter", "labeled_counter", "timing_distribution", "string_list")[nested % 4]
        metric = _metric(kind, f"component_{nested}_of_the_browser", nested)
        metrics.setdefault(kind, []).append(metric)
        nested -= _leaves(metric)
    top.append(_struct("metrics", [_struct(kind, fields) for kind, fields in sorted(metrics.items())]))
    return Shape(
        "pings", tuple(top), "DATE(submission_timestamp)", {"type": "DAY", "field": "submission_timestamp"},
        ("document_id",),
    )  # fmt: skip


def _metric(kind: str, name: str, left: int) -> Field:
    if kind == "labeled_counter" and left > 1:
        return _struct(name, [_leaf("key", "STRING"), _leaf("value", "INT64")], "REPEATED")
    if kind == "timing_distribution" and left > 2:
        values = _struct("values", [_leaf("key", "STRING"), _leaf("value", "INT64")], "REPEATED")
        return _struct(name, [_leaf("sum", "INT64"), values])
    return _leaf(name, "STRING", "REPEATED") if kind == "string_list" else _leaf(name, "INT64")


def events(columns: int) -> Shape:
    """Events: ARRAYs of STRUCTs with ARRAYs in them, four levels down, and one as deep as BigQuery accepts."""
    top = [_leaf("event_id", "STRING", "REQUIRED"), _leaf("event_date", "DATE", "REQUIRED")]
    deep = _leaf("value", "STRING")
    for level in range(DEEPEST):
        deep = _struct(f"level_{DEEPEST - level}", [deep], "REPEATED" if level % 2 else "NULLABLE")
    top.append(deep)
    left, number = columns - 3, 0
    while left >= 8:
        value = _struct("value", [_leaf("string_value", "STRING"), _leaf("int_value", "INT64")])
        params = _struct("params", [_leaf("key", "STRING"), value], "REPEATED")
        items = _struct("items", [_leaf("id", "STRING"), _leaf("price", "NUMERIC"), params], "REPEATED")
        top.append(_struct(f"event_{number}", [_leaf("name", "STRING"), items, _leaf("tags", "STRING", "REPEATED"),
                                               _leaf("seen_at", "TIMESTAMP")], "REPEATED"))  # fmt: skip
        left, number = left - 8, number + 1
    top += [_leaf(f"parameter_{n}", "STRING") for n in range(left)]
    return Shape("events", tuple(top), "event_date", {"type": "DAY", "field": "event_date"}, ("event_id",))


def billing(columns: int) -> Shape:
    """A billing export: STRUCTs, labels as ARRAYs of key and value, NUMERIC prices, partitions by ingestion time."""
    top = [_leaf("billing_account_id", "STRING", "REQUIRED"), _leaf("usage_start_time", "TIMESTAMP", "REQUIRED")]
    top += [
        _struct("project", [_leaf("id", "STRING"), _leaf("number", "STRING"), _labels("labels"),
                            _struct("ancestors", [_leaf("resource_name", "STRING")], "REPEATED")]),
        _labels("labels"), _labels("system_labels"), _leaf("cost", "NUMERIC"), _leaf("currency", "STRING"),
    ]  # fmt: skip
    left, number = columns - sum(map(_leaves, top)), 0
    while left >= 7:
        unit = _struct("unit", [_leaf("amount", "NUMERIC"), _leaf("name", "STRING")])
        credit = _struct("credits", [_leaf("id", "STRING"), _leaf("amount", "BIGNUMERIC")], "REPEATED")
        top.append(_struct(f"service_{number}", [_leaf("sku", "STRING"), unit, credit, _labels("labels")]))
        left, number = left - 7, number + 1
    top += [_leaf(f"tier_{n}_price", "NUMERIC") for n in range(left)]
    return Shape("billing", tuple(top), "_PARTITIONDATE", {"type": "DAY"}, ("billing_account_id",))


SHAPES: dict[str, Callable[[int], Shape]] = {"pings": pings, "events": events, "billing": billing}


def _labels(name: str) -> Field:
    return _struct(name, [_leaf("key", "STRING"), _leaf("value", "STRING")], "REPEATED")


def _leaf(name: str, kind: str, mode: str = "NULLABLE") -> Field:
    return {"name": name, "type": _REST.get(kind, kind), "mode": mode, "description": f"The {name}, it's as sent."}


def _struct(name: str, fields: list[Field], mode: str = "NULLABLE") -> Field:
    return {"name": name, "type": "RECORD", "mode": mode, "fields": fields}


def _leaves(field: Field) -> int:
    return sum(map(_leaves, field["fields"])) if "fields" in field else 1


def _sql(field: Field) -> str:
    required = " NOT NULL" if field["mode"] == "REQUIRED" else ""
    options = f' OPTIONS (description = "{field["description"]}")' if "description" in field else ""
    return f"{field['name']} {_type(field)}{required}{options}"


def _type(field: Field) -> str:
    sql = {rest: sql for sql, rest in _REST.items()}.get(field["type"], field["type"])
    if "fields" in field:
        sql = f"STRUCT<{', '.join(map(_sql, field['fields']))}>"
    return f"ARRAY<{sql}>" if field["mode"] == "REPEATED" else sql


if __name__ == "__main__":
    sys.stdout.write(SHAPES[sys.argv[1]](int(sys.argv[2])).ddl)
