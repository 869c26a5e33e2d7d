"""Every error we raise on purpose, in one tree.

HandoffError
├── SettingsError           deployment settings are wrong; the text lists every problem with a hint
├── Unauthentic             a request from outside is not signed by who it claims to be (HTTP 403)
├── Malformed               a signed request lacks what it must hold (HTTP 400)
├── IllegalStep             an escalation cannot take this step from where it is
├── ProviderFailure         what retry logic looks at: is it permanent, when to come back
│   ├── DeliveryError       a provider did not take a message
│   │   └── OutcomeUnknown  it was called and never answered: ask it before sending again
│   ├── DeskError           the desk (Slack) did not do what it was asked
│   │   ├── DeskLimited     it asks us to slow down: everybody who calls the same waits
│   │   ├── DeskLayout      it refuses how a message is written: a plainer form may do
│   │   ├── DeskGone        a message or thread no longer exists: a new card is needed
│   │   ├── DeskUnsure      it refuses with a code that we do not know: final only after some hours
│   │   ├── DeskClosed       nothing can be written in one of its channels until a person mends that
│   │   └── DeskOutcomeUnknown  it was called and never answered: look before posting again
│   ├── SinkError           another system did not take a ticket
│   ├── MailError           a mail server did not take an e-mail
│   └── TranslationError    a text cannot be translated now
├── Unacceptable            a file may not pass between customer and agent; the text says why
├── Exhausted               a quota is used up; the text says of what, and when to come back
├── ModelError              a detector or assistant model is missing, broken, slow or refused
├── LeaseLost               another worker took the lane over; whatever was being done is abandoned
└── DatabaseAway            the database does not answer now; the same will work when it is back
"""

from __future__ import annotations

from datetime import timedelta


class HandoffError(Exception):
    """The root: anything we raise on purpose."""


class SettingsError(HandoffError):
    """Deployment settings are wrong; the text lists every problem with a hint, never a value."""


class Unauthentic(HandoffError):
    """A request from outside is not signed by who it claims to be. Becomes HTTP 403."""


class Malformed(HandoffError):
    """A signed request lacks what it must hold. Becomes HTTP 400."""


class IllegalStep(HandoffError):
    """An escalation cannot take this step from where it is."""


class ProviderFailure(HandoffError):
    """What retry logic looks at: is it permanent, in plain words, and when to come back.

    Attributes:
        permanent: True when trying again cannot help.
        code: the provider's own code as text ("21610", "channel_not_found"), "" when there is none.
        retry_after: seconds the provider asked us to wait, None when it did not say.
        patience: how long it is tried again where that differs from other temporary failures of the job.
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
    """A channel's provider did not take a message."""


class OutcomeUnknown(DeliveryError):
    """The provider was called and never answered: it may or may not have sent the message."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False, code="unknown")


class DeskError(ProviderFailure):
    """The desk did not do what it was asked."""


class DeskLimited(DeskError):
    """The desk asks us to slow down. Everybody who calls the same waits, not this row alone."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message, permanent=False, code="ratelimited", retry_after=retry_after)


class DeskClosed(DeskError):
    """Nothing can be written in that part of the desk until a person opens it again."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, permanent=False, code=code)


class DeskLayout(DeskError):
    """The desk refuses how a message is written: its content may go in a plainer form.

    Attributes:
        unsupported: the types of blocks that the desk says it does not know.
    """

    def __init__(self, message: str, code: str, unsupported: tuple[str, ...] = ()) -> None:
        super().__init__(message, permanent=True, code=code)
        self.unsupported = unsupported


class DeskGone(DeskError):
    """A message or thread no longer exists, or takes no replies: its conversation needs a new card."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, permanent=False, code=code)


class DeskUnsure(DeskError):
    """The desk refuses for a reason that we do not know: waiting may help, but not for ever."""

    patience = timedelta(hours=3)

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, permanent=False, code=code)


class DeskOutcomeUnknown(DeskError):
    """The desk was called and never answered: it may or may not show the post."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False, code="unknown")


class SinkError(ProviderFailure):
    """Another system did not take a ticket."""


class MailError(ProviderFailure):
    """A mail server did not take an e-mail."""


class TranslationError(ProviderFailure):
    """A text cannot be translated now."""


class Unacceptable(HandoffError):
    """A file may not pass between customer and agent. The text says why, in plain words."""


class Exhausted(HandoffError):
    """A quota is used up.

    Attributes:
        limit: the kind of quota, for the log.
        retry_after: seconds until there is room again.
    """

    def __init__(self, message: str, *, limit: str, retry_after: float) -> None:
        super().__init__(message)
        self.limit = limit
        self.retry_after = retry_after


class ModelError(HandoffError):
    """A detector or assistant model is missing, broken, slow or refused to answer."""


class LeaseLost(HandoffError):
    """Another worker took the lane over; whatever was being done is abandoned."""


class DatabaseAway(HandoffError):
    """The database does not answer now: stopped, locked, full. The same will work when it is back."""
