"""What a writer sends: which values each column accepts, what a whole record must hold, and what it does not."""
