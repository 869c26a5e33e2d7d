"""Shared parts of the Twilio channels: signatures, the account, and a channel parameterised by its traits."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException
from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
    get_signature_algorithm,
)
from twilio.rest import Client

from handoff_bot.channels import _twilio_backlog as backlog
from handoff_bot.channels import _twilio_forms as forms
from handoff_bot.channels._twilio_errors import (
    UNANSWERED,
    asking_failed,
    erased_already,
    sending_failed,
)
from handoff_bot.channels._twilio_http import ApiHttp
from handoff_bot.channels._twilio_media import NOT_OURS, MediaFetcher
from handoff_bot.domain.errors import DeliveryError, Malformed, OutcomeUnknown, Unauthentic
from handoff_bot.domain.files import Fetched
from handoff_bot.domain.messages import (
    DeliveryStatus,
    DeliveryUpdate,
    InboundMessage,
    Limits,
    Media,
    OutboundMessage,
    Receipt,
)
from handoff_bot.ports import WebhookRequest

logger = logging.getLogger(__name__)

# -- signatures of webhooks
# Documentation: https://www.twilio.com/docs/usage/webhooks/webhooks-security. Nothing in the
# request is trusted before the check, so the signed URL is built from our own setting, never from
# Host or X-Forwarded-*.

_SIGNATURE = "x-twilio-signature"
_SETTINGS = "x-twilio-webhooks-signature-settings"


class _Repeats(dict[str, list[str]]):
    """A form with several values per name, as RequestValidator expects it."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def is_signed(
    request: WebhookRequest,
    base_url: str,
    auth_tokens: Sequence[str],
    shared_keys: Mapping[str, str],
) -> bool:
    """Verifies the signature by an auth token (HMAC-SHA1) or by the named shared key (HMAC-SHA256).

    Args:
        base_url: our base URL as configured at Twilio.
        auth_tokens: the current one and the next one; empty ones are ignored.
        shared_keys: secrets by key id.
    """
    signature = request.headers.get(_SIGNATURE, "")
    settings = request.headers.get(_SETTINGS, "")
    algorithm = get_signature_algorithm(settings).upper()
    try:
        return any(
            RequestValidator(secret).validate(
                _signed_url(request, base_url), _signed_content(request), signature, algorithm
            )
            for secret in _secrets(algorithm, settings, auth_tokens, shared_keys)
            if secret  # anyone can sign with an empty one
        )
    except Exception as error:  # a forged request that breaks the validator is refused
        logger.warning("signature cannot be checked", extra={"error": type(error).__name__})
        return False


def _secrets(
    algorithm: str, settings: str, auth_tokens: Sequence[str], shared_keys: Mapping[str, str]
) -> Sequence[str]:
    """Returns the candidate secrets. The header chooses among ours, each only for its own algorithm."""
    if algorithm == HMAC_SHA1:
        return auth_tokens
    if algorithm == HMAC_SHA256:
        return (shared_keys.get(_key_id(settings), ""),)
    return ()


def _key_id(settings: str) -> str:
    """Returns the `key` of "key=…,algorithm=…"."""
    pairs = (part.partition("=") for part in settings.split(","))
    return next((value.strip() for name, _, value in pairs if name.strip() == "key"), "")


def _signed_url(request: WebhookRequest, base_url: str) -> str:
    query = f"?{request.query}" if request.query else ""
    return f"{base_url.rstrip('/')}{request.path}{query}"


def _signed_content(request: WebhookRequest) -> Mapping[str, list[str]] | str:
    """Returns the form; for JSON the body itself, whose hash is part of the signed query."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return request.body.decode()
    content = _Repeats()
    for name, value in request.form:
        content.setdefault(name, []).append(value)
    return content


# -- the account and the channel


TEXT_LIMIT = 1600
"""In characters; longer messages are error 21617 on every Twilio channel."""

TROUBLES = (TwilioException, RequestException)
"""Exceptions of Twilio's client."""
NO_ADDRESS = (
    "The file cannot be sent because the public address is not set. Ask an admin to set it."
)
_TRIAL = "Sent from your Twilio trial account - "
"""Prefix that Twilio adds to every message of a trial account."""
_CLOCK_SLACK = timedelta(seconds=2)
"""Twilio's dates have whole seconds, and clocks differ."""
_REPORTS = "/status"
"""End of the path of status callbacks."""
_PAGE, _MOST = 100, 300
"""Number of messages to search: per request, and in total."""


@dataclass(frozen=True)
class TwilioAccount:
    """One Twilio account. Its repr contains no secret.

    Attributes:
        account_sid: "AC…".
        auth_tokens: the current one and, during rotation, the next; both are accepted.
        shared_keys: secrets for webhook signatures, by key id.
        api_key, api_secret: for sending; without them, the account SID and its first token are
            used.
        senders: our numbers by channel; WhatsApp's with or without "whatsapp:".
        messaging_service_sid: "MG…", sends SMS if no number is set.
        conversations_service_sid: "IS…", the Conversations service if a webhook does not name one,
            "" for the account's default.
        conversations_identity: author of our messages in Conversations.
        api_url: overrides all Twilio hosts, "" for Twilio's own.
        public_base_url: our base URL as configured at Twilio.
        timeout: in seconds.
    """

    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    shared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    senders: Mapping[str, str] = field(default_factory=dict)
    messaging_service_sid: str = ""
    conversations_service_sid: str = ""
    conversations_identity: str = "handoff"
    api_url: str = field(default="", repr=False)  # URLs may contain a password
    public_base_url: str = field(default="", repr=False)
    timeout: float = 10.0

    def sender(self, kind: str) -> str:
        """Returns our number on a channel, or ""."""
        return self.senders.get(kind, "")


@dataclass(frozen=True)
class Traits:
    """What differs between Twilio channels.

    Attributes:
        kind: the channel's kind.
        limits: what it can carry.
        has: whether an address belongs to it.
        sender: our sender address, or "".
        service: the Messaging Service used without a sender, or "".
    """

    kind: str
    limits: Limits
    has: Callable[[str], bool]
    sender: str = ""
    service: str = ""


class TwilioChannel:
    """A Channel over Twilio's Programmable Messaging; safe for any number of threads."""

    stretch = backlog.STRETCH
    is_swept = True

    def __init__(self, account: TwilioAccount, traits: Traits) -> None:
        self.kind = traits.kind
        self.limits = traits.limits
        self._account = account
        self._traits = traits
        self._home = forms.MediaHome(account.account_sid, account.api_url)
        self._messages = client_of(account).messages
        self._files = MediaFetcher(account)

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Verifies Twilio's signature and our account, and returns the content.

        Raises:
            Unauthentic: the signature or the account is wrong.
            Malformed: a required field is missing, or the address belongs to another channel.
        """
        fields = believed(request, self._account)
        if not forms.is_report(fields, at_its_address=request.path.endswith(_REPORTS)):
            return self._inbound(fields)
        oid = parse_qs(request.query).get("oid", [""])[0]
        news = forms.report(fields, self.kind, oid, forms.status_in(fields))
        return [news] if news else []

    def _inbound(self, fields: forms.Fields) -> list[InboundMessage]:
        address = forms.required(fields, "From")
        if self.is_ours(address):
            logger.warning("message from our own sender ignored", extra={"channel": self.kind})
            return []
        if not self._traits.has(address):
            raise Malformed(
                f"From is not a {self.kind} address: this is another channel's webhook."
            )
        we_answer = self.limits.consent_by_us
        return [forms.inbound(fields, self.kind, self._home, we_answer=we_answer)]

    def is_ours(self, address: str) -> bool:
        """Returns whether the address is one of our senders on any channel. Such a message is never
        a customer's.
        """
        ours = (
            *self._account.senders.values(),
            self._account.messaging_service_sid,
        )
        return forms.bare(address) in {forms.bare(one) for one in ours if one}

    def send(self, message: OutboundMessage) -> Receipt:
        """Sends one message, once. Twilio has no idempotency key: never repeat it when in doubt.

        Raises:
            DeliveryError: Twilio refused it, or could not be reached.
            OutcomeUnknown: Twilio did not respond.
        """
        sender, content = self._sender(message), _content(message)
        try:
            made = self._messages.create(
                to=message.to,
                status_callback=self._callback(message.oid),
                **content,
                **sender,
            )
        except TROUBLES as error:
            raise sending_failed(error) from None  # its text may quote the customer's number
        if not made.sid:
            raise OutcomeUnknown(UNANSWERED)
        return _receipt(made)

    def _sender(self, message: OutboundMessage) -> dict[str, str]:
        number = message.sender or self._traits.sender
        if number:
            return {"from_": number}
        if self._traits.service:
            return {"messaging_service_sid": self._traits.service}
        raise DeliveryError(
            f"No sender is configured for {self.kind}. Ask an admin to set one.",
            permanent=True,
            code="no_sender",
        )

    def _callback(self, oid: str) -> str:
        base = self._account.public_base_url.rstrip("/")
        return f"{base}/webhooks/{self.kind}/status?{urlencode({'oid': oid})}"

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        """Returns messages with this content to this contact that Twilio accepted since then,
        oldest first.

        A template's text is only known to Twilio, so it is not compared. Neither is the sender: a
        Messaging Service chooses its own. A receipt never reports a failure, because it cannot
        carry the reason; the status callback does.

        Raises:
            DeliveryError: Twilio cannot be asked (now, or ever if `permanent`).
        """
        try:
            listed = self._messages.list(to=message.to, limit=_MOST, page_size=_PAGE)
        except TROUBLES as error:
            raise asking_failed(error) from None
        found = [one for one in reversed(listed) if _is_copy(one, message, since - _CLOCK_SLACK)]
        return [_receipt(one) for one in sorted(found, key=lambda one: one.date_created)]

    def received(
        self,
        since: datetime,
        until: datetime,
        recipients: Collection[str],
        addresses: Collection[str],
    ) -> Sequence[InboundMessage]:
        """Returns customers' messages of this period from Twilio's list.

        Raises:
            DeliveryError: Twilio cannot be asked (now, or ever if `permanent`).
        """
        ours = {self._traits.sender, *recipients} - {""}
        try:
            listed = list(
                backlog.inbound_forms(self._messages, ours, since, until, self._home.messages)
            )
        except TROUBLES as error:
            raise asking_failed(error) from None
        return [
            replace(message, sent_at=at)
            for form, at in reversed(listed)  # Twilio lists the newest first, in whole seconds
            if self._traits.has(form["From"])
            for message in self._readable(form)
        ]

    def stored(self, address: str, recipient: str, until: datetime) -> Sequence[str]:
        """Returns ids of Twilio's messages between a customer and us, also of its own replies to
        keywords.

        Raises:
            DeliveryError: Twilio cannot be asked (now, or ever if `permanent`).
        """
        senders = {recipient, self._traits.sender} - {""}
        service = self._traits.service
        try:
            listed = [
                one
                for between in ({"to": address}, {"from_": address})
                for one in self._messages.list(limit=_MOST, page_size=_PAGE, **between)
            ]
        except TROUBLES as error:
            raise asking_failed(error) from None
        return [
            one.sid
            for one in listed
            if (one.date_created is None or one.date_created <= until)
            and (
                {one.to, one.from_} & senders or (service and one.messaging_service_sid == service)
            )
        ]

    def erase(self, provider_id: str, address: str, recipient: str) -> bool:
        """Deletes a message's files and the message.

        Raises:
            DeliveryError: Twilio cannot delete it yet (20009: its delivery is not complete), or at
                all.
        """
        if not forms.is_message(provider_id):
            return False
        message = self._messages(provider_id)
        try:
            for file in message.media.list(limit=_MOST):
                message.media(file.sid).delete()
            message.delete()
        except TROUBLES as error:
            return erased_already(error)
        return True

    def _readable(self, form: forms.Fields) -> list[InboundMessage]:
        """Returns a listed message; empty if it is incomplete, because others follow."""
        try:
            return self._inbound(form)
        except Malformed as error:
            logger.warning(
                "listed message ignored", extra={"sid": form["MessageSid"], "why": str(error)}
            )
            return []

    def fetch(self, media: Media) -> Fetched:
        """Downloads a message's file, only from our account.

        Raises:
            DeliveryError: it cannot be downloaded (now, or ever if `permanent`).
        """
        if not self._home.holds(media.url):
            raise DeliveryError(NOT_OURS, permanent=True, code="not_ours")
        return self._files.fetch(media)


def believed(request: WebhookRequest, account: TwilioAccount) -> forms.Fields:
    """Returns the fields of a verified webhook for our account.

    Raises:
        Unauthentic: the signature or the account is wrong.
    """
    signed = is_signed(request, account.public_base_url, account.auth_tokens, account.shared_keys)
    if not signed:
        raise Unauthentic("the signature is not ours")
    fields = forms.fields_of(request.form)
    if fields.get("AccountSid") != account.account_sid:
        raise Unauthentic("the account is not ours")
    return fields


def client_of(account: TwilioAccount) -> Client:
    """Returns Twilio's client with our time limits and our only host."""
    first_token = next(iter(account.auth_tokens), "")
    return Client(
        account.api_key or account.account_sid,
        account.api_secret if account.api_key else first_token,
        account.account_sid,
        http_client=ApiHttp(account.timeout, account.api_url),
        environment={"TWILIO_REGION": ""},  # otherwise the SDK reads the process's environment
    )


def _content(message: OutboundMessage) -> dict[str, Any]:
    """Returns the content as Twilio's parameters: only a template, or text and files.

    Raises:
        DeliveryError: Twilio could not download the files.
    """
    if message.template:
        variables = json.dumps(dict(message.template.variables))
        return {"content_sid": message.template.content_sid, "content_variables": variables}
    if not all(url.startswith(("https://", "http://")) for url in message.media):
        raise DeliveryError(NO_ADDRESS, permanent=True, code="no_address")
    content: dict[str, Any] = {"media_url": list(message.media)} if message.media else {}
    return content | ({"body": message.text} if message.text or not message.media else {})


def _is_copy(found: Any, message: OutboundMessage, since: datetime) -> bool:
    """Returns whether a listed message is ours, since then, with the same content."""
    is_ours = (
        str(found.direction).startswith("outbound")
        and found.date_created is not None
        and found.date_created >= since
    )
    if not is_ours or message.template:
        return is_ours
    words = (found.body or "").removeprefix(_TRIAL).strip()
    has_files = str(found.num_media or "0") != "0"
    return words == message.text.strip() and has_files == bool(message.media)


def _receipt(message: Any) -> Receipt:
    status = forms.STATUSES.get(message.status)
    if status is None or status is DeliveryStatus.FAILED:
        status = DeliveryStatus.ACCEPTED
    return Receipt(message.sid, status, message.date_created)
