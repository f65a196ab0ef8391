"""Rows that nobody measured: a season of a feature store made from its registry, and the ways in which one breaks."""
