"""fqtool beside the tools that teams use today: the same store, the same run, ratios.

python bench/peers.py        written into README.md; needs `make peers` and bench/.venv (make bench builds both)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import machine
import yaml
from wide import registry_of

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(os.environ.get("FQTOOL_PEERS_PYTHON") or ROOT / ".venv-peers" / "bin" / "python").parent
ALEMBIC = Path(os.environ.get("FQTOOL_ALEMBIC_PYTHON") or ROOT / "bench" / ".venv" / "bin" / "python").parent
OURS = (sys.executable, "-m", "fqtool")
WIDE = 2500
LIMIT = 300.0
ENVIRONMENT = textwrap.dedent(
    """
    from alembic import context
    context.configure(dialect_name="bigquery", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
    """
)
REVISION = textwrap.dedent(
    """
    import json
    from alembic import op
    import sqlalchemy as sa
    revision, down_revision = "1", None
    TYPES = {"INTEGER": sa.Integer, "FLOAT": sa.Float, "BOOLEAN": sa.Boolean, "TIMESTAMP": sa.TIMESTAMP}
    def upgrade():
        for field in json.load(open("schema.json")):
            kind = TYPES.get(field["type"], sa.String)()
            op.add_column("store", sa.Column(field["name"], kind, comment=field.get("description")))
    """
)


def run(folder: Path, command: Sequence[str | Path]) -> tuple[float, str]:
    """Seconds of the better of three, and what it printed."""
    taken, said = [], ""
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
            capture_output=True, text=True, check=True, timeout=LIMIT,
        )  # fmt: skip
        taken.append(time.perf_counter() - began)
        said = done.stdout
    return min(taken), said


def contracts(folder: Path) -> list[tuple[str, float, str, float]]:
    """The data contract CLI on a contract of the same columns."""
    found = []
    for features, name in ((37, "122 columns"), (WIDE, f"{WIDE:,} features")):
        (folder / "feature_registry.yaml").write_text(registry_of(features), encoding="utf-8")
        run(folder, (*OURS, "export", "odcs", "--out", "contract.yaml"))
        simplify(folder / "contract.yaml")
        peer = PEERS / "datacontract"
        export = (peer, "export", "bigquery", "contract.yaml", "--server", "production")
        pairs = (
            (f"schema JSON, {name}", (*OURS, "generate-schema"), "datacontract export bigquery", export),
            (f"lint, {name}", (*OURS, "validate"), "datacontract lint", (peer, "lint", "contract.yaml")),
        )
        for what, ours, theirs, command in pairs:
            if features == WIDE and what.startswith("lint"):
                continue  # a store this wide has findings: its statements are longer than BigQuery takes
            found.append((what, run(folder, ours)[0], theirs, run(folder, command)[0]))
    return found


def simplify(contract: Path) -> None:
    """Leave out columns with an ARRAY or STRUCT: the data contract CLI writes no BigQuery schema with them."""
    told = yaml.safe_load(contract.read_text(encoding="utf-8"))
    for table in told["schema"]:
        table["properties"] = [one for one in table["properties"] if "<" not in one.get("physicalType", "")]
    contract.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")


def statements(folder: Path) -> tuple[int, float, int, float]:
    """How many metadata operations adding the columns takes: ours and seconds, Alembic's and seconds."""
    (folder / "feature_registry.yaml").write_text(registry_of(37), encoding="utf-8")
    ours, said = run(folder, (*OURS, "migrate", "plan", "--offline", "--dry-run", "-m", "none"))
    alters = sum(line.strip().startswith("ALTER TABLE") for line in said.splitlines())  # the rollback is printed too
    run(folder, (*OURS, "generate-schema", "--out", "schema.json"))
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = alembic\n")
    (folder / "alembic" / "env.py").write_text(ENVIRONMENT)
    (versions / "one.py").write_text(REVISION)
    theirs, text = run(folder, (ALEMBIC / "alembic", "upgrade", "head", "--sql"))
    return alters, ours, text.count("ALTER TABLE"), theirs


def main() -> None:
    """Measure, and write the tables."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = contracts(Path(folder))
        alters, ours, many, theirs = statements(Path(folder))
    lines = [machine.line(), "", "| work | fqtool, s | peer | peer, s | fqtool beside it |", "|---|---|---|---|---|"]
    lines += [
        f"| {what} | {mine:.2f} | {peer} | {other:.2f} | {mine / other:.2f}x |" for what, mine, peer, other in pairs
    ]
    lines.append(f"| SQL of a migration | {ours:.2f} | alembic upgrade --sql | {theirs:.2f} | {ours / theirs:.2f}x |")
    lines += ["", f"Adding the columns is {alters} ALTER TABLE with fqtool, and {many} with Alembic."]
    page = "\n".join(lines) + "\n"
    sys.stdout.write(page)
    machine.put("peers", page)


if __name__ == "__main__":
    main()
