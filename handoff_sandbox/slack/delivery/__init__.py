"""Delivers events and interactions to the bot, by HTTP or Socket Mode, in order and with Slack's retries."""
