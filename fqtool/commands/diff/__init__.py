"""fqtool diff."""
