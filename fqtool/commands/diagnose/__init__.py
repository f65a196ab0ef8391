"""fqtool diagnose."""
