"""Read a registry file into a Registry, or raise RegistryError with every problem of the file."""

from __future__ import annotations

import codecs
import json
import re
import stat
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Any

from fqtool.errors import RegistryError
from fqtool.findings.finding import Finding, Location
from fqtool.registry.assemble import assemble
from fqtool.registry.checks.explain_schema import explain
from fqtool.registry.checks.fast_schema import Fits, fits
from fqtool.registry.model import Registry
from fqtool.registry.shared import Beside, beside, extend
from fqtool.registry.yaml import yaml_errors as problems
from fqtool.registry.yaml.document import FINDINGS_LIMIT, read_document

SCHEMA = Path(__file__).with_name("schema.json")
SIZE_LIMIT = 8 * 1024 * 1024

_WIDE_MARKS = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
               (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))  # fmt: skip
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")


def read_registry(path: Path) -> Registry:
    """Read the registry at `path`.

    Args:
        path: A YAML or JSON file in UTF-8, at most 8 MiB.

    Returns:
        The registry.

    Raises:
        RegistryError: The file cannot be read, or has problems; its `findings` list every one.
    """
    text, findings = text_of(path)
    registry = None
    if text is not None:
        registry, findings = load_registry(text, str(path))
    if registry is None:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        message = findings[0].message if text is None else f"{path} has {count}."
        raise RegistryError(message, remedy=findings[0].remedy if text is None else "", findings=findings)
    return registry


def load_registry(text: str, path: str, reading: Beside | None = None) -> tuple[Registry | None, tuple[Finding, ...]]:
    """Read registry text.

    Args:
        text: The content of a registry file.
        path: The name of the file, for the places of findings.
        reading: Reads the file that it extends; by default from disk.

    Returns:
        The registry, or None if there is a finding; and the findings, in the order of the file.
    """
    document = read_document(text.removeprefix("\ufeff"), path)
    findings = list(document.findings)
    of_shared = extend(document, schema(), reading or beside(path, text_of))
    findings += of_shared
    if document.data is not None and not of_shared and not _fits()(document.data):
        reported = {finding.location for finding in findings}
        errors = list(islice(explain(document, schema()), FINDINGS_LIMIT))
        same_place = {error.location: error for error in errors if error.location in reported}
        findings = [_with_schema_remedy(finding, same_place.get(finding.location)) for finding in findings]
        findings += (error for error in errors if error.location not in reported)
    if document.data is None and not findings:
        findings += problems.empty_file(document.location(0))
    if findings:
        return None, _in_order(findings)
    registry, late = assemble(document)
    return (None if late else registry), late


def _with_schema_remedy(found: Finding, schema_error: Finding | None) -> Finding:
    """Quotes help only where the schema expects text. Where it expects a truth value, yes and no become one."""
    if schema_error is None or found.rule != problems.AMBIGUOUS:
        return found
    expected = schema_error.message if schema_error.rule == "FQ015" else ""
    truth = {"yes": "true", "on": "true", "no": "false", "off": "false", "true": "true", "false": "false"}
    word = truth.get(found.subject.lower()) if "must be true or false" in expected else None
    patch = tuple(replace(one, text=word) for one in found.patch) if word else ()
    if "number" in expected:
        return replace(found, patch=patch, remedy="Write it in plain digits, such as 95 or 0.5.")
    return replace(found, patch=patch, remedy=f"Write {word}." if word else schema_error.remedy or found.remedy)


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of a registry together with the file that it extends.

    For editors, the schema file allows a registry with `extends` to lack sections. Together they must be complete.
    """
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    required = {*loaded["required"], *loaded.pop("anyOf")[0]["required"]}
    return loaded | {"required": [key for key in loaded["properties"] if key in required]}


@cache
def _fits() -> Fits:
    return fits(schema())


def _in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda found: found.location or Location("")))


def text_of(path: Path) -> tuple[str | None, tuple[Finding, ...]]:
    """Return the text of a file, or None and the findings with the reason.

    Args:
        path: The file. Only regular files are opened: a pipe would block.
    """
    at = Location(str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return None, problems.unreadable_file(at, f"{path} is a folder")
        if not stat.S_ISREG(status.st_mode):
            return None, problems.unreadable_file(at, f"{path} is not a regular file")
        if status.st_size > SIZE_LIMIT:
            return None, problems.file_too_large(at, status.st_size, SIZE_LIMIT)
        raw = path.read_bytes()
    except FileNotFoundError:
        create = problems.small_registry(str(path), first="Name the file with --registry, or create one:")
        return None, problems.unreadable_file(at, f"{path} does not exist", create)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if isinstance(error, PermissionError):
            let = f"Let your user read the file and enter its folder, such as by chmod u+r {quote(str(path))}."
            return None, problems.unreadable_file(at, f"{path}: {why}", let)
        return None, problems.unreadable_file(at, f"{path}: {why}")
    return decoded(raw, str(path))


def decoded(raw: bytes, path: str) -> tuple[str | None, tuple[Finding, ...]]:
    """Decode the bytes of a registry file.

    Args:
        raw: The bytes of the file. A UTF-8 byte order mark is dropped.
        path: The name of the file, for the places of findings.

    Returns:
        The text, or None and a finding where the bytes are not UTF-8.
    """
    at = Location(path, 1, 1)
    for mark, name in _WIDE_MARKS:
        if raw.startswith(mark):
            return None, problems.wrong_encoding(at, f"it begins with the byte order mark of {name}")
    # Text in UTF-16 has zero bytes, but hardly two together; text of an old code page has no control characters.
    binary = Location(path), "it is a binary file", "Is it the registry? Name the registry with --registry."
    if b"\0\0" in raw:
        return None, problems.wrong_encoding(*binary)
    if b"\0" in raw:
        return None, problems.wrong_encoding(at, "it contains zero bytes, as UTF-16 and binary files do")
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        if _CONTROL.search(raw):
            return None, problems.wrong_encoding(*binary)
        before = raw[: error.start].decode("utf-8-sig", "replace")
        line = before.count("\n") + 1
        place = Location(path, line, len(before) - before.rfind("\n"))
        return None, problems.wrong_encoding(place, f"byte 0x{raw[error.start]:02X} is not valid UTF-8")
