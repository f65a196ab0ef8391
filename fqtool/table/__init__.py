"""Columns, tables, changes, DDL and schema JSON."""
