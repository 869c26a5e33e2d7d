"""Buttons of cards, threads and files, and the modal of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.desk import AgentRef, Button, Line, TranscriptPage
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.roles import Action
from handoff_bot.domain.tickets import EarlierTicket
from handoff_bot.services.container import Services
from handoff_bot.slack.cards.card import render_details, render_earlier, speaker
from handoff_bot.slack.cards.thread import settled
from handoff_bot.slack.feature import (
    Click,
    ClickListener,
    Feature,
    Subject,
    Tools,
    ephemeral,
    guarded,
    number,
    replace_message,
)
from handoff_bot.slack.features.merging import MergeAction
from handoff_bot.slack.kit.fields import labelled, modal
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    context,
    line,
    moment,
    mrkdwn,
    named,
    plain,
    rich,
    section,
    spelled,
    words,
)

# -- the modal of a conversation, page by page

_TITLE = "Conversation"
_MOST_LINES = 44
_WORDS_IN_ALL = 24_000
_WORDS_OF_ONE = 3000


class Turn(StrEnum):
    """Action ids of the paging buttons."""

    PREVIOUS = "page_previous"
    NEXT = "page_next"


_DELIVERIES: dict[DeliveryStatus, str] = {
    DeliveryStatus.QUEUED: "waiting to be sent",
    DeliveryStatus.SENDING: "being sent",
    DeliveryStatus.ACCEPTED: "being sent",
    DeliveryStatus.SENT: "✓ sent",
    DeliveryStatus.DELIVERED: "✓✓ delivered",
    DeliveryStatus.READ: "👁 read",
    DeliveryStatus.FAILED: "❌ not delivered",
    DeliveryStatus.DROPPED: "not sent",
}


def loading() -> Block:
    """Renders the modal that opens at once: a trigger id expires after three seconds.

    It is filled in later.
    """
    return modal(_TITLE, [section("Loading…")])


def gone(text: str) -> Block:
    """Renders the modal that says why there is nothing to show."""
    return modal(_TITLE, [section(text)])


def conversation(
    page: TranscriptPage,
    escalation_id: int,
    earlier: Sequence[EarlierTicket] = (),
    workspace_url: str = "",
) -> Block:
    """Renders one page of a conversation, oldest first; the newest also has the customer's earlier
    conversations.
    """
    about = f"{named(page.contact)} on {spelled(page.channel)}"
    blocks = [context(plain(f"{about} · page {page.page + 1} of {page.pages}"))]
    if page.card:
        blocks += render_details(page.card)
        merge = labelled(MergeAction.OPEN, "Merge customers…", str(escalation_id))
        blocks += [*render_earlier(earlier, workspace_url), actions(merge), {"type": "divider"}]
    left_out = len(page.lines) - _MOST_LINES
    if left_out > 0:
        blocks.append(context(plain(f"Earlier messages left out on this page: {left_out}")))
    shown = page.lines[-_MOST_LINES:]
    limit = min(_WORDS_OF_ONE, _WORDS_IN_ALL // max(1, len(shown)))
    for said in shown:
        blocks += _line(said, page.contact, limit)
    if not shown:
        blocks.append(section("No messages yet."))
    turns = list(_turns(page, escalation_id))
    return modal(_TITLE, [*blocks, actions(*turns)] if turns else blocks)


def _line(said: Line, contact: str, limit: int) -> Iterator[Block]:
    details = moment(said.at)
    if said.delivery:
        details += f" · {_DELIVERIES[said.delivery]}"
    yield context(plain(speaker(said, contact)), mrkdwn(details))
    yield rich(line(words(said.text, limit)))


def _turns(page: TranscriptPage, escalation_id: int) -> Iterator[Block]:
    """Yields the paging buttons; their value is the escalation and the page."""
    if page.page > 0:
        value = f"{escalation_id}:{page.page - 1}"
        yield labelled(Turn.PREVIOUS, "Previous page", value)
    if page.page + 1 < page.pages:
        yield labelled(Turn.NEXT, "Next page", f"{escalation_id}:{page.page + 1}")


# -- buttons of cards and threads: the action of each click, and the answer to the agent
# A click that changes something is acknowledged after the commit, so that Slack reports a failure.
# Modals are opened first, because a trigger id expires after three seconds.

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
            replace_message(tools.desk, click, settled(click.blocks, outcome.text or DONE))
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
    view_id = tools.desk.open_view(click.trigger_id, loading())
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
        return gone(NOT_KNOWN)
    if page is None and found.pages > 1:
        found = core.escalations.transcript(escalation_id, found.pages - 1) or found
    reach = core.roles.reach(click.desk_id)
    earlier = core.tickets.earlier(found.card.ticket, reach) if found.card else ()
    return conversation(found, escalation_id, earlier, tools.desk.workspace())


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
    Turn.PREVIOUS: turn,
    Turn.NEXT: turn,
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
    Turn.PREVIOUS: (Action.SEE, Subject.ESCALATION),
    Turn.NEXT: (Action.SEE, Subject.ESCALATION),
}
"""Action id -> the action, and how the request names its conversation."""


# -- buttons below files that could not be shown in a thread


def fetch_again(tools: Tools, click: Click, ack: Ack) -> None:
    """Retries to post a customer's file in the thread."""
    if click.number is None:
        ack()
        ephemeral(tools.desk, click, OLD_BUTTON)
        return
    outcome = tools.core.files.fetch_again(click.number)
    ack()
    if outcome.done:
        replace_message(tools.desk, click, settled(click.blocks, outcome.text))
    else:
        ephemeral(tools.desk, click, outcome.text)


FEATURE = Feature(
    clicks={
        **{
            str(action_id): guarded(_RULES[action_id][0], listener, _RULES[action_id][1])
            for action_id, listener in ACTIONS.items()
        },
        Button.FETCH_AGAIN.value: guarded(Action.NOTE, fetch_again, Subject.THREAD),
    }
)
