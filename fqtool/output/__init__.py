"""Findings in every output format, and text for terminals."""
