"""Slack's stand-in, driven by the unchanged slack_sdk and Bolt."""
