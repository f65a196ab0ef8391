"""Parse the URL of a target and open its warehouse. A new warehouse needs one folder and one line in SCHEMES."""

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
    """The place of the tables. `kind` is the scheme of the URL. A file has a `path`, a cloud project and dataset."""

    kind: str
    path: str = ""
    project: str = ""
    dataset: str = ""
    location: str | None = None

    @property
    def url(self) -> str:
        """The URL in its canonical spelling."""
        options = {"location": self.location} if self.location else {}
        place = f"/{self.path}" if self.path else f"{self.project}/{self.dataset}"
        return f"{self.kind}://{place}" + (f"?{urlencode(options)}" if options else "")


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a kind of target is written and opened.

    Args:
        shape: A pattern for what follows `://`; its groups are fields of `Target`.
        example: A valid URL.
        factory: Module and class of the warehouse.
        arguments: The arguments of the class: fields of `Target`, `url` and `timeout`.
        options: The allowed query options.
    """

    shape: str
    example: str
    factory: tuple[str, str]
    arguments: tuple[str, ...]
    options: tuple[str, ...] = ()


# As in SQLAlchemy, the third slash ends the empty host: a fourth slash starts an absolute path.
SCHEMES = {
    "duckdb": Scheme(
        r"/(?P<path>.*[^/])", "duckdb:///.fqtool/local.duckdb",
        ("fqtool.warehouse.duckdb.warehouse", "DuckDBWarehouse"), ("path", "url"),
    ),
    "bigquery": Scheme(
        r"(?P<project>[\w.:-]+)/(?P<dataset>\w+)/?", "bigquery://my-project/my_dataset?location=EU",
        ("fqtool.warehouse.bigquery.warehouse", "BigQueryWarehouse"),
        ("project", "dataset", "location", "timeout", "url"),
        ("location",),
    ),
}  # fmt: skip

# DuckDB treats a word before a colon as another system, and would load its extension: md:, sqlite:, s3://.
_ELSEWHERE = re.compile(r"/?([A-Za-z]\w[\w.+-]*:(?://)?)")


def parse_target(url: str) -> Target:
    """Parse the URL of a target.

    Example: `parse_target("duckdb:///store.duckdb").path` is `"store.duckdb"`.

    Raises:
        UsageError: The URL is not valid; the message has an example, and never a password of the URL.
    """
    kind, separator, rest = url.strip().partition("://")
    kind = kind.lower()
    scheme = SCHEMES.get(kind)
    if not separator or scheme is None:
        _unknown(kind if separator else "", url.strip())
    place, _, query = rest.partition("?")
    if "@" in place.partition("/")[0]:
        _wrong(kind, "must not contain a user or password", scheme.example)
    # DuckDB's name for a database without a file is accepted with and without the third slash.
    if kind == "duckdb" and (prefix := _ELSEWHERE.match(place)):
        _wrong(kind, f"must be a file on this machine, not {prefix[1]!r}", scheme.example)
    match = re.fullmatch(scheme.shape, f"/{place}" if place == ":memory:" else place)
    if match is None or not url.isprintable():
        near = (f"/{place}", place.lstrip("/")) if url.isprintable() else ()
        suggestion = next(
            (f"{kind}://{spelling}" for spelling in near if re.fullmatch(scheme.shape, spelling)), scheme.example
        )
        _wrong(kind, f"cannot be {place!r}", suggestion)
    return Target(kind, **match.groupdict(), **_options(kind, query, scheme))


def open_target(url: str, *, timeout: float = 30.0) -> Warehouse:
    """Return the warehouse of a target. It connects on its first use.

    Args:
        url: The URL of the target.
        timeout: Seconds for each exchange with a cloud warehouse.

    Raises:
        UsageError: The URL is not valid.
    """
    target = parse_target(url)
    scheme = SCHEMES[target.kind]
    module, name = scheme.factory
    arguments = {name: timeout if name == "timeout" else getattr(target, name) for name in scheme.arguments}
    return cast("Warehouse", getattr(import_module(module), name)(**arguments))


def as_typed(sql: str, url: str) -> str:
    """Return statements in the dialect of a target, to run by hand.

    Args:
        sql: Schema changes, or a query, in GoogleSQL.
        url: The URL of the target.

    Returns:
        The statements, each with a semicolon; "" where the target has no statement for the change.
    """
    if not url.startswith("duckdb:"):
        return sql
    from fqtool.warehouse.duckdb.ddl import as_duckdb

    return as_duckdb(sql)


def as_fix(sql: str, url: str) -> str:
    """Return statements of a fix in the dialect of a target, in GoogleSQL where DuckDB's would lose something.

    A query and a column to add are the same in every dialect. What DuckDB has no place for, such as options, fqtool
    keeps beside the table; DuckDB's own statement loses it.

    Args:
        sql: Schema changes, or a query, in GoogleSQL.
        url: The URL of the target.
    """
    if not url.startswith("duckdb:"):
        return sql
    from fqtool.table.changes import AddColumn
    from fqtool.table.column import Column
    from fqtool.table.parse import parse_script

    def is_plain(change: object) -> bool:
        one = change.column if isinstance(change, AddColumn) else None
        return one is not None and one == Column(one.name, one.type, one.mode, one.description)

    plain = sql.startswith("SELECT") or all(is_plain(change) for one in parse_script(sql) for change in one.changes)
    return as_typed(sql, url) if plain else sql


def open_replay(target: Warehouse | None = None) -> Warehouse:
    """Return an empty database in memory, on which migrations are replayed.

    Args:
        target: Where the migrations are to run. On BigQuery, or where it is not known, a default that DuckDB cannot
            compute is only remembered: a replay writes no rows.
    """
    from fqtool.warehouse.duckdb.warehouse import MEMORY, DuckDBWarehouse

    return DuckDBWarehouse(MEMORY, any_default=target is None or not target.url.startswith("duckdb:"))


def _options(kind: str, query: str, scheme: Scheme) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    for name in options:
        if name not in scheme.options:
            known = f"only the option {', '.join(scheme.options)}" if scheme.options else "no options"
            _wrong(kind, f"has {known}, not {name!r}", scheme.example)
    if len(pairs) > len(options) or not all(options.values()):
        _wrong(kind, "needs each of its options once and with a value", scheme.example)
    return options


def _wrong(kind: str, why: str, example: str) -> NoReturn:
    raise UsageError(f"The {kind} target {why}.", remedy=f"Write it like {example}.")


def _unknown(kind: str, url: str) -> NoReturn:
    examples = [scheme.example for scheme in SCHEMES.values()]
    if kind:
        near = get_close_matches(kind, SCHEMES, 1, 0.5)
        suggestion = f"Write {SCHEMES[near[0]].example}." if near else f"Write {' or '.join(examples)}."
        raise UsageError(f"Unknown warehouse {kind!r}; the known ones are {', '.join(SCHEMES)}.", remedy=suggestion)
    if url.endswith((".duckdb", ".db", ".ddb")) and url.isprintable():
        raise UsageError(f"The target {url!r} is a file, not a URL.", remedy=f"Write duckdb:///{url}.")
    raise UsageError("The target is not a URL.", remedy=f"Write {' or '.join(examples)}.")
