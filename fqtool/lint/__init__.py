"""Rules about the registry, and suppressions of their findings."""
