"""Registries to export, and what they give."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from fqtool.commands.export.run import EXPORTS
from fqtool.registry.load import read_registry
from fqtool.registry.model import BaseColumn, Registry
from fqtool.table.column import Column, Mode
from tests.bed.running import ROOT
from tests.stores import BASE, small_registry, with_column

LIMIT = 60.0


HOSTILE = (
    "it's \"quoted\" and `ticked`",
    "two\nlines\n\n# and - a: comment", "{{ ref('x') }} {% raw %} {# c #} {{{", "}} {{{{",
    "${path.module} %{ if true } $${ %%{ $$${", "back\\slash \\n \\", "naïve 例 🎉 \u2028 \u202e \x85", "'''\"\"\"",
    " edges ",
    "yes", "- a", "{number}", "%s", "\t", "<b>&amp;</b> | [x](y)", "\x07",
)  # fmt: skip


TARGETS = sorted(EXPORTS)
TAG = "projects/p/locations/us/taxonomies/1/policyTags/2"
KMS_KEY = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
# Each property of a column and of a table, as a registry declares it.
OF_COLUMN: dict[str, object] = {
    "collation": "und:ci", "data_policies": ("p.q",), "generated": "AI.EMBED(item)", "policy_tags": (TAG,),
    "rounding_mode": "ROUND_HALF_EVEN",
}  # fmt: skip
OF_TABLE: dict[str, object] = {
    "friendly_name": "Orders", "expiration_timestamp": "2030-01-01T00:00:00Z", "default_collation": "und:ci",
    "default_rounding_mode": "ROUND_HALF_EVEN", "enable_change_history": True, "enable_fine_grained_mutations": True,
    "kms_key_name": KMS_KEY, "max_staleness": "0-0 0 4:0:0", "tags": (("p/env", "prod"),),
}  # fmt: skip


@cache
def real() -> Registry:
    """The repository's own."""
    return read_registry(ROOT / "feature_registry.yaml")


def hostile(registry: Registry) -> Registry:
    """The registry with a text in every description that some format takes for its own."""

    def bad(number: int) -> str:
        return HOSTILE[number % len(HOSTILE)]

    return replace(
        registry,
        table=replace(registry.table, description=" ".join(HOSTILE), labels=(("team", "a-b"),)),
        base_columns=tuple(replace(one, description=bad(n)) for n, one in enumerate(registry.base_columns)),
        columns=tuple(replace(one, description=bad(n)) for n, one in enumerate(registry.columns)),
        features=tuple(replace(one, description=bad(n)) for n, one in enumerate(registry.features)),
        views=tuple(replace(one, description=bad(n)) for n, one in enumerate(registry.views)),
    )


def described(description: str) -> Registry:
    """A small store whose score has that description."""
    return with_column(small_registry(), "score", description=description)


def declaring(of_column: Mapping[str, object], of_table: Mapping[str, object], **table: object) -> Registry:
    """A small store that declares these properties of the column `item` and of the table."""
    base = (replace(BASE[0], properties=tuple(of_column.items())), *BASE[1:])
    spec = replace(small_registry().table, properties=tuple(of_table.items()), **table)  # type: ignore[arg-type]
    return small_registry(base_columns=base, table=spec)


def of_every_type(*columns: Column) -> Registry:
    """A small store that has these base columns as well."""
    base = tuple(BaseColumn(f"x{n}", one.sql_type, one.mode is Mode.REQUIRED) for n, one in enumerate(columns))
    return small_registry(base_columns=(*BASE, *base))


def of(registry: Registry, target: str) -> str:
    """The text of one export."""
    return EXPORTS[target].render(registry)


def loaded(text: str) -> types.ModuleType:
    """A generated Python module, run."""
    module = types.ModuleType("generated")
    sys.modules["generated"] = module  # where typing looks a class's module up
    exec(compile(text, "generated", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - that it runs is the test
    return module
