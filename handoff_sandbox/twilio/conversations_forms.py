"""Forms of Twilio's Conversations (classic) webhooks, with the documented parameters."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from handoff_sandbox.twilio.forms import Form
from handoff_sandbox.twilio.messages import ChatMessage, new_sid


def added(account: str, service: str, message: ChatMessage) -> Form:
    """The webhook for an added message."""
    is_chat = message.source == "SDK"
    return {
        "EventType": "onMessageAdded",
        "AccountSid": account,
        "ChatServiceSid": service,
        "ConversationSid": message.conversation,
        "MessageSid": message.sid,
        "Index": str(message.index),
        "Source": message.source,
        "Author": message.author,
        "Body": message.body,
        "Attributes": message.attributes,
        "DateCreated": moment(message.created),
        "RetryCount": "0",
        **({"ClientIdentity": message.author} if is_chat else {}),
        **({"ParticipantSid": message.participant} if message.participant else {}),
        **({"Media": _media(message)} if message.files else {}),
    }


def _media(message: ChatMessage) -> str:
    return json.dumps(
        [
            {
                "Sid": file.sid,
                "Filename": f"file{number}",
                "ContentType": file.content_type,
                "Size": len(file.content),
            }
            for number, file in enumerate(message.files)
        ]
    )


def delivery(account: str, service: str, message: ChatMessage, at: datetime) -> Form:
    """The webhook for the last step of a message's delivery."""
    form = {
        "EventType": "onDeliveryUpdated",
        "AccountSid": account,
        "ChatServiceSid": service,
        "ConversationSid": message.conversation,
        "MessageSid": message.sid,
        "DeliveryReceiptSid": new_sid("DY"),
        "ChannelMessageSid": new_sid("SM"),
        "ParticipantSid": new_sid("MB"),
        "Status": message.steps[-1],
        "DateCreated": moment(message.created),
        "DateUpdated": moment(at),
    }
    return form | ({"ErrorCode": str(message.error_code)} if message.error_code else {})


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
