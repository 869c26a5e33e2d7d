"""The sandbox: stand-ins for Slack, Twilio and OpenAI on loopback, so that no accounts are needed."""
