"""Health check of the mail server: reachable, encrypted, login accepted."""

from __future__ import annotations

from collections.abc import Iterator

from handoff_bot.domain.errors import MailError
from handoff_bot.domain.health_checks import CheckResult
from handoff_bot.mail.smtp import SmtpMailer


def check_mail(mailer: SmtpMailer) -> Iterator[CheckResult]:
    """Checks everything possible without sending an email."""
    try:
        with mailer.connection():
            pass
    except MailError as error:
        yield CheckResult("mail server", False, f"{error} Check SMTP_URL")
    else:
        yield CheckResult("mail server", True, "accepts our login")
