"""fqtool report."""
