"""The workspace: people, Slack channels, messages, views, and what the app may see of them."""
