"""Waiting policy: which step runs when, while no agent claims a conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from handoff_bot.domain.signals import Priority


class PolicyStepKind(StrEnum):
    """Kind of a waiting policy step."""

    REMIND = "remind"
    MENTION = "mention"
    OFFER = "offer"
    TELL = "tell"
    CALLBACK = "callback"
    RETURN = "return"


WHAT: dict[PolicyStepKind, str] = {
    PolicyStepKind.REMIND: "post a reminder in the thread",
    PolicyStepKind.MENTION: "mention the group in the thread",
    PolicyStepKind.OFFER: "offer it to available agents by direct message, one after the other",
    PolicyStepKind.TELL: "send the customer their queue position",
    PolicyStepKind.CALLBACK: "turn it into a callback: tag the ticket and tell the customer",
    PolicyStepKind.RETURN: "return it to the AI",
}

DEFAULT = ("2 remind", "4 mention", "6 offer", "10 tell", "30 tell", "60 callback")
LONGEST_MINUTES = 7 * 24 * 60

_LINE = re.compile(
    rf"(?:({'|'.join(Priority)})\s*:\s*)?(\d{{1,5}})\s+({'|'.join(PolicyStepKind)})", re.IGNORECASE
)


@dataclass(frozen=True)
class PolicyStep:
    """One step, `after` a time in the queue; `priority` None for all."""

    after: timedelta
    kind: PolicyStepKind
    priority: Priority | None = None

    @classmethod
    def parse(cls, line: str) -> PolicyStep:
        """Parses a line such as "10 tell" or "urgent: 1 mention".

        Raises:
            ValueError: the line is invalid; with a message for the user.
        """
        found = _LINE.fullmatch(line.strip())
        if found is None or int(found[2]) > LONGEST_MINUTES:
            kinds = ", ".join(PolicyStepKind)
            raise ValueError(f"“{line[:40]}” is not valid. Enter minutes and one of {kinds}.")
        priority = Priority(found[1].casefold()) if found[1] else None
        return cls(timedelta(minutes=int(found[2])), PolicyStepKind(found[3].casefold()), priority)


_HEARD_BY = {
    PolicyStepKind.REMIND: "team",
    PolicyStepKind.MENTION: "team",
    PolicyStepKind.OFFER: "agent",
    PolicyStepKind.TELL: "customer",
    PolicyStepKind.CALLBACK: "customer",
    PolicyStepKind.RETURN: "customer",
}


def for_priority(policy_steps: Iterable[PolicyStep], priority: Priority) -> list[PolicyStep]:
    """Returns the steps for a priority, soonest first: its own, plus the general steps of kinds it
    does not define.
    """
    known = list(policy_steps)
    own = [policy_step for policy_step in known if policy_step.priority is priority]
    kinds = {policy_step.kind for policy_step in own}
    shared = [
        policy_step
        for policy_step in known
        if policy_step.priority is None and policy_step.kind not in kinds
    ]
    return sorted([*own, *shared], key=lambda policy_step: policy_step.after)


def superseded(policy_step: PolicyStep, policy_steps: Iterable[PolicyStep]) -> timedelta | None:
    """Returns after how long a later step supersedes this one, None if none does."""
    heard_by = _HEARD_BY[policy_step.kind]
    later = (
        other.after
        for other in policy_steps
        if other.after > policy_step.after and _HEARD_BY[other.kind] == heard_by
    )
    return min(later, default=None)
