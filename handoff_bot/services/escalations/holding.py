"""Escalation limits: a surge of anonymous visitors must not keep agents from other customers.

A customer over the limit is informed and keeps the assistant. Held escalations start when the
limit's period is over, oldest first. One digest in the queue channel reports how many are held.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.escalations import CONVERSATION, EscalationLimits
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Judgement
from handoff_bot.domain.text import many
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import customer_texts, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.services.outbox import outbox, slack_channels
from handoff_bot.services.settings import rule_lists
from handoff_bot.storage import log, queue, tallies
from handoff_bot.storage.models import Conversation, HeldEscalation, Message
from handoff_bot.storage.transaction import Transaction

LET_IN = "held.in"
DIGEST = "held.digest"
LANE = "tick:held"
GATHER = timedelta(seconds=10)
"""How long a digest waits for further held escalations."""
DIGEST_EVERY = timedelta(minutes=10)
TOLD = (
    "{who} for an agent at the same time, more than the limit for one network. The AI "
    "keeps answering, and they join the queue as the limits for anonymous visitors allow. "
    "Other customers are not delayed."
)

_JUDGEMENT = TypeAdapter(Judgement)


class Holding:
    """Decides which escalations are held, in the transaction that evaluated the message."""

    def __init__(self, limits: EscalationLimits, channels: Channels) -> None:
        self._limits = limits
        self._channels = channels

    def refusal(self, tx: Transaction, conversation: Conversation, now: datetime) -> str:
        """Counts an escalation and returns the group whose limit refuses it, or "".

        Later customers of a group wait behind earlier ones.
        """
        if rule_lists.detection_rules(tx).is_vip(conversation.address):
            return ""
        waiting = queue.held_of(tx, conversation.id)
        if waiting:
            return waiting.refused_by
        groups = _groups(conversation)
        return queue.awaited(tx, groups) or tallies.take(tx, self._limits.for_all(groups), now)

    def still_refused(self, tx: Transaction, conversation: Conversation, now: datetime) -> str:
        """Same as `refusal`, for a held escalation whose turn has come."""
        return tallies.take(tx, self._limits.for_all(_groups(conversation)), now)

    def hold(
        self,
        tx: Transaction,
        conversation: Conversation,
        message: Message,
        judgement: Judgement,
        tried: str,
        refused_by: str,
        now: datetime,
    ) -> None:
        """Holds the escalation and tells the customer. Asking again while held changes nothing."""
        if queue.held_of(tx, conversation.id) is None:
            tx.add(
                HeldEscalation(
                    conversation_id=conversation.id,
                    message_id=message.id,
                    refused_by=refused_by,
                    judgement=_JUDGEMENT.dump_python(judgement, mode="json"),
                    tried=tried,
                    held_at=now,
                )
            )
            log.record(
                tx,
                EventKind.ESCALATION_HELD,
                now,
                conversation=conversation,
                message_id=message.id,
                channel=conversation.channel,
                limit=refused_by.partition(":")[0],
            )
            self.let_in_later(tx, refused_by, now)
            _announce(tx, now)
        if conversation.opted_out_at:
            return
        words = customer_texts.say(tx, Moment.BUSY, conversation, now)
        sending.say(
            tx,
            conversation,
            OutboundDraft(words, Author.SYSTEM, epoch_bound=True),
            self._channels,
            now,
        )

    def let_in_later(self, tx: Transaction, group: str, now: datetime) -> None:
        """Enqueues a check at the end of the group's current period."""
        quota = self._limits.of(group)
        name = f"{group}:{quota.window(now) + 1}"
        # One lane per period: in a shared lane, this period's check would wait behind the next
        # one's.
        payload = {"group": group}
        lane, key = f"{LANE}:{name}", f"{LET_IN}:{name}"
        # The key is free again when the check begins: a process whose clock is behind may request
        # it later.
        enqueue_job(tx, NewJob(LET_IN, lane, payload, quota.ends(now), key=key, coalesce=True))


def _groups(conversation: Conversation) -> list[str]:
    return [f"{CONVERSATION}:{conversation.id}", *conversation.counted_with]


def judgement_of(row: HeldEscalation) -> Judgement:
    return _JUDGEMENT.validate_python(row.judgement)


def _announce(tx: Transaction, now: datetime) -> None:
    """Enqueues one digest for several minutes; the board always shows the number."""
    number = int(now.timestamp() // DIGEST_EVERY.total_seconds())
    enqueue_job(tx, NewJob(DIGEST, f"{LANE}:{DIGEST}", {}, now + GATHER, key=f"{DIGEST}:{number}"))
    outbox.update_board(tx, now)


class Digest(TransactionJob):
    """Posts in the queue channel how many customers are held."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        count = queue.count_held(tx)
        if not count:
            return
        who = many(count, "customer asks", "customers ask")
        post = Post(PostKind.TOLD, TOLD.format(who=who), button=Button.SHOW_QUEUE, value="held")
        outbox.tell(tx, slack_channels.queue_channel(tx), post, self._clock.now())
