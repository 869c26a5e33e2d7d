"""The sandbox's page: a customer's phone, a little shop, a Slack workspace, and what goes on between them."""
