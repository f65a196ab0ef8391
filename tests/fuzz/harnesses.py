"""One harness for each kind of input: any bytes end in a result or in a FqtoolError, and quickly.

A harness does what the command does with a file's bytes, and goes on with what was read: prints it, plans from it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from fqtool.commands.generate_schema.run import generated_schema
from fqtool.commands.init.run import scaffold_contract, scaffold_ddl, scaffold_schema
from fqtool.commands.models.feature_list import read_feature_list
from fqtool.commands.models.run import judge_list
from fqtool.commands.validate.run import fixed
from fqtool.errors import FqtoolError
from fqtool.expressions.expression import render
from fqtool.expressions.grammar import parse_expression
from fqtool.expressions.names import Names
from fqtool.expressions.typecheck import infer
from fqtool.expressions.value_types import FLOAT64, INT64, STRING
from fqtool.findings.finding import Finding
from fqtool.lint.check import check_registry
from fqtool.migrations.checksums import checksums, mismatches, proven_contract
from fqtool.migrations.contract import breaks, contract_text, read_contract
from fqtool.migrations.files import read_file, recorded_state
from fqtool.migrations.ledger import COLUMNS, TABLE, entries_of, leases, revisions
from fqtool.registry.load import decoded, load_registry
from fqtool.table.schema_json import schema_json
from fqtool.warehouse.duckdb.scorer import DuckDBScorer, scorer_of
from fqtool.warehouse.files import read_text
from fqtool.warehouse.target import open_target
from tests.stores import small_registry

Harness = Callable[[bytes], None]
CORPUS = Path(__file__).parent / "corpus"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
_FOLDER = Path(tempfile.gettempdir())


def registry(data: bytes) -> None:
    """A registry's text is read, checked, fixed, and makes a schema."""
    text, findings = decoded(data, "registry.yaml")
    if text is not None:
        loaded, findings = load_registry(text, "registry.yaml")
        if loaded is not None:
            findings = check_registry(loaded, date(2026, 6, 1))
            if not findings:
                json.loads(generated_schema(loaded, full=True))
        fixed(text, "registry.yaml", date(2026, 6, 1))
    _printed(findings)


def migration(data: bytes) -> None:
    """A migration file is parsed, and folded with itself alone."""
    file = read_file("0000_first.sql", _text(data))
    state = recorded_state([file])
    if state.table:
        schema_json(state.table.columns)


def history(data: bytes) -> None:
    """The checksums and the contract beside the migrations are compared with what is there."""
    text = _text(data)
    file = read_file("0000_first.sql", "CREATE TABLE `t` (`a` INT64);")
    features = small_registry().features
    written = contract_text(features)
    assert mismatches([file], text, written) or text in (checksums([file]), checksums([file], written))
    assert mismatches([file], checksums([file], written), text) or text == written
    assert proven_contract(features, text) in (None, *(contract_text(features[:count]) for count in range(4)))
    contract = read_contract(text)
    assert list(breaks(contract, features)) or True
    contract_text(features).encode()


def ledger(data: bytes) -> None:
    """Rows of the ledger as a table with its types can hold them: whole numbers, texts, NULL."""
    rows = []
    for line in data.splitlines()[:50]:
        cells = line.split(b",")
        cells += [b""] * (len(COLUMNS) - len(cells))
        rows.append({one.name: _cell(one.sql_type, raw) for one, raw in zip(TABLE.columns, cells, strict=False)})
    entries = entries_of(rows)
    revisions(entries)
    leases(entries)


def _cell(kind: str, raw: bytes) -> object:
    if not raw and "NOT NULL" not in kind:
        return None
    if kind.startswith("INT64"):
        return int.from_bytes(raw[:8], "big", signed=True)
    if kind.startswith("TIMESTAMP"):
        return datetime.fromtimestamp(int.from_bytes(raw[:4], "big"), UTC)
    return raw.decode("utf-8", "replace")


def schema(data: bytes) -> None:
    """`init --from-schema` of a file."""
    scaffold_schema(_file(data, "schema.json"), "t")


def ddl(data: bytes) -> None:
    """`init --from-ddl` of a file."""
    scaffold_ddl(_file(data, "create.sql"))


def contract(data: bytes) -> None:
    """`init --from-contract` of a file."""
    scaffold_contract(_file(data, "contract.yaml"))


def rows(data: bytes) -> None:
    """`score --input` of NDJSON: what is unreadable is set aside, and what comes out is JSON."""
    source, out = _file(data, "rows.ndjson"), _FOLDER / f"fqtool-fuzz-{_process()}.out.ndjson"
    for rejects in (None, out.with_suffix(".rejects")):
        with suppress(FqtoolError):
            _scorer().file(source, out, NOW, rejects)
            for line in out.read_text().splitlines():
                json.loads(line)


def feature_list(data: bytes) -> None:
    """`models --file`: the list is compared with the registry."""
    judged = judge_list(small_registry(), read_feature_list(_text(data), "features.json"))
    _printed(judged.findings)


def expression(data: bytes) -> None:
    """What is read as an expression renders to text that is read as the same, and holds no statement's end."""
    made = parse_expression(_text(data))
    if infer(made, _names())[1]:
        return  # `validate` refuses it, and everything else refuses what validate refuses
    text = render(made)
    assert render(parse_expression(text)) == text


def target(data: bytes) -> None:
    """A target's URL is opened, which connects nothing."""
    open_target(_text(data))


HARNESSES: dict[str, Harness] = {
    one.__name__: one
    for one in (
        registry, migration, history, ledger, schema, ddl, contract, rows, feature_list, expression, target,
    )
}  # fmt: skip


def run(name: str, data: bytes) -> None:
    """Let a harness have the bytes; what fqtool raises on purpose is not a failure, and is text that can be printed."""
    try:
        HARNESSES[name](data)
    except FqtoolError as error:
        str(error).encode()
        _printed(error.findings)


def seeds(name: str) -> list[bytes]:
    """The corpus of a harness."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def _printed(findings: tuple[Finding, ...]) -> None:
    for one in findings:
        f"{one.subject} {one.message} {one.cause} {one.remedy!s}".encode()


def _process() -> int:
    import os

    return os.getpid()


def _file(data: bytes, name: str) -> Path:
    path = _FOLDER / f"fqtool-fuzz-{_process()}-{name}"
    path.write_bytes(data)
    return path


def _text(data: bytes) -> str:
    return read_text(_file(data, "text"))


@cache
def _names() -> Names:
    return Names({"a": INT64, "score": FLOAT64, "item": STRING}, per_feature=True)


@cache
def _scorer() -> DuckDBScorer:
    return scorer_of(small_registry())
