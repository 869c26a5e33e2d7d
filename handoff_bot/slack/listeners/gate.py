"""The one place where roles are asked, before any listener is called, and where refusals get their words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handoff_bot.domain.desk import Place
from handoff_bot.domain.roles import Conversation, Refusal
from handoff_bot.services.roles import Asker
from handoff_bot.services.subjects import Subjects
from handoff_bot.slack.blocks.fields import window
from handoff_bot.slack.blocks.text import Block, section
from handoff_bot.slack.listeners.admins import refused_in_window
from handoff_bot.slack.listeners.click import Click, Tools, number, object_in, sender
from handoff_bot.slack.listeners.feature import (
    Asked,
    Body,
    Called,
    Guarded,
    Listener,
    Subject,
)

TITLE = "Not allowed"
WORDS: dict[Refusal, str] = {
    Refusal.BOT: "Apps cannot work with conversations.",
    Refusal.DEACTIVATED: "This Slack account is deactivated, so nothing was done.",
    Refusal.STRANGER: (
        "Only members of the workspace that Handoff is installed in can work with conversations. "
        "Nothing was done."
    ),
    Refusal.GUEST: (
        "Guests of this workspace cannot work with conversations here. Nothing was done. "
        "An admin can allow guests for this Slack channel: /handoff settings team."
    ),
    Refusal.OUTSIDE: (
        "Only members of the Slack channel that holds the conversation can do this. "
        "Nothing was done. Join that Slack channel, and try again."
    ),
    Refusal.NOT_ADMIN: (
        "Only admins can do this: admins of this workspace, and admins added in the settings."
    ),
    Refusal.UNKNOWN: (
        "Slack could not confirm who you are, so nothing was done. Please try again in a moment."
    ),
}
NOT_SENT = "Nothing was sent to the customer."

_KEYS = {
    Subject.ESCALATION: "escalation_id",
    Subject.MESSAGE: "message_id",
    Subject.TICKET: "number",
}
"""What a window's metadata calls the id."""


@dataclass(frozen=True)
class Request:
    """What the gate needs of a request of any kind.

    Attributes:
        id: the id that it carries, None for none.
        place: the thread it came from, None for none.
    """

    asker: Asker
    id: int | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Refused:
    """Why a person may not, and how they are told; "" for apps, which are told nothing."""

    why: Refusal
    words: str


def stopped(tools: Tools, rule: Guarded[Listener], request: Request) -> Refused | None:
    """Why this person may not do this; None lets the listener be called. Never raises."""
    about = conversation_of(tools, rule, request)
    return _refused(tools.core.roles.why_not(request.asker, rule.action, about))


def stopped_later(tools: Tools, rule: Guarded[Listener], request: Request) -> Refused | None:
    """The same for what runs as a job.

    Raises:
        DeskError: Slack does not say who this is; the job is tried again.
    """
    about = conversation_of(tools, rule, request)
    return _refused(tools.core.roles.ask(request.asker, rule.action, about))


def conversation_of(tools: Tools, rule: Guarded[Listener], request: Request) -> Conversation | None:
    """The conversation that a request is about, None for none or one that is not known."""
    subjects = tools.core.subjects
    if rule.subject is Subject.THREAD:
        return subjects.thread(request.place) if request.place else None
    if rule.subject is Subject.NONE or request.id is None:
        return None
    return _by_id(subjects, rule.subject)(request.id)


def _by_id(subjects: Subjects, subject: Subject) -> Callable[[int], Conversation | None]:
    return {
        Subject.ESCALATION: subjects.escalation,
        Subject.NOTE: subjects.note,
        Subject.MESSAGE: subjects.message,
        Subject.TICKET: subjects.ticket,
    }[subject]


def _refused(why: Refusal | None) -> Refused | None:
    """Whose conversation it is, is settled in the transaction that takes the step, and told there."""
    if why is None or why is Refusal.NOT_ASSIGNEE:
        return None
    return Refused(why, "" if why is Refusal.BOT else WORDS[why])


def refusal_window(tools: Tools, refused: Refused) -> Block:
    """What a person sees in a window who may not."""
    if refused.why is Refusal.NOT_ADMIN:
        return refused_in_window(tools)
    return window(TITLE, [section(refused.words or WORDS[refused.why])])


def refusal_home(refused: Refused) -> Block:
    """What a person sees in the Home tab who may not see it."""
    return {"type": "home", "blocks": [section(refused.words)]}


# -- the requests of each kind


def of_click(body: Body, click: Click, rule: Guarded[Listener]) -> Request:
    """A click: the id is in the button, or in the window's metadata."""
    named = number(click.value.partition(":")[0])
    if named is None:
        named = _in_metadata(click.metadata, rule.subject)
    return Request(_asker(body), named, click.place)


def of_view(body: Body, rule: Guarded[Listener]) -> Request:
    """A window that is sent."""
    metadata = str(body["view"].get("private_metadata") or "")
    return Request(_asker(body), _in_metadata(metadata, rule.subject))


def of_body(body: Body) -> Request:
    """Anything that names no conversation."""
    return Request(_asker(body))


def of_command(body: Body, asked: Asked) -> Request:
    """A slash command: the number of a ticket may stand first."""
    first = next(iter(asked.words.split()), "")
    teams = frozenset({str(body["team_id"])} if body.get("team_id") else ())
    return Request(Asker(asked.desk_id, teams), number(first.removeprefix("#")))


def of_shortcut(body: Body, called: Called) -> Request:
    """A shortcut."""
    return Request(_asker(body), place=called.place)


def of_message(event: dict[str, Any], said: dict[str, Any], place: Place) -> Request:
    """What a person wrote, changed or deleted in a thread; Slack Connect names their workspace."""
    named = {said.get(name) or event.get(name) for name in ("user_team", "source_team", "team")}
    teams = frozenset(str(one) for one in named if one)
    return Request(Asker(str(said.get("user") or ""), teams), place=place)


def of_event(event: dict[str, Any]) -> Request:
    """Any other event."""
    user = event.get("user")
    return Request(Asker(user if isinstance(user, str) else ""))


def _asker(body: Body) -> Asker:
    """The person and their workspace; that of the place counts too, where the payload names it."""
    teams = {body["user"].get("team_id"), (body.get("team") or {}).get("id")}
    return Asker(sender(body), frozenset(str(one) for one in teams if one))


def _in_metadata(metadata: str, subject: Subject) -> int | None:
    key = _KEYS.get(subject)
    found = (object_in(metadata) or {}).get(key) if key else None
    return number(str(found)) if isinstance(found, int | str) else None
