"""Replies from modals: written there, or decided about after they were not delivered."""

from __future__ import annotations

from dataclasses import replace

from handoff_bot.domain.desk import AgentRef, Button, EphemeralMessage, Place, Post, PostKind
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author, Template
from handoff_bot.domain.results import ActionResult, Code
from handoff_bot.jobs import handler
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import outbound_files, reachability, sending
from handoff_bot.services.delivery.sending import OPTED_OUT
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.outbox import outbox
from handoff_bot.services.replies.threads import FROM_MODAL, INSIDE, Thread, Threads
from handoff_bot.services.translation import translating
from handoff_bot.services.translation.translating import Interpreter, Spoken
from handoff_bot.storage import conversations, deliveries, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Message, Note
from handoff_bot.storage.transaction import Transaction

# -- written in a modal

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


# -- undelivered: held, edited, untranslated or failed

KEPT = "Kept as a note. The customer did not receive it."
SENT_ALREADY = "This message was already sent."
SOMEBODY_ELSE = "Not sent: the conversation has since changed hands."
TAKEN_BACK = "The author withdrew this message."
NOT_AGAIN = "Take over the conversation first. Only the assignee can send agents' messages."
ON_ITS_WAY = "This message is already being sent."


class HeldReplies:
    """Every method is safe to repeat: a note is sent once, and a failed part is retried once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        threads: Threads,
        escalations: Escalations,
        interpreter: Interpreter,
    ) -> None:
        self._database = database
        self._clock = clock
        self._threads = threads
        self._escalations = escalations
        self._interpreter = interpreter

    def send_held(self, note_id: int, agent: AgentRef) -> ActionResult:
        """Takes over the conversation and sends the held message."""
        return self._release_note(note_id, agent, take_over=True)

    def send_correction(self, correction_id: int, agent: AgentRef) -> ActionResult:
        """Sends an edited reply as a new message."""
        return self._release_note(correction_id, agent, take_over=False)

    def translate_again(self, note_id: int, agent: AgentRef) -> ActionResult:
        """Retries a failed translation and sends the result."""
        return self._release_note(note_id, agent, take_over=False)

    def _release_note(self, note_id: int, agent: AgentRef, *, take_over: bool) -> ActionResult:
        escalation_id = self._escalation_of(note_id)
        if escalation_id is None:
            return ActionResult(False, GONE)
        if take_over:
            taken = self._take_over(escalation_id, agent)
            if taken.code is Code.LATER:
                return ActionResult(False, f"{taken.text} Then press the button again.")
            if not taken.done:
                return taken
        spoken = self._interpreter.for_note(note_id)
        with self._database.write() as tx:
            if spoken.said is None:
                return self._offer_untranslated(tx, note_id, agent, spoken)
            return self._send_note(tx, note_id, agent, spoken)

    def send_as_written(self, note_id: int, agent: AgentRef) -> ActionResult:
        """Sends an untranslated message as its author wrote it."""
        with self._database.write() as tx:
            note = tx.session.get(Note, note_id)
            if note is None:
                return ActionResult(False, GONE)
            return self._send_note(tx, note_id, agent, Spoken(note.text, note.text))

    def _offer_untranslated(
        self, tx: Transaction, note_id: int, agent: AgentRef, spoken: Spoken
    ) -> ActionResult:
        note = tx.session.get_one(Note, note_id)
        words = translating.not_translated(spoken)
        thread = self._threads.of(tx, rows.get(tx, note.escalation_id))
        if thread is None or not note.held:
            return ActionResult(False, GONE if thread is None else SENT_ALREADY)
        buttons = (*translating.AGAIN_OR_AS_IT_IS, Button.KEEP_AS_NOTE)
        told = EphemeralMessage(agent.desk_id, thread.place, words, buttons, str(note_id))
        outbox.ephemeral(tx, told, self._clock.now())
        return ActionResult(True, words)

    def _escalation_of(self, note_id: int) -> int | None:
        with self._database.read() as tx:
            note = tx.session.get(Note, note_id)
            return note.escalation_id if note else None

    def _take_over(self, escalation_id: int, agent: AgentRef) -> ActionResult:
        """Claims the escalation, also from another assignee."""
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
            owner = rows.agent(tx, escalation.owner_id) if escalation else None
        if escalation is None:
            return ActionResult(False, GONE)
        if owner and owner.desk_id == agent.desk_id:
            return ActionResult(True)
        if escalation.status == Status.CLAIMED:
            return self._escalations.reassign(escalation_id, agent, agent)
        return self._escalations.take(Step.CLAIM, escalation_id, agent)

    def _send_note(
        self, tx: Transaction, note_id: int, agent: AgentRef, spoken: Spoken
    ) -> ActionResult:
        note = tx.session.get_one(Note, note_id)
        thread = self._threads.of(tx, rows.get(tx, note.escalation_id))
        if thread is None:
            return ActionResult(False, GONE)
        note = tx.session.get_one(Note, note_id, populate_existing=True)
        if not note.held:
            return ActionResult(False, SENT_ALREADY)
        author = conversations.agent_row(tx, agent.desk_id, agent.name, self._clock.now())
        why_not = self._threads.why_not(tx, thread, author)
        if why_not:
            return ActionResult(False, why_not[0])
        note.held = False
        known = conversations.from_desk(tx, note.desk_channel, note.desk_ts)
        ts = None if note.revision or known else note.desk_ts
        self._threads.send(tx, thread, author, spoken, ts, note, outbound_files.read(note.files))
        outbox.note_updated(tx, note, self._clock.now())
        return ActionResult(True, "Sent to the customer.")

    def keep_as_note(self, note_id: int, agent: AgentRef) -> ActionResult:
        with self._database.write() as tx:
            note = tx.session.get(Note, note_id)
            if note is None:
                return ActionResult(False, GONE)
            conversations.hold(tx, note.conversation_id)
            note = tx.session.get_one(Note, note_id, populate_existing=True)
            if conversations.sent_as(tx, [note]):
                return ActionResult(False, SENT_ALREADY)
            note.held = False
            return ActionResult(True, KEPT)

    def retry(self, message_id: int, agent: AgentRef) -> ActionResult:
        """Sends the failed parts of a message again."""
        with self._database.write() as tx:
            message = tx.session.get(Message, message_id)
            if message is None:
                return ActionResult(False, GONE)
            conversation = conversations.hold(tx, message.conversation_id)
            if reachability.refuses(conversation, self._clock.now()):
                return ActionResult(False, OPTED_OUT)
            if message.epoch is not None and message.epoch != conversation.epoch:
                return ActionResult(False, SOMEBODY_ELSE)
            if deliveries.is_withdrawn(tx, message_id):
                return ActionResult(False, TAKEN_BACK)
            return self._why_not_again(tx, message, agent) or self._retry(tx, conversation, message)

    def _why_not_again(
        self, tx: Transaction, message: Message, agent: AgentRef
    ) -> ActionResult | None:
        """Returns the refusal unless the agent is the assignee."""
        if message.author != Author.AGENT:
            return None
        author = conversations.agent_row(tx, agent.desk_id, agent.name, self._clock.now())
        thread = self._threads.of(tx, rows.get(tx, message.escalation_id or 0))
        why_not = self._threads.why_not(tx, thread, author) if thread else None
        return ActionResult(False, NOT_AGAIN) if why_not else None

    def _retry(self, tx: Transaction, conversation: Conversation, message: Message) -> ActionResult:
        now = self._clock.now()
        again = 0
        outbound_files.collect(tx, message, now)
        for part in deliveries.current(tx, message.id):
            if deliveries.supersede(tx, part.id, now):
                fresh = deliveries.add(tx, message.id, part.part, part.text, now, part.file)
                sending.enqueue(tx, conversation, fresh, now)
                handler.settle_failed(tx, sending.SEND, now, delivery_id=part.id)
                again += 1
        if not again:
            return ActionResult(False, ON_ITS_WAY)
        handler.settle_failed(tx, outbound_files.COLLECT, now, message_id=message.id)
        log.record(
            tx, EventKind.MESSAGE_RETRIED, now, conversation=conversation, message_id=message.id
        )
        return ActionResult(True, "Sending the message again.")
