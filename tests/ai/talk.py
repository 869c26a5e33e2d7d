"""Conversations for tests, the customer first, in turns."""

from __future__ import annotations

from handoff_bot.domain.signals import Turn


def talk(*words: str) -> list[Turn]:
    """The customer, the assistant, the customer, …"""
    return [Turn("assistant" if place % 2 else "customer", one) for place, one in enumerate(words)]
