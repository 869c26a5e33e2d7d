"""Twilio Conversations (classic), for teams whose web chat is built on it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from handoff_bot.channels._twilio import TEXT_LIMIT, TROUBLES, TwilioAccount, believed, client_of
from handoff_bot.channels._twilio_errors import (
    MEANINGS,
    UNANSWERED,
    Meaning,
    asking_failed,
    erased_already,
    sending_failed,
)
from handoff_bot.channels._twilio_forms import KEYWORDS, Fields, report, required
from handoff_bot.channels._twilio_media import NOT_OURS, MediaFetcher
from handoff_bot.domain.errors import DeliveryError, Malformed, OutcomeUnknown
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
from handoff_bot.domain.plain_answers import plain
from handoff_bot.ports import ListedChannel, WebhookRequest

logger = logging.getLogger(__name__)

# -- webhooks: customers' messages, echoes of ours, status callbacks
# Parameters: https://www.twilio.com/docs/conversations/conversations-webhooks. All of them are
# kept.

ADDED, DELIVERY = "onMessageAdded", "onDeliveryUpdated"
"""The handled events."""
API, CHAT, SMS = "API", "SDK", "SMS"
"""Source of a message: a program, a chat, a phone; WHATSAPP and others are possible."""

_SERVICE = re.compile(r"IS[0-9a-fA-F]{32}", re.ASCII)
_CONVERSATION = re.compile(r"CH[0-9a-fA-F]{32}", re.ASCII)
_CHAT_MESSAGE = re.compile(r"IM[0-9a-fA-F]{32}", re.ASCII)
_ADDRESS = re.compile(r"[a-z]+:\S+|\+?\d{5,}", re.ASCII)
"""Identities that are addresses, not names: "+15551234", "whatsapp:+15551234", "messenger:4711"."""
_CONTENT_TYPE = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}", re.ASCII)
_ANY_TYPE = "application/octet-stream"
_MEDIA_HOST = "https://mcs.us1.twilio.com"


class _File(BaseModel):
    """One file of the parameter Media."""

    model_config = ConfigDict(hide_input_in_errors=True)

    sid: str = Field(alias="Sid", pattern=r"^ME[0-9a-fA-F]{32}$")
    content_type: str = Field(_ANY_TYPE, alias="ContentType")


_FILES = TypeAdapter(list[_File])


def is_service(sid: str) -> bool:
    return _SERVICE.fullmatch(sid) is not None


def is_chat_message(sid: str) -> bool:
    return _CHAT_MESSAGE.fullmatch(sid) is not None


def is_conversation(sid: str) -> bool:
    return _CONVERSATION.fullmatch(sid) is not None


def marked(oid: str) -> str:
    """Returns attributes that identify our delivery."""
    return json.dumps({"oid": oid})


def mark_in(attributes: str | None) -> str:
    """Returns the oid in a message's attributes, or "". In a chat, attributes are written by the
    customer.
    """
    try:
        said = json.loads(attributes or "{}")
    except (ValueError, RecursionError):
        return ""
    oid = said.get("oid") if isinstance(said, dict) else None
    return oid if isinstance(oid, str) else ""


def is_echo(fields: Fields, identity: str) -> bool:
    """Returns whether it is a message that we have sent."""
    if identity and identity in (fields.get("Author"), fields.get("ClientIdentity")):
        return True
    return fields.get("Source") == API and mark_in(fields.get("Attributes")) != ""


def inbound(fields: Fields, channel: str, files: FileStore) -> InboundMessage:
    """Returns the message. Its contact is the conversation.

    Its author is not used as an alias: an author in two conversations (a colleague in Flex, a
    program of the team's) would merge two customers into one contact, and one would get the other's
    answers.

    Raises:
        Malformed: the message's or the conversation's id is missing.
    """
    provider_id = required(fields, "MessageSid")
    address = required(fields, "ConversationSid")
    if not is_conversation(address):
        raise Malformed("ConversationSid is not a conversation ID.")
    source, author = fields.get("Source", CHAT), fields.get("Author", "")
    text = fields.get("Body", "")
    consent = KEYWORDS.get(text.strip().upper()) if source == SMS else plain(text)
    service = fields.get("ChatServiceSid", "")
    return InboundMessage(
        channel=channel,
        provider_id=provider_id,
        address=address,
        recipient=service if is_service(service) else "",
        text=text,
        media=files.media(fields),
        profile_name="" if _ADDRESS.fullmatch(author) else author,
        consent=consent,
        consent_answered=consent is not None and source == SMS,
        fields=fields,
    )


class FileStore:
    """Twilio's file store of Conversations.

    Args:
        service: for webhooks that do not name theirs, "" for none.
        api_url: overrides Twilio's host, "" for Twilio's own.
    """

    def __init__(self, service: str, api_url: str) -> None:
        self._service = service
        self._host = (api_url or _MEDIA_HOST).rstrip("/")

    def media(self, fields: Fields) -> tuple[Media, ...]:
        """Returns the files; their URL is "" if Twilio does not name the service."""
        try:
            files = _FILES.validate_json(fields.get("Media") or "[]")
        except ValidationError:
            logger.warning(
                "media left alone: it cannot be read", extra={"provider_id": fields["MessageSid"]}
            )
            return (Media("", _ANY_TYPE),)
        service = fields.get("ChatServiceSid", "") or self._service
        return tuple(Media(self._url(service, file.sid), _type_of(file)) for file in files)

    def holds(self, url: str) -> bool:
        file = rf"{re.escape(self._host)}/v1/Services/IS[0-9a-fA-F]{{32}}/Media/ME[0-9a-fA-F]{{32}}"
        return re.fullmatch(file, url, re.ASCII) is not None

    def _url(self, service: str, sid: str) -> str:
        return f"{self._host}/v1/Services/{service}/Media/{sid}" if is_service(service) else ""


def _type_of(file: _File) -> str:
    """Returns the type given by the customer's browser, if valid."""
    return file.content_type if _CONTENT_TYPE.fullmatch(file.content_type) else _ANY_TYPE


# -- the channel


KIND = "conversations"
_MEANINGS = {**MEANINGS, "20404": Meaning("The customer's chat, or its service, no longer exists.")}
WORDS_ALONE = "Only text can be sent in Twilio Conversations chats."
_GONE = "20404"
_PAGE, _MOST = 100, 300
"""Number of messages of a conversation to search: per request, and in total."""


def conversations(account: TwilioAccount) -> ListedChannel:
    """Returns the channel. A customer must write first in a conversation."""
    return Conversations(account)


class Conversations:
    """A Channel over Twilio Conversations (classic); safe for any number of threads."""

    kind = KIND
    limits = Limits(consent_by_us=True, text=TEXT_LIMIT)
    stretch = timedelta(days=7)
    is_swept = False  # one request per conversation is too much without a reason

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account
        self._api = client_of(account).conversations.v1
        self._files = FileStore(account.conversations_service_sid, account.api_url)
        self._fetcher = MediaFetcher(account)

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Verifies Twilio's signature and our account, and returns the content.

        Most events, and all pre-event webhooks, are ignored.

        Raises:
            Unauthentic: the signature or the account is wrong.
            Malformed: the event type or an id is missing.
        """
        fields = believed(request, self._account)
        event = required(fields, "EventType")
        if event == ADDED:
            return self._added(fields)
        if event == DELIVERY:
            news = report(fields, KIND, oid="", word=fields.get("Status", ""))
            return [news] if news else []
        return []

    def _added(self, fields: dict[str, str]) -> list[InboundMessage]:
        if is_echo(fields, self._account.conversations_identity):
            return []
        message = inbound(fields, KIND, self._files)
        if fields.get("Source") == API:
            logger.info(
                "message of another program ignored", extra={"provider_id": message.provider_id}
            )
            return []
        return [message]

    def send(self, message: OutboundMessage) -> Receipt:
        """Sends one message to its conversation, once.

        It then counts as sent: chats report no further status, phones in a conversation do.

        Raises:
            DeliveryError: Twilio refused it, or could not be reached.
            OutcomeUnknown: Twilio did not respond.
        """
        if message.media or message.template:
            raise DeliveryError(WORDS_ALONE, permanent=True, code="words_alone")
        messages = self._messages(message)
        try:
            made = messages.create(
                author=self._account.conversations_identity,
                body=message.text,
                attributes=marked(message.oid),
            )
        except TROUBLES as error:
            raise sending_failed(error, _MEANINGS) from None  # its text may quote the customer
        if not made.sid:
            raise OutcomeUnknown(UNANSWERED)
        return _receipt(made)

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        """Returns the conversation's messages with this one's mark, oldest first; clocks are not
        compared.

        Raises:
            DeliveryError: Twilio cannot be asked (now, or ever if `permanent`).
        """
        messages = self._messages(message)
        try:
            newest = messages.list(order="desc", limit=_MOST, page_size=_PAGE)
        except TROUBLES as error:
            raise asking_failed(error, _MEANINGS) from None
        return [_receipt(one) for one in reversed(newest) if mark_in(one.attributes) == message.oid]

    def received(
        self,
        since: datetime,
        until: datetime,
        recipients: Collection[str],
        addresses: Collection[str],
    ) -> Sequence[InboundMessage]:
        """Returns customers' messages in known conversations; Twilio has no list over all of them.

        Raises:
            DeliveryError: Twilio cannot be asked (now, or ever if `permanent`).
        """
        service = next(iter(recipients), "") or self._account.conversations_service_sid
        found: list[InboundMessage] = []
        for address in filter(is_conversation, addresses):
            try:
                newest = self._in(service, address).list(order="desc", limit=_MOST, page_size=_PAGE)
            except TROUBLES as error:
                failed = asking_failed(error, _MEANINGS)
                if failed.permanent and failed.code == _GONE:
                    continue  # the conversation was deleted
                raise failed from None
            found += self._theirs(newest, since, until, service)
        return found

    def _theirs(
        self, listed: Sequence[Any], since: datetime, until: datetime, service: str
    ) -> Iterator[InboundMessage]:
        for one in reversed(listed):
            is_customers = (
                one.participant_sid and one.author != self._account.conversations_identity
            )
            if not is_customers or not one.date_created or not since <= one.date_created <= until:
                continue
            message = inbound(_form(one, service), KIND, self._files)
            yield replace(message, sent_at=one.date_created.timestamp())

    def fetch(self, media: Media) -> Fetched:
        """Downloads a message's file, only from Twilio's store.

        Raises:
            DeliveryError: it cannot be downloaded (now, or ever if `permanent`).
        """
        if not self._files.holds(media.url):
            raise DeliveryError(NOT_OURS, permanent=True, code="not_ours")
        return self._fetcher.fetch_content(media)

    def stored(self, address: str, recipient: str, until: datetime) -> Sequence[str]:
        """Returns the ids of a conversation's messages, and then of the conversation itself.

        Raises:
            DeliveryError: Twilio cannot be asked (now, or ever if `permanent`).
        """
        if not is_conversation(address):
            return ()
        try:
            listed = self._in(recipient, address).list(limit=_MOST, page_size=_PAGE)
        except TROUBLES as error:
            erased_already(error, _MEANINGS)  # raises, unless it no longer exists
            return ()
        return [
            *(one.sid for one in listed if not one.date_created or one.date_created <= until),
            *([address] if not listed else []),
        ]

    def erase(self, provider_id: str, address: str, recipient: str) -> bool:
        """Deletes one message with its files, or the conversation if it is empty.

        Raises:
            DeliveryError: Twilio cannot delete it (now, or ever if `permanent`).
        """
        if not is_conversation(address):
            return False
        messages = self._in(recipient, address)
        try:
            if is_conversation(provider_id):
                if messages.list(limit=1):  # the customer has written since
                    return False
                self._whole(recipient, address).delete()
            elif is_chat_message(provider_id):
                messages(provider_id).delete()
            else:
                return False
        except TROUBLES as error:
            return erased_already(error, _MEANINGS)
        return True

    def _messages(self, message: OutboundMessage) -> Any:
        """Returns the conversation's messages; only valid ids become part of a URL."""
        if not is_conversation(message.to):
            raise DeliveryError(
                "The customer's address is not a Twilio conversation.",
                permanent=True,
                code="no_conversation",
            )
        service = message.sender or self._account.conversations_service_sid
        return self._in(service, message.to)

    def _in(self, service: str, conversation: str) -> Any:
        return self._whole(service, conversation).messages

    def _whole(self, service: str, conversation: str) -> Any:
        service = service or self._account.conversations_service_sid
        there = self._api.services(service) if is_service(service) else self._api
        return there.conversations(conversation)


def _form(one: Any, service: str) -> dict[str, str]:
    """Returns an API message as its webhook's form."""
    files = [
        {"Sid": file.get("sid"), "ContentType": file.get("content_type") or ""}
        for file in one.media or ()
    ]
    return {
        "EventType": ADDED,
        "MessageSid": one.sid,
        "ConversationSid": one.conversation_sid,
        "ChatServiceSid": service,
        "Author": one.author or "",
        "Body": one.body or "",
        "Source": CHAT,
        "Media": json.dumps(files),
    }


def _receipt(message: Any) -> Receipt:
    return Receipt(message.sid, DeliveryStatus.SENT, message.date_created)
