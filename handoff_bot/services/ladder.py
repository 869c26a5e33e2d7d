"""The waiting ladder: each rung is a row of work due when its time comes, if it still applies then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.ladder import DEFAULT, Rung, RungKind, for_priority
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.texts import Moment
from handoff_bot.ports import Clock
from handoff_bot.services import deskwork, hours, offers
from handoff_bot.services.escalations import Escalations
from handoff_bot.services.followers import Moved
from handoff_bot.services.runner import Handler
from handoff_bot.services.sending import Channels
from handoff_bot.services.waiting import NOBODY, Waiting, still_waiting, tell
from handoff_bot.storage import log, tickets
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.transaction import Job, NewWork, Transaction

RUNG = "ladder.rung"
LADDER, GROUP = "ladder.rungs", "ladder.group"


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


class Climb(Handler[int, None]):
    """One rung. Only a return to the assistant is a step of its own, after this transaction."""

    repeatable = True

    def __init__(self, escalations: Escalations, channels: Channels, clock: Clock) -> None:
        self._escalations = escalations
        self._channels = channels
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> int | None:
        """Do what the rung says."""
        waiting = still_waiting(tx, job, self._clock.now())
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

    def remind(self, waiting: Waiting, group: str = "") -> None:
        """Say it in the thread, to everybody or to a group."""
        text = f"Nobody has taken this for {waiting.job.payload['minutes']} minutes."
        post = Post(PostKind.NOTICE, text, mentions=(group,) if group else ())
        deskwork.post(waiting.tx, waiting.escalation, post, waiting.now)

    def mention(self, waiting: Waiting) -> None:
        """Call the group; without one it is a reminder."""
        group = waiting.escalation.group_id or log.preference(waiting.tx, GROUP, "")
        self.remind(waiting, group)

    def offer(self, waiting: Waiting) -> None:
        """Ask the next available agent."""
        offers.ask_next(waiting.tx, waiting.escalation, waiting.conversation, waiting.now)

    def tell(self, waiting: Waiting) -> None:
        """Tell the customer how it stands."""
        tell(waiting, Moment.WAITING_LONG, self._channels)

    def call_back(self, waiting: Waiting) -> None:
        """Nobody in time: a callback, which stays in the queue."""
        tickets.add_tags(waiting.tx, waiting.escalation.ticket_id or 0, ("callback",))
        tell(waiting, Moment.CALLBACK, self._channels)
        text = "Nobody was there in time. The customer was told that we get back to them."
        deskwork.notice(waiting.tx, waiting.escalation, text, waiting.now)


_DOES: dict[RungKind, Callable[[Climb, Waiting], None]] = {
    RungKind.REMIND: Climb.remind,
    RungKind.MENTION: Climb.mention,
    RungKind.OFFER: Climb.offer,
    RungKind.TELL: Climb.tell,
    RungKind.CALLBACK: Climb.call_back,
}
