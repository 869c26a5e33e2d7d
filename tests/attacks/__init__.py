"""Attacks on the running bot, and what must hold under them; docs/security.md has the figures."""
