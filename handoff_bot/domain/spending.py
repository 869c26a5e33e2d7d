"""Prices and spending caps of language models."""

from __future__ import annotations

import re
from dataclasses import dataclass


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
