"""Registers all listeners with Bolt behind the check of roles, and answers requests that are unknown."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from typing import Any, cast

from slack_bolt import Ack, App

from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.roles import Action, Refusal
from handoff_bot.domain.text import shorten
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import (
    Body,
    Click,
    ClickListener,
    CommandListener,
    Guarded,
    OptionsListener,
    ShortcutCall,
    ShortcutListener,
    SlashCommand,
    Tools,
    ViewListener,
    ephemeral,
    guarded,
    sender,
)
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.features.admins import refused_in_message
from handoff_bot.slack.features.home import settings_saved
from handoff_bot.slack.incoming.gate import (
    Refused,
    of_body,
    of_click,
    of_command,
    of_shortcut,
    of_view,
    refusal_modal,
    stopped,
)
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import SlackMessage, has_alerts, section

logger = logging.getLogger(__name__)

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
