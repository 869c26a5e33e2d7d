"""The rate at which messages fall behind, and what a message costs, measured from outside.

Signed webhooks go in, posts to a fast stand-in for Slack come out; the load generator, the stand-in and the
bot are processes of their own, so that none of them shares an interpreter with another.
"""
