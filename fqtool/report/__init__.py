"""Findings, plans and diagnoses as text, JSON, GitHub, SARIF, JUnit and Markdown."""
