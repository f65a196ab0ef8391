"""Which findings about a registry are told: what the team chose under `validate:`, and what comments silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fqtool.finding import RULES, Finding, Location
from fqtool.registry.comments import Comment, comments
from fqtool.registry.model import Registry


@dataclass(frozen=True, slots=True)
class Silences:
    """The comments of a registry; the codes of each that silence nothing; `refused` under `validate: ignore`."""

    comments: tuple[Comment, ...] = ()
    unused: tuple[tuple[Comment, tuple[str, ...]], ...] = ()
    refused: tuple[tuple[str, Location], ...] = ()
    lines: tuple[str, ...] = ()


def silenced(registry: Registry, findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], Silences]:
    """Return the findings that are told, and what became of the silences."""
    kept = [one for one in findings if chosen(registry, one.rule)]
    document = registry.document
    if document is None:
        return tuple(kept), Silences()
    said = comments(document)
    by_line = {(one.about, code): one for one in said if one.verb == "ignore" for code in one.codes}
    told, used = [], set[tuple[int, str]]()
    for found in kept:
        key = (found.location.line if found.location else 0, found.rule)
        if key in by_line and not _firm(found.rule):
            used.add(key)
        else:
            told.append(found)
    unused = [(one, tuple(code for code in one.codes if _idle(registry, one, code, used))) for one in said]
    refused = tuple(
        (code, document.at(("validate", "ignore", number)))
        for number, code in enumerate(registry.validate.ignore)
        if _firm(code)
    )
    listed = tuple((one, codes) for one, codes in unused if codes)
    return tuple(told), Silences(said, listed, refused, tuple(document.lines) if said else ())


def chosen(registry: Registry, code: str) -> bool:
    """Whether findings of a rule are told: firm ones are, of the others the longest beginning named decides."""
    if _firm(code):
        return True
    select, ignore = (
        max((len(one) for one in listed if code.startswith(one)), default=-1)
        for listed in (registry.validate.select, registry.validate.ignore)
    )
    return select > ignore


def _firm(code: str) -> bool:
    return code in RULES and RULES[code].firm


def _idle(registry: Registry, one: Comment, code: str, used: set[tuple[int, str]]) -> bool:
    """Whether a code silences nothing; of rules that are unknown, firm, not chosen or dated nothing can be said."""
    known = RULES.get(code)
    if one.verb != "ignore" or known is None or known.firm or known.dated:
        return False
    return (one.about, code) not in used and chosen(registry, code)
