"""What a store costs as text, and as a JSON value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.text import Text

from fqtool.quality.cost_left_out import BYTES, MONEY, ONCE, ROWS, SHARE, LeftOut, left_out
from fqtool.report.characters import visible
from fqtool.report.console import Page
from fqtool.report.table_text import print_table

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.quality.costs import Change, Cost, LineBeside, Scan, Weight

FORMAT_VERSION = 1
_HANG = 2
_NAMED = 3
_CENT, _WHOLE = 0.01, 1e7  # below these, more digits are worth their place


class Figure(float):
    """A number that stands in a table with thousands apart; nothing where there is none."""

    text: str

    def __new__(cls, value: float | None, form: str = ",.0f") -> Self:
        """Take the number and how it is written."""
        made = super().__new__(cls, 0.0 if value is None else value)
        made.text = "" if value is None else format(value, form)
        return made

    def __str__(self) -> str:
        """Return the number as it is written."""
        return self.text


def _money(value: float) -> Figure:
    return Figure(value, ",.4f" if abs(value) >= _CENT or not value else ",.6f")


def _priced(value: float, sign: str = "") -> str:
    return format(value, f"{sign},.4f" if abs(value) >= _CENT or not value else f"{sign},.6f")


def _mb(value: float, sign: str = "") -> str:
    return format(value / 1e6, f"{sign},.0f" if abs(value) >= _WHOLE else f"{sign},.2f")


def print_cost(cost: Cost, target: str, stream: TextIO, *, by_column: bool = False) -> None:
    """Print it: the row by section or column, the year, the expectation, what that leaves out, the migration."""
    _write([heading(cost, target), *_doubts(cost), ""], stream)
    _print_row(cost, stream, by_column=by_column)
    _print_year(cost, stream)
    _print_expected(cost, stream)
    _print_left_out(cost, stream)
    _write(["", *_migration(cost)], stream)


def _write(lines: Sequence[str], stream: TextIO) -> None:
    page = Page(stream)
    for line in lines:
        page.write(page.wrapped(Text(""), Text(visible(line)), _HANG))


def heading(cost: Cost, target: str) -> str:
    """Return what was weighed, and how, in one sentence."""
    name, sizes = cost.registry.table.name, cost.sizes
    row = f"{cost.per_row:,.0f} bytes a row"
    if cost.why_estimated:
        return f"{name}: {row}. This is an estimate, from {sizes.rows} rows made up from the registry."
    dates = ""
    if sizes.first is not None:
        span = f"{sizes.dates} dates, {sizes.first} to {sizes.last}" if sizes.dates > 1 else f"{sizes.first}"
        dates = f" on {span}"
    return f"{name} in {target}: {sizes.rows:,} row{'s' * (sizes.rows != 1)}{dates}; {row}, measured."


def _doubts(cost: Cost) -> Iterator[str]:
    """Yield why the figures may not be those of the store."""
    if cost.why_estimated:
        yield f"{cost.why_estimated} Base columns that the registry says nothing of are empty in such rows."
    elif cost.scored is not None and cost.scored < cost.sizes.rows:
        rest = cost.sizes.rows - cost.scored
        yield f"{rest:,} rows have no score yet: their quality columns weigh nothing until they have."


def _print_row(cost: Cost, stream: TextIO, *, by_column: bool) -> None:
    yearly = cost.year.rows / 1e6 if cost.year else None
    total = cost.per_row or 1.0

    def figures(per_row: float) -> tuple[Figure, ...]:
        of_year = None if yearly is None else per_row * yearly
        return Figure(per_row, ",.1f"), Figure(100 * per_row / total, ".1f"), Figure(of_year, ",.1f")

    if by_column:
        headers: tuple[str, ...] = ("column", "type", "section", "bytes a row", "%", "MB a year")
        rows = [(one.name, one.type, one.section, *figures(one.per_row)) for one in cost.columns]
        rows.append(("sum", "", "", *figures(cost.per_row)))
        print_table("", headers, rows, stream)
        return
    headers = ("section", "columns", "bytes a row", "%", "MB a year")
    sections = {name: [one for one in cost.columns if one.section == name] for name in _sections(cost.columns)}
    lines = [(name, len(of), *figures(sum(one.per_row for one in of))) for name, of in sections.items()]
    print_table("", headers, [*lines, ("sum", len(cost.columns), *figures(cost.per_row))], stream)


def _sections(columns: Sequence[Weight]) -> dict[str, None]:
    return dict.fromkeys(one.section for one in columns)


def _print_year(cost: Cost, stream: TextIO) -> None:
    year, pricing = cost.year, cost.registry.pricing
    if year is None:
        _write(["", "How many rows a year has is not known: say it with --rows-per-year."], stream)
        return
    _write(["", f"A year of {year.rows:,.0f} rows: {_mb(year.bytes)} MB."], stream)
    if pricing is None or year.storage is None:
        _write(["The registry has no pricing:, so nothing is priced."], stream)
        return
    kept, of_scans = year.storage, year.scans
    rows = [
        ("kept for a year, all of it active", Figure(kept.bytes), _money(kept.active)),
        ("kept for a year, long-term after 90 days", Figure(kept.bytes), _money(kept.settled)),
        ("kept while it fills, the first year", Figure(kept.bytes / 2), _money(kept.first)),
        *((_scan(one), Figure(one.bytes * one.times), _money(one.price)) for one in of_scans),
    ]
    print_table("", ("what", "bytes", pricing.currency), rows, stream)
    least = pricing.minimum_bytes_per_query
    told = f"List prices of {pricing.as_of}; what is free is not taken off."
    _write([f"{told} A query is billed for {least:,} bytes at least." if least else told], stream)
    _write(["Scoring a date again begins its 90 days anew."], stream)


def _scan(one: Scan) -> str:
    return f"{one.what}, {one.times:,.0f} a year" if one.times > 1 else one.what


def _print_expected(cost: Cost, stream: TextIO) -> None:
    size, expected = cost.registry.expected_size, cost.expected
    if size is None or expected is None:
        return
    _write(["", f"Expected: {size.source}" if size.source else "Expected:"], stream)
    found = [one for one in cost.beside if one.per_row is not None]
    here = sum(one.per_row or 0.0 for one in found)
    rows = [_beside(one) for one in cost.beside]
    columns = sum(one.columns for one in found)
    word = "estimated" if any(one.estimated for one in found) else "measured"
    rows.append(("sum", columns, Figure(expected.per_row), Figure(here), Figure(here - expected.per_row, "+,.0f")))
    print_table("", ("line", "columns", "expected", word, "more"), rows, stream)
    currency = cost.registry.pricing.currency if cost.registry.pricing else ""
    steps = [f"{expected.per_row:,.0f} B a row"]
    if expected.rounded != expected.per_row:
        steps.append(f"taken as {expected.rounded / 1e3:,.1f} KB")
    steps.append(f"x {size.rows_per_day:,.0f} rows = {_mb(expected.day)} MB a day")
    steps.append(f"x {size.days_per_year:,.0f} days = {_mb(expected.year)} MB a year")
    if expected.price_per_gb is not None:
        steps.append(f"{currency} {expected.price_per_gb:,.3f} a year")
    _write([", ".join(steps) + "."], stream)
    year = here * size.rows_per_day * size.days_per_year
    _write([f"As {word}: {here:,.0f} B a row, {_mb(year)} MB for as many rows."], stream)


def _beside(one: LineBeside) -> tuple[object, ...]:
    times = f" ({one.line.times} x {one.line.bytes:g})" if one.line.times > 1 else ""
    more = None if one.per_row is None else one.per_row - one.line.per_row
    return (
        f"{one.line.what}{times}", one.columns, Figure(one.line.per_row), Figure(one.per_row), Figure(more, "+,.0f"),
    )  # fmt: skip


def _print_left_out(cost: Cost, stream: TextIO) -> None:
    found = left_out(cost)
    if found:
        _write(["", "What that leaves out:"], stream)
        currency = cost.registry.pricing.currency if cost.registry.pricing else ""
        print_table("", ("what", "here"), [(one.what, _figure(one, currency)) for one in found], stream)


def _figure(one: LeftOut, currency: str) -> str:
    return {
        BYTES: f"{one.figure:,.0f} B a row",
        ROWS: f"{one.figure:,.0f} here",
        MONEY: f"{currency} {_priced(one.figure)} a year",
        ONCE: f"{currency} {_priced(one.figure)} each",
        SHARE: f"{100 * one.figure:,.2f}%",
    }[one.unit]


def _migration(cost: Cost) -> Iterator[str]:
    """Yield what a migration that is due does to the row."""
    change = cost.change
    parts = [
        *_part("adds", change.adds, change.added),
        *_part("widens", change.widens, change.widened),
        *_part("drops", change.drops, -change.dropped),
    ]
    if not parts:
        yield "No migration is due that changes a row."
        return
    grown = f"{change.before:,.0f} B a row before, {change.after:,.0f} B after"
    yield f"fqtool migrate {'; '.join(parts)}. {grown}{_of_year(cost, change)}."


def _part(word: str, names: Sequence[str], more: float) -> Iterator[str]:
    if names:
        listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        yield f"{word} {listed} ({more:+,.0f} B a row)"


def _of_year(cost: Cost, change: Change) -> str:
    if cost.year is None:
        return ""
    more = (change.after - change.before) * cost.year.rows
    kept = cost.year.storage
    if kept is None or not kept.bytes:
        return f": {_mb(more, '+')} MB a year"
    currency = cost.registry.pricing.currency if cost.registry.pricing else ""
    return f": {_mb(more, '+')} MB and {currency} {_priced(more / kept.bytes * kept.active, '+')} a year"


def document(cost: Cost, target: str) -> dict[str, Any]:
    """Return it as the JSON value that is printed, described by `cost.schema.json` beside this file."""
    sizes, year, change, expected = cost.sizes, cost.year, cost.change, cost.expected
    pricing, size = cost.registry.pricing, cost.registry.expected_size
    return {
        "format_version": FORMAT_VERSION,
        "table": cost.registry.table.name,
        "target": target,
        "estimated": bool(cost.why_estimated),
        "why_estimated": cost.why_estimated,
        "rows": sizes.rows,
        "scored_rows": cost.scored,
        "first": sizes.first.isoformat() if sizes.first else None,
        "last": sizes.last.isoformat() if sizes.last else None,
        "dates": sizes.dates,
        "bytes_per_row": cost.per_row,
        "sections": [
            {"section": name, "bytes_per_row": cost.of_section(name)} for name in _sections(cost.columns)
        ],
        "columns": [
            {"name": one.name, "type": one.type, "section": one.section, "bytes_per_row": one.per_row}
            for one in cost.columns
        ],
        "currency": pricing.currency if pricing else None,
        "prices_as_of": pricing.as_of.isoformat() if pricing else None,
        "year": year and {
            "rows": year.rows,
            "bytes": year.bytes,
            "storage": year.storage and {
                "active": year.storage.active, "settled": year.storage.settled, "first": year.storage.first,
            },
            "scans": [
                {
                    "what": one.what, "bytes": one.bytes, "billed_bytes": one.billed, "times": one.times,
                    "price": one.price,
                }
                for one in year.scans
            ],
        },
        "expected": expected and size and {
            "source": size.source,
            "rows_per_day": size.rows_per_day,
            "days_per_year": size.days_per_year,
            "bytes_per_row": expected.per_row,
            "rounded": expected.rounded,
            "bytes_per_day": expected.day,
            "bytes_per_year": expected.year,
            "price_per_gb": expected.price_per_gb,
            "price": expected.price,
            "lines": [
                {
                    "what": one.line.what, "expected": one.line.per_row, "columns": one.columns,
                    "bytes_per_row": one.per_row, "estimated": one.estimated,
                }
                for one in cost.beside
            ],
        },
        "left_out": [{"what": one.what, "figure": one.figure, "unit": one.unit} for one in left_out(cost)],
        "migration": {
            "before": change.before, "after": change.after, "adds": list(change.adds), "widens": list(change.widens),
            "drops": list(change.drops),
        },
    }  # fmt: skip
