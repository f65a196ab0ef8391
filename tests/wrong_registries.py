"""Wrong registries as text files: what is changed in the small valid one, and exactly what is found then.

A file begins with a sentence about the mistake; sections follow, each after a line `-- name --`. `replace` and `with`,
in pairs, change tests/cases/registry/minimal.yaml; `registry` is a whole file instead. `today` is the day that dates
are compared with. `encoding` is how the bytes are written, `size` how many there are at least, and `absent` means
where there is no file. In `with`, <<text x 3>> is the text three times, {n} in it counting from 0. `findings` has a
line `FQ101 12:5` for each finding.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fqtool.commands.validate.run import validated
from fqtool.errors import RegistryError
from fqtool.findings.finding import Finding

FOLDER = Path(__file__).parent / "cases" / "wrong"
MINIMAL = (Path(__file__).parent / "cases/registry/minimal.yaml").read_text(encoding="utf-8")
_HEADING = re.compile(r"^-- (\w+) --\n", re.MULTILINE)
_REPEATED = re.compile(r"<<(.*?) x (\d+)>>", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """One file: its sections in order, as name and text."""

    path: Path
    sections: tuple[tuple[str, str], ...]

    def all_of(self, name: str) -> list[str]:
        """The texts of the sections of a name."""
        return [text for found, text in self.sections if found == name]

    def one(self, name: str, default: str) -> str:
        """The only section of a name, without its last line's end."""
        return (self.all_of(name) or [default])[0].rstrip("\n")

    @property
    def expected(self) -> list[str]:
        """The findings, a line each."""
        return self.one("findings", "").split("\n") if self.one("findings", "") else []

    def text(self) -> str:
        """The wrong registry."""
        if whole := self.all_of("registry"):
            return whole[0]
        text = MINIMAL
        for old, new in zip(self.all_of("replace"), self.all_of("with"), strict=True):
            assert old.rstrip("\n") in text, (self.path, old)
            text = text.replace(old.rstrip("\n"), _REPEATED.sub(_many, new).rstrip("\n"), 1)
        return text

    def write(self, folder: Path) -> Path:
        """Put the registry into a folder."""
        path = folder / "registry.yaml"
        if not self.all_of("absent"):
            raw = self.text().encode(self.one("encoding", "utf-8"))
            path.write_bytes(raw.ljust(int(self.one("size", "0")), b"#"))
        return path


def _many(found: re.Match[str]) -> str:
    return "".join(found[1].replace("{n}", str(number)) for number in range(int(found[2])))


def cases() -> list[Case]:
    """Every case there is."""
    return [read_case(path) for path in sorted(FOLDER.glob("*.txt"))]


def read_case(path: Path) -> Case:
    """Read one file."""
    _, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
    return Case(path, tuple(zip(parts[::2], parts[1::2], strict=True)))


def found_in(case: Case, folder: Path) -> list[str]:
    """What validate finds, a line each; FQTOOL_RENEW=1 writes it into the file."""
    found = [line(one) for one in findings_of(case, folder)]
    if os.environ.get("FQTOOL_RENEW"):
        before = case.path.read_text(encoding="utf-8").partition("-- findings --\n")[0]
        case.path.write_text(before + "-- findings --\n" + "".join(f"{one}\n" for one in found), encoding="utf-8")
    return found


def findings_of(case: Case, folder: Path) -> tuple[Finding, ...]:
    """What validate finds."""
    try:
        return validated(case.write(folder), date.fromisoformat(case.one("today", "2026-02-10")))
    except RegistryError as error:
        return error.findings


def line(found: Finding) -> str:
    """A finding as it is written in a case."""
    assert found.location is not None
    return f"{found.rule} {found.location.line}:{found.location.column}"
