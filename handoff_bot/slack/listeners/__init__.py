"""Listeners for Slack's requests, one module per feature: each parses, makes one call, and answers."""
