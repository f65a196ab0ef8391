"""What a table is and how two differ."""
