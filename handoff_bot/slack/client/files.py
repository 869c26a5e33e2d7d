"""Files in Slack: uploads in Slack's three steps, downloads with the bot's token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from slack_sdk.web import WebClient

from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import DeskError, Malformed
from handoff_bot.domain.files import MB, DeskFile, Fetched, File, is_picture
from handoff_bot.domain.web_addresses import WebAddress, origin_of
from handoff_bot.slack.client.errors import FILE_REFUSED, UNANSWERED, slack_errors

TIMEOUT = 10
LONGEST = 60
"""In seconds: between two packets, and in total."""
_CHUNK = 64 * 1024
_LONGEST_ALT = 1000

ELSEWHERE = "Slack redirected the download."
LACKS_WRITE = "The Slack app lacks the permission files:write. Reinstall it with the manifest."
LACKS_READ = "The Slack app lacks the permission files:read. Reinstall it with the manifest."


class SlackFiles:
    """Uploads and downloads of one workspace."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def begin(self, file: File, alt: str) -> str:
        """Uploads a file without showing it; returns its id.

        Safe to repeat: only `complete` shows the file, and Slack discards uploads that are never completed.
        """
        with _files_errors(LACKS_WRITE), slack_errors():
            begun = self._client.files_getUploadURLExternal(
                filename=file.name,
                length=len(file.data),
                alt_txt=alt[:_LONGEST_ALT] if is_picture(file.content_type) else None,
            )
        self._send(str(begun["upload_url"]), file)
        return str(begun["file_id"])

    def complete(self, file_id: str, thread: Place, file: File, above: dict[str, Any]) -> None:
        """Shows the file in a thread, with the arguments in `above`.

        Raises:
            DeskLayout: Slack refuses the text above; the file can still be shown with another text.
        """
        with _files_errors(LACKS_WRITE), slack_errors(posts=True):
            self._client.files_completeUploadExternal(
                files=[{"id": file_id, "title": file.name}],
                channel_id=thread.slack_channel,
                thread_ts=thread.ts,
                **above,
            )

    def _send(self, url: str, file: File) -> None:
        address = self._slacks(url)
        if not address:
            raise DeskError("Slack returned a file address outside Slack.", permanent=True)
        try:
            answer = requests.post(
                address,
                data=file.data,
                headers={"Content-Type": "application/octet-stream"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException:
            raise DeskError(UNANSWERED, permanent=False, code="unanswered") from None
        except ValueError:  # the client evaluates a redirect even when it does not follow it
            raise DeskError(ELSEWHERE, permanent=True, code="redirect") from None
        if answer.status_code != 200:
            raise _refusal(answer.status_code)

    def download(self, file: DeskFile, most: int) -> Fetched:
        """Downloads a shared file, with the type that Slack reports.

        If the token is not accepted, Slack answers with its login page and 200.
        """
        known = self._looked_up(file) if not file.url else file
        address = self._slacks(known.url)
        if not address:
            raise DeskError("This file is not stored in Slack.", permanent=True, code="external")
        try:
            with requests.get(
                address,
                auth=self._with_token,
                timeout=TIMEOUT,
                stream=True,
                allow_redirects=False,
            ) as answer:
                data = _read(answer, known, most)
        except requests.RequestException:
            raise DeskError(UNANSWERED, permanent=False, code="unanswered") from None
        except ValueError:  # the client evaluates a redirect even when it does not follow it
            raise DeskError(ELSEWHERE, permanent=True, code="redirect") from None
        return Fetched(known.content_type, known.name, data)

    def _with_token(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sends the token, but never a password from this machine's .netrc."""
        request.headers["Authorization"] = f"Bearer {self._client.token}"
        return request

    def _looked_up(self, file: DeskFile) -> DeskFile:
        """Returns the full description of a file that an event only hints at, as in shared channels."""
        with _files_errors(LACKS_READ), slack_errors():
            found: dict[str, Any] = self._client.files_info(file=file.id).get("file") or {}
        if not is_kept(found):
            raise DeskError("This file is not stored in Slack.", permanent=True, code="external")
        return desk_file(found)

    def _slacks(self, url: str) -> str:
        """Returns the address if it belongs to Slack, so that the token may be sent there; else ""."""
        try:
            there, api = WebAddress.parse(url), origin_of(self._client.base_url)
        except Malformed:
            return ""
        home = api.host.removeprefix("www.")
        is_slacks = there.origin == api or (api.is_usual and there.origin.is_within(home))
        return str(there) if is_slacks else ""


_UNKEPT = frozenset({"external", "hidden_by_limit", "tombstone"})


def is_kept(described: dict[str, Any]) -> bool:
    """False for files that are only linked, deleted, or hidden by the workspace's plan."""
    is_elsewhere = described.get("is_external") or described.get("mode") in _UNKEPT
    return bool(described.get("id")) and not is_elsewhere


def desk_file(described: dict[str, object], *, is_shared: bool = False) -> DeskFile:
    """Parses a file of Slack's; without an address if files.info has to be called first.

    `is_shared` if another workspace shares the Slack channel: events there may hold less than files.info, or
    other data.
    """

    def said(name: str) -> str:
        return str(described.get(name) or "")

    size = described.get("size")
    hinted = is_shared or said("file_access") == "check_file_info"
    url = said("url_private_download") or said("url_private")
    return DeskFile(
        id=said("id"),
        name=said("name") or said("title") or "a file",
        content_type=said("mimetype"),
        size=size if isinstance(size, int) else 0,
        url="" if hinted else url,
    )


def _read(answer: requests.Response, file: DeskFile, most: int) -> bytes:
    if answer.status_code != 200:
        raise _refusal(answer.status_code)
    shown = answer.headers.get("Content-Type", "").lower()
    if shown.startswith("text/html") and not file.content_type.startswith("text/html"):
        raise DeskError(LACKS_READ, permanent=True, code="login_page")
    data, until = bytearray(), time.monotonic() + LONGEST
    for chunk in answer.iter_content(_CHUNK):
        data += chunk
        if len(data) > most:
            words = f"It is larger than {most / MB:g} MB."
            raise DeskError(words, permanent=True, code="too_large")
        if time.monotonic() > until:
            raise DeskError("Slack is too slow.", permanent=False, code="unanswered")
    return bytes(data)


def _refusal(status: int) -> DeskError:
    """A missing file is permanent, everything else temporary."""
    if status in (404, 410):
        return DeskError("The file is no longer in Slack.", permanent=True, code="gone")
    if 300 <= status < 400:
        return DeskError(ELSEWHERE, permanent=True, code="redirect")
    return DeskError(UNANSWERED, permanent=400 <= status < 429, code=str(status))


@contextmanager
def _files_errors(lacking: str) -> Iterator[None]:
    """A missing permission or a forbidden file type is permanent, so that it does not block later
    messages.
    """
    try:
        yield
    except DeskError as error:
        if error.code == "missing_scope":
            raise DeskError(lacking, permanent=True, code=error.code) from error
        if error.code in FILE_REFUSED or error.code == "posting_to_channel_denied":
            words = f"This workspace does not accept the file ({error.code})."
            raise DeskError(words, permanent=True, code=error.code) from error
        raise
