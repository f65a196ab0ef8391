"""fqtool models."""
