"""Registers all listeners with Bolt behind the check of roles, and answers requests that are unknown."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from slack_bolt import Ack, App

from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.roles import Action, Conversation, Refusal
from handoff_bot.domain.text import shorten
from handoff_bot.domain.thread_syntax import NOTE, thread_command_in
from handoff_bot.services.ai_turns.subjects import Subjects
from handoff_bot.services.settings.roles import Asker
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import (
    Body,
    Click,
    ClickListener,
    CommandListener,
    Guarded,
    Listener,
    OptionsListener,
    ShortcutCall,
    ShortcutListener,
    SlashCommand,
    Subject,
    ThreadCommandListener,
    Tools,
    ViewListener,
    ephemeral,
    guarded,
    number,
    object_in,
    sender,
    tell,
)
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.features.admins import refused_in_message, refused_in_modal
from handoff_bot.slack.features.home import settings_saved
from handoff_bot.slack.incoming.events import RELAYED, is_by_human, is_new, is_reply
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import Block, SlackMessage, has_alerts, section

logger = logging.getLogger(__name__)

# -- roles, checked before any listener is called, and refusals in words
# No other module does this.

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


# -- listeners, and requests that are unknown

COMMAND = "/handoff"

NOT_UNDERSTOOD = "/handoff {word} is not a command. Nothing was done.{near}"
NEAR = " Did you mean /handoff {near}?"
_LONGEST_WORD = 30
UNKNOWN = "This command no longer exists. Try /handoff help."
IN_THREADS = (
    "In the thread of a conversation assigned to you, your messages go to the customer. Start with "
    "note: to keep one internal."
)
FOR_ADMINS = "For admins:"

_ANYTHING = re.compile("")


def register(app: App, tools: Tools) -> None:
    """Registers everything with Bolt."""
    for action_id, click in EVERYTHING.clicks.items():
        app.action(_in_any_row(action_id))(_click(click, tools))
    for action_id, buttons in EVERYTHING.menus.items():
        app.action(action_id)(_menu(buttons, tools))
    for callback_id, view in EVERYTHING.views.items():
        app.view(callback_id)(_view(view, tools))
    for action_id, options in EVERYTHING.options.items():
        app.options(action_id)(_options(options, tools))
    for callback_id, shortcut in EVERYTHING.shortcuts.items():
        app.shortcut(callback_id)(_shortcut(shortcut.rule, tools))
    app.command(COMMAND)(_command(tools))
    _register_unknown(app, tools)


def _in_any_row(action_id: str) -> re.Pattern[str]:
    """Matches an action id also with the number of a row: ids must differ within a modal."""
    return re.compile(rf"\A{re.escape(action_id)}(?::\d{{1,6}})?\Z")


_NUMBER_OF_ROW = re.compile(r":\d{1,6}\Z")


def _register_unknown(app: App, tools: Tools) -> None:
    """Excludes the known ids: Bolt would also come here if a listener for them is slow to acknowledge."""
    app.action(_ANYTHING, matchers=[_is_unknown_click])(_click(_UNKNOWN, tools))
    app.view(_ANYTHING, matchers=[_is_unknown_view])(_acknowledged)
    app.options(_ANYTHING, matchers=[_is_unknown_menu])(_no_options)
    app.shortcut(_ANYTHING, matchers=[_is_unknown_shortcut])(_acknowledged)
    app.command(_ANYTHING, matchers=[_is_unknown_command])(_unknown_command)


def _click(rule: Guarded[ClickListener], tools: Tools) -> Callable[[Ack, Body], None]:
    def run(ack: Ack, body: Body) -> None:
        _clicked(rule, tools, body, Click.parse(body), ack)

    return run


def _menu(buttons: Collection[str], tools: Tools) -> Callable[[Ack, Body], None]:
    """Handles a choice in the menu "⋯" like a click on its button."""

    def run(ack: Ack, body: Body) -> None:
        click = Click.parse(body)
        kind, _, value = next(iter(click.chosen), "").partition(":")
        rule = EVERYTHING.clicks[kind] if kind in buttons else _UNKNOWN
        _clicked(rule, tools, body, click.carrying(value), ack)

    return run


def _clicked(
    rule: Guarded[ClickListener], tools: Tools, body: Body, click: Click, ack: Ack
) -> None:
    refused = stopped(tools, rule, of_click(body, click, rule))
    try:
        if refused:
            ack()
            _tell(tools, click, refused)
        else:
            rule.listener(tools, click, ack)
    except DeskError as error:
        logger.warning("click failed", extra={"code": error.code, "action": click.action_id})
        ephemeral(tools.desk, click, str(error))


def _tell(tools: Tools, click: Click, refused: Refused) -> None:
    """Answers below the message, in the modal, or on top of the Home tab."""
    if not refused.words:
        return
    if not click.view_id:
        ephemeral(tools.desk, click, refused.words)
    elif click.is_home:
        tools.desk.open_view(click.trigger_id, refusal_modal(tools, refused))
    else:
        tools.desk.update_view(click.view_id, refusal_modal(tools, refused))


def _view(rule: Guarded[ViewListener], tools: Tools) -> Callable[[Ack, Body], None]:
    def run(ack: Ack, body: Body) -> None:
        refused = stopped(tools, rule, of_view(body, rule))
        if refused:
            ack(response_action="update", view=refusal_modal(tools, refused))
            return
        try:
            rule.listener(tools, body, _acknowledging(ack, tools))
        except DeskError as error:
            logger.warning("window failed", extra={"code": error.code})
            ack(response_action="update", view=modal("Handoff", [section(str(error))]))
            return
        if rule.action is Action.ADMINISTER:
            _saved(tools, sender(body))

    return run


def _acknowledging(ack: Ack, tools: Tools) -> Ack:
    """Returns what acknowledges with modals that Slack accepts in this workspace."""

    def acknowledge(*args: Any, **given: Any) -> Any:
        if "view" in given and has_alerts(given["view"]):
            given["view"] = tools.desk.layouts.acknowledged(given["view"])
        return ack(*args, **given)

    return cast(Ack, acknowledge)


def _saved(tools: Tools, desk_id: str) -> None:
    """Updates the setup checklist; a failure is only logged, because the settings are saved."""
    try:
        settings_saved(tools, desk_id)
    except DeskError as error:
        logger.warning("checklist not updated", extra={"code": error.code})


def _options(rule: Guarded[OptionsListener], tools: Tools) -> Callable[[Ack, Body], None]:
    def run(ack: Ack, body: Body) -> None:
        refused = stopped(tools, rule, of_body(body))
        try:
            ack(options=[] if refused else rule.listener(tools, body))
        except DeskError as error:
            logger.warning("options failed", extra={"code": error.code})
            ack(options=[])

    return run


def _shortcut(rule: Guarded[ShortcutListener], tools: Tools) -> Callable[[Ack, Body], None]:
    def run(ack: Ack, body: Body) -> None:
        ack()
        called = _called(body)
        refused = stopped(tools, rule, of_shortcut(body, called))
        try:
            if refused is None:
                rule.listener(tools, called)
            elif refused.words:
                tools.desk.open_view(called.trigger_id, refusal_modal(tools, refused))
        except DeskError as error:
            logger.warning("shortcut failed", extra={"code": error.code})

    return run


def _called(body: Body) -> ShortcutCall:
    message = body.get("message") or {}
    channel = (body.get("channel") or {}).get("id")
    ts = str(message.get("ts") or "")
    thread = str(message.get("thread_ts") or ts)
    return ShortcutCall(
        desk_id=sender(body),
        trigger_id=str(body.get("trigger_id") or ""),
        place=Place(str(channel), thread) if channel and thread else None,
        ts=ts,
        text=str(message.get("text") or ""),
    )


def _command(tools: Tools) -> Callable[[Ack, Body], None]:
    def run(ack: Ack, body: Body) -> None:
        try:
            rendered = answer(tools, body)
        except DeskError as error:
            logger.warning("command failed", extra={"code": error.code})
            rendered = render_words(str(error))
        if rendered is None:
            ack()
        else:
            ack(text=rendered.text, blocks=rendered.blocks, response_type="ephemeral")

    return run


def answer(tools: Tools, body: Body) -> SlackMessage | None:
    """Answers `/handoff …` with an ephemeral message. None: a modal was opened."""
    word, _, rest = str(body.get("text") or "").strip().partition(" ")
    asked = SlashCommand(
        desk_id=str(body.get("user_id") or ""),
        words=rest.strip(),
        slack_channel=str(body.get("channel_id") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
    )
    rule = EVERYTHING.commands.get(word.casefold(), _HELP)
    refused = stopped(tools, rule, of_command(body, asked))
    if refused is None:
        if rule is _HELP and word.casefold() not in ("", "help"):
            return _not_understood(tools, asked, word)
        return rule.listener(tools, asked)
    return (
        refused_in_message(tools)
        if refused.why is Refusal.NOT_ADMIN
        else render_words(refused.words)
    )


def _not_understood(tools: Tools, asked: SlashCommand, word: str) -> SlackMessage:
    """Names the nearest command that this person may use."""
    is_admin = tools.may_administer(asked.desk_id)
    known = [name for name in EVERYTHING.commands if is_admin or not _is_for_admins(name)]
    close = get_close_matches(word[:_LONGEST_WORD].casefold(), [*known, "help"], n=1, cutoff=0.5)
    near = "".join(NEAR.format(near=each) for each in close)
    said = NOT_UNDERSTOOD.format(word=shorten(word, _LONGEST_WORD), near=near)
    return render_words("\n".join((said, *commands_for(is_admin))))


def _help(tools: Tools, asked: SlashCommand) -> SlackMessage:
    return render_words("\n".join(commands_for(tools.may_administer(asked.desk_id))))


def commands_for(is_admin: bool) -> Iterator[str]:
    """Yields the commands that a person may use, those of admins last."""
    by_role: dict[bool, list[str]] = {False: [], True: []}
    for line in EVERYTHING.help:
        by_role[_is_for_admins(line.split()[1].rstrip(":"))].append(line)
    yield from by_role[False]
    yield "/handoff help: this list"
    yield IN_THREADS
    if is_admin:
        yield FOR_ADMINS
        yield from by_role[True]


def _is_for_admins(name: str) -> bool:
    rule = EVERYTHING.commands.get(name)
    return rule is not None and rule.action is Action.ADMINISTER


_HELP: Guarded[CommandListener] = guarded(Action.USE, _help)


def _is_unknown_click(body: Body) -> bool:
    known = EVERYTHING.clicks.keys() | EVERYTHING.menus.keys()
    return _NUMBER_OF_ROW.sub("", str(body["actions"][0].get("action_id"))) not in known


def _is_unknown_view(body: Body) -> bool:
    return body["view"]["callback_id"] not in EVERYTHING.views


def _is_unknown_menu(body: Body) -> bool:
    return body.get("action_id") not in EVERYTHING.options


def _is_unknown_shortcut(body: Body) -> bool:
    return body.get("callback_id") not in EVERYTHING.shortcuts


def _is_unknown_command(body: Body) -> bool:
    return bool(body["command"] != COMMAND)


def _unknown(tools: Tools, click: Click, ack: Ack) -> None:
    logger.warning("unknown button", extra={"action": click.action_id[:80]})
    ack()
    ephemeral(tools.desk, click, OLD_BUTTON)


_UNKNOWN: Guarded[ClickListener] = guarded(Action.REPORT, _unknown)


def _acknowledged(ack: Ack) -> None:
    logger.warning("unknown window or shortcut")
    ack()


def _no_options(ack: Ack) -> None:
    nothing: list[dict[str, Any]] = []
    ack(options=nothing)


def _unknown_command(ack: Ack) -> None:
    logger.warning("unknown command")
    ack(text=UNKNOWN, response_type="ephemeral")
