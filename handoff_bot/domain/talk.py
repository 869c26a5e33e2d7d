"""A conversation as the AI is shown it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from handoff_bot.domain.rules import DEFAULTS, Rules
from handoff_bot.domain.signals import Turn


@dataclass(frozen=True)
class Talk:
    """One conversation, at one moment.

    Attributes:
        turns: what was said, oldest first.
        settled: so many turns, from the oldest on, were settled with a person: what they show is over,
            but what the person did and promised stays known.
        rules: what the team's admins decided.
        language: ISO 639-1 of the conversation so far, "" when unknown.
        hints: what agents left for the assistant to know, oldest first; for the team only, so never quoted.
        waiting: so many of the last turns are the customer's that nobody has answered yet.
        contact_id: whose share of the spending it is; None for nobody's.
    """

    turns: tuple[Turn, ...]
    settled: int = 0
    rules: Rules = DEFAULTS
    language: str = ""
    waiting: int = 1
    contact_id: int | None = None
    hints: tuple[str, ...] = ()

    @property
    def open_turns(self) -> tuple[Turn, ...]:
        """What was said since a person settled the rest."""
        return self.turns[self.settled :]

    def each(self) -> tuple[Talk, ...]:
        """For each of the waiting turns the talk as it would be if only that one had been written."""
        if self.waiting <= 1:
            return (self,)
        before = self.turns[: -self.waiting]
        settled = min(self.settled, len(before))
        return tuple(
            replace(self, turns=(*before, turn), settled=settled, waiting=1)
            for turn in self.turns[-self.waiting :]
        )
