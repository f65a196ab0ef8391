"""Names of the release before, accepted for one release: names of rules, and keys of JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RULES: Mapping[str, str] = {
    "policy-tags-changed": "property-not-written",
    "wrong-policy-tags": "wrong-access",
    "masked-stand-ins": "masked-defaults",
    "silent-stand-ins": "silent-defaults",
    "column-changes-hands": "column-owner-changed",
    "stored-word-gone": "stored-value-removed",
    "model-reads-otherwise": "model-inputs-changed",
    "feature-judged-otherwise": "feature-settings-changed",
    "column-computed-otherwise": "column-expression-changed",
    "source-weighed-otherwise": "source-weight-changed",
    "rows-judged-otherwise": "tier-or-alert-changed",
    "inputs-read-otherwise": "inputs-changed",
    "model-asks-otherwise": "model-requirements-changed",
    "view-reads-otherwise": "view-expression-changed",
    "words-changed": "description-changed",
    "view-follows": "view-regenerated",
    "deprecation-in-disorder": "removed-before-deprecated",
    "value-never-there": "value-never-occurs",
    "former-name-still-there": "former-name-still-exists",
    "tiers-in-disorder": "tiers-not-ordered",
    "alert-levels-in-disorder": "alert-levels-not-ordered",
    "registry-ahead-of-files": "change-not-planned",
    "table-not-there": "table-missing",
    "rows-came": "rows-added",
    "end-announced": "deprecation-changed",
}
"""The former name of a rule -> its name. Suppressions and `--allow` name codes, which never change."""

KEYS: Mapping[str, Mapping[str, str]] = {
    "cost": {"settled": "long_term"},  # quotation
    "explain": {"odd": "unusual", "stand-ins": "defaults", "stored_otherwise": "differences"},  # quotation
}
"""A command -> the former key of its JSON document -> the key. Both are printed."""


def with_former_keys(item: Mapping[str, Any], command: str) -> dict[str, Any]:
    """Return an object of a JSON document with each renamed key repeated under its former name.

    Args:
        item: The object. Objects inside it stay as they are.
        command: The command that prints the document, a key of `KEYS`.
    """
    former = {old: item[new] for old, new in KEYS[command].items() if new in item}
    return {**item, **former}
