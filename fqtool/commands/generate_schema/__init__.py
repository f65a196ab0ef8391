"""fqtool generate-schema."""
