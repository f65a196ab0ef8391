"""fqtool demo."""
