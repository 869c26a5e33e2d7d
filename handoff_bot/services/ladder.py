"""The waiting ladder: each rung is a row of work due when its time comes, if it still applies then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain.desk import AgentRef, Button, Post, PostKind
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.ladder import DEFAULT, Rung, RungKind, for_priority
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.texts import Moment
from handoff_bot.ports import Clock
from handoff_bot.services import availability, deskwork, hours, sending, texts
from handoff_bot.services.escalations import Escalations
from handoff_bot.services.followers import Moved
from handoff_bot.services.runner import Handler
from handoff_bot.services.sending import Channels, Words
from handoff_bot.storage import conversations, log, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Job, NewWork, Transaction

RUNG = "ladder.rung"
OFFER = "ladder.offer"
LADDER, GROUP = "ladder.rungs", "ladder.group"
OFFERED = "escalation.offered"
PATIENCE = timedelta(minutes=2)
"""How long an agent who was asked has to answer before the next one is asked."""
NOBODY = AgentRef("handoff", "Handoff")
"""Who acts when time does."""


def rungs(tx: Transaction) -> list[Rung]:
    """The ladder as admins wrote it; lines that are stored wrongly are left out."""
    found = []
    for line in log.preference(tx, LADDER, list(DEFAULT)):
        try:
            found.append(Rung.parse(str(line)))
        except ValueError:
            continue
    return found


def follow(moved: Moved) -> None:
    """Whoever begins to wait begins to climb; the hours in which nobody works do not count."""
    if moved.escalation.status != Status.QUEUED:
        return
    team = hours.of_the_team(moved.tx)
    chosen = for_priority(rungs(moved.tx), Priority(moved.escalation.priority))
    for number, rung in enumerate(chosen):
        _enqueue(moved, number, rung, team.after(moved.now, rung.after))


def _enqueue(moved: Moved, number: int, rung: Rung, due_at: datetime) -> None:
    escalation_id, epoch = id_of(moved.escalation), moved.conversation.epoch
    payload = {
        "escalation_id": escalation_id,
        "epoch": epoch,
        "kind": rung.kind.value,
        "minutes": int(rung.after.total_seconds() // 60),
    }
    name = f"{escalation_id}:{epoch}:{number}"
    moved.tx.enqueue(NewWork(RUNG, f"ladder:{name}", payload, due_at, key=f"ladder:{name}"))


@dataclass(frozen=True)
class _Waiting:
    """Somebody who still waits in the stretch that a row of work was written for."""

    tx: Transaction
    escalation: Escalation
    conversation: Conversation
    job: Job
    now: datetime


def _still_waiting(tx: Transaction, job: Job, now: datetime) -> _Waiting | None:
    """None once somebody has moved it; put off while it is snoozed."""
    found = rows.get(tx, int(job.payload["escalation_id"]))
    if found is None:
        return None
    conversation = conversations.hold(tx, found.conversation_id)
    escalation = rows.get(tx, id_of(found)) or found
    if escalation.status != Status.QUEUED or conversation.epoch != job.payload["epoch"]:
        return None
    if escalation.snoozed_until and escalation.snoozed_until > now:
        _put_off(tx, job, escalation.snoozed_until)
        return None
    return _Waiting(tx, escalation, conversation, job, now)


def _put_off(tx: Transaction, job: Job, until: datetime) -> None:
    name = f"{job.lane}:{until.timestamp():.0f}"
    tx.enqueue(NewWork(job.kind, name, job.payload, until, key=name))


class Climb(Handler[int, None]):
    """One rung. Only a return to the assistant is a step of its own, after this transaction."""

    repeatable = True

    def __init__(self, escalations: Escalations, channels: Channels, clock: Clock) -> None:
        self._escalations = escalations
        self._channels = channels
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> int | None:
        """Do what the rung says."""
        waiting = _still_waiting(tx, job, self._clock.now())
        if waiting is None:
            return None
        kind = RungKind(job.payload["kind"])
        log.record(tx, "ladder.rung", waiting.now, escalation=waiting.escalation, rung=kind.value)
        if kind is RungKind.RETURN:
            return id_of(waiting.escalation)
        _DOES[kind](self, waiting)
        return None

    def call(self, plan: int) -> None:
        """Back to the assistant."""
        self._escalations.take(Step.RETURN, plan, NOBODY)

    def remind(self, waiting: _Waiting, group: str = "") -> None:
        """Say it in the thread, to everybody or to a group."""
        text = f"Nobody has taken this for {waiting.job.payload['minutes']} minutes."
        post = Post(PostKind.NOTICE, text, mentions=(group,) if group else ())
        deskwork.post(waiting.tx, waiting.escalation, post, waiting.now)

    def mention(self, waiting: _Waiting) -> None:
        """Call the group; without one it is a reminder."""
        group = waiting.escalation.group_id or log.preference(waiting.tx, GROUP, "")
        self.remind(waiting, group)

    def offer(self, waiting: _Waiting) -> None:
        """Ask the next available agent."""
        offer_next(waiting.tx, waiting.escalation, waiting.conversation, waiting.now)

    def tell(self, waiting: _Waiting) -> None:
        """Tell the customer how it stands."""
        self._say(waiting, Moment.WAITING_LONG)

    def call_back(self, waiting: _Waiting) -> None:
        """Nobody in time: a callback, which stays in the queue."""
        tickets.add_tags(waiting.tx, waiting.escalation.ticket_id or 0, ("callback",))
        self._say(waiting, Moment.CALLBACK)
        text = "Nobody was there in time. The customer was told that we get back to them."
        deskwork.notice(waiting.tx, waiting.escalation, text, waiting.now)

    def _say(self, waiting: _Waiting, moment: Moment) -> None:
        tx, conversation, escalation = waiting.tx, waiting.conversation, waiting.escalation
        if conversation.opted_out_at:
            return
        text = texts.say(tx, moment, conversation, waiting.now, escalation)
        if text:
            words = Words(text, Author.SYSTEM, epoch_bound=True, escalation_id=id_of(escalation))
            sending.say(tx, conversation, words, self._channels, waiting.now)


_DOES: dict[RungKind, Callable[[Climb, _Waiting], None]] = {
    RungKind.REMIND: Climb.remind,
    RungKind.MENTION: Climb.mention,
    RungKind.OFFER: Climb.offer,
    RungKind.TELL: Climb.tell,
    RungKind.CALLBACK: Climb.call_back,
}


# -- offers, from one available agent to the next


def offer_next(
    tx: Transaction, escalation: Escalation, conversation: Conversation, now: datetime
) -> None:
    """Ask the next one, unless it is being asked around already."""
    asked = _asked(tx, escalation, conversation.epoch)
    _offer(tx, escalation, conversation, len(asked), now)


def _offer(
    tx: Transaction, escalation: Escalation, conversation: Conversation, number: int, now: datetime
) -> None:
    name = f"{id_of(escalation)}:{conversation.epoch}:{number}"
    payload = {
        "escalation_id": id_of(escalation),
        "epoch": conversation.epoch,
        "number": number,
    }
    key = f"offer:{name}:{now.timestamp():.0f}"
    tx.enqueue(NewWork(OFFER, f"ladder:offer:{key}", payload, now, key=key))


def _asked(tx: Transaction, escalation: Escalation, epoch: int) -> list[int]:
    """Who was asked already in this stretch."""
    return [
        event.agent_id
        for event in log.of_escalation(tx, id_of(escalation), OFFERED)
        if event.agent_id is not None and event.data.get("epoch") == epoch
    ]


class Offer(Handler[None, None]):
    """Asks one agent, and sees to it that the next is asked when they do not answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> None:
        """Ask, unless another row of the same number did."""
        now = self._clock.now()
        waiting = _still_waiting(tx, job, now)
        if waiting is None:
            return
        asked = _asked(tx, waiting.escalation, waiting.conversation.epoch)
        if len(asked) != job.payload["number"]:
            return
        free = [agent for agent in availability.candidates(tx, now) if id_of(agent) not in asked]
        if not free:
            words = "Nobody else is available to be asked."
            deskwork.notice(tx, waiting.escalation, words, now)
            return
        self._ask(waiting, free[0])
        _offer(tx, waiting.escalation, waiting.conversation, len(asked) + 1, now + PATIENCE)

    def _ask(self, waiting: _Waiting, agent: Agent) -> None:
        tx, escalation = waiting.tx, waiting.escalation
        agent.last_offered_at = waiting.now
        log.record(
            tx,
            OFFERED,
            waiting.now,
            escalation=escalation,
            agent_id=id_of(agent),
            epoch=waiting.conversation.epoch,
        )
        name = conversations.contact_name(tx, waiting.conversation)
        text = f"{name} is waiting on {waiting.conversation.channel}. Can you take this?"
        if escalation.summary:
            text = f"{text}\n{escalation.summary}"
        buttons = (Button.ACCEPT, Button.DECLINE)
        post = Post(PostKind.TOLD, text, value=str(id_of(escalation)), buttons=buttons)
        deskwork.tell(tx, agent.desk_id, post, waiting.now, about=escalation)


class Offers:
    """What agents answer to offers; accepting one is a claim like any other."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def decline(self, escalation_id: int) -> None:
        """Somebody who was asked will not: ask the next one at once."""
        with self._database.write() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None or escalation.status != Status.QUEUED:
                return
            conversation = conversations.hold(tx, escalation.conversation_id)
            offer_next(tx, escalation, conversation, self._clock.now())
