"""The customers with a phone, and what is on their screens."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

from handoff_sandbox.twilio import TwilioStandIn
from handoff_sandbox.twilio.messages import Message, StoredFile

App = Literal["whatsapp", "sms"]
APPS: tuple[App, ...] = ("whatsapp", "sms")
_FIRST = 15550160
"""The numbers of those who come later go up from here; all are in the range kept for fiction."""


@dataclass(frozen=True)
class Phone:
    """Somebody with a phone: their number and what they call themselves."""

    address: str
    name: str


class Phones:
    """All of them; more can come at any time."""

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
        """Somebody new."""
        with self._lock:
            self._next += 1
            phone = Phone(f"+{self._next}", name)
            self._phones.append(phone)
            return phone

    def all(self) -> list[Phone]:
        """Everybody, in the order in which they came."""
        with self._lock:
            return list(self._phones)

    def find(self, address: str) -> Phone:
        """Whose number this is.

        Raises:
            LookupError: nobody's.
        """
        for phone in self.all():
            if phone.address == address:
                return phone
        raise LookupError(f"Nobody has the number {address}.")

    def screens(self) -> dict[str, list[dict[str, Any]]]:
        """What is on every screen, oldest first, by "phone:<app>:<address>"."""
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
        """A file that came with a message."""
        for message in self._twilio.account.messages.newest_first():
            for file in message.files:
                if file.sid == sid:
                    return file
        return None


def _key(app: App, address: str) -> str:
    return f"phone:{app}:{address}"


def _shown(message: Message) -> dict[str, Any]:
    """A message as the page takes it."""
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
                "name": f"file.{file.content_type.rpartition('/')[2]}",
            }
            for file in message.files
        ],
        "by_carrier": message.by_twilio,
    }
