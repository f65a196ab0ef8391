"""What a terminal of a given width shows of every command, over the store of `fqtool demo`."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer

from fqtool.app.app import app, main
from fqtool.app.lazy_commands import command_named
from tests.bed.running import ROOT

STORE = ("--target", "duckdb:///.fqtool/demo.duckdb")
ALTERED = ("--target", "duckdb:///.fqtool/demo-altered.duckdb")
DAY = "2026-02-06"
WEEK = ("--start", "2026-02-01", "--end", DAY)
NEW_FEATURE = (
    "add-feature", "points_avg_last_20", "--category", "player_history", "--processor", "PlayerDailyCacheProcessor",
    "--label", "calculated", "--range", "0,100", "--expected", "10",
    "--description", "Mean points of the last 20 games",
)  # fmt: skip
RECORDS = (
    '{"player_lookup": "a", "game_date": "2026-02-06", "features": [12.5]}\n'
    '{"player_lookup": "b", "game_date": "2026-02-30", "featurs": [3]}\n'
)
CODE = """FEATURES = [
    "points_avg_last_5",
    "points_avg_last_10",
    "points_avg_season",
    "points_std_last_10",
    "games_in_last_7_days",
    "pace_score",
    "shot_zone_mismatch_score",
]
"""
SCRIPT = """\
CREATE TABLE ml_feature_store_v2 (player_lookup STRING NOT NULL, game_date DATE NOT NULL) PARTITION BY game_date;
ALTER TABLE ml_feature_store_v2 ADD COLUMN IF NOT EXISTS quality_tier STRING;
UPDATE ml_feature_store_v2 SET quality_tier = 'gold' WHERE TRUE;
"""
# The name of the golden file, and the command; in this order, for later ones change the store.
COMMANDS: dict[str, tuple[str, ...]] = {
    "demo": ("demo",),
    "validate": ("validate",),
    "validate-wrong": ("validate", "--registry", "wrong.yaml"),
    "rules": ("rules",),
    "rule": ("rule", "FQ301"),
    "generate-schema": ("generate-schema", "--out", "schema.json"),
    "generate-sql": ("generate-sql", "detection", "--out", "detection.sql"),
    "generate-sql-writer": ("generate-sql", "writer", "--out", "writer.sql"),
    "export": ("export", "dbt", "--out", "dbt"),
    "docs": ("docs", "--out", "dictionary"),
    "migrate-status": ("migrate", "status", *STORE),
    "migrate-verify": ("migrate", "verify"),
    "migrate-plan-nothing": ("migrate", "plan", *STORE),
    "migrate-nothing": ("migrate", *STORE),
    "migrate-import": ("migrate", "import", "store.sql", "--migrations", "imported", "--dry-run"),
    "check-drift": ("check-drift", *STORE),
    "check-drift-altered": ("check-drift", *ALTERED),
    "check-drift-data": ("check-drift", "--data", *WEEK, *STORE),
    "check-record": ("check-record", "records.ndjson"),
    "check-code": ("check-code", "model.py"),
    "diagnose": ("diagnose", "--date", DAY, *STORE),
    "diagnose-healthy": ("diagnose", "--date", "2026-02-05", *STORE),
    "diagnose-newest": ("diagnose", *STORE),
    "diagnose-wrong-date": ("diagnose", "--date", "tomorow", *STORE),
    "daily": ("daily", "--date", DAY, *STORE),
    "explain": ("explain", "--key", "player_lookup=player_lookup_0050", "--date", DAY, *STORE),
    "models": ("models", "--date", DAY, *STORE),
    "cost": ("cost", *WEEK, *STORE),
    "report": ("report", *WEEK, "--out", "report.html", *STORE),
    "doctor": ("doctor", *STORE),
    "backfill-plan": ("backfill", "--dry-run", "--no-resume", *WEEK, *STORE),
    "backfill-status": ("backfill", "--status", *WEEK, *STORE),
    "backfill-nothing": ("backfill", *WEEK, *STORE),
    "score": ("score", "--start", DAY, *STORE),
    "score-records": ("score", "--input", "records.ndjson", "--output", "scores.ndjson"),
    "init": ("init", "--out", "new.yaml"),
    "learn": ("learn", "--dry-run", "--start", "2026-01-20", "--end", DAY, *STORE),
    "add-feature": NEW_FEATURE,
    "diff": ("diff", "old.yaml"),
    "check-drift-behind": ("check-drift", *STORE),
    "migrate-plan": ("migrate", "plan", *STORE),
    "migrate-dry-run": ("migrate", "--dry-run", *STORE),
    "migrate": ("migrate", *STORE),
    "unknown-command": ("diagnos",),
}  # fmt: skip
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# What differs from run to run, and what is written in its place.
_VARYING = (
    (re.compile(r"^(from [\d-]+) +[━╸╺ ]+ (\d+/\d+).*$", re.MULTILINE), r"\1 ━━━ \2 N rows/s H:MM:SS"),
    (re.compile(r"about [\d.]+ (?:s|min), at [\d.]+ s per"), "about N s, at N s per"),
    (re.compile(r"fqtool_backfill_[0-9a-f]{12}"), "fqtool_backfill_0123456789ab"),
    (re.compile(r"(YYYY-MM-DD[T ])[\d:]+"), r"\1HH:MM:SS"),
    (re.compile(r"(│ [\w-]+ +│) [\d.]+\w* +(│ (?:>=[\d.]+)? +│)$", re.MULTILINE), r"\1 VERSION   \2"),
)


def shown(folder: Path, width: int, *words: str) -> str:
    """Run a command in a folder and return what a terminal shows, without colours and without what always differs."""
    stream, code = io.StringIO(), 0
    environment = {"COLUMNS": str(width), "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "LOGNAME": "user"}
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
        patch.object(sys, "argv", ["fqtool", *words]),
        patch.object(sys.modules["__main__"], "__package__", None),  # or the help would name the test runner
        patch.dict(os.environ, environment),
        patch("socket.gethostname", return_value="host"),
        patch("os.getpid", return_value=4711),
    ):
        try:
            main()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    # A line that is written over again, as a progress bar, shows as written last.
    text = "\n".join(line.rpartition("\r")[2] for line in _ANSI.sub("", stream.getvalue()).split("\n"))
    text = text.replace(f"{datetime.now(UTC):%Y-%m-%d}", "YYYY-MM-DD")
    for pattern, constant in _VARYING:
        text = pattern.sub(constant, text)
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join((f"$ fqtool {' '.join(words)}", *lines, f"# exit {code}", ""))


def session(folder: Path, width: int) -> dict[str, str]:
    """Run all commands in a folder, in their order; the text of each by its name."""
    text = (ROOT / "feature_registry.yaml").read_text(encoding="utf-8")
    for name in ("feature_registry.yaml", "old.yaml"):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "wrong.yaml").write_text(text.replace("critical: true", "critcal: true", 1), encoding="utf-8")
    (folder / "store.sql").write_text(SCRIPT, encoding="utf-8")
    (folder / "model.py").write_text(CODE, encoding="utf-8")
    (folder / "records.ndjson").write_text(RECORDS, encoding="utf-8")
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    return {name: shown(folder, width, *words) for name, words in COMMANDS.items()}


def command_names() -> Iterator[tuple[str, ...]]:
    """Every command and subcommand by its words; first fqtool itself, by none."""
    yield ()
    every: Any = typer.main.get_command(app)
    for name in every.commands:
        yield (name,)
        yield from ((name, inner) for inner in getattr(command_named(name), "commands", ()))
