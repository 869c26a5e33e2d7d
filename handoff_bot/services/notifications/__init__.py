"""Notification rules and e-mail to the team."""
