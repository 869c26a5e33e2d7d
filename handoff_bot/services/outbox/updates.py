"""Updates cards, delivery reactions and the board. Only the latest state matters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Board, Place, Post
from handoff_bot.domain.errors import DeskError, DeskGone
from handoff_bot.domain.escalations import OPEN
from handoff_bot.domain.messages import DeliveryStatus, ReplyMark, mark_of, overall
from handoff_bot.jobs.handler import ADMINS
from handoff_bot.jobs.job import Job
from handoff_bot.jobs.rate_limits import Cost
from handoff_bot.services.outbox import outbox, slack_channels, slack_job, view_models
from handoff_bot.services.outbox.slack_job import CardPlan, DeskHandler
from handoff_bot.storage import conversations, deliveries, escalations, log
from handoff_bot.storage.conversations import Marked
from handoff_bot.storage.models import DeskPost, Message, Note
from handoff_bot.storage.transaction import Transaction

_PLACE = TypeAdapter(Place)
BOARD_PLACE = "board.place"


@contextmanager
def gone_is_final() -> Iterator[None]:
    """Fails a job for good if its message or thread is gone: another try would find nothing either."""
    try:
        yield
    except DeskGone as error:
        raise DeskError(str(error), permanent=True, code=error.code) from error


class UpdateCard(DeskHandler[CardPlan, Place]):
    """Updates a card to its latest state."""

    repeatable = True
    coalesces = True
    told = "nobody: the thread says each change, and the next change draws the card again"

    def cost(self, tx: Transaction, job: Job) -> Cost:
        is_posted = escalations.thread_of(tx, int(job.payload["escalation_id"])) is not None
        return slack_job.CARD if is_posted else ()

    def prepare(self, tx: Transaction, job: Job) -> CardPlan | None:
        """Returns the current card, or None if it was not posted yet: posting shows the latest
        state anyway.
        """
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        thread = escalations.thread_of(tx, int(job.payload["escalation_id"]))
        if escalation is None or thread is None:
            return None
        return CardPlan(
            view_models.card(tx, escalation), Place(thread.slack_channel, thread.ts), ""
        )

    def call(self, plan: CardPlan) -> Place:
        try:
            return self._desk.render_card(plan.card, plan.at, plan.mark)
        except DeskGone:
            if plan.at and plan.card.status not in OPEN:
                return plan.at  # no longer needed
            raise

    def on_retry(self, tx: Transaction, job: Job, plan: CardPlan | None, error: Exception) -> None:
        """Posts a deleted card again, unless another job already did."""
        number = int(job.payload["escalation_id"])
        thread, escalation = escalations.thread_of(tx, number), escalations.get(tx, number)
        if not isinstance(error, DeskGone) or plan is None or escalation is None or thread is None:
            return
        if plan.at == Place(thread.slack_channel, thread.ts):
            self.lost(tx, job, escalation, error)


@dataclass(frozen=True)
class MarkPlan:
    """The mark that is wanted on an agent's message, and the one that Slack shows.

    `row` is the message or note, by its table and id.
    """

    reply: Place
    wanted: ReplyMark | None
    shown: ReplyMark | None
    row: Marked


class UpdateDeliveryReaction(DeskHandler[MarkPlan, None]):
    """Moves the one reaction on an agent's reply or note. Only the latest status matters, so late
    and repeated status callbacks change nothing.
    """

    repeatable = True
    coalesces = True
    told = "nobody: a message that fails is a post of its own, and the next status marks it again"

    def cost(self, tx: Transaction, job: Job) -> Cost:
        plan = self.prepare(tx, job)
        return slack_job.mark(plan.wanted, plan.shown) if plan else ()

    def prepare(self, tx: Transaction, job: Job) -> MarkPlan | None:
        """Returns None if Slack shows the wanted mark already."""
        known = (outbox.MARK, job.id)
        if known not in tx.remembered:
            is_note = "note_id" in job.payload
            plan = self._of_note(tx, job) if is_note else self._of_message(tx, job)
            tx.remembered[known] = plan if plan and plan.wanted is not plan.shown else None
        found: MarkPlan | None = tx.remembered[known]
        return found

    def _of_message(self, tx: Transaction, job: Job) -> MarkPlan | None:
        message, stages = deliveries.of_message(tx, int(job.payload["message_id"]))
        if message is None or not message.desk_channel or not message.desk_ts:
            return None
        wanted = mark_of(overall(stages), held=bool(message.payload.get("held")))
        place = Place(message.desk_channel, message.desk_ts)
        return MarkPlan(place, wanted, _shown(message.mark), (Message, message.id))

    def _of_note(self, tx: Transaction, job: Job) -> MarkPlan | None:
        """A note that was sent later is a reply, with a mark of its own."""
        note = tx.session.get(Note, int(job.payload["note_id"]))
        if note is None:
            return None
        reply = conversations.from_desk(tx, note.desk_channel, note.desk_ts)
        stages = deliveries.statuses(tx, [reply.id])[reply.id] if reply else []
        is_sent = any(stage is not DeliveryStatus.DROPPED for stage in stages)
        wanted = None if is_sent else ReplyMark.NOTE
        place = Place(note.desk_channel, note.desk_ts)
        return MarkPlan(place, wanted, _shown(note.mark), (Note, note.id))

    def call(self, plan: MarkPlan) -> None:
        with gone_is_final():
            self._desk.mark_reply(plan.reply, plan.wanted, plan.shown)

    def finish(self, tx: Transaction, job: Job, plan: MarkPlan, result: None) -> None:
        """Stores what Slack shows now."""
        conversations.set_mark(tx, *plan.row, plan.wanted.value if plan.wanted else "")


def _shown(mark: str) -> ReplyMark | None:
    return ReplyMark(mark) if mark else None


@dataclass(frozen=True)
class ReplacePlan:
    at: Place
    post: Post


class UpdateMessage(DeskHandler[ReplacePlan, None]):
    """Replaces a message that was posted outside threads, such as an offer that has lapsed."""

    repeatable = True
    told = "nobody: a click on the old message is answered by what is true then"

    def cost(self, tx: Transaction, job: Job) -> Cost:
        return slack_job.CARD

    def prepare(self, tx: Transaction, job: Job) -> ReplacePlan | None:
        """Returns None for a message that was deleted with its customer's data."""
        told = tx.session.get(DeskPost, int(job.payload["told"]))
        if told is None:
            return None
        about = escalations.place_of(tx, told.escalation_id) if told.escalation_id else None
        post = replace(slack_job.post_of(job), about=about)
        return ReplacePlan(Place(told.slack_channel, told.ts), post)

    def call(self, plan: ReplacePlan) -> None:
        with gone_is_final():
            self._desk.replace_message(plan.at, plan.post)


@dataclass(frozen=True)
class BoardPlan:
    """The board to render; `at` is None until it is posted."""

    board: Board
    at: Place | None


class UpdateBoard(DeskHandler[BoardPlan, Place]):
    """Keeps the pinned board message up to date."""

    coalesces = True
    told = ADMINS
    MARK = "board"

    def cost(self, tx: Transaction, job: Job) -> Cost:
        slack_channel = slack_channels.queue_channel(tx)
        at = _where_it_is(tx, slack_channel)
        return slack_job.board(at, slack_channel or self._desk.queue_channel)

    def prepare(self, tx: Transaction, job: Job) -> BoardPlan:
        return self._plan(tx)

    def _plan(self, tx: Transaction) -> BoardPlan:
        board = view_models.board(tx, self._clock.now())
        return BoardPlan(board, _where_it_is(tx, board.slack_channel))

    def call(self, plan: BoardPlan) -> Place:
        return self._desk.render_board(plan.board, plan.at, self.MARK)

    def on_retry(self, tx: Transaction, job: Job, plan: BoardPlan | None, error: Exception) -> None:
        """Posts a deleted board again."""
        if isinstance(error, DeskGone) and plan and plan.at:
            log.forget(tx, BOARD_PLACE)

    def recover(self, job: Job, begun_at: datetime) -> tuple[BoardPlan, Place] | None:
        """Finds a first board that may have been posted, instead of posting a second one."""
        with self._database.read() as tx:
            plan = self._plan(tx)
        if plan.at is not None:
            return None
        place = self._desk.find_card(self.MARK, begun_at, plan.board.slack_channel)
        return (plan, place) if place else None

    def finish(self, tx: Transaction, job: Job, plan: BoardPlan, result: Place) -> None:
        """Stores where the board is."""
        if plan.at == result:
            return
        now = self._clock.now()
        place = {"slack_channel": result.slack_channel, "ts": result.ts}
        log.prefer(tx, BOARD_PLACE, place, "system", now)
        outbox.update_board(tx, now)


def _where_it_is(tx: Transaction, slack_channel: str) -> Place | None:
    """Returns None if there is no board yet or the queue channel has changed; a new board is posted
    then.
    """
    held = log.preference(tx, BOARD_PLACE, None)
    place = _PLACE.validate_python(held) if held else None
    return place if place and slack_channel in ("", place.slack_channel) else None
