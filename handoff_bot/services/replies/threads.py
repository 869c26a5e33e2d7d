"""Thread actions: sends replies, keeps notes internal, tells agents the result."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain import thread_syntax
from handoff_bot.domain.desk import Button, EphemeralMessage, Place, ThreadReply
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.files import DeskFile
from handoff_bot.domain.messages import Author, Template, storable
from handoff_bot.domain.texts import Moment
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import customer_texts, outbound_files, reachability, sending
from handoff_bot.services.delivery.sending import NO_HOLD, OPTED_OUT, Channels, OutboundDraft
from handoff_bot.services.escalations import sla, transfer
from handoff_bot.services.outbox import outbox
from handoff_bot.services.settings_catalog import live
from handoff_bot.services.translation import translating
from handoff_bot.services.translation.translating import Spoken
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Agent, Conversation, Escalation, Message, Note
from handoff_bot.storage.transaction import Transaction

INSIDE = "Saved as an internal note:"
NOT_OWNER = f"{INSIDE} {{owner}} has this conversation. The customer did not receive it."
UNCLAIMED = f"{INSIDE} no agent has taken over. The customer did not receive it."
CLOSED = f"{INSIDE} the conversation is closed. The customer did not receive it."


FROM_MODAL = "window"
"""Stands for the slack_channel of text from a modal; the modal's id stands for its ts."""


def note_in(tx: Transaction, text: str) -> str | None:
    """Returns the note in a text, or None if it is not a note."""
    return thread_syntax.note_text(text, live(tx).note_prefixes)


def is_correction(note: Note) -> bool:
    """Returns whether the note is an edit of a delivered reply. Notes from modals and handback
    notes use other keys.
    """
    return note.revision not in ("", FROM_MODAL, transfer.MEMORY)


@dataclass(frozen=True)
class Thread:
    """One of our threads with its rows; the conversation is locked."""

    place: Place
    escalation: Escalation
    conversation: Conversation


class Threads:
    """Every method works in the given transaction."""

    def __init__(self, channels: Channels, clock: Clock) -> None:
        self._channels = channels
        self._clock = clock

    def at(self, tx: Transaction, place: Place) -> Thread | None:
        known = rows.thread_at(tx, place)
        return self.of(tx, rows.get(tx, known.escalation_id)) if known else None

    def as_shown(self, tx: Transaction, place: Place, text: str, marked: str) -> str:
        """Returns the plain or the formatted text, depending on what the customer's channel shows."""
        text, marked = storable(text).strip(), storable(marked).strip()
        known = rows.thread_at(tx, place) if marked else None
        escalation = rows.get(tx, known.escalation_id) if known else None
        if escalation is None:
            return text
        channel = conversations.get(tx, escalation.conversation_id).channel
        return marked if self._channels[channel].limits.marks else text

    def of(self, tx: Transaction, escalation: Escalation | None) -> Thread | None:
        if escalation is None:
            return None
        at = rows.thread_of(tx, escalation.id)
        if at is None:
            return None
        conversation = conversations.hold(tx, escalation.conversation_id)
        fresh = rows.get(tx, escalation.id) or escalation
        return Thread(Place(at.slack_channel, at.ts), fresh, conversation)

    def why_not(self, tx: Transaction, thread: Thread, author: Agent) -> tuple[str, bool] | None:
        """Returns why a message stays internal and whether its author can change that; None if it
        is sent.
        """
        if thread.escalation.status not in OPEN:
            return CLOSED, False
        if reachability.refuses(thread.conversation, self._clock.now()):
            return OPTED_OUT, False
        if thread.escalation.status == Status.QUEUED:
            return UNCLAIMED, True
        if thread.escalation.owner_id == author.id:
            return None
        owner = rows.agent(tx, thread.escalation.owner_id)
        return NOT_OWNER.format(owner=owner.name if owner else "another agent"), True

    def send(
        self,
        tx: Transaction,
        thread: Thread,
        author: Agent,
        spoken: Spoken,
        ts: str | None,
        note: Note | None = None,
        files: tuple[DeskFile, ...] = (),
        template: Template | None = None,
    ) -> Message:
        """Sends an agent's reply. A correction of an earlier reply says so in the customer's
        language.
        """
        now = self._clock.now()
        text = spoken.said or spoken.written
        corrects = note is not None and is_correction(note)
        label = (
            customer_texts.say(tx, Moment.CORRECTION, thread.conversation, now) if corrects else ""
        )
        sla.replied(tx, thread.escalation, now)
        message = sending.say(
            tx,
            thread.conversation,
            OutboundDraft(
                f"{label}\n{text}".strip(),
                Author.AGENT,
                hold=sending.hold(tx) if ts else NO_HOLD,
                escalation_id=thread.escalation.id,
                agent_id=author.id,
                desk_channel=thread.place.slack_channel if ts else None,
                desk_ts=ts,
                note_id=note.id if note else None,
                files=files,
                template=template,
                written=spoken.written if spoken.language or label else "",
            ),
            self._channels,
            now,
        )
        if spoken.language and text != spoken.written:
            outbox.notice(tx, thread.escalation, translating.in_their_language(spoken), now)
        log.record(
            tx,
            EventKind.REPLY_ACCEPTED,
            now,
            escalation=thread.escalation,
            message_id=message.id,
            agent_id=author.id,
        )
        return message

    def keep(
        self,
        tx: Transaction,
        thread: Thread,
        author: Agent,
        text: str,
        ts: str,
        *,
        held: bool,
        revision: str = "",
        files: tuple[DeskFile, ...] = (),
        marked: bool = True,
    ) -> Note:
        """Stores a note; `marked` shows in the thread that it is one."""
        now = self._clock.now()
        note = tx.add(
            Note(
                conversation_id=thread.conversation.id,
                escalation_id=thread.escalation.id,
                agent_id=author.id,
                text=text,
                held=held,
                files=outbound_files.stored(files),
                desk_channel=thread.place.slack_channel,
                desk_ts=ts,
                revision=revision,
                created_at=now,
            )
        )
        if marked:
            outbox.note_updated(tx, note, now)
        kind = EventKind.NOTE_HELD if held else EventKind.NOTE_KEPT
        log.record(tx, kind, now, escalation=thread.escalation, agent_id=author.id)
        return note

    def tell(
        self,
        tx: Transaction,
        author: Agent,
        reply: ThreadReply,
        text: str,
        buttons: tuple[Button, ...] = (),
        value: str = "",
    ) -> None:
        told = EphemeralMessage(
            author.desk_id, reply.place, text, buttons, value if buttons else ""
        )
        outbox.ephemeral(tx, told, self._clock.now())
