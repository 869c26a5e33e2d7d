"""Calls to Slack, and what it says about people, files and errors."""
