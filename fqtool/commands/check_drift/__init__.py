"""fqtool check-drift."""
