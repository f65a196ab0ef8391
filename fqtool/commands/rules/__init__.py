"""fqtool rules."""
