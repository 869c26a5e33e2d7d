"""An email to a member of the team."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One email, as text and as HTML.

    Attributes:
        to: one address, "ops@example.com".
        subject: one line (may contain hostile text).
        text: plain text.
        html: a whole HTML document with hostile text escaped.
        id: our own id of letters, digits, "." and "-"; identifies a duplicate.
        thread: our own id of the subject matter, same form; groups emails.
    """

    to: str
    subject: str
    text: str
    html: str
    id: str
    thread: str
