"""Results of the doctor's health checks."""

from __future__ import annotations

from dataclasses import dataclass


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
