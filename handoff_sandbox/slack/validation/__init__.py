"""Validates blocks, elements and options like Slack."""
