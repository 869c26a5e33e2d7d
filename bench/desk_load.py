"""The load of bench.desk, in a process of its own: the same words and changes for each writer."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.desk_writers import Naive, Paced, place_of
from handoff_bot.clock import SystemClock
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.signals import Priority
from handoff_bot.services.outbox import view_models
from handoff_bot.services.outbox.updates import BOARD_PLACE
from handoff_bot.slack.cards.card import render_board
from handoff_bot.slack.desk import SlackDesk
from handoff_bot.slack.incoming.app import build_slack
from handoff_bot.storage import escalations, log
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_bot.storage.models import (
    Contact,
    Conversation,
    DeskThread,
    Escalation,
    Message,
    Ticket,
)

CALM = 12.0
"""Seconds after which Slack's bursts are whole again."""


@dataclass(frozen=True)
class Order:
    """What to do.

    Attributes:
        slack_channels: where the cards are, the queue channel first; conversations are spread evenly.
        hot: how many of the cards change; each change is of one of them, at random.
        words, changes: how many a second.
        writers: "paced", "naive", one after the other.
    """

    database_url: str
    api_url: str
    bot_token: str
    slack_channels: list[str]
    conversations: int
    hot: int
    words: float
    changes: float
    seconds: float
    patience: float
    writers: list[str]


@dataclass
class Told:
    """What one writer was told, and when; its last state is what must be shown in the end."""

    began: float = 0.0
    ended: float = 0.0
    closed: float = 0.0
    words: dict[str, float] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)
    board: str = ""
    board_ts: str = ""


class Stage:
    """The rows, the cards, and the hand that changes them."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.database = Database(order.database_url, synchronous="full")
        migrate(self.database)
        self.desk = build_slack(
            bot_token=order.bot_token,
            signing_secret="unused",  # noqa: S106 - nothing is received here
            app_token="",
            api_url=order.api_url,
            queue_channel=order.slack_channels[0],
        ).desk
        self.clock = SystemClock()
        self._dice = random.Random(5)  # noqa: S311 - the same load for both

    def furnish(self) -> None:
        """Open all conversations, and post their cards at Slack's pace."""
        channels = self.order.slack_channels
        for n in range(self.order.conversations):
            self._open(n, channels[n % len(channels)])
        with ThreadPoolExecutor(len(channels)) as pool:
            list(pool.map(self._post_cards, channels))
        with self.database.read() as tx:
            board = view_models.board(tx, self.clock.now())
        time.sleep(2)
        place = self.desk.render_board(board, None, "board")
        with self.database.write() as tx:
            log.prefer(tx, BOARD_PLACE, asdict(place), "bench", self.clock.now())

    def _open(self, n: int, slack_channel: str) -> None:
        now = self.clock.now()
        common: dict[str, Any] = {"channel": "sms", "created_at": now}
        with self.database.write() as tx:
            contact = tx.add(Contact(name=f"Customer {n}", created_at=now))
            conversation = tx.add(
                Conversation(contact_id=contact.id, address=f"+1555{n:07d}", **common)
            )
            about: dict[str, Any] = {"conversation_id": conversation.id}
            message = tx.add(Message(direction="inbound", author="contact", **about, **common))
            escalation = tx.add(
                Escalation(
                    message_id=message.id,
                    status="queued",
                    reason="request",
                    priority=Priority.NORMAL,
                    priority_rank=Priority.NORMAL.rank,
                    evidence="I want to talk to a person.",
                    slack_channel=slack_channel,
                    opened_at=now,
                    **about,
                )
            )
            ticket = tx.add(
                Ticket(
                    escalation_id=escalation.id,
                    contact_id=contact.id,
                    reason="request",
                    priority=Priority.NORMAL,
                    status="open",
                    updated_at=now,
                    **about,
                    **common,
                )
            )
            escalation.ticket_id = ticket.id

    def _post_cards(self, slack_channel: str) -> None:
        with self.database.read() as tx:
            rows = tx.session.query(Escalation).filter_by(slack_channel=slack_channel).all()
            cards = [view_models.card(tx, row) for row in rows]
        for card in cards:
            place = self.desk.render_card(card, None, "")
            now = self.clock.now()
            thread = DeskThread(escalation_id=card.escalation_id, created_at=now, **asdict(place))
            with self.database.write() as tx:
                tx.add(thread)
            time.sleep(1.05)

    def drive(self, writer: Paced | Naive, name: str) -> Told:
        """Words and changes at a steady rate, then patience; says what should be seen."""
        order, told = self.order, Told(began=time.time())
        states: dict[int, str] = {}
        plan = sorted(
            [(n / order.words, False, n) for n in range(int(order.words * order.seconds))]
            + [(n / order.changes, True, n) for n in range(int(order.changes * order.seconds))]
        )
        for at, is_change, n in plan:
            time.sleep(max(0.0, told.began + at - time.time()))
            if is_change:
                number = self._dice.randint(1, order.hot)
                states[number] = f"{name} state {n}."
                writer.change(number, states[number], self._dice.choice(list(Priority)))
            else:
                number, text = self._dice.randint(1, order.conversations), f"{name} words {n}."
                told.words[text] = time.time()
                writer.say(number, Post(PostKind.CONTACT, text, f"Customer {number - 1}", "sms"))
        told.ended = time.time()
        self._remember(told, states)
        time.sleep(order.patience)
        told.closed = time.time()
        return told

    def _remember(self, told: Told, states: dict[int, str]) -> None:
        with self.database.read() as tx:
            for number, state in states.items():
                told.cards[place_of(escalations.thread_of(tx, number)).ts] = state
            drawing = render_board(view_models.board(tx, self.clock.now()), self.desk.workspace())
            told.board = shown(drawing.blocks)
            told.board_ts = log.preference(tx, BOARD_PLACE, None)["ts"]


def shown(blocks: Any) -> str:
    """All that blocks say, whatever ids they were given."""
    if isinstance(blocks, dict):
        own = [str(blocks["text"])] if isinstance(blocks.get("text"), str) else []
        return "\n".join(own + [shown(v) for v in blocks.values() if isinstance(v, dict | list)])
    return "\n".join(filter(None, (shown(each) for each in blocks)))


def main() -> None:
    """Read an Order as JSON, print what each writer was told."""
    sys.setswitchinterval(0.0005)
    stage = Stage(Order(**json.load(sys.stdin)))
    stage.furnish()
    told: dict[str, dict[str, Any]] = {}
    writers: dict[str, Callable[[Database, SlackDesk], Paced | Naive]] = {
        "paced": Paced,
        "naive": Naive,
    }
    for name in stage.order.writers:
        time.sleep(CALM)
        with contextlib.closing(writers[name](stage.database, stage.desk)) as writer:
            told[name] = asdict(stage.drive(writer, name))
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
