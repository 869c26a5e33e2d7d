"""Conversations for tests, the customer first, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Answer, Judgement, Turn
from handoff_bot.ports import Assistant, Detector


def talk(*words: str) -> list[Turn]:
    """The customer, the assistant, the customer, …"""
    return [Turn("assistant" if place % 2 else "customer", one) for place, one in enumerate(words)]


def as_talk(*words: str) -> ConversationContext:
    """The same as a talk."""
    return ConversationContext(tuple(talk(*words)))


def judge(detector: Detector, turns: Sequence[Turn], **about: Any) -> Judgement:
    """The judgement of these turns."""
    return detector.judge(ConversationContext(tuple(turns), **about))


def ask(assistant: Assistant, turns: Sequence[Turn], language: str) -> Answer | None:
    """The answer to these turns."""
    return assistant.answer(ConversationContext(tuple(turns)), language)
