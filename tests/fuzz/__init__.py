"""Hostile bytes for everything that fqtool reads: a harness for each kind of input, and its corpus."""
