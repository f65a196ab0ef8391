"""fqtool add-feature."""
