"""One file a command: read, decide, write."""
