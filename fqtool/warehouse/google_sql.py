"""GoogleSQL as sqlglot reads it, where its own BigQuery dialect reads it otherwise than Google."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery


class GoogleSQL(BigQuery):
    """BigQuery's dialect, in which `x = 1` within STRUCT() is a comparison; sqlglot takes it for a field called x."""

    class Parser(BigQuery.Parser):  # type: ignore[misc, valid-type]  # it is compiled
        """The parser; only AS names a field."""

        KEY_VALUE_DEFINITIONS = (exp.Alias, exp.PropertyEQ)
