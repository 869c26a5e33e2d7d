"""Escalation actions: claim, release, reassign, resolve, return and dismiss, each in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.domain.desk import AgentRef, Place, TranscriptPage
from handoff_bot.domain.escalations import PLAIN, Resolution, Status, Step, TicketStatus
from handoff_bot.domain.events import STEPS
from handoff_bot.domain.results import ActionResult, Code
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import customer_texts, reachability
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.escalations import applied_route, availability, rating, snoozing, transfer
from handoff_bot.services.escalations.still_queued import NOBODY
from handoff_bot.services.outbox import outbox, view_models
from handoff_bot.services.outbox.outbox import EscalationChanged, Subscriber
from handoff_bot.storage import agents, conversations, deliveries, log, queue
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

CLAIM = "claim"
AGAIN = timedelta(seconds=0.1)
RESERVED_FOR = timedelta(minutes=1)
"""How long an escalation is reserved for an agent while the AI's last message is being sent. Longer
than any provider call, and longer than the recovery after a crash during one.
"""

TOLD = "The customer has been informed."
NOT_TOLD = "The customer is not waiting for an answer, and was not informed."
GONE = "This conversation no longer exists."
NO_AGENT_AVAILABLE = "No agent who can take this conversation is available."
TOO_LONG = "The assistant's last message was not sent in time."
TAKEN_BY = (
    "{name} is taking over. The assistant's last message is still being sent. You will get "
    "the result here."
)
LEFT = "{name} left the queue and no longer needs an agent. The AI answers from now on."
_LEFT = Resolution(by_customer=True)
AFTER_THE_AI = "Taking over. The assistant's last message is still being sent."


@dataclass(frozen=True)
class _Change:
    """An action in progress with the rows it touches; the conversation is locked."""

    tx: Transaction
    step: Step
    escalation: Escalation
    conversation: Conversation
    agent: Agent
    now: datetime
    ending: Resolution = PLAIN
    by_admin: bool = False


class Escalations:
    """Escalation actions with their conditions and messages."""

    def __init__(
        self,
        database: Database,
        channels: Channels,
        clock: Clock,
        subscribers: Sequence[Subscriber] = (),
    ) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock
        self._subscribers = subscribers

    # -- actions

    def take(
        self, step: Step, escalation_id: int, agent: AgentRef, ending: Resolution = PLAIN
    ) -> ActionResult:
        """Applies one agent's action. Of several at once, exactly one wins; the others are told who."""
        with self._database.write() as tx:
            return self.take_in(tx, step, escalation_id, agent, ending)

    def take_in(
        self, tx: Transaction, step: Step, escalation_id: int, agent: AgentRef, ending: Resolution
    ) -> ActionResult:
        """Same as `take`, within a transaction."""
        change = self._change(tx, step, escalation_id, agent)
        return self._take(replace(change, ending=ending)) if change else ActionResult(False, GONE)

    def _take(self, change: _Change) -> ActionResult:
        if change.step is Step.CLAIM:
            return self._claim(change)
        if self._belongs_to_another(change):
            return ActionResult(False, transfer.someone_elses(change.tx, change.escalation))
        if not self._move(change, **_values(change)):
            return ActionResult(
                False, transfer.where_it_is(change.tx, change.escalation, change.now)
            )
        return _AFTER[change.step](self, change)

    def _claim(self, change: _Change) -> ActionResult:
        if change.escalation.status == Status.CLAIMED and self._is_owner(change):
            return ActionResult(True, "You already have this conversation.")
        reserved = self._reserved_for_another(change, change.agent)
        if reserved:
            return reserved
        if deliveries.ai_is_sending(change.tx, change.conversation.id):
            # A message of the AI is being sent. The claim commits after it has been sent, never
            # before.
            return self._claim_soon(change)
        if not self._move(change, **_values(change)):
            return ActionResult(
                False, transfer.where_it_is(change.tx, change.escalation, change.now)
            )
        transfer.reservation_used(change.tx, change.escalation, change.agent.desk_id, change.now)
        self._tell_taken(change, change.agent)
        self._note(
            change,
            (
                f"{change.agent.name} took over. Their messages in this thread are sent to the "
                "customer."
            ),
        )
        return ActionResult(True)

    def _claim_soon(self, change: _Change) -> ActionResult:
        """Reserves the escalation for the first agent; the late claim takes it or reports why not."""
        number, agent = change.escalation.id, change.agent
        if change.escalation.status != Status.QUEUED:
            return ActionResult(
                False, transfer.where_it_is(change.tx, change.escalation, change.now)
            )
        if queue.live_reservation(change.tx, number, change.now):
            return ActionResult(True, AFTER_THE_AI, Code.LATER)
        until = change.now + RESERVED_FOR
        queue.reserve(change.tx, number, agent.desk_id, agent.name, until)
        payload = {
            "escalation_id": number,
            "desk_id": agent.desk_id,
            "name": agent.name,
            "until": until.isoformat(),
        }
        due_at = change.now + AGAIN
        enqueue_job(change.tx, NewJob(CLAIM, f"claim:{number}", payload, due_at=due_at))
        return ActionResult(True, AFTER_THE_AI, Code.LATER)

    def claim_late(self, escalation_id: int, agent: AgentRef, until: datetime) -> ActionResult:
        """Claims an escalation that is reserved until then; done is also True if it was already
        claimed.
        """
        with self._database.write() as tx:
            change = self._change(tx, Step.CLAIM, escalation_id, agent)
            if change is None:
                return ActionResult(False, GONE)
            kept = queue.reservation_of(tx, escalation_id)
            if kept is None or (kept.desk_id == agent.desk_id and kept.until != until):
                return ActionResult(True)
            if kept.desk_id != agent.desk_id:
                return ActionResult(False, TAKEN_BY.format(name=kept.name))
            if change.escalation.status != Status.QUEUED:
                return ActionResult(False, transfer.where_it_is(tx, change.escalation, change.now))
            return self._take(change) if change.now < until else ActionResult(False, TOO_LONG)

    def _reserved_for_another(self, change: _Change, agent: Agent) -> ActionResult | None:
        """Returns the refusal if the escalation is reserved for another agent."""
        number = change.escalation.id
        found = queue.live_reservation(change.tx, number, change.now)
        if found is None or found.desk_id == agent.desk_id:
            return None
        if change.escalation.status != Status.QUEUED:
            return None
        queue.reservation_told(change.tx, found, change.agent.desk_id)
        return ActionResult(False, TAKEN_BY.format(name=found.name))

    def reassign(
        self, escalation_id: int, agent: AgentRef, to: AgentRef, note: str = ""
    ) -> ActionResult:
        """Assigns an escalation to an agent, even if another agent has it. The note is internal."""
        with self._database.write() as tx:
            return self.reassign_in(tx, escalation_id, agent, to, note)

    def reassign_in(
        self, tx: Transaction, escalation_id: int, agent: AgentRef, to: AgentRef, note: str = ""
    ) -> ActionResult:
        """Same as `reassign`, within a transaction."""
        change = self._change(tx, Step.REASSIGN, escalation_id, agent)
        return self._reassign(change, to, note) if change else ActionResult(False, GONE)

    def assign(
        self, escalation_id: int, by: AgentRef, choose: Callable[[Transaction], Agent | None]
    ) -> ActionResult:
        """Assigns a queued escalation to the agent chosen in the same transaction."""
        with self._database.write() as tx:
            change = self._change(tx, Step.REASSIGN, escalation_id, by)
            if change is None:
                return ActionResult(False, GONE)
            if change.escalation.status != Status.QUEUED:
                return ActionResult(False, transfer.where_it_is(tx, change.escalation, change.now))
            owner = choose(tx)
            if owner is None:
                return ActionResult(False, NO_AGENT_AVAILABLE, Code.NO_AGENT_AVAILABLE)
            return self._reassign(change, AgentRef(owner.desk_id, owner.name), "")

    def hand_back(
        self, escalation_id: int, agent: AgentRef, group_id: str = "", note: str = ""
    ) -> ActionResult:
        """Releases an escalation to the queue, even another agent's, optionally for one user group."""
        with self._database.write() as tx:
            return self.hand_back_in(tx, escalation_id, agent, group_id, note)

    def hand_back_in(
        self,
        tx: Transaction,
        escalation_id: int,
        agent: AgentRef,
        group_id: str = "",
        note: str = "",
    ) -> ActionResult:
        """Same as `hand_back`, within a transaction."""
        change = self._change(tx, Step.RELEASE, escalation_id, agent)
        return self._hand_back(change, group_id, note) if change else ActionResult(False, GONE)

    def _hand_back(self, change: _Change, group_id: str, note: str) -> ActionResult:
        if change.escalation.status == Status.CLAIMED:
            if not self._move(change, **_values(change)):
                return ActionResult(
                    False, transfer.where_it_is(change.tx, change.escalation, change.now)
                )
            self._tell_released(change)
        elif change.escalation.status != Status.QUEUED:
            return ActionResult(
                False, transfer.where_it_is(change.tx, change.escalation, change.now)
            )
        snoozing.end(change.tx, change.escalation, change.now)
        change.escalation.group_id = group_id
        transfer.to_the_queue(change.tx, change.escalation, change.agent, note, change.now)
        outbox.update_card(change.tx, change.escalation, change.now)
        return ActionResult(True)

    def _reassign(self, change: _Change, to: AgentRef, note: str) -> ActionResult:
        if deliveries.ai_is_sending(change.tx, change.conversation.id):
            return ActionResult(
                False, "The assistant's last message was still being sent. Please try again now."
            )
        owner = conversations.agent_row(change.tx, to.desk_id, to.name, change.now)
        reserved = self._reserved_for_another(change, owner)
        if reserved:
            return reserved
        if change.escalation.owner_id == owner.id:
            return ActionResult(True, f"{owner.name} already has this conversation.")
        claimed_at = change.escalation.claimed_at or change.now
        previous = rows.agent(change.tx, change.escalation.owner_id)
        moved = self._move(
            change,
            status=Status.CLAIMED.value,
            owner_id=owner.id,
            claimed_at=claimed_at,
        )
        if not moved:
            return ActionResult(
                False, transfer.where_it_is(change.tx, change.escalation, change.now)
            )
        if previous:
            self._tell(change.tx, change.conversation, change.escalation, Moment.TRANSFERRED, owner)
        else:
            self._tell_taken(change, owner)
        transfer.announce(change.tx, change.escalation, change.agent, owner, previous, change.now)
        transfer.to_an_agent(change.tx, change.escalation, change.agent, owner, note, change.now)
        return ActionResult(True)

    def give_back(self, tx: Transaction, escalation_id: int, owner: AgentRef, why: str) -> bool:
        """Releases an escalation whose assignee cannot answer; False if it has changed in the
        meantime. The customer is told if they wait for an answer.
        """
        change = self._change(tx, Step.RELEASE, escalation_id, owner)
        if change is None or self._belongs_to_another(change):
            return False
        values = _values(change) | {"expected_owner_id": change.agent.id}
        if not self._move(change, **values):
            return False
        told = NOT_TOLD
        if agents.awaits_answer(tx, change.conversation.id):
            self._tell_released(change)
            told = TOLD
        self._note(change, f"{why}, so the conversation is back in the queue. {told}")
        return True

    def leave_in(self, tx: Transaction, escalation_id: int) -> bool:
        """Takes a customer who no longer needs an agent out of the queue; False once an agent has
        claimed the escalation or is about to.
        """
        change = self._change(tx, Step.RETURN, escalation_id, NOBODY)
        if change is None or change.escalation.status != Status.QUEUED:
            return False
        if queue.live_reservation(tx, escalation_id, change.now):
            return False
        return self._take(replace(change, ending=_LEFT)).done

    def closing(self, escalation_id: int, agent: AgentRef) -> tuple[str, bool]:
        """Returns the default closing message for this agent, and whether a CSAT survey is sent."""
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None:
                return "", False
            conversation = conversations.get(tx, escalation.conversation_id)
            now, name = self._clock.now(), agent.name
            closing = customer_texts.say(
                tx, Moment.RESOLVED, conversation, now, escalation, agent=name
            )
            return closing, bool(rating.question(tx, conversation, now))

    def thread(self, escalation_id: int) -> Place | None:
        """Returns the card's location, or None until it is posted."""
        with self._database.read() as tx:
            return rows.place_of(tx, escalation_id)

    def transcript(self, escalation_id: int, page: int) -> TranscriptPage | None:
        """Returns one page of the conversation's transcript."""
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
            return view_models.transcript(tx, escalation, page) if escalation else None

    # -- shared by the actions

    def _change(
        self, tx: Transaction, step: Step, escalation_id: int, agent: AgentRef
    ) -> _Change | None:
        escalation = rows.get(tx, escalation_id)
        if escalation is None:
            return None
        conversation = conversations.hold(tx, escalation.conversation_id)
        now = self._clock.now()
        row = conversations.agent_row(tx, agent.desk_id, agent.name, now)
        fresh = rows.get(tx, escalation_id)  # It may have changed while this transaction waited.
        held = fresh or escalation
        return _Change(tx, step, held, conversation, row, now, by_admin=agent.is_admin)

    def _is_owner(self, change: _Change) -> bool:
        return change.escalation.owner_id == change.agent.id

    def _belongs_to_another(self, change: _Change) -> bool:
        is_claimed = change.escalation.status == Status.CLAIMED
        return is_claimed and not (self._is_owner(change) or change.by_admin)

    def _announce(self, moved: EscalationChanged) -> None:
        for subscriber in self._subscribers:
            subscriber(moved)

    def _move(self, change: _Change, **values: Any) -> bool:
        """Applies the conditional UPDATE with its effects: epoch, ticket, event, card update."""
        taken = rows.step(change.tx, change.escalation.id, change.step, **values)
        if not taken:
            return False
        change.tx.session.refresh(change.escalation)
        snoozing.end(change.tx, change.escalation, change.now)
        change.conversation.epoch += 1
        ticket = rows.ticket_of(change.tx, change.escalation.id)
        ticket.status = _TICKET[change.step].value
        ticket.assignee_id = values.get("owner_id", ticket.assignee_id)
        ticket.updated_at = change.now
        if change.step in _TICKET_ENDS:
            ticket.solved_at = change.now
            transfer.keep_resolution(
                change.tx, change.escalation, ticket, change.agent, change.ending, change.now
            )
        log.record(
            change.tx,
            STEPS[change.step],
            change.now,
            escalation=change.escalation,
            agent_id=change.agent.id,
            owner=values.get("owner_id"),
            ticket_status=ticket.status,
        )
        self._announce(
            EscalationChanged(
                change.tx,
                change.escalation,
                change.conversation,
                ticket,
                change.step,
                change.agent,
                change.now,
            )
        )
        outbox.update_card(change.tx, change.escalation, change.now)
        return True

    def _note(self, change: _Change, text: str) -> None:
        outbox.notice(change.tx, change.escalation, text, change.now)

    def _tell(
        self,
        tx: Transaction,
        conversation: Conversation,
        escalation: Escalation,
        moment: Moment,
        agent: Agent | None = None,
        *,
        epoch_bound: bool = False,
        and_then: str = "",
        instead: str = "",
        choices: tuple[str, ...] = (),
    ) -> bool:
        about = customer_texts.About(
            tx, conversation, escalation, self._channels, self._clock.now()
        )
        return customer_texts.tell(
            about,
            moment,
            agent.name if agent else "",
            epoch_bound=epoch_bound,
            and_then=and_then,
            instead=instead,
            choices=choices,
        )

    # -- after an action

    def _tell_taken(self, change: _Change, owner: Agent) -> None:
        if reachability.is_closed(change.conversation, change.now):
            limits = self._channels[change.conversation.channel].limits
            reachability.offer_template(change.tx, change.escalation, limits, owner, change.now)
        for moment in (Moment.TAKEN, Moment.GREETING):
            self._tell(change.tx, change.conversation, change.escalation, moment, owner)

    def _tell_released(self, change: _Change) -> None:
        """Tells the customer that they wait again; with an estimate only when an agent is available."""
        tx, escalation = change.tx, change.escalation
        moment = availability.first_words(tx, change.now, applied_route.people_of(tx, escalation))
        if moment is Moment.STARTED:
            moment = Moment.RELEASED
        self._tell(tx, change.conversation, escalation, moment, epoch_bound=True)

    def _released(self, change: _Change) -> ActionResult:
        self._tell_released(change)
        self._note(change, f"{change.agent.name} released this conversation to the queue.")
        return ActionResult(True)

    def _resolved(self, change: _Change) -> ActionResult:
        asked = change.ending.ask
        question = rating.question(change.tx, change.conversation, change.now) if asked else ""
        told = self._tell(
            change.tx,
            change.conversation,
            change.escalation,
            Moment.RESOLVED,
            change.agent,
            and_then=question,
            instead=change.ending.closing,
            choices=rating.CHOICES if question else (),
        )
        if told and question:
            rating.asked(change.tx, change.escalation, change.now)
        text = f"{change.agent.name} resolved this conversation. The AI answers from now on."
        outbox.resolved(change.tx, change.escalation, text, change.now)
        return ActionResult(True)

    def _returned(self, change: _Change) -> ActionResult:
        if change.ending.by_customer:
            self._tell(change.tx, change.conversation, change.escalation, Moment.LEFT)
            name = conversations.contact_name(change.tx, change.conversation)
            self._note(change, LEFT.format(name=name))
            return ActionResult(True)
        self._tell(change.tx, change.conversation, change.escalation, Moment.RETURNED, change.agent)
        self._note(change, f"{change.agent.name} returned this conversation to the AI.")
        return ActionResult(True)

    def _dismissed(self, change: _Change) -> ActionResult:
        self._tell(change.tx, change.conversation, change.escalation, Moment.DISMISSED)
        self._note(
            change, f"{change.agent.name} dismissed this: no agent needed. The AI keeps answering."
        )
        return ActionResult(True)


_AFTER: dict[Step, Callable[[Escalations, _Change], ActionResult]] = {
    Step.RELEASE: Escalations._released,
    Step.RESOLVE: Escalations._resolved,
    Step.RETURN: Escalations._returned,
    Step.DISMISS: Escalations._dismissed,
}

_TICKET: dict[Step, TicketStatus] = {
    Step.CLAIM: TicketStatus.PENDING,
    Step.REASSIGN: TicketStatus.PENDING,
    Step.RELEASE: TicketStatus.OPEN,
    Step.RESOLVE: TicketStatus.SOLVED,
    Step.RETURN: TicketStatus.SOLVED,
    Step.DISMISS: TicketStatus.CLOSED,
}
"""The ticket status after an action: pending while an agent has it, open after a release."""

_TICKET_ENDS = frozenset({Step.RESOLVE, Step.RETURN, Step.DISMISS})


def _values(change: _Change) -> dict[str, Any]:
    """Returns the columns that an action sets."""
    agent_id = change.agent.id
    if change.step is Step.CLAIM:
        return {"status": Status.CLAIMED.value, "owner_id": agent_id, "claimed_at": change.now}
    if change.step is Step.RELEASE:
        return {"status": Status.QUEUED.value, "owner_id": None}
    ends = {
        Step.RESOLVE: Status.RESOLVED,
        Step.RETURN: Status.RETURNED,
        Step.DISMISS: Status.DISMISSED,
    }
    newest = conversations.newest_message_id(change.tx, change.conversation.id)
    return {
        "status": ends[change.step].value,
        "closed_by_id": agent_id,
        "closed_at": change.now,
        "settled_message_id": newest,
    }
