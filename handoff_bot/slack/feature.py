"""A feature: everything that it listens to, as one value, and the clicks that it is given."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from slack_bolt import Ack

from handoff_bot.domain.desk import AgentRef, EphemeralMessage, Place
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.roles import Action, Refusal
from handoff_bot.domain.thread_syntax import parse_time
from handoff_bot.services.container import Services
from handoff_bot.services.settings.roles import Asker
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.desk import SlackDesk
from handoff_bot.slack.kit.fields import chosen, filled_in, modal
from handoff_bot.slack.kit.form import About, Form, Invalid, Stale, Submission
from handoff_bot.slack.kit.text import Block, SlackMessage, actions, section

logger = logging.getLogger(__name__)

# -- clicks, and answers to the person who clicked

_LONGEST_NUMBER = 12
"""Digits of an id: far below 64 bits, also multiplied by the rows of a page."""

_CANNOT = "Choose a person who can reply to customers: {why}."
NOT_TO: dict[Refusal, str] = {
    Refusal.BOT: _CANNOT.format(why="this is an app"),
    Refusal.DEACTIVATED: _CANNOT.format(why="this user has left"),
    Refusal.STRANGER: _CANNOT.format(why="this user is not a member of this workspace"),
    Refusal.GUEST: _CANNOT.format(why="this user is a guest"),
    Refusal.OUTSIDE: _CANNOT.format(why="this user is not in the conversation's Slack channel"),
}
"""Why a conversation cannot be assigned to a person. While Slack is unavailable, it can."""


@dataclass(frozen=True)
class Tools:
    """What listeners work with.

    Attributes:
        desk: Slack, for modals and answers.
        core: all services.
    """

    desk: SlackDesk
    core: Services

    def may_administer(self, desk_id: str) -> bool:
        """True for admins; only for rendering. `gate` checks actions before they run."""
        return self.core.roles.may_administer(desk_id)

    def agent(self, desk_id: str) -> AgentRef:
        """Returns the acting person, with their role as an admin."""
        found = self.desk.agent(desk_id)
        return AgentRef(found.desk_id, found.name, is_admin=self.may_administer(desk_id))

    def why_not_to(self, desk_id: str, escalation_id: int) -> str:
        """Returns why a conversation cannot be assigned to this person, "" if it can."""
        about = self.core.subjects.escalation(escalation_id)
        why = self.core.roles.why_not(Asker(desk_id), Action.REPLY, about)
        return NOT_TO.get(why, "") if why else ""

    def moment_meant(self, words: str, desk_id: str) -> datetime | None:
        """Parses a time such as "2h" or "14:30" in the person's time zone; None if it is not valid."""
        return parse_time(words, self.core.clock.now(), self.desk.person(desk_id).timezone)


@dataclass(frozen=True)
class Click:
    """A click on a button or a choice in a menu.

    Attributes:
        action_id: of the button.
        value: of the button.
        desk_id: the person who clicked.
        place: the thread of the message; None in modals.
        in_thread: True if the message is a reply.
        is_ephemeral: True if the message is ephemeral; it is never updated.
        response_url: the address for an answer, "" in modals.
        trigger_id: opens a modal, within three seconds.
        view_id: the modal, "".
        blocks: the message's blocks; empty in modals and ephemeral messages.
        chosen: ids and values chosen in a menu; empty for buttons.
        state: values of the fields of the modal or message, by block_id and action_id.
        metadata: the modal's private_metadata, "".
        is_home: True in the Home tab.
        previous_view_id: the modal below this one, "".
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
        """Parses a `block_actions` payload, which may lack any field."""
        action = body["actions"][0]
        container = body.get("container") or {}
        message = body.get("message") or {}
        thread = container.get("thread_ts") or message.get("thread_ts")
        channel = container.get("channel_id") or (body.get("channel") or {}).get("id")
        own = container.get("message_ts") or message.get("ts")
        return cls(
            action_id=str(action.get("action_id", "")),
            value=str(action.get("value", "")),
            desk_id=sender(body),
            place=Place(str(channel), str(thread or own)) if channel and (thread or own) else None,
            # A message with replies carries its own ts as its thread's.
            in_thread=bool(thread) and thread != own,
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
        """Returns the click as if the button had this value."""
        return replace(self, value=value)

    @property
    def number(self) -> int | None:
        """Returns the id in the button's value, None if there is none."""
        return number(self.value)


def sender(body: Mapping[str, Any]) -> str:
    """Returns the person who clicked, ran a command or submitted a modal."""
    return str(body["user"].get("id", ""))


def object_in(metadata: str) -> dict[str, Any] | None:
    """Parses the JSON object in a modal's metadata; None for anything else."""
    try:
        held = json.loads(metadata)
    except (RecursionError, ValueError):
        return None
    return held if isinstance(held, dict) else None


def number(text: str) -> int | None:
    """Parses an id from outside; None for anything that cannot be an id."""
    is_id = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_id else None


def ephemeral(desk: SlackDesk, click: Click, text: str, buttons: Sequence[Block] = ()) -> None:
    """Sends the person who clicked an ephemeral message. A failure is only logged."""
    try:
        if click.response_url:
            thread = click.place.ts if click.place and click.in_thread else ""
            said = render_words(text)
            below = [actions(*buttons)] if buttons else []
            said = replace(said, blocks=[*said.blocks, *below])
            desk.answer(click.response_url, said, replace=False, thread_ts=thread)
            return
    except DeskError as error:
        logger.warning("whisper lost", extra={"code": error.code, "action": click.action_id[:80]})
        return
    if click.place:
        tell(desk, click.desk_id, click.place, text)


def tell(desk: SlackDesk, desk_id: str, thread: Place, text: str) -> None:
    """Sends a person an ephemeral message in a thread. A failure is only logged."""
    try:
        desk.ephemeral(EphemeralMessage(desk_id, thread, text))
    except DeskError as error:
        logger.warning("whisper lost", extra={"code": error.code})


def replace_message(desk: SlackDesk, click: Click, rendered: SlackMessage) -> None:
    """Replaces the message of the click. A failure is only logged."""
    try:
        if click.response_url:
            desk.answer(click.response_url, rendered, replace=True)
    except DeskError as error:
        logger.warning("button left", extra={"code": error.code, "action": click.action_id[:80]})


# -- features

OLD_MODAL = "This is from an older version. Close it and start again."

Body = dict[str, Any]
"""A payload as Slack sent it; the fields that listeners use are validated on arrival."""


@dataclass(frozen=True)
class SlashCommand:
    """`/handoff WORD REST`.

    Attributes:
        desk_id: the person who ran it.
        words: the rest, stripped; mentions as Slack escapes them (`<@U…|name>`).
        slack_channel: where it was run.
        trigger_id: opens a modal, within three seconds.
    """

    desk_id: str
    words: str
    slack_channel: str
    trigger_id: str


@dataclass(frozen=True)
class ThreadCommand:
    """A thread command: `!WORD REST` in a thread of ours.

    Attributes:
        place: the thread.
        ts: the message itself.
        escalation_id: the thread's escalation.
        words: the rest, stripped; mentions as `<@U…>` and `<!subteam^S…>`.
    """

    place: Place
    ts: str
    author: AgentRef
    escalation_id: int
    words: str


@dataclass(frozen=True)
class ShortcutCall:
    """A message shortcut or a global shortcut.

    Attributes:
        place: the thread of the message; None for a global shortcut.
        ts: the message, "".
        text: the text of the message, "".
    """

    desk_id: str
    trigger_id: str
    place: Place | None = None
    ts: str = ""
    text: str = ""


ClickListener = Callable[[Tools, Click, Ack], None]
ViewListener = Callable[[Tools, Body, Ack], None]
OptionsListener = Callable[[Tools, Body], list[Block]]
CommandListener = Callable[[Tools, SlashCommand], SlackMessage | None]
ShortcutListener = Callable[[Tools, ShortcutCall], None]
EventListener = Callable[[Tools, Body], None]
ThreadCommandListener = Callable[[Tools, ThreadCommand], ActionResult]


class Subject(StrEnum):
    """How a request names its conversation."""

    NONE = "none"
    """None: it is not about a conversation."""
    ESCALATION = "escalation"
    """By the escalation's id: in a button's value, a modal's metadata, or of the thread."""
    NOTE = "note"
    MESSAGE = "message"
    TICKET = "ticket"
    THREAD = "thread"
    """By the thread in which it was clicked, run or written."""


Listener = TypeVar("Listener")


@dataclass(frozen=True)
class Guarded(Generic[Listener]):
    """A listener with its action and conversation: roles are checked before it is called."""

    action: Action
    subject: Subject
    listener: Listener


def guarded(
    action: Action, listener: Listener, subject: Subject = Subject.NONE
) -> Guarded[Listener]:
    """Returns a listener with its rule."""
    return Guarded(action, subject, listener)


def submits(
    form: Form[About], save: Callable[[Tools, Submission[About], Ack], None]
) -> ViewListener:
    """Returns the listener of a submitted form.

    `save` acknowledges, or raises Invalid, whose messages are shown next to their fields.
    """

    def listener(tools: Tools, body: Body, ack: Ack) -> None:
        try:
            save(tools, form.submitted(body), ack)
        except Stale:
            ack(response_action="update", view=modal(form.stale_title, [section(OLD_MODAL)]))
        except Invalid as invalid:
            ack(response_action="errors", errors=invalid.errors)

    return listener


@dataclass(frozen=True)
class Shortcut:
    """A shortcut as in the manifest: a name of at most 24 characters, and a description."""

    name: str
    description: str
    on_message: bool
    rule: Guarded[ShortcutListener]


@dataclass(frozen=True)
class Feature:
    """Everything that one part of the desk listens to.

    Attributes:
        clicks: action id -> listener; it acknowledges.
        menus: action id of a menu -> the action ids of the buttons that it stands for; a choice in it is
            a click on that button.
        views: callback id -> listener for the submitted modal; it acknowledges.
        options: action id -> the options that match the text typed into an external select.
        commands: second word of /handoff -> listener; None after it has opened a modal.
        shortcuts: callback id -> shortcut.
        events: event type -> handler, as a job and in order; safe to repeat.
        verbs: thread command, without "!" -> listener; its result is sent as an ephemeral message.
        help: lines for /handoff help.
    """

    clicks: Mapping[str, Guarded[ClickListener]] = field(default_factory=dict)
    menus: Mapping[str, frozenset[str]] = field(default_factory=dict)
    views: Mapping[str, Guarded[ViewListener]] = field(default_factory=dict)
    options: Mapping[str, Guarded[OptionsListener]] = field(default_factory=dict)
    commands: Mapping[str, Guarded[CommandListener]] = field(default_factory=dict)
    shortcuts: Mapping[str, Shortcut] = field(default_factory=dict)
    events: Mapping[str, Guarded[EventListener]] = field(default_factory=dict)
    thread_commands: Mapping[str, Guarded[ThreadCommandListener]] = field(default_factory=dict)
    help: tuple[str, ...] = ()


def combined(features: tuple[Feature, ...]) -> Feature:
    """Combines features into one.

    Raises:
        ValueError: two features listen to the same thing.
    """
    parts = {
        name: _merged(name, [getattr(each, name) for each in features])
        for name in (
            "clicks",
            "menus",
            "views",
            "options",
            "commands",
            "shortcuts",
            "events",
            "thread_commands",
        )
    }
    return Feature(**parts, help=tuple(line for each in features for line in each.help))


def _merged(name: str, tables: list[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for table in tables:
        twice = merged.keys() & table.keys()
        if twice:
            raise ValueError(f"{name} listened to twice: {sorted(twice)}")
        merged |= table
    return merged
