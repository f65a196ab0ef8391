"""fqtool cost."""
