"""What Twilio's error codes mean to an agent, and whether trying again can help.

One table for refusals and for delivery reports; https://www.twilio.com/docs/api/errors has them all.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from requests.exceptions import ConnectTimeout, ProxyError
from urllib3.exceptions import NewConnectionError

from channels._twilio_http import Refused
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown

_ADMIN = "Ask an admin to look at our Twilio account."


@dataclass(frozen=True)
class Meaning:
    """What a code means. `permanent` when trying again, unchanged, cannot help."""

    words: str
    permanent: bool = True


def _later(words: str) -> Meaning:
    return Meaning(words, permanent=False)


# Causes as https://www.twilio.com/docs/api/errors/<code> gives them.
_TEMPLATE = Meaning("WhatsApp does not accept the template or its values.")
_TOO_FAST = _later("We are sending faster than Twilio allows.")

MEANINGS: dict[str, Meaning] = {
    # our account
    "10001": Meaning(f"Our Twilio account is not active. {_ADMIN}"),
    "20003": Meaning(f"Twilio does not accept our credentials. {_ADMIN}"),
    "20404": Meaning(f"Twilio does not know our account. {_ADMIN}"),
    "20429": _TOO_FAST,
    "21408": Meaning(f"We may not send to the customer's country (geo permissions). {_ADMIN}"),
    "21608": Meaning(f"A trial account may write to verified numbers alone. {_ADMIN}"),
    "21611": _later("Too many messages of ours are waiting at Twilio."),
    "30002": Meaning(f"Our Twilio account is suspended. {_ADMIN}"),
    "63038": Meaning("Our Twilio account has used up its messages for today. Try again tomorrow."),
    "30023": Meaning("Our numbers have used up what US carriers take from us in a day."),
    "30027": Meaning("Our numbers have used up what T-Mobile takes from us in a day."),
    "30033": Meaning(f"Our registration for business texts in the US is suspended. {_ADMIN}"),
    "63051": Meaning(f"Meta has locked our WhatsApp Business account. {_ADMIN}"),
    "63112": Meaning(
        f"Meta has disabled our Meta or WhatsApp Business account, so nothing leaves. {_ADMIN}"
    ),
    # our sender
    "21212": Meaning(f"Our sender's number is not valid. {_ADMIN}"),
    "21606": Meaning(f"The number we send from is not ours or cannot send this. {_ADMIN}"),
    "21703": Meaning(f"Our Messaging Service has no number to send from. {_ADMIN}"),
    "30034": Meaning(f"Our number is not registered for business texts in the US. {_ADMIN}"),
    "30035": Meaning(f"Our number's registration in the US is not finished. {_ADMIN}"),
    "63007": Meaning(f"Twilio does not know the WhatsApp sender we write from. {_ADMIN}"),
    "21264": Meaning(f"The number we send from is not verified. {_ADMIN}"),
    "21659": Meaning(f"The number we send from is no number of Twilio's. {_ADMIN}"),
    "21660": Meaning(f"The number we send from belongs to another account. {_ADMIN}"),
    "21661": Meaning(f"The number we send from cannot send texts. {_ADMIN}"),
    "30024": Meaning(f"The customer's carrier does not know our number. {_ADMIN}"),
    "30032": Meaning(f"Our toll-free number is not verified. {_ADMIN}"),
    "63001": Meaning(f"WhatsApp does not accept our sender's credentials. {_ADMIN}"),
    "63002": Meaning(f"WhatsApp does not know the sender we write from. {_ADMIN}"),
    "63008": Meaning(f"Our WhatsApp sender is not set up correctly at Twilio. {_ADMIN}"),
    "63020": Meaning(f"Our WhatsApp Business account has a problem with its payment. {_ADMIN}"),
    "63035": Meaning(f"Meta does not let our WhatsApp Business account do this. {_ADMIN}"),
    # the customer
    "21211": Meaning("Twilio does not accept the customer's address."),
    "21604": Meaning("The message has no address to go to."),
    "21610": Meaning("The customer has sent STOP: nothing may be sent until they send START."),
    "21612": Meaning("There is no way from our number to the customer's."),
    "21614": Meaning("The customer's number cannot receive texts: it is not a mobile number."),
    "30003": _later("The customer's phone is switched off or out of reach."),
    "30005": Meaning("The customer's number is not known or no longer in service."),
    "30006": Meaning("The customer's number is a landline, or its carrier is out of reach."),
    "63003": Meaning("The customer cannot be found on WhatsApp."),
    "63015": Meaning(
        "The customer has not joined our WhatsApp sandbox, or joined over 3 days ago."
    ),
    "63024": Meaning("WhatsApp does not accept the customer's address."),
    "21265": Meaning("The customer's address is a short code: it takes no messages."),
    "21635": Meaning("The customer's number is a landline: it cannot receive texts."),
    "30011": Meaning("The customer's phone cannot receive files by text."),
    "63014": Meaning("The customer has blocked us."),
    "63032": Meaning("WhatsApp does not let us write to this customer at the moment."),
    "63033": Meaning("The customer cannot receive messages from us on WhatsApp."),
    "63049": Meaning(
        "Meta chose not to deliver this marketing template to the customer. Do not send it again "
        "soon; use another template or channel."
    ),
    "63058": Meaning("WhatsApp does not let us write to the customer's country."),
    # the conversation, in Conversations
    "50350": Meaning("The customer's chat no longer exists."),
    "50377": Meaning("The customer's chat is closed: they have to begin a new one."),
    # the message
    "21602": Meaning("The message is empty."),
    "21617": Meaning("The message is longer than 1,600 characters. Send it in parts."),
    "21656": _TEMPLATE,
    "63013": Meaning("WhatsApp refused the message: it breaks a rule of theirs."),
    "63016": Meaning(
        "The customer's last message is more than 24 hours old: WhatsApp lets us send approved "
        "templates alone until they write again."
    ),
    "63021": Meaning("WhatsApp does not accept what the message holds, or it is too long."),
    "63028": _TEMPLATE,
    "21619": Meaning("The message is empty."),
    "21622": Meaning(f"The number we send from cannot send files. {_ADMIN}"),
    "30010": Meaning(f"The message would cost more than our limit at Twilio. {_ADMIN}"),
    "63006": Meaning("WhatsApp does not accept the form of the message."),
    "63027": Meaning("WhatsApp has no such template in this language."),
    "63029": Meaning("The customer's phone could not fetch what the template holds."),
    "63030": Meaning("WhatsApp does not accept a part of the message."),
    "63034": Meaning("The file is too large for WhatsApp."),
    "63040": Meaning("WhatsApp has rejected the template."),
    "63041": Meaning("WhatsApp has paused the template because customers disliked it."),
    "63042": Meaning("WhatsApp has disabled the template."),
    "63062": Meaning(f"Meta's terms for marketing messages are not accepted yet. {_ADMIN}"),
    "11200": Meaning(f"Twilio could not fetch the file from us. {_ADMIN}"),
    "11751": Meaning("The file is too large for the customer's channel."),
    "12300": Meaning("Twilio does not accept the kind of file."),
    "21620": Meaning(f"Twilio does not accept the address of the file. {_ADMIN}"),
    "21623": Meaning("There are more files than one message may have."),
    "21655": Meaning(f"Twilio does not know the template. {_ADMIN}"),
    "30019": Meaning("The file is too large for the customer's carrier."),
    "63005": Meaning("WhatsApp does not accept what the message holds."),
    "63019": _later("WhatsApp could not fetch the file from us."),
    # on the way
    "30001": _later("Too many messages of ours were waiting at Twilio, so it gave this one up."),
    "30004": Meaning("The message was blocked on its way."),
    "30007": Meaning("The carrier or Twilio took the message for spam and did not deliver it."),
    "30008": _later("The carrier did not deliver the message and did not say why."),
    "30017": Meaning("The customer's carrier was overloaded and did not deliver the message."),
    "30018": Meaning(f"The customer's carrier wants our sender to be registered. {_ADMIN}"),
    "30022": Meaning("We have sent faster than US carriers allow."),
    "30036": _later("The customer cannot be reached by RCS."),
    "30046": _later("The customer cannot be reached by RCS."),
    "30039": Meaning("Twilio stopped the message: two machines were answering each other."),
    "30410": Meaning("The customer's carrier did not answer in time."),
    "30450": Meaning("Twilio held the message back to protect us from fraud (SMS pumping)."),
    "30500": Meaning("Twilio had a problem of its own and did not deliver the message."),
    "63009": Meaning("WhatsApp reported a problem and did not deliver the message."),
    "63010": Meaning("Twilio had a problem of its own and did not deliver the message."),
    "63012": Meaning("WhatsApp had a problem of its own and did not deliver the message."),
    "63017": _TOO_FAST,
    "63018": _TOO_FAST,
    "63036": _later("The customer cannot be reached by RCS."),
}

UNREACHABLE = "Twilio cannot be reached at the moment."
UNANSWERED = "Twilio did not answer, so it may or may not have sent the message."
UNEXPLAINED = "The message was not delivered, and Twilio did not say why."


def in_words(code: str) -> str:
    """What the code of a delivery report means, with the code for whoever wants to look it up."""
    if not code:
        return ""
    known = MEANINGS.get(code)
    words = known.words if known else "The message was not delivered."
    return f"{words} (Twilio error {code})"


def sending_failed(error: Exception, meanings: Mapping[str, Meaning] = MEANINGS) -> DeliveryError:
    """What an exception of a send means for the message.

    Only what surely never reached Twilio, or was surely refused, may be sent again. A 5xx is neither.
    """
    if isinstance(error, Refused) and error.status < 500:
        return _refusal(error, meanings)
    if _never_connected(error):
        return DeliveryError(UNREACHABLE, permanent=False, code="unreachable")
    return OutcomeUnknown(UNANSWERED)


def asking_failed(error: Exception, meanings: Mapping[str, Meaning] = MEANINGS) -> DeliveryError:
    """What an exception of a question means: it may be asked again, unless it was refused for good."""
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


def _refusal(error: Refused, meanings: Mapping[str, Meaning]) -> DeliveryError:
    code = error.code or str(error.status)
    busy = error.status in (408, 429)
    unknown = _TOO_FAST if busy else Meaning("Twilio refused the request.")
    known = meanings.get(code, unknown)
    return DeliveryError(
        f"{known.words} (Twilio error {code})",
        permanent=known.permanent,
        code=code,
        retry_after=error.retry_after,
    )


def _never_connected(error: Exception) -> bool:
    """Did it fail before a connection stood, so that nothing can have been sent?"""
    early = (ConnectTimeout, ProxyError, NewConnectionError, ssl.SSLCertVerificationError)
    return any(isinstance(cause, early) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps; requests and urllib3 hand it on as `reason` or as an argument."""
    cause: object = error
    while isinstance(cause, BaseException):
        yield cause
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
