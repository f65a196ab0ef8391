"""Synthetic rows of a season, and incidents in them."""
