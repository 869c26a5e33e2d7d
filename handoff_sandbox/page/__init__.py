"""The sandbox's page:

a customer's phone, a shop with a chat, a Slack workspace, and the traffic between them.
"""
