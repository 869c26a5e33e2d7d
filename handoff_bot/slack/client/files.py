"""Files and photos in Slack: uploads, downloads, deletion."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from slack_sdk.web import WebClient

from handoff_bot import spans
from handoff_bot.domain.desk import Place, ThreadPage
from handoff_bot.domain.errors import DeskError, Malformed, Unacceptable
from handoff_bot.domain.files import MB, DeskFile, Fetched, File, examined, is_picture
from handoff_bot.domain.web_requests import WebAddress, origin_of
from handoff_bot.slack.client.errors import FILE_REFUSED, TEMPORARY, UNANSWERED, slack_errors
from handoff_bot.slack.kit.text import Block

# -- uploads in Slack's three steps, downloads with the bot's token

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
            with spans.call("slack upload", "slack"):
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
        if not self._client.token:
            raise DeskError(TEMPORARY["token_revoked"], permanent=False, code="token_revoked")
        known = self._looked_up(file) if not file.url else file
        address = self._slacks(known.url)
        if not address:
            raise DeskError("This file is not stored in Slack.", permanent=True, code="external")
        try:
            with (
                spans.call("slack download", "slack"),
                requests.get(
                    address,
                    auth=self._with_token,
                    timeout=TIMEOUT,
                    stream=True,
                    allow_redirects=False,
                ) as answer,
            ):
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


# -- photos, fetched by us: a visitor's browser must not ask Slack's CDN

PHOTO_TIMEOUT = 3
LONGEST_PHOTO = 5
"""In seconds: between two packets, and in total."""
LARGEST = 200_000
"""In bytes. Slack's pictures of 72 by 72 pixels have 2 to 15 kB."""
_KINDS = dict.fromkeys(("image/jpeg", "image/png", "image/gif", "image/webp"), LARGEST)
_CDN = "slack-edge.com"
_PHOTO_CHUNK = 16 * 1024


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
                address, timeout=PHOTO_TIMEOUT, stream=True, allow_redirects=False
            ) as answer:
                return _read_photo(answer)
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


def _read_photo(answer: requests.Response) -> File | None:
    data, until = bytearray(), time.monotonic() + LONGEST_PHOTO
    if answer.status_code != 200:
        return None
    for chunk in answer.iter_content(_PHOTO_CHUNK):
        data += chunk
        if len(data) > LARGEST or time.monotonic() > until:
            return None
    try:
        return examined(
            Fetched(answer.headers.get("Content-Type", ""), "photo", bytes(data)), _KINDS
        )
    except Unacceptable:
        return None


# -- deletion of the bot's own messages and files
# A bot's token deletes only what the bot posted:
# https://docs.slack.dev/reference/methods/chat.delete and
# https://docs.slack.dev/reference/methods/files.delete

_PAGE = 200
_NOT_THERE = frozenset({"message_not_found", "thread_not_found", "file_not_found", "file_deleted"})
_OUTSIDE = frozenset({"channel_not_found", "not_in_channel", "is_archived"})
_REFUSED = frozenset(
    {
        "cant_delete_message",
        "cant_delete_file",
        "compliance_exports_prevent_deletion",
        "delete_not_allowed",
        "file_deleting_disabled",
    }
)


class SlackEraser:
    """Deletions in one workspace. Deleting again is harmless."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._ids: frozenset[str] = frozenset()

    def _own_ids(self) -> frozenset[str]:
        """Returns the bot's ids as a user and as a bot; a post under a customer's name has only one."""
        if not self._ids:
            with slack_errors():
                answer = self._client.auth_test()
            found = (str(answer.get(name) or "") for name in ("user_id", "bot_id"))
            self._ids = frozenset(filter(None, found))
        return self._ids

    def posted_in(self, thread: Place, cursor: str) -> ThreadPage:
        """Returns one page of a thread; empty if the thread no longer exists."""
        own = self._own_ids()
        try:
            with _refusals(), slack_errors():
                answer = self._client.conversations_replies(
                    channel=thread.slack_channel, ts=thread.ts, limit=_PAGE, cursor=cursor or None
                )
        except DeskError as error:
            if error.code not in _NOT_THERE:
                raise
            return ThreadPage()
        said: list[Block] = answer.get("messages") or []
        messages = [one for one in said if one.get("subtype") != "tombstone"]
        ours = [one for one in messages if own & {one.get("user"), one.get("bot_id")}]
        metadata: Block = answer.get("response_metadata") or {}
        return ThreadPage(
            posts=tuple(_place(thread, one) for one in ours),
            files=tuple(str(file["id"]) for one in ours for file in _files(one)),
            by_others=tuple(_place(thread, one) for one in messages if one not in ours),
            cursor=str(metadata.get("next_cursor") or ""),
        )

    def delete_post(self, post: Place) -> bool:
        """Deletes a message; False if it no longer exists."""
        return _deletes(lambda: self._client.chat_delete(channel=post.slack_channel, ts=post.ts))

    def delete_file(self, file_id: str) -> bool:
        """Deletes a file; False if it no longer exists."""
        return _deletes(lambda: self._client.files_delete(file=file_id))


def _deletes(ask: Callable[[], object]) -> bool:
    """Returns whether it was deleted, or did not exist.

    Raises:
        DeskError: Slack refuses for good, or cannot be asked now.
    """
    try:
        with _refusals(), slack_errors():
            ask()
    except DeskError as error:
        if error.code not in _NOT_THERE:
            raise
        return False
    return True


@contextmanager
def _refusals() -> Iterator[None]:
    """Other jobs wait until an admin lets the bot in again; a deletion is reported as not done."""
    try:
        yield
    except DeskError as error:
        if error.code in _OUTSIDE:
            why = f"The bot is not in this Slack channel, or it is archived ({error.code})."
        elif error.code in _REFUSED:
            why = f"Slack does not let the bot delete this ({error.code})."
        else:
            raise
        raise DeskError(why, permanent=True, code=error.code) from error


def _files(message: Block) -> list[Block]:
    found = message.get("files")
    return found if isinstance(found, list) else []


def _place(thread: Place, message: Block) -> Place:
    return Place(thread.slack_channel, str(message["ts"]))
