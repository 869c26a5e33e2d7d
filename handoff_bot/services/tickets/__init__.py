"""Tickets: search, edits, timeline, export."""
