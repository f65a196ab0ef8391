"""The catalogue of rules: the modules of each group, loaded on first use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from fqtool.findings.finding import RULES, Group, Rule

MODULES: dict[Group, tuple[str, ...]] = {
    Group.LOAD: ("fqtool.registry.yaml.yaml_errors", "fqtool.registry.checks.schema_errors"),
    Group.REGISTRY: (
        "fqtool.lint.names",
        "fqtool.lint.columns",
        "fqtool.lint.features",
        "fqtool.lint.inputs",
        "fqtool.lint.alerts_and_models",
        "fqtool.lint.layout",
        "fqtool.lint.expression_rules",
        "fqtool.lint.limits",
        "fqtool.lint.conditions",
    ),
    Group.SUPPRESSIONS: ("fqtool.lint.suppressions",),
    Group.LEGALITY: ("fqtool.migrations.legality",),
    Group.PLAN: ("fqtool.commands.migrate.rules", "fqtool.migrations.rebuild"),
    Group.HAZARDS: ("fqtool.commands.migrate.rules",),
    Group.HISTORY: ("fqtool.migrations.history", "fqtool.migrations.unfinished"),
    Group.GENERATED: ("fqtool.commands.generate_schema.run",),
    Group.DRIFT: ("fqtool.commands.check_drift.rules",),
    Group.LIVE: ("fqtool.migrations.live_tables",),
    Group.DATA: ("fqtool.commands.check_drift.rules_data",),
    Group.DIAGNOSIS: ("fqtool.commands.diagnose.rules", "fqtool.commands.diagnose.rules_rows"),
    Group.DAILY: ("fqtool.commands.daily.rules", "fqtool.commands.diagnose.newest_rows"),
    Group.MODELS: ("fqtool.commands.models.rules",),
    Group.BACKFILL: ("fqtool.commands.backfill.rules",),
    Group.DIFFERENCES: ("fqtool.commands.diff.rules",),
    Group.DIFF: ("fqtool.commands.diff.rules",),
    Group.RECORDS: ("fqtool.commands.check_record.rules",),
    Group.WRITER_SQL: ("fqtool.commands.generate_sql.rules",),
    Group.CODE: ("fqtool.commands.check_code.rules",),
    Group.SETUP: ("fqtool.commands.doctor.rules",),
}
"""By name, because a command loads only the rules that it runs. A test compares the table with the code."""


def rules_of(*groups: Group) -> tuple[Rule, ...]:
    """Load the rules of these groups and return them in the order of their codes."""
    for group in groups:
        for module in MODULES[group]:
            import_module(module)
    return tuple(one for _, one in sorted(RULES.items()) if one.group in groups)


def every_rule() -> Mapping[str, Rule]:
    """Load every rule, and return all of them by code."""
    rules_of(*Group)
    return RULES
