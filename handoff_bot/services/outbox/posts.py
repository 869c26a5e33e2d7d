"""Jobs that post to Slack exactly once: after a crash, they look for the post first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter

from handoff_bot.domain.desk import EphemeralMessage, Place, Post, PostKind
from handoff_bot.domain.errors import DeskClosed, DeskUnsure
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.signals import Priority
from handoff_bot.jobs import handler, store
from handoff_bot.jobs.handler import JobKind
from handoff_bot.jobs.job import Job
from handoff_bot.jobs.rate_limits import Cost
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.outbox import (
    alarms,
    outbox,
    slack_channels,
    slack_job,
    team_mention,
    view_models,
)
from handoff_bot.services.outbox.slack_job import (
    CardPlan,
    DeskHandler,
    InThread,
    mark_of,
)
from handoff_bot.services.outbox.updates import (
    UpdateBoard,
    UpdateCard,
    UpdateDeliveryReaction,
    UpdateMessage,
    gone_is_final,
)
from handoff_bot.storage import conversations, escalations, log
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import DeskPost, DeskThread, Message
from handoff_bot.storage.transaction import Transaction

_EPHEMERAL = TypeAdapter(EphemeralMessage)

TOLD_TEAM = "the assignee, the queue channel and the admins"
SOON_TOLD = 3
"""Number of tries after which an unknown error is reported, even if it may be temporary."""

SAID: dict[PostKind, str] = {
    PostKind.CONTACT: "A message from the customer",
    PostKind.OURS: "A copy of an automatic message to the customer",
    PostKind.FAILURE: "A message that was not delivered to the customer",
}
OTHER = "A message to the team"


@dataclass(frozen=True)
class PostedCard:
    """Where a card is, and whom it mentions."""

    place: Place
    mentions: tuple[str, ...] = ()


class PostCard(DeskHandler[CardPlan, PostedCard]):
    """Posts a new escalation's card."""

    told = TOLD_TEAM

    def cost(self, tx: Transaction, job: Job) -> Cost:
        """Counts as a message, within the limit for new cards."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation is None:
            return ()
        where = escalation.slack_channel or self._desk.queue_channel
        sender = conversations.get(tx, escalation.conversation_id)
        return slack_job.new_card(escalation, where, is_strangers=bool(sender.counted_with))

    def prepare(self, tx: Transaction, job: Job) -> CardPlan | None:
        """Returns the card, or None if it was already posted."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or escalations.thread_of(tx, escalation.id):
            return None
        card = view_models.card(tx, escalation)
        mentions = team_mention.of_card(tx, escalation, self._clock.now())
        return CardPlan(replace(card, mentions=mentions), None, mark_of(job))

    def call(self, plan: CardPlan) -> PostedCard:
        """Posts the card."""
        card = plan.card
        where = card.slack_channel or self._desk.queue_channel
        mentions = tuple(team_mention.awake(self._desk, where, one) for one in card.mentions)
        place = self._desk.render_card(replace(card, mentions=mentions), None, plan.mark)
        return PostedCard(place, mentions)

    def recover(self, job: Job, begun_at: datetime) -> tuple[CardPlan, PostedCard] | None:
        """Looks for the card in its channel."""
        with self._database.read() as tx:
            escalation = escalations.get(tx, int(job.payload["escalation_id"]))
            card = view_models.card(tx, escalation) if escalation else None
        if card is None:
            return None
        place = self._desk.find_card(mark_of(job), begun_at, card.slack_channel)
        return (CardPlan(card, None, mark_of(job)), PostedCard(place)) if place else None

    def on_retry(self, tx: Transaction, job: Job, plan: CardPlan | None, error: Exception) -> None:
        """Posts the card elsewhere if its channel is closed."""
        if isinstance(error, DeskUnsure) and job.attempts + 1 >= SOON_TOLD:
            self._is_unsure(tx, job, error)
        if plan is None or not isinstance(error, DeskClosed):
            return
        where = plan.card.slack_channel or self._desk.queue_channel
        slack_channels.closed(tx, where, str(error), self._clock.now())
        escalation = escalations.get(tx, plan.card.escalation_id)
        if escalation:
            escalation.slack_channel = slack_channels.channel_for(tx, Priority(escalation.priority))

    def _is_unsure(self, tx: Transaction, job: Job, error: Exception) -> None:
        """Reports early: no agent sees the customer until the card is posted."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation:
            now, why = self._clock.now(), alarms.why(error)
            alarms.no_card(tx, escalation, why, now, f"card:{job.id}:waits", waits=True)

    def on_failed(self, tx: Transaction, job: Job, plan: CardPlan | None, error: Exception) -> None:
        """Tries another channel. If that fails too, tells the team without a card."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or escalations.thread_of(tx, escalation.id):
            return
        now = self._clock.now()
        if escalation.slack_channel not in ("", self._desk.queue_channel):
            escalation.slack_channel = ""
            outbox.post_card_again(tx, escalation, now, f"card:elsewhere:{job.id}")
        else:
            alarms.no_card(
                tx, escalation, alarms.why(error), now, f"card:{job.id}:{now.timestamp()}"
            )

    def finish(self, tx: Transaction, job: Job, plan: CardPlan, result: PostedCard) -> None:
        """Stores the card's location. Updates the card if the escalation changed while it was being
        posted.
        """
        if job.attempts:
            slack_channels.opened(tx, result.place.slack_channel, self._clock.now())
        found = escalations.get(tx, plan.card.escalation_id)
        if found is None:
            return
        conversations.hold(tx, found.conversation_id)
        # Read again: a claim may have committed in the meantime, when no card existed to update.
        escalation = escalations.get(tx, plan.card.escalation_id) or found
        now = self._clock.now()
        tx.add(
            DeskThread(
                escalation_id=escalation.id,
                slack_channel=result.place.slack_channel,
                ts=result.place.ts,
                created_at=now,
            )
        )
        log.record(
            tx, EventKind.CARD_POSTED, now, escalation=escalation, mentions=[*result.mentions]
        )
        handler.settle_failed(tx, outbox.CARD, now, escalation_id=escalation.id)
        outbox.update_board(tx, now)
        if view_models.card(tx, escalation) != replace(plan.card, mentions=result.mentions):
            outbox.update_card(tx, escalation, now)


@dataclass(frozen=True)
class PostPlan:
    """One message for a thread.

    `judged` is the strongest value of `outbox.mood_check_of` among its parts.
    """

    thread: Place
    posts: tuple[Post, ...]
    mark: str
    judged: str = ""


@dataclass(frozen=True)
class Posted:
    """Where the message was posted, and whether to evaluate the customer's mood."""

    place: Place
    is_judged: bool


class PostInThread(InThread[PostPlan, Posted]):
    """Posts in an escalation's thread, together with other waiting posts for it."""

    batches = True
    chained = True
    told = TOLD_TEAM

    def __init__(
        self, database: Database, desk: Desk, clock: Clock, mood_of: outbox.MoodCheck
    ) -> None:
        super().__init__(database, desk, clock)
        self._moods = mood_of

    def cost(self, tx: Transaction, job: Job) -> Cost:
        thread = escalations.place_of(tx, int(job.payload["escalation_id"]))
        return slack_job.in_thread(thread.slack_channel, job) if thread else ()

    def batch(self, tx: Transaction, job: Job) -> tuple[Job, ...]:
        """Returns the following posts by the same speaker."""
        return slack_job.batch(tx, job, self._clock.now())

    def prepare(self, tx: Transaction, job: Job) -> PostPlan | None:
        place = self.place(tx, job)
        return self._plan(tx, job, place) if place else None

    def _plan(self, tx: Transaction, job: Job, place: Place) -> PostPlan:
        posts = tuple(slack_job.post_of(each) for each in (job, *job.more))
        judged = {each.payload.get("judged") for each in (job, *job.more)}
        which = next((one for one in (outbox.ALWAYS, outbox.IN_DOUBT) if one in judged), "")
        if which == outbox.IN_DOUBT:
            self._moods.refresh(tx)
        return PostPlan(place, posts, mark_of(job), which)

    def call(self, plan: PostPlan) -> Posted:
        """Posts the message; the mood is only evaluated afterwards."""
        return self._posted(plan, self._desk.post(plan.thread, plan.posts, plan.mark))

    def _posted(self, plan: PostPlan, place: Place) -> Posted:
        if plan.judged == outbox.ALWAYS:
            return Posted(place, is_judged=not self._moods.is_busy())
        in_doubt = plan.judged == outbox.IN_DOUBT
        words = (post.text for post in plan.posts)
        return Posted(place, is_judged=in_doubt and self._moods.may_matter(words))

    def on_retry(self, tx: Transaction, job: Job, plan: PostPlan | None, error: Exception) -> None:
        """Waits. Tells the team early about an unknown error, and the assignee in any case."""
        super().on_retry(tx, job, plan, error)
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or job.attempts + 1 < SOON_TOLD or _is_transcript(job):
            return
        post, now, why = slack_job.post_of(job), self._clock.now(), alarms.why(error)
        what, key = SAID.get(post.kind, OTHER), f"post:{job.id}:waits"
        if isinstance(error, DeskUnsure):
            alarms.not_shown(tx, escalation, what, post.text, why, now, key, waits=True)
        elif isinstance(error, DeskClosed) and post.kind is PostKind.CONTACT:
            alarms.held_up(tx, escalation, what, post.text, why, now, key)

    def on_failed(self, tx: Transaction, job: Job, plan: PostPlan | None, error: Exception) -> None:
        """Tells the team what the thread does not show."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or _is_transcript(job):
            return
        post, now = slack_job.post_of(job), self._clock.now()
        what, key = SAID.get(post.kind, OTHER), f"post:{job.id}:{now.timestamp()}"
        alarms.not_shown(tx, escalation, what, post.text, alarms.why(error), now, key)

    def finish(self, tx: Transaction, job: Job, plan: PostPlan, result: Posted) -> None:
        """Stores the post's location for the delivery reactions on an agent's message."""
        now, place = self._clock.now(), result.place
        if job.attempts:
            slack_channels.opened(tx, place.slack_channel, now)
        if result.is_judged:
            outbox.ask_for_mood(tx, int(job.payload["escalation_id"]), now)
        shown = job.payload.get("message_id")
        message = tx.session.get(Message, shown) if shown else None
        if message and message.desk_ts is None:
            message.desk_channel, message.desk_ts = place.slack_channel, place.ts
            outbox.delivery_updated(tx, message, now)

    def recover(self, job: Job, begun_at: datetime) -> tuple[PostPlan, Posted] | None:
        """Looks for the post in the thread. Batched posts are in the same message."""
        with self._database.read() as tx:
            at = escalations.place_of(tx, int(job.payload["escalation_id"]))
            plan = self._plan(tx, job, at) if at else None
        place = self._desk.find_post(plan.thread, plan.mark, begun_at) if plan else None
        return (plan, self._posted(plan, place)) if plan and place else None


def _is_transcript(job: Job) -> bool:
    """Whether it only repeats what View conversation shows, so that no alarm is worth its loss."""
    return slack_job.post_of(job).kind is PostKind.TRANSCRIPT


class PostEphemeral(DeskHandler[EphemeralMessage, None]):
    """Posts an ephemeral message to one agent. At least once: a duplicate after a crash is harmless."""

    repeatable = True
    told = "the agent, in a direct message"

    def cost(self, tx: Transaction, job: Job) -> Cost:
        """All ephemeral messages share one budget."""
        return slack_job.EPHEMERAL

    def prepare(self, tx: Transaction, job: Job) -> EphemeralMessage:
        return _EPHEMERAL.validate_python(job.payload)

    def call(self, plan: EphemeralMessage) -> None:
        with gone_is_final():
            self._desk.ephemeral(plan)

    def on_failed(
        self, tx: Transaction, job: Job, plan: EphemeralMessage | None, error: Exception
    ) -> None:
        """Sends it as a direct message instead."""
        lost = plan or _EPHEMERAL.validate_python(job.payload)
        post = Post(PostKind.TOLD, lost.text, value=lost.value, buttons=lost.buttons)
        outbox.tell(tx, lost.desk_id, post, self._clock.now(), key=f"whisper:{job.id}")


@dataclass(frozen=True)
class MessagePlan:
    """A message for a person or a Slack channel."""

    to: str
    post: Post
    mark: str


class PostMessage(DeskHandler[MessagePlan, Place]):
    """Posts outside threads. At least once: a duplicate after a crash is harmless."""

    repeatable = True
    told = "the queue channel and the admins; an alarm nobody, for it is one of several"

    def _to(self, tx: Transaction, job: Job) -> str:
        to = str(job.payload["to"])
        return to or slack_channels.queue_channel(tx) or self._desk.queue_channel

    def cost(self, tx: Transaction, job: Job) -> Cost:
        return slack_job.telling(self._to(tx, job))

    def prepare(self, tx: Transaction, job: Job) -> MessagePlan | None:
        """Returns the message; None for an offer that has lapsed before it was posted."""
        if self._has_lapsed(tx, job):
            return None
        post = slack_job.post_of(job)
        about = job.payload.get("about")
        place = escalations.place_of(tx, about) if about else None
        if place:
            post = replace(post, about=place)
        return MessagePlan(self._to(tx, job), post, mark_of(job))

    def _has_lapsed(self, tx: Transaction, job: Job) -> bool:
        until = job.payload.get("until")
        if until is None:
            return False
        escalation = escalations.get(tx, int(job.payload["about"]))
        is_over = datetime.fromisoformat(until) <= self._clock.now()
        return is_over or escalation is None or escalation.status != Status.QUEUED

    def call(self, plan: MessagePlan) -> Place:
        return self._desk.tell(plan.to, plan.post, plan.mark)

    def on_retry(
        self, tx: Transaction, job: Job, plan: MessagePlan | None, error: Exception
    ) -> None:
        """Waits for the closed channel and tells the admins why."""
        if plan and isinstance(error, DeskClosed) and plan.to.startswith(("C", "G")):
            slack_channels.closed(tx, plan.to, str(error), self._clock.now())

    def finish(self, tx: Transaction, job: Job, plan: MessagePlan, result: Place) -> None:
        """Marks the channel as open again. Remembers where it is, for when it must be deleted or
        replaced.
        """
        now = self._clock.now()
        if job.attempts:
            slack_channels.opened(tx, result.slack_channel, now)
        about = job.payload.get("about")
        if about:
            told = DeskPost(
                work_id=job.id,
                escalation_id=int(about),
                slack_channel=result.slack_channel,
                ts=result.ts,
                created_at=now,
            )
            tx.add(told)
            if self._has_lapsed(tx, job):
                outbox.replace_message(tx, told, plan.post.ended(outbox.LAPSED, now), now)
        else:
            # Its text may name customers, and no id in it finds it when they are forgotten.
            store.keep_of_payload(tx, job, "to")

    def on_failed(
        self, tx: Transaction, job: Job, plan: MessagePlan | None, error: Exception
    ) -> None:
        """Tells the other recipients instead."""
        alarms.untold(tx, job, slack_job.post_of(job), alarms.why(error), self._clock.now())


def desk_job_kinds(
    database: Database, desk: Desk, clock: Clock, mood_of: outbox.MoodCheck
) -> tuple[JobKind, ...]:
    return (
        JobKind(outbox.CARD, PostCard(database, desk, clock), "desk"),
        JobKind(outbox.POST, PostInThread(database, desk, clock, mood_of), "desk"),
        JobKind(
            outbox.UPDATE_CARD, UpdateCard(database, desk, clock), "draw", formerly="desk.redraw"
        ),
        JobKind(outbox.BOARD, UpdateBoard(database, desk, clock), "draw"),
        JobKind(outbox.MARK, UpdateDeliveryReaction(database, desk, clock), "draw"),
        JobKind(
            outbox.EPHEMERAL,
            PostEphemeral(database, desk, clock),
            "whisper",
            formerly="desk.whisper",
        ),
        JobKind(outbox.TELL, PostMessage(database, desk, clock), "tell"),
        JobKind(outbox.REPLACE, UpdateMessage(database, desk, clock), "draw"),
    )
