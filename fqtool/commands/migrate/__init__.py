"""fqtool migrate."""
