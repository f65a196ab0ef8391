"""fqtool generate-sql."""
