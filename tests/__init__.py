"""Tests: each states a law in its docstring."""
