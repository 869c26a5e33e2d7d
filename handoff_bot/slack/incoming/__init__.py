"""Requests and events from Slack: received, checked, passed to the features."""
