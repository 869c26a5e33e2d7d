"""Twilio Conversations (classic), for teams whose web chat is built on it."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.channels import _twilio_conversations as forms
from handoff_bot.channels._twilio import TEXT_LIMIT, TROUBLES, TwilioAccount, believed, client_of
from handoff_bot.channels._twilio_errors import (
    MEANINGS,
    UNANSWERED,
    Meaning,
    asking_failed,
    erased_already,
    sending_failed,
)
from handoff_bot.channels._twilio_forms import report, required
from handoff_bot.channels._twilio_media import NOT_OURS, MediaFetcher
from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from handoff_bot.domain.files import Fetched
from handoff_bot.domain.messages import (
    DeliveryUpdate,
    InboundMessage,
    Limits,
    Media,
    OutboundMessage,
    Receipt,
)
from handoff_bot.ports import ListedChannel, WebhookRequest

logger = logging.getLogger(__name__)

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
        self._files = forms.FileStore(account.conversations_service_sid, account.api_url)
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
        if event == forms.ADDED:
            return self._added(fields)
        if event == forms.DELIVERY:
            news = report(fields, KIND, oid="", word=fields.get("Status", ""))
            return [news] if news else []
        return []

    def _added(self, fields: dict[str, str]) -> list[InboundMessage]:
        if forms.is_echo(fields, self._account.conversations_identity):
            return []
        message = forms.inbound(fields, KIND, self._files)
        if fields.get("Source") == forms.API:
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
                attributes=forms.marked(message.oid),
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
        return [
            _receipt(one)
            for one in reversed(newest)
            if forms.mark_in(one.attributes) == message.oid
        ]

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
        for address in filter(forms.is_conversation, addresses):
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
            message = forms.inbound(_form(one, service), KIND, self._files)
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
        if not forms.is_conversation(address):
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
        if not forms.is_conversation(address):
            return False
        messages = self._in(recipient, address)
        try:
            if forms.is_conversation(provider_id):
                if messages.list(limit=1):  # the customer has written since
                    return False
                self._whole(recipient, address).delete()
            elif forms.is_chat_message(provider_id):
                messages(provider_id).delete()
            else:
                return False
        except TROUBLES as error:
            return erased_already(error, _MEANINGS)
        return True

    def _messages(self, message: OutboundMessage) -> Any:
        """Returns the conversation's messages; only valid ids become part of a URL."""
        if not forms.is_conversation(message.to):
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
        there = self._api.services(service) if forms.is_service(service) else self._api
        return there.conversations(conversation)


def _form(one: Any, service: str) -> dict[str, str]:
    """Returns an API message as its webhook's form."""
    files = [
        {"Sid": file.get("sid"), "ContentType": file.get("content_type") or ""}
        for file in one.media or ()
    ]
    return {
        "EventType": forms.ADDED,
        "MessageSid": one.sid,
        "ConversationSid": one.conversation_sid,
        "ChatServiceSid": service,
        "Author": one.author or "",
        "Body": one.body or "",
        "Source": forms.CHAT,
        "Media": json.dumps(files),
    }


def _receipt(message: Any) -> Receipt:
    return Receipt(message.sid, DeliveryStatus.SENT, message.date_created)
