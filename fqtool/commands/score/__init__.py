"""fqtool score."""
