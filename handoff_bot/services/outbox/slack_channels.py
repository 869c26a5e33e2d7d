"""Slack channels that the bot was invited to: their purpose and where new cards go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.signals import Priority
from handoff_bot.ports import Clock
from handoff_bot.services.outbox import outbox
from handoff_bot.services.settings import preferences
from handoff_bot.storage import log, workspace
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import DeskChannel
from handoff_bot.storage.transaction import Transaction

QUESTION = "Hello! What should this channel be used for?"
CLOSED = (
    "I cannot post in this channel: {why} New conversations go to the queue channel until "
    "this is fixed. Messages for threads here are held and will be posted in order."
)
OPENED = "I can post in this channel again. All held messages have been posted."
LACKING = "The app is missing permissions. Reinstall it with the current manifest to grant: "


class Purpose(StrEnum):
    """A channel's purpose; "" until an admin has chosen one."""

    UNSAID = ""
    QUEUE = "queue"
    URGENT = "urgent"
    NONE = "none"


SAID: dict[Purpose, str] = {
    Purpose.QUEUE: "New conversations and the board now appear in this channel.",
    Purpose.URGENT: "Urgent conversations now appear in this channel.",
    Purpose.NONE: "I won't post in this channel. Invite me again to change that.",
}


@dataclass(frozen=True)
class DeskPlace:
    """A channel, its purpose, and why posting is not possible there ("" when it is)."""

    slack_channel: str
    purpose: Purpose
    suspended_why: str


class DeskChannels:
    """Admins' decisions about channels."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def places(self) -> list[DeskPlace]:
        """Returns channels that have a purpose or are closed at the moment."""
        with self._database.read() as tx:
            found = workspace.every_channel(tx)
        return [
            DeskPlace(row.slack_channel, Purpose(row.purpose), row.suspended_why)
            for row in found
            if row.purpose in (Purpose.QUEUE, Purpose.URGENT) or row.suspended_at is not None
        ]

    def queue(self) -> str:
        """Returns the channel chosen as the queue channel, "" for the configured one."""
        with self._database.read() as tx:
            return queue_channel(tx)

    def joined(self, slack_channel: str, by: str, lacking: list[str], event: str) -> None:
        """Handles an invitation: asks for the channel's purpose, once for each invitation."""
        now = self._clock.now()
        with self._database.write() as tx:
            row = workspace.channel_of(tx, slack_channel, by, now)
            row.suspended_at, row.suspended_why = None, ""
            text = f"{QUESTION}\n{LACKING}{'; '.join(lacking)}." if lacking else QUESTION
            buttons = (Button.QUEUE_HERE, Button.URGENT_HERE, Button.NOT_HERE)
            post = Post(PostKind.TOLD, text, value=slack_channel, buttons=buttons)
            outbox.tell(tx, slack_channel, post, now, key=f"setup:{slack_channel}:{event}")

    def choose(self, slack_channel: str, purpose: Purpose, by: str) -> ActionResult:
        """Sets the channel's purpose."""
        now = self._clock.now()
        with self._database.write() as tx:
            row = workspace.channel_of(tx, slack_channel, by, now)
            if purpose in (Purpose.QUEUE, Purpose.URGENT):
                _take_over_from_others(tx, purpose)
            row.purpose = purpose.value
            log.record(
                tx,
                EventKind.CHANNEL_PURPOSE,
                now,
                slack_channel=slack_channel,
                purpose=purpose.value,
                by=by,
            )
            if purpose is Purpose.QUEUE:
                outbox.update_board(tx, now)
            return ActionResult(True, SAID[purpose])


def _take_over_from_others(tx: Transaction, purpose: Purpose) -> None:
    """Only one channel can be the queue channel, and one the urgent channel."""
    for other in workspace.channels_with_purpose(tx, purpose.value):
        other.purpose = Purpose.NONE.value
    tx.session.flush()


def queue_channel(tx: Transaction) -> str:
    """Returns the channel of the board and the cards, "" for the configured queue channel."""
    return workspace.working_channel(tx, Purpose.QUEUE.value)


def channel_for(tx: Transaction, priority: Priority) -> str:
    """Returns the channel for a new card, "" for the configured queue channel."""
    urgent = (
        workspace.working_channel(tx, Purpose.URGENT.value) if priority is Priority.URGENT else ""
    )
    return urgent or queue_channel(tx)


def closed(tx: Transaction, slack_channel: str, why: str, now: datetime) -> None:
    """Marks a channel as closed for posts. New cards go elsewhere, and admins are told once."""
    row = workspace.channel_of(tx, slack_channel, "", now)
    if row.suspended_at is None:
        row.suspended_at, row.suspended_why = now, why
        log.record(tx, EventKind.CHANNEL_SUSPENDED, now, slack_channel=slack_channel)
        _tell_admins(tx, row, CLOSED.format(why=why), now)


def opened(tx: Transaction, slack_channel: str, now: datetime) -> None:
    """Marks a channel as open after a successful post."""
    row = workspace.known_channel(tx, slack_channel)
    if row and row.suspended_at is not None:
        row.suspended_at, row.suspended_why = None, ""
        log.record(tx, EventKind.CHANNEL_RESUMED, now, slack_channel=slack_channel)
        _tell_admins(tx, row, OPENED, now)


def _tell_admins(tx: Transaction, row: DeskChannel, words: str, now: datetime) -> None:
    """Tells the named admins and the person who invited the bot."""
    post = Post(PostKind.TOLD, words, mentions=(row.slack_channel,))
    for desk_id in sorted({*preferences.admins(tx), row.added_by} - {""}):
        outbox.tell(tx, desk_id, post, now)
