"""Slack: the listeners for its requests, and the client of its Web API."""
