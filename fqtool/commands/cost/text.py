"""The cost of a store as text, and as a JSON value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from fqtool.commands.cost.costs import BYTES, MONEY, ONCE, ROWS, SHARE, LeftOut, left_out
from fqtool.findings.former_names import with_former_keys
from fqtool.findings.listing import listed
from fqtool.output.characters import visible
from fqtool.output.console import Page
from fqtool.output.table_text import Figure, print_table

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.commands.cost.costs import Change, Cost, LineBeside, Scan

FORMAT_VERSION = 1
_HANG = 2
_NAMED = 3
_CENT, _WHOLE = 0.01, 1e7  # smaller figures are printed with more digits


def _digits(value: float) -> str:
    return ",.4f" if abs(value) >= _CENT or not value else ",.6f"


def _money(value: float) -> Figure:
    return Figure(value, _priced(value))


def _priced(value: float, sign: str = "") -> str:
    return format(value, sign + _digits(value))


def _mb(value: float, sign: str = "") -> Figure:
    return Figure(value / 1e6, f"{{:{sign},.0f}}" if abs(value) >= _WHOLE else f"{{:{sign},.2f}}")


def print_cost(cost: Cost, target: str, stream: TextIO, *, by_column: bool = False, verbose: bool = False) -> None:
    """Print a cost: the size of a row, the year, the expectation, the pending migration.

    Args:
        cost: The cost.
        target: The target, "" for none.
        stream: Where to print it.
        by_column: Whether to list sizes by column instead of by section.
        verbose: Whether to print every price, the lines of the expectation, and what it leaves out.
    """
    _write([heading(cost, target), *_doubts(cost), ""], stream)
    _print_row(cost, stream, by_column=by_column)
    _print_year(cost, stream, verbose=verbose)
    _print_expected(cost, stream, verbose=verbose)
    if verbose:
        _print_left_out(cost, stream)
    _write(["", *_migration(cost)], stream)
    more = ["every price"] * bool(cost.registry.pricing) + ["the expectation in detail"] * bool(cost.expected)
    if more and not verbose:
        _write([f"Add --verbose for {' and for '.join(more)}."], stream)


def _write(lines: Sequence[str], stream: TextIO) -> None:
    page = Page(stream)
    for line in lines:
        page.write(page.wrapped(Text(""), Text(visible(line)), _HANG))


def heading(cost: Cost, target: str) -> str:
    """Return the number of rows and their size as one sentence."""
    name, sizes = cost.registry.table.name, cost.sizes
    row = f"{cost.per_row:,.0f} bytes per row"
    if cost.why_estimated:
        return f"{name}: {row}, estimated from {sizes.rows:,} synthetic rows."
    dates = ""
    if sizes.first is not None:
        span = f"{sizes.dates} dates, {sizes.first} to {sizes.last}" if sizes.dates > 1 else f"{sizes.first}"
        dates = f" on {span}"
    return f"{name} in {target}: {sizes.rows:,} row{'s' * (sizes.rows != 1)}{dates}; {row}, measured."


def _doubts(cost: Cost) -> Iterator[str]:
    """Yield why the figures may differ from those of the store."""
    if cost.why_estimated:
        yield f"{cost.why_estimated} Base columns that the registry does not describe are empty in synthetic rows."
    elif cost.scored is not None and cost.scored < cost.sizes.rows:
        rest = cost.sizes.rows - cost.scored
        yield f"{rest:,} rows are not scored, so their quality columns have 0 bytes."


def _print_row(cost: Cost, stream: TextIO, *, by_column: bool) -> None:
    yearly = cost.year.rows / 1e6 if cost.year else None
    total = cost.per_row or 1.0

    def figures(per_row: float) -> tuple[Figure, ...]:
        of_year = None if yearly is None else per_row * yearly
        return Figure(per_row, "{:,.1f}"), Figure(100 * per_row / total, "{:.1f}"), Figure(of_year, "{:,.1f}")

    if by_column:
        headers: tuple[str, ...] = ("column", "type", "section", "bytes per row", "%", "MB per year")
        rows = [(one.name, one.type, one.section, *figures(one.per_row)) for one in cost.columns]
        rows.append(("total", "", "", *figures(cost.per_row)))
        print_table("", headers, rows, stream)
        return
    headers = ("section", "columns", "bytes per row", "%", "MB per year")
    sections = {name: [one for one in cost.columns if one.section == name] for name in cost.sections}
    lines = [(name, len(of), *figures(sum(one.per_row for one in of))) for name, of in sections.items()]
    print_table("", headers, [*lines, ("total", len(cost.columns), *figures(cost.per_row))], stream)


def _print_year(cost: Cost, stream: TextIO, *, verbose: bool) -> None:
    year, pricing = cost.year, cost.registry.pricing
    if year is None:
        _write(["", "The number of rows per year is unknown. Add --rows-per-year."], stream)
        return
    _write(["", f"A year of {year.rows:,.0f} rows: {_mb(year.bytes)} MB."], stream)
    if pricing is None or year.storage is None:
        _write(["The registry has no `pricing`, so prices are unknown."], stream)
        return
    kept, (whole, date, once, scoring) = year.storage, year.scans
    rows = [
        ("storage of the year, long-term after 90 days", _mb(kept.bytes), _money(kept.long_term)),
        (date.what, _mb(date.bytes), _money(date.price)),
        (_scan(scoring), _mb(scoring.bytes * scoring.times), _money(scoring.price)),
    ]
    if verbose:
        rows[1:1] = [
            ("storage of the year, all of it active", _mb(kept.bytes), _money(kept.active)),
            ("storage in the first year, while it fills", _mb(kept.bytes / 2), _money(kept.first)),
            (whole.what, _mb(whole.bytes), _money(whole.price)),
        ]
        rows[-1:-1] = [(once.what, _mb(once.bytes), _money(once.price))]
    print_table("", ("item", "MB", pricing.currency), rows, stream)
    least = pricing.minimum_bytes_per_query
    billed = f" A query is billed at least {_mb(least)} MB." if least else ""
    _write([f"List prices of {pricing.as_of}, without the free tier.{billed}"], stream)
    if verbose:
        _write(["Scoring a date again restarts its 90 days."], stream)


def _scan(one: Scan) -> str:
    return f"scoring each of {one.times:,.0f} dates once" if one.times > 1 else one.what


def _print_expected(cost: Cost, stream: TextIO, *, verbose: bool) -> None:
    size, expected = cost.registry.expected_size, cost.expected
    if size is None or expected is None:
        return
    found = [one for one in cost.beside if one.per_row is not None]
    here = sum(one.per_row or 0.0 for one in found)
    rows = [_beside(one) for one in cost.beside]
    columns = sum(one.columns for one in found)
    word = "estimated" if any(one.estimated for one in found) else "measured"
    rows.append(("total", columns, Figure(expected.per_row), Figure(here), Figure(here - expected.per_row, "{:+,.0f}")))
    _write(["", f"Expectation: {size.source}" if size.source else "Expectation:"], stream)
    if verbose:
        print_table("", ("bytes per row of", "columns", "expected", word, "difference"), rows, stream)
    steps = [f"{expected.per_row:,.0f} bytes per row"]
    if expected.rounded != expected.per_row:
        steps.append(f"rounded to {expected.rounded / 1e3:,.1f} KB")
    steps.append(f"x {size.rows_per_day:,.0f} rows = {_mb(expected.day)} MB per day")
    steps.append(f"x {size.days_per_year:,.0f} days = {_mb(expected.year)} MB per year")
    if expected.price_per_gb is not None:
        steps.append(f"{cost.currency} {expected.price_per_gb:,.3f} per year")
    _write([", ".join(steps) + "."], stream)
    year = here * size.rows_per_day * size.days_per_year
    size_here = f"{word.capitalize()}: {here:,.0f} bytes per row in these {columns} columns"
    _write([f"{size_here}, {_mb(year)} MB per year for the same number of rows."], stream)


def _beside(one: LineBeside) -> tuple[object, ...]:
    times = f" ({one.line.times} x {one.line.bytes:g})" if one.line.times > 1 else ""
    more = None if one.per_row is None else one.per_row - one.line.per_row
    return (
        f"{one.line.what}{times}", one.columns, Figure(one.line.per_row), Figure(one.per_row), Figure(more, "{:+,.0f}"),
    )  # fmt: skip


def _print_left_out(cost: Cost, stream: TextIO) -> None:
    found = left_out(cost)
    if found:
        _write(["", "The expectation leaves out:"], stream)
        print_table("", ("what", "figure"), [(one.what, _figure(one, cost.currency)) for one in found], stream)


def _figure(one: LeftOut, currency: str) -> str:
    return {
        BYTES: f"{one.figure:,.0f} bytes per row",
        ROWS: f"{one.figure:,.0f} rows per year",
        MONEY: f"{currency} {_priced(one.figure)} per year",
        ONCE: f"{currency} {_priced(one.figure)} per query",
        SHARE: f"{100 * one.figure:,.2f}%",
    }[one.unit]


def _migration(cost: Cost) -> Iterator[str]:
    """Yield the effect of the pending migration on the row."""
    change = cost.change
    parts = [
        *_part("adds", change.adds, change.added),
        *_part("widens", change.widens, change.widened),
        *_part("drops", change.drops, -change.dropped),
    ]
    if not parts:
        yield "No pending migration changes the size of a row."
        return
    grown = f"{change.before:,.0f} bytes per row before, {change.after:,.0f} bytes after"
    yield f"The next migration {'; '.join(parts)}. {grown}{_of_year(cost, change)}."


def _part(word: str, names: Sequence[str], more: float) -> Iterator[str]:
    if names:
        yield f"{word} {listed(names, _NAMED)} ({more:+,.0f} bytes per row)"


def _of_year(cost: Cost, change: Change) -> str:
    if cost.year is None:
        return ""
    more = (change.after - change.before) * cost.year.rows
    kept = cost.year.storage
    if kept is None or not kept.bytes:
        return f": {_mb(more, '+')} MB per year"
    return f": {_mb(more, '+')} MB and {cost.currency} {_priced(more / kept.bytes * kept.active, '+')} per year"


def document(cost: Cost, target: str) -> dict[str, Any]:
    """Return a cost as a JSON value by `cost.schema.json`."""
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
            {"section": name, "bytes_per_row": cost.of_section(name)} for name in cost.sections
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
            "storage": year.storage and with_former_keys({
                "active": year.storage.active, "long_term": year.storage.long_term, "first": year.storage.first,
            }, "cost"),
            "scans": [asdict(scan) for scan in year.scans],
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
        "left_out": [asdict(item) for item in left_out(cost)],
        "migration": {
            "before": change.before, "after": change.after, "adds": list(change.adds), "widens": list(change.widens),
            "drops": list(change.drops),
        },
    }  # fmt: skip
