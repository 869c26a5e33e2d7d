"""An e-mail to somebody of the team."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One e-mail, said twice: as text and as HTML.

    Attributes:
        to: one address, "ops@example.com".
        subject: one line (may hold hostile words).
        text: plain text.
        html: a whole HTML document; what is hostile in it is escaped already.
        id: our own id of it, letters, digits, "." and "-": sent twice, it can be recognised.
        thread: our own id of what it is about, of the same form; mails about one thing are shown together.
    """

    to: str
    subject: str
    text: str
    html: str
    id: str
    thread: str
