"""Patches that make bqemulator 1.4.0 follow BigQuery in schemas, jobs and refusals; `serve` starts it."""
