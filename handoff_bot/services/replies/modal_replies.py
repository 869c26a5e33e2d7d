"""Replies and notes that agents write in modals."""

from __future__ import annotations

from dataclasses import replace

from handoff_bot.domain.action_result import ActionResult, Code
from handoff_bot.domain.desk import AgentRef, Place, Post, PostKind
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.messages import Template
from handoff_bot.ports import Clock
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.outbox import outbox
from handoff_bot.services.replies.threads import FROM_MODAL, INSIDE, Thread, Threads
from handoff_bot.services.translation.translating import Spoken
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Note
from handoff_bot.storage.transaction import Transaction

NOT_SENT = "Not sent:"
GONE = "This message no longer exists."
NO_CARD_YET = "The card for this conversation is still being posted. Please try again in a moment."


class ModalReplies:
    """Sends or saves the text of a modal, once for each modal."""

    def __init__(
        self, database: Database, clock: Clock, threads: Threads, escalations: Escalations
    ) -> None:
        self._database = database
        self._clock = clock
        self._threads = threads
        self._escalations = escalations

    def send(
        self,
        escalation_id: int,
        agent: AgentRef,
        text: str,
        key: str,
        template: Template | None = None,
    ) -> ActionResult:
        """Sends a reply from a modal, once for each key. An unassigned conversation is claimed for
        the agent.
        """
        taken = self._claim_if_nobody_has_it(escalation_id, agent)
        if not taken.done or taken.code is Code.LATER:
            return ActionResult(False, taken.text)
        with self._database.write() as tx:
            thread = self._thread_of_modal(tx, escalation_id, key)
            if isinstance(thread, ActionResult):
                return thread
            author = conversations.agent_row(tx, agent.desk_id, agent.name, self._clock.now())
            why_not = self._threads.why_not(tx, thread, author)
            if why_not:
                return ActionResult(False, f"{NOT_SENT} {why_not[0].removeprefix(INSIDE).strip()}")
            self._send_from_modal(tx, thread, author, text, key, template)
            return ActionResult(True)

    def note(self, escalation_id: int, agent: AgentRef, text: str, key: str) -> ActionResult:
        """Saves a note from a modal, once for each key, and posts it in the thread."""
        with self._database.write() as tx:
            thread = self._thread_of_modal(tx, escalation_id, key)
            if isinstance(thread, ActionResult):
                return thread
            now = self._clock.now()
            author = conversations.agent_row(tx, agent.desk_id, agent.name, now)
            self._keep_from_modal(tx, thread, author, text, key)
            shown = Post(PostKind.TOLD, f"📝 {author.name} notes: {text}")
            outbox.post(tx, thread.escalation, shown, now)
            return ActionResult(True)

    def _thread_of_modal(
        self, tx: Transaction, escalation_id: int, key: str
    ) -> Thread | ActionResult:
        """Returns the modal's thread, or an Outcome if the text was already handled or no thread
        exists.
        """
        thread = self._threads.of(tx, rows.get(tx, escalation_id))
        if thread is None:
            return ActionResult(False, NO_CARD_YET)
        known = conversations.note_from_desk(tx, FROM_MODAL, key, FROM_MODAL)
        return ActionResult(True) if known else thread

    def _keep_from_modal(
        self, tx: Transaction, thread: Thread, author: Agent, text: str, key: str
    ) -> Note:
        from_modal = replace(thread, place=Place(FROM_MODAL, ""))
        return self._threads.keep(
            tx, from_modal, author, text, key, held=False, revision=FROM_MODAL
        )

    def _claim_if_nobody_has_it(self, escalation_id: int, agent: AgentRef) -> ActionResult:
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
        if escalation is not None and escalation.status == Status.QUEUED:
            return self._escalations.take(Step.CLAIM, escalation_id, agent)
        return ActionResult(escalation is not None, "" if escalation else GONE)

    def _send_from_modal(
        self,
        tx: Transaction,
        thread: Thread,
        author: Agent,
        text: str,
        key: str,
        template: Template | None,
    ) -> None:
        note = self._keep_from_modal(tx, thread, author, text, key)
        said = Spoken(text, text)  # Text in a modal is already written in the customer's language.
        message = self._threads.send(tx, thread, author, said, None, note, template=template)
        shown = Post(PostKind.OURS, text, name=author.name)
        outbox.post(tx, thread.escalation, shown, self._clock.now(), message)
