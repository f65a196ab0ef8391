"""Queries about stored rows."""
