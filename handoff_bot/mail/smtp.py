"""Sends email over SMTP, encrypted unless configured otherwise."""

from __future__ import annotations

import base64
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from handoff_bot.domain.errors import MailError
from handoff_bot.domain.mail import Mail
from handoff_bot.mail.message import Sender, message_of
from handoff_bot.ports import Clock

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
        with self.connection() as connection, _refusals():
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
