"""Builds an email: headers and two bodies, safe from header injection."""

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
from handoff_bot.domain.text import one_line

_LINE = 200
_NAME = re.compile(r"[^\s@,;:<>()\[\]\\\"\x00-\x20\x7f]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Sender:
    """The sender: "Handoff <handoff@example.com>"."""

    name: str
    address: Address

    @classmethod
    def of(cls, text: str) -> Sender:
        """Parses a sender.

        Raises:
            MailError: no valid address.
        """
        name, address = parseaddr(text)
        return cls(name, address_of(address))

    @property
    def domain(self) -> str:
        """Returns our domain, which makes ids unique."""
        return self.address.domain

    @property
    def header(self) -> Address:
        """Returns the From header."""
        return Address(_header(self.name), self.address.username, self.domain)


def address_of(text: str) -> Address:
    """Parses one address; an internationalised domain is converted to its ASCII form.

    Raises:
        MailError: the address is not valid.
    """
    name, _, domain = text.rpartition("@")
    with suppress(UnicodeError):
        ascii_domain = domain.encode("idna").decode("ascii")
        if _NAME.fullmatch(name) and _DOMAIN.fullmatch(ascii_domain):
            return Address(username=name, domain=ascii_domain)
    raise MailError("This is not an e-mail address.", permanent=True, code="address")


def _header(words: str) -> str:
    """Returns header text with encoded-word sequences broken up.

    The email package would decode them, including line breaks, and many Python versions write those
    unchanged (CVE-2024-6923): a customer could add headers.
    """
    return one_line(words, _LINE).replace("=?", "= ?")


def message_of(mail: Mail, sender: Sender, now: datetime) -> EmailMessage:
    """Builds the message.

    Raises:
        MailError: the message cannot be built.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender.header
    message["To"] = address_of(mail.to)
    message["Subject"] = _header(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    # One thread per ticket, although its first message was never sent.
    message["In-Reply-To"] = message["References"] = f"<{mail.thread}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents automatic replies
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    message["List-Id"] = f"Handoff <handoff.{sender.domain}>"  # RFC 2919: used by filters
    # Quoted-printable passes 7-bit servers and keeps lines short.
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message
