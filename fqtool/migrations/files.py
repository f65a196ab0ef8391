"""Migration files: plain GoogleSQL with a header of comments.

    -- fqtool migration 0001: add 120 columns
    -- made-for: 5f0c...            fingerprint of the table it was planned for
    -- makes: 91be...               fingerprint of the table it leaves
    -- hazards: none

    -- 1. the registry has 120 columns that the table does not have
    --    rollback: ALTER TABLE ...
    ALTER TABLE ...;

Lines that begin with `--> ` contain a change that tables.patch makes, because BigQuery has no statement for it.
Lines that begin with `--| ` contain an adopted statement: its effect was found in the table, so it is checked and not
run. Pure functions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from fqtool.errors import InputError, MigrationError
from fqtool.findings.remedy import commands
from fqtool.migrations.backup import backup_lines
from fqtool.migrations.plan import Plan, why
from fqtool.registry.merge_markers import conflict_line
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.changes import Change, fold
from fqtool.table.ddl import Statement
from fqtool.table.model import Inapplicable, State
from fqtool.table.parse import parse_script

_NAME = re.compile(r"(?P<version>\d{4,})_(?P<slug>[a-z0-9_]+)\.sql")
_HEADER = re.compile(r"-- (?P<key>made-for|makes|hazards): (?P<value>.*)")
_ADOPTED = "--| "
_WIDTH = 110
BY_PATCH = "by tables.patch, because BigQuery has no statement for it"


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One migration file.

    Attributes:
        version: the number in its name, such as "0001".
        name: the name of the file.
        text: the whole text.
        statements: the statements, adopted ones first.
        made_for: the fingerprint of the table before the file, "" where the header has none.
        makes: the fingerprint of the table after the file.
    """

    version: str
    name: str
    text: str
    statements: tuple[Statement, ...]
    made_for: str = ""
    makes: str = ""

    @property
    def is_written_by_fqtool(self) -> bool:
        """Whether fqtool wrote the file, by its first lines."""
        return is_written_by_fqtool(self.name, self.text)

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hex."""
        return _sha256(self.text)

    @property
    def partial_hashes(self) -> tuple[str, ...]:
        """One hash per statement, each over all statements up to it. The ledger compares them after a failed run."""
        texts = (f"{statement.adopted}{statement.sql}" for statement in self.statements)
        return tuple(accumulate(texts, lambda before, text: _sha256(f"{before}{text}"), initial=""))[1:]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes of the file in order."""
        return tuple(change for statement in self.statements for change in statement.changes)


def is_written_by_fqtool(name: str, text: str) -> bool:
    """Return whether a file has the first line of `write_file`, also with another number or with a merge conflict."""
    title = name.removesuffix(".sql").partition("_")[2].replace("_", " ")
    return re.search(rf"^-- fqtool migration \d+: {re.escape(title)}$", text, re.MULTILINE) is not None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_file(version: str, slug: str, plan: Plan, *, origin: str = "") -> MigrationFile:
    """Render a plan as a migration file. `origin` is what it was made from, for readers."""
    title = slug.replace("_", " ")
    hazards = sorted({hazard.rule for hazard in plan.hazards})
    lines = [
        f"-- fqtool migration {version}: {title}",
        f"-- made-for: {plan.made_for}",
        f"-- makes: {plan.makes}",
        f"-- hazards: {', '.join(hazards) or 'none'}",
        *([f"-- imported from: {_one_line(origin)}"] if origin else []),
        *(f"-- {line}" for line in (*backup_lines(version, plan), *plan.notes)),
    ]
    for number, statement in enumerate(plan.statements, 1):
        lines += ["", f"-- {number}. {_one_line(statement.why)}"]
        lines += [f"--    {hazard.rule}: {_one_line(hazard.message)}" for hazard in statement.hazards]
        if statement.by_patch:
            lines.append(f"--    {BY_PATCH}")
        lines.append(f"--    rollback: {_shortened(statement.way_back)}")
        if statement.adopted:
            lines += [f"{_ADOPTED}{line}" for line in f"{statement.sql};".splitlines()]
        else:
            lines.append(f"{statement.sql};")
    text = "\n".join(lines) + "\n"
    return MigrationFile(version, f"{version}_{slug}.sql", text, plan.statements, plan.made_for, plan.makes)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shortened(text: str) -> str:
    """The comment is one line; `migrate plan` prints the whole rollback."""
    line = _one_line(text)
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 4]} ..."


def read_file(name: str, text: str, folder: str = "migrations") -> MigrationFile:
    """Parse one migration file.

    Args:
        name: the name of the file.
        text: its text.
        folder: the folder, for messages.

    Raises:
        MigrationError: the file is not a migration; the message has file, line and column.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise MigrationError(
            f"`{name}` is not a valid name of a migration.",
            remedy="Name it like 0002_add_columns.sql: version, words, .sql.",
        )
    if line := conflict_line(text.splitlines()):
        raise MigrationError(
            f"{folder}/{name}, line {line}: the file has a merge conflict.", remedy=commands("migrate plan --redo")
        )
    header = {line["key"]: line["value"] for line in map(_HEADER.fullmatch, text.splitlines()) if line}
    adopted_text = "\n".join(
        line.removeprefix(_ADOPTED) if line.startswith(_ADOPTED) else "" for line in text.splitlines()
    )
    try:
        adopted = [Statement(p.sql, p.changes, why(p.changes), adopted=True) for p in parse_script(adopted_text)]
        run = [Statement(p.sql, p.changes, why(p.changes)) for p in _unqualified(text)]
    except InputError as error:
        raise MigrationError(f"{name}: {error.message}", remedy=error.remedy) from None
    return MigrationFile(
        match["version"], name, text, (*adopted, *run), header.get("made-for", ""), header.get("makes", "")
    )


def _unqualified(text: str) -> Iterable[Statement]:
    """The statements of a file, which must not name a project or dataset, because a file fits every target."""
    for parsed in parse_script(text):
        if len(parsed.path) > 1:
            raise InputError(
                f"the statement names {'.'.join(parsed.path)}.",
                remedy=f"Write only `{parsed.name}`: the target gives project and dataset.",
            )
        yield Statement(parsed.sql, parsed.changes)


def read_files(texts: Mapping[str, str], folder: str = "migrations") -> tuple[MigrationFile, ...]:
    """Parse the .sql files of a folder, in version order.

    Args:
        texts: name -> text of the files.
        folder: the folder, for messages.

    Raises:
        MigrationError: a file is invalid, a version is missing, or two files have the same version.
    """
    files = [read_file(name, text, folder) for name, text in sorted(texts.items()) if name.endswith(".sql")]
    for number, file in enumerate(files):
        if int(file.version) < number:
            raise _same_version(files[number - 1], file)
        if int(file.version) > number:
            raise MigrationError(
                f"Version {number:04d} is missing before `{file.name}`; versions have no gaps.",
                remedy="Restore the missing file from version control.",
            )
    return tuple(files)


def _same_version(*files: MigrationFile) -> MigrationError:
    """Return the error for two files of one version."""
    message = f"{' and '.join(file.name for file in files)} both have version {files[0].version}"
    foreign = next((file.name for file in files if not file.is_written_by_fqtool), None)
    if foreign:
        return MigrationError(
            f"{message}; fqtool did not write `{foreign}`.",
            remedy=f"Describe its change in the registry and move `{foreign}` out of the folder.",
        )
    rebuilds = any(isinstance(change, RenameTable) for file in files for change in file.changes)
    again = "migrate plan --redo --rebuild" if rebuilds else "migrate plan --redo"
    return MigrationError(f"{message}; two branches planned it.", remedy=commands(again))


def recorded_state(files: Iterable[MigrationFile]) -> State:
    """Return the state after all files.

    Raises:
        MigrationError: a file does not fit the state before it.
    """
    state = State()
    for file in files:
        state = after(state, file)
    return state


def after(state: State, file: MigrationFile) -> State:
    """Return the state after one file.

    Raises:
        MigrationError: the file does not fit the state.
    """
    try:
        return fold(state, file.changes)
    except Inapplicable as error:
        raise MigrationError(
            f"`{file.name}` does not fit the table that earlier files create: {error}.",
            remedy="Restore the folder from version control, and remove files that are not in it.",
        ) from None
