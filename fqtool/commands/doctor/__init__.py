"""fqtool doctor."""
