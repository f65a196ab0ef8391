"""fqtool export."""
