"""A conversation as passed to the AI, and training examples from the team's feedback."""

from __future__ import annotations

from dataclasses import dataclass, replace

from handoff_bot.domain.detection import DEFAULTS, Rules
from handoff_bot.domain.signals import Signal, Turn

# -- the conversation


@dataclass(frozen=True)
class ConversationContext:
    """One conversation at one time.

    Attributes:
        turns: messages, oldest first.
        settled: number of oldest turns that an agent has resolved: their requests are closed, but
            the agent's statements stay known.
        rules: the admins' detection rules.
        language: ISO 639-1, "" if unknown.
        hints: agents' handback notes, oldest first; internal, never quoted.
        waiting: number of last turns by the customer without an answer.
        contact_id: the contact whose spending cap applies; None for none.
        conversation_id: where look-ups are recorded; None if there are none.
    """

    turns: tuple[Turn, ...]
    settled: int = 0
    rules: Rules = DEFAULTS
    language: str = ""
    waiting: int = 1
    contact_id: int | None = None
    conversation_id: int | None = None
    hints: tuple[str, ...] = ()

    @property
    def open_turns(self) -> tuple[Turn, ...]:
        """Returns the turns since an agent resolved the earlier ones."""
        return self.turns[self.settled :]

    def each(self) -> tuple[ConversationContext, ...]:
        """Returns a conversation for each waiting turn, as if only that turn had been written."""
        if self.waiting <= 1:
            return (self,)
        before = self.turns[: -self.waiting]
        settled = min(self.settled, len(before))
        return tuple(
            replace(self, turns=(*before, turn), settled=settled, waiting=1)
            for turn in self.turns[-self.waiting :]
        )


# -- training examples, from feedback on single turns


@dataclass(frozen=True)
class TrainingExample:
    """One turn, and whether an agent was needed.

    Attributes:
        talk: the conversation up to that turn.
        signal: the signal it is about; None for all.
        needed: True if an agent was needed.
        said_so: True if an agent said so; False if inferred from their actions.
    """

    talk: ConversationContext
    signal: Signal | None
    needed: bool
    said_so: bool
