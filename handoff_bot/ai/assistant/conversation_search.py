"""Finds passages for a language model, using the whole conversation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from handoff_bot.ai.assistant.articles import Passage
from handoff_bot.ai.assistant.follow_ups import is_question
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.domain.signals import Turn

_FOR_THE_QUERY, _FOR_THE_LAST = 5, 6
_EACH = 2
_MOST = 9
_TURNS = 5
"""Number of earlier turns used: each search takes a few milliseconds."""


def has_earlier_question(turns: Sequence[Turn]) -> bool:
    """Returns whether the customer has asked before, so that the last message may be a follow-up."""
    return any(turn.role == "customer" and is_question(turn.text) for turn in turns[:-1])


def passages_for(knowledge: Knowledge, turns: Sequence[Turn], query: str = "") -> list[Passage]:
    """Returns passages for `query`, for the last message, then for it combined with earlier turns.

    The model sees the conversation and can tell which passages apply, so earlier topics only add
    passages and never replace those of the last message.
    """
    last = turns[-1].text
    found = [hit.passage for hit in knowledge.search(query, _FOR_THE_QUERY)] if query else []
    found += [hit.passage for hit in knowledge.search(last, _FOR_THE_LAST)]
    for earlier in islice(_earlier(turns), _TURNS):
        hits = knowledge.search(last, _EACH, earlier)
        found += [hit.passage for hit in hits[:_EACH]]
    return list(dict.fromkeys(found))[:_MOST]


def _earlier(turns: Sequence[Turn]) -> list[str]:
    """Returns earlier turns with content, newest first, the customer's before others.

    Before them comes the context of the customer's last such message: an ad, a quoted message.
    """
    newest = [turn for turn in reversed(turns[:-1]) if is_question(turn.text)]
    theirs = [turn.text for turn in newest if turn.role == "customer"]
    others = [turn.text for turn in newest if turn.role != "customer"]
    around = [turn.context for turn in reversed(turns) if turn.role == "customer" and turn.context]
    return [*around[:1], *theirs[: _TURNS - 1], *others[:1], *theirs[_TURNS - 1 :]]
