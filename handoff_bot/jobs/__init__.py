"""Durable, ordered jobs on SQLite and PostgreSQL. See README.md."""
