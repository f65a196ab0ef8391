"""Registries to which a feature is added, written down in every layout that people use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fqtool.commands.add_feature.run import plan_addition
from fqtool.registry.yaml.edit import NewFeature
from tests.bed.running import ROOT

REAL = ROOT / "feature_registry.yaml"


CATEGORY, PROCESSOR = "player_history", "PlayerDailyCacheProcessor"


MEAN_20: dict[str, Any] = {
    "category": CATEGORY,
    "processor": PROCESSOR,
    "labels": ("phase4", "default"),
    "expected": 10.0,
    "range": (0.0, 70.0),
    "description": "Mean points over the last 20 games.",
}


ENTRY = """\
  - {index: 37, name: points_avg_last_20, category: player_history,
     processor: PlayerDailyCacheProcessor, labels: [phase4, default],
     expected: 10.0, range: [0, 70],
     description: "Mean points over the last 20 games."}
"""


FEATURE = NewFeature(2, "c", "one", labels=("good", "bad"), expected=1.5, range=(-1.0, 2.5), critical=True)


# Every way to write the list that people use; <here> is where the new entry is expected.
LAYOUTS = {
    "one line each": """\
features:  # the vector
  - {index: 0, name: a, category: one}
  - {index: 1, name: b, category: one}  # second
<here>  - {index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]}
<end>  # what follows
columns: []
""",
    "at the margin": """\
features:
- {index: 0, name: a, category: one}
- {index: 1, name: b, category: one}
<here>- {index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]}
<end>""",
    "several lines each": """\
features:
  -  { index: 0, name: a,
       category: one }
  -  { index: 1, name: b,
       category: one }
<here>  -  { index: 2, name: c, category: one, critical: true,
       labels: [good, bad],
       expected: 1.5, range: [-1, 2.5] }
<end>
# what follows
columns: []
""",
    "keys on lines": """\
features:
  - index: 0
    name: a
    category: one
  - index: 1
    name: b
    category: one
    labels: [good]
<here>  - index: 2
    name: c
    category: one
    critical: true
    labels: [good, bad]
    expected: 1.5
    range: [-1, 2.5]
<end>

# what follows
columns: []
""",
    "a text in a block at the end": """\
features:
  - index: 0
    name: a
    category: one
  - index: 1
    name: b
    category: one
    description: >-
      Two
      lines.
<here>  - index: 2
    name: c
    category: one
    critical: true
    labels: [good, bad]
    expected: 1.5
    range: [-1, 2.5]
<end>
columns: []
""",
    "dashes on lines of their own": """\
features:
  -
    index: 0
    name: a
    category: one
  -
    index: 1
    name: b
    category: one
<here>  - index: 2
    name: c
    category: one
    critical: true
    labels: [good, bad]
    expected: 1.5
    range: [-1, 2.5]
<end>columns: []
""",
    "in brackets on one line": """\
features: [{index: 0, name: a, category: one}, {index: 1, name: b, category: one}<here>, \
{index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]}<end>]  # all
columns: []
""",
    "in brackets, a comma at the end": """\
features: [
  {index: 0, name: a, category: one},
  {index: 1, name: b, category: one},  # second
<here>  {index: 2, name: c, category: one, critical: true, labels: [good, bad], expected: 1.5, range: [-1, 2.5]},
<end>]
columns: []
""",
}


def registry_in(folder: Path, text: str | None = None) -> Path:
    """A registry file: the repository's, or one with this text."""
    path = folder / "feature_registry.yaml"
    path.write_bytes(REAL.read_bytes() if text is None else text.encode())
    return path


def added(path: Path, name: str = "points_avg_last_20", **said: Any) -> str:
    """The text of a registry file after a feature was added to it."""
    plan_addition(path, name, **(MEAN_20 | said)).write()
    return path.read_bytes().decode()
