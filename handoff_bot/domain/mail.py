"""An email to a member of the team, or to a visitor who asked for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?=.{4,253}\Z)(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
)


def is_address(text: str) -> bool:
    """Returns whether a stranger's text is one plain e-mail address in ASCII."""
    return _ADDRESS.fullmatch(text) is not None


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
