"""fqtool check-code."""
