"""Laws of the command line: exit codes, streams, start-up, and what a person sees."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from typer.testing import CliRunner

from fqtool.app.app import app
from fqtool.cli.endings import run_app
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.commands import fqtool
from tests.machine import patient

if TYPE_CHECKING:
    import typer

LIMIT = 60.0


def test_the_main_job_ends_clean(project: Path) -> None:
    """migrate, check-drift, migrate again: exit 0 each, and the second migrate does nothing."""
    for words, sentence in (
        (("migrate",), "is up to date"),
        (("check-drift",), "matches the registry"),
        (("migrate",), "no migration is pending"),
        (("migrate", "plan"), "no migration needed"),
        (("migrate", "status"), "0001_add_120_columns.sql  applied"),
        (("migrate", "verify"), "2 migrations replay"),
        (("validate",), "No problems found"),
    ):
        done = fqtool(project, *words)
        assert done.returncode == 0, done.stderr
        assert sentence in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("export ", ["dbt", "odcs", "terraform", "feast", "python", "jsonschema", "pydantic", "avro"]),
        ("validate --format ", ["text", "json", "github", "sarif", "junit", "markdown"]),
        ("rule FQ00", [f"FQ00{number}" for number in range(1, 10)]),
        ("check-drift --target ", ["local", "production"]),
        ("check-drift --registry none.yaml --target ", []),
        ("add-feature x --category v", ["vegas"]),
        ("add-feature x --processor O", ["OddsScrapers"]),
        ("add-feature x --label p", ["phase4", "phase3"]),
    ],
)
def test_the_shell_offers_what_may_be_written(monkeypatch: pytest.MonkeyPatch, typed: str, offered: list[str]) -> None:
    """Completion offers the values of an option, those of the registry too, and nothing where there is none."""
    monkeypatch.chdir(ROOT)
    words = f"fqtool {typed}"
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_FQTOOL_COMPLETE": "complete_bash"}
    done = CliRunner().invoke(app, [], prog_name="fqtool", env=environment)
    assert done.stdout.split() == offered


def test_generate_schema_gives_122_fields(project: Path) -> None:
    """JSON alone on stdout: 122 fields, 170 with --full; --check agrees with --out, and reports what is stale."""
    assert len(json.loads(fqtool(project, "generate-schema", "--out", "-").stdout)) == 122
    assert len(json.loads(fqtool(project, "generate-schema", "--full").stdout)) == 170
    assert fqtool(project, "generate-schema", "--out", "schema.json").returncode == 0
    assert fqtool(project, "generate-schema", "--check", "schema.json").returncode == 0
    stale = json.loads((project / "schema.json").read_text())
    stale[4]["type"] = "STRING"
    (project / "schema.json").write_text(json.dumps(stale))
    done = fqtool(project, "generate-schema", "--check", "schema.json")
    assert done.returncode == 1
    assert f"column {stale[4]['name']} was changed to" in done.stdout


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_stdout_holds_the_json_alone(project: Path, form: str) -> None:
    """Machine formats are one JSON document on stdout, whatever is found, and the exit code is that of text."""
    fqtool(project, "migrate")
    done = fqtool(project, "check-drift", "--format", form)
    assert done.returncode == 0
    json.loads(done.stdout)
    (project / "feature_registry.yaml").write_text(
        (project / "feature_registry.yaml")
        .read_text()
        .replace("require_partition_filter: true", "require_partition_filter: false")
    )
    done = fqtool(project, "check-drift", "--format", form)
    assert done.returncode == 1
    assert "FQ312" in done.stdout
    json.loads(done.stdout)


WRONG: list[tuple[list[str], int, str]] = [
    (["nonsense"], 2, "No such command"),
    (["daily", "--baseline", "x"], 2, "error: --baseline must be a whole number.\n    fix: fqtool daily --help\n"),
    (["check-record", "--sample", "0", "x"], 2, "error: --sample must be 1 or more.\n"),
    (["migrate", "plan", "--nme"], 2, "error: No such option: --nme .*\n    fix: fqtool migrate plan --help"),
    (
        ["migrate", "plan", "-q"],
        2,
        "-q is an option of fqtool and goes .*\n    fix: Write it there: fqtool -q migrate plan\n",
    ),
    (["daily", "--trace", "x"], 2, "fix: Write it there: fqtool --trace FILE daily\n"),
    (["init", "--from-table"], 2, "'--from-table' requires an argument.\n    fix: fqtool init --help\n"),
    (["daily", "--fail-on", "x"], 2, "'--fail-on': 'x' is not one of 'warning', 'error'.\n"),
    (["check-drift", "--registry", "absent.yaml"], 2, "absent.yaml"),
    (["check-drift", "--registry", "migrations"], 2, "is a folder.*\n.*\n    fix: Name a file with --registry."),
    (["migrate", "--migrations", "feature_registry.yaml"], 2, "not a folder.\n    fix: Name a folder."),
    (["demo", "--file", "feature_registry.yaml/x.duckdb"], 2, "not a folder.\n    fix: Name another file."),
    (
        ["score", "--input", "x.ndjson", "--output", "migrations"],
        2,
        "it is a folder.\n    fix: Name a file.",
    ),
    (["check-drift"], 3, "There is no table"),
    (["check-drift", "--target", "nowhere"], 2, "Unknown target 'nowhere'"),
    (["check-drift", "--target", "nowhere"], 2, "or declare 'nowhere' under `targets:` of feature_registry.yaml"),
    (["check-drift", "--target", "mysql://x/y"], 2, "Unknown warehouse 'mysql'"),
    (["check-drift", "--target", "bigquery://onlyproject"], 2, "bigquery://"),
    (["check-drift", "--format", "xml"], 2, "Unknown format 'xml'"),
    (["migrate", "--target", "duckdb:///migrations"], 2, "migrations is a folder"),
    (["check-drift", "--target", "duckdb:///."], 2, "is a folder"),
    (["migrate", "plan", "--target", "duckdb:///.."], 2, "is a folder"),
    (["check-drift", "--target", "duckdb:///"], 2, "cannot be '/'"),
    (["generate-schema", "--check", "absent.json"], 1, "does not exist"),
    (["rules", "FQ999"], 2, "Unknown rule .FQ999."),
    (["migrate", "--timeout", "-1"], 2, "timeout"),
]


@pytest.mark.parametrize(("words", "code", "sentence"), WRONG, ids=[f"{' '.join(w[0])}: {w[2]}" for w in WRONG])
def test_wrong_input_ends_in_a_sentence(project: Path, words: list[str], code: int, sentence: str) -> None:
    """Wrong words, files, targets: one sentence on stderr, the exit code of its kind, never a traceback."""
    done = fqtool(project, *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert re.search(sentence, done.stdout + done.stderr)
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"version: 1\nversion: 2\n", "twice"),
        ("version: 1\n".encode("utf-16"), "UTF-8"),
        (b"a: [1, 2\n", "feature_registry.yaml:"),
        (b"version: 1\ntabel: {}\n", "table"),
        (b"\tversion: 1\n", "tab|found character"),
        (b"a: &x [1]\nb: *x\n", "alias|anchor"),
        (b"x: " + b"[" * 60_000, "nested|deep"),
        (b"# " + b"x" * (50 << 20), "large|bytes|MiB|MB"),
    ],
    ids=["empty", "duplicate", "utf-16", "syntax", "unknown-key", "tab", "alias", "brackets", "50-mb"],
)
def test_a_broken_registry_ends_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    """Whatever the file holds: exit 2, the place, what is wrong; never a traceback or a crash."""
    (tmp_path / "feature_registry.yaml").write_bytes(content)
    done = fqtool(tmp_path, "check-drift")
    assert done.returncode == 2, done.stderr[-500:]
    assert re.search(sentence, done.stderr), done.stderr[:500]
    assert "Traceback" not in done.stderr


def test_the_fix_of_a_stale_schema_file_is_its_command(project: Path) -> None:
    """The fix repeats --full, the registry and the file's name; performed as printed, it makes the check clean."""
    (project / "feature_registry.yaml").rename(project / "other.yaml")
    words = ("generate-schema", "--full", "--registry", "other.yaml")
    assert fqtool(project, *words, "--out", "the schema.json").returncode == 0
    fields = json.loads((project / "the schema.json").read_text())
    (project / "the schema.json").write_text(json.dumps(fields[:-1]))
    stale = fqtool(project, *words, "--check", "the schema.json")
    assert stale.returncode == 1
    _, fix = stale.stdout.split("fix: fqtool ", 1)
    assert fqtool(project, *shlex.split(fix.splitlines()[0])).returncode == 0
    assert fqtool(project, *words, "--check", "the schema.json").returncode == 0


def test_a_reader_that_closes_the_pipe_is_not_an_error(project: Path) -> None:
    """`fqtool generate-schema | head -1` ends without a word on stderr."""
    done = subprocess.run(
        f"{sys.executable} -m fqtool generate-schema --full | head -1",
        shell=True,
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=patient(LIMIT),
        check=False,
    )
    assert done.stdout == "[\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [("validate",), ("generate-schema", "--full"), ("migrate", "plan"), ("--help",), ("rules",)],
)
def test_a_closed_pipe_ends_with_141(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Law: short and long output into a closed pipe end with 141; a plan's files are complete or not there."""
    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "fqtool", *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=patient(LIMIT),
            check=False,
        )
    assert done.returncode == 141, done.stderr
    assert "Error" not in done.stderr
    if (tmp_path / "migrations").exists():
        assert fqtool(tmp_path, "migrate", "verify").returncode == 0


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            PermissionError(13, "Permission denied", "locked/x"),
            "error: locked/x: Permission denied.\n    fix: Change the permissions, or name another place.",
        ),
        (
            OSError(28, "No space left on device"),
            "error: The output cannot be written: No space left on device.\n"
            "    fix: Free space on the disk, then run the same command again.",
        ),
        (OSError(5, "Input/output error", "x"), "error: x: Input/output error."),
        (
            KeyError("x"),
            "error: Internal error (please report): KeyError: 'x'\n  FQTOOL_DEBUG=1 prints the traceback to report.",
        ),
    ],
)
def test_an_unexpected_exception_ends_in_a_sentence(
    error: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal by the machine is reported as such, any other exception as an internal error: exit code 3."""

    def fails(**_: object) -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        _ = run_app(cast("typer.Typer", fails))
    assert (ended.value.code, capsys.readouterr().err) == (3, f"{sentence}\n")


@pytest.mark.parametrize(("words", "code"), [("generate-schema >&-", 0), ("validate -r absent 2>&-", 2)])
def test_closed_streams_change_nothing(project: Path, words: str, code: int) -> None:
    """Without a stdout or a stderr, as cron jobs are run, a command ends as with one, and without a traceback."""
    done = subprocess.run(
        f"exec {sys.executable} -m fqtool {words}",
        shell=True,
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=patient(LIMIT),
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_colour_is_for_terminals(project: Path) -> None:
    """A terminal of 60 columns gets colour; NO_COLOR and pipes get none."""
    fqtool(project, "migrate")
    text = (project / "feature_registry.yaml").read_text()
    (project / "feature_registry.yaml").write_text(
        text.replace("require_partition_filter: true", "require_partition_filter: false")
    )

    def on_terminal(**environment: str) -> str:
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [sys.executable, "-m", "fqtool", "check-drift"],
            cwd=project,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "60", "TERM": "xterm"} | environment,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        assert child.wait(LIMIT) == 1
        os.close(ours)
        return seen.decode()

    assert "\x1b[" in on_terminal()
    assert "\x1b[" not in on_terminal(NO_COLOR="1")
    assert "\x1b[" not in fqtool(project, "check-drift").stdout


def interrupted(project: Path, emulator: Emulator, target: str) -> tuple[int, str, str]:
    """Exit code and output of a migration that gets Ctrl-C at its first statement."""
    # Whoever starts tests in the background has them, and all they start, ignore Ctrl-C.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{listen}; from fqtool.app.app import main; main()"
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            program,
            "migrate",
            "-v",
            "--target",
            target,
        ],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT), "BIGQUERY_EMULATOR_HOST": emulator.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "record start" in line:
            break
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=patient(LIMIT))
    return child.returncode, out, error


def test_ctrl_c_ends_in_a_sentence(project: Path, emulator: Emulator) -> None:
    """Ctrl-C at any time: one line, exit 130, and the next run goes on."""
    target = f"bigquery://{PROJECT}/{emulator.fresh_dataset()}"
    code, out, error = interrupted(project, emulator, target)
    assert code == 130, error
    assert "Interrupted" in error
    assert "Traceback" not in out + error
    done = fqtool(project, "migrate", "--target", target, BIGQUERY_EMULATOR_HOST=emulator.url)
    assert done.returncode == 0, done.stderr


def test_the_public_names_of_the_package() -> None:
    """The package exports these names, each loads, and the page of the Python API describes each."""
    import fqtool as package

    assert set(package.__all__) == set(package._HOMES)
    assert sorted(package.__all__) == [
        "Finding",
        "FqtoolError",
        "InputError",
        "LoadedRegistry",
        "Location",
        "Registry",
        "RegistryError",
        "Severity",
        "load_registry",
        "schema_json",
    ]
    page = (ROOT / "docs" / "reference" / "python.md").read_text()
    for name in package.__all__:
        assert getattr(package, name)
        assert re.search(rf"\| `{name}\b", page), name
    assert (Path(package.__file__).parent / "py.typed").is_file()
    registry = package.load_registry(ROOT / "feature_registry.yaml")
    assert len(json.loads(package.schema_json(registry))) == 122


def test_the_public_functions_describe_each_parameter() -> None:
    """A docstring of the public API names every parameter, and what is returned."""
    import fqtool as package

    loaded = package.LoadedRegistry
    methods = [each for name, each in vars(loaded).items() if inspect.isfunction(each) and name[0] != "_"]
    methods = [each for each in methods if each.__module__ == loaded.__module__]
    assert {each.__name__ for each in methods} == {"build_feature_quality_fields", "check", "score"}
    for each in (*methods, package.load_registry, package.schema_json, package.FqtoolError.__init__):
        text = inspect.getdoc(package.FqtoolError if each.__name__ == "__init__" else each) or ""
        for name in inspect.signature(each).parameters.keys() - {"self"}:
            assert f"    {name}: " in text, (each, name)
        assert "Returns:" in text or each.__name__ == "__init__", each
    for each in (package.Finding, package.Location):
        assert all(f"    {field.name}: " in (each.__doc__ or "") for field in dataclasses.fields(each)), each


def test_quiet_leaves_findings_and_errors(project: Path) -> None:
    """With --quiet a command that succeeds prints its result alone; findings and errors are printed as ever."""
    day = ("--start", "2026-02-06", "--end", "2026-02-06")
    for words in (("migrate",), ("check-drift",), ("validate",), ("backfill", *day), ("doctor",), ("score", *day[:2])):
        done = fqtool(project, "--quiet", *words)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert words[0] in ("doctor", "backfill") or done.stdout == "", words  # these two print a table
    asked = fqtool(project, "-q", "generate-schema")
    assert len(json.loads(asked.stdout)) == 122
    for words, code in ((("check-drift", "--target", "duckdb:///none.duckdb"), 3), (("-v", "validate"), 2)):
        loud, still = fqtool(project, *words), fqtool(project, "-q", *words)
        assert still.returncode == code, still
        assert "error:" in still.stderr
        assert code == 2 or loud.stderr == still.stderr
