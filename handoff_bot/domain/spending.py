"""What asking a language model costs, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What one call used.

    Attributes:
        model: as the service calls it.
        input_tokens, output_tokens: as the service counts them; estimated where it does not say.
    """

    model: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Caps:
    """Prices, and how much may be spent on one day (UTC).

    Attributes:
        input_price, output_price: of a million tokens, in the currency of the caps.
        daily: in all; 0 for no cap.
        daily_each: for one contact; 0 for no cap.
    """

    input_price: float = 0.0
    output_price: float = 0.0
    daily: float = 0.0
    daily_each: float = 0.0

    def micros(self, usage: Usage) -> int:
        """What it cost, in millionths of the currency."""
        # Tokens times the price of a million of them are millionths already.
        return round(
            usage.input_tokens * self.input_price + usage.output_tokens * self.output_price
        )
