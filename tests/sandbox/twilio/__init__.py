"""Twilio's stand-in, seen by the unchanged official client and by a bot that it calls."""
