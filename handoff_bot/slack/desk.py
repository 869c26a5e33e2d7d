"""Implements the desk on Slack:

cards, threads, ephemeral messages, reactions and the board, by the Web API.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_sdk.web import SlackResponse, WebClient
from slack_sdk.webhook import WebhookClient

from handoff_bot.domain.desk import (
    CLOCKS_APART,
    AgentRef,
    Board,
    Card,
    EphemeralMessage,
    Place,
    Post,
    PostKind,
    ThreadPage,
)
from handoff_bot.domain.errors import DeskError, DeskGone
from handoff_bot.domain.escalations import OPEN
from handoff_bot.domain.files import DeskFile, Fetched, File
from handoff_bot.domain.messages import ReplyMark
from handoff_bot.domain.results import CheckResult
from handoff_bot.ports import Clock
from handoff_bot.slack.cards.card import permalink, render_board, render_card
from handoff_bot.slack.cards.thread import (
    render_ephemeral,
    render_post,
    render_posts,
    sender_identity_of,
)
from handoff_bot.slack.client.errors import GONE, slack_errors
from handoff_bot.slack.client.files import Photos, SlackEraser, SlackFiles
from handoff_bot.slack.client.people import Groups, People, Person, SlackDirectory, without_retries
from handoff_bot.slack.client.resting import Presence, Resting
from handoff_bot.slack.client.web_client import Layouts
from handoff_bot.slack.kit.text import Block, Form, SlackMessage, forms, has_alerts

logger = logging.getLogger(__name__)

MARK_EVENT = "handoff_post"
_NO_ROOM = frozenset({"channel_not_found", "not_in_channel", "is_archived"})
TIMEOUT = 10
"""Timeout of each call, in seconds."""

CUSTOMIZE = "chat:write.customize"
"""Optional scope, which shows customers' messages under their own names."""
CHANNEL_ICONS = {
    "sms": ":iphone:",
    "whatsapp": ":green_heart:",
    "webchat": ":globe_with_meridians:",
}
OTHER_ICON = ":speech_balloon:"

NO_BUTTONS = "Write !take in the thread to take over, !resolve to resolve."
"""Hint below a card that is shown as text only."""

REACTIONS: dict[ReplyMark, str] = {
    ReplyMark.WAITING: "hourglass_flowing_sand",
    ReplyMark.SENT: "heavy_check_mark",
    ReplyMark.DELIVERED: "white_check_mark",
    ReplyMark.READ: "eyes",
    ReplyMark.FAILED: "x",
    ReplyMark.NOTE: "memo",
}

NO_QUEUE_CHANNEL = (
    "There is no queue channel yet. Invite @Handoff to a Slack channel, and choose Use for the "
    "queue."
)

_PAGE = 200
_NOTHING_TO_MARK = frozenset({"already_reacted", "message_not_found"})
_NOTHING_TO_UNMARK = frozenset({"no_reaction", "message_not_found"})


class SlackDesk:
    """The port `Desk` on one workspace; posts go to one queue channel and its threads."""

    def __init__(self, client: WebClient, queue_channel: str, clock: Clock) -> None:
        self._client = client
        self._quick = without_retries(client)
        self._queue_channel = queue_channel
        self.chosen_channel: Callable[[], str] = lambda: ""
        self._people = People(client, clock)
        self.directory = SlackDirectory(self._people, self._quick)
        self._groups = Groups(client, self._quick, clock)
        self._resting = Resting(self._quick)
        self._presence = Presence(self._quick)
        self._files = SlackFiles(client)
        self._photos = Photos(self._quick)
        self._eraser = SlackEraser(client)
        self._workspace_url = ""
        self._own_id = ""
        self._scopes: frozenset[str] = frozenset()
        self._pinned: set[Place] = set()
        self.layouts = Layouts()

    # -- the port

    @property
    def queue_channel(self) -> str:
        """Returns the configured queue channel, or the one that admins chose; "" if there is none yet."""
        if not self._queue_channel:
            self._queue_channel = self.chosen_channel()
        return self._queue_channel

    def render_card(self, card: Card, at: Place | None, mark: str) -> Place:
        """Posts or updates a card."""
        hint = NO_BUTTONS if card.status in OPEN else ""
        return self._post_or_update(
            forms(render_card(card), hint=hint), at, mark, card.slack_channel
        )

    def find_card(self, mark: str, since: datetime, slack_channel: str = "") -> Place | None:
        """Finds the message with this mark in that channel, or in the queue channel."""
        channel = slack_channel or self.queue_channel
        return self._find(self._client.conversations_history, mark, since, channel=channel)

    def post(self, thread: Place, posts: Sequence[Post], mark: str) -> Place:
        """Posts a reply in a card's thread; a customer's message under their name if the scope is granted."""
        sender_identity = self._sender_identity(posts[0])
        rendered = render_posts(posts, named_outside=bool(sender_identity))
        written = forms(rendered, named=render_posts(posts))
        return self._post(
            thread.slack_channel, written, mark, thread_ts=thread.ts, **sender_identity
        )

    def _sender_identity(self, post: Post) -> dict[str, str]:
        """Returns the name and icon for a customer's message; nothing without the scope."""
        if post.kind is not PostKind.CONTACT or CUSTOMIZE not in self.scopes():
            return {}
        icon = CHANNEL_ICONS.get(post.channel, OTHER_ICON)
        return {"username": sender_identity_of(post), "icon_emoji": icon}

    def own_id(self) -> str:
        """Returns the bot's desk id; "" while Slack is unavailable."""
        self.workspace()
        return self._own_id

    def scopes(self) -> frozenset[str]:
        """Returns the granted scopes; empty while Slack is unavailable."""
        self.workspace()
        return self._scopes

    def find_post(self, thread: Place, mark: str, since: datetime) -> Place | None:
        """Finds the reply in a thread with this mark."""
        channel = thread.slack_channel
        ask = self._client.conversations_replies
        return self._find(ask, mark, since, channel=channel, ts=thread.ts)

    def replies(self, thread: Place, since: datetime, most_pages: int) -> Iterator[Block]:
        """Returns the messages of a thread since then, with the thread's first message.

        Raises:
            DeskError: Slack is unavailable.
        """
        cursor: str | None = None
        for _ in range(most_pages):
            with slack_errors():
                answer = self._client.conversations_replies(
                    channel=thread.slack_channel,
                    ts=thread.ts,
                    oldest=f"{since.timestamp():.6f}",
                    limit=_PAGE,
                    cursor=cursor,
                )
            yield from answer.get("messages") or ()
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    def tell(self, to: str, post: Post, mark: str) -> Place:
        """Posts to a person or a slack_channel. Slack accepts a person's id for a direct message."""
        return self._post(to, forms(render_post(post, self.workspace())), mark)

    def replace_message(self, at: Place, post: Post) -> None:
        """Replaces a message that `tell` posted."""
        self._post_or_update(forms(render_post(post, self.workspace())), at, "")

    def link(self, thread: Place) -> str:
        """Returns the address of a thread, once the workspace's address is known."""
        return permalink(thread, self.workspace())

    def upload(self, thread: Place, file: File, post: Post, mark: str) -> None:
        """Posts a file in a thread. Slack stores no metadata with a file, so a block's id marks it."""
        sender_identity = self._sender_identity(post)
        rendered = render_post(post, named_outside=bool(sender_identity))
        written = forms(rendered, named=render_post(post))
        marked: Block = {**rendered.blocks[0], "block_id": f"{MARK_EVENT}:{mark}"}
        written[0] = replace(written[0], blocks=[marked, *rendered.blocks[1:]])
        self._upload(thread, file, written, alt=rendered.text, sender_identity=sender_identity)

    def _upload(
        self,
        thread: Place,
        file: File,
        written: Sequence[Form],
        alt: str,
        sender_identity: dict[str, str],
    ) -> None:
        begun = self._files.begin(file, alt)

        def say(form: Form) -> None:
            above: dict[str, Any] = (
                {"initial_comment": form.text}
                if form.blocks is None
                else {"blocks": json.dumps(form.blocks)}
            )
            self._files.complete(
                begun, thread, file, above | (sender_identity if form.is_full else {})
            )

        self.layouts.say(written, say)

    def hand(self, to: str, file: File, post: Post, mark: str) -> None:
        """Posts a direct message, and a file in its thread:

        only the message's response has the channel's id.
        """
        there = self.tell(to, post, mark)
        self._upload(there, file, forms(render_post(post)), alt=post.text, sender_identity={})

    def download(self, file: DeskFile, most: int) -> Fetched:
        """Downloads a file from a thread."""
        return self._files.download(file, most)

    def ephemeral(self, ephemeral: EphemeralMessage) -> None:
        """Shows one agent an ephemeral message. It disappears when they reload Slack."""

        def say(form: Form) -> None:
            with slack_errors():
                self._client.chat_postEphemeral(
                    channel=ephemeral.place.slack_channel,
                    thread_ts=ephemeral.place.ts,
                    user=ephemeral.desk_id,
                    text=form.text,
                    blocks=form.blocks,
                    parse="none",
                )

        self.layouts.say(forms(render_ephemeral(ephemeral)), say)

    def mark_reply(
        self, reply: Place, wanted: ReplyMark | None, shown: ReplyMark | None = None
    ) -> None:
        """Adds the new reaction before it removes the one that is shown: there is always one."""
        place = {"channel": reply.slack_channel, "timestamp": reply.ts}
        if wanted:
            with _ignoring(_NOTHING_TO_MARK), slack_errors():
                self._client.reactions_add(name=REACTIONS[wanted], **place)
        if shown and shown is not wanted:
            with _ignoring(_NOTHING_TO_UNMARK), slack_errors():
                self._client.reactions_remove(name=REACTIONS[shown], **place)

    def render_board(self, board: Board, at: Place | None, mark: str) -> Place:
        """Posts and pins the board in the queue channel, or updates it."""
        rendered = render_board(board, self.workspace())
        place = self._post_or_update(forms(rendered), at, mark, board.slack_channel)
        self._pin(place)
        return place

    def show(self, shown: SlackMessage, at: Place | None, mark: str, slack_channel: str) -> Place:
        """Posts a message that stays up to date in a Slack channel (at None), or updates it."""
        return self._post_or_update(forms(shown), at, mark, slack_channel)

    def agent(self, desk_id: str) -> AgentRef:
        """Returns an agent; "an agent" as the name while Slack is unavailable. Never raises."""
        return AgentRef(desk_id, self._people.find(desk_id).name)

    def photo(self, desk_id: str) -> File | None:
        """Returns the photo that a person has chosen in Slack; None without one. May raise DeskError."""
        return self._photos.of(desk_id)

    def posted_in(self, thread: Place, cursor: str) -> ThreadPage:
        """Returns one page of a thread, by the bot and by others."""
        return self._eraser.posted_in(thread, cursor)

    def delete_post(self, post: Place) -> bool:
        """Deletes one of the bot's messages."""
        return self._eraser.delete_post(post)

    def delete_file(self, file_id: str) -> bool:
        """Deletes one of the bot's files, everywhere it is shown."""
        return self._eraser.delete_file(file_id)

    # -- what listeners need besides

    def is_human(self, desk_id: str) -> bool:
        """False for apps and deactivated users; True while Slack is unavailable."""
        return self._people.find(desk_id).is_human

    def person(self, desk_id: str, *, fresh: bool = False) -> Person:
        """Returns a person, cached for minutes; a nameless human while Slack is unavailable."""
        return self._people.find(desk_id, fresh=fresh)

    def groups(self) -> dict[str, str]:
        """Returns the workspace's user groups, id -> name; empty without the scope."""
        return self._groups.all()

    def members(self, group_id: str) -> tuple[str, ...]:
        """Returns the members of a user group; empty without the scope."""
        return self._groups.members(group_id)

    def resting(self, people: Collection[str], now: datetime) -> set[str]:
        """Returns the given people who are in do-not-disturb; empty without the scope."""
        return self._resting.of(people, now)

    def channel_members(self, slack_channel: str) -> tuple[str, ...]:
        """Returns the first members of a Slack channel that are not apps or deactivated users."""
        found = self._presence.members(slack_channel)
        return tuple(one for one in found if self.is_human(one))

    def active(self, people: Collection[str]) -> set[str]:
        """Returns the given people who are active in Slack, as many as can be asked quickly."""
        return self._presence.of(people)

    def inspect(self, look: Callable[[WebClient, str], Iterator[CheckResult]]) -> list[CheckResult]:
        """Returns the result of health checks with this client and queue channel."""
        return list(look(self._client, self.queue_channel))

    def may_write_in(self, slack_channel: str) -> bool:
        """Whether a slack_channel is in use and the app is a member.

        True while Slack is unavailable. No retries.
        """
        try:
            with slack_errors():
                answer = self._quick.conversations_info(channel=slack_channel)
        except DeskError as error:
            return error.code not in _NO_ROOM
        found = answer.get("channel") or {}
        return bool(found.get("is_member")) and not found.get("is_archived")

    def publish_home(self, desk_id: str, view: Block) -> None:
        """Publishes a person's Home tab."""
        with slack_errors():
            self._client.views_publish(user_id=desk_id, view=view)

    def push_view(self, trigger_id: str, view: Block) -> str:
        """Opens a modal on top of the clicked one; returns its id."""
        return self._opened(self._client.views_push, trigger_id, view)

    def open_view(self, trigger_id: str, view: Block) -> str:
        """Opens a modal within three seconds of the click; returns its id."""
        return self._opened(self._client.views_open, trigger_id, view)

    def _opened(self, call: Callable[..., SlackResponse], trigger_id: str, view: Block) -> str:
        def show(view: Block) -> str:
            with slack_errors():
                answer = call(trigger_id=trigger_id, view=view)
            return str((answer.get("view") or {}).get("id", ""))

        return self.layouts.show(view, show) if has_alerts(view) else show(view)

    def update_view(self, view_id: str, view: Block) -> None:
        """Updates an open modal."""

        def show(view: Block) -> None:
            with slack_errors():
                self._client.views_update(view_id=view_id, view=view)

        if has_alerts(view):
            self.layouts.show(view, show)
        else:
            show(view)

    def answer(
        self, response_url: str, rendered: SlackMessage, *, replace: bool, thread_ts: str = ""
    ) -> None:
        """Answers a click by its response_url: with an ephemeral message, or by replacing the message.

        Raises:
            DeskError: Slack did not accept the answer.
        """
        body: dict[str, Any] = {
            "text": rendered.text,
            "blocks": rendered.blocks,
            "response_type": "ephemeral",
            "replace_original": replace,
        }
        if thread_ts:
            body["thread_ts"] = thread_ts
        client = WebhookClient(
            response_url, timeout=TIMEOUT, logger=self._client.logger, retry_handlers=[]
        )
        try:
            with slack_errors():
                answer = client.send_dict(body)
        except ValueError as error:
            raise DeskError("This is no address.", permanent=True, code="response_url") from error
        if answer.status_code != 200:
            raise DeskError("Slack did not take the answer.", permanent=True, code="response_url")

    # -- internals

    def _post_or_update(
        self, written: Sequence[Form], at: Place | None, mark: str, slack_channel: str = ""
    ) -> Place:
        if at is None:
            return self._post(slack_channel or self.queue_channel, written, mark)

        def say(form: Form) -> Place:
            with slack_errors():
                self._client.chat_update(
                    channel=at.slack_channel,
                    ts=at.ts,
                    text=form.text,
                    # None would leave the blocks as they were
                    blocks=form.blocks or [],
                    parse="none",
                )
            return at

        return self.layouts.say(written, say)

    def _post(
        self,
        channel: str,
        written: Sequence[Form],
        mark: str,
        thread_ts: str | None = None,
        **sender_identity: Any,
    ) -> Place:
        if not channel:
            raise DeskError(NO_QUEUE_CHANNEL, permanent=False, code="no_queue_channel")
        metadata = {"event_type": MARK_EVENT, "event_payload": {"mark": mark}}

        def say(form: Form) -> Place:
            with slack_errors(posts=True):
                answer = self._client.chat_postMessage(
                    channel=channel,
                    thread_ts=thread_ts,
                    text=form.text,
                    blocks=form.blocks,
                    metadata=metadata if form.is_marked else None,
                    parse="none",
                    link_names=False,
                    unfurl_links=False,
                    unfurl_media=False,
                    **(sender_identity if form.is_full else {}),
                )
            place = Place(str(answer["channel"]), str(answer["ts"]))
            if thread_ts and _is_stray(answer):
                self._take_back(place)
                raise DeskGone(GONE["thread_not_found"], "thread_not_found")
            return place

        return self.layouts.say(written, say)

    def _take_back(self, stray: Place) -> None:
        """Deletes a message that Slack put beside the thread.

        A failure is ignored: a duplicate is better than a loss.
        """
        try:
            with slack_errors():
                self._client.chat_delete(channel=stray.slack_channel, ts=stray.ts)
        except DeskError as error:
            logger.warning("stray message not deleted", extra={"code": error.code})

    def _find(
        self,
        ask: Callable[..., SlackResponse],
        mark: str,
        since: datetime,
        *,
        channel: str,
        **where: str,
    ) -> Place | None:
        """Pages through messages until one carries the mark."""
        oldest = f"{(since - CLOCKS_APART).timestamp():.6f}"
        cursor: str | None = None
        while cursor != "":
            with slack_errors():
                answer = ask(
                    channel=channel,
                    oldest=oldest,
                    limit=_PAGE,
                    cursor=cursor,
                    include_all_metadata=True,
                    **where,
                )
            for message in answer.get("messages") or ():
                if _mark(message) == mark:
                    return Place(channel, str(message["ts"]))
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        return None

    def workspace(self) -> str:
        """Returns the workspace's address, cached after the first call; "" while Slack is unavailable."""
        if not self._workspace_url:
            try:
                with slack_errors():
                    answer = self._client.auth_test()
                    self._workspace_url = str(answer.get("url", ""))
                    self._scopes = _granted(answer)
                    self._own_id = str(answer.get("user_id", ""))
            except DeskError as error:
                logger.warning("workspace not known", extra={"code": error.code})
        return self._workspace_url

    def _pin(self, place: Place) -> None:
        """Pins a message, once per process. The board works without, so a failure is only logged."""
        if place in self._pinned:
            return
        self._pinned.add(place)
        try:
            with slack_errors():
                self._client.pins_add(channel=place.slack_channel, timestamp=place.ts)
        except DeskError as error:
            if error.code != "already_pinned":
                logger.warning("board not pinned", extra={"code": error.code})


def _is_stray(answer: SlackResponse) -> bool:
    """Whether a reply ended up outside its thread. Slack posts a reply to a deleted message beside the
    thread, without an error (slack-go/slack#1571). A response without the whole message does not tell.
    """
    message = answer.get("message") or {}
    return message.get("type") == "message" and not message.get("thread_ts")


def _granted(answer: SlackResponse) -> frozenset[str]:
    """Slack lists the scopes in a header of each response."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return frozenset(
        filter(None, str(headers.get("x-oauth-scopes", "")).replace(" ", "").split(","))
    )


@contextmanager
def _ignoring(codes: frozenset[str]) -> Iterator[None]:
    """Ignores refusals that say that there is nothing to do."""
    try:
        yield
    except DeskError as error:
        if error.code not in codes:
            raise


def _mark(message: dict[str, Any]) -> str | None:
    for block in message.get("blocks") or ():
        event, _, named = str(block.get("block_id") or "").partition(":")
        if event == MARK_EVENT and named:
            return named  # of a file, see `upload`
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != MARK_EVENT:
        return None
    mark = (metadata.get("event_payload") or {}).get("mark")
    return str(mark) if mark else None
