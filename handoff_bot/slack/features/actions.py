"""Buttons of cards and threads: the action of each click, and the answer to the agent.

A click that changes something is acknowledged after the commit, so that Slack reports a failure. Modals
are opened first, because a trigger id expires after three seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from slack_bolt import Ack

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef, Button
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.roles import Action
from handoff_bot.services.container import Services
from handoff_bot.slack.cards.thread import settled
from handoff_bot.slack.click import Click, Tools, ephemeral, number, replace
from handoff_bot.slack.feature import ClickListener, Feature, Subject, guarded
from handoff_bot.slack.features import actions_blocks
from handoff_bot.slack.kit.text import Block

Decision = Callable[[Services, int, AgentRef], ActionResult]

OLD_BUTTON = "This button is from an older version. Use the buttons on the card."
NOT_KNOWN = "This conversation no longer exists."
DONE = "Done."


def step(taken: Step) -> Decision:
    """Takes this step with the escalation whose id the button carries."""
    return lambda core, escalation_id, agent: core.escalations.take(taken, escalation_id, agent)


def on_card(decide: Decision) -> ClickListener:
    """A button on a card, which is updated after a change."""

    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        outcome = _decided(decide, tools, click)
        ack()
        text = outcome.text or (DONE if click.is_ephemeral else "")
        if text:
            ephemeral(tools.desk, click, text)

    return listener


def _once(decide: Decision, *, slow: bool = False) -> ClickListener:
    """A button that is removed after one successful click.

    `slow` where a model may be asked first: then Slack is acknowledged at once, and the agent can click again
    if it fails.
    """

    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        early = slow and tools.core.interpreter.is_at_work()
        if early:
            ack()
        outcome = _decided(decide, tools, click)
        if not early:
            ack()
        if outcome.done:
            replace(tools.desk, click, settled(click.blocks, outcome.text or DONE))
        else:
            ephemeral(tools.desk, click, outcome.text)

    return listener


def _decided(decide: Decision, tools: Tools, click: Click) -> ActionResult:
    subject = click.number
    if subject is None:
        return ActionResult(False, OLD_BUTTON)
    return decide(tools.core, subject, tools.agent(click.desk_id))


def view(tools: Tools, click: Click, ack: Ack) -> None:
    """Shows the last page of a conversation."""
    ack()
    view_id = tools.desk.open_view(click.trigger_id, actions_blocks.loading())
    tools.desk.update_view(view_id, _modal(tools, click, click.number, None))


def turn(tools: Tools, click: Click, ack: Ack) -> None:
    """Shows another page."""
    ack()
    escalation, _, page = click.value.partition(":")
    modal = _modal(tools, click, number(escalation), number(page))
    tools.desk.update_view(click.view_id, modal)


def _modal(tools: Tools, click: Click, escalation_id: int | None, page: int | None) -> Block:
    """Renders a page of a conversation, the last one if `page` is None."""
    core = tools.core
    found = None if escalation_id is None else core.escalations.transcript(escalation_id, page or 0)
    if escalation_id is None or found is None:
        return actions_blocks.gone(NOT_KNOWN)
    if page is None and found.pages > 1:
        found = core.escalations.transcript(escalation_id, found.pages - 1) or found
    reach = core.roles.reach(click.desk_id)
    earlier = core.tickets.earlier(found.card.ticket, reach) if found.card else ()
    return actions_blocks.conversation(found, escalation_id, earlier, tools.desk.workspace())


SEND_KEPT = _once(lambda core, note, agent: core.decisions.send_correction(note, agent), slow=True)
"""Sends a held reply of an agent's own conversation."""

ACTIONS: dict[str, ClickListener] = {
    Button.CLAIM: on_card(step(Step.CLAIM)),
    Button.VIEW: view,
    Button.TAKE_OVER_AND_SEND: _once(
        lambda core, note, agent: core.decisions.send_held(note, agent), slow=True
    ),
    Button.SEND_HELD: SEND_KEPT,
    Button.KEEP_AS_NOTE: _once(lambda core, note, agent: core.decisions.keep_as_note(note, agent)),
    Button.RETRY: _once(lambda core, message, agent: core.decisions.retry(message, agent)),
    Button.SEND_CORRECTION: SEND_KEPT,
    Button.TRANSLATE_AGAIN: _once(
        lambda core, note, agent: core.decisions.translate_again(note, agent), slow=True
    ),
    Button.SEND_AS_WRITTEN: _once(
        lambda core, note, agent: core.decisions.send_as_written(note, agent)
    ),
    Button.SOONER: _once(
        lambda core, escalation, agent: core.feedback.came_late(escalation, agent)
    ),
    actions_blocks.Turn.PREVIOUS: turn,
    actions_blocks.Turn.NEXT: turn,
}
"""Action id -> listener."""


_RULES: dict[str, tuple[Action, Subject]] = {
    Button.CLAIM: (Action.CLAIM, Subject.ESCALATION),
    Button.VIEW: (Action.SEE, Subject.ESCALATION),
    Button.TAKE_OVER_AND_SEND: (Action.REPLY, Subject.NOTE),
    Button.SEND_HELD: (Action.REPLY, Subject.NOTE),
    Button.KEEP_AS_NOTE: (Action.NOTE, Subject.NOTE),
    Button.RETRY: (Action.REPLY, Subject.MESSAGE),
    Button.SEND_CORRECTION: (Action.REPLY, Subject.NOTE),
    Button.TRANSLATE_AGAIN: (Action.REPLY, Subject.NOTE),
    Button.SEND_AS_WRITTEN: (Action.REPLY, Subject.NOTE),
    Button.SOONER: (Action.NOTE, Subject.ESCALATION),
    actions_blocks.Turn.PREVIOUS: (Action.SEE, Subject.ESCALATION),
    actions_blocks.Turn.NEXT: (Action.SEE, Subject.ESCALATION),
}
"""Action id -> the action, and how the request names its conversation."""

FEATURE = Feature(
    clicks={
        str(action_id): guarded(_RULES[action_id][0], listener, _RULES[action_id][1])
        for action_id, listener in ACTIONS.items()
    }
)
