"""A target's URL, and the warehouse it leads to. A new warehouse is one file and one line in SCHEMES."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn, cast
from urllib.parse import parse_qsl, urlencode

from fqtool.errors import UsageError
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Target:
    """Where the tables live. `kind` is the URL's scheme; a file has a `path`, a cloud project and dataset."""

    kind: str
    path: str = ""
    project: str = ""
    dataset: str = ""
    location: str | None = None

    @property
    def url(self) -> str:
        """The URL in its one canonical spelling."""
        options = {"location": self.location} if self.location else {}
        place = f"/{self.path}" if self.path else f"{self.project}/{self.dataset}"
        return f"{self.kind}://{place}" + (f"?{urlencode(options)}" if options else "")


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a kind of target is written and opened.

    `shape` matches what follows `://`, its groups named as Target's fields; `options` are the query options;
    `factory` is called with `arguments`, named out of Target's fields, `url` and `timeout`.
    """

    shape: str
    example: str
    factory: tuple[str, str]
    arguments: tuple[str, ...]
    options: tuple[str, ...] = ()


# As in SQLAlchemy, the third slash ends the empty host: a fourth begins an absolute path.
SCHEMES = {
    "duckdb": Scheme(
        r"/(?P<path>.*[^/])", "duckdb:///.fqtool/local.duckdb", ("fqtool.warehouse.duckdb", "DuckDBWarehouse"),
        ("path", "url"),
    ),
    "bigquery": Scheme(
        r"(?P<project>[\w.:-]+)/(?P<dataset>\w+)/?", "bigquery://my-project/my_dataset?location=EU",
        ("fqtool.warehouse.bigquery", "BigQueryWarehouse"), ("project", "dataset", "location", "timeout", "url"),
        ("location",),
    ),
}  # fmt: skip


def parse_target(url: str) -> Target:
    """Read a target. Raises UsageError with an example; a password in the URL is never repeated."""
    kind, separator, rest = url.strip().partition("://")
    kind = kind.lower()
    scheme = SCHEMES.get(kind)
    if not separator or scheme is None:
        _unknown(kind if separator else "", url.strip())
    place, _, query = rest.partition("?")
    if "@" in place.partition("/")[0]:
        _wrong(kind, "must not hold a user or password", scheme.example)
    # DuckDB's own name for a database without a file is taken with and without the third slash.
    found = re.fullmatch(scheme.shape, f"/{place}" if place == ":memory:" else place)
    if found is None or not url.isprintable():
        near = (f"/{place}", place.lstrip("/")) if url.isprintable() else ()
        meant = next((f"{kind}://{one}" for one in near if re.fullmatch(scheme.shape, one)), scheme.example)
        _wrong(kind, f"cannot be {place!r}", meant)
    return Target(kind, **found.groupdict(), **_options(kind, query, scheme))


def open_target(url: str, *, timeout: float = 30.0) -> Warehouse:
    """Return the warehouse of a target; nothing is connected before its first use. Raises UsageError."""
    target = parse_target(url)
    scheme = SCHEMES[target.kind]
    module, name = scheme.factory
    given = {name: timeout if name == "timeout" else getattr(target, name) for name in scheme.arguments}
    return cast("Warehouse", getattr(import_module(module), name)(**given))


def _options(kind: str, query: str, scheme: Scheme) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    for name in options:
        if name not in scheme.options:
            known = f"takes {', '.join(scheme.options)}" if scheme.options else "takes no options"
            _wrong(kind, f"{known}, not {name!r}", scheme.example)
    if len(pairs) > len(options) or not all(options.values()):
        _wrong(kind, "needs each of its options once and with a value", scheme.example)
    return options


def _wrong(kind: str, why: str, example: str) -> NoReturn:
    raise UsageError(f"The {kind} target {why}.", remedy=f"Write it like {example}.")


def _unknown(kind: str, url: str) -> NoReturn:
    examples = [scheme.example for scheme in SCHEMES.values()]
    if kind:
        near = get_close_matches(kind, SCHEMES, 1, 0.5)
        meant = f"Did you mean {SCHEMES[near[0]].example}?" if near else f"Write {' or '.join(examples)}."
        raise UsageError(f"There is no warehouse {kind!r}; there are {', '.join(SCHEMES)}.", remedy=meant)
    if url.endswith((".duckdb", ".db", ".ddb")) and url.isprintable():
        raise UsageError(f"The target {url!r} is a file, not a URL.", remedy=f"Write duckdb:///{url}.")
    raise UsageError("The target is not a URL.", remedy=f"Write {' or '.join(examples)}.")
