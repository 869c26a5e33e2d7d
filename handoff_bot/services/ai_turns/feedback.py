"""Agents' feedback on escalations, stored as events, and the training examples for the detector."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.detection_rules import Rules
from handoff_bot.domain.drafts import DRAFT, Verdict
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.training_examples import TrainingExample
from handoff_bot.ports import Clock
from handoff_bot.services.ai_turns import answering
from handoff_bot.services.settings import detection_rules
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation, Message
from handoff_bot.storage.transaction import Transaction

GONE = "This conversation no longer exists."
SAVED = {
    Verdict.GOOD: "Feedback saved: helpful. It counts in the reports.",
    Verdict.BAD: "Feedback saved: not helpful. It counts in the reports.",
}
MOST = 2_000
"""Number of newest escalations, and of newest answered messages, used as training examples."""


class Feedback:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def came_late(self, escalation_id: int, agent: AgentRef) -> ActionResult:
        """Records that the escalation came too late. Safe to repeat."""
        with self._database.write() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None:
                return ActionResult(False, GONE)
            conversations.hold(tx, escalation.conversation_id)
            if not log.has(tx, EventKind.ESCALATED_LATE, escalation_id):
                now = self._clock.now()
                row = conversations.agent_row(tx, agent.desk_id, agent.name, now)
                log.record(
                    tx, EventKind.ESCALATED_LATE, now, escalation=escalation, agent_id=row.id
                )
            return ActionResult(True, "Feedback saved: escalated too late.")

    def judged(
        self, escalation_id: int, about: str, verdict: Verdict, agent: AgentRef
    ) -> ActionResult:
        """Records what an agent says of an answer (by the message's id) or of the draft (DRAFT).

        A later verdict of the same agent replaces the earlier one.
        """
        with self._database.write() as tx:
            escalation = rows.get(tx, escalation_id)
            message_id = None if about == DRAFT else _answer(tx, escalation, about)
            if escalation is None or (about != DRAFT and message_id is None):
                return ActionResult(False, GONE)
            now = self._clock.now()
            row = conversations.agent_row(tx, agent.desk_id, agent.name, now)
            if _last_verdict(tx, escalation_id, about, row.id) != verdict:
                log.record(
                    tx,
                    EventKind.AI_FEEDBACK,
                    now,
                    escalation=escalation,
                    message_id=message_id,
                    agent_id=row.id,
                    about=about,
                    verdict=verdict.value,
                )
            return ActionResult(True, SAVED[verdict])

    def sources(self, escalation_id: int, about: str) -> tuple[str, ...]:
        """Returns the titles of the articles that an answer was made of."""
        with self._database.read() as tx:
            message_id = _answer(tx, rows.get(tx, escalation_id), about)
            message = tx.session.get(Message, message_id) if message_id else None
            return tuple(message.payload.get("sources") or ()) if message else ()

    def lessons(self) -> list[TrainingExample]:
        """Returns training examples from the team's decisions about single turns."""
        with self._database.read() as tx:
            found = [one for row in rows.ended(tx, MOST) for one in _of_escalation(tx, row)]
            return found + list(_of_answers(tx))

    def rules(self) -> Rules:
        with self._database.read() as tx:
            return detection_rules.read(tx)

    def learn(self, name: str, value: object, now: datetime) -> None:
        """Activates learned values as the setting `detection_rules.NAME`."""
        with self._database.write() as tx:
            log.prefer(tx, f"{detection_rules.PREFIX}{name}", value, "tune", now)


def _answer(tx: Transaction, escalation: Escalation | None, about: str) -> int | None:
    """Returns the id of the assistant's message, or None if it is not in this conversation."""
    found = tx.session.get(Message, int(about)) if escalation and about.isdecimal() else None
    is_answer = found is not None and found.author == Author.ASSISTANT
    if found is None or escalation is None or not is_answer:
        return None
    return found.id if found.conversation_id == escalation.conversation_id else None


def _last_verdict(tx: Transaction, escalation_id: int, about: str, agent_id: int) -> str:
    given = [
        str(event.data["verdict"])
        for event in log.of_escalation(tx, escalation_id, EventKind.AI_FEEDBACK)
        if event.agent_id == agent_id and event.data["about"] == about
    ]
    return given[-1] if given else ""


def _of_escalation(tx: Transaction, escalation: Escalation) -> Iterator[TrainingExample]:
    signal = Signal(escalation.reason)
    talk = answering.talk_until(tx, escalation.conversation_id, escalation.message_id)
    if talk is None:  # erased in the meantime
        return
    if escalation.status == Status.DISMISSED:
        yield TrainingExample(talk, signal, needed=False, said_so=True)
        return
    yield TrainingExample(talk, signal, needed=True, said_so=False)
    if log.has(tx, EventKind.ESCALATED_LATE, escalation.id):
        earlier = conversations.before(tx, escalation.message_id, Author.CONTACT)
        sooner = earlier and answering.talk_until(tx, escalation.conversation_id, earlier.id)
        if sooner:
            yield TrainingExample(sooner, signal, needed=True, said_so=True)


def _of_answers(tx: Transaction) -> Iterator[TrainingExample]:
    """Yields turns that the assistant answered and that needed no agent."""
    for message in conversations.answered(tx, MOST):
        talk = answering.talk_until(tx, message.conversation_id, message.payload["answers"])
        if talk and not rows.any_after(tx, message.conversation_id, message.id):
            yield TrainingExample(talk, None, needed=False, said_so=False)
