"""Slack's payloads, as far as listeners use them: validated on arrival, trusted afterwards.

A signed request that is not valid is answered 400: a retry would not help.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

DEEPEST = 64
"""Depth of a payload. Slack's own stay below 20; Python's recursion fails at some hundreds."""
_LARGEST = 2**63 - 1
"""Fits into a column of either database."""

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


class Place(_Payload):
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
    channel: Place | None = None
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
    channel: Place | None = None
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
        return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
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
