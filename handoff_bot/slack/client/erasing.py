"""Deletes the bot's own messages and files in Slack.

A bot's token deletes only what the bot posted:
https://docs.slack.dev/reference/methods/chat.delete and https://docs.slack.dev/reference/methods/files.delete
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slack_sdk.web import WebClient

from handoff_bot.domain.desk import Place, ThreadPage
from handoff_bot.domain.errors import DeskError
from handoff_bot.slack.client.errors import slack_errors
from handoff_bot.slack.kit.text import Block

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
