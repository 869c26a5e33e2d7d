"""Durable jobs: they run in order, on SQLite and on PostgreSQL. See README.md."""
