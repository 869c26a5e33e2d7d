"""Buttons: what each click asks of the core, and what the one who clicked is told.

A click that changes something is acknowledged after the change has been committed, so that Slack says
"something went wrong" when it has. Windows are opened first, for that must happen within three seconds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from handoff_bot.domain.desk import STEPS, AgentRef, Button
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Step
from handoff_bot.services.outcome import Outcome
from handoff_bot.slack.actions import DeskActions
from handoff_bot.slack.blocks import modals
from handoff_bot.slack.blocks.text import Block
from handoff_bot.slack.blocks.thread import settled
from handoff_bot.slack.listeners.click import Click, Tools, number, replace, whisper

logger = logging.getLogger(__name__)

Decision = Callable[[DeskActions, int, AgentRef], Outcome]
Listener = Callable[[Tools, Click, Ack], None]

OLD_BUTTON = "This button is from an older version. The card shows what can be done now."
NOT_KNOWN = "This conversation is not known any more."
DONE = "Done."


def _step(step: Step) -> Decision:
    return lambda actions, escalation_id, agent: actions.take(step, escalation_id, agent)


def _on_card(decide: Decision) -> Listener:
    """A button on a card, which is redrawn when something has changed."""

    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        outcome = _decided(decide, tools, click)
        ack()
        text = outcome.text or (DONE if click.is_ephemeral else "")
        if text:
            whisper(tools.desk, click, text)

    return listener


def _once(decide: Decision) -> Listener:
    """A button that has done its work after one successful click."""

    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        outcome = _decided(decide, tools, click)
        ack()
        if outcome.done:
            replace(tools.desk, click, settled(click.blocks, outcome.text or DONE))
        else:
            whisper(tools.desk, click, outcome.text)

    return listener


def _decided(decide: Decision, tools: Tools, click: Click) -> Outcome:
    subject = click.number
    if subject is None:
        return Outcome(False, OLD_BUTTON)
    return decide(tools.actions, subject, tools.desk.agent(click.desk_id))


def assign(tools: Tools, click: Click, ack: Ack) -> None:
    """Ask who gets it."""
    ack()
    if click.number is None or click.place is None:
        whisper(tools.desk, click, OLD_BUTTON)
        return
    tools.desk.open_view(click.trigger_id, modals.assign(click.number, click.place))


def view(tools: Tools, click: Click, ack: Ack) -> None:
    """Show the conversation, from its end."""
    ack()
    view_id = tools.desk.open_view(click.trigger_id, modals.loading())
    tools.desk.update_view(view_id, _window(tools.actions, click.number, None))


def turn(tools: Tools, click: Click, ack: Ack) -> None:
    """Show another page."""
    ack()
    escalation, _, page = click.value.partition(":")
    window = _window(tools.actions, number(escalation), number(page))
    tools.desk.update_view(click.view_id, window)


def _window(actions: DeskActions, escalation_id: int | None, page: int | None) -> Block:
    """A page of a conversation, the last one when `page` is None."""
    found = None if escalation_id is None else actions.transcript(escalation_id, page or 0)
    if escalation_id is None or found is None:
        return modals.gone(NOT_KNOWN)
    if page is None and found.pages > 1:
        found = actions.transcript(escalation_id, found.pages - 1) or found
    return modals.conversation(found, escalation_id)


ACTIONS: dict[str, Listener] = {
    **{button.value: _on_card(_step(step)) for button, step in STEPS.items()},
    Button.ASSIGN: assign,
    Button.VIEW: view,
    Button.TAKE_OVER_AND_SEND: _once(lambda actions, note, agent: actions.send_held(note, agent)),
    Button.KEEP_AS_NOTE: _once(lambda actions, note, agent: actions.keep_as_note(note, agent)),
    Button.RETRY: _once(lambda actions, message, agent: actions.retry(message, agent)),
    Button.SEND_CORRECTION: _once(
        lambda actions, note, agent: actions.send_correction(note, agent)
    ),
    Button.SOONER: _once(lambda actions, escalation, agent: actions.came_late(escalation, agent)),
    modals.Turn.PREVIOUS: turn,
    modals.Turn.NEXT: turn,
}
"""Action id -> what a click on it does."""


def register(app: App, tools: Tools) -> None:
    """Tell Bolt about every button, and about those we do not know any more."""
    for action_id, listener in ACTIONS.items():
        app.action(str(action_id))(_bound(listener, tools))
    app.action(re.compile(""), matchers=[_is_unknown])(_bound(_unknown, tools))


def _bound(listener: Listener, tools: Tools) -> Callable[[Ack, dict[str, Any]], None]:
    def run(ack: Ack, body: dict[str, Any]) -> None:
        click = Click.parse(body)
        try:
            listener(tools, click, ack)
        except DeskError as error:
            logger.warning("click failed", extra={"code": error.code, "action": click.action_id})
            whisper(tools.desk, click, str(error))

    return run


def _is_unknown(body: dict[str, Any]) -> bool:
    """Not for known buttons: Bolt would come here too when one of theirs is slow to acknowledge."""
    return body["actions"][0].get("action_id") not in ACTIONS


def _unknown(tools: Tools, click: Click, ack: Ack) -> None:
    logger.warning("unknown button", extra={"action": click.action_id[:80]})
    ack()
    whisper(tools.desk, click, OLD_BUTTON)
