"""Results of agents' actions and of the doctor's health checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# -- an agent's action


class Code(StrEnum):
    """Result code of an action, for callers that react to it."""

    LATER = "later"  # the assistant's last message is still being sent
    NO_AGENT_AVAILABLE = "no_agent_available"
    NO_AGENT_KNOWN = "no_agent_known"


@dataclass(frozen=True)
class ActionResult:
    """What to tell the agent.

    Attributes:
        done: True when it happened or was already done.
        text: plain text for an ephemeral message; "" when the updated card says it all.
        code: what came of it; None where `done` says enough. Texts are never compared.
    """

    done: bool
    text: str = ""
    code: Code | None = None


# -- the doctor's health checks


@dataclass(frozen=True)
class CheckResult:
    """One health check result.

    Attributes:
        what: the check, e.g. "Twilio: account".
        ok: whether it passed.
        words: the detail, and if it failed, how to fix it. Never a secret.
    """

    what: str
    ok: bool
    words: str

    def line(self) -> str:
        """Formats the result for a terminal."""
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.what}: {self.words}"
