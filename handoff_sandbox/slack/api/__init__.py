"""Answers the app's calls: Web API methods, response_urls and files, with Slack's rate limits."""
