"""The analyser's resolved statement, read into plain values: kinds, columns, options, partitioning."""

from __future__ import annotations

from collections.abc import Iterator
import struct
from typing import Any

from bqemulator.catalog.models import Clustering, RangePartitioning, TableFieldSchema, TimePartitioning
from bqemulator.domain.errors import UnsupportedFeatureError
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service_pb
from zetasql.wasi._pb2.zetasql.public.functions import datetime_pb2
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_pb2

from tests.bed import zeta_values

from .catalog import fail

WIRE = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
"""GoogleSQL type -> its name in the REST API, where they differ."""
_READ = ("resolved_alter_object_stmt_node", "resolved_alter_table_set_options_stmt_node",
         "resolved_create_statement_node", "resolved_drop_stmt_node")  # fmt: skip
_QUERY_DEPTH = 6


def read(raw: bytes) -> tuple[str, Any]:
    """(kind, statement) of a DDL statement; ("", None) of any other, which is not decoded."""
    statement = _decoded(raw)
    if statement.WhichOneof("node") not in _READ:
        return "", None
    node = statement
    while oneof := node.DESCRIPTOR.oneofs_by_name.get("node"):
        name = node.WhichOneof(oneof.name)
        node = getattr(node, name)
    return name.removeprefix("resolved_").removesuffix("_stmt_node"), node


def output_names(raw: bytes) -> list[str]:
    """The column names of a query."""
    return [column.name for column in _decoded(raw).resolved_query_stmt_node.output_column_list]


def result_columns(raw: bytes) -> list[TableFieldSchema]:
    """The columns of a query's result; none for another statement. A column without a name is f0_, f1_ and so on."""
    outputs = _decoded(raw).resolved_query_stmt_node.output_column_list
    columns = [view_column(output) for output in outputs]
    unnamed = iter(range(len(columns)))
    return [c.model_copy(update={"name": f"f{next(unnamed)}_"}) if _nameless(c.name) else c for c in columns]


def _nameless(name: str) -> bool:
    return not name or name.startswith("$")


def _decoded(raw: bytes) -> Any:
    cut = _without_queries(raw, service_pb.AnalyzeResponse.DESCRIPTOR, 0)
    return service_pb.AnalyzeResponse.FromString(cut).resolved_statement


def _without_queries(raw: bytes, descriptor: Any, depth: int) -> bytes:
    """Cuts `query` fields out of the bytes: they can nest deeper than protobuf decodes."""
    out = bytearray()
    for number, start, body, end in wire_fields(raw, 0, len(raw)):
        field = descriptor.fields_by_number.get(number)
        inner = field.message_type if field is not None else None
        if inner is None or depth > _QUERY_DEPTH:
            out += raw[start:end]
        elif field.name == "resolved_statement" or field.containing_oneof or field.name == "parent":
            cut = b"" if _skipped(field.name) else _without_queries(raw[body:end], inner, depth + 1)
            out += _varint(number << 3 | 2) + _varint(len(cut)) + cut
        elif field.name != "query":
            out += raw[start:end]
    return bytes(out)


def _skipped(name: str) -> bool:
    return name.endswith("_stmt_node") and name.split("_")[1] not in ("alter", "create", "drop", "query")


def wire_fields(raw: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """(number, start, start of its value, end) of every field of an encoded message, unread."""
    while at < stop:
        start = at
        tag, at = read_varint(raw, at)
        match tag & 7:
            case 0:
                _, end = read_varint(raw, at)
            case 1:
                end = at + 8
            case 2:
                size, at = read_varint(raw, at)
                end = at + size
            case _:
                end = at + 4
        yield tag >> 3, start, at, end
        at = end


def read_varint(raw: bytes, at: int) -> tuple[int, int]:
    """The number encoded at a place, and where it ends."""
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def part(node: Any, name: str) -> Any:
    """A field of the node or of what it inherits from."""
    while name not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return getattr(node, name)


def options(nodes: Any) -> dict[str, Any]:
    """OPTIONS(...) as Python values; NULL is None."""
    return {option.name.lower(): constant(option.value, option.name) for option in nodes}


def constant(expression: Any, name: str) -> Any:
    """The value of a literal, or of a concatenation, array or struct of literals."""
    if expression.HasField("resolved_literal_node"):
        literal = expression.resolved_literal_node.value
        if literal.value.HasField("interval_value"):
            return _interval(literal.value.interval_value)
        return zeta_values.read(literal.value, literal.type)
    if expression.HasField("resolved_make_struct_node"):
        return [constant(e, name) for e in expression.resolved_make_struct_node.field_list]
    if expression.HasField("resolved_function_call_base_node"):
        call = expression.resolved_function_call_base_node.resolved_function_call_node.parent
        values = [constant(e, name) for e in call.argument_list]
        match call.function.name.rpartition(":")[2]:
            case "concat":
                return None if None in values else "".join(values)
            case "$make_array":
                return values
    raise UnsupportedFeatureError(f"The test bed reads only literals in options, not the value of {name}")


def _interval(data: bytes) -> str:
    """The text of an INTERVAL without fractions of a second, as the API has it."""
    micros, days, months = struct.unpack("<qiI", data)
    seconds, month = micros // 1_000_000, (months >> 13) & 0x3FFFF
    return f"{month // 12}-{month % 12} {days} {seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}"


def field(name: str, kind: Any, notes: Any, parameters: Any = None) -> TableFieldSchema:
    """A column, or a field of a STRUCT, as the catalog keeps it."""
    standard = zeta_values.type_kind(kind)
    children = notes.child_list
    if standard == "ARRAY":
        inner = children[0] if children else type(notes)()
        below = parameters.child_list[0] if parameters is not None and parameters.child_list else None
        element = field(name, kind.array_type.element_type, inner, below)
        more = {"rounding_mode": options(notes.option_list).get("rounding_mode")}
        return element.model_copy(update={"mode": "REPEATED", "description": description(notes)} | more)
    made: dict[str, Any] = {"mode": "REQUIRED" if notes.not_null else "NULLABLE"} | _properties(notes)
    if standard == "STRUCT":
        below = parameters.child_list if parameters is not None else []
        made["fields"] = tuple(
            field(f.field_name, f.field_type, children[n] if n < len(children) else type(notes)(),
                  below[n] if n < len(below) else None)
            for n, f in enumerate(kind.struct_type.field)
        )  # fmt: skip
    made |= _parameters(parameters if parameters is not None else notes.type_parameters)
    more = {key: made.pop(key) for key in ("timestamp_precision",) if key in made}  # the stock model forbids it
    kept = TableFieldSchema(name=name, type=WIRE.get(standard, standard), description=description(notes), **made)
    return kept.model_copy(update=more)


def column(definition: Any) -> TableFieldSchema:
    """A column definition of CREATE TABLE or ADD COLUMN."""
    made = field(definition.name, definition.type, definition.annotations)
    return made.model_copy(update={"default_value_expression": definition.default_value.sql or None})


def _properties(notes: Any) -> dict[str, Any]:
    collation = constant(notes.collation_name, "COLLATE") if notes.HasField("collation_name") else None
    return {"collation": collation or None, "rounding_mode": options(notes.option_list).get("rounding_mode")}


def view_column(output: Any) -> TableFieldSchema:
    """A column of a view or of a query."""
    return field(output.name, output.column.type, resolved_ast_pb2.ResolvedColumnAnnotationsProto())


def description(notes: Any) -> str | None:
    """The description among a column's options."""
    value = options(notes.option_list).get("description")
    return value if value is None else str(value)


def _parameters(given: Any) -> dict[str, int]:
    if given.HasField("string_type_parameters") and given.string_type_parameters.max_length:
        return {"max_length": given.string_type_parameters.max_length}
    if given.HasField("timestamp_type_parameters") and given.timestamp_type_parameters.precision:
        return {"timestamp_precision": given.timestamp_type_parameters.precision}
    if given.HasField("numeric_type_parameters"):
        numbers = given.numeric_type_parameters
        return {"precision": numbers.precision, "scale": numbers.scale}
    return {}


def partitioning(expressions: Any, given: dict[str, Any]) -> tuple[TimePartitioning | None, RangePartitioning | None]:
    """PARTITION BY and the table options that belong to it."""
    if not expressions:
        return None, None
    (expression,) = expressions
    name, unit, bounds = _partition_expression(expression)
    if bounds:
        start, end, interval = bounds
        return None, RangePartitioning(field=name or "", start=start, end=end, interval=interval)
    days = given.get("partition_expiration_days")
    milliseconds = None if days is None else round(float(days) * 86_400_000)
    return TimePartitioning(type=unit, field=name, expiration_ms=milliseconds), None


def _partition_expression(expression: Any) -> tuple[str | None, Any, list[int]]:
    if expression.HasField("resolved_column_ref_node"):
        name = expression.resolved_column_ref_node.column.name
        return None if name.upper().startswith("_PARTITION") else name, "DAY", []
    if not expression.HasField("resolved_function_call_base_node"):
        raise fail("PARTITION BY expression must be a column or a truncation of one")
    call = expression.resolved_function_call_base_node.resolved_function_call_node.parent
    name, _, _ = _partition_expression(call.argument_list[0])
    if call.function.name.endswith(":range_bucket"):
        array = call.argument_list[1].resolved_function_call_base_node.resolved_function_call_node.parent
        numbers = [constant(a, "RANGE_BUCKET") for a in array.argument_list]
        return name, "DAY", numbers if len(numbers) == 3 else [*numbers, 1]
    if len(call.argument_list) > 1:
        unit = call.argument_list[1].resolved_literal_node.value.value.enum_value
        return name, datetime_pb2.DateTimestampPart.Name(unit), []
    return name, "DAY", []


def clustering(expressions: Any) -> Clustering | None:
    """CLUSTER BY."""
    names = tuple(e.resolved_column_ref_node.column.name for e in expressions)
    return Clustering(fields=names) if names else None


def type_text(made: TableFieldSchema, *, parameters: bool = False) -> str:
    """The GoogleSQL type of a column."""
    standard = {wire: sql for sql, wire in WIRE.items()}.get(made.type.upper(), made.type.upper())
    if standard == "STRUCT":
        inner = ", ".join(f"`{f.name}` {type_text(f, parameters=parameters)}" for f in made.fields)
        standard = f"STRUCT<{inner}>"
    elif parameters and made.max_length:
        standard += f"({made.max_length})"
    elif parameters and made.precision:
        standard += f"({made.precision}" + (f", {made.scale})" if made.scale else ")")
    return f"ARRAY<{standard}>" if made.mode == "REPEATED" else standard
