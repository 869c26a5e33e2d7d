"""The whole thing with no accounts: stand-ins for Slack, Twilio and OpenAI on loopback."""
