"""fqtool daily."""
