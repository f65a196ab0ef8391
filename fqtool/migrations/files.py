"""Migration files: plain GoogleSQL with a header of comments, and the checksums that make history final.

    -- fqtool migration 0001: add 120 columns
    -- made-for: 5f0c...            fingerprint of the table it was planned for
    -- makes: 91be...               fingerprint of the table it leaves
    -- hazards: none

    -- 1. the registry has 120 columns that the table has not
    --    way back: ALTER TABLE ...
    ALTER TABLE ...;

Lines that begin with `--| ` hold an adopted statement: what it makes was found in the table and is checked there,
not run. Pure: text in, values out, and back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fqtool.errors import InputError, MigrationError
from fqtool.migrations.plan import Plan, why
from fqtool.table.changes import Change, Inapplicable, fold
from fqtool.table.model import State
from fqtool.table.parse import parse_script
from fqtool.table.statement import Statement

CHECKSUMS = "checksums.txt"
_NAME = re.compile(r"(?P<version>\d{4,})_(?P<slug>[a-z0-9_]+)\.sql")
_HEADER = re.compile(r"-- (?P<key>made-for|makes|hazards): (?P<value>.*)")
_ADOPTED = "--| "
_WIDTH = 110


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One file: its version ("0001"), name, text, and the statements in it, adopted ones first."""

    version: str
    name: str
    text: str
    statements: tuple[Statement, ...]
    made_for: str = ""
    makes: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def partial_hashes(self) -> tuple[str, ...]:
        """One hash per statement, each over all before it: what the ledger compares after a broken run."""
        made, sofar = [], ""
        for statement in self.statements:
            sofar = hashlib.sha256(f"{sofar}{statement.adopted}{statement.sql}".encode()).hexdigest()
            made.append(sofar)
        return tuple(made)

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes of the file in order."""
        return tuple(change for statement in self.statements for change in statement.changes)


def write_file(version: str, slug: str, plan: Plan) -> MigrationFile:
    """Render a plan as a migration file."""
    title = slug.replace("_", " ")
    hazards = sorted({found.rule for found in plan.hazards})
    lines = [
        f"-- fqtool migration {version}: {title}",
        f"-- made-for: {plan.made_for}",
        f"-- makes: {plan.makes}",
        f"-- hazards: {', '.join(hazards) or 'none'}",
    ]
    for number, statement in enumerate(plan.statements, 1):
        lines += ["", f"-- {number}. {_one_line(statement.why)}"]
        lines += [f"--    {found.rule}: {_one_line(found.message)}" for found in statement.hazards]
        lines.append(f"--    way back: {_shortened(statement.way_back)}")
        if statement.adopted:
            lines += [f"{_ADOPTED}{line}" for line in f"{statement.sql};".splitlines()]
        else:
            lines.append(f"{statement.sql};")
    text = "\n".join(lines) + "\n"
    return MigrationFile(version, f"{version}_{slug}.sql", text, plan.statements, plan.made_for, plan.makes)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shortened(text: str) -> str:
    """A comment names the way back; `migrate plan` prints it whole."""
    line = _one_line(text)
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 4]} ..."


def read_file(name: str, text: str) -> MigrationFile:
    """Parse one migration file. Raises MigrationError with file, line and column."""
    found = _NAME.fullmatch(name)
    if not found:
        raise MigrationError(
            f"{name} is not a migration's name.", remedy="Name it like 0002_add_columns.sql: version, words, .sql."
        )
    header = {match["key"]: match["value"] for match in map(_HEADER.fullmatch, text.splitlines()) if match}
    kept = "\n".join(line.removeprefix(_ADOPTED) if line.startswith(_ADOPTED) else "" for line in text.splitlines())
    try:
        adopted = [Statement(one.sql, one.changes, why(one.changes), adopted=True) for one in parse_script(kept)]
        run = [Statement(one.sql, one.changes, why(one.changes)) for one in _unqualified(text)]
    except InputError as error:
        raise MigrationError(f"{name}: {error.message}", remedy=error.remedy) from None
    return MigrationFile(
        found["version"], name, text, (*adopted, *run), header.get("made-for", ""), header.get("makes", "")
    )


def _unqualified(text: str) -> Iterable[Statement]:
    """A file fits every target, so it names no project and no dataset."""
    for one in parse_script(text):
        if len(one.path) > 1:
            raise InputError(
                f"the statement names {'.'.join(one.path)}.",
                remedy=f"Write {one.name} alone: the target gives project and dataset.",
            )
        yield Statement(one.sql, one.changes)


def read_files(texts: Mapping[str, str]) -> tuple[MigrationFile, ...]:
    """Parse a folder's .sql files by name, in version order. Raises MigrationError for the first that is wrong."""
    files = [read_file(name, text) for name, text in sorted(texts.items()) if name.endswith(".sql")]
    for number, file in enumerate(files):
        if int(file.version) != number:
            twice = int(file.version) < number
            raise MigrationError(
                f"{file.name}: version {file.version} stands where {number:04d} is due.",
                remedy="Two branches planned it: delete the one that ran nowhere, then fqtool migrate plan."
                if twice
                else "Versions run without gaps from 0000: restore the missing file.",
            )
    return tuple(files)


def checksums(files: Iterable[MigrationFile]) -> str:
    """Return the text of the checksum file: a line per migration, and one over all of them."""
    lines = [f"sha256:{file.hash}  {file.name}" for file in files]
    total = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    head = "# Written by fqtool migrate plan. A changed line is changed history."
    return "\n".join([head, *lines, f"total:{total}", ""])


def edited(files: Iterable[MigrationFile], recorded: str) -> tuple[str, ...]:
    """Return what is wrong between the files and the recorded checksums, as sentences; () when all agree."""
    files = tuple(files)
    lines = (line.partition("  ") for line in recorded.splitlines() if line.startswith("sha256:"))
    known = {name: checksum for checksum, _, name in lines}
    wrong = [
        f"{file.name} was edited after it was written"
        if file.name in known
        else f"{file.name} is not among the checksums"
        for file in files
        if known.get(file.name) != f"sha256:{file.hash}"
    ]
    there = {file.name for file in files}
    wrong += [f"{name} is among the checksums but not in the folder" for name in known if name not in there]
    if not wrong and recorded != checksums(files):
        wrong.append(f"{CHECKSUMS} itself was edited")
    return tuple(wrong)


def recorded_state(files: Iterable[MigrationFile]) -> State:
    """Return the state that all files together make. Raises MigrationError where one does not fit the next."""
    state = State()
    for file in files:
        state = after(state, file)
    return state


def after(state: State, file: MigrationFile) -> State:
    """Return the state after one file. Raises MigrationError naming the file and what does not fit."""
    try:
        return fold(state, file.changes)
    except Inapplicable as error:
        raise MigrationError(
            f"{file.name} does not fit what the files before it make: {error}.",
            remedy="Restore the folder from version control.",
        ) from None
