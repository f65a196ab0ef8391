"""Laws of the documentation: it names everything there is, it is current, and what it shows is what happens."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from fqtool.app.app import app
from fqtool.app.lazy_commands import COMMANDS, command_named
from fqtool.expressions import functions
from fqtool.expressions.names import feature_names
from fqtool.findings.catalog import every_rule
from fqtool.output.findings import FORMATS
from tests.machine import patient

ROOT = Path(__file__).resolve().parent.parent
EMULATED = "docs/how-to/try-on-bigquery.md"
EMULATED_SECTION = "On BigQuery"
"""The page, and the section of the README, whose commands need the emulator: test_try_on_bigquery.py runs them."""
ROOT_PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
PAGES = (*(ROOT / name for name in ROOT_PAGES), *sorted((ROOT / "docs").rglob("*.md")))
LIMIT = 120.0
DEMO = "fqtool demo > demo.txt"
# The shell completion that typer brings along.
_NOT_OURS = {"--install-completion", "--show-completion"}
_OF_MANY = {"--store", "--all"}


def text_of(*parts: str) -> str:
    """One page of the docs."""
    return ROOT.joinpath(*parts).read_text()


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command under its whole name, groups among them."""
    stack: list[tuple[str, Any]] = [("fqtool", typer.main.get_command(app))]
    while stack:
        name, command = stack.pop()
        command = command_named(name.split()[1]) if command.name in COMMANDS else command
        yield name, command
        stack += [(f"{name} {one}", inner) for one, inner in getattr(command, "commands", {}).items()]


def section(page: str, heading: str) -> str:
    """The part of a page under one heading, up to the next of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", page, re.MULTILINE | re.DOTALL)
    return found[2] if found else ""


def test_every_command_and_option_is_in_the_reference() -> None:
    """Each command has its section in commands.md, and each of its options and arguments is in that section."""
    page = text_of("docs", "reference", "commands.md")
    missing = []
    for name, command in commands():
        told = section(page, f"`{name}`")
        if not told:
            missing.append(name)
        for parameter in command.params:
            names = [*parameter.opts, *parameter.secondary_opts]
            words = [parameter.name or ""] if parameter.param_type_name == "argument" else names
            # Options that are added to many commands are described once, at the head of the page.
            described = page.partition("\n## ")[0] if _OF_MANY.intersection(words) else told
            missing += [
                f"{name} {word}" for word in words if word not in _NOT_OURS and not re.search(rf"`{word}\b", described)
            ]
    assert missing == []


def test_every_section_of_the_reference_is_a_command() -> None:
    """commands.md names no command that does not exist, and no option that its command does not take."""
    page = text_of("docs", "reference", "commands.md")
    known = dict(commands())
    headings = re.findall(r"^## `(fqtool[^`]*)`$", page, re.MULTILINE)
    assert set(headings) == set(known)
    for name in headings:
        taken = {option for one in known[name].params for option in (*one.opts, *one.secondary_opts)}
        rows = re.findall(r"^\| (`-[^|]*) \|", section(page, f"`{name}`"), re.MULTILINE)
        told = {word for row in rows for word in re.findall(r"`(-[-\w]+)", row)}
        assert told - {"-h", "--help"} <= taken, name


def test_every_format_is_in_the_reference() -> None:
    """Each output format is named on its page."""
    page = text_of("docs", "reference", "exit-codes-and-formats.md")
    assert [name for name in FORMATS if f"`{name}`" not in page] == []


def test_every_rule_is_in_the_reference() -> None:
    """Each rule's code and name are in rules.md."""
    page = text_of("docs", "reference", "rules.md")
    assert [code for code, one in every_rule().items() if f"## {code} {one.name}\n" not in page] == []


def keys_of(schema: dict[str, Any]) -> Iterator[str]:
    """Every key that the registry's schema knows, at any depth."""
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from keys_of(inner)
    for nested in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(nested, dict):
            yield from keys_of(nested)


def test_every_key_of_the_registry_is_in_the_reference() -> None:
    """Each key of schema.json is in registry.md."""
    schema = json.loads(text_of("fqtool", "registry", "schema.json"))
    page = text_of("docs", "reference", "registry.md")
    assert [key for key in keys_of(schema) if f"`{key}`" not in page] == []


def test_every_function_is_in_the_reference() -> None:
    """Each function that an expression may call, and each name of a feature, is in language.md."""
    page = text_of("docs", "reference", "language.md")
    tables = (functions.FUNCTIONS, functions.OVER_FEATURES, functions.OF_REGISTRY, feature_names(None))
    assert [name for table in tables for name in table if f"| `{name}` |" not in page] == []


def test_every_part_of_duckdbs_implementation_is_on_its_map() -> None:
    """Each module of warehouse/duckdb has a row in duckdb-stands-in.md, and the page names only files that exist."""
    page = text_of("docs", "explanation", "duckdb-stands-in.md")
    folder = ROOT / "fqtool" / "warehouse" / "duckdb"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*.py") if path.stem != "__init__"}
    assert set(re.findall(r"^\| `((?!tests/)[\w/]+\.py)` \|", page, re.MULTILINE)) == there
    assert [name for name in re.findall(r"`(tests/[\w/]+\.py)`", page) if not (ROOT / name).exists()] == []


def test_generated_pages_are_current() -> None:
    """docs/generate.py would write registry.md, language.md and rules.md as they are."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patient(LIMIT),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    """The check can fail: in a copy with one word changed, it exits 1 and names the page."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    page = tmp_path / "docs" / "reference" / "rules.md"
    page.write_text(page.read_text().replace("FQ001", "FQ000", 1))
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=patient(LIMIT),
        check=False,
    )
    assert done.returncode == 1
    assert "rules.md" in done.stderr


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path) -> None:
    """A link to a file leads to a file of the repository, and its anchor to a heading in it."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith(("https:", "http:", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.is_file() or not there.is_relative_to(ROOT) or (anchor and anchor not in anchors(there)):
            broken.append(link)
    assert broken == []


def test_the_picture_of_the_readme_is_small_and_described() -> None:
    """The README shows the report: a PNG of the repository of at most 300 kB, with a sentence as its alt text."""
    (picture,) = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", text_of("README.md"))
    alt, path = picture
    content = (ROOT / path).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) <= 300_000
    assert len(alt.split()) > 5


def test_the_python_of_the_api_page_runs(tmp_path: Path) -> None:
    """Each Python block of python.md runs as it is beside a registry."""
    project_in(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", text_of("docs", "reference", "python.md"), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        done = typed(f"python -c {shlex.quote(block)}", tmp_path)
        assert done.returncode == 0, done.stdout


def test_every_page_can_be_reached() -> None:
    """Following links from the README, a reader comes to every page."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)\s#]+\.md)[^)]*\)", page.read_text())
        waiting += [there for link in links if (there := (page.parent / link).resolve()).is_file()]
    assert set(PAGES) - reached == set()


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    """mkdocs.yml lists each page of docs/ once; `make docs` builds them."""
    listed = re.findall(r"^ +- (\S+\.md)$", text_of("mkdocs.yml"), re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES if page.parent != ROOT)


@dataclass(frozen=True)
class Shown:
    """One command of a page: what is typed, the exit code claimed, and the lines shown below it."""

    command: str
    code: int
    lines: tuple[str, ...]


def shown_in(text: str) -> Iterator[Shown]:
    """The commands of a page's console blocks. `# exit 1` at a command's end claims that exit code."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip("\n").split("\n")
            claimed = re.search(r"\s+# exit (\d+)$", command)
            typed = command[: claimed.start()] if claimed else command
            yield Shown(typed, int(claimed[1]) if claimed else 0, tuple(line.rstrip() for line in lines))


def files_in(text: str) -> list[tuple[str, str]]:
    """The files that a page gives: their names, which are the titles of their blocks, and their texts."""
    return re.findall(r'^```\w+ title="(\S+)"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)


def fits(shown: str, real: str) -> bool:
    """Whether a line shown is the real one; `...` within it matches anything."""
    parts = [re.escape(part.strip()) for part in shown.split("...")]
    return re.fullmatch(r"\s*" + r"\s*.*?\s*".join(parts) + r"\s*", real) is not None


def unseen(shown: Shown, output: str) -> list[str]:
    """The lines shown that the output does not hold, in their order; a line of `...` alone is left out."""
    real = iter(output.splitlines())
    return [line for line in shown.lines if line not in ("", "...") and not any(fits(line, one) for one in real)]


@pytest.fixture(scope="module")
def after_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where DEMO was run; it takes a dozen seconds, and many pages begin with it."""
    folder = tmp_path_factory.mktemp("demo")
    project_in(folder)
    assert typed(DEMO, folder).returncode == 0
    return folder


def project_in(folder: Path) -> None:
    """Copy registry and migrations."""
    shutil.copy(ROOT / "feature_registry.yaml", folder)
    shutil.copytree(ROOT / "migrations", folder / "migrations")


def typed(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type a command in a folder."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=patient(LIMIT), check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        name
        for page in PAGES
        if "```console" in page.read_text(encoding="utf-8") and (name := str(page.relative_to(ROOT))) != EMULATED
    ],
)
def test_the_commands_shown_do_what_is_shown(name: str, tmp_path: Path, after_demo: Path) -> None:
    """Each command ends as claimed and prints the lines shown.

    They run in order: in a copy of registry and migrations, with the file that the page gives, or in an empty folder.
    What DEMO leaves behind is copied from the one time that it ran.
    """
    text = text_of(name)
    if name == "README.md":
        text = text.replace(section(text, EMULATED_SECTION), "")
    for file, content in files_in(text):
        (tmp_path / file).write_text(content)
    own = (tmp_path / "feature_registry.yaml").exists() or "start in an empty folder" in text
    if not own:
        project_in(tmp_path)
    told = list(shown_in(text))
    assert told
    for one in told:
        if one == Shown(DEMO, 0, ()) and not own:
            shutil.copytree(after_demo, tmp_path, dirs_exist_ok=True)
            continue
        done = typed(one.command, tmp_path)
        assert done.returncode == one.code, f"{one.command}\n{done.stdout}"
        assert unseen(one, done.stdout) == [], f"{one.command}\n{done.stdout}"


def test_a_wrong_line_shown_is_noticed() -> None:
    """The comparison can fail: another word, a line too many and a wrong order are seen; `...` matches anything."""
    output = "a.sql: applied, 1 statement\nb.sql: pending\n"
    assert unseen(Shown("x", 0, ("a.sql: ... statement", "...", "b.sql: pending")), output) == []
    assert unseen(Shown("x", 0, ("a.sql: done",)), output) == ["a.sql: done"]
    assert unseen(Shown("x", 0, ("b.sql: pending", "a.sql: ...")), output) == ["a.sql: ..."]
    told = "```console\n$ false  # exit 1\nno\n$ true\n```\n"
    assert list(shown_in(told)) == [Shown("false", 1, ("no",)), Shown("true", 0, ())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_the_product_alone(page: Path) -> None:
    """A page names no person, no ticket and no place on a person's machine."""
    text = re.sub(r"```sql\n.*?```", "", page.read_text(), flags=re.DOTALL)  # parameters begin with @ as people do
    assert re.findall(r"(?<![\w`])@\w+|(?<!\w)#\d+\b|(?<![\w.:/])/(?:home|root|tmp|Users)/", text) == []
    assert f"{ROOT.parent}/" not in text


def test_the_files_that_the_architecture_page_names_exist() -> None:
    """Each step of a walk and each new place of a module is a file."""
    page = text_of("docs", "explanation", "architecture.md")
    named = re.findall(r"^\d+\. `([\w/]+\.py)`", page, re.MULTILINE)
    named += re.findall(r"^\| `[\w/]+\.py` \| `([\w/]+\.py)` \|$", page, re.MULTILINE)
    assert len(named) > 100
    assert [name for name in named if not (ROOT / "fqtool" / name).is_file()] == []


def test_a_walk_goes_down_and_enters_no_package_twice() -> None:
    """Each walk of the architecture page has at most 12 files, and the packages in import order."""
    page = text_of("docs", "explanation", "architecture.md")
    order = re.findall(r"^\| `(\w+)(?:/|\.py)", section(page, "Packages"), re.MULTILINE)
    for walk in re.split(r"^\*\*", section(page, "Five walks through the code"), flags=re.MULTILINE)[1:]:
        files = re.findall(r"^\d+\. `(\w+)", walk, re.MULTILINE)
        assert 1 < len(files) <= 12
        assert [order.index(package) for package in files] == sorted(order.index(package) for package in files)
