"""Laws of the command fqtool diff: what it compares, how it ends, and that what is missing is one sentence."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import jsonschema
import pytest

from fqtool.app.app import main
from fqtool.commands.diff.run import revision_of, text_at
from fqtool.errors import InputError
from tests.bed.running import ROOT

TEXT = (ROOT / "feature_registry.yaml").read_text()


def run(folder: Path, *words: str, path: str | None = None) -> tuple[int, str, str]:
    """Run the command in a folder, in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["fqtool", "diff", *words])
        if path is not None:
            patch.setenv("PATH", path)
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
    return code, out.getvalue(), err.getvalue()


def git(folder: Path, *words: str) -> None:
    """Run git in a folder."""
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the registry in a folder of its own: first as it is, then with another weight."""
    folder = tmp_path / "store"
    folder.mkdir()
    git(tmp_path, "init", "-q", "-b", "main")
    for text in (TEXT, TEXT.replace("weight: 87", "weight: 60")):
        (folder / "feature_registry.yaml").write_text(text)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "another")
    return folder


def test_revisions_and_files_are_compared(repository: Path) -> None:
    """The working file with HEAD without words; git:REV, git:REV:PATH and a file alike."""
    assert run(repository)[:2] == (0, "No differences: feature_registry.yaml matches git:HEAD:feature_registry.yaml.\n")
    (repository / "old.yaml").write_text(TEXT)
    told = []
    for words in (
        ("git:HEAD~1",),
        ("git:main~1:store/feature_registry.yaml",),
        ("git:HEAD~1:./feature_registry.yaml",),
        ("old.yaml",),
    ):
        code, out, _ = run(repository, *words)
        assert code == 0
        told.append(out)
    assert "FQ830 phase3: weight of the label `phase3` was 87 and is now 60." in told[0]
    assert len(set(told)) == 1
    code, out, _ = run(repository.parent, "git:HEAD~1", "git:HEAD", "-r", "store/feature_registry.yaml")
    assert (code, out.count("git:HEAD:store/feature_registry.yaml:")) == (0, 2)


def test_what_makes_it_fail_is_chosen(repository: Path) -> None:
    """Risky changes end with 0, unless --fail-on, --level or the registry's own levels are stricter."""
    assert run(repository, "git:HEAD~1")[0] == 0
    assert run(repository, "git:HEAD~1", "--fail-on", "risky")[0] == 1
    assert run(repository, "git:HEAD~1", "--level", "FQ830=breaking")[0] == 1
    assert run(repository, "git:HEAD~1", "--level", "FQ830=breaking", "--fail-on", "never")[0] == 0
    levels = "--level=FQ830=ignore", "--level=fq837=safe"
    code, out, _ = run(repository, "git:HEAD~1", "--fail-on", "risky", *levels)
    assert code == 0
    assert out.startswith("Safe\n\nnote FQ837")
    path = repository / "feature_registry.yaml"
    path.write_text(path.read_text().replace("drift: {}", "drift: {FQ830: error}"))
    assert run(repository, "git:HEAD~1")[0] == 1


def test_breaking_changes_come_first_and_end_with_1(repository: Path) -> None:
    """Breaking, risky, safe; the last line counts them; what went is shown in the old file, though it left a gap."""
    path = repository / "feature_registry.yaml"
    text = path.read_text()
    path.write_text(text.replace("index: 12, name: minutes_change", "index: 37, name: minutes_change"))
    code, out, _ = run(repository, "git:HEAD~1")
    assert code == 1, out
    assert out.index("Breaking\n") < out.index("error FQ802") < out.index("Risky\n") < out.index("Safe\n")
    assert "--> git:HEAD~1:feature_registry.yaml:" in out
    assert out.splitlines()[-1].split(", ")[0].endswith("breaking")
    code, _, err = run(repository, "git:HEAD~1", "--rows", "-")
    assert code == 2
    assert "feature_registry.yaml has 1 problem." in err


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit", "markdown"])
def test_every_format_reports_it(repository: Path, form: str) -> None:
    """Every format names the rule; JSON fits its schema and has the counts of the rows that were given."""
    (repository / "rows.ndjson").write_text('{"player_lookup": "a", "game_date": "2026-02-06"}\n')
    code, out, _ = run(repository, "git:HEAD~1", "--format", form, "--rows", "rows.ndjson")
    assert code == 0
    assert "FQ830" in out
    if form == "json":
        told = json.loads(out)
        jsonschema.validate(told, json.loads((ROOT / "fqtool/output/findings.schema.json").read_text()))
        assert told["preview"]["rows"] == 1
    if form == "markdown":
        assert "### fqtool diff: 2 risky\n" in out
        assert "| risky | FQ830 " in out
        assert "\nRows scored by both: 1\n" in out


@pytest.mark.parametrize("form", ["github", "markdown", "text"])
def test_a_safe_change_is_a_change(repository: Path, form: str) -> None:
    """Where everything that changed is safe, no format reports that nothing did."""
    path = repository / "feature_registry.yaml"
    (repository / "old.yaml").write_text(path.read_text())
    path.write_text(path.read_text().replace("Mean points this season", "The mean of points this season"))
    code, out, _ = run(repository, "old.yaml", "--format", form)
    assert (code, "1 safe" in out, "No differences" in out) == (0, True, False)


WRONG = [
    (("git:nowhere",), "git does not find the revision 'nowhere'."),
    (("git:HEAD:gone.yaml",), "There is no file gone.yaml at HEAD."),
    (("git:",), "The revision is missing in 'git:'."),
    (("git:--help",), "The revision is missing in 'git:--help'."),
    (("gone.yaml",), "gone.yaml does not exist.\n    fix: Name a registry file, git:REV or git:REV:PATH.\n"),
    (("git:HEAD", "-r", "gone/feature_registry.yaml"), "The folder gone does not exist."),
    (("git:HEAD:broken.yaml",), "git:HEAD:broken.yaml has 1 problem."),
    (("git:HEAD:binary.yaml",), "git:HEAD:binary.yaml is not UTF-8 text."),
    (("--level", "FQ830"), "'FQ830' is not RULE=LEVEL."),
    (("--level", "FQ301=safe"), "Unknown rule `FQ301` of diff."),
    (("--end", "2026-02-06"), "--end and --max-bytes need --start."),
    (("--rows", "a.ndjson", "--start", "2026-02-06"), "--rows scores a file, so it excludes --start, --end,"),
    (("--rows", "gone.ndjson"), "gone.ndjson does not exist."),
    (("--rows", "feature_registry.yaml"), "The format of feature_registry.yaml is unknown."),
]


def test_wrong_input_is_one_sentence(repository: Path) -> None:
    """Each ends with 2 and names what is wrong, without a traceback."""
    (repository.parent / "broken.yaml").write_text("version: 1\n  x: 2\n")
    (repository.parent / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    git(repository.parent, "add", "-A")
    git(repository.parent, "commit", "-qm", "broken")
    for words, sentence in WRONG:
        code, out, err = run(repository, *words)
        assert (code, out) == (2, ""), (words, out, err)
        assert sentence in err, (words, err)
        assert "Traceback" not in err
        assert err.count(sentence) == 1, err


def test_a_missing_git_is_reported(tmp_path: Path) -> None:
    """No git, no repository: one sentence, exit 2; files need neither."""
    (tmp_path / "feature_registry.yaml").write_text(TEXT)
    code, _, err = run(tmp_path, path="/nonexistent")
    assert code == 2
    assert err.startswith("error: git is not installed.")
    code, _, err = run(tmp_path)
    assert code == 2
    assert "is not in a git repository." in err
    assert run(tmp_path, "feature_registry.yaml", "feature_registry.yaml", path="/nonexistent")[0] == 0


def test_git_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that does not answer is not waited for."""
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 20\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"git did not end in 0\.3 s"):
        text_at(revision_of("git:HEAD", tmp_path / "feature_registry.yaml"), 0.3)


@pytest.mark.parametrize(("new", "following"), [("new.yaml", "migrate plan --registry new.yaml"), ("git:HEAD", "")])
def test_the_next_command_is_about_the_new_registry(repository: Path, new: str, following: str) -> None:
    """A file is planned under its name; a revision cannot be planned."""
    (repository / "new.yaml").write_text(TEXT)
    said = run(repository, "feature_registry.yaml", new, "--fail-on", "never")[2]
    assert [line for line in said.splitlines() if "Next:" in line] == (
        [f"Next: fqtool {following}"] if following else []
    )
