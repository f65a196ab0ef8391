# ruff: noqa: INP001 - docs/ is not a package
"""Write the reference pages that come from the code: the keys of the registry, its language, and the rules.

`python docs/generate.py` writes registry.md, language.md and rules.md in docs/reference. With `--check` it writes
nothing, lists the outdated pages and exits 1.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from fqtool.expressions import functions
from fqtool.expressions.names import feature_names
from fqtool.findings import former_names
from fqtool.findings.catalog import every_rule
from fqtool.findings.finding import Rule
from fqtool.scoring.feature_language import DYNAMIC
from fqtool.table.properties import COLUMN_PROPERTIES, TABLE_PROPERTIES
from fqtool.table.property import Written

REFERENCE = Path("docs/reference")
NOTE = "<!-- Written by `python docs/generate.py`: change the code, not this page. -->"
FAMILIES = (
    (("FQ0",), "Reading the registry", "The file cannot be read, or its shape is wrong."),
    (("FQ1",), "Content of the registry", "The file can be read, and its content is wrong or inconsistent."),
    (("FQ20", "FQ21"), "Changes that BigQuery refuses", "No statement makes these changes, so no plan is written."),
    (("FQ23",), "Hazards", "Legal changes that run only with `--allow` and the code."),
    (("FQ24",), "Notes on changes", "Facts to know before a change. They never stop a command."),
    (("FQ3",), "Drift", "What check-drift finds in the live table."),
    (("FQ4",), "Files and ledger", "Contradictions between migration files, checksums, ledger and generated files."),
    (("FQ50", "FQ51"), "Records of writers", "A record does not fit the registry, reported by `fqtool check-record`."),
    (
        ("FQ52",),
        "SQL of writers",
        "A MERGE or INSERT misses columns, reported by `generate-sql writer --check`.",
    ),
    (("FQ54",), "Code", "A list of feature names disagrees with the registry, reported by `fqtool check-code`."),
    (("FQ60", "FQ61", "FQ62"), "Diagnosis", "Problems in the rows of a date, reported by `fqtool diagnose`."),
    (("FQ64",), "Daily checks", "Problems in the measures of a date, reported by `fqtool daily`."),
    (("FQ66",), "Backfill", "Problems in partitions that a backfill scored, reported by `fqtool backfill --verify`."),
    (("FQ65",), "Models", "Reasons why a model cannot read the store, reported by `fqtool models`."),
    (("FQ7",), "Stored rows", "Rows that contradict the registry, reported by `fqtool check-drift --data`."),
    (("FQ80", "FQ81"), "Breaking changes", "A reader, writer or model fails, reported by `fqtool diff`."),
    (("FQ82", "FQ83"), "Risky changes", "The same row gets another score, tier or alert, reported by `fqtool diff`."),
    (("FQ84",), "Safe changes", "No reader, writer or model is affected, reported by `fqtool diff`."),
    (("FQ90",), "Set-up", "Missing prerequisites of a command, reported by `fqtool doctor`."),
)


def plain(text: str) -> str:
    """Escape Markdown markup, except in code spans."""
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
    lines = [
        "# Rules",
        "",
        NOTE,
        "",
        "Every rule has a code. `fqtool rules` lists all rules, `fqtool rule FQ301` prints the page of one.",
        "Errors and warnings make a command exit 1; a note never does. For drift (FQ3xx) and changes (FQ8xx) the",
        "registry's `drift:` map sets another severity, or `ignore`. Findings about the registry (FQ1xx) can be",
        "[suppressed](../how-to/suppress-a-finding.md), except those marked *firm*.",
        "",
        "| rule | name | severity | about |",
        "|---|---|---|---|",
    ]
    ordered = [one for _, one in sorted(every_rule().items())]
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
    lines += ["", *_former_names()]
    return "\n".join(lines) + "\n"


def _former_names() -> Iterator[str]:
    yield "## Former names"
    yield ""
    yield "`fqtool rule` accepts the former name of a rule for one release. JSON documents repeat a renamed key under"
    yield "its former name for one release. Suppressions name codes, which never change."
    yield ""
    yield "| former name | name | where |"
    yield "|---|---|---|"
    for former, name in former_names.RULES.items():
        yield f"| `{former}` | `{name}` | rules |"
    for command, keys in former_names.KEYS.items():
        for former, name in keys.items():
            yield f"| `{former}` | `{name}` | `fqtool {command} --format json` <!-- quotation --> |"


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
        "`feature_registry.yaml` is a YAML file that every fqtool command reads.",
        "The JSON Schema in `fqtool/registry/schema.json` describes its keys. With this first line an editor completes",
        "and checks them:",
        "",
        "```yaml",
        "# yaml-language-server: $schema=fqtool/registry/schema.json",
        "```",
        "",
        "An unknown key is an error with a suggestion. Keys in **bold** are required. `fqtool validate` checks the",
        "file by the [rules](rules.md). The syntax of an `expr` is described in [the language](language.md).",
        "",
        "## Keys",
    ]
    for title, about, keys in maps_of(schema, "", schema["description"]):
        lines += ["", f"### {title}", "", plain(about), "", *table_of(keys)]
    return "\n".join([*lines, "", *properties_section()]) + "\n"


WRITERS = {
    Written.OPTIONS: "`OPTIONS` of a migration",
    Written.CLAUSE: "a clause of a migration",
    Written.CREATION: "a migration that creates the table or column; fixed afterwards",
    Written.OWNER: "its owner, with `bq update`",
}


def properties_section() -> Iterator[str]:
    """A row for each property of BigQuery that fqtool knows."""
    yield from (
        "## Properties",
        "",
        "A property that the registry does not declare is not managed: fqtool neither compares nor changes it. An",
        "empty value means that the property must not be set.",
        "",
        "| property | of | in tables.get | written by |",
        "|---|---|---|---|",
    )
    rows = [("table", row.sql or name, row) for name, row in TABLE_PROPERTIES.items()]
    rows += [("column, field", name, row) for name, row in COLUMN_PROPERTIES.items()]
    for of, name, row in rows:
        place = code(".".join(row.path)) if row.path else "not reported, so not compared"
        yield f"| `{name}` | {of} | {place} | {WRITERS[row.written]} |"
    yield "| `default` | field of a STRUCT | `defaultValueExpression` | no one: BigQuery has no statement for it |"
    yield "| `primary_key` | table | `tableConstraints.primaryKey` | `ADD PRIMARY KEY` of a migration |"
    yield "| `foreign_keys` | table | `tableConstraints.foreignKeys` | `ADD FOREIGN KEY` of a migration |"


def maps_of(schema: dict[str, Any], path: str, about: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every map that has keys of its own: its path, its description, and its schema."""
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
    """The kind of value that a key takes."""
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(one) for one in schema["enum"])
    kind = {"array": "list", "object": "map", "boolean": "true or false", "string": "text", "integer": "whole number"}
    return kind.get(schema["type"], str(schema["type"]))


def more(schema: dict[str, Any]) -> str:
    """Default, levels and example of a key, where it has them."""
    told = [f"Default {code(schema['default'])}."] if "default" in schema else []
    levels = schema.get("additionalProperties")
    if isinstance(levels, dict) and "enum" in levels:
        told.append(f"Levels: {', '.join(code(one) for one in levels['enum'])}.")
    simple = [one for one in schema.get("examples", ()) if not isinstance(one, dict | list)]
    told += [f"Example {code(one)}." for one in simple[:1] if "const" not in schema]
    return "".join(f" {one}" for one in told)


def language_page() -> str:
    """Names, types, operators and functions of expressions, from the tables of the type checker."""
    of_feature = feature_names(None)
    lines = [
        "# The language of expressions",
        "",
        NOTE,
        "",
        "An `expr`, a condition (`when`, `requires`) and an input are one GoogleSQL expression over one row: no",
        "statement, no table, no user-defined function, and no query but a lookup in an array (see below). `fqtool",
        "validate` parses each, infers its type, and reports errors with line, column and a caret",
        "([rules](rules.md) FQ150 to FQ157).",
        "Views and thresholds are SQL of the warehouse over stored rows. There `validate` checks only names,",
        "comparisons with NULL and evident types, and accepts any function.",
        "",
        "## Names",
        "",
        "An expression may use every column of the table and the parameter `@computed_at` (the time of scoring).",
        "In an aggregate over features, or in a column with `for_each: feature`, it may use properties of a feature:",
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
        "`*`, `/`, `||`, `CASE`, `CAST`, `SAFE_CAST`, `[a, b]`, `array[SAFE_OFFSET(n)]` and `struct.field`,",
        "binding as in GoogleSQL. `(SELECT value FROM UNNEST(array) WHERE name = 'a')` reads a field of the first",
        "STRUCT in an array whose other field has this value; it is NULL without one.",
        "Compare with `IS NULL`: `= NULL` is refused, since it is never TRUE.",
    ]
    lenient = ", ".join(sorted(filter(_is_lenient, functions.FUNCTIONS)))
    of_null = f"A call is NULL if an argument is NULL, except in {lenient}."
    tables = (
        (
            "Aggregates over features",
            "A second argument is the condition that selects features.",
            functions.OVER_FEATURES,
        ),
        (
            "Functions of the registry",
            "They use the file's tiers, alerts, models and processors.",
            functions.OF_REGISTRY,
        ),
        (
            "GoogleSQL functions",
            f"Only these functions are accepted: each returns the same on every warehouse and every day.\n{of_null}",
            functions.FUNCTIONS,
        ),
    )
    for title, about, table in tables:
        lines += ["", f"## {title}", "", about, "", "| function | arguments | result |", "|---|---|---|"]
        lines += [_signature(name, signature) for name, signature in sorted(table.items())]
    return "\n".join(lines) + "\n"


def _is_lenient(name: str) -> bool:
    return any(one.lenient for one in functions.parsed(functions.FUNCTIONS[name])[0])


def _types() -> Iterator[str]:
    yield "INT64 is accepted where NUMERIC or FLOAT64 is expected, and NUMERIC where FLOAT64 is. A quoted date or time"
    yield "is accepted where DATE or TIMESTAMP is expected. A NUMERIC column also takes FLOAT64. Anything else needs a"
    yield "CAST. These words mean several types; arguments of one call with the same word have one type:"
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
