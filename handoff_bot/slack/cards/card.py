"""Renders the card of an escalation, and the board."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from handoff_bot.domain.desk import EMPTY, AgentRef, Board, BoardRow, Button, Card, Line, Place
from handoff_bot.domain.escalations import LEFT_QUEUE, OPEN, ResolvedAs, Status, TicketStatus
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Evidence, Mood, Priority, Signal
from handoff_bot.domain.text import LANGUAGES, many
from handoff_bot.domain.tickets import EarlierTicket
from handoff_bot.slack.kit.fields import button, more
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    actions,
    bullets,
    called,
    context,
    date,
    header,
    in_order,
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

# -- the card: its state, its reason, and the buttons

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

SOLVED: dict[ResolvedAs, str] = {
    ResolvedAs.SOLVED: "Solved",
    ResolvedAs.ANSWERED: "Question answered",
    ResolvedAs.WORKAROUND: "Workaround provided",
    ResolvedAs.PASSED_ON: "Passed on to another team",
    ResolvedAs.NO_REPLY: "Customer did not reply",
}
LEFT = "Customer left the queue"
_SOLVED = {outcome.value: label for outcome, label in SOLVED.items()}
OUTCOMES = _SOLVED | {
    "returned": "Returned to the AI",
    "not_needed": "Dismissed",
    LEFT_QUEUE: LEFT,
}

_BUTTONS: dict[Status, tuple[Button, ...]] = {
    Status.QUEUED: (
        Button.CLAIM,
        Button.ASSIGN,
        Button.DRAFT,
        Button.VIEW,
    ),
    Status.CLAIMED: (
        Button.RESOLVE,
        Button.RETURN,
        Button.ASSIGN,
        Button.DRAFT,
        Button.VIEW,
    ),
}
_MORE: dict[Status, tuple[Button, ...]] = {
    Status.QUEUED: (Button.SNOOZE, Button.DISMISS, Button.RESOLVE, Button.RETURN, Button.NOTE),
    Status.CLAIMED: (Button.SNOOZE, Button.RELEASE, Button.NOTE),
}

_OPTED_OUT = "⛔ The customer sent STOP. No messages can be sent."
_INVITED = (
    "⛔ The customer sent STOP but has written again. You can reply for 24 hours "
    "after their last message."
)
_GROUP = re.compile("S[A-Z0-9]{2,20}")
_SPACE: Block = {"type": "text", "text": " "}
_QUOTE = 600
_RECENT = 300
_SAID, _SUMMARY = 76, 62
"""Characters of the customer's message and the summary on the card: one line each at Slack's usual
width. The thread and the modal show all.
"""
_EXCERPT = 180
"""Characters of each other text on the card."""
_MOST_RECENT = 3
_MOST_ATTRIBUTES, _ATTRIBUTE = 3, 40
"""On the card; the modal shows all."""
_BAR = 10
_LEAST_SHOWN = 0.005
_LEAST_NAMED = 0.25
_STRENGTHS = ((0.75, "strong"), (0.5, "clear"), (0.25, "weak"), (0.0, "very weak"))


def render_card(card: Card) -> SlackMessage:
    """Renders the card. The state comes first, because notifications begin with it."""
    if card.status not in OPEN:
        return SlackMessage(_spoken(card), _closed(card))
    blocks = [header(_state(card)), context(*_facts(card))]
    if card.opted_out:
        blocks.append(context(plain(_INVITED if card.invited else _OPTED_OUT)))
    blocks += [*_why(card), actions(*_buttons(card))]
    return SlackMessage(_spoken(card), blocks)


def render_details(card: Card) -> list[Block]:
    """Renders what the card has no room for: signals, context, the assistant's last reply."""
    said = [quote(card.evidence, _QUOTE)] if card.evidence else []
    lists = ([*_signals(card)], [one_line(note, _RECENT) for note in card.notes])
    found = [bullets(*(line(words(text, _RECENT)) for text in texts)) for texts in lists if texts]
    shown = [context(mrkdwn(_clock(card))), rich(line(strong(REASONS[card.reason])), *said)]
    shown += [rich(each) for each in found]
    if card.summary:
        summary = words(one_line(card.summary, _QUOTE), _QUOTE)
        shown.append(rich(line(strong("Summary: "), summary)))
    if about := _attributes(card, _RECENT):
        listed = bullets(*(line(words(each, _RECENT)) for each in about))
        shown.append(rich(line(strong("Customer:")), listed))
    if not card.tried:
        shown.append(context(plain("The AI has not replied yet.")))
    else:
        shown.append(rich(line(strong("Last reply by the AI:")), quote(card.tried, _QUOTE)))
    if card.grounds:
        grounds = (line(words(_ground(one), _RECENT)) for one in card.grounds)
        shown.append(rich(line(strong("Based on:")), bullets(*grounds)))
    return shown


def _ground(one: Evidence) -> str:
    where = f"{one.title} ({one.heading})" if one.heading else one.title
    return one_line(f"{'🔎 ' if one.is_look_up else ''}{where}: {one.text}", _RECENT)


def _closed(card: Card) -> list[Block]:
    """Two lines: nothing is left to do."""
    view = more((Button.VIEW,), str(card.escalation_id))
    facts = [f"Ticket #{card.ticket}", _SOLVED.get(card.outcome, "")]
    facts += [
        " ".join(f"#{tag}" for tag in card.tags),
        f"⭐ {card.rating}/5" if card.rating else "",
    ]
    about = plain(" · ".join(in_order(one_line(fact, 100)) for fact in facts if fact))
    blocks = [
        section(_state(card)) | {"accessory": view},
        context(about, mrkdwn(_clock(card))),
    ]
    if card.opted_out:
        blocks.append(context(plain(_INVITED if card.invited else _OPTED_OUT)))
    return blocks


def _who(card: Card) -> str:
    return f"{named(card.contact)} on {spelled(card.channel)}"


def _state(card: Card) -> str:
    if card.status is Status.QUEUED:
        return f"{PRIORITIES[card.priority]} · {named(card.contact)} is waiting on {spelled(card.channel)}"
    if card.status is Status.CLAIMED:
        return f"🟢 Assigned to {_name(card.owner)} · {_who(card)}"
    if card.outcome == LEFT_QUEUE:
        return f"👋 {LEFT} · {_who(card)}"
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
    """The wait first, then what is due, then who it is."""
    clock, due = _clock(card), _due(card)
    yield mrkdwn(f"{clock} · {due}" if due else clock)
    # Without "whatsapp:": the line above names the channel.
    address = card.address if card.address != card.contact else ""
    address = address.removeprefix(f"{card.channel}:")
    had = f", previously with {named(card.previous_owner)}" if card.previous_owner else ""
    facts = (
        f"↩️ Customer returned{had}" if card.reopened else "",
        "⭐ VIP" if card.vip else "",
        address,
        LANGUAGES.get(card.language, card.language),
        PRIORITIES[card.priority] if card.status is not Status.QUEUED else "",
        MOODS[card.mood] if card.mood else "",
        f"Ticket #{card.ticket}, {_history(card.earlier_tickets)}",
    )
    about = _attributes(card, _ATTRIBUTE)[:_MOST_ATTRIBUTES]
    yield plain(" · ".join(in_order(one_line(fact, 100)) for fact in (*facts, *about) if fact))
    if card.snoozed_until:
        yield mrkdwn(f"💤 Snoozed until {moment(card.snoozed_until)}")
    if card.group_id and card.status is Status.QUEUED and _GROUP.fullmatch(card.group_id):
        yield mrkdwn(f"For <!subteam^{card.group_id}>")


def _attributes(card: Card, limit: int) -> list[str]:
    """Such as "Plan: Pro"."""
    return [
        one_line(f"{name[:1].upper()}{name[1:]}: {value}", limit)
        for name, value in card.attributes.items()
    ]


def _clock(card: Card) -> str:
    """Slack's clients render the date, so that no update is spent on a clock."""
    if card.status is Status.QUEUED:
        return f"Waiting since {moment(card.opened_at)} ({date(card.opened_at, '{ago}')})"
    parts = [f"Opened {moment(card.opened_at)}"]
    if card.claimed_at and not card.closed_at:
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
    """Paragraphs are blocks of their own: Slack runs two of one block together."""
    counted, reason = _counted(card), REASONS[card.reason]
    shares = [strong(f"{reason}: "), words(counted, _RECENT)] if counted else [strong(reason)]
    said = [quote(_beginning(card.evidence, _SAID), _SAID)] if card.evidence else []
    about = one_line(" · ".join(card.notes), _EXCERPT)
    if about:
        said.append(bullets(line(words(about, _EXCERPT))))
    mentions = [part for one in card.mentions for part in (called(one), _SPACE)]
    yield rich(line(*mentions, *shares), *said)
    if card.summary:
        yield rich(line(strong("Summary: "), words(_beginning(card.summary, _SUMMARY), _SUMMARY)))
    looked_up = [one for one in card.grounds if one.is_look_up]
    if looked_up:
        found = (line(words(one_line(_ground(one), _EXCERPT), _EXCERPT)) for one in looked_up)
        yield rich(line(strong("Looked up:")), bullets(*found))
    if card.status is Status.CLAIMED and card.recent:
        last = (_said(each, card.contact) for each in card.recent[-_MOST_RECENT:])
        yield rich(line(strong("Last messages:")), bullets(*last))


def _beginning(text: str, limit: int) -> str:
    """Cuts between words, not after a sentence: the subject follows "Wants to talk to an agent."."""
    whole = one_line(text, _QUOTE)
    if len(whole) <= limit:
        return whole
    head = whole[:limit].rpartition(" ")[0]
    return f"{head.rstrip()}…" if len(head) > limit // 2 else one_line(whole, limit)


def _counted(card: Card) -> str:
    """The share of the decisive signal, and the others that count."""
    found = {signal: _share(score) for signal, score in card.scores.items()}
    others = sorted(
        (s for s, share in found.items() if share >= _LEAST_NAMED and s is not card.reason),
        key=lambda signal: -found[signal],
    )
    parts = [f"{REASONS[signal]} {found[signal]:.0%}" for signal in others]
    if found.get(card.reason, 0) >= _LEAST_SHOWN:
        parts.insert(0, f"{found[card.reason]:.0%}")
    return " · ".join(parts)


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


def _said(said: Line, contact: str) -> Block:
    return line(
        strong(f"{speaker(said, contact)}: "), words(one_line(said.text, _EXCERPT), _EXCERPT)
    )


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
    for kind in _BUTTONS[card.status]:
        yield button(kind, value, _who(card))
    yield more(_MORE[card.status], value)


# -- the board: the queue in a pinned message, and as a short answer to a command

MOST_ROWS = 15


def render_board(board: Board, workspace_url: str) -> SlackMessage:
    """Renders the queue, most urgent first.

    Args:
        board: the rows; only the first 15 are shown, the others are counted.
        workspace_url: the base of links to threads ("https://acme.slack.com/"), "" for no links.
    """
    totals = f"{board.waiting} waiting · {board.claimed} in progress"
    rows = [_row(row, workspace_url) for row in board.rows[:MOST_ROWS]]
    blocks = [header(f"Queue: {totals}"), *rows, *_rest(board, len(rows))]
    return SlackMessage(notification(f"Queue: {totals}"), blocks)


def _row(row: BoardRow, workspace_url: str) -> Block:
    who = f"{named(row.contact)} on {spelled(row.channel)}"
    what = f"{PRIORITIES[row.priority]} · {who}\n{REASONS[row.reason]}"
    when = f"Since {moment(row.opened_at)} ({date(row.opened_at, '{ago}')})"
    link = permalink(row.thread, workspace_url)
    return {
        "type": "section",
        "fields": [plain(what, 300), mrkdwn(f"{when}\n<{link}|Open thread>" if link else when)],
        "accessory": button(Button.CLAIM, str(row.escalation_id), who),
    }


def _rest(board: Board, shown: int) -> Iterator[Block]:
    if board.waiting > shown:
        yield context(plain(f"… and {board.waiting - shown} more, less urgent."))
    if not board.waiting:
        yield context(plain(EMPTY))
    if board.held:
        yield context(plain(f"⏳ {held_in_words(board.held)}"))


def held_in_words(count: int) -> str:
    """Says how many customers wait for room in the queue."""
    who = many(count, "more customer asks", "more customers ask")
    return f"{who} for an agent, and will join the queue when the limits for anonymous visitors allow it."


def banner_of(text: str, link: str = "") -> list[Block]:
    """Returns the result of a click, with a link to its thread; nothing without a text."""
    return [*([section(text)] if text else ()), *link_to(link)]


def link_to(link: str) -> list[Block]:
    """Returns the link to a thread, with a label; nothing if its address is unknown."""
    return [context(mrkdwn(f"<{link}|Open thread>"))] if link else []


def render_earlier(earlier: Sequence[EarlierTicket], workspace_url: str) -> list[Block]:
    """Renders the customer's earlier conversations: number, day, outcome and link."""
    if not earlier:
        return []
    lines = (_earlier(each, permalink(each.thread, workspace_url)) for each in earlier)
    said = "\n".join(["Earlier conversations:", *lines])
    return [{"type": "section", "text": mrkdwn(said)}]


def _earlier(ticket: EarlierTicket, link: str) -> str:
    ended = OUTCOMES.get(ticket.outcome, "Ended")
    is_open = ticket.status in (TicketStatus.OPEN, TicketStatus.PENDING)
    facts = [f"#{ticket.number}", date(ticket.created_at, "{date_short_pretty}")]
    facts.append("Open" if is_open else ended)
    return "• " + " · ".join([*facts, *([f"<{link}|Open thread>"] if link else [])])


def permalink(thread: Place | None, workspace_url: str) -> str:
    """Returns the address of a thread; "" if it is unknown."""
    if thread is None or not workspace_url.startswith("http"):
        return ""
    name = thread.ts.replace(".", "")
    return f"{workspace_url.rstrip('/')}/archives/{thread.slack_channel}/p{name}"
