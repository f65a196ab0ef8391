"""A registry file in, a Registry out, or RegistryError with every problem of the file at once; never anything else."""

from __future__ import annotations

import codecs
import json
import stat
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from fqtool.errors import RegistryError
from fqtool.finding import Finding, Location
from fqtool.registry import problems
from fqtool.registry.assemble import assemble
from fqtool.registry.document import FINDINGS_LIMIT, read_document
from fqtool.registry.explain import explain
from fqtool.registry.model import Registry
from fqtool.registry.shape import Fits, fits

SCHEMA = Path(__file__).with_name("schema.json")
SIZE_LIMIT = 8 * 1024 * 1024

_WIDE_MARKS = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
               (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))  # fmt: skip


def read_registry(path: Path) -> Registry:
    """Read the registry at `path`. Raises RegistryError that carries every problem found."""
    text, findings = _text_of(path)
    registry = None
    if text is not None:
        registry, findings = load_registry(text, str(path))
    if registry is None:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        message = findings[0].message if text is None else f"{path} has {count}."
        raise RegistryError(message, remedy=findings[0].remedy if text is None else "", findings=findings)
    return registry


def load_registry(text: str, path: str) -> tuple[Registry | None, tuple[Finding, ...]]:
    """Read registry text; `path` is only named in findings. The Registry is None where there are findings."""
    document = read_document(text.removeprefix("\ufeff"), path)
    findings = list(document.findings)
    if document.data is not None and not _fits()(document.data):
        told = {found.location for found in findings}
        misfits = list(islice(explain(document, schema()), FINDINGS_LIMIT))
        unfit = {one.location: one for one in misfits if one.location in told}
        findings = [_as_wanted(one, unfit.get(one.location)) for one in findings]
        findings += (one for one in misfits if one.location not in told)
    if document.data is None and not findings:
        findings += problems.empty_file(document.location(0))
    if findings:
        return None, _in_order(findings)
    registry, late = assemble(document)
    return (None if late else registry), late


def _as_wanted(found: Finding, misfit: Finding | None) -> Finding:
    """Quotes mend nothing where no text is wanted; yes and no are truth values where one is."""
    if misfit is None or found.rule != problems.AMBIGUOUS:
        return found
    wanted = misfit.message if misfit.rule == "FQ015" else ""
    truth = {"yes": "true", "on": "true", "no": "false", "off": "false", "true": "true", "false": "false"}
    word = truth.get(found.subject.lower()) if "must be true or false" in wanted else None
    patch = tuple(replace(one, text=word) for one in found.patch) if word else ()
    if "number" in wanted:
        return replace(found, patch=patch, remedy="Write it in plain digits, such as 95 or 0.5.")
    return replace(found, patch=patch, remedy=f"Write {word}." if word else misfit.remedy or found.remedy)


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of registry files."""
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


@cache
def _fits() -> Fits:
    return fits(schema())


def _in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda found: found.location or Location("")))


def _text_of(path: Path) -> tuple[str | None, tuple[Finding, ...]]:
    """Only regular files are opened: a pipe would block for ever."""
    at = Location(str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return None, problems.unreadable_file(at, f"{path} is a directory")
        if not stat.S_ISREG(status.st_mode):
            return None, problems.unreadable_file(at, f"{path} is not a regular file")
        if status.st_size > SIZE_LIMIT:
            return None, problems.file_too_large(at, status.st_size, SIZE_LIMIT)
        raw = path.read_bytes()
    except FileNotFoundError:
        return None, problems.unreadable_file(at, f"{path} does not exist")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return None, problems.unreadable_file(at, f"{path}: {why}")
    return decoded(raw, str(path))


def decoded(raw: bytes, path: str) -> tuple[str | None, tuple[Finding, ...]]:
    """Return the bytes as text; a UTF-8 byte order mark is dropped, every other encoding refused."""
    at = Location(path, 1, 1)
    for mark, name in _WIDE_MARKS:
        if raw.startswith(mark):
            return None, problems.wrong_encoding(at, f"it begins with a byte order mark of {name}")
    if b"\0" in raw:
        return None, problems.wrong_encoding(at, "it holds zero bytes, as UTF-16 and binary files do")
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", "replace")
        line = before.count("\n") + 1
        place = Location(path, line, len(before) - before.rfind("\n"))
        return None, problems.wrong_encoding(place, f"byte 0x{raw[error.start]:02X} is none that UTF-8 allows here")
