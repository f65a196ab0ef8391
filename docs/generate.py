# ruff: noqa: INP001 - the docs are no package
"""Write the reference pages that are made from the product: the registry's keys, its language, and the rules.

`python docs/generate.py` writes registry.md, language.md and rules.md in docs/reference; with `--check` it writes
nothing, names what is stale and exits 1.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import fqtool.rules
from fqtool.finding import RULES, Rule
from fqtool.quality import functions
from fqtool.quality.language import DYNAMIC
from fqtool.quality.names import feature_names

REFERENCE = Path("docs/reference")
NOTE = "<!-- Written by `python docs/generate.py`; change the product, not this page. -->"
FAMILIES = (
    (("FQ0",), "Reading the registry", "The file cannot be read, or its shape is wrong."),
    (("FQ1",), "What the registry says", "The file can be read and does not make sense."),
    (("FQ20", "FQ21"), "What BigQuery refuses", "No statement makes these changes; a plan with one is not written."),
    (("FQ23",), "Hazards", "Legal changes that need `--allow` with the code before they run."),
    (("FQ24",), "Notes on changes", "What to know before a change. They never stop anything."),
    (("FQ3",), "Drift", "What check-drift finds in the live table."),
    (("FQ4",), "Files and ledger", "What is wrong between migration files, checksums, ledger and generated files."),
    (("FQ60", "FQ61"), "Diagnosis", "What is wrong with the rows of a date, as `fqtool diagnose` names it."),
    (("FQ64",), "Daily checks", "What `fqtool daily` finds in the figures of a date."),
    (
        ("FQ66",),
        "Backfill",
        "What is wrong with partitions scored after the fact, as `fqtool backfill --verify` finds.",
    ),
    (("FQ65",), "Models", "What keeps a model from reading the store, as `fqtool models` names it."),
    (("FQ7",), "Stored rows", "Where they contradict the registry, as `fqtool check-drift --data` finds."),
    (("FQ80", "FQ81"), "Breaking changes", "What `fqtool diff` finds that a reader, writer or model does not survive."),
    (("FQ82", "FQ83"), "Risky changes", "What `fqtool diff` finds that judges the same row otherwise."),
    (("FQ84",), "Safe changes", "What `fqtool diff` finds that harms nobody."),
    (("FQ90",), "Set-up", "What `fqtool doctor` finds missing before a command trips over it."),
)


def plain(text: str) -> str:
    """Keep what Markdown would take for markup, outside of code spans."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(
        part if part.startswith("`") else part.replace("<", "&lt;").replace("*", r"\*").replace("[", r"\[")
        for part in parts
    )


def code(value: object) -> str:
    """A value as it is written in the file, in a table's cell."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    quote = "``" if "`" in text else "`"
    return f"{quote}{text}{quote}".replace("|", r"\|")


def rules_page() -> str:
    """Every rule with its page, by family."""
    for module in pkgutil.iter_modules(fqtool.rules.__path__, "fqtool.rules."):
        importlib.import_module(module.name)
    lines = [
        "# Rules",
        "",
        NOTE,
        "",
        "Everything that fqtool can find has a code. `fqtool rules` lists them, `fqtool rule FQ301` prints one page.",
        "Errors and warnings make a command exit 1; a note never does. For drift (FQ3xx) and changes (FQ8xx) the",
        "registry's `drift:` map sets another severity, or `ignore`. Findings about the registry (FQ1xx) can be",
        "[silenced](../how-to/silence-a-finding.md), those marked *firm* cannot.",
        "",
        "| rule | name | severity | about |",
        "|---|---|---|---|",
    ]
    ordered = [one for _, one in sorted(RULES.items())]
    lines += [
        f"| [{one.code}](#{one.code.lower()}-{one.name}) | {one.name} | {one.severity} "
        f"| {plain(one.page.splitlines()[0])} |"
        for one in ordered
    ]
    for prefixes, title, about in FAMILIES:
        lines += ["", f"## {title}", "", about]
        for one in ordered:
            if one.code.startswith(prefixes):
                lines += ["", *_rule(one)]
    return "\n".join(lines) + "\n"


def _rule(one: Rule) -> Iterator[str]:
    yield f"### {one.code} {one.name}"
    level = f"{one.severity}, *firm*" if one.firm and one.code < "FQ2" else str(one.severity)
    for number, paragraph in enumerate(re.split(r"\n\s*\n", one.page)):
        yield ""
        text = plain(paragraph)
        yield f"{text} ({level})" if number == 0 else re.sub(r"^(Problem|Why|Example|Fix):", r"**\1:**", text)


def registry_page() -> str:
    """Every key of the registry, a table for each map."""
    schema = json.loads(files("fqtool").joinpath("registry", "schema.json").read_text())
    lines = [
        "# The registry",
        "",
        NOTE,
        "",
        "`feature_registry.yaml` is YAML: one file, read by every fqtool command.",
        "Its keys are described by the JSON Schema in `fqtool/registry/schema.json`; with this first line an editor",
        "completes and checks them:",
        "",
        "```yaml",
        "# yaml-language-server: $schema=fqtool/registry/schema.json",
        "```",
        "",
        "An unknown key is an error with a suggestion. Keys in **bold** must be there.",
        "`fqtool validate` checks the file; [rules](rules.md) says what it looks at. What an `expr` may say is in",
        "[the language](language.md).",
        "",
        "## Keys",
    ]
    for title, about, keys in maps_of(schema, "", schema["description"]):
        lines += ["", f"### {title}", "", plain(about), "", *table_of(keys)]
    return "\n".join(lines) + "\n"


def maps_of(schema: dict[str, Any], path: str, about: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every map that has keys of its own: where it stands, what it is, and its schema."""
    if "properties" in schema:
        yield (f"`{path}`" if path else "Top level"), about, schema
    for key, inner in schema.get("properties", {}).items():
        here = f"{path}.{key}" if path else key
        nested = inner.get("items") or inner.get("additionalProperties")
        if "properties" in inner:
            yield from maps_of(inner, here, inner["description"])
        elif isinstance(nested, dict) and "properties" in nested:
            each = "[]" if "items" in inner else ".NAME"
            yield from maps_of(nested, f"{here}{each}", f"{nested['description']} {inner['description']}")


def table_of(schema: dict[str, Any]) -> Iterator[str]:
    """A row for each key of a map."""
    yield "| key | value | about |"
    yield "|---|---|---|"
    for key, inner in schema["properties"].items():
        name = f"**`{key}`**" if key in schema.get("required", ()) else f"`{key}`"
        yield f"| {name} | {kind_of(inner)} | {plain(inner['description']).replace('|', chr(92) + '|')}{more(inner)} |"


def kind_of(schema: dict[str, Any]) -> str:
    """What a value may be."""
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(one) for one in schema["enum"])
    kind = {"array": "list", "object": "map", "boolean": "true or false", "string": "text", "integer": "whole number"}
    return kind.get(schema["type"], str(schema["type"]))


def more(schema: dict[str, Any]) -> str:
    """Default, example and limits, where there are any."""
    told = [f"Default {code(schema['default'])}."] if "default" in schema else []
    levels = schema.get("additionalProperties")
    if isinstance(levels, dict) and "enum" in levels:
        told.append(f"Levels: {', '.join(code(one) for one in levels['enum'])}.")
    simple = [one for one in schema.get("examples", ()) if not isinstance(one, dict | list)]
    told += [f"Example {code(one)}." for one in simple[:1] if "const" not in schema]
    return "".join(f" {one}" for one in told)


def language_page() -> str:
    """What an expression may say: names, operators, functions, from the data that the type checker goes by."""
    of_feature = feature_names(None)
    lines = [
        "# The language of expressions",
        "",
        NOTE,
        "",
        "An `expr`, a condition (`when`, `requires`) and an input is one GoogleSQL expression over one row: no",
        "statement, no query, no table, no function of your own. `fqtool validate` reads each, infers its type, and",
        "says what is wrong with line, column and a caret ([rules](rules.md) FQ150 to FQ157).",
        "Views and thresholds are SQL of the warehouse over stored rows; there only names, comparisons with NULL and",
        "evident types are looked at, and any function passes.",
        "",
        "## Names",
        "",
        "Every column of the table, the parameter `@computed_at` (the time of scoring), and inside an aggregate over",
        "features, or in a column with `for_each: feature`, what a feature has:",
        "",
        "| name | type | known |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {'as `inputs.value` gives' if kind is None else kind} "
        f"| {'per row' if name in DYNAMIC else 'from the registry'} |"
        for name, kind in of_feature.items()
    ]
    lines += ["", "## Types", "", *_types(), "", "## Operators", ""]
    lines += [
        "`AND`, `OR`, `NOT`, `=`, `!=`, `<`, `<=`, `>`, `>=`, `BETWEEN`, `IN`, `IS NULL`, `IS TRUE`, `LIKE`, `+`, `-`,",
        "`*`, `/`, `||`, `CASE`, `CAST`, `SAFE_CAST`, `[a, b]` and `array[SAFE_OFFSET(n)]`, binding as in GoogleSQL.",
        "Compare with `IS NULL`: `= NULL` is refused, since it is never TRUE.",
    ]
    tables = (
        ("Over the features of a row", "The last argument of two chooses the features.", functions.OVER_FEATURES),
        ("What the registry knows", "Tiers, alerts, models and processors of the file.", functions.OF_REGISTRY),
        (
            "Of GoogleSQL",
            "This list is closed: each answers alike on every warehouse and every day.",
            functions.FUNCTIONS,
        ),
    )
    for title, about, table in tables:
        lines += ["", f"## {title}", "", about, "", "| function | arguments | result |", "|---|---|---|"]
        lines += [_signature(name, signature) for name, signature in sorted(table.items())]
    return "\n".join(lines) + "\n"


def _types() -> Iterator[str]:
    yield "INT64 goes where NUMERIC or FLOAT64 is wanted, NUMERIC where FLOAT64 is; a text in quotes that says a day or"
    yield "moment where DATE or TIMESTAMP is. A NUMERIC column also takes FLOAT64. Everything else needs a CAST."
    yield "These words stand for several types; such arguments of one call have one type together:"
    yield ""
    yield "| word | takes |"
    yield "|---|---|"
    for word, (kinds, _) in functions.FAMILIES.items():
        yield f"| {word} | {'any type' if word == 'T' else ', '.join(kinds)} |"
    for word, (_, told) in functions.CONSTANTS.items():
        yield f"| {word} | {plain(told)}, written out |"


def _signature(name: str, signature: str) -> str:
    takes, gives = functions.parsed(signature)
    words = [
        f"{one.word.replace('|', ' or ')}{', ...' * one.repeats}{' (may be left out)' * one.optional}" for one in takes
    ]
    result = {"T": "as its arguments", "FRACTION": "as its arguments; FLOAT64 of INT64", "ARRAY": "ARRAY of it"}
    return f"| `{name}` | {plain(', '.join(words)) or 'none'} | {plain(result.get(gives, gives))} |"


def main() -> int:
    """Write the pages, or with --check compare them."""
    pages = {"registry.md": registry_page(), "language.md": language_page(), "rules.md": rules_page()}
    stale = [name for name, text in pages.items() if not (REFERENCE / name).is_file() or _read(name) != text]
    if "--check" in sys.argv[1:]:
        sys.stderr.writelines(f"{REFERENCE / name} is stale: python docs/generate.py\n" for name in stale)
        return 1 if stale else 0
    for name in stale:
        (REFERENCE / name).write_text(pages[name], encoding="utf-8")
    return 0


def _read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
