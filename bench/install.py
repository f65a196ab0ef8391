"""Builds wheel and sdist, installs the wheel alone into empty environments, runs it from empty folders, and weighs it.

python bench/install.py        written into README.md; ends with 1 at the first thing that does not work
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

import machine
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MB = 200
# What a user does with nothing but the wheel, and a word that must be in what is printed.
WORKS = (
    ("--version", "fqtool "),
    ("rules", "FQ301"),
    ("demo", "FQ601"),
    ("init", "Wrote feature_registry.yaml"),
    ("validate", "No problems found"),
    ("generate-schema --out schema.json", "Wrote schema.json"),
    ("generate-schema --check schema.json", "Up to date"),
    ("migrate plan", "Wrote migrations"),
    ("--trace t.jsonl migrate", "is up to date"),
    ("check-drift", "No drift"),
)


def environment() -> dict[str, str]:
    """This environment without what would lead Python back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FQTOOL_"))}


def run(*words: str, folder: Path) -> str:
    """Run a command there, and return all it printed; end with its words if it fails."""
    done = subprocess.run(
        words, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def fresh(folder: Path, *packages: str) -> Path:
    """Return the bin folder of a new environment with these packages."""
    run(sys.executable, "-m", "venv", str(folder), folder=ROOT)
    pip = (str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    run(*pip, "--constraint", str(ROOT / "constraints.txt"), *packages, folder=ROOT)
    return folder / "bin"


def weight(bins: Path) -> tuple[int, float]:
    """Return how many packages are installed beside pip and setuptools, and their megabytes, bytecode included."""
    (site,) = bins.parent.glob("lib/python*/site-packages")
    infos = [one for one in site.glob("*.dist-info") if one.name.partition("-")[0] not in {"pip", "setuptools"}]
    left_out = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    files = (one for top in site.iterdir() if not top.name.startswith(left_out) for one in (top, *top.rglob("*")))
    return len(infos), sum(one.stat().st_size for one in files if one.is_file()) / 1e6


def largest(bins: Path, count: int) -> str:
    """Return the largest packages as rows of a table: name, megabytes, the packages that need it, its summary."""
    (site,) = bins.parent.glob("lib/python*/site-packages")
    installed = {Requirement(one.name).name.lower(): one for one in distributions(path=[str(site)])}
    needed_by: dict[str, list[str]] = {}
    for name, one in installed.items():
        for text in one.requires or ():
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": "report"}):
                needed_by.setdefault(need.name.lower(), []).append(name)
    sizes = {
        name: sum(path.stat().st_size for path in map(one.locate_file, one.files or ()) if path.is_file())
        for name, one in installed.items()
        if name not in {"pip", "setuptools"}
    }
    return "".join(
        f"| `{name}` | {sizes[name] / 1e6:.0f} | {', '.join(needed_by.get(name, ['']))} | "
        f"{installed[name].metadata['Summary'].strip()} |\n"
        for name in sorted(sizes, key=lambda name: -sizes[name])[:count]
    )


def tried(bins: Path, folder: Path) -> None:
    """Do in an empty folder what a user does."""
    folder.mkdir()
    for words, said in WORKS:
        told = run(str(bins / "fqtool"), *words.split(), folder=folder)
        if said not in told:
            raise SystemExit(f"fqtool {words} does not print {said!r}:\n{told}")
        sys.stdout.write(f"{bins.parent.name}: fqtool {words}\n")


def main() -> None:
    """Build, install, try, weigh."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        build = fresh(home / "build", "hatchling")
        run(str(build / "hatchling"), "build", "--directory", str(home / "dist"), folder=ROOT)
        (wheel,), (sdist,) = home.joinpath("dist").glob("*.whl"), home.joinpath("dist").glob("*.tar.gz")
        built = {"wheel": wheel.stat().st_size, "sdist": sdist.stat().st_size}
        rows = []
        for name, package in (("fqtool", str(wheel)), ("fqtool[report]", f"fqtool[report] @ {wheel.as_uri()}")):
            bins = fresh(home / name.strip("]").replace("[", "-"), package)
            count, megabytes = weight(bins)
            tried(bins, home / f"work-{count}")
            rows.append(f"| `{name}` | {count} | {megabytes:.0f} |")
            most = largest(bins, 5)
            if name == "fqtool" and megabytes > LIMIT_MB:
                raise SystemExit(f"{megabytes:.0f} MB are more than {LIMIT_MB} MB.")
        # The sdist must build too, with nothing beside it: its wheel is as good as the other.
        fresh(home / "from-sdist", "--no-deps", str(sdist))
        run(str(home / "from-sdist" / "bin" / "python"), "-c", "import fqtool", folder=home)
    page = (
        f"{machine.line()}\n\n| installed | packages | MB |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"The wheel is {built['wheel'] / 1e3:.0f} kB, the sdist {built['sdist'] / 1e3:.0f} kB. The largest packages, "
        f"with `[report]`:\n\n| package | MB | needed by | what it is |\n|---|--:|---|---|\n{most}"
    )
    sys.stdout.write(page)
    machine.put("install", page)


if __name__ == "__main__":
    main()
