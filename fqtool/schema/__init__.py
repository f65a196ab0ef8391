"""The table and views that a registry describes, and a registry inferred from a table."""
