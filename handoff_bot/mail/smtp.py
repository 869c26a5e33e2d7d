"""Email over SMTP: built safe from header injection, sent encrypted, and the server's health check."""

from __future__ import annotations

import base64
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from handoff_bot import spans
from handoff_bot.domain.errors import MailError
from handoff_bot.domain.mail import Mail
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import one_line
from handoff_bot.ports import Clock

# -- an email: headers and two bodies

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


# -- sending

TIMEOUT = 60.0
"""Seconds per server response: virus scans before a response take time."""


class Security(StrEnum):
    """Connection security; the value is the URL's scheme."""

    STARTTLS = "smtp"
    TLS = "smtps"
    NONE = "smtp+insecure"


PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@dataclass(frozen=True)
class MailServer:
    """The mail server and login; no user for a server without login."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> MailServer:
        """Parses a URL like "smtp://user:password@mail.example.com:587".

        Raises:
            ValueError: the URL is not valid.
        """
        parts = urlsplit(url)
        security = Security(parts.scheme)
        if not parts.hostname:
            raise ValueError("no host")
        return cls(
            parts.hostname,
            parts.port or PORTS[security],
            security,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )


class SmtpMailer:
    """Implements `Mailer`. One connection per email: notifications are rare, and idle connections
    break.

    Args:
        trust: accepted certificate authorities; the system's by default.
    """

    def __init__(
        self,
        server: MailServer,
        sender: Sender,
        clock: Clock,
        *,
        timeout: float = TIMEOUT,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._timeout = timeout
        self._trust = trust or ssl.create_default_context()

    def send(self, mail: Mail) -> None:
        message = message_of(mail, self._sender, self._clock.now())
        with (
            spans.call("mail send", "mail"),
            self.connection() as connection,
            _refusals(),
        ):
            connection.send_message(message)

    @contextmanager
    def connection(self) -> Iterator[smtplib.SMTP]:
        """Yields a ready connection.

        Raises:
            MailError: no connection. Always temporary, because an admin can fix it.
        """
        try:
            connection = self._open()
        except smtplib.SMTPResponseException as error:
            raise _unwelcome(error) from error
        except (smtplib.SMTPException, OSError) as error:
            words = f"The mail server cannot be reached ({type(error).__name__})."
            raise MailError(words, permanent=False, code="unreachable") from error
        try:
            yield connection
        finally:
            # The message is accepted even if the server does not respond to QUIT.
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _open(self) -> smtplib.SMTP:
        server = self._server
        where = (server.host, server.port)
        if server.security is Security.TLS:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                *where, timeout=self._timeout, context=self._trust
            )
        else:
            connection = smtplib.SMTP(*where, timeout=self._timeout)
        try:
            if server.security is Security.STARTTLS:
                connection.starttls(context=self._trust)
            if server.user:
                self._sign_in(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _sign_in(self, connection: smtplib.SMTP) -> None:
        user, password = self._server.user, self._server.password
        if f"{user}{password}".isascii():
            connection.login(user, password)
            return
        # smtplib only supports ASCII; RFC 4616 requires UTF-8.
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
        connection.ehlo_or_helo_if_needed()
        code, words = connection.docmd("AUTH", f"PLAIN {token}")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, words)


@contextmanager
def _refusals() -> Iterator[None]:
    """Converts server responses to an email: 5xx is permanent, everything else temporary.

    Without a response to the end of the data, it is unknown whether the email was accepted. It is
    sent again with the same Message-ID, by which mail programs recognise it.
    """
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = next((code for code, _ in error.recipients.values()), 0)
        raise _refused("does not accept mail for this address", code) from error
    except smtplib.SMTPSenderRefused as error:
        raise _refused("does not accept mail from MAIL_FROM", error.smtp_code) from error
    except smtplib.SMTPResponseException as error:
        raise _refused("does not accept this message", error.smtp_code) from error
    except smtplib.SMTPNotSupportedError as error:
        words = "The mail server does not support non-ASCII addresses."
        raise MailError(words, permanent=True, code="smtputf8") from error
    except (smtplib.SMTPException, OSError) as error:
        words = f"The mail server did not respond ({type(error).__name__})."
        raise MailError(words, permanent=False, code="unanswered") from error


def _refused(what: str, code: int) -> MailError:
    words = f"The mail server {what} ({code})."
    return MailError(words, permanent=500 <= code < 600, code=str(code))


def _unwelcome(error: smtplib.SMTPResponseException) -> MailError:
    """Leaves out the server's own text, which may quote the user name."""
    refused = isinstance(error, smtplib.SMTPAuthenticationError)
    what = "does not accept the user name and password" if refused else "does not accept our login"
    words = f"The mail server {what} ({error.smtp_code})."
    return MailError(words, permanent=False, code=str(error.smtp_code))


# -- the health check


def check_mail(mailer: SmtpMailer) -> Iterator[CheckResult]:
    """Checks everything possible without sending an email."""
    try:
        with mailer.connection():
            pass
    except MailError as error:
        yield CheckResult("mail server", False, f"{error} Check SMTP_URL")
    else:
        yield CheckResult("mail server", True, "accepts our login")
