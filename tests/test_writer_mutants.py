"""Mutants of the checks of writers: with a check taken out, a test of it fails.

A record is looked at by three: `right_lines` passes over lines of a file, `is_right` over other records, and `misfits`
names what is wrong. A kind of mistake is taken out of each of them alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import pytest

import fqtool
from fqtool.commands.check_code import alignment, name_lists
from fqtool.commands.check_code import run as code_run
from fqtool.commands.export import avro, jsonschema
from fqtool.commands.export.pydantic import _Module
from fqtool.commands.generate_sql import check as sql_check
from fqtool.commands.generate_sql.rules import Listed
from fqtool.output.findings import FORMATS
from fqtool.output.outcome import Outcome
from fqtool.records import check, misfits, read_dml, right_lines, values, writer_sql
from fqtool.records.check import RecordCheck
from fqtool.records.column_rules import Rule
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.table.column import ALIASES, Column, Kind, Type
from fqtool.table.model import Table
from fqtool.warehouse.duckdb import plain_records
from tests import (
    test_check_code,
    test_check_record,
    test_exports_of_records,
    test_record_values,
    test_right_lines,
    test_writer_sql,
)
from tests.mutated import Mutant, always, never, none, nothing
from tests.writers import REGISTRY_FILE, store_in

UNKNOWN, MISSING, TYPES, TEXT, LENGTH, NAMES, VERSION, LABELS, POSITIONS, MERGE, LISTS, EXPORTS, PRINTED = (
    "an unknown field", "a missing required field", "a wrong type", "array as text", "wrong length",
    "names in another order", "a rejected version label", "source labels", "values without names",
    "a MERGE that leaves a column out", "a list of names that disagrees at one index",
    "exports validated by their tools", "all formats",
)  # fmt: skip
of_records, of_values, of_lines = test_check_record, test_record_values, test_right_lines
of_exports, of_sql, of_code = test_exports_of_records, test_writer_sql, test_check_code
MISFITS = {
    misfits.Unknown: (UNKNOWN, "FQ501"), misfits.Missing: (MISSING, "FQ502"), misfits.Mistyped: (TYPES, "FQ503"),
    misfits.ArrayAsText: (TEXT, "FQ504"), misfits.WrongLength: (LENGTH, "FQ505"), misfits.WrongNames: (NAMES, "FQ506"),
    misfits.RejectedVersion: (VERSION, "FQ507"), misfits.UnknownLabel: (LABELS, "FQ508"),
    misfits.UnknownPosition: (LABELS, "FQ509"), misfits.OtherLabel: (LABELS, "FQ513"),
    misfits.Positional: (POSITIONS, "FQ511"),
}  # fmt: skip
Test = Callable[[], None]


def in_folder(test: Callable[..., None], *args: Any) -> Test:
    """A test of a folder with the registry."""

    def run() -> None:
        with TemporaryDirectory() as folder:
            test(store_in(Path(folder)).parent, *args)

    return run


def of_record(name: str) -> Test:
    """The test of `registry.check` and a wrong record."""
    test = of_records.test_what_is_wrong_with_a_record_is_one_finding
    return lambda: test(fqtool.load_registry(REGISTRY_FILE), name)


def of_file(name: str) -> Test:
    """The test of `fqtool check-record` and a wrong record."""
    return in_folder(of_records.test_the_command_reports_the_same_of_a_file_with_its_line, name)


def no_rule(*_: object) -> Rule:
    """What a column accepts, which is everything."""
    return lambda _: iter(())


def each_look(kind: type) -> Iterator[Mutant]:
    """Each of the three looks at a record without a kind of mistake."""
    point, code = MISFITS[kind]
    names = [name for name, wrong in of_records.WRONG.items() if wrong[0] == code]
    found, lines_of = RecordCheck.misfits, plain_records._right_lines

    def passes(self: RecordCheck, record: object) -> bool:
        return all(isinstance(one, kind) for one in found(self, record))

    def pass_over(self: RecordCheck, first: bytes) -> Callable[[list[bytes]], bool]:
        are_right = lines_of(self, first)
        return lambda lines: are_right(lines) or all(passes(self, plain_records.json_value(line)) for line in lines)

    def without(self: RecordCheck, record: object) -> Iterator[misfits.Misfit]:
        return (one for one in found(self, record) if not isinstance(one, kind))

    yield Mutant(point, RecordCheck, "is_right", passes, tuple(map(of_record, names)))
    yield Mutant(point, RecordCheck, "misfits", without, tuple(map(of_record, names)))
    yield Mutant(point, plain_records, "_right_lines", pass_over, tuple(map(of_file, names)))


def each_type() -> Iterator[Mutant]:
    """The test of a value's type, what msgspec takes for one, and what each export states."""
    fits, stated, annotated = values._fits, jsonschema._of, _Module._single
    for kind in dict.fromkeys(ALIASES.values()):

        def accept(of: Type, kind: Kind = kind) -> values.Fits:
            return always if of.kind is kind else fits(of)

        def state(of: Type, kind: Kind = kind) -> dict[str, Any]:
            return {} if of.kind is kind else stated(of)

        def annotate(self: _Module, of: Type, path: str, kind: Kind = kind) -> str:
            return "Any" if of.kind is kind else annotated(self, of, path)

        yield Mutant(f"{TYPES}, {kind}", values, "_fits", accept, refusals(str(kind)))
        exported = tuple(
            partial(of_exports.test_each_type_is_accepted_and_another_refused, name)
            for name in of_exports.VALUES
            if re.split("[(<]", name)[0] == kind
        )
        if kind is not Kind.JSON:  # JSON takes every value
            yield Mutant(f"{EXPORTS}, {kind}", jsonschema, "_of", state, exported)
            yield Mutant(f"{EXPORTS}, {kind}", _Module, "_single", annotate, exported)
    yield Mutant(f"{TYPES}, ARRAY", values, "_all_fit", always, refusals("ARRAY"))
    for kind in right_lines._TYPES:
        test = partial(of_lines.test_no_value_of_another_type_is_passed_over, str(kind))
        yield Mutant(f"{TYPES}, {kind}", right_lines._TYPES, kind, Any, (test,))
    for name, value in of_exports.TYPED.items():
        other = "long" if "STRING" in name or isinstance(value, str) else "string"
        test = partial(of_exports.test_each_type_goes_through_avro, name)
        yield Mutant(f"{EXPORTS}, {name}", avro, "_typed", partial(retyped, avro._typed, other), (test,))


def retyped(typed: Callable[[Column, str], Any], other: str, column: Column, path: str) -> Any:
    """The type of a field in Avro, and another one for the column that a test adds."""
    return other if path == "more" else typed(column, path)


def refusals(kind: str) -> tuple[Test, ...]:
    """The tests of all wrong values of a type."""
    test = of_values.test_a_value_of_another_type_is_refused
    wrong = ((name, one) for name, some in of_values.WRONG.items() for one in some)
    return tuple(partial(test, name, one) for name, one in wrong if re.split("[(<]", name)[0] == kind)


def in_export(name: str, before: str, after: str, *tests: Test) -> Mutant:
    """An export without a part of its text."""
    module = import_module(f"fqtool.commands.export.{name}")
    render = getattr(module, name)

    def edited(registry: Registry) -> str:
        text, count = re.subn(before, after, render(registry), flags=re.DOTALL)
        assert count
        return text

    return Mutant(f"{EXPORTS}, {name}", module, name, edited, tests)


def refused(tool: str, *names: str) -> tuple[Test, ...]:
    """The tests of a tool that refuses wrong records."""
    test = {
        "jsonschema": of_exports.test_jsonschema_refuses_what_check_record_reports,
        "pydantic": of_exports.test_pydantic_refuses_what_check_record_reports,
        "avro": of_exports.test_fastavro_refuses_values_of_another_type,
    }[tool]
    return tuple(partial(test, name) for name in names)


def printed(form: str) -> Mutant:
    """A format without the places of findings."""
    prints = FORMATS[form]

    def without(outcome: Outcome, stream: TextIO) -> None:
        prints(replace(outcome, findings=tuple(replace(one, location=None) for one in outcome.findings)), stream)

    tests = [in_folder(module.test_every_format_has_file_and_line, form) for module in (of_records, of_sql)]
    code = in_code(of_code.test_every_format_has_file_and_line, form)
    return Mutant(f"{PRINTED}, {form}", FORMATS, form, without, (*tests, code))


def copies(owner: Any, name: Any, value: object, *cases: str) -> Mutant:
    """A reader of lists of names that reads none, and the cases that need it."""
    test = of_code.test_a_list_that_disagrees_at_one_index_is_found
    return Mutant(LISTS, owner, name, value, tuple(in_code(test, one) for one in cases))


def in_code(test: Callable[..., None], *args: Any) -> Test:
    """A test of a folder with the registry, and a folder of code."""

    def run(folder: Path) -> None:
        (folder / "code").mkdir()
        test(folder, *args)

    return in_folder(run)


def with_suffix(*suffixes: str) -> tuple[str, ...]:
    """The cases of wrong lists in files of a language."""
    return tuple(name for name, (file, _, _) in of_code.WRONG.items() if file.endswith(suffixes))


def fewer_columns(registry: Registry) -> Table:
    """The table without its last column."""
    table = desired_table(registry)
    return table.with_columns(table.columns[:-1])


MERGES = tuple(in_folder(of_sql.test_a_merge_that_leaves_a_column_out_is_found, name) for name in of_sql.OWNED)
KEYS = ("a missing key", "a key that is NULL", "a missing NOT NULL column", "a missing vector")
LENGTHS = ("a longer vector", "a shorter vector")
VERSIONS = ("a rejected version", "another schema version")
ORDER = "names in another order"
MUTANTS = (
    *(mutant for kind in MISFITS for mutant in each_look(kind)),
    *each_type(),
    Mutant(MISSING, RecordCheck, "required", frozenset(), tuple(map(of_record, KEYS))),
    Mutant(
        MISSING, RecordCheck, "values", (), (
            in_folder(of_records.test_a_record_without_any_feature_is_refused, '"{name}"'),
        ),
    ),
    Mutant(
        MISSING, RecordCheck, "sent_versions", frozenset(),
        (in_folder(of_records.test_a_record_without_a_version_is_found, of_records.RECORD | {"vector_version": None}),),
    ),
    Mutant(TEXT, check, "is_array_text", never, tuple(map(of_record, ("an array as JSON text", "names as JSON text")))),
    Mutant(LENGTH, check, "length_rule", no_rule, tuple(map(of_record, LENGTHS))),
    Mutant(NAMES, check, "names_rule", no_rule, (of_record(ORDER), of_file(ORDER))),
    Mutant(VERSION, check, "version_rule", no_rule, tuple(map(of_record, VERSIONS))),
    Mutant(VERSION, right_lines, "_one_of", lambda _: str, tuple(map(of_file, VERSIONS))),
    Mutant(LABELS, check, "labels_rule", no_rule, (of_record("an unknown label"),)),
    Mutant(MERGE, Listed, "left_out", nothing, MERGES),
    Mutant(MERGE, sql_check, "_owned", nothing, MERGES),
    Mutant(MERGE, read_dml, "_merge", nothing, MERGES),
    Mutant(
        MERGE, read_dml, "_insert", nothing,
        (in_folder(of_sql.test_what_a_statement_gets_wrong_is_found, "an INSERT that leaves a column out"),),
    ),
    Mutant(
        MERGE, writer_sql, "desired_table", fewer_columns, (in_folder(of_sql.test_every_column_is_named),)
    ),
    copies(name_lists.READERS, ".py", nothing, *with_suffix(".py")),
    copies(name_lists.READERS, ".sql", nothing, *with_suffix(".sql")),
    copies(name_lists.READERS, ".yaml", nothing, *with_suffix(".yaml")),
    copies(name_lists.READERS, ".yml", nothing, *with_suffix(".yml")),
    copies(name_lists, "_map", lambda _: name_lists.NameList(()), "an index map in Python", "a name map in Python"),
    Mutant(
        LISTS, name_lists, "_OFFSET", re.compile("(?!)"), (in_code(of_code.test_a_list_of_offsets_has_one_finding),)
    ),
    copies(name_lists, "_argument", lambda _, end: end, "values of an array in SQL"),
    copies(
        name_lists, "_read", name_lists._constant, "values of a row", "values of a row or 0", "attributes of a row",
        "values by index",
    ),
    copies(name_lists, "_entries", nothing, "entries with index and name"),
    copies(name_lists, "_pairs", nothing, "an index map in YAML"),
    copies(code_run._Vector, "_by_index", none, *(name for name in of_code.WRONG if "map" in name)),
    copies(code_run, "aligned", none, "a list in Python", "columns in SQL", "a list in YAML"),
    Mutant(
        LISTS, alignment, "_moved", nothing, (
            in_code(
                of_code.test_a_name_too_many_is_named_with_its_position,
                [*of_code.RIGHT, "usage"], "usage is in the list more than once, at position 6 too.",
            ),
        ),
    ),
    Mutant(
        LISTS, alignment, "_similar", nothing,
        (in_folder(of_code.test_a_typo_at_any_place_of_the_list_is_found, "N = {0!r}", 0),),
    ),
    in_export("jsonschema", '"additionalProperties": false', '"additionalProperties": true',
              *refused("jsonschema", "an unknown field", "an unknown field of a STRUCT")),
    in_export("jsonschema", r'"required": \[[^]]+\]', '"required": []', *refused("jsonschema", "a missing key")),
    in_export("jsonschema", '"minItems": 6', '"minItems": 0', *refused("jsonschema", "a shorter vector")),
    in_export("jsonschema", '"maxItems": 6', '"maxItems": 9', *refused("jsonschema", "a longer vector")),
    in_export("jsonschema", r'"enum": \[\s*\[\].*?\]\s*\]', '"type": "array"', *refused("jsonschema", ORDER)),
    in_export("jsonschema", r'"enum": \[\s*"v1".*?\]', '"type": "string"', *refused("jsonschema", VERSIONS[0])),
    in_export("pydantic", 'extra="forbid"', 'extra="ignore"',
              *refused("pydantic", "an unknown field", "an unknown field of a STRUCT")),
    in_export("pydantic", "player: str", "player: str | None = None", *refused("pydantic", *KEYS[:1])),
    in_export("pydantic", "min_length=6, max_length=6", "min_length=0", *refused("pydantic", *LENGTHS)),
    in_export("pydantic", r"AfterValidator\(_in_order\)", "0", *refused("pydantic", ORDER)),
    in_export("pydantic", "Literal\\['v1', 'v2'\\]", "str", *refused("pydantic", VERSIONS[0])),
    in_export("avro", '"type": "enum"', '"type": "string", "was": "enum"', *refused("avro", *VERSIONS)),
    Mutant(f"{EXPORTS}, avro", RecordCheck, "required", frozenset(), refused("avro", *KEYS)),
    *map(printed, FORMATS),
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_check_that_is_taken_out_fails_its_tests(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test passes with the check, and fails by its own assertion without it."""
    mutant.require_failures(monkeypatch)


def test_each_point_has_a_mutant() -> None:
    """None is left out, nor a type, a tool or a format."""
    points = {mutant.point for mutant in MUTANTS}
    assert {point.partition(", ")[0] for point in points} == {
        UNKNOWN, MISSING, TYPES, TEXT, LENGTH, NAMES, VERSION, LABELS, POSITIONS, MERGE, LISTS, EXPORTS, PRINTED,
    }  # fmt: skip
    assert points >= {f"{TYPES}, {kind}" for kind in (*ALIASES.values(), "ARRAY")}
    assert points >= {f"{PRINTED}, {form}" for form in FORMATS}
