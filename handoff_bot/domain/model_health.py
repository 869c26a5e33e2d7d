"""How the language model is: why it does not answer, since when, and when it is switched off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.findings import Finding

DOWN_AFTER = timedelta(minutes=3)
DOWN_FAILURES = 3
"""So many failures in a row, over so long at least, are more than a hiccup."""
SOON_OFF = timedelta(days=60)
"""A model that is switched off within this time has to be replaced."""


class Trouble(StrEnum):
    """Why a language model did not answer."""

    KEY = "key"
    QUOTA = "quota"
    RATE = "rate"
    MODEL = "model"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    SERVER = "server"
    REFUSED = "refused"
    CUT = "cut"
    UNREADABLE = "unreadable"


REASONS: dict[Trouble, str] = {
    Trouble.KEY: "The service rejected the API key. Check OPENAI_API_KEY and its permissions.",
    Trouble.QUOTA: "The account's quota is used up. Add credit or raise the limit at the provider.",
    Trouble.RATE: "The provider's rate limit is exceeded. Request a higher limit.",
    Trouble.MODEL: "The service does not know this model. Check OPENAI_MODEL.",
    Trouble.TIMEOUT: (
        "The service did not respond in time. Check OPENAI_ANSWER_SECONDS and OPENAI_JUDGE_SECONDS."
    ),
    Trouble.UNREACHABLE: "The service cannot be reached. Check OPENAI_BASE_URL and the network.",
    Trouble.SERVER: "The service reports internal errors.",
    Trouble.REFUSED: "The service rejects the requests.",
    Trouble.CUT: "The model's answers are cut off. Raise OPENAI_MAX_TOKENS or lower the reasoning effort.",
    Trouble.UNREADABLE: "The model's answers do not have the requested format.",
}


def reason(trouble: Trouble, detail: str = "") -> str:
    """Why it does not answer, and what to do.

    Args:
        detail: such as "HTTP 400, parameter text.format"; never what a customer wrote.
    """
    return f"{REASONS[trouble]} ({detail})" if detail else REASONS[trouble]


@dataclass(frozen=True)
class ModelHealth:
    """What all processes together know of the model.

    Attributes:
        answered_at: its last answer, None when none is known.
        failing_since: the first failure since then, None when there is none.
        failures: how many in a row.
        trouble: the last failure's cause, None when there was none.
        is_told: do the admins know that it does not answer?
        shutdown: the day on which it is switched off, None when that is not known.
        looked_at: when the service was last asked for that day.
    """

    answered_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    trouble: Trouble | None = None
    detail: str = ""
    is_told: bool = False
    shutdown: date | None = None
    looked_at: datetime | None = None

    def is_down(self, now: datetime) -> bool:
        """Has it not answered for some minutes, several times in a row?"""
        if self.failing_since is None or self.failures < DOWN_FAILURES:
            return False
        return now - self.failing_since >= DOWN_AFTER

    @property
    def status(self) -> str:
        """ "ok", "failing" after several failures in a row, or "unknown" before the first answer."""
        if self.failures >= DOWN_FAILURES:
            return "failing"
        return "ok" if self.answered_at else "unknown"

    def is_off_soon(self, today: date) -> bool:
        """Is it switched off so soon that it has to be replaced now?"""
        return self.shutdown is not None and self.shutdown - today <= SOON_OFF

    @property
    def why(self) -> str:
        """Why it does not answer, "" when it does."""
        return reason(self.trouble, self.detail) if self.trouble and self.failures else ""


@dataclass(frozen=True)
class Look:
    """What one question to the model showed.

    Attributes:
        trouble: why it did not answer, None when it did.
        is_capped: it was not asked, because the day's money is spent.
        shutdown: the day on which it is switched off, None when that is not known.
    """

    model: str
    trouble: Trouble | None = None
    detail: str = ""
    is_capped: bool = False
    shutdown: date | None = None

    def findings(self, today: date) -> Iterator[Finding]:
        """For the doctor."""
        yield self._answering()
        if self.shutdown is not None:
            yield self._lasting(self.shutdown, today)

    def _answering(self) -> Finding:
        what = "language model"
        if self.is_capped:
            words = "not used: today's spending limit is reached, so answers are local"
            return Finding(what, False, words)
        if self.trouble:
            why = reason(self.trouble, self.detail)
            return Finding(
                what, False, f"{self.model} does not respond, so answers are local. {why}"
            )
        return Finding(what, True, f"{self.model} answered a question")

    def _lasting(self, shutdown: date, today: date) -> Finding:
        what = "language model: shutdown"
        if shutdown <= today:
            words = f"the provider shut down {self.model} on {shutdown}; set OPENAI_MODEL"
            return Finding(what, False, words)
        words = f"the provider shuts down {self.model} on {shutdown}"
        if shutdown - today > SOON_OFF:
            return Finding(what, True, words)
        return Finding(what, False, f"{words}; set OPENAI_MODEL to another model before that day")
