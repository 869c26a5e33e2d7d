"""Customers' files at Twilio: supported types and sizes, and downloads."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.message import Message
from typing import TYPE_CHECKING

import requests
from requests.auth import HTTPBasicAuth

from handoff_bot import spans
from handoff_bot.channels._twilio_errors import UNREACHABLE
from handoff_bot.domain.errors import DeliveryError, Malformed
from handoff_bot.domain.files import LARGEST, MB, Fetched
from handoff_bot.domain.messages import Media
from handoff_bot.domain.web_requests import WebAddress, elsewhere, origin_of

if TYPE_CHECKING:
    from handoff_bot.channels._twilio import TwilioAccount


# -- supported types and sizes
# https://www.twilio.com/docs/messaging/guides/accepted-mime-types and
# https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages.

_OFFICE = "application/vnd.openxmlformats-officedocument"

MMS = dict.fromkeys(
    (
        "image/jpeg",
        "image/png",
        "image/gif",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/amr",
        "audio/3gpp",
        "video/mp4",
        "video/3gpp",
        "video/quicktime",
        "video/webm",
        "application/pdf",
        "text/vcard",
        "text/csv",
        "text/calendar",
    ),
    5 * MB - 10_000,  # of a whole message, including text
)
WHATSAPP = {
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * MB),
    **dict.fromkeys(
        (
            "audio/ogg",
            "audio/mpeg",
            "audio/aac",
            "audio/amr",
            "audio/3gpp",
            "video/mp4",
            "application/pdf",
            "application/msword",
            f"{_OFFICE}.wordprocessingml.document",
            f"{_OFFICE}.spreadsheetml.sheet",
            f"{_OFFICE}.presentationml.presentation",
            "text/vcard",
        ),
        16 * MB,
    ),
}
"""Twilio only passes a caption with pictures."""


# -- downloads: with credentials from Twilio's API, without from its CDN
# https://www.twilio.com/docs/messaging/api/media-resource. The API responds with a redirect to the
# file. It is followed manually, because any other host must get neither credentials nor a request.

HOMES = ("twilio.com", "twiliocdn.com")
"""Hosts of Twilio's files."""
MOST_HOPS = 3
LONGEST = 60.0
"""Seconds for one file."""
Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]
_CHUNK = 64 * 1024
_SMALL = 64 * 1024

NOT_OURS = "The file was not downloaded because Twilio gave an address outside our account."
FOREIGN = "The file was not downloaded because Twilio gave an address outside Twilio."
GONE = "Twilio does not have the file yet, or no longer has it."
REFUSED = "Twilio denied access to the file. Ask an admin to look at our Twilio account."


class MediaFetcher:
    """Files of one account; safe for any number of threads."""

    def __init__(self, account: TwilioAccount) -> None:
        self._timeout = account.timeout
        self._stand_in = origin_of(account.api_url) if account.api_url else None
        first_token = next(iter(account.auth_tokens), "")
        self._keys = (
            account.api_key or account.account_sid,
            account.api_secret if account.api_key else first_token,
        )

    def __repr__(self) -> str:
        """Without credentials."""
        return "MediaFetcher()"

    def fetch(self, media: Media) -> Fetched:
        """Downloads the file at a URL of our account, checked by the caller.

        Raises:
            DeliveryError: it cannot be downloaded.
        """
        answer, data = self._get(media.url, LARGEST, with_keys=True)
        return _fetched(answer, data, media)

    def fetch_content(self, media: Media) -> Fetched:
        """Downloads a Conversations file: Twilio returns its description with a temporary URL.

        Raises:
            DeliveryError: it cannot be downloaded.
        """
        _, described = self._get(media.url, _SMALL, with_keys=True)
        url, name = _place(described)
        answer, data = self._get(self._checked(url), LARGEST, with_keys=False)
        found = _fetched(answer, data, media)
        return Fetched(media.content_type or found.content_type, name or found.name, data)

    def _get(self, url: str, most: int, *, with_keys: bool) -> tuple[requests.Response, bytes]:
        try:
            with spans.call("twilio media", "twilio"):
                return self._follow(
                    url, most, HTTPBasicAuth(*self._keys) if with_keys else _without
                )
        except requests.RequestException:
            raise DeliveryError(UNREACHABLE, permanent=False, code="unreachable") from None
        except ValueError:  # the client parses a redirect even if it does not follow it
            raise DeliveryError(FOREIGN, permanent=True, code="foreign") from None

    def _follow(self, url: str, most: int, keys: Auth) -> tuple[requests.Response, bytes]:
        until = time.monotonic() + LONGEST
        for _ in range(MOST_HOPS):
            with (
                self._session() as session,
                session.get(
                    url, auth=keys, timeout=self._timeout, stream=True, allow_redirects=False
                ) as answer,
            ):
                if not answer.is_redirect:
                    _check_status(answer.status_code)
                    return answer, _read(answer, most, until)
                url, keys = self._checked(answer.headers["Location"], url), _without
        raise DeliveryError(FOREIGN, permanent=True, code="redirects")

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = self._stand_in is None  # a proxy would be another host
        return session

    def _checked(self, url: str, here: str = "") -> str:
        """Returns the URL to request: only Twilio's hosts, whatever a response says.

        Args:
            here: the response's URL, which may name a relative one.
        """
        try:
            there = elsewhere(WebAddress.parse(here), url) if here else WebAddress.parse(url)
        except Malformed:
            raise DeliveryError(FOREIGN, permanent=True, code="foreign") from None
        stand_in = self._stand_in
        is_known = there.origin == stand_in if stand_in else there.origin.is_within(*HOMES)
        if not is_known:
            raise DeliveryError(FOREIGN, permanent=True, code="foreign")
        return str(there)


def _without(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Removes credentials: by default, the client would look for some on this machine (.netrc)."""
    return request


def _check_status(status: int) -> None:
    """Twilio's webhook may be faster than its storage, so a missing file may still appear."""
    if status == 200:
        return
    if status in (401, 403):
        raise DeliveryError(REFUSED, permanent=True, code=str(status))
    if status in (404, 410):
        raise DeliveryError(GONE, permanent=status == 410, code=str(status))
    raise DeliveryError(UNREACHABLE, permanent=False, code=str(status))


def _read(answer: requests.Response, most: int, until: float) -> bytes:
    data = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        data += chunk
        if len(data) > most:
            words = f"The file is larger than {most / MB:g} MB."
            raise DeliveryError(words, permanent=True, code="too_large")
        if time.monotonic() > until:
            raise DeliveryError(
                "Twilio did not send the file in time.", permanent=False, code="slow"
            )
    return bytes(data)


def _fetched(answer: requests.Response, data: bytes, media: Media) -> Fetched:
    """Returns the file with Twilio's current description; the webhook may have had less."""
    kind = answer.headers.get("Content-Type", "") or media.content_type
    disposition = Message()
    disposition["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    return Fetched(kind, disposition.get_filename() or "", data)


def _place(described: bytes) -> tuple[str, str]:
    """Returns the file's URL, and the sender's name for it."""
    try:
        said = json.loads(described)
        url = said["links"]["content_direct_temporary"]
        name = said.get("filename") or ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DeliveryError(GONE, permanent=True, code="garbled") from None
    return str(url), str(name)
