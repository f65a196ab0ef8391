"""fqtool explain."""
