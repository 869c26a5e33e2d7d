"""Checks blocks, elements and options as Slack does."""
