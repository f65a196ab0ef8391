"""What an engine says of rows, with the values left out: errors go to logs that more people read than the table."""

from __future__ import annotations

import re

# How DuckDB and BigQuery begin what they say of a value; in other messages quotes hold names, which are of use.
_OF_DATA = re.compile(
    r"^(Conversion|Invalid Input|Out of Range|Constraint) Error|\bBad \w+ value\b|\bInvalid \w+( string| literal)?:"
    r"|\bCould not (parse|cast|convert)\b|\bFailed to parse\b|\bout of range\b|\bduplicate key\b",
    re.IGNORECASE,
)
_VALUE = re.compile(r"\"[^\"]*(\"|$)|'[^']*('|$)|(?<=value: )[^;]+|(?<=with value )\S+")


def without_values(text: str) -> str:
    """Return the message; where it is about a value of a row, each value in it is an ellipsis."""
    return _VALUE.sub("…", text) if _OF_DATA.search(text) else text
