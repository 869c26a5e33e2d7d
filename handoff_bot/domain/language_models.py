"""Language models: prices and spending caps, last error, shutdown date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.results import CheckResult

# -- prices and spending caps


@dataclass(frozen=True)
class Usage:
    """Usage of one call.

    Attributes:
        model: the service's name for it.
        input_tokens, output_tokens: the service's counts, or estimates.
        cached_tokens: part of `input_tokens` read from the service's cache.
        seconds: length of transcribed audio.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Price:
    """Price of a million tokens.

    Attributes:
        cached: for input from the service's cache; None if the same as other input.
    """

    input: float
    output: float
    cached: float | None = None


KNOWN = {
    "gpt-6-luna": Price(0.10, 0.50, 0.01),
    "gpt-6.1-terra": Price(1.00, 5.00, 0.05),
    "gpt-6.1-sol": Price(2.00, 10.00, 0.10),
    "gpt-6-sol": Price(2.00, 10.00),
    "gpt-5-mini": Price(0.25, 2.00, 0.025),
}
"""US dollars, standard tier, up to 272,000 input tokens per request, looked up in November 2026:
https://developers.openai.com/api/docs/pricing. Without a certain price for cached input, it counts
as other input, which errs on the high side.
"""

KNOWN_MINUTES = {"gpt-transcribe": 0.0045}
"""US dollars for a minute of audio, looked up in November 2026:
https://developers.openai.com/api/docs/models/gpt-transcribe.
"""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")


def known_price(model: str) -> Price | None:
    """Returns the price of a model or of its dated snapshot, None if unknown."""
    return KNOWN.get(_SNAPSHOT.sub("", model))


@dataclass(frozen=True)
class Caps:
    """Prices, and daily caps (UTC).

    Attributes:
        input_price, output_price: of a million tokens, in the currency of the caps.
        daily: in total; 0 for no cap.
        daily_each: per contact; 0 for no cap.
        cached_price: of a million cached input tokens; None for `input_price`.
        minute_price: of a minute of transcribed audio.
    """

    input_price: float = 0.0
    output_price: float = 0.0
    daily: float = 0.0
    daily_each: float = 0.0
    cached_price: float | None = None
    minute_price: float = 0.0

    def micros(self, usage: Usage) -> int:
        """Returns the cost in millionths of the currency."""
        cached = min(usage.cached_tokens, usage.input_tokens)
        cached_price = self.input_price if self.cached_price is None else self.cached_price
        # Tokens times the price per million are already millionths.
        return round(
            (usage.input_tokens - cached) * self.input_price
            + cached * cached_price
            + usage.output_tokens * self.output_price
            + usage.seconds / 60 * self.minute_price * 1_000_000
        )


# -- health: last error, since when, shutdown date

DOWN_AFTER = timedelta(minutes=3)
DOWN_FAILURES = 3
"""Consecutive failures, over at least DOWN_AFTER, that count as an outage."""
SOON_OFF = timedelta(days=60)
"""A model that is shut down within this time must be replaced."""


class Trouble(StrEnum):
    """Cause of a language model failure."""

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


TRANSCRIBING = REASONS | {
    Trouble.MODEL: "The service does not know this model. Check OPENAI_TRANSCRIBE_MODEL.",
    Trouble.TIMEOUT: "The service did not respond in time. Check OPENAI_TRANSCRIBE_SECONDS.",
}
"""Reasons why voice notes are not transcribed."""


def reason(trouble: Trouble, detail: str = "") -> str:
    """Describes a failure and how to fix it.

    Args:
        detail: such as "HTTP 400, parameter text.format"; never customer text.
    """
    return f"{REASONS[trouble]} ({detail})" if detail else REASONS[trouble]


@dataclass(frozen=True)
class ModelHealth:
    """State of the model, shared by all processes.

    Attributes:
        answered_at: last answer, None if unknown.
        failing_since: first failure after it, None without one.
        failures: number of consecutive failures.
        trouble: cause of the last failure, None without one.
        is_told: True if admins know about the failure.
        shutdown: shutdown date, None if unknown.
        looked_at: last lookup of the shutdown date.
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
        """Returns whether it has failed repeatedly for some minutes."""
        if self.failing_since is None or self.failures < DOWN_FAILURES:
            return False
        return now - self.failing_since >= DOWN_AFTER

    @property
    def status(self) -> str:
        """Returns "ok", "failing" after several consecutive failures, or "unknown" before the first
        answer.
        """
        if self.failures >= DOWN_FAILURES:
            return "failing"
        return "ok" if self.answered_at else "unknown"

    def is_off_soon(self, today: date) -> bool:
        """Returns whether it is shut down so soon that it must be replaced now."""
        return self.shutdown is not None and self.shutdown - today <= SOON_OFF

    @property
    def why(self) -> str:
        """Returns the cause of the failure, "" if it works."""
        return reason(self.trouble, self.detail) if self.trouble and self.failures else ""


@dataclass(frozen=True)
class Look:
    """Result of a test request.

    Attributes:
        trouble: cause of the failure, None for a success.
        is_capped: True if nothing was sent because the daily cap is reached.
        shutdown: shutdown date, None if unknown.
    """

    model: str
    trouble: Trouble | None = None
    detail: str = ""
    is_capped: bool = False
    shutdown: date | None = None

    def checks(self, today: date) -> Iterator[CheckResult]:
        """Yields the health checks for the doctor."""
        yield self._answering()
        if self.shutdown is not None:
            yield self._lasting(self.shutdown, today)

    def _answering(self) -> CheckResult:
        what = "language model"
        if self.is_capped:
            words = "not used: today's spending limit is reached, so answers are local"
            return CheckResult(what, False, words)
        if self.trouble:
            why = reason(self.trouble, self.detail)
            return CheckResult(
                what, False, f"{self.model} does not respond, so answers are local. {why}"
            )
        return CheckResult(what, True, f"{self.model} answered a question")

    def _lasting(self, shutdown: date, today: date) -> CheckResult:
        what = "language model: shutdown"
        if shutdown <= today:
            words = f"the provider shut down {self.model} on {shutdown}; set OPENAI_MODEL"
            return CheckResult(what, False, words)
        words = f"the provider shuts down {self.model} on {shutdown}"
        if shutdown - today > SOON_OFF:
            return CheckResult(what, True, words)
        return CheckResult(
            what, False, f"{words}; set OPENAI_MODEL to another model before that day"
        )
