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
    PolicyStepKind.REMIND: "Remind the team",
    PolicyStepKind.MENTION: "Mention the group",
    PolicyStepKind.OFFER: "Offer to agents",
    PolicyStepKind.TELL: "Send queue position",
    PolicyStepKind.CALLBACK: "Promise a callback",
    PolicyStepKind.RETURN: "Return to the AI",
}

DEFAULT = ("2 remind", "4 mention", "6 offer", "10 tell", "30 tell", "60 callback")
LONGEST_MINUTES = 7 * 24 * 60
MOST_STEPS = 40
"""Rows of menus in one modal, which may hold 100 blocks and 250 KB."""

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

    @property
    def line(self) -> str:
        """Returns the stored line, which `parse` takes."""
        start = f"{self.priority.value}: " if self.priority else ""
        return f"{start}{self.minutes} {self.kind.value}"

    @property
    def minutes(self) -> int:
        return int(self.after.total_seconds() // 60)


def canonical(lines: Iterable[str]) -> list[str]:
    """Returns lines in order, each once and spelled the same way; leaves out those that are not valid."""
    found: set[tuple[str, timedelta, str, str]] = set()
    for line in lines:
        try:
            policy_step = PolicyStep.parse(line)
        except ValueError:
            continue
        first = policy_step.priority or ""
        found.add((first, policy_step.after, policy_step.kind, policy_step.line))
    return [line for *_, line in sorted(found)]


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
