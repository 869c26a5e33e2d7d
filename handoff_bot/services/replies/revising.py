"""Edits and deletions in a card's thread: applied if still possible, otherwise the author is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import Button, EphemeralMessage, Place, Post, PostKind
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.files import Piece
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.domain.text import short_name, shorten
from handoff_bot.domain.thread_syntax import is_to_colleague, thread_command_in
from handoff_bot.jobs import store
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import sending
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.escalations import sla
from handoff_bot.services.outbox import outbox
from handoff_bot.services.replies.threads import Thread, Threads, note_in
from handoff_bot.services.translation import translating
from handoff_bot.services.translation.translating import Interpreter, Spoken
from handoff_bot.storage import conversations, deliveries, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Delivery, Message, Note
from handoff_bot.storage.transaction import Transaction

DELIVERED_EDIT = (
    "The customer already received the original message. They did not receive your edit."
)
DELIVERED_DELETE = "The customer already received this message. It cannot be unsent."
IN_DOUBT_EDIT = (
    "The original message may have reached the customer. The provider has not confirmed it "
    "yet. They did not receive your edit."
)
IN_DOUBT_DELETE = (
    "This message may have reached the customer. The provider has not confirmed it yet. It "
    "cannot be unsent."
)
FIRST_VERSION = "Your edit could not be translated right now, so the original message is kept."
FAILED_EDIT = "The customer did not receive this message. Select Retry to send the edited text."
WAS_A_NOTE = "This was an internal note, so the customer did not receive it."
MOST_SHOWN = 200
DELETED = "(deleted)"
DELETED_IN_TIME = "{agent} deleted a reply before it was sent. The customer did not receive it."
DELETED_TOO_LATE = (
    "{agent} deleted this reply in Slack, but the customer already received it: “{text}”"
)
DELETED_IN_DOUBT = "{agent} deleted this reply in Slack. It may have reached the customer: “{text}”"
TO_COLLEAGUE = (
    "Not sent: your edit begins with a mention, so it looks like a message to a colleague. "
    "The customer received neither version."
)
NO_THREAD_COMMAND = "Commands only work in new messages. Nothing was done, and nothing was sent."


class Revising:
    """Edits of agents' thread messages. Safe to repeat."""

    def __init__(
        self,
        database: Database,
        channels: Channels,
        clock: Clock,
        threads: Threads,
        interpreter: Interpreter,
    ) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock
        self._threads = threads
        self._interpreter = interpreter

    def edited(self, place: Place, ts: str, text: str, marked: str = "") -> None:
        """Handles an edited reply or note, including a change of one into the other; texts as in
        `ThreadReply`.
        """
        spoken = self._respoken(place, ts, text, marked)
        with self._database.write() as tx:
            found = self._written(tx, place, ts)
            if found is None:
                return
            thread, note, message = found
            if message is None and note is not None:
                self._edit_note(tx, thread, note, spoken.written)
            elif message is not None and spoken.written != _stands(tx, message):
                self._edit_message(tx, thread, message, ts, spoken)

    def _respoken(self, place: Place, ts: str, text: str, marked: str) -> Spoken:
        """Translates an edit if the message has not been sent and is to be sent."""
        with self._database.read() as tx:
            text = self._threads.as_shown(tx, place, text, marked)
            message = conversations.from_desk(tx, place.slack_channel, ts)
            if message is None or _inside(tx, text).kept is not None:
                return Spoken(text, None)
            if not deliveries.can_be_changed(deliveries.current(tx, message.id)):
                return Spoken(text, None)
        return self._interpreter.for_message(message.id, text)

    def _written(
        self, tx: Transaction, place: Place, ts: str
    ) -> tuple[Thread, Note | None, Message | None] | None:
        """Returns our thread and what this message is now; the conversation is locked."""
        thread = self._threads.at(tx, place)
        if thread is None:
            return None
        note = conversations.note_from_desk(tx, place.slack_channel, ts)
        return thread, note, _standing(tx, place, ts, note)

    # -- notes

    def _edit_note(self, tx: Transaction, thread: Thread, note: Note, text: str) -> None:
        inside = _inside(tx, text)
        is_reply = inside.kept is None
        words = text if inside.kept is None else inside.kept
        if note.text == words and note.held == is_reply:
            return
        was_held, note.text = note.held, words
        note.held = was_held and is_reply
        if is_reply and not was_held:
            self._ask_for(tx, thread, note)
        elif inside.is_command:
            self._ephemeral(tx, thread, note.agent_id, NO_THREAD_COMMAND)

    def _ask_for(self, tx: Transaction, thread: Thread, note: Note) -> None:
        """Sends a note that has become a reply only after its author confirms."""
        author = rows.agent(tx, note.agent_id)
        why_not = self._threads.why_not(tx, thread, author) if author else None
        words, note.held = why_not or (WAS_A_NOTE, True)
        send = Button.TAKE_OVER_AND_SEND if why_not else Button.SEND_HELD
        buttons = (send, Button.KEEP_AS_NOTE) if note.held else ()
        self._ephemeral(tx, thread, note.agent_id, words, buttons, note)

    # -- replies

    def _edit_message(
        self, tx: Transaction, thread: Thread, message: Message, ts: str, spoken: Spoken
    ) -> None:
        text = spoken.written
        inside = _inside(tx, text)
        if not deliveries.can_be_changed(deliveries.current(tx, message.id)):
            self._offer_correction(tx, thread, message, ts, "" if inside.kept is not None else text)
        elif inside.kept is not None or is_to_colleague(text):
            self._keep_inside(tx, thread, message, ts, inside, text)
        elif not (text or message.media):
            self._drop(tx, thread, message)
        elif spoken.said is None:
            self._ephemeral(tx, thread, message.agent_id, FIRST_VERSION)
        else:
            self._rewrite(tx, thread, message, spoken, spoken.said)

    def _keep_inside(
        self,
        tx: Transaction,
        thread: Thread,
        message: Message,
        ts: str,
        inside: _Inside,
        text: str,
    ) -> None:
        """Keeps a reply internal that has become a note, a command or a mention; for a mention,
        asks the author.
        """
        kept = text if inside.kept is None else inside.kept
        note = self._take_back(tx, thread, message, ts, kept)
        if inside.is_command:
            self._ephemeral(tx, thread, message.agent_id, NO_THREAD_COMMAND)
        elif inside.kept is None and note is not None:
            note.held = True
            buttons = (Button.SEND_HELD, Button.KEEP_AS_NOTE)
            self._ephemeral(tx, thread, message.agent_id, TO_COLLEAGUE, buttons, note)

    def _rewrite(
        self, tx: Transaction, thread: Thread, message: Message, spoken: Spoken, said: str
    ) -> None:
        """Replaces the waiting text."""
        now = self._clock.now()
        message.text = said
        message.payload = message.payload | {"written": spoken.written if spoken.language else ""}
        if spoken.language:
            outbox.notice(tx, thread.escalation, translating.in_their_language(spoken), now)
        if not rewrite(tx, thread.conversation, message, self._channels, now):
            self._ephemeral(tx, thread, message.agent_id, FAILED_EDIT)
        self._record(tx, EventKind.REPLY_EDITED, thread, message)

    def _take_back(
        self, tx: Transaction, thread: Thread, message: Message, ts: str, text: str
    ) -> Note | None:
        """Turns an unsent reply into a note."""
        self._drop(tx, thread, message)
        note = conversations.note_from_desk(tx, thread.place.slack_channel, ts)
        author = rows.agent(tx, message.agent_id)
        if note is not None:
            note.text, note.held = text, False
            outbox.note_updated(tx, note, self._clock.now())
        elif author is not None:
            note = self._threads.keep(tx, thread, author, text, ts, held=False)
        return note

    def _offer_correction(
        self, tx: Transaction, thread: Thread, message: Message, ts: str, text: str
    ) -> None:
        """Offers to send the edit as a correction; without text there is nothing to send."""
        corrected = conversations.corrections(tx, thread.place.slack_channel, ts)
        revision = short_name(f"{len(corrected)}:{text}")
        known = conversations.note_from_desk(tx, thread.place.slack_channel, ts, revision)
        author = rows.agent(tx, message.agent_id)
        if author is None or known:
            return
        words = IN_DOUBT_EDIT if _in_doubt(tx, message) else DELIVERED_EDIT
        if not text:
            self._ephemeral(tx, thread, message.agent_id, words)
            return
        held = self._threads.keep(tx, thread, author, text, ts, held=True, revision=revision)
        buttons = (Button.SEND_CORRECTION, Button.KEEP_AS_NOTE)
        self._ephemeral(tx, thread, message.agent_id, words, buttons, held)

    # -- deletions

    def deleted(self, place: Place, ts: str) -> None:
        """Handles a deleted reply or note."""
        with self._database.write() as tx:
            found = self._written(tx, place, ts)
            if found is None:
                return
            thread, note, message = found
            if message is None:
                if note is not None:
                    _empty(note)
                return
            if self._drop(tx, thread, message):
                for one in conversations.notes_from_desk(tx, place.slack_channel, ts):
                    _empty(one)
                self._leave_trace(tx, thread, message, DELETED_IN_TIME)
                return
            in_doubt = _in_doubt(tx, message)
            words = IN_DOUBT_DELETE if in_doubt else DELIVERED_DELETE
            self._ephemeral(tx, thread, message.agent_id, words)
            self._leave_trace(
                tx, thread, message, DELETED_IN_DOUBT if in_doubt else DELETED_TOO_LATE
            )

    def _leave_trace(self, tx: Transaction, thread: Thread, message: Message, words: str) -> None:
        """Posts what was deleted and whether the customer received it."""
        author = rows.agent(tx, message.agent_id)
        text = shorten(_stands(tx, message) or "a file", MOST_SHOWN)
        said = words.format(agent=author.name if author else "An agent", text=text)
        post = Post(PostKind.NOTICE, said)
        key = f"deleted:{message.id}"
        outbox.post(tx, thread.escalation, post, self._clock.now(), key=key)

    # -- shared

    def _drop(self, tx: Transaction, thread: Thread, message: Message) -> bool:
        """Cancels the message if no part of it was sent."""
        now = self._clock.now()
        if not deliveries.withdraw(tx, message.id, now):
            return False
        outbox.delivery_updated(tx, message, now)
        sla.unsaid(tx, thread.escalation, message, now)
        self._record(tx, EventKind.REPLY_DELETED, thread, message)
        return True

    def _record(self, tx: Transaction, kind: EventKind, thread: Thread, message: Message) -> None:
        now = self._clock.now()
        log.record(tx, kind, now, escalation=thread.escalation, message_id=message.id)

    def _ephemeral(
        self,
        tx: Transaction,
        thread: Thread,
        agent_id: int | None,
        words: str,
        buttons: tuple[Button, ...] = (),
        about: Note | None = None,
    ) -> None:
        author = rows.agent(tx, agent_id)
        if author is None:
            return
        value = str(about.id) if about and buttons else ""
        told = EphemeralMessage(author.desk_id, thread.place, words, buttons, value)
        outbox.ephemeral(tx, told, self._clock.now())


@dataclass(frozen=True)
class _Inside:
    """What is stored of an internal message; None for a message to the customer."""

    kept: str | None
    is_command: bool = False


def _inside(tx: Transaction, text: str) -> _Inside:
    note = note_in(tx, text)
    is_command = note is None and thread_command_in(text) is not None
    return _Inside(text if is_command else note, is_command)


def _standing(tx: Transaction, place: Place, ts: str, note: Note | None) -> Message | None:
    """Returns the message that this text is now, or None if it was withdrawn."""
    message = conversations.from_desk(tx, place.slack_channel, ts)
    if message is not None and not deliveries.is_withdrawn(tx, message.id):
        return message
    sent = conversations.sent_as(tx, [note]) if note else []
    left = [one for one in sent if not deliveries.is_withdrawn(tx, one.id)]
    return left[-1] if left else None


def _stands(tx: Transaction, message: Message) -> str:
    """Returns what the customer received or will receive: the newest correction, or the original
    text.
    """
    newest = message
    if message.desk_channel and message.desk_ts:
        corrected = conversations.corrections(tx, message.desk_channel, message.desk_ts)
        newest = corrected[-1] if corrected else message
    return str(newest.payload.get("written") or newest.text)


def _in_doubt(tx: Transaction, message: Message) -> bool:
    """Returns whether it is unknown for every part if it was sent."""
    parts = deliveries.current(tx, message.id)
    left = [part for part in parts if deliveries.may_have_left(part)]
    return bool(left) and all(deliveries.is_in_doubt(part) for part in left)


def _empty(note: Note) -> None:
    """Clears the note's text. Its row stays, so that the original message remains known."""
    note.text, note.files, note.held = DELETED, [], False


def rewrite(
    tx: Transaction,
    conversation: Conversation,
    message: Message,
    channels: Channels,
    now: datetime,
) -> bool:
    """Updates the unsent parts of a message to its text and restarts the send hold.

    Returns:
        False if all parts have failed: it is sent when an agent selects Retry.
    """
    parts = deliveries.current(tx, message.id)
    waiting = [part for part in parts if part.status == DeliveryStatus.QUEUED]
    place = waiting or parts
    others = [part for part in parts if part not in place]
    refused = {part.file for part in others if part.file and not part.text}
    fresh = sending.pieces_of(message, channels, besides=refused)
    for part, piece in zip(place, fresh, strict=False):
        part.text, part.file, part.updated_at = piece.text, piece.file, now
    for part in [*place[len(fresh) :], *(part for part in others if part.text)]:
        part.status, part.superseded_at = DeliveryStatus.DROPPED, now
    status = DeliveryStatus.QUEUED if waiting else DeliveryStatus.FAILED
    more = list(_more(tx, message, fresh[len(place) :], status, parts[-1].part + 1, now))
    if waiting:
        _requeue(tx, conversation, waiting, more, now)
    return bool(waiting)


def _more(
    tx: Transaction,
    message: Message,
    pieces: Iterable[Piece],
    status: DeliveryStatus,
    first: int,
    now: datetime,
) -> Iterable[Delivery]:
    """Yields additional parts after the existing ones."""
    for number, piece in enumerate(pieces, start=first):
        made = deliveries.add(tx, message.id, number, piece.text, now, piece.file)
        made.status = status
        yield made


def _requeue(
    tx: Transaction,
    conversation: Conversation,
    parts: Sequence[Delivery],
    more: Sequence[Delivery],
    now: datetime,
) -> None:
    """Moves later messages behind the additional parts."""
    known = {part.id for part in parts}
    queued = store.waiting(tx, sending.lane_of(conversation))
    ours = [job for job in queued if job.payload.get("delivery_id") in known]
    store.put_off(tx, ours, now + sending.hold(tx))
    for made in more:
        sending.enqueue(tx, conversation, made, now)
    if more and ours:
        store.put_last(tx, [job for job in queued if job.id > ours[-1].id])
