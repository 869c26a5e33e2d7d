"""What people write in a card's thread: the owner's words leave, everybody else's stay until they say so."""

from __future__ import annotations

import hashlib

from handoff_bot.domain import policy
from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import Button, Place, ThreadReply, Whisper
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.files import DeskFile
from handoff_bot.domain.messages import storable
from handoff_bot.ports import Clock
from handoff_bot.services import deskwork, sending, sent_files, translating
from handoff_bot.services.sending import Channels
from handoff_bot.services.threads import Thread, Threads
from handoff_bot.services.translating import Interpreter, Spoken
from handoff_bot.storage import conversations, deliveries, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Message, Note
from handoff_bot.storage.transaction import Transaction

NOTE_PREFIXES = "note.prefixes"

FILES = "This cannot be sent to customers. The customer has not seen: {files}"
DELIVERED_EDIT = "The customer already has your first version. They have not seen your change."
DELIVERED_DELETE = "The customer already has this message. It cannot be unsent."
FIRST_VERSION = "Your change could not be translated now, so what you wrote first stands."


class Relay:
    """Between the desk's threads and the customer."""

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

    def reply(self, reply: ThreadReply) -> None:
        """Somebody wrote in a thread of ours. Hearing of it again changes nothing.

        Raises:
            DeskError: the thread may be ours, but its card is just being posted: come back.
        """
        spoken = self._spoken(reply)
        with self._database.write() as tx:
            thread = self._threads.at(tx, reply.place)
            if thread is None and rows.some_card_is_unplaced(tx):
                raise DeskError("the card of this thread is just being posted", permanent=False)
            if thread and not is_known(tx, reply.place.slack_channel, reply.ts):
                self._reply(tx, thread, reply, spoken)

    def _spoken(self, reply: ThreadReply) -> Spoken:
        """The reply in the customer's language; a note is for the team, in theirs."""
        text = storable(reply.text).strip()
        with self._database.read() as tx:
            if self._note_in(tx, reply) is not None:
                return Spoken(text, text)
        return self._interpreter.for_reply(reply, text)

    def _reply(self, tx: Transaction, thread: Thread, reply: ThreadReply, spoken: Spoken) -> None:
        now = self._clock.now()
        author = conversations.agent_row(tx, reply.author.desk_id, reply.author.name, now)
        text = spoken.written
        note = self._note_in(tx, reply)
        if note is not None:
            self._threads.keep(tx, thread, author, note, reply.ts, held=False)
            return
        if reply.files:
            self._threads.tell(tx, author, reply, FILES.format(files=", ".join(reply.files)))
        files = self._accepted(tx, thread, author, reply)
        if not (text or files):
            return
        why_not = self._threads.why_not(tx, thread, author)
        if why_not is None and spoken.is_open:
            raise DeskError("its author has become the owner meanwhile", permanent=False)
        if why_not is None and spoken.said is not None:
            self._threads.send(tx, thread, author, spoken, reply.ts, files=files)
            return
        words, may_send = why_not or (translating.not_translated(spoken), True)
        held = self._threads.keep(tx, thread, author, text, reply.ts, held=may_send, files=files)
        send = (Button.TAKE_OVER_AND_SEND,) if why_not else translating.AGAIN_OR_AS_IT_IS
        buttons = (*send, Button.KEEP_AS_NOTE) if may_send else ()
        self._threads.tell(tx, author, reply, words, buttons, str(id_of(held)))

    def _accepted(
        self, tx: Transaction, thread: Thread, author: Agent, reply: ThreadReply
    ) -> tuple[DeskFile, ...]:
        """The files that may be sent; of the others their author is told why not."""
        limits = self._channels[thread.conversation.channel].limits
        accepted, refused = sent_files.acceptable(reply.attached, limits.media)
        for words in refused:
            self._threads.tell(tx, author, reply, words)
        return accepted

    def _note_in(self, tx: Transaction, reply: ThreadReply) -> str | None:
        prefixes = log.preference(tx, NOTE_PREFIXES, policy.NOTE_PREFIXES)
        return policy.note_text(storable(reply.text).strip(), prefixes)

    def is_known(self, place: Place, ts: str) -> bool:
        """Has this reply been handled before?"""
        with self._database.read() as tx:
            return is_known(tx, place.slack_channel, ts)

    def escalation_at(self, place: Place) -> int | None:
        """Whose thread this is, None when it is none of ours."""
        with self._database.read() as tx:
            found = rows.thread_at(tx, place)
            return found.escalation_id if found else None

    def ordered(self, reply: ThreadReply, text: str, *, done: bool) -> None:
        """Keep a verb as a note, and whisper what came of it; one that is not known may be sent as words."""
        with self._database.write() as tx:
            thread = self._threads.at(tx, reply.place)
            if thread is None:
                return
            if not done and self._note_in(tx, reply) is not None:
                self._reply(tx, thread, reply, Spoken(reply.text, reply.text))
                return
            author = conversations.agent_row(
                tx, reply.author.desk_id, reply.author.name, self._clock.now()
            )
            held: Note | None = None
            if not is_known(tx, reply.place.slack_channel, reply.ts):
                words = storable(reply.text).strip()
                held = self._threads.keep(tx, thread, author, words, reply.ts, held=not done)
            buttons = () if done else (Button.TAKE_OVER_AND_SEND, Button.KEEP_AS_NOTE)
            if text:
                self._threads.tell(
                    tx, author, reply, text, buttons, str(id_of(held)) if held else ""
                )

    def edited(self, place: Place, ts: str, text: str) -> None:
        """Somebody changed a reply: in time it changes what is sent, too late they are told so."""
        spoken = self._respoken(place, ts, storable(text).strip())
        text = spoken.written
        with self._database.write() as tx:
            thread = self._threads.at(tx, place)
            if thread is None:
                return
            note = conversations.note_from_desk(tx, place.slack_channel, ts)
            message = conversations.from_desk(tx, place.slack_channel, ts)
            if note and not message:
                note.text = policy.note_text(text, policy.NOTE_PREFIXES) or text
            elif message and (message.payload.get("written") or message.text) != text:
                self._edit_message(tx, thread, message, ts, spoken)

    def _respoken(self, place: Place, ts: str, text: str) -> Spoken:
        """A change in the customer's language, if it is of something that has not left yet."""
        with self._database.read() as tx:
            message = conversations.from_desk(tx, place.slack_channel, ts)
            if message is None or not deliveries.is_waiting(tx, id_of(message)):
                return Spoken(text, None)
        return self._interpreter.for_message(id_of(message), text)

    def _edit_message(
        self, tx: Transaction, thread: Thread, message: Message, ts: str, spoken: Spoken
    ) -> None:
        now, text = self._clock.now(), spoken.written
        if spoken.said is None and deliveries.is_waiting(tx, id_of(message)):
            author = rows.agent(tx, message.agent_id)
            if author:
                told = Whisper(author.desk_id, thread.place, FIRST_VERSION)
                deskwork.whisper(tx, told, now)
            return
        said = spoken.said if text or message.media else None
        if said is None or not deliveries.drop_waiting(tx, id_of(message), now):
            self._offer_correction(tx, thread, message, ts, text)
            return
        deliveries.forget(tx, id_of(message), now)
        message.text = said
        message.payload = message.payload | {"written": text if spoken.language else ""}
        if spoken.language:
            deskwork.notice(tx, thread.escalation, translating.in_their_language(spoken), now)
        again = now + sending.hold(tx)
        sending.enqueue_parts(tx, thread.conversation, message, self._channels, now, again)
        log.record(tx, "reply.edited", now, escalation=thread.escalation, message_id=id_of(message))

    def _offer_correction(
        self, tx: Transaction, thread: Thread, message: Message, ts: str, text: str
    ) -> None:
        author = rows.agent(tx, message.agent_id)
        revision = _name_of(text)
        known = conversations.note_from_desk(tx, thread.place.slack_channel, ts, revision)
        if author is None or known:
            return
        told = Whisper(author.desk_id, thread.place, DELIVERED_EDIT)
        if text:
            held = self._threads.keep(tx, thread, author, text, ts, held=True, revision=revision)
            told = Whisper(
                author.desk_id,
                thread.place,
                DELIVERED_EDIT,
                (Button.SEND_CORRECTION, Button.KEEP_AS_NOTE),
                str(id_of(held)),
            )
        deskwork.whisper(tx, told, self._clock.now())

    def deleted(self, place: Place, ts: str) -> None:
        """Somebody deleted a reply: in time it is not sent, too late they are told so."""
        with self._database.write() as tx:
            thread = self._threads.at(tx, place)
            message = conversations.from_desk(tx, place.slack_channel, ts)
            if thread is None or message is None:
                return
            now = self._clock.now()
            if deliveries.drop_waiting(tx, id_of(message), now):
                log.record(
                    tx,
                    "reply.deleted",
                    now,
                    escalation=thread.escalation,
                    message_id=id_of(message),
                )
                return
            author = rows.agent(tx, message.agent_id)
            parts = deliveries.current(tx, id_of(message))
            if author and any(part.status != DeliveryStatus.DROPPED for part in parts):
                deskwork.whisper(tx, Whisper(author.desk_id, place, DELIVERED_DELETE), now)


def is_known(tx: Transaction, slack_channel: str, ts: str) -> bool:
    """Has this thread reply been handled before?"""
    found = conversations.from_desk(tx, slack_channel, ts)
    return bool(found or conversations.note_from_desk(tx, slack_channel, ts))


def _name_of(text: str) -> str:
    """A short name of a text, so that the same edit reported twice is one correction."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
