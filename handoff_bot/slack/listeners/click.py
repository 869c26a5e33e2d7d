"""A click on a button, parsed; and how its answer reaches the one who clicked."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from handoff_bot.domain.desk import AgentRef, Place, Whisper
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.roles import Action, Refusal
from handoff_bot.domain.until import until
from handoff_bot.services.core import Core
from handoff_bot.services.roles import Asker
from handoff_bot.slack.actions import DeskActions
from handoff_bot.slack.blocks.text import Block, Drawing
from handoff_bot.slack.blocks.thread import draw_words
from handoff_bot.slack.desk import SlackDesk

logger = logging.getLogger(__name__)

_LONGEST_NUMBER = 12
"""Digits: far inside of 64 bits, also times the rows of a page."""

Word = TypeVar("Word", bound=Enum)

_CANNOT = "Choose a person who can reply to customers: {why}."
NOT_TO: dict[Refusal, str] = {
    Refusal.BOT: _CANNOT.format(why="this is an app"),
    Refusal.DEACTIVATED: _CANNOT.format(why="this user has left"),
    Refusal.STRANGER: _CANNOT.format(why="this user is not a member of this workspace"),
    Refusal.GUEST: _CANNOT.format(why="this user is a guest"),
    Refusal.OUTSIDE: _CANNOT.format(why="this user is not in the conversation's Slack channel"),
}
"""Why a conversation cannot be given to somebody. While Slack does not say, it can."""


@dataclass(frozen=True)
class Tools:
    """What listeners work with.

    Attributes:
        actions: what the buttons of cards and threads do.
        desk: Slack, for windows and answers.
        core: all services.
    """

    actions: DeskActions
    desk: SlackDesk
    core: Core

    def may_administer(self, desk_id: str) -> bool:
        """True for admins; for what is drawn. What is done is asked about before, see `gate`."""
        return self.core.roles.may_administer(desk_id)

    def agent(self, desk_id: str) -> AgentRef:
        """The person who acts, with what admins may do besides."""
        found = self.desk.agent(desk_id)
        return AgentRef(found.desk_id, found.name, is_admin=self.may_administer(desk_id))

    def why_not_to(self, desk_id: str, escalation_id: int) -> str:
        """Why this person cannot be given a conversation, "" when they can."""
        about = self.core.subjects.escalation(escalation_id)
        why = self.core.roles.why_not(Asker(desk_id), Action.REPLY, about)
        return NOT_TO.get(why, "") if why else ""

    def moment_meant(self, words: str, desk_id: str) -> datetime | None:
        """The moment that somebody names ("2h", "14:30" where they are); None when it is not understood."""
        return until(words, self.core.clock.now(), self.desk.person(desk_id).timezone)


@dataclass(frozen=True)
class Click:
    """Somebody pressed a button.

    Attributes:
        action_id: which button.
        value: what the button carries.
        desk_id: who clicked.
        place: the thread that the message is in or begins; None in windows.
        in_thread: True when the message is a reply.
        is_ephemeral: True when only they see the message, which nobody redraws.
        response_url: where an answer can be sent, "" in windows.
        trigger_id: lets us open a window within three seconds.
        view_id: the window it was in, "".
        blocks: what the message shows; empty in windows and whispers.
        chosen: what was chosen in a menu, as ids and values; empty for buttons.
        state: what the fields of the window or message hold, by block_id and action_id.
        metadata: the window's private_metadata, "".
        is_home: True in the Home tab.
        previous_view_id: the window below the one it was in, "".
    """

    action_id: str
    value: str
    desk_id: str
    place: Place | None
    in_thread: bool
    is_ephemeral: bool
    response_url: str
    trigger_id: str
    view_id: str
    blocks: tuple[Block, ...]
    chosen: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    metadata: str = ""
    is_home: bool = False
    previous_view_id: str = ""

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Click:
        """The click in a `block_actions` payload, whatever it lacks."""
        action = body["actions"][0]
        container = body.get("container") or {}
        message = body.get("message") or {}
        thread = container.get("thread_ts") or message.get("thread_ts")
        channel = container.get("channel_id") or (body.get("channel") or {}).get("id")
        ts = thread or container.get("message_ts") or message.get("ts")
        return cls(
            action_id=str(action.get("action_id", "")),
            value=str(action.get("value", "")),
            desk_id=sender(body),
            place=Place(str(channel), str(ts)) if channel and ts else None,
            in_thread=bool(thread),
            is_ephemeral=bool(container.get("is_ephemeral")),
            response_url=str(body.get("response_url") or ""),
            trigger_id=str(body.get("trigger_id") or ""),
            view_id=str((body.get("view") or {}).get("id") or ""),
            blocks=tuple(message.get("blocks") or ()),
            chosen=tuple(chosen(action)),
            state=filled_in(body),
            is_home=(body.get("view") or {}).get("type") == "home",
            metadata=str((body.get("view") or {}).get("private_metadata") or ""),
            previous_view_id=str((body.get("view") or {}).get("previous_view_id") or ""),
        )

    def carrying(self, value: str) -> Click:
        """The same click, as if the button had carried this."""
        return replace_fields(self, value=value)

    @property
    def number(self) -> int | None:
        """The id that the button carries, None when it carries none."""
        return number(self.value)


def chosen(element: Mapping[str, Any]) -> Iterator[str]:
    """What was chosen or typed in an element of any kind, as Slack reports it: ids, values, words."""
    for name, held in element.items():
        if name == "value" and element.get("type") != "button":
            many = [held]
        elif name.startswith("selected_"):
            many = held if isinstance(held, list) else [held]
        else:
            continue
        values = (one.get("value") if isinstance(one, dict) else one for one in many)
        yield from (str(one) for one in values if isinstance(one, str | int | float))


def held(state: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """What the field with this action id (and block id) holds."""
    for fields in state.values():
        if name in fields:
            return tuple(chosen(fields[name]))
    return ()


def one(state: Mapping[str, Any], name: str) -> str:
    """The one thing that a field holds, stripped; "" when it is empty."""
    return next(iter(held(state, name)), "").strip()


def filled_in(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the fields of a window (or of a message) hold, by block_id and action_id."""
    return ((body.get("view") or body).get("state") or {}).get("values") or {}


def sender(body: Mapping[str, Any]) -> str:
    """Whose request it is: who clicked, called or sent a window."""
    return str(body["user"].get("id", ""))


def word_of(kind: type[Word], value: str | None) -> Word | None:
    """The word of ours that was chosen; None for any, and for what is none."""
    return next((each for each in kind if each.value == value), None)


def object_in(metadata: str) -> dict[str, Any] | None:
    """The JSON object that a window carries; None for anything else."""
    try:
        held = json.loads(metadata)
    except (RecursionError, ValueError):
        return None
    return held if isinstance(held, dict) else None


def number(text: str) -> int | None:
    """An id from outside; None for anything that cannot be one."""
    is_id = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_id else None


def whisper(desk: SlackDesk, click: Click, text: str) -> None:
    """Tell the one who clicked, below what they clicked on. A failure is only logged."""
    try:
        if click.response_url:
            thread = click.place.ts if click.place and click.in_thread else ""
            desk.answer(click.response_url, draw_words(text), replace=False, thread_ts=thread)
            return
    except DeskError as error:
        logger.warning("whisper lost", extra={"code": error.code, "action": click.action_id[:80]})
        return
    if click.place:
        tell(desk, click.desk_id, click.place, text)


def tell(desk: SlackDesk, desk_id: str, thread: Place, text: str) -> None:
    """Tell somebody something in a thread. A failure is only logged."""
    try:
        desk.whisper(Whisper(desk_id, thread, text))
    except DeskError as error:
        logger.warning("whisper lost", extra={"code": error.code})


def replace(desk: SlackDesk, click: Click, drawing: Drawing) -> None:
    """Put this in the place of what was clicked on. A failure is only logged."""
    try:
        if click.response_url:
            desk.answer(click.response_url, drawing, replace=True)
    except DeskError as error:
        logger.warning("button left", extra={"code": error.code, "action": click.action_id[:80]})
