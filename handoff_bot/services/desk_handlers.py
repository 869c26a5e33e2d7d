"""Runs the desk's work: posts once (looking first after a crash), redraws as often as needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter

from handoff_bot.domain.delivery import DeliveryStatus, overall
from handoff_bot.domain.desk import Board, Card, Place, Post, Whisper
from handoff_bot.ports import Clock, Desk
from handoff_bot.services import deskwork, views
from handoff_bot.services.runner import AnyHandler, Handler
from handoff_bot.storage import conversations, deliveries, escalations, log
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import DeskThread, Message
from handoff_bot.storage.transaction import Job, Transaction

Plan = TypeVar("Plan")
Result = TypeVar("Result")

_POST = TypeAdapter(Post)
_WHISPER = TypeAdapter(Whisper)
_PLACE = TypeAdapter(Place)
BOARD_PLACE = "board.place"


class DeskHandler(Handler[Plan, Result]):
    """What all of them share. The desk is waited for: it is where people look for what failed."""

    give_up_after = timedelta(days=7)

    def __init__(self, database: Database, desk: Desk, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock


def mark_of(job: Job) -> str:
    """Our own id of a post, by which it is found at the desk after a crash."""
    return f"work-{job.id}"


@dataclass(frozen=True)
class CardPlan:
    """A card to draw; `at` None for a new one."""

    card: Card
    at: Place | None
    mark: str


class PostCard(DeskHandler[CardPlan, Place]):
    """Posts a new escalation's card."""

    def prepare(self, tx: Transaction, job: Job) -> CardPlan | None:
        """The card, unless it is there already."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or escalations.thread_of(tx, id_of(escalation)):
            return None
        return CardPlan(views.card(tx, escalation), None, mark_of(job))

    def call(self, plan: CardPlan) -> Place:
        """Post it."""
        return self._desk.draw_card(plan.card, None, plan.mark)

    def recover(self, job: Job, begun_at: datetime) -> tuple[CardPlan, Place] | None:
        """Look for it in its channel."""
        with self._database.read() as tx:
            escalation = escalations.get(tx, int(job.payload["escalation_id"]))
            card = views.card(tx, escalation) if escalation else None
        if card is None:
            return None
        place = self._desk.find_card(mark_of(job), begun_at, card.slack_channel)
        return (CardPlan(card, None, mark_of(job)), place) if place else None

    def finish(self, tx: Transaction, job: Job, plan: CardPlan, result: Place) -> None:
        """Remember where it is; if the escalation changed while it was being posted, redraw it."""
        found = escalations.get(tx, plan.card.escalation_id)
        if found is None:
            return
        conversations.hold(tx, found.conversation_id)
        # Read again: a claim may have committed while we waited, and its redraw found no card yet.
        escalation = escalations.get(tx, plan.card.escalation_id) or found
        now = self._clock.now()
        tx.add(
            DeskThread(
                escalation_id=id_of(escalation),
                slack_channel=result.slack_channel,
                ts=result.ts,
                created_at=now,
            )
        )
        log.record(tx, "card.posted", now, escalation=escalation)
        deskwork.redraw_board(tx, now)
        if views.card(tx, escalation) != plan.card:
            deskwork.redraw(tx, escalation, now)


class RedrawCard(DeskHandler[CardPlan, Place]):
    """Brings a card up to date; the latest state is all that matters."""

    repeatable = True
    coalesces = True

    def prepare(self, tx: Transaction, job: Job) -> CardPlan | None:
        """The card as it is now; a card that was not posted yet will show the latest state anyway."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        thread = escalations.thread_of(tx, int(job.payload["escalation_id"]))
        if escalation is None or thread is None:
            return None
        return CardPlan(views.card(tx, escalation), Place(thread.slack_channel, thread.ts), "")

    def call(self, plan: CardPlan) -> Place:
        """Redraw it."""
        return self._desk.draw_card(plan.card, plan.at, plan.mark)


@dataclass(frozen=True)
class PostPlan:
    """Something to say in a thread."""

    thread: Place
    post: Post
    mark: str


class PostInThread(DeskHandler[PostPlan, Place]):
    """Says something in an escalation's thread."""

    def prepare(self, tx: Transaction, job: Job) -> PostPlan | None:
        """Where and what. The lane has posted the card before."""
        return self._plan(tx, job)

    def _plan(self, tx: Transaction, job: Job) -> PostPlan | None:
        thread = escalations.thread_of(tx, int(job.payload["escalation_id"]))
        if thread is None:
            return None
        post = _POST.validate_python(job.payload["post"])
        return PostPlan(Place(thread.slack_channel, thread.ts), post, mark_of(job))

    def call(self, plan: PostPlan) -> Place:
        """Post it."""
        return self._desk.post(plan.thread, plan.post, plan.mark)

    def finish(self, tx: Transaction, job: Job, plan: PostPlan, result: Place) -> None:
        """A post that shows an agent's message is where its marks go."""
        message = tx.session.get(Message, job.payload.get("message_id") or 0)
        if message and message.desk_ts is None:
            message.desk_channel, message.desk_ts = result.slack_channel, result.ts
            deskwork.delivery_moved(tx, message, self._clock.now())

    def recover(self, job: Job, begun_at: datetime) -> tuple[PostPlan, Place] | None:
        """Look for it in the thread."""
        with self._database.read() as tx:
            plan = self._plan(tx, job)
        place = self._desk.find_post(plan.thread, plan.mark, begun_at) if plan else None
        return (plan, place) if plan and place else None


class TellOne(DeskHandler[Whisper, None]):
    """Whispers to one agent. Hearing it twice after a crash is harmless, missing it is not."""

    repeatable = True

    def prepare(self, tx: Transaction, job: Job) -> Whisper:
        """What to whisper."""
        return _WHISPER.validate_python(job.payload)

    def call(self, plan: Whisper) -> None:
        """Whisper it."""
        self._desk.whisper(plan)


@dataclass(frozen=True)
class Telling:
    """Something to say to a person, or in a slack_channel."""

    to: str
    post: Post
    mark: str


class TellSomebody(DeskHandler[Telling, Place]):
    """Says something outside of threads. Hearing it twice after a crash is harmless, missing it is not."""

    repeatable = True

    def prepare(self, tx: Transaction, job: Job) -> Telling:
        """To whom, and what."""
        post = _POST.validate_python(job.payload["post"])
        about = job.payload.get("about")
        thread = escalations.thread_of(tx, about) if about else None
        if thread:
            post = replace(post, about=Place(thread.slack_channel, thread.ts))
        return Telling(job.payload["to"], post, mark_of(job))

    def call(self, plan: Telling) -> Place:
        """Say it."""
        return self._desk.tell(plan.to, plan.post, plan.mark)


@dataclass(frozen=True)
class MarkPlan:
    """How far an agent's reply has come."""

    reply: Place
    status: DeliveryStatus
    held: bool


class MarkDelivery(DeskHandler[MarkPlan, None]):
    """Marks an agent's reply with its latest delivery status."""

    repeatable = True
    coalesces = True

    def prepare(self, tx: Transaction, job: Job) -> MarkPlan | None:
        """The status as it is now."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        if message is None or not message.desk_channel or not message.desk_ts:
            return None
        parts = deliveries.current(tx, id_of(message))
        status = overall(DeliveryStatus(part.status) for part in parts)
        place = Place(message.desk_channel, message.desk_ts)
        return MarkPlan(place, status, bool(message.payload.get("held")))

    def call(self, plan: MarkPlan) -> None:
        """Mark it."""
        self._desk.mark_delivery(plan.reply, plan.status, held=plan.held)


@dataclass(frozen=True)
class BoardPlan:
    """The board to draw; `at` None until it was posted."""

    board: Board
    at: Place | None


class DrawBoard(DeskHandler[BoardPlan, Place]):
    """Keeps the one pinned message with the queue up to date."""

    coalesces = True
    MARK = "board"

    def prepare(self, tx: Transaction, job: Job) -> BoardPlan:
        """The queue as it is now."""
        return self._plan(tx)

    def _plan(self, tx: Transaction) -> BoardPlan:
        held = log.preference(tx, BOARD_PLACE, None)
        board = views.board(tx, self._clock.now())
        place = _PLACE.validate_python(held) if held else None
        if place and board.slack_channel and place.slack_channel != board.slack_channel:
            place = None  # the queue has moved: a new board where it is now
        return BoardPlan(board, place)

    def call(self, plan: BoardPlan) -> Place:
        """Draw it."""
        return self._desk.draw_board(plan.board, plan.at, self.MARK)

    def recover(self, job: Job, begun_at: datetime) -> tuple[BoardPlan, Place] | None:
        """A first board may have been posted: find it, rather than posting a second one."""
        with self._database.read() as tx:
            plan = self._plan(tx)
        if plan.at is not None:
            return None
        place = self._desk.find_card(self.MARK, begun_at, plan.board.slack_channel)
        return (plan, place) if place else None

    def finish(self, tx: Transaction, job: Job, plan: BoardPlan, result: Place) -> None:
        """Remember where it is."""
        if plan.at == result:
            return
        now = self._clock.now()
        place = {"slack_channel": result.slack_channel, "ts": result.ts}
        log.prefer(tx, BOARD_PLACE, place, "system", now)
        deskwork.redraw_board(tx, now)


def desk_handlers(database: Database, desk: Desk, clock: Clock) -> dict[str, AnyHandler]:
    """Kind of work -> what runs it."""
    kinds: dict[str, type[DeskHandler[Any, Any]]] = {
        deskwork.CARD: PostCard,
        deskwork.POST: PostInThread,
        deskwork.REDRAW: RedrawCard,
        deskwork.BOARD: DrawBoard,
        deskwork.MARK: MarkDelivery,
        deskwork.WHISPER: TellOne,
        deskwork.TELL: TellSomebody,
    }
    return {kind: make(database, desk, clock) for kind, make in kinds.items()}
