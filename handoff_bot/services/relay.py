"""What people write in a card's thread: the owner's words leave, everybody else's stay until they say so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from handoff_bot.domain import policy
from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import AgentRef, Button, Place, Post, PostKind, ThreadReply, Whisper
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import OPEN, Status, Step
from handoff_bot.domain.files import DeskFile
from handoff_bot.domain.languages import name_of
from handoff_bot.domain.messages import Author, Template, storable
from handoff_bot.ports import Clock
from handoff_bot.services import deskwork, sending, sent_files, sla, translating
from handoff_bot.services.escalations import AFTER_THE_AI, Escalations
from handoff_bot.services.outcome import Outcome
from handoff_bot.services.sending import NO_HOLD, OPTED_OUT, Channels, Words
from handoff_bot.services.translating import Interpreter, Spoken
from handoff_bot.storage import conversations, deliveries, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Escalation, Message, Note
from handoff_bot.storage.transaction import Transaction

NOTE_PREFIXES = "note.prefixes"

NOT_OWNER = (
    "This stayed inside as a note: {owner} has this conversation. The customer has not seen it."
)
UNCLAIMED = "This stayed inside as a note: nobody has taken over yet. The customer has not seen it."
CLOSED = "This stayed inside as a note: the conversation is closed. The customer has not seen it."
FILES = "This cannot be sent to customers. The customer has not seen: {files}"
DELIVERED_EDIT = "The customer already has your first version. They have not seen your change."
DELIVERED_DELETE = "The customer already has this message. It cannot be unsent."
KEPT = "Kept as a note. The customer has not seen it."
SENT_ALREADY = "This has been sent already."
GONE = "This is not known any more."
NO_CARD_YET = "The card of this conversation is just being posted. Please try again in a moment."
FIRST_VERSION = "Your change could not be translated now, so what you wrote first stands."
NOT_TRANSLATED = "This could not be translated into {language} now. The customer has not seen it."
AGAIN_OR_AS_IT_IS = (Button.TRANSLATE_AGAIN, Button.SEND_AS_WRITTEN)
WINDOW = "window"
"""Stands for the slack_channel of what was written in a window, whose id stands for its ts."""


@dataclass(frozen=True)
class _Thread:
    """One of our threads, with what belongs to it; the conversation is held."""

    place: Place
    escalation: Escalation
    conversation: Conversation


class Relay:
    """Between the desk's threads and the customer."""

    def __init__(
        self,
        database: Database,
        channels: Channels,
        clock: Clock,
        escalations: Escalations,
        interpreter: Interpreter,
    ) -> None:
        self._database = database
        self._interpreter = interpreter
        self._channels = channels
        self._clock = clock
        self._escalations = escalations

    # -- what the desk's events say

    def reply(self, reply: ThreadReply) -> None:
        """Somebody wrote in a thread of ours. Hearing of it again changes nothing.

        Raises:
            DeskError: the thread may be ours, but its card is just being posted: come back.
        """
        spoken = self._spoken(reply)
        with self._database.write() as tx:
            thread = self._thread(tx, reply.place)
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

    def _reply(self, tx: Transaction, thread: _Thread, reply: ThreadReply, spoken: Spoken) -> None:
        now = self._clock.now()
        author = conversations.agent_row(tx, reply.author.desk_id, reply.author.name, now)
        text = spoken.written
        note = self._note_in(tx, reply)
        if note is not None:
            self._keep(tx, thread, author, note, reply.ts, held=False)
            return
        if reply.files:
            self._whisper(tx, author, reply, FILES.format(files=", ".join(reply.files)))
        files = self._accepted(tx, thread, author, reply)
        if not (text or files):
            return
        why_not = self._why_not(tx, thread, author)
        if why_not is None and spoken.is_open:
            raise DeskError("its author has become the owner meanwhile", permanent=False)
        if why_not is None and spoken.said is not None:
            self._send(tx, thread, author, spoken, reply.ts, files=files)
            return
        words, may_send = why_not or (_not_translated(spoken), True)
        held = self._keep(tx, thread, author, text, reply.ts, held=may_send, files=files)
        send = (Button.TAKE_OVER_AND_SEND,) if why_not else AGAIN_OR_AS_IT_IS
        buttons = (*send, Button.KEEP_AS_NOTE) if may_send else ()
        self._whisper(tx, author, reply, words, buttons, str(id_of(held)))

    def _accepted(
        self, tx: Transaction, thread: _Thread, author: Agent, reply: ThreadReply
    ) -> tuple[DeskFile, ...]:
        """The files that may be sent; of the others their author is told why not."""
        limits = self._channels[thread.conversation.channel].limits
        accepted, refused = sent_files.acceptable(reply.attached, limits.media)
        for words in refused:
            self._whisper(tx, author, reply, words)
        return accepted

    def _note_in(self, tx: Transaction, reply: ThreadReply) -> str | None:
        prefixes = log.preference(tx, NOTE_PREFIXES, policy.NOTE_PREFIXES)
        return policy.note_text(storable(reply.text).strip(), prefixes)

    def _why_not(self, tx: Transaction, thread: _Thread, author: Agent) -> tuple[str, bool] | None:
        """Why these words stay inside, and whether their author can change that; None when they leave."""
        if thread.escalation.status not in OPEN:
            return CLOSED, False
        if thread.conversation.opted_out_at:
            return OPTED_OUT, False
        if thread.escalation.status == Status.QUEUED:
            return UNCLAIMED, True
        if thread.escalation.owner_id == id_of(author):
            return None
        owner = rows.agent(tx, thread.escalation.owner_id)
        return NOT_OWNER.format(owner=owner.name if owner else "somebody else"), True

    def _send(
        self,
        tx: Transaction,
        thread: _Thread,
        author: Agent,
        spoken: Spoken,
        ts: str | None,
        note: Note | None = None,
        files: tuple[DeskFile, ...] = (),
        template: Template | None = None,
    ) -> Message:
        now = self._clock.now()
        text = spoken.said or spoken.written
        sla.replied(tx, thread.escalation, now)
        message = sending.say(
            tx,
            thread.conversation,
            Words(
                text,
                Author.AGENT,
                hold=sending.hold(tx) if ts else NO_HOLD,
                escalation_id=id_of(thread.escalation),
                agent_id=id_of(author),
                desk_channel=thread.place.slack_channel if ts else None,
                desk_ts=ts,
                note_id=id_of(note) if note else None,
                files=files,
                template=template,
                written=spoken.written if spoken.language else "",
            ),
            self._channels,
            now,
        )
        if spoken.language and text != spoken.written:
            deskwork.notice(tx, thread.escalation, translating.in_their_language(spoken), now)
        log.record(
            tx,
            "reply.accepted",
            now,
            escalation=thread.escalation,
            message_id=id_of(message),
            agent_id=id_of(author),
        )
        return message

    def _keep(
        self,
        tx: Transaction,
        thread: _Thread,
        author: Agent,
        text: str,
        ts: str,
        *,
        held: bool,
        revision: str = "",
        files: tuple[DeskFile, ...] = (),
    ) -> Note:
        now = self._clock.now()
        note = tx.add(
            Note(
                conversation_id=id_of(thread.conversation),
                escalation_id=id_of(thread.escalation),
                agent_id=id_of(author),
                text=text,
                held=held,
                files=sent_files.stored(files),
                desk_channel=thread.place.slack_channel,
                desk_ts=ts,
                revision=revision,
                created_at=now,
            )
        )
        kind = "note.held" if held else "note.kept"
        log.record(tx, kind, now, escalation=thread.escalation, agent_id=id_of(author))
        return note

    def _whisper(
        self,
        tx: Transaction,
        author: Agent,
        reply: ThreadReply,
        text: str,
        buttons: tuple[Button, ...] = (),
        value: str = "",
    ) -> None:
        told = Whisper(author.desk_id, reply.place, text, buttons, value if buttons else "")
        deskwork.whisper(tx, told, self._clock.now())

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
            thread = self._thread(tx, reply.place)
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
                held = self._keep(tx, thread, author, words, reply.ts, held=not done)
            buttons = () if done else (Button.TAKE_OVER_AND_SEND, Button.KEEP_AS_NOTE)
            if text:
                self._whisper(tx, author, reply, text, buttons, str(id_of(held)) if held else "")

    def edited(self, place: Place, ts: str, text: str) -> None:
        """Somebody changed a reply: in time it changes what is sent, too late they are told so."""
        spoken = self._respoken(place, ts, storable(text).strip())
        text = spoken.written
        with self._database.write() as tx:
            thread = self._thread(tx, place)
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
        self, tx: Transaction, thread: _Thread, message: Message, ts: str, spoken: Spoken
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
        self, tx: Transaction, thread: _Thread, message: Message, ts: str, text: str
    ) -> None:
        author = rows.agent(tx, message.agent_id)
        revision = _name_of(text)
        known = conversations.note_from_desk(tx, thread.place.slack_channel, ts, revision)
        if author is None or known:
            return
        told = Whisper(author.desk_id, thread.place, DELIVERED_EDIT)
        if text:
            held = self._keep(tx, thread, author, text, ts, held=True, revision=revision)
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
            thread = self._thread(tx, place)
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

    # -- what agents answer to our whispers

    def send_held(self, note_id: int, agent: AgentRef) -> Outcome:
        """ "Take over & send": the words leave once this agent has the conversation."""
        return self._release_note(note_id, agent, take_over=True)

    def send_correction(self, correction_id: int, agent: AgentRef) -> Outcome:
        """Send what a reply was changed to, as a message of its own."""
        return self._release_note(correction_id, agent, take_over=False)

    def translate_again(self, note_id: int, agent: AgentRef) -> Outcome:
        """Try once more what could not be translated, and send it."""
        return self._release_note(note_id, agent, take_over=False)

    def _release_note(self, note_id: int, agent: AgentRef, *, take_over: bool) -> Outcome:
        escalation_id = self._escalation_of(note_id)
        if escalation_id is None:
            return Outcome(False, GONE)
        if take_over:
            taken = self._take_over(escalation_id, agent)
            if taken.text == AFTER_THE_AI:
                return Outcome(False, f"{taken.text} Then press the button again, please.")
            if not taken.done:
                return taken
        spoken = self._interpreter.for_note(note_id)
        with self._database.write() as tx:
            if spoken.said is None:
                return self._offer_untranslated(tx, note_id, agent, spoken)
            return self._send_note(tx, note_id, agent, spoken)

    def send_as_written(self, note_id: int, agent: AgentRef) -> Outcome:
        """Send what could not be translated as its author wrote it."""
        with self._database.write() as tx:
            note = tx.session.get(Note, note_id)
            if note is None:
                return Outcome(False, GONE)
            return self._send_note(tx, note_id, agent, Spoken(note.text, note.text))

    def _offer_untranslated(
        self, tx: Transaction, note_id: int, agent: AgentRef, spoken: Spoken
    ) -> Outcome:
        note = tx.session.get_one(Note, note_id)
        words = _not_translated(spoken)
        thread = self._thread_of(tx, rows.get(tx, note.escalation_id))
        if thread is None or not note.held:
            return Outcome(False, GONE if thread is None else SENT_ALREADY)
        buttons = (*AGAIN_OR_AS_IT_IS, Button.KEEP_AS_NOTE)
        told = Whisper(agent.desk_id, thread.place, words, buttons, str(note_id))
        deskwork.whisper(tx, told, self._clock.now())
        return Outcome(True, words)

    def _escalation_of(self, note_id: int) -> int | None:
        with self._database.read() as tx:
            note = tx.session.get(Note, note_id)
            return note.escalation_id if note else None

    def _take_over(self, escalation_id: int, agent: AgentRef) -> Outcome:
        """Own it, whoever had it."""
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
            owner = rows.agent(tx, escalation.owner_id) if escalation else None
        if escalation is None:
            return Outcome(False, GONE)
        if owner and owner.desk_id == agent.desk_id:
            return Outcome(True)
        if escalation.status == Status.CLAIMED:
            return self._escalations.reassign(escalation_id, agent, agent)
        return self._escalations.take(Step.CLAIM, escalation_id, agent)

    def _send_note(self, tx: Transaction, note_id: int, agent: AgentRef, spoken: Spoken) -> Outcome:
        note = tx.session.get_one(Note, note_id)
        thread = self._thread_of(tx, rows.get(tx, note.escalation_id))
        if thread is None:
            return Outcome(False, GONE)
        note = tx.session.get_one(Note, note_id, populate_existing=True)
        if not note.held:
            return Outcome(False, SENT_ALREADY)
        author = conversations.agent_row(tx, agent.desk_id, agent.name, self._clock.now())
        why_not = self._why_not(tx, thread, author)
        if why_not:
            return Outcome(False, why_not[0])
        note.held = False
        ts = None if note.revision else note.desk_ts
        self._send(tx, thread, author, spoken, ts, note, sent_files.read(note.files))
        return Outcome(True, "Sent to the customer.")

    def send(
        self,
        escalation_id: int,
        agent: AgentRef,
        text: str,
        key: str,
        template: Template | None = None,
    ) -> Outcome:
        """Send what an agent wrote outside of the thread, once for each key; who has nobody takes it over."""
        taken = self._claim_if_nobody_has_it(escalation_id, agent)
        if not taken.done or taken.text == AFTER_THE_AI:
            return Outcome(False, taken.text)
        with self._database.write() as tx:
            thread = self._thread_of_window(tx, escalation_id, key)
            if isinstance(thread, Outcome):
                return thread
            author = conversations.agent_row(tx, agent.desk_id, agent.name, self._clock.now())
            why_not = self._why_not(tx, thread, author)
            if why_not:
                return Outcome(False, why_not[0])
            self._send_from_window(tx, thread, author, text, key, template)
            return Outcome(True)

    def note(self, escalation_id: int, agent: AgentRef, text: str, key: str) -> Outcome:
        """Keep a note that was written outside of the thread, once for each key, and show it there."""
        with self._database.write() as tx:
            thread = self._thread_of_window(tx, escalation_id, key)
            if isinstance(thread, Outcome):
                return thread
            now = self._clock.now()
            author = conversations.agent_row(tx, agent.desk_id, agent.name, now)
            self._keep_from_window(tx, thread, author, text, key)
            shown = Post(PostKind.TOLD, f"📝 {author.name} notes: {text}")
            deskwork.post(tx, thread.escalation, shown, now)
            return Outcome(True)

    def _thread_of_window(self, tx: Transaction, escalation_id: int, key: str) -> _Thread | Outcome:
        """The thread that a window is about; or what to answer, when it has been sent already or has none."""
        thread = self._thread_of(tx, rows.get(tx, escalation_id))
        if thread is None:
            return Outcome(False, NO_CARD_YET)
        known = conversations.note_from_desk(tx, WINDOW, key, WINDOW)
        return Outcome(True) if known else thread

    def _keep_from_window(
        self, tx: Transaction, thread: _Thread, author: Agent, text: str, key: str
    ) -> Note:
        from_window = replace(thread, place=Place(WINDOW, ""))
        return self._keep(tx, from_window, author, text, key, held=False, revision=WINDOW)

    def _claim_if_nobody_has_it(self, escalation_id: int, agent: AgentRef) -> Outcome:
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
        if escalation is not None and escalation.status == Status.QUEUED:
            return self._escalations.take(Step.CLAIM, escalation_id, agent)
        return Outcome(escalation is not None, "" if escalation else GONE)

    def _send_from_window(
        self,
        tx: Transaction,
        thread: _Thread,
        author: Agent,
        text: str,
        key: str,
        template: Template | None,
    ) -> None:
        note = self._keep_from_window(tx, thread, author, text, key)
        said = Spoken(text, text)  # in a window it is written in the customer's language
        message = self._send(tx, thread, author, said, None, note, template=template)
        shown = Post(PostKind.OURS, text, name=author.name)
        deskwork.post(tx, thread.escalation, shown, self._clock.now(), message)

    def keep_as_note(self, note_id: int, agent: AgentRef) -> Outcome:
        """It stays inside."""
        with self._database.write() as tx:
            note = tx.session.get(Note, note_id)
            if note is None:
                return Outcome(False, GONE)
            note.held = False
            return Outcome(True, KEPT)

    def retry(self, message_id: int, agent: AgentRef) -> Outcome:
        """Send the failed parts of a message again."""
        with self._database.write() as tx:
            message = tx.session.get(Message, message_id)
            if message is None:
                return Outcome(False, GONE)
            conversation = conversations.hold(tx, message.conversation_id)
            if conversation.opted_out_at:
                return Outcome(False, OPTED_OUT)
            if message.epoch is not None and message.epoch != conversation.epoch:
                return Outcome(False, "Somebody else speaks now, so this is not sent any more.")
            return self._retry(tx, conversation, message)

    def _retry(self, tx: Transaction, conversation: Conversation, message: Message) -> Outcome:
        now = self._clock.now()
        again = 0
        sent_files.collect(tx, message, now)
        for part in deliveries.current(tx, id_of(message)):
            if deliveries.supersede(tx, id_of(part), now):
                fresh = deliveries.add(tx, id_of(message), part.part, part.text, now, part.file)
                sending.enqueue(tx, conversation, fresh, now)
                again += 1
        if not again:
            return Outcome(False, "This is on its way already.")
        log.record(tx, "message.retried", now, conversation=conversation, message_id=id_of(message))
        return Outcome(True, "Sending it again.")

    # -- finding things

    def _thread(self, tx: Transaction, place: Place) -> _Thread | None:
        known = rows.thread_at(tx, place)
        return self._thread_of(tx, rows.get(tx, known.escalation_id)) if known else None

    def _thread_of(self, tx: Transaction, escalation: Escalation | None) -> _Thread | None:
        if escalation is None:
            return None
        at = rows.thread_of(tx, id_of(escalation))
        if at is None:
            return None
        conversation = conversations.hold(tx, escalation.conversation_id)
        fresh = rows.get(tx, id_of(escalation)) or escalation
        return _Thread(Place(at.slack_channel, at.ts), fresh, conversation)


def is_known(tx: Transaction, slack_channel: str, ts: str) -> bool:
    """Has this thread reply been handled before?"""
    found = conversations.from_desk(tx, slack_channel, ts)
    return bool(found or conversations.note_from_desk(tx, slack_channel, ts))


def _not_translated(spoken: Spoken) -> str:
    return NOT_TRANSLATED.format(language=name_of(spoken.language))


def _name_of(text: str) -> str:
    """A short name of a text, so that the same edit reported twice is one correction."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
