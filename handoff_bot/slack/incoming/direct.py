"""Direct messages to the app: answers "who waits?", "take 12" and "help"; anything else with a hint."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handoff_bot.domain.desk import EMPTY, BoardRow, Button, Filter, Place, Post, PostKind
from handoff_bot.domain.roles import Action
from handoff_bot.domain.text import duration, many
from handoff_bot.services.outbox import outbox
from handoff_bot.slack.feature import Guarded, SlashCommand, Subject, Tools, guarded, number
from handoff_bot.slack.features import queue
from handoff_bot.slack.features.availability import on, set_away
from handoff_bot.slack.incoming import gate
from handoff_bot.slack.incoming.events import plain_text
from handoff_bot.slack.kit.text import named, spelled

Payload = dict[str, Any]

MOST = 10
"""Customers listed in one answer."""
_LONGEST = 200

HELP = (
    "Write to me here:\n"
    "• “who waits?” lists the customers in the queue.\n"
    "• “take 12” takes over the conversation of ticket 12, “take next” the most urgent one.\n"
    "• “on”, “off” and “off 30m” set your availability.\n"
    "In channels, /handoff help lists all commands. Customers do not see what you write here."
)
HINT = (
    "I can't answer this. Try “who waits?”, “take 12” or “help”. Customers do not see what you "
    "write here: reply in the thread of a conversation's card."
)


@dataclass(frozen=True)
class Said:
    """A direct message: its author, and what it says besides the command."""

    desk_id: str
    words: str = ""
    number: int | None = None

    @property
    def command(self) -> SlashCommand:
        return SlashCommand(self.desk_id, self.words, slack_channel="", trigger_id="")


Reply = Callable[[Tools, Said], Post]


def _told(text: str, *buttons: Button) -> Post:
    return Post(PostKind.TOLD, text, value="queue", buttons=buttons)


def _help(_tools: Tools, _said: Said) -> Post:
    return _told(HELP)


def _hint(_tools: Tools, _said: Said) -> Post:
    return _told(HINT)


def _waiting(tools: Tools, said: Said) -> Post:
    reach = tools.core.roles.reach(said.desk_id)
    found = tools.core.queue.page(Filter(slack_channels=reach), 0)
    rows = found.rows[:MOST]
    if not rows:
        return _told(EMPTY)
    tickets = tools.core.tickets.numbers_of([row.escalation_id for row in rows])
    lines = [_line(row, tickets.get(row.escalation_id, 0), found.at) for row in rows]
    if found.found > len(rows):
        lines.append(f"… and {found.found - len(rows)} more")
    who = many(found.found, "customer is waiting", "customers are waiting")
    take = "To take one over, write “take” and its number."
    return _told("\n".join([f"{who}:", *lines, take]), Button.SHOW_QUEUE)


def _line(row: BoardRow, ticket: int, at: datetime) -> str:
    minutes = int((at - row.opened_at).total_seconds() // 60)
    waited = f"for {duration(minutes, 'minute')}" if minutes > 0 else "since just now"
    who = f"{named(row.contact)} on {spelled(row.channel)}"
    return f"#{ticket} {who}, {row.priority} priority, {waited}"


def _take(tools: Tools, said: Said) -> Post:
    return queue.ticket_taken(tools, said.number or 0, said.desk_id)


def _next(tools: Tools, said: Said) -> Post:
    return queue.next_taken(tools, said.desk_id)


def _on(tools: Tools, said: Said) -> Post:
    return _told(on(tools, said.command).text)


def _off(tools: Tools, said: Said) -> Post:
    return set_away(tools, said.desk_id, said.words)


_TAKE = re.compile(r"(?:please )?take(?: over)?(?: ticket)? #?(\d{1,12})")
_OFF = re.compile(r"off(?: (?:for |until )?(.{1,40}))?")
_PLAIN: dict[str, Guarded[Reply]] = {
    **dict.fromkeys(("help", "hi", "hello", "hey", ""), guarded(Action.USE, _help)),
    **dict.fromkeys(
        ("who waits", "who is waiting", "who's waiting", "whos waiting", "waiting", "queue"),
        guarded(Action.SEARCH, _waiting),
    ),
    **dict.fromkeys(("take next", "next"), guarded(Action.CLAIM, _next)),
    "on": guarded(Action.USE, _on),
}
_OTHER: Guarded[Reply] = guarded(Action.USE, _hint)


def understood(text: str) -> tuple[Guarded[Reply], str, int | None]:
    """Returns what a message asks for, the rest of its words, and the ticket that it names."""
    said = " ".join(text[:_LONGEST].casefold().replace("\u2019", "'").split()).strip(" ?!.")
    said = said.removeprefix("/handoff ").strip()
    if said in _PLAIN:
        return _PLAIN[said], "", None
    if found := _TAKE.fullmatch(said):
        return guarded(Action.CLAIM, _take, Subject.TICKET), "", number(found[1])
    if found := _OFF.fullmatch(said):
        return guarded(Action.USE, _off), found[1] or "", None
    return _OTHER, "", None


def answer(tools: Tools, payload: Payload) -> None:
    """Answers a direct message, once although the event may be handled again.

    Raises:
        DeskError: Slack does not say who this is; the event is retried.
    """
    event = payload["event"]
    author, ts = str(event["user"]), str(event["ts"])
    text = plain_text(str(event.get("text") or ""), lambda one: tools.desk.agent(one).name)
    rule, words, ticket = understood(text)
    asker = gate.of_message(event, event, Place(str(event["channel"]), ts)).asker
    refused = gate.stopped_later(tools, rule, gate.Request(asker, ticket))
    if refused and not refused.words:
        return
    post = _told(refused.words) if refused else rule.listener(tools, Said(author, words, ticket))
    with tools.core.database.write() as tx:
        key = f"direct:{event['channel']}:{ts}"
        outbox.tell(tx, author, post, tools.core.clock.now(), key=key)
