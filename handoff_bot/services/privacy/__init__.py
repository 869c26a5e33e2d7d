"""Contacts' data: forgotten, exported, and kept for a limited time."""
