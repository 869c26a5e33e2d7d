"""Parses Twilio Conversations (classic) webhooks: customers' messages, echoes of ours, status
callbacks.

Parameters: https://www.twilio.com/docs/conversations/conversations-webhooks. All of them are kept.
"""

from __future__ import annotations

import json
import logging
import re

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from handoff_bot.channels._twilio_forms import KEYWORDS, Fields, required
from handoff_bot.domain.consent import plain
from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.messages import InboundMessage, Media

logger = logging.getLogger(__name__)

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
