"""A mail as it goes over the wire: its headers, its two bodies, nothing in them that was not meant."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from handoff_bot.domain.errors import MailError
from handoff_bot.domain.mail import Mail
from handoff_bot.domain.words import one_line

_LINE = 200
_NAME = re.compile(r"[^\s@,;:<>()\[\]\\\"\x00-\x20\x7f]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Sender:
    """Who mails are from: "Handoff <handoff@example.com>"."""

    name: str
    address: Address

    @classmethod
    def of(cls, text: str) -> Sender:
        """Read it.

        Raises:
            MailError: it holds no address.
        """
        name, address = parseaddr(text)
        return cls(name, address_of(address))

    @property
    def domain(self) -> str:
        """Ours, for ids that nobody else can have."""
        return self.address.domain

    @property
    def header(self) -> Address:
        """As the header From says it."""
        return Address(_header(self.name), self.address.username, self.domain)


def address_of(text: str) -> Address:
    """One address, a domain of other letters spelled as mail servers do.

    Raises:
        MailError: it is none.
    """
    name, _, domain = text.rpartition("@")
    with suppress(UnicodeError):
        ascii_domain = domain.encode("idna").decode("ascii")
        if _NAME.fullmatch(name) and _DOMAIN.fullmatch(ascii_domain):
            return Address(username=name, domain=ascii_domain)
    raise MailError("This is not an email address.", permanent=True, code="address")


def _header(words: str) -> str:
    """Words for a header, with what looks like an encoded word broken up.

    The email package would decode it, line breaks and all, and many a Python would write those as they are
    (CVE-2024-6923): a customer could add headers of their own.
    """
    return one_line(words, _LINE).replace("=?", "= ?")


def message_of(mail: Mail, sender: Sender, now: datetime) -> EmailMessage:
    """The whole message.

    Raises:
        MailError: it cannot be written.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender.header
    message["To"] = address_of(mail.to)
    message["Subject"] = _header(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    # One thread for one ticket, though its first message was never sent.
    message["In-Reply-To"] = message["References"] = f"<{mail.thread}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday reply, please
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    message["List-Id"] = f"Handoff <handoff.{sender.domain}>"  # RFC 2919: what filters look at
    # Quoted-printable goes through servers that take 7 bits alone, and keeps lines short.
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message
