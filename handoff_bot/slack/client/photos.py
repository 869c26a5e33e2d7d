"""People's photos in Slack, fetched by us: a visitor's browser must not ask Slack's CDN."""

from __future__ import annotations

import time
from typing import Any

import requests
from slack_sdk.web import WebClient

from handoff_bot.domain.errors import DeskError, Malformed, Unacceptable
from handoff_bot.domain.files import Fetched, File, examined
from handoff_bot.domain.web_addresses import WebAddress, origin_of
from handoff_bot.slack.client.errors import UNANSWERED, slack_errors

TIMEOUT = 3
LONGEST = 5
"""In seconds: between two packets, and in total."""
LARGEST = 200_000
"""In bytes. Slack's pictures of 72 by 72 pixels have 2 to 15 kB."""
_KINDS = dict.fromkeys(("image/jpeg", "image/png", "image/gif", "image/webp"), LARGEST)
_CDN = "slack-edge.com"
_CHUNK = 16 * 1024


class Photos:
    """Uses a client that fails fast."""

    def __init__(self, quick: WebClient) -> None:
        self._quick = quick

    def of(self, desk_id: str) -> File | None:
        """Returns the photo that a person has chosen; None for Slack's default pictures.

        Raises:
            DeskError: Slack does not answer.
        """
        with slack_errors():
            user: dict[str, Any] = self._quick.users_info(user=desk_id).get("user") or {}
        profile = user.get("profile") or {}
        address = self._slacks(str(profile.get("image_72") or ""))
        if not (address and profile.get("is_custom_image")):
            return None
        try:
            # No token: avatars are public, and the CDN is another host than the API.
            with requests.get(
                address, timeout=TIMEOUT, stream=True, allow_redirects=False
            ) as answer:
                return _read(answer)
        except (requests.RequestException, ValueError):
            raise DeskError(UNANSWERED, permanent=False, code="unanswered") from None

    def _slacks(self, url: str) -> str:
        try:
            there, api = WebAddress.parse(url), origin_of(self._quick.base_url)
        except Malformed:
            return ""
        is_slacks = there.origin == api or (
            api.is_usual and there.origin.is_usual and there.origin.is_within(_CDN)
        )
        return str(there) if is_slacks else ""


def _read(answer: requests.Response) -> File | None:
    data, until = bytearray(), time.monotonic() + LONGEST
    if answer.status_code != 200:
        return None
    for chunk in answer.iter_content(_CHUNK):
        data += chunk
        if len(data) > LARGEST or time.monotonic() > until:
            return None
    try:
        return examined(
            Fetched(answer.headers.get("Content-Type", ""), "photo", bytes(data)), _KINDS
        )
    except Unacceptable:
        return None
