"""Reads the settings of a Twilio account for the health checks; nothing is ever changed there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, SecretStr, ValidationError
from requests.exceptions import RequestException, Timeout
from twilio.base.exceptions import TwilioException

from handoff_bot.channels._twilio import TwilioAccount, client_of
from handoff_bot.channels._twilio_http import Garbled, Refused

API = "https://api.twilio.com/2010-04-01"
MESSAGING = "https://messaging.twilio.com"
CONVERSATIONS = "https://conversations.twilio.com/v1"

PATIENCE = 40.0
"""Seconds for all requests of one run; a request that has begun may take its own timeout longer."""
_PAGE = 50
_MOST_PAGES = 4
_NOT_FOUND, _FORBIDDEN = 404, 403

Text = Annotated[str, BeforeValidator(lambda given: "" if given is None else given)]
Flag = Annotated[bool, BeforeValidator(lambda given: False if given is None else given)]
Texts = Annotated[list[str], BeforeValidator(lambda given: [] if given is None else given)]


class Unread(Exception):
    """Settings that could not be read; the text says why and what to do.

    Attributes:
        is_missing: the resource does not exist.
        is_forbidden: the credentials are right, but may not read it.
    """

    def __init__(self, words: str, *, is_missing: bool = False, is_forbidden: bool = False) -> None:
        super().__init__(words)
        self.is_missing = is_missing
        self.is_forbidden = is_forbidden


# -- what Twilio answers, cut to what is checked; null is "" or False


class AccountState(BaseModel):
    """`auth_token` is the primary token, which signs webhooks; "" if Twilio does not show it."""

    status: str
    type: Text = ""
    auth_token: Annotated[
        SecretStr, BeforeValidator(lambda given: "" if given is None else given)
    ] = SecretStr("")


class Balance(BaseModel):
    balance: float
    currency: Text = ""


class Capabilities(BaseModel):
    sms: bool = True


class Number(BaseModel):
    sid: str
    phone_number: str
    sms_url: Text = ""
    sms_method: Text = ""
    sms_application_sid: Text = ""
    capabilities: Capabilities | None = None


class MessagingService(BaseModel):
    sid: str
    inbound_request_url: Text = ""
    inbound_method: Text = ""
    use_inbound_webhook_on_number: Flag = False
    sticky_sender: Flag = False
    status_callback: Text = ""


class Resource(BaseModel):
    """Any resource; senders of a Messaging Service have a number."""

    sid: str
    phone_number: Text = ""


class SenderWebhook(BaseModel):
    callback_url: Text = ""
    callback_method: Text = ""


class OfflineReason(BaseModel):
    code: Annotated[str, BeforeValidator(str)] = ""


class SenderProperties(BaseModel):
    quality_rating: Text = ""


class Sender(BaseModel):
    sid: str
    sender_id: Text = ""
    status: Text = ""
    webhook: SenderWebhook | None = None
    offline_reasons: list[OfflineReason] | None = None
    properties: SenderProperties | None = None


class ConversationWebhooks(BaseModel):
    """`target` is "flex" if Twilio Flex gets the events."""

    post_webhook_url: Text = ""
    pre_webhook_url: Text = ""
    method: Text = ""
    filters: Texts = []
    target: Text = ""


class AutoCreation(BaseModel):
    enabled: Flag = False
    type: Text = ""
    webhook_url: Text = ""
    webhook_method: Text = ""
    webhook_filters: Texts = []


class AddressConfiguration(BaseModel):
    address: Text = ""
    auto_creation: AutoCreation | None = None


class _Meta(BaseModel):
    next_page_url: Text = ""


_NO_META = _Meta()
Shape = TypeVar("Shape", bound=BaseModel)


class SetupReader:
    """Reads settings with the credentials that send messages, within `seconds` in total.

    Attributes:
        date: the `Date` header of Twilio's newest response, "" before it.
    """

    def __init__(
        self,
        account: TwilioAccount,
        seconds: float = PATIENCE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.date = ""
        self._client = client_of(account)
        self._monotonic = monotonic
        self._until = monotonic() + seconds

    def get(self, shape: type[Shape], url: str, **query: str | int) -> Shape:
        """Returns one resource.

        Raises:
            Unread: it cannot be read.
        """
        return _parsed(shape, self._object(url, query))

    def has(self, url: str) -> bool:
        """Returns whether a resource exists.

        Raises:
            Unread: Twilio does not say so.
        """
        try:
            self._object(url, {})
        except Unread as error:
            if error.is_missing:
                return False
            raise
        return True

    def every(self, shape: type[Shape], url: str, key: str, **query: str | int) -> list[Shape]:
        """Returns the resources of a list, at most 200.

        Raises:
            Unread: it cannot be read.
        """
        found: list[Shape] = []
        asked: dict[str, str | int] = {"PageSize": _PAGE, **query}
        for _ in range(_MOST_PAGES):
            said = self._object(url, asked)
            listed = said.get(key)
            if not isinstance(listed, list):
                raise Unread(_UNREADABLE)
            found += [_parsed(shape, one) for one in listed]
            url, asked = _parsed(_Meta, said.get("meta") or {}).next_page_url, {}
            if not url:
                break
        return found

    def _object(self, url: str, query: dict[str, str | int]) -> dict[str, Any]:
        if self._monotonic() > self._until:
            raise Unread(_SLOW)
        try:
            response = self._client.request("GET", url, params=query)
        except (TwilioException, RequestException) as error:
            raise _unread(error) from None
        headers = {name.lower(): value for name, value in (response.headers or {}).items()}
        self.date = str(headers.get("date", "")) or self.date
        said: dict[str, Any] = json.loads(
            response.text or "{}"
        )  # an object: the client has checked
        return said


_UNREADABLE = "Twilio's answer cannot be read; look in Twilio's console instead"
_SLOW = "Twilio did not answer in time; run the check again"
_BY_STATUS = {
    401: "Twilio does not accept the credentials (HTTP 401)",
    _FORBIDDEN: "the credentials may not read this (HTTP 403); look in Twilio's console instead",
    _NOT_FOUND: "Twilio does not know it (HTTP 404)",
    429: "Twilio allows no more requests now (HTTP 429); run the check again in a minute",
}


def _parsed(shape: type[Shape], said: Any) -> Shape:
    try:
        return shape.model_validate(said)
    except ValidationError:
        raise Unread(_UNREADABLE) from None


def _unread(error: Exception) -> Unread:
    if isinstance(error, Refused):
        words = f"Twilio answers with an error (HTTP {error.status}); run the check again later"
        return Unread(
            _BY_STATUS.get(error.status, words),
            is_missing=error.status == _NOT_FOUND,
            is_forbidden=error.status == _FORBIDDEN,
        )
    if isinstance(error, Garbled):
        return Unread(_UNREADABLE)
    if isinstance(error, Timeout):
        return Unread(_SLOW)
    return Unread(f"Twilio cannot be reached ({type(error).__name__})")
