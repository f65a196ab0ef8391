"""Remove the values of rows from the errors of an engine: more people read logs than the table."""

from __future__ import annotations

import re

# The start of DuckDB's and BigQuery's messages about a value. In other messages quotes contain names, which are useful.
_OF_DATA = re.compile(
    r"^(Conversion|Invalid Input|Out of Range|Constraint) Error|\bBad \w+ value\b|\bInvalid \w+( string| literal)?:"
    r"|\bCould not (parse|cast|convert)\b|\bFailed to parse\b|\bout of range\b|\bduplicate key\b",
    re.IGNORECASE,
)
_VALUE = re.compile(r"\"[^\"]*(\"|$)|'[^']*('|$)|(?<=value: )[^;]+|(?<=with value )\S+")


def without_values(text: str) -> str:
    """Return a message. In a message about a value of a row, every value is replaced by an ellipsis."""
    return _VALUE.sub("…", text) if _OF_DATA.search(text) else text
