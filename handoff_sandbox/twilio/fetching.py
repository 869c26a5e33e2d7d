"""Fetches files from the bot as Twilio does before it sends them: HEAD and GET, without credentials."""

from __future__ import annotations

import email.message
from dataclasses import dataclass

import requests

from handoff_sandbox.twilio.messages import Message, StoredFile, new_sid

UNREACHED, WRONG_KIND, TOO_LARGE, WHATSAPP_UNREACHED = 11200, 12300, 11751, 63019
"""Twilio's errors for a file that is unavailable, of an unsupported type, or too large."""

_MMS, _WHATSAPP = 5_000_000, 16_000_000
_TIMEOUT = 10
_KINDS = ("image/", "audio/", "video/", "application/", "text/")


class Unfetched(Exception):
    """A file could not be fetched; `code` is Twilio's."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Fetcher:
    """Fetches only from the bot: its public address is mapped to its real one."""

    public_base_url: str
    bot_url: str = ""

    def files(self, message: Message) -> tuple[StoredFile, ...]:
        """Returns the files of a message.

        Raises:
            Unfetched: one of them cannot be sent.
        """
        found = tuple(self._file(url, message) for url in message.media_urls)
        most = _WHATSAPP if message.is_whatsapp else _MMS
        if sum(len(file.content) for file in found) > most:
            raise Unfetched(TOO_LARGE)
        return found

    def _file(self, url: str, message: Message) -> StoredFile:
        unreached = Unfetched(WHATSAPP_UNREACHED if message.is_whatsapp else UNREACHED)
        base = f"{self.public_base_url}/"
        if not (self.bot_url and url.startswith(base)):
            raise unreached
        there = f"{self.bot_url.rstrip('/')}/{url.removeprefix(base)}"
        try:
            head = self._ask("HEAD", there)
            answer = self._ask("GET", there)
        except requests.RequestException:
            raise unreached from None
        if head.status_code != 200 or answer.status_code != 200:
            raise unreached
        kind = answer.headers.get("Content-Type", "")
        if not kind.startswith(_KINDS) or head.headers.get("Content-Type") != kind:
            raise Unfetched(WRONG_KIND)
        said = email.message.Message()
        said["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
        return StoredFile(new_sid("ME"), kind, answer.content, said.get_filename() or "")

    def _ask(self, method: str, url: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False  # a proxy would be another host
            return session.request(
                method, url, timeout=_TIMEOUT, headers={"User-Agent": "TwilioProxy/1.1"}
            )
