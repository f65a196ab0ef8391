"""The feature language as SQL."""
