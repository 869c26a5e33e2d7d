"""Slack as the desk: listeners it drives us with, and the desk we drive."""
