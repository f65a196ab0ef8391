"""fqtool init."""
