"""Rows of the project database. Knows SQLite, not language."""
