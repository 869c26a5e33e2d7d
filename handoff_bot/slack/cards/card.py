"""Renders the card of an escalation: its state, its reason, and the buttons."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from handoff_bot.domain.desk import AgentRef, Button, Card, Line
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Mood, Priority, Signal
from handoff_bot.domain.text import LANGUAGES
from handoff_bot.slack.kit.fields import button, more
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    actions,
    bullets,
    context,
    date,
    header,
    line,
    moment,
    mrkdwn,
    named,
    notification,
    one_line,
    plain,
    quote,
    rich,
    section,
    spelled,
    strong,
    words,
)

PRIORITIES: dict[Priority, str] = {
    Priority.URGENT: "🔴 Urgent",
    Priority.HIGH: "🟠 High",
    Priority.NORMAL: "🔵 Normal",
    Priority.LOW: "⚪ Low",
}

REASONS: dict[Signal, str] = {
    Signal.REQUEST: "Asked for an agent",
    Signal.SENTIMENT: "Upset or confused",
    Signal.COMPLEXITY: "Complex or going in circles",
    Signal.CONFIDENCE: "The AI was not sure",
}

MOODS: dict[Mood, str] = {
    Mood.CALM: "🙂 calm now",
    Mood.TENSE: "😐 tense now",
    Mood.UPSET: "😠 upset now",
}

_ENDINGS: dict[Status, str] = {
    Status.RESOLVED: "✅ Resolved by {agent}",
    Status.RETURNED: "🤖 Returned to the AI by {agent}",
    Status.DISMISSED: "⚪ Dismissed by {agent}",
}

_BUTTONS: dict[Status, tuple[Button, ...]] = {
    Status.QUEUED: (
        Button.CLAIM,
        Button.ASSIGN,
        Button.SNOOZE,
        Button.DRAFT,
        Button.DISMISS,
        Button.VIEW,
    ),
    Status.CLAIMED: (
        Button.RESOLVE,
        Button.RETURN,
        Button.ASSIGN,
        Button.SNOOZE,
        Button.DRAFT,
        Button.VIEW,
    ),
}
_MORE: dict[Status, tuple[Button, ...]] = {
    Status.QUEUED: (Button.RESOLVE, Button.RETURN, Button.NOTE),
    Status.CLAIMED: (Button.RELEASE, Button.NOTE),
}

_OPTED_OUT = "⛔ The customer sent STOP. No messages can be sent."
_INVITED = (
    "⛔ The customer sent STOP but has written again. You can reply for 24 hours "
    "after their last message."
)
_GROUP = re.compile("S[A-Z0-9]{2,20}")
_QUOTE = 600
_RECENT = 300
_MOST_RECENT = 5
_BAR = 10
_LEAST_SHOWN = 0.005
_STRENGTHS = ((0.75, "strong"), (0.5, "clear"), (0.25, "weak"), (0.0, "very weak"))


def render_card(card: Card) -> SlackMessage:
    """Renders the card. The state comes first, because notifications begin with it."""
    blocks = [header(_state(card)), context(*_facts(card))]
    if card.opted_out:
        blocks.append(section(_INVITED if card.invited else _OPTED_OUT))
    blocks += [rich(*_why(card)), *_story(card), actions(*_buttons(card))]
    return SlackMessage(_spoken(card), blocks)


def _who(card: Card) -> str:
    return f"{named(card.contact)} on {spelled(card.channel)}"


def _state(card: Card) -> str:
    if card.status is Status.QUEUED:
        return f"{PRIORITIES[card.priority]} · {named(card.contact)} is waiting on {spelled(card.channel)}"
    if card.status is Status.CLAIMED:
        return f"🟢 Assigned to {_name(card.owner)} · {_who(card)}"
    return f"{_ENDINGS[card.status].format(agent=_name(card.closed_by))} · {_who(card)}"


def _spoken(card: Card) -> str:
    if card.status is not Status.QUEUED:
        return notification(_state(card))
    waiting = f"{named(card.contact)} is waiting on {spelled(card.channel)}"
    said = card.evidence or card.summary
    return notification(f"{waiting}: {said}" if said else waiting)


def _name(agent: AgentRef | None) -> str:
    return named(agent.name if agent else "")


def _facts(card: Card) -> Iterator[Block]:
    address = card.address if card.address != card.contact else ""
    language = LANGUAGES.get(card.language, card.language)
    priority = PRIORITIES[card.priority] if card.status is not Status.QUEUED else ""
    mood = MOODS[card.mood] if card.mood and card.status in OPEN else ""
    vip = "⭐ VIP" if card.vip else ""
    about = [one_line(fact, 100) for fact in (vip, address, language, priority, mood) if fact]
    if about:
        yield plain(" · ".join(about))
    yield mrkdwn(_clock(card))
    yield plain(f"Ticket #{card.ticket} · {_history(card.earlier_tickets)}")
    if card.reopened:
        had = f", previously with {named(card.previous_owner)}" if card.previous_owner else ""
        yield plain(f"↩️ Customer returned{had}")
    due = _due(card)
    if due and card.status in OPEN:
        yield mrkdwn(due)
    if card.snoozed_until and card.status in OPEN:
        yield mrkdwn(f"💤 Snoozed until {moment(card.snoozed_until)}")
    if card.group_id and card.status is Status.QUEUED and _GROUP.fullmatch(card.group_id):
        yield mrkdwn(f"For <!subteam^{card.group_id}>")


def _clock(card: Card) -> str:
    """Slack's clients render the date, so that no update is spent on a clock."""
    if card.status is Status.QUEUED:
        return f"Waiting since {moment(card.opened_at)} ({date(card.opened_at, '{ago}')})"
    parts = [f"Opened {moment(card.opened_at)}"]
    if card.claimed_at:
        parts.append(f"claimed {moment(card.claimed_at)}")
    if card.closed_at:
        parts.append(f"closed {moment(card.closed_at)}")
    return " · ".join(parts)


def _due(card: Card) -> str:
    """Lists SLA targets, and the end of the messaging window."""
    parts = []
    if card.reply_due_at:
        parts.append(f"⏱️ First reply due {moment(card.reply_due_at)}")
    if card.solve_due_at:
        parts.append(f"⏱️ Resolution due {moment(card.solve_due_at)}")
    if card.window_closes_at:
        parts.append(f"⌛ Messaging window open until {moment(card.window_closes_at)}")
    return " · ".join(parts)


def _history(earlier: int) -> str:
    if not earlier:
        return "first ticket of this customer"
    return f"{earlier} earlier ticket{'s' if earlier > 1 else ''}"


def _why(card: Card) -> Iterator[Block]:
    yield line(strong(REASONS[card.reason]))
    if card.evidence:
        yield quote(card.evidence, _QUOTE)
    signals = [line(words(text, _RECENT)) for text in _signals(card)]
    if signals:
        yield bullets(*signals)


def _signals(card: Card) -> Iterator[str]:
    """The signals above 0%. The bar comes last, so that screen readers can skip it."""
    for signal, score in sorted(card.scores.items(), key=lambda item: -_share(item[1])):
        share = _share(score)
        if share < _LEAST_SHOWN:
            continue
        strength = next(word for least, word in _STRENGTHS if share >= least)
        full = round(share * _BAR)
        yield f"{REASONS[signal]}: {share:.0%}, {strength}  {'▰' * full}{'▱' * (_BAR - full)}"


def _share(score: float) -> float:
    return min(1.0, max(0.0, score)) if math.isfinite(score) else 0.0


def _story(card: Card) -> Iterator[Block]:
    if card.notes:
        yield rich(bullets(*(line(words(one_line(note, _RECENT), _RECENT)) for note in card.notes)))
    if card.summary:
        yield rich(line(strong("Summary: "), words(one_line(card.summary, _QUOTE), _QUOTE)))
    if card.tried:
        yield rich(line(strong("Last reply by the AI:")), quote(card.tried, _QUOTE))
    else:
        yield context(plain("The AI has not replied yet."))
    if card.recent:
        said = (_said(each, card.contact) for each in card.recent[-_MOST_RECENT:])
        yield rich(line(strong("Last messages:")), bullets(*said))


def _said(said: Line, contact: str) -> Block:
    return line(strong(f"{speaker(said, contact)}: "), words(said.text, _RECENT))


def speaker(said: Line, contact: str) -> str:
    """Returns the author of a message, as agents call them."""
    if said.note:
        return f"Note by {named(said.name)}"
    if said.author is Author.CONTACT:
        return named(said.name or contact)
    if said.author is Author.AGENT:
        return named(said.name)
    return "Assistant" if said.author is Author.ASSISTANT else "Automatic message"


def _buttons(card: Card) -> Iterator[Block]:
    value = str(card.escalation_id)
    for kind in _BUTTONS.get(card.status, (Button.VIEW,)):
        yield button(kind, value, _who(card))
    if card.status in _MORE:
        yield more(_MORE[card.status], value)
