"""First middleware: stores events before they are acknowledged, and rejects malformed requests.

Slack retries an event until it gets 200, so 200 means "stored". The lane `slack:` then handles the event; a
second delivery is recognised.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.middleware import Middleware

from handoff_bot.domain.desk import Place
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.slack.incoming.events import EVENTS
from handoff_bot.slack.incoming.registry import EVERYTHING

logger = logging.getLogger(__name__)

KIND = "slack.event"

HEARD = frozenset(EVENTS) | frozenset(EVERYTHING.events)
"""Types of events that are handled. Others are acknowledged and dropped."""

_PASSED_ON = frozenset(
    {
        "block_actions",
        "block_suggestion",
        "message_action",
        "shortcut",
        "url_verification",
        "view_submission",
    }
)


class Arrivals(Middleware):
    """Bolt's first middleware after the signature check. Raises what the inbox raises, so that Slack retries.

    A class, because Bolt would parse the request before it calls a function, and fail on malformed requests.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def process(
        self,
        *,
        req: BoltRequest,
        resp: BoltResponse,
        next: Callable[[], BoltResponse],
    ) -> BoltResponse | None:
        """Answers the request, or passes it on to the listeners."""
        body = req.body
        if not is_storable(body):
            return _refused()
        if body.get("type") == "event_callback":
            return _store(self._inbox, body)
        if not _is_for_listeners(body):
            logger.warning("request ignored", extra={"type": _type_of(body)})
            return BoltResponse(status=200, body="")
        if not is_request(body):
            return _refused()
        return next()


_UNSTORED = frozenset({"token", "trace"})


def _store(inbox: Inbox, body: dict[str, Any]) -> BoltResponse:
    if not is_event(body):
        return _refused()
    event = body["event"]
    if event["type"] not in HEARD:
        logger.info("event ignored", extra={"type": _type_of(event)})
    elif not _is_echo(body, event) and _matters(event):
        # `token` is a deprecated shared secret; nothing here needs it. `trace` of a job is ours.
        payload = {name: value for name, value in body.items() if name not in _UNSTORED}
        inbox.store(KIND, lane_of(event), f"slack:{body['event_id']}", payload)
    return BoltResponse(status=200, body="")


def lane_of(event: Mapping[str, Any]) -> str:
    """Returns the lane that keeps everything about one thread in order."""
    subject = event.get("message") or event.get("previous_message") or event
    thread = subject.get("thread_ts") or subject.get("ts") or event.get("ts")
    place = event.get("channel") or event.get("user") or event.get("type")
    return f"slack:{place if isinstance(place, str) else event.get('type')}:{thread}"


def thread_of(event: Mapping[str, Any]) -> Place | None:
    """Returns the thread of a message, its edit or its deletion; None for anything else."""
    subject = event.get("message") or event.get("previous_message") or event
    channel, thread = event.get("channel"), subject.get("thread_ts")
    return Place(channel, thread) if isinstance(channel, str) and isinstance(thread, str) else None


def _is_echo(body: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether it is about a message of our own app. Slack sends every post of ours as an event."""
    ours = body.get("api_app_id")
    about = (event, event.get("message") or {}, event.get("previous_message") or {})
    return bool(ours) and any(message.get("app_id") == ours for message in about)


def _matters(event: dict[str, Any]) -> bool:
    """Of the frequent changes of users, keeps only those that revoke rights."""
    if event["type"] != "user_change":
        return True
    user = event.get("user")
    lost = ("deleted", "is_restricted", "is_ultra_restricted", "is_stranger")
    return isinstance(user, dict) and any(user.get(name) for name in lost)


def _is_for_listeners(body: dict[str, Any]) -> bool:
    kind = body.get("type")
    return (isinstance(kind, str) and kind in _PASSED_ON) or isinstance(body.get("command"), str)


def _refused() -> BoltResponse:
    """Rejects a signed but malformed request with 400: a retry would not help."""
    logger.warning("request malformed")
    return BoltResponse(status=400, body="", headers={"x-slack-no-retry": "1"})


def _type_of(body: dict[str, Any]) -> str:
    return str(body.get("type"))[:80]


DEEPEST = 64
"""Depth of a payload. Slack's own stay below 20; Python's recursion fails at some hundreds."""
_LARGEST = 2**63 - 1
"""Fits into a column of either database."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

Name = Annotated[str, Field(min_length=1, max_length=255)]
"""An id."""
Parts = list[dict[str, Any]]


class _Payload(BaseModel):
    """Types are strict: Slack sends no numbers in place of texts."""

    model_config = ConfigDict(strict=True, extra="ignore")


class User(_Payload):
    """The person who clicked, ran a command or submitted a modal."""

    id: Name
    team_id: str | None = None


class Team(_Payload):
    """The workspace of the place."""

    id: str | None = None


class ChannelRef(_Payload):
    """A Slack channel."""

    id: str | None = None


class Container(_Payload):
    """The container of the clicked element."""

    message_ts: str | None = None
    thread_ts: str | None = None
    channel_id: str | None = None
    is_ephemeral: bool | None = None


class Message(_Payload):
    """The message of a click or a message shortcut."""

    ts: str | None = None
    thread_ts: str | None = None
    text: str | None = None
    blocks: Parts | None = None


class State(_Payload):
    """Values of fields, by block id and action id."""

    values: dict[str, dict[str, dict[str, Any]]] | None = None


class View(_Payload):
    """A modal or Home tab."""

    id: str | None = None
    type: str | None = None
    private_metadata: str | None = None
    previous_view_id: str | None = None
    state: State | None = None


class SentView(View):
    """A submitted modal. Bolt itself reads its type."""

    type: Name
    callback_id: Name


class Action(_Payload):
    """A pressed or chosen element."""

    action_id: Name
    type: str | None = None
    value: str | None = None


class _Interaction(_Payload):
    user: User
    team: Team | None = None
    trigger_id: str | None = None


class BlockActions(_Interaction):
    """A click."""

    actions: Annotated[list[Action], Field(min_length=1)]
    container: Container | None = None
    channel: ChannelRef | None = None
    message: Message | None = None
    view: View | None = None
    state: State | None = None
    response_url: str | None = None


class BlockSuggestion(_Interaction):
    """A request for the options of a menu."""

    action_id: Name
    value: str | None = None


class Shortcut(_Interaction):
    """A global shortcut or a message shortcut."""

    callback_id: Name
    channel: ChannelRef | None = None
    message: Message | None = None


class ViewSubmission(_Interaction):
    """A submitted modal."""

    view: SentView


class Command(_Payload):
    """A slash command."""

    command: Name
    user_id: Name
    team_id: str | None = None
    channel_id: str | None = None
    text: str | None = None
    trigger_id: str | None = None


class Said(_Payload):
    """A message before or after an edit."""

    ts: str | None = None
    thread_ts: str | None = None
    user: str | None = None
    text: str | None = None
    subtype: str | None = None
    files: Parts | None = None
    attachments: Parts | None = None
    user_team: str | None = None
    source_team: str | None = None
    team: str | None = None


class MessageEvent(Said):
    """A message, or a change of one."""

    ts: Name
    channel: Name
    message: Said | None = None
    previous_message: Said | None = None


class HomeOpened(_Payload):
    """A person opened the app."""

    user: Name
    tab: str | None = None


class MemberEvent(_Payload):
    """A person joined or left a Slack channel."""

    user: Name
    channel: Name
    inviter: str | None = None


class _Event(_Payload):
    type: Name


class EventCallback(_Payload):
    """The envelope of every event."""

    event_id: Name
    event: _Event
    api_app_id: str | None = None
    authorizations: Parts | None = None


_INTERACTIONS: dict[str, type[BaseModel]] = {
    "block_actions": BlockActions,
    "block_suggestion": BlockSuggestion,
    "message_action": Shortcut,
    "shortcut": Shortcut,
    "view_submission": ViewSubmission,
}
_EVENTS: dict[str, type[BaseModel]] = {
    "message": MessageEvent,
    "app_home_opened": HomeOpened,
    "member_joined_channel": MemberEvent,
    "member_left_channel": MemberEvent,
}


def is_storable(body: Any) -> bool:
    """False for values that no database or encoder accepts:

    lone surrogates, NUL, huge numbers, deep nesting.
    """
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        level = [part for one in level for part in _parts_of(one)]
        if not all(map(_is_plain, level)):
            return False
        if not level:
            return True
    return False


def _parts_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, list | tuple) else []


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return not _UNSTORABLE.search(value)
    if isinstance(value, int):
        return -_LARGEST <= value <= _LARGEST
    return not isinstance(value, float) or math.isfinite(value)


def is_event(body: dict[str, Any]) -> bool:
    """Whether an event holds everything that its handler uses."""
    if not _fits(EventCallback, body):
        return False
    event = body["event"]
    known = _EVENTS.get(event["type"])
    return known is None or _fits(known, event)


def is_request(body: dict[str, Any]) -> bool:
    """Whether a click, modal, shortcut or command holds everything that its listener uses."""
    kind = body.get("type")
    known = _INTERACTIONS.get(kind) if isinstance(kind, str) else None
    if known:
        return _fits(known, body)
    return _fits(Command, body) if "command" in body else True


def _fits(model: type[BaseModel], value: Any) -> bool:
    try:
        model.model_validate(value)
    except ValidationError:
        return False
    return True
