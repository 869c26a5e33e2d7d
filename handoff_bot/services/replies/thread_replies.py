"""Thread replies: the assignee's messages go to the customer, all others stay internal until
confirmed.
"""

from __future__ import annotations

from handoff_bot.domain.desk import Button, Place, ThreadReply
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.files import DeskFile
from handoff_bot.domain.messages import storable
from handoff_bot.domain.thread_syntax import is_to_colleague
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import outbound_files
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.replies.revising import Revising
from handoff_bot.services.replies.threads import Thread, Threads, note_in
from handoff_bot.services.translation import translating
from handoff_bot.services.translation.translating import Interpreter, Spoken
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Note
from handoff_bot.storage.transaction import Transaction

TO_COLLEAGUE = (
    "Not sent: the message begins with a mention, so it looks like a message to a "
    "colleague. The customer did not receive it."
)
FILES = "Files cannot be sent to customers on this channel. The customer did not receive: {files}"


class ThreadReplies:
    """Connects Slack threads with the customer."""

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
        self._revising = Revising(database, channels, clock, threads, interpreter)

    def reply(self, reply: ThreadReply) -> None:
        """Handles a reply in one of our threads. Safe to repeat.

        Raises:
            DeskError: the thread's card may still be being posted; retry.
        """
        spoken = self._spoken(reply)
        with self._database.write() as tx:
            thread = self._threads.at(tx, reply.place)
            if thread is None and rows.some_card_is_unplaced(tx):
                raise DeskError("the card of this thread is just being posted", permanent=False)
            if thread and not is_known(tx, reply.place.slack_channel, reply.ts):
                self._reply(tx, thread, reply, spoken)

    def _spoken(self, reply: ThreadReply) -> Spoken:
        """Returns the reply in the customer's language; notes stay in the team's language."""
        with self._database.read() as tx:
            text = self._threads.as_shown(tx, reply.place, reply.text, reply.marked)
            if note_in(tx, text) is not None or is_to_colleague(text):
                return Spoken(text, text)
        return self._interpreter.for_reply(reply, text)

    def _reply(self, tx: Transaction, thread: Thread, reply: ThreadReply, spoken: Spoken) -> None:
        now = self._clock.now()
        author = conversations.agent_row(tx, reply.author.desk_id, reply.author.name, now)
        text = spoken.written
        note = note_in(tx, text)
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
        asks = why_not is None and is_to_colleague(text)
        if why_not is None and spoken.said is not None and not asks:
            self._threads.send(tx, thread, author, spoken, reply.ts, files=files)
            return
        buttons = _ways_to_send(why_not)
        held = self._threads.keep(
            tx, thread, author, text, reply.ts, held=bool(buttons), files=files
        )
        words = why_not[0] if why_not else TO_COLLEAGUE
        if why_not is None and not asks:
            words = translating.not_translated(spoken)
            buttons = (*translating.AGAIN_OR_AS_IT_IS, Button.KEEP_AS_NOTE)
        self._threads.tell(tx, author, reply, words, buttons, str(held.id))

    def _accepted(
        self, tx: Transaction, thread: Thread, author: Agent, reply: ThreadReply
    ) -> tuple[DeskFile, ...]:
        """Returns the files that can be sent, and tells the author why others cannot."""
        limits = self._channels[thread.conversation.channel].limits
        accepted, refused = outbound_files.acceptable(reply.attached, limits.media)
        for words in refused:
            self._threads.tell(tx, author, reply, words)
        return accepted

    def is_known(self, place: Place, ts: str) -> bool:
        with self._database.read() as tx:
            return is_known(tx, place.slack_channel, ts)

    def escalation_at(self, place: Place) -> int | None:
        """Returns the escalation of a thread, or None if the thread is not ours."""
        with self._database.read() as tx:
            found = rows.thread_at(tx, place)
            return found.escalation_id if found else None

    def ordered(self, reply: ThreadReply, text: str, *, done: bool) -> None:
        """Stores a thread command as a note and replies with its result. An unknown command may be
        sent as text.
        """
        with self._database.write() as tx:
            thread = self._threads.at(tx, reply.place)
            if thread is None:
                return
            words = storable(reply.text).strip()
            if not done and note_in(tx, words) is not None:
                self._reply(tx, thread, reply, Spoken(words, words))
                return
            author = conversations.agent_row(
                tx, reply.author.desk_id, reply.author.name, self._clock.now()
            )
            held: Note | None = None
            buttons = () if done else _ways_to_send(self._threads.why_not(tx, thread, author))
            if not is_known(tx, reply.place.slack_channel, reply.ts):
                files = () if done else self._accepted(tx, thread, author, reply)
                held = self._threads.keep(
                    tx,
                    thread,
                    author,
                    words,
                    reply.ts,
                    held=bool(buttons),
                    files=files,
                    marked=not done,
                )
            if text:
                self._threads.tell(tx, author, reply, text, buttons, str(held.id) if held else "")

    def edited(self, place: Place, ts: str, text: str, marked: str = "") -> None:
        """Handles an edited reply."""
        self._revising.edited(place, ts, text, marked)

    def deleted(self, place: Place, ts: str) -> None:
        """Handles a deleted reply."""
        self._revising.deleted(place, ts)


def _ways_to_send(why_not: tuple[str, bool] | None) -> tuple[Button, ...]:
    """Returns the author's options for a message that was kept internal; see `Threads.why_not`."""
    if why_not is None:
        return (Button.SEND_HELD, Button.KEEP_AS_NOTE)
    _, may_send = why_not
    return (Button.TAKE_OVER_AND_SEND, Button.KEEP_AS_NOTE) if may_send else ()


def is_known(tx: Transaction, slack_channel: str, ts: str) -> bool:
    found = conversations.from_desk(tx, slack_channel, ts)
    return bool(found or conversations.note_from_desk(tx, slack_channel, ts))
