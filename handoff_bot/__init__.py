"""Live escalation from an AI assistant to a human, run from Slack."""
