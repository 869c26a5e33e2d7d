"""What asking a language model costs, and what it may cost."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What one call used.

    Attributes:
        model: as the service calls it.
        input_tokens, output_tokens: as the service counts them; estimated where it does not say.
        cached_tokens: those of `input_tokens` that the service read from its cache.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True)
class Price:
    """What a million tokens cost.

    Attributes:
        cached: of input that the service read from its cache; None where it costs as much as other input.
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
"""US dollars, standard tier, up to 272,000 input tokens a request, looked up in November 2026:
https://developers.openai.com/api/docs/pricing. Where the price of cached input is not certain, none is
given, and it counts as other input: rather too much than too little.
"""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")


def known_price(model: str) -> Price | None:
    """The price of a model or of its dated snapshot, None when we do not know it."""
    return KNOWN.get(_SNAPSHOT.sub("", model))


@dataclass(frozen=True)
class Caps:
    """Prices, and how much may be spent on one day (UTC).

    Attributes:
        input_price, output_price: of a million tokens, in the currency of the caps.
        daily: in all; 0 for no cap.
        daily_each: for one contact; 0 for no cap.
        cached_price: of a million input tokens from the service's cache; None for `input_price`.
    """

    input_price: float = 0.0
    output_price: float = 0.0
    daily: float = 0.0
    daily_each: float = 0.0
    cached_price: float | None = None

    def micros(self, usage: Usage) -> int:
        """What it cost, in millionths of the currency."""
        cached = min(usage.cached_tokens, usage.input_tokens)
        cached_price = self.input_price if self.cached_price is None else self.cached_price
        # Tokens times the price of a million of them are millionths already.
        return round(
            (usage.input_tokens - cached) * self.input_price
            + cached * cached_price
            + usage.output_tokens * self.output_price
        )
