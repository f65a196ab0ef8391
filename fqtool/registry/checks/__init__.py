"""Check a registry's data against the JSON Schema."""
