"""Seeded faults, and which gate catches which. `make gates` writes docs/reference/what-catches-what.md."""
