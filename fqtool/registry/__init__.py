"""What the registry says: text in, Registry out."""
