"""The customers with a phone, and their screens."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

from handoff_sandbox.twilio import TwilioStandIn
from handoff_sandbox.twilio.messages import Message, StoredFile

App = Literal["whatsapp", "sms"]
APPS: tuple[App, ...] = ("whatsapp", "sms")
_FIRST = 15550160
"""First number of added customers; all numbers are in the range reserved for fiction."""


@dataclass(frozen=True)
class Phone:
    """A customer's phone: number and profile name."""

    address: str
    name: str


class Phones:
    """All phones; customers can be added at any time."""

    def __init__(self, twilio: TwilioStandIn) -> None:
        self._twilio = twilio
        self._lock = threading.Lock()
        self._next = _FIRST
        self._phones = [
            Phone("+15550123", "Dana Reyes"),
            Phone("+15550145", "Miguel Ángel"),
            Phone("+15550151", "Wei"),
        ]

    def add(self, name: str) -> Phone:
        """Adds a customer."""
        with self._lock:
            self._next += 1
            phone = Phone(f"+{self._next}", name)
            self._phones.append(phone)
            return phone

    def all(self) -> list[Phone]:
        """Returns all customers, oldest first."""
        with self._lock:
            return list(self._phones)

    def find(self, address: str) -> Phone:
        """Returns the customer with this number.

        Raises:
            LookupError: no customer has it.
        """
        for phone in self.all():
            if phone.address == address:
                return phone
        raise LookupError(f"No customer has the number {address}.")

    def screens(self) -> dict[str, list[dict[str, Any]]]:
        """Returns every screen's messages, oldest first, by "phone:<app>:<address>"."""
        screens: dict[str, list[dict[str, Any]]] = {
            _key(app, phone.address): [] for phone in self.all() for app in APPS
        }
        for message in reversed(list(self._twilio.account.messages.newest_first())):
            customer = message.sender if message.direction == "inbound" else message.to
            app: App = "whatsapp" if message.is_whatsapp else "sms"
            screen = screens.get(_key(app, customer.removeprefix("whatsapp:")))
            if screen is not None:
                screen.append(_shown(message))
        return screens

    def file(self, sid: str) -> StoredFile | None:
        """Returns a file of a message."""
        for message in self._twilio.account.messages.newest_first():
            for file in message.files:
                if file.sid == sid:
                    return file
        return None


def _key(app: App, address: str) -> str:
    return f"phone:{app}:{address}"


def _shown(message: Message) -> dict[str, Any]:
    """Returns a message in the page's format."""
    return {
        "sid": message.sid,
        "direction": "inbound" if message.direction == "inbound" else "outbound",
        "body": message.body,
        "status": message.status,
        "error_code": message.error_code,
        "at": message.created.timestamp(),
        "media": [
            {
                "url": f"/sandbox/media/{file.sid}",
                "content_type": file.content_type,
                "name": file.name or f"file.{file.content_type.rpartition('/')[2]}",
            }
            for file in message.files
        ],
        "by_carrier": message.by_twilio,
    }
