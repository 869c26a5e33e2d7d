"""Agent-readable meanings of Twilio's error codes, and whether a retry can help.

One table for refusals and status callbacks; https://www.twilio.com/docs/api/errors lists all codes.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from requests.exceptions import ConnectTimeout, ProxyError
from urllib3.exceptions import NewConnectionError

from handoff_bot.channels._twilio_http import Refused
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown

_ADMIN = "Ask an admin to look at our Twilio account."


@dataclass(frozen=True)
class Meaning:
    """Meaning of a code. `permanent` if an unchanged retry cannot help."""

    words: str
    permanent: bool = True


def _later(words: str) -> Meaning:
    return Meaning(words, permanent=False)


# Causes as given in https://www.twilio.com/docs/api/errors/<code>.
_TEMPLATE = Meaning("WhatsApp does not accept the template or its values.")
_TOO_FAST = _later("Messages are being sent faster than Twilio allows.")

MEANINGS: dict[str, Meaning] = {
    # account
    "10001": Meaning(f"Our Twilio account is not active. {_ADMIN}"),
    "20003": Meaning(f"Twilio does not accept our credentials. {_ADMIN}"),
    "20404": Meaning(f"Twilio does not know our account. {_ADMIN}"),
    "20429": _TOO_FAST,
    "21408": Meaning(
        f"Our Twilio account may not send to the customer's country (geo permissions). {_ADMIN}"
    ),
    "21608": Meaning(f"Trial accounts can only message verified numbers. {_ADMIN}"),
    "21611": _later("Too many of our messages are queued at Twilio."),
    "30002": Meaning(f"Our Twilio account is suspended. {_ADMIN}"),
    "63038": Meaning("Our Twilio account has reached its daily message limit. Try again tomorrow."),
    "30023": Meaning("Our numbers have reached the daily limit of US carriers."),
    "30027": Meaning("Our numbers have reached T-Mobile's daily limit."),
    "30033": Meaning(f"Our US business texting registration (A2P 10DLC) is suspended. {_ADMIN}"),
    "63051": Meaning(f"Meta has locked our WhatsApp Business account. {_ADMIN}"),
    "63112": Meaning(
        f"Meta has disabled our Meta or WhatsApp Business account, so nothing can be sent. {_ADMIN}"
    ),
    # sender
    "21212": Meaning(f"Our sender number is not valid. {_ADMIN}"),
    "21606": Meaning(
        f"Our sender number belongs to another account or cannot send this message. {_ADMIN}"
    ),
    "21703": Meaning(f"Our Messaging Service has no sender number. {_ADMIN}"),
    "30034": Meaning(f"Our number is not registered for US business texting (A2P 10DLC). {_ADMIN}"),
    "30035": Meaning(f"Our number's US registration is not complete. {_ADMIN}"),
    "63007": Meaning(f"Twilio does not know our WhatsApp sender. {_ADMIN}"),
    "21264": Meaning(f"Our sender number is not verified. {_ADMIN}"),
    "21659": Meaning(f"Our sender number is not a Twilio number. {_ADMIN}"),
    "21660": Meaning(f"Our sender number belongs to another account. {_ADMIN}"),
    "21661": Meaning(f"Our sender number cannot send SMS. {_ADMIN}"),
    "30024": Meaning(f"The customer's carrier does not know our number. {_ADMIN}"),
    "30032": Meaning(f"Our toll-free number is not verified. {_ADMIN}"),
    "63001": Meaning(f"WhatsApp does not accept our sender's credentials. {_ADMIN}"),
    "63002": Meaning(f"WhatsApp does not know our sender. {_ADMIN}"),
    "63008": Meaning(f"Our WhatsApp sender is not set up correctly at Twilio. {_ADMIN}"),
    "63020": Meaning(f"Our WhatsApp Business account has a payment problem. {_ADMIN}"),
    "63035": Meaning(f"Meta does not allow this for our WhatsApp Business account. {_ADMIN}"),
    # customer
    "21211": Meaning("Twilio does not accept the customer's address."),
    "21604": Meaning("The message has no recipient address."),
    "21610": Meaning(
        "Not sent: the customer texted STOP. They must text START before they can receive messages."
    ),
    "21612": Meaning("Our number cannot reach the customer's number."),
    "21614": Meaning("The customer's number cannot receive SMS: it is not a mobile number."),
    "30003": _later("The customer's phone is switched off or out of coverage."),
    "30005": Meaning("The customer's number is unknown or no longer in service."),
    "30006": Meaning("The customer's number is a landline, or its carrier cannot be reached."),
    "63003": Meaning("The customer cannot be found on WhatsApp."),
    "63015": Meaning(
        "The customer has not joined our WhatsApp sandbox, or joined over 3 days ago."
    ),
    "63024": Meaning("WhatsApp does not accept the customer's address."),
    "21265": Meaning("The customer's address is a short code that does not accept messages."),
    "21635": Meaning("The customer's number is a landline and cannot receive SMS."),
    "30011": Meaning("The customer's phone cannot receive files by MMS."),
    "63014": Meaning("The customer has blocked us."),
    "63032": Meaning("WhatsApp does not allow messages to this customer at the moment."),
    "63033": Meaning("The customer cannot receive messages from us on WhatsApp."),
    "63049": Meaning(
        "Meta chose not to deliver this marketing template to the customer. Do not send it again "
        "soon; use another template or channel."
    ),
    "63058": Meaning("WhatsApp does not allow messages to the customer's country."),
    # conversation, in Conversations
    "50350": Meaning("The customer's chat no longer exists."),
    "50377": Meaning("The customer's chat is closed. They have to start a new one."),
    # message
    "21602": Meaning("The message is empty."),
    "21617": Meaning("The message is longer than 1,600 characters. Split it into parts."),
    "21656": _TEMPLATE,
    "63013": Meaning("WhatsApp rejected the message because it violates a WhatsApp policy."),
    "63016": Meaning("WhatsApp's 24-hour window has closed. Use an approved template."),
    "63021": Meaning("WhatsApp does not accept the message's content, or the message is too long."),
    "63028": _TEMPLATE,
    "21619": Meaning("The message is empty."),
    "21622": Meaning(f"Our sender number cannot send files. {_ADMIN}"),
    "30010": Meaning(f"The message would cost more than the price limit set at Twilio. {_ADMIN}"),
    "63006": Meaning("WhatsApp does not accept the message's format."),
    "63027": Meaning("WhatsApp does not have this template in this language."),
    "63029": Meaning("The customer's phone could not download the template's content."),
    "63030": Meaning("WhatsApp does not accept a part of the message."),
    "63034": Meaning("The file is too large for WhatsApp."),
    "63040": Meaning("WhatsApp has rejected the template."),
    "63041": Meaning("WhatsApp has paused the template because of negative customer feedback."),
    "63042": Meaning("WhatsApp has disabled the template."),
    "63062": Meaning(f"Meta's terms for marketing messages are not accepted yet. {_ADMIN}"),
    "11200": Meaning(f"Twilio could not download the file from Handoff. {_ADMIN}"),
    "11751": Meaning("The file is too large for the customer's channel."),
    "12300": Meaning("Twilio does not accept this file type."),
    "21620": Meaning(f"Twilio does not accept the address of the file. {_ADMIN}"),
    "21623": Meaning("The message has too many files."),
    "21655": Meaning(f"Twilio does not know the template. {_ADMIN}"),
    "30019": Meaning("The file is too large for the customer's carrier."),
    "63005": Meaning("WhatsApp does not accept the message's content."),
    "63019": _later("WhatsApp could not download the file from Handoff."),
    # delivery
    "30001": _later("Too many of our messages were queued at Twilio, so this one was dropped."),
    "30004": Meaning("The message was blocked."),
    "30007": Meaning(
        "The carrier or Twilio classified the message as spam and did not deliver it."
    ),
    "30008": _later("The carrier did not deliver the message and gave no reason."),
    "30017": Meaning("The customer's carrier was overloaded and did not deliver the message."),
    "30018": Meaning(f"The customer's carrier requires our sender to be registered. {_ADMIN}"),
    "30022": Meaning("Messages were sent faster than US carriers allow."),
    "30036": _later("The customer cannot be reached by RCS."),
    "30046": _later("The customer cannot be reached by RCS."),
    "30039": Meaning(
        "Twilio stopped the message because two automated senders were answering each other."
    ),
    "30410": Meaning("The customer's carrier did not respond in time."),
    "30450": Meaning("Twilio blocked the message to prevent fraud (SMS pumping)."),
    "30500": Meaning("Twilio had an internal error and did not deliver the message."),
    "63009": Meaning("WhatsApp reported a problem and did not deliver the message."),
    "63010": Meaning("Twilio had an internal error and did not deliver the message."),
    "63012": Meaning("WhatsApp had an internal error and did not deliver the message."),
    "63017": _TOO_FAST,
    "63018": _TOO_FAST,
    "63036": _later("The customer cannot be reached by RCS."),
}

CONFLICT = 409
INCOMPLETE_FOR = 60.0
"""Seconds until another try to delete a message in delivery; it takes seconds, rarely days."""
UNREACHABLE = "Twilio cannot be reached at the moment."
UNANSWERED = "Twilio did not respond, so the message may or may not have been sent."
UNEXPLAINED = "The message was not delivered, and Twilio gave no reason."


def in_words(code: str) -> str:
    """Returns the meaning of a status callback's code, with the code for reference."""
    if not code:
        return ""
    known = MEANINGS.get(code)
    words = known.words if known else "The message was not delivered."
    return f"{words} (Twilio error {code})"


def sending_failed(error: Exception, meanings: Mapping[str, Meaning] = MEANINGS) -> DeliveryError:
    """Converts an exception of a send.

    Only a request that surely did not reach Twilio, or was surely refused, may be repeated. A 5xx
    is neither.
    """
    if isinstance(error, Refused) and error.status < 500:
        return _refusal(error, meanings)
    if _never_connected(error):
        return DeliveryError(UNREACHABLE, permanent=False, code="unreachable")
    return OutcomeUnknown(UNANSWERED)


def asking_failed(error: Exception, meanings: Mapping[str, Meaning] = MEANINGS) -> DeliveryError:
    """Converts an exception of a query: it may be repeated unless permanently refused."""
    if not isinstance(error, Refused):
        return DeliveryError(UNREACHABLE, permanent=False, code="unreachable")
    if error.status < 500:
        return _refusal(error, meanings)
    return DeliveryError(
        UNREACHABLE,
        permanent=False,
        code=error.code or str(error.status),
        retry_after=error.retry_after,
    )


def erased_already(error: Exception, meanings: Mapping[str, Meaning] = MEANINGS) -> bool:
    """Returns False if what was to be deleted no longer exists.

    Raises:
        DeliveryError: it cannot be deleted now, or at all. A message in delivery can be deleted when
            that is complete: https://www.twilio.com/docs/api/errors/20009
    """
    if isinstance(error, Refused) and error.status in (404, 410):
        return False
    if isinstance(error, Refused) and error.status == CONFLICT:
        words = f"Twilio is still delivering the message. (Twilio error {error.code or CONFLICT})"
        raise DeliveryError(
            words, permanent=False, code=error.code, retry_after=error.retry_after or INCOMPLETE_FOR
        ) from None
    raise asking_failed(error, meanings) from None


def _refusal(error: Refused, meanings: Mapping[str, Meaning]) -> DeliveryError:
    code = error.code or str(error.status)
    busy = error.status in (408, 429)
    unknown = _TOO_FAST if busy else Meaning("Twilio rejected the request.")
    known = meanings.get(code, unknown)
    return DeliveryError(
        f"{known.words} (Twilio error {code})",
        permanent=known.permanent,
        code=code,
        retry_after=error.retry_after,
    )


def _never_connected(error: Exception) -> bool:
    """Returns whether it failed before a connection existed, so nothing was sent."""
    early = (ConnectTimeout, ProxyError, NewConnectionError, ssl.SSLCertVerificationError)
    return any(isinstance(cause, early) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and its causes; requests and urllib3 wrap them as `reason` or as an argument."""
    cause: object = error
    while isinstance(cause, BaseException):
        yield cause
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
