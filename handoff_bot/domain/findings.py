"""What the doctor finds: one line for each thing that must be right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Attributes:
        what: the thing, e.g. "Twilio: account".
        ok: is it right?
        words: what was found, and when it is not right what to do about it. Never a secret.
    """

    what: str
    ok: bool
    words: str

    def line(self) -> str:
        """For a terminal."""
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.what}: {self.words}"
