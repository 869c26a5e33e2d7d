"""Enqueues Slack jobs and mood checks, and tells subscribers about changes of escalations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Button, EphemeralMessage, Post, PostKind
from handoff_bot.domain.detection import Rules
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Mood
from handoff_bot.jobs import store
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.ports import Clock, Detector
from handoff_bot.services.settings import rule_lists
from handoff_bot.storage import deliveries, escalations
from handoff_bot.storage.models import (
    Agent,
    Conversation,
    DeskPost,
    Escalation,
    Message,
    Note,
    Ticket,
)
from handoff_bot.storage.transaction import Transaction

# -- subscribers to escalation changes
# They run in the same transaction.


@dataclass(frozen=True)
class EscalationChanged:
    """An escalation has just started or changed; its rows already show it.

    Attributes:
        tx: the transaction of the change. Slow work is enqueued, never done here.
        step: None when the escalation has just started.
        agent: who took the action; None when the escalation has just started.
    """

    tx: Transaction
    escalation: Escalation
    conversation: Conversation
    ticket: Ticket
    step: Step | None
    agent: Agent | None
    now: datetime


class Subscriber(Protocol):
    """Called for each escalation change."""

    def __call__(self, change: EscalationChanged) -> None:
        """Enqueues the follow-up work."""


# -- mood checks: which posted messages are evaluated for the customer's mood
# Messages are evaluated after they are posted, one at a time, and only if the cheap check (half a
# millisecond, no transaction) does not find them calm.

MOOD = "mood"
RULES_KEEP = timedelta(seconds=10)
"""Maximum age of the rules that the cheap check uses."""

IN_DOUBT, ALWAYS = "in doubt", "always"


def mood_check_of(escalation: Escalation) -> str:
    """Returns when messages are evaluated: ALWAYS, or IN_DOUBT while the customer is calm."""
    return IN_DOUBT if escalation.mood in ("", Mood.CALM) else ALWAYS


def ask_for_mood(tx: Transaction, escalation_id: int, now: datetime) -> None:
    """Enqueues evaluating the customer's last message."""
    key = f"mood:{escalation_id}"
    payload = {"escalation_id": escalation_id}
    enqueue_job(tx, NewJob(MOOD, key, payload, due_at=now, key=key, coalesce=True))


def ask_for_mood_of(
    tx: Transaction, escalation: Escalation, message: Message, now: datetime, *, read: bool = False
) -> None:
    """Enqueues evaluating this message even if later ones follow: its translation needs the language.

    Args:
        read: True once its files were read, so that it is evaluated again.
    """
    lane = f"mood:{escalation.id}"
    payload = {"escalation_id": escalation.id, "message_id": message.id}
    key = f"mood:of:{message.id}" + (":read" if read else "")
    enqueue_job(tx, NewJob(MOOD, lane, payload, due_at=now, key=key))


class MoodCheck:
    """The cheap check of posted messages."""

    def __init__(self, detector: Detector, clock: Clock) -> None:
        self._detector = detector
        self._clock = clock
        self._rules = Rules()
        self._rules_until: datetime | None = None
        self.is_busy: Callable[[], bool] = lambda: False
        """Returns whether messages are waiting; their moods are not evaluated then."""

    def refresh(self, tx: Transaction) -> None:
        """Reads the admins' rules again if they are too old."""
        now = self._clock.now()
        if self._rules_until is None or now >= self._rules_until:
            self._rules, self._rules_until = rule_lists.detection_rules(tx), now + RULES_KEEP

    def may_matter(self, texts: Iterable[str]) -> bool:
        """Returns whether evaluating a calm customer's texts could change anything. Needs no
        transaction.
        """
        return not self.is_busy() and any(
            self._rules.phrase_in(text) or self._detector.may_matter(text) for text in texts
        )


# -- Slack jobs: cards, posts, ephemeral messages, delivery reactions and the board
# Three kinds of lanes keep messages from waiting for updates. `desk:` carries a thread's messages
# in order. `draw:` updates cards, reactions and the board, of which only the latest state matters.
# `whisper:` carries ephemeral messages.

CARD = "desk.card"
POST = "desk.post"
UPDATE_CARD = "desk.update"
BOARD = "desk.board"
MARK = "desk.mark"
EPHEMERAL = "desk.ephemeral"
TELL = "desk.tell"
REPLACE = "desk.replace"
POST_ADAPTER = TypeAdapter(Post)
LAPSED = "Lapsed at {time}."


def post_card(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """Enqueues a new escalation's card; later messages are posted in its thread."""
    payload = {"escalation_id": escalation.id}
    enqueue_job(tx, NewJob(CARD, _thread_lane(escalation.id), payload, due_at=now))
    update_board(tx, now)


def post_card_again(
    tx: Transaction, escalation: Escalation, now: datetime, key: str, why: str = ""
) -> None:
    """Enqueues another card, once for each key. Messages for the thread wait for it; `why` is
    posted in it.
    """
    lane, number = card_lane(escalation.id), escalation.id
    payload = {"escalation_id": number}
    enqueue_job(tx, NewJob(CARD, lane, payload, due_at=now, key=key, high_priority=True))
    if why:
        said = payload | {"post": POST_ADAPTER.dump_python(Post(PostKind.NOTICE, why))}
        enqueue_job(tx, NewJob(POST, lane, said, due_at=now, key=f"{key}:why"))


def card_lane(escalation_id: int) -> str:
    """Returns the lane of a card that is posted again, separate from the lane of its thread."""
    return f"{_thread_lane(escalation_id)}:card"


def post(
    tx: Transaction,
    escalation: Escalation,
    what: Post,
    now: datetime,
    message: Message | None = None,
    key: str | None = None,
    judged: str = "",
    inbound: Message | None = None,
) -> None:
    """Enqueues a post in an escalation's thread, in order, once for each key.

    `message` is the agent's message that receives delivery reactions. `judged` says when the
    customer's mood is evaluated (`mood_check_of`); `inbound` is the customer's message.
    """
    payload = {"escalation_id": escalation.id, "post": POST_ADAPTER.dump_python(what)}
    if message:
        payload["message_id"] = message.id
    if judged:
        payload["judged"] = judged
    if inbound:
        payload["inbound"] = inbound.id
    # A state change: an agent has acted and looks at the thread.
    high_priority = what.kind is PostKind.NOTICE
    lane = _thread_lane(escalation.id)
    enqueue_job(tx, NewJob(POST, lane, payload, due_at=now, key=key, high_priority=high_priority))


def unposted(tx: Transaction, escalation_id: int) -> list[int]:
    """Returns the customer's messages that are not in the thread yet, so that no agent can have
    seen them.
    """
    waiting = store.waiting(tx, _thread_lane(escalation_id))
    return [int(job.payload["inbound"]) for job in waiting if "inbound" in job.payload]


def notice(tx: Transaction, escalation: Escalation, text: str, now: datetime) -> None:
    """Posts a status line in the thread."""
    post(tx, escalation, Post(PostKind.NOTICE, text), now)


def resolved(tx: Transaction, escalation: Escalation, text: str, now: datetime) -> None:
    """Posts that the escalation is resolved, with a button for "Escalated too late"."""
    words = Post(PostKind.NOTICE, text, button=Button.SOONER, value=str(escalation.id))
    post(tx, escalation, words, now)


def update_card(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """Enqueues an update of the card and the board."""
    update_card_of(tx, escalation.id, now)


def update_card_of(tx: Transaction, escalation_id: int, now: datetime) -> None:
    """Same as `update_card`, by the escalation's id."""
    key = f"draw:card:{escalation_id}"
    payload = {"escalation_id": escalation_id}
    enqueue_job(tx, NewJob(UPDATE_CARD, key, payload, due_at=now, key=key, coalesce=True))
    update_board(tx, now)


def update_board(tx: Transaction, now: datetime) -> None:
    enqueue_job(tx, NewJob(BOARD, "draw:board", {}, due_at=now, key="draw:board", coalesce=True))


def ephemeral(tx: Transaction, what: EphemeralMessage, now: datetime) -> None:
    """Enqueues an ephemeral message to one agent in a thread."""
    lane = f"whisper:{what.place.slack_channel}:{what.place.ts}"
    enqueue_job(tx, NewJob(EPHEMERAL, lane, asdict(what), due_at=now))


def tell(
    tx: Transaction,
    to: str,
    what: Post,
    now: datetime,
    key: str | None = None,
    about: Escalation | None = None,
    *,
    alarm: bool = False,
    until: datetime | None = None,
) -> None:
    """Enqueues a message to a person (Slack id) or a channel ("": the queue channel), once for each
    key.

    `about` adds a link to that escalation's thread. A failed `alarm` raises no further alarm. An
    offer lapses at `until`: it is not posted afterwards.
    """
    payload: dict[str, object] = {
        "to": to,
        "post": POST_ADAPTER.dump_python(what),
        "about": about.id if about else None,
    }
    if alarm:
        payload["alarm"] = True
    if until:
        payload["until"] = until.isoformat()
    enqueue_job(tx, NewJob(TELL, f"tell:{to}", payload, due_at=now, key=key))


def replace_message(
    tx: Transaction, told: DeskPost, what: Post, now: datetime, *, once: bool = True
) -> None:
    """Enqueues the replacement of a message that `tell` posted. Only the first one counts, unless
    `once` is False.
    """
    # `about` finds the job when the customer is forgotten: the location is deleted before.
    payload = {
        "told": told.id,
        "post": POST_ADAPTER.dump_python(what),
        "about": told.escalation_id,
    }
    lane = f"draw:told:{told.work_id}"
    key = f"replaced:{told.work_id}" if once else None
    enqueue_job(tx, NewJob(REPLACE, lane, payload, due_at=now, key=key))


def delivery_updated(tx: Transaction, message: Message, now: datetime) -> None:
    """Updates the delivery reaction on an agent's reply; the assistant's messages have none."""
    if message.author != Author.AGENT or not message.desk_ts:
        return
    key = f"draw:mark:{message.id}"
    payload = {"message_id": message.id}
    enqueue_job(tx, NewJob(MARK, key, payload, due_at=now, key=key, coalesce=True))


def note_updated(tx: Transaction, note: Note, now: datetime) -> None:
    """Updates the reaction on a note in a thread: it has one until it is sent as a reply."""
    if note.revision:
        return  # of a modal, or another version of a message that has a mark
    key = f"draw:mark:note:{note.id}"
    payload = {"note_id": note.id}
    enqueue_job(tx, NewJob(MARK, key, payload, due_at=now, key=key, coalesce=True))


def delivery_failed(
    tx: Transaction, message: Message, words: str, now: datetime, *, use_template: bool = False
) -> bool:
    """Posts that a message was not delivered, with Retry or a template.

    Returns False if there is no thread.
    """
    delivery_updated(tx, message, now)
    escalation = (
        escalations.get(tx, message.escalation_id)
        if message.escalation_id
        else escalations.open_of(tx, message.conversation_id)
    )
    if escalation is None:
        return False
    failure = Post(
        PostKind.FAILURE,
        f"{words}\n“{_shortened(message.text or _files(message))}”",
        button=Button.RETRY,
        value=str(message.id),
        buttons=(Button.USE_TEMPLATE,) if use_template else (),
    )
    # Parts that fail one after another are one failure; after a Retry there are new parts.
    first = deliveries.first_failed(tx, message.id)
    post(tx, escalation, failure, now, key=f"failed:{message.id}:{first}")
    return True


def _files(message: Message) -> str:
    return ", ".join(one.get("name", "") for one in message.media)


def _shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def _thread_lane(escalation_id: int) -> str:
    return f"desk:{escalation_id}"
