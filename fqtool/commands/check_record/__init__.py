"""fqtool check-record."""
