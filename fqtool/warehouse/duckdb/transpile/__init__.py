"""GoogleSQL as DuckDB's SQL."""
