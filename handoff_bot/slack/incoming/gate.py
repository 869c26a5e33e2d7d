"""Roles, checked before any listener is called, and refusals in words. No other module does this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handoff_bot.domain.desk import Place
from handoff_bot.domain.roles import Action, Conversation, Refusal
from handoff_bot.domain.thread_syntax import NOTE, thread_command_in
from handoff_bot.services.ai_turns.subjects import Subjects
from handoff_bot.services.settings.roles import Asker
from handoff_bot.slack.feature import (
    Body,
    Click,
    Guarded,
    Listener,
    ShortcutCall,
    SlashCommand,
    Subject,
    ThreadCommandListener,
    Tools,
    guarded,
    number,
    object_in,
    sender,
    tell,
)
from handoff_bot.slack.features.admins import refused_in_modal
from handoff_bot.slack.incoming.events import RELAYED, is_by_human, is_new, is_reply
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import Block, section

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
"""Key of the id in a modal's metadata."""


@dataclass(frozen=True)
class Request:
    """What the gate needs of any request.

    Attributes:
        id: the id that it carries, None for none.
        place: the thread it came from, None for none.
    """

    asker: Asker
    id: int | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Refused:
    """The reason of a refusal, and its text; "" for apps, which are told nothing."""

    why: Refusal
    words: str


def stopped(tools: Tools, rule: Guarded[Listener], request: Request) -> Refused | None:
    """Returns why this person may not act; None lets the listener be called. Never raises."""
    about = conversation_of(tools, rule, request)
    return _refused(tools.core.roles.why_not(request.asker, rule.action, about))


def stopped_later(tools: Tools, rule: Guarded[Listener], request: Request) -> Refused | None:
    """The same check for a job.

    Raises:
        DeskError: Slack does not say who this is; the job is retried.
    """
    about = conversation_of(tools, rule, request)
    return _refused(tools.core.roles.ask(request.asker, rule.action, about))


def conversation_of(tools: Tools, rule: Guarded[Listener], request: Request) -> Conversation | None:
    """Returns the conversation of a request, None for none or an unknown one."""
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
    """The transaction that takes the step checks the assignee, and words that refusal."""
    if why is None or why is Refusal.NOT_ASSIGNEE:
        return None
    return Refused(why, "" if why is Refusal.BOT else WORDS[why])


def refusal_modal(tools: Tools, refused: Refused) -> Block:
    """Renders the refusal as a modal."""
    if refused.why is Refusal.NOT_ADMIN:
        return refused_in_modal(tools)
    return modal(TITLE, [section(refused.words or WORDS[refused.why])])


def refusal_home(refused: Refused) -> Block:
    """Renders the refusal as a Home tab."""
    return {"type": "home", "blocks": [section(refused.words)]}


# -- the requests of each kind


def of_click(body: Body, click: Click, rule: Guarded[Listener]) -> Request:
    """A click: the id is in the button, or in the modal's metadata."""
    named = number(click.value.partition(":")[0])
    if named is None:
        named = _in_metadata(click.metadata, rule.subject)
    return Request(_asker(body), named, click.place)


def of_view(body: Body, rule: Guarded[Listener]) -> Request:
    """A submitted modal."""
    metadata = str(body["view"].get("private_metadata") or "")
    return Request(_asker(body), _in_metadata(metadata, rule.subject))


def of_body(body: Body) -> Request:
    """Anything that names no conversation."""
    return Request(_asker(body))


def of_command(body: Body, asked: SlashCommand) -> Request:
    """A slash command: the number of a ticket may come first."""
    first = next(iter(asked.words.split()), "")
    teams = frozenset({str(body["team_id"])} if body.get("team_id") else ())
    return Request(Asker(asked.desk_id, teams), number(first.removeprefix("#")))


def of_shortcut(body: Body, called: ShortcutCall) -> Request:
    """A shortcut."""
    return Request(_asker(body), place=called.place)


def of_message(event: dict[str, Any], said: dict[str, Any], place: Place) -> Request:
    """A message, edit or deletion in a thread; Slack Connect adds the author's workspace."""
    named = {said.get(name) or event.get(name) for name in ("user_team", "source_team", "team")}
    teams = frozenset(str(one) for one in named if one)
    return Request(Asker(str(said.get("user") or ""), teams), place=place)


def of_event(event: dict[str, Any]) -> Request:
    """Any other event."""
    user = event.get("user")
    return Request(Asker(user if isinstance(user, str) else ""))


def _asker(body: Body) -> Asker:
    """Returns the person and their workspace; also the workspace of the place, where the payload has it."""
    teams = {body["user"].get("team_id"), (body.get("team") or {}).get("id")}
    return Asker(sender(body), frozenset(str(one) for one in teams if one))


def _in_metadata(metadata: str, subject: Subject) -> int | None:
    key = _KEYS.get(subject)
    found = (object_in(metadata) or {}).get(key) if key else None
    return number(str(found)) if isinstance(found, int | str) else None


Payload = dict[str, Any]


def _nothing() -> None:
    """A placeholder for a listener: `events` handles messages."""


WRITTEN = guarded(Action.REPLY, _nothing, Subject.THREAD)
"""Replies, notes, edits and deletions in a thread of ours."""


def admitted(
    tools: Tools, payload: Payload, commands: Mapping[str, Guarded[ThreadCommandListener]]
) -> bool:
    """True if the event may be handled. Otherwise the author is told why not.

    Raises:
        DeskError: Slack does not say who the author is; the event waits, and nothing is lost.
    """
    event = payload["event"]
    said = event.get("message") or event.get("previous_message") or event
    if event["type"] != "message" or not _counts(event, said, payload):
        return True
    place = Place(event["channel"], said["thread_ts"])
    if tools.core.subjects.thread(place) is None:
        return True
    rule = _rule(event, commands)
    refused = stopped_later(tools, rule, of_message(event, said, place))
    if refused is None:
        return True
    if refused.words:
        is_new_reply = said is event
        words = f"{refused.words} {NOT_SENT}" if is_new_reply else refused.words
        tell(tools.desk, str(said["user"]), place, words)
    return False


def _counts(event: Payload, said: Payload, payload: Payload) -> bool:
    """Whether a person wrote, edited or deleted a reply."""
    if not (is_reply(said) and is_by_human(said, payload)):
        return False
    if event.get("subtype") == "message_changed":
        return is_new(event)
    return event.get("subtype") in RELAYED | {"message_deleted"}


def _rule(event: Payload, commands: Mapping[str, Guarded[ThreadCommandListener]]) -> Guarded[Any]:
    command = thread_command_in(str(event.get("text") or ""))
    return commands.get(command[0], WRITTEN) if command and command[0] != NOTE else WRITTEN
