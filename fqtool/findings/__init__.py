"""Findings, severities, remedies, and the catalogue of rules."""
