"""fqtool validate."""
