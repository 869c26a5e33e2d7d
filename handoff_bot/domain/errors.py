"""All errors raised on purpose, in one tree.

HandoffError
├── SettingsError           deployment settings are invalid; the text lists every problem with a hint
├── SchemaError             the database was migrated by a newer version of Handoff
├── BackupError             a backup, a restore or a check cannot be done; the text says why
├── EncryptionError         the key file or the keys of stored values are wrong; the text says why
├── Unauthentic             an incoming request has an invalid signature (HTTP 403)
├── Malformed               a signed request is incomplete (HTTP 400)
├── IllegalStep             the escalation's status does not allow this action
├── ProviderFailure         base of provider errors: permanent or temporary, when to retry
│   ├── DeliveryError       a provider did not accept a message
│   │   └── OutcomeUnknown  the provider did not respond: ask it before sending again
│   ├── DeskError           Slack did not carry out a request
│   │   ├── DeskLimited     Slack's rate limit was reached: all jobs with the same budget wait
│   │   ├── DeskLayout      Slack rejects a message's layout: a simpler one may work
│   │   ├── DeskGone        a message or thread no longer exists: a new card is needed
│   │   ├── DeskUnsure      Slack refuses with an unknown code: final only after some hours
│   │   ├── DeskClosed       nothing can be posted in a channel until an admin fixes that
│   │   └── DeskOutcomeUnknown  Slack did not respond: look for the post before posting again
│   ├── ConnectorError           another system did not accept a ticket
│   ├── MailError           a mail server did not accept an email
│   ├── TranslationError    a text cannot be translated right now
│   ├── Undecryptable       a stored value cannot be decrypted; the text is the reason
│   └── ReadingError        a file cannot be read right now
├── Unacceptable            a file is not allowed; the text gives the reason
├── Exhausted               a quota is used up; the text says which, and when to retry
├── ModelError              a detector or assistant model is missing, broken, slow or refused
│   └── CapReached          the spending cap of the day is reached
├── LeaseLost               another worker took the lane over; the current work is abandoned
└── DatabaseAway            the database does not respond; a later retry will work
"""

from __future__ import annotations

from datetime import timedelta


class HandoffError(Exception):
    """Root of all errors raised on purpose."""


class SettingsError(HandoffError):
    """Deployment settings are invalid; the text lists every problem with a hint, never a value."""


class SchemaError(HandoffError):
    """The database was migrated by a newer version of Handoff. A restart does not help."""


class BackupError(HandoffError):
    """A backup, a restore or a check cannot be done. The text says why, and what to do."""


class EncryptionError(HandoffError):
    """Stored values cannot be encrypted or decrypted. The text says why, and never holds a key."""


class Unauthentic(HandoffError):
    """An incoming request has an invalid signature. Becomes HTTP 403."""


class Malformed(HandoffError):
    """A signed request is incomplete. Becomes HTTP 400."""


class IllegalStep(HandoffError):
    """The escalation's status does not allow this action."""


class ProviderFailure(HandoffError):
    """Base of provider errors, for retries.

    Attributes:
        permanent: True if a retry cannot help.
        code: the provider's error code as text ("21610", "channel_not_found"), or "".
        retry_after: seconds requested by the provider, None if not given.
        patience: how long to retry, if different from the job's other temporary failures.
    """

    patience: timedelta | None = None

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.code = code
        self.retry_after = retry_after


class DeliveryError(ProviderFailure):
    """A channel's provider did not accept a message."""


class OutcomeUnknown(DeliveryError):
    """The provider did not respond: the message may or may not have been sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False, code="unknown")


class DeskError(ProviderFailure):
    """Slack did not carry out a request."""


class DeskLimited(DeskError):
    """Slack's rate limit was reached. All jobs with the same budget wait."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message, permanent=False, code="ratelimited", retry_after=retry_after)


class DeskClosed(DeskError):
    """Nothing can be posted in this Slack channel until it is opened again."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, permanent=False, code=code)


class DeskLayout(DeskError):
    """Slack rejects a message's layout; a simpler layout may work.

    Attributes:
        unsupported: block types that Slack does not know.
    """

    def __init__(self, message: str, code: str, unsupported: tuple[str, ...] = ()) -> None:
        super().__init__(message, permanent=True, code=code)
        self.unsupported = unsupported


class DeskGone(DeskError):
    """A message or thread no longer exists or accepts no replies: a new card is needed."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, permanent=False, code=code)


class DeskUnsure(DeskError):
    """Slack refuses with an unknown code: waiting may help, but only for some hours."""

    patience = timedelta(hours=3)

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, permanent=False, code=code)


class DeskOutcomeUnknown(DeskError):
    """Slack did not respond: the message may or may not have been posted."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False, code="unknown")


class ConnectorError(ProviderFailure):
    """Another system did not accept a ticket."""


class MailError(ProviderFailure):
    """A mail server did not accept an email."""


class TranslationError(ProviderFailure):
    """A text cannot be translated right now."""


class Undecryptable(ProviderFailure):
    """A stored value cannot be decrypted, which no retry changes. The text is the reason, without the
    value.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True, code="undecryptable")


class ReadingError(ProviderFailure):
    """A voice note or a picture cannot be read right now."""


class Unacceptable(HandoffError):
    """A file is not allowed between customer and agent. The text gives the reason."""


class Exhausted(HandoffError):
    """A quota is used up.

    Attributes:
        limit: the kind of quota, for the log.
        retry_after: seconds until the quota has room again.
    """

    def __init__(self, message: str, *, limit: str, retry_after: float) -> None:
        super().__init__(message)
        self.limit = limit
        self.retry_after = retry_after


class ModelError(HandoffError):
    """A detector or assistant model is missing, broken, slow or refused the request."""


class CapReached(ModelError):
    """The spending cap of the day is reached, so the language model is not asked."""


class LeaseLost(HandoffError):
    """Another worker took the lane over; the current work is abandoned."""


class DatabaseAway(HandoffError):
    """The database does not respond (stopped, locked, full). A later retry will work."""
