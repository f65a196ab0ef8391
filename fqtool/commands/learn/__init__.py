"""fqtool learn."""
