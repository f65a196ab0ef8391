"""What may be wrong with a generated file in the repository."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Location, rule


@rule("FQ407")
def stale_schema_file(name: str, sentence: str, remedy: str = "", line: int = 0) -> Iterator[Finding]:
    """A generated file is not what the registry generates.

    Problem: a file in the repository differs from what `generate-schema`, `export` or `docs` writes now.

    Why: the registry was edited and the file not generated again, or the file was edited by hand.

    Example: a description changed in the registry.

    Fix: run the same command without `--check`, e.g. `fqtool generate-schema --out FILE`, and commit the file.
    """
    yield Finding(
        name, sentence, remedy=remedy or f"fqtool generate-schema --out {name}", location=Location(name, line)
    )
