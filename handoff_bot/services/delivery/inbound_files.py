"""Customers' files on their way into the thread: quotas, download, checks, upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain.desk import Button, Place, Post, PostKind
from handoff_bot.domain.errors import (
    DeliveryError,
    DeskError,
    DeskUnsure,
    Exhausted,
    Malformed,
    Unacceptable,
)
from handoff_bot.domain.escalations import NETWORK, Quota
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.file_reading import Reading
from handoff_bot.domain.files import (
    KINDS,
    MB,
    MOST_FILES,
    Fetched,
    File,
    called,
    examined,
    kind_of,
    size_in_words,
)
from handoff_bot.domain.messages import Author, InboundMessage, Media
from handoff_bot.domain.results import ActionResult
from handoff_bot.jobs import handler, store
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.jobs.rate_limits import Cost
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.delivery.outbound_files import KEPT_FOR
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.outbox import alarms, outbox, slack_job, view_models
from handoff_bot.services.outbox.slack_job import InThread, mark_of
from handoff_bot.storage import attachments, conversations, log, tallies
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation, Message
from handoff_bot.storage.transaction import Transaction

# -- upload quotas: per customer, per network and in total

_HOUR = timedelta(hours=1)
OF_ONE = Quota(50 * MB, _HOUR)
OF_NETWORK = Quota(200 * MB, _HOUR)
OF_ALL = Quota(2_000 * MB, _HOUR)
KEPT = Quota(20_000 * MB, KEPT_FOR)
"""In bytes. Files are deleted after `KEPT_FOR`, so at most twice this is stored at any time."""

TOO_MUCH = "Too many files uploaded. Please try again later."


def take(tx: Transaction, message: InboundMessage, size: int, now: datetime) -> None:
    """Counts the bytes of an upload.

    Raises:
        Exhausted: a quota is used up.
    """
    quotas = {
        f"upload:{message.channel}:{message.address}": OF_ONE,
        "upload:all": OF_ALL,
        "upload:kept": KEPT,
    }
    for group in message.counted_with:
        if group.startswith(NETWORK):
            quotas[f"upload:{group}"] = OF_NETWORK
    refused_by = tallies.take(tx, quotas, now, size)
    if refused_by:
        wait = quotas[refused_by].ends(now) - now
        raise Exhausted(TOO_MUCH, limit=refused_by[:13], retry_after=wait.total_seconds())


# -- download, checks, upload
# Each file is a job in the thread's lane, so it keeps its place among the messages. A file that
# cannot be shown is always reported in the thread with the reason.

FILE = "desk.file"
LOOK_BACK = 30
"""Number of messages before an escalation whose files are brought into its thread."""
PATIENCE = timedelta(minutes=1)
"""How long messages wait behind a file that cannot be downloaded. After that, an agent must request
it again.
"""
FEWEST_TRIES = 4
LARGEST_UPLOAD = 10 * MB
"""Maximum size in bytes of a file uploaded by a customer."""

GONE = "This file no longer exists."
AGAIN = "Downloading the file again."
UNREAD = "The AI did not read this file. {why}"
BY_US = {
    Reading.TRANSCRIPT: "transcribed by the assistant",
    Reading.DESCRIPTION: "described by the assistant",
}
FAILED = "📎 The customer sent a file ({kind}) that cannot be shown here. {why}"


def to_thread(tx: Transaction, escalation: Escalation, message: Message, now: datetime) -> None:
    """Enqueues a message's files for the thread, each once and in order."""
    for number in range(len(message.media)):
        _bring(tx, escalation.id, message.id, number, now)
    if message.media:
        readings_to_thread(tx, escalation, message, now)


def readings_to_thread(
    tx: Transaction, escalation: Escalation, message: Message, now: datetime
) -> None:
    """Posts what a language model read from a message's files, or why it did not, each once."""
    conversation = conversations.get(tx, message.conversation_id)
    for number, kind, text in view_models.readings(message):
        key = f"read:{escalation.id}:{message.id}:{number}"
        outbox.post(tx, escalation, _reading(tx, conversation, kind, text), now, key=key)


def _reading(tx: Transaction, conversation: Conversation, kind: Reading, text: str) -> Post:
    if kind is Reading.UNREAD:
        return Post(PostKind.NOTICE, UNREAD.format(why=text))
    name = f"{conversations.contact_name(tx, conversation)} · {BY_US[kind]}"
    shown = f"{view_models.LABELS[kind]}: {text}"
    return Post(PostKind.CONTACT, shown, name=name, channel=conversation.channel)


def earlier(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """Enqueues the files that the customer sent before the escalation."""
    settled = rows.settled_until(tx, escalation.conversation_id)
    recent = conversations.recent(tx, escalation.conversation_id, LOOK_BACK)
    found = [
        (message, number)
        for message in recent
        if message.author == Author.CONTACT and message.id > settled
        for number in range(len(message.media))
    ][-MOST_FILES:]
    for at, (message, number) in enumerate(found, start=1):
        _bring(tx, escalation.id, message.id, number, now)
        if at == len(found) or found[at][0] is not message:
            readings_to_thread(tx, escalation, message, now)


def _bring(
    tx: Transaction,
    escalation_id: int,
    message_id: int,
    number: int,
    now: datetime,
    after: int | None = None,
) -> None:
    key = f"file:{escalation_id}:{message_id}:{number}" + (f":{after}" if after else "")
    payload = {"escalation_id": escalation_id, "message_id": message_id, "number": number}
    enqueue_job(tx, NewJob(FILE, f"desk:{escalation_id}", payload, due_at=now, key=key))


class Files:
    """Customers' uploads and agents' requests for files."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def keep(self, message: InboundMessage, fetched: Fetched, token: str) -> tuple[str, File]:
        """Stores a file uploaded by a customer; `message` is the key of the message it comes with.

        The same file with the same message is stored once.

        Returns:
            The token under which it is stored, and the stored file.

        Raises:
            Unacceptable: the file type or size is not allowed.
            Exhausted: the upload quota is used up.
            Malformed: the message already has another file.
        """
        file = examined(fetched, dict.fromkeys(KINDS, LARGEST_UPLOAD))
        now = self._clock.now()
        name = f"{message.channel}:{message.provider_id}"
        with self._database.write() as tx:
            tx.one_at_a_time(f"upload:{message.address}")
            earlier = attachments.received(tx, name)
            if earlier:
                return _repeated(*earlier, file)
            take(tx, message, len(file.data), now)
            conversation = conversations.of_inbound(tx, message, now)
            attachments.add(tx, token, file, conversation.id, None, now, received_as=name)
        return token, file

    def fetch_again(self, work_id: int) -> ActionResult:
        """Downloads a failed file again. Pressing twice brings it once."""
        with self._database.write() as tx:
            payload = store.payload_of(tx, work_id, FILE)
            if payload is None:
                return ActionResult(False, GONE)
            now = self._clock.now()
            names = ("escalation_id", "message_id", "number")
            escalation_id, message_id, number = (int(payload[name]) for name in names)
            _bring(tx, escalation_id, message_id, number, now, after=work_id)
            given_up = handler.failed_job(tx, work_id)
            if given_up:
                handler.dismiss_failed(tx, given_up, now)
            return ActionResult(True, AGAIN)


def _repeated(token: str, earlier: File, file: File) -> tuple[str, File]:
    if earlier.data != file.data:
        raise Malformed("This id was already used for another file.")
    return token, earlier


@dataclass(frozen=True)
class Bringing:
    """A file to bring into a thread.

    Attributes:
        kept: the stored file, or None when it must be downloaded from the channel.
        is_late: True when it must no longer block the messages behind it.
    """

    thread: Place
    channel: str
    name: str
    media: Media
    mark: str
    kept: File | None = None
    is_late: bool = False


@dataclass(frozen=True)
class NotShown:
    """The file cannot be shown; `may_help` says whether a later retry could succeed."""

    why: str
    may_help: bool


class BringFile(InThread[Bringing, NotShown | None]):
    """Brings a file into its thread."""

    told = (
        "the agents, in the thread; without a thread the assignee, the queue channel and the admins"
    )
    settle = timedelta(seconds=30)  # Slack scans uploads before it shares them.

    def __init__(self, database: Database, desk: Desk, clock: Clock, channels: Channels) -> None:
        super().__init__(database, desk, clock)
        self._channels = channels

    def cost(self, tx: Transaction, job: Job) -> Cost:
        """Counts as a customer's message."""
        place = self._where(tx, job)
        return slack_job.words(place.slack_channel) if place else ()

    def prepare(self, tx: Transaction, job: Job) -> Bringing | None:
        place = self.place(tx, job)
        return self._plan(tx, job, place) if place else None

    def _where(self, tx: Transaction, job: Job) -> Place | None:
        return rows.place_of(tx, int(job.payload["escalation_id"]))

    def _plan(self, tx: Transaction, job: Job, place: Place) -> Bringing | None:
        message = tx.session.get(Message, int(job.payload["message_id"]))
        number = int(job.payload["number"])
        if message is None or number >= len(message.media):
            return None
        conversation = conversations.get(tx, message.conversation_id)
        media = _media(message.media[number])
        waited = self._clock.now() - job.first_due_at
        return Bringing(
            thread=place,
            channel=conversation.channel,
            name=conversations.contact_name(tx, conversation),
            media=media,
            mark=mark_of(job),
            kept=attachments.file_at(tx, media.url),
            is_late=waited > PATIENCE and job.attempts + 1 >= FEWEST_TRIES,
        )

    def call(self, plan: Bringing) -> NotShown | None:
        """Downloads, checks and uploads the file."""
        try:
            file = plan.kept or examined(self._channels[plan.channel].fetch(plan.media))
        except Unacceptable as error:
            return NotShown(str(error), may_help=False)
        except DeliveryError as error:
            if not (error.permanent or plan.is_late):
                raise
            return NotShown(str(error), may_help=not error.permanent)
        return self._show(plan, file)

    def _show(self, plan: Bringing, file: File) -> NotShown | None:
        words = f"📎 {called(file.content_type).capitalize()}, {size_in_words(len(file.data))}"
        post = Post(PostKind.CONTACT, words, plan.name, plan.channel)
        try:
            self._desk.upload(plan.thread, file, post, plan.mark)
        except DeskError as error:
            if not (error.permanent or (plan.is_late and isinstance(error, DeskUnsure))):
                raise
            return NotShown(str(error), may_help=True)
        return None

    def finish(self, tx: Transaction, job: Job, plan: Bringing, result: NotShown | None) -> None:
        """Posts the reason in the thread if the file could not be shown."""
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if escalation is None:
            return
        now = self._clock.now()
        message_id = int(job.payload["message_id"])
        kind = EventKind.FILE_NOT_SHOWN if result else EventKind.FILE_SHOWN
        log.record(tx, kind, now, escalation=escalation, message_id=message_id)
        if result:
            outbox.post(tx, escalation, _told(job, plan, result), now)

    def recover(self, job: Job, begun_at: datetime) -> tuple[Bringing, NotShown | None] | None:
        """Looks for the file in the thread, where it may appear with a delay."""
        with self._database.read() as tx:
            place = self._where(tx, job)
            plan = self._plan(tx, job, place) if place else None
        if plan and self._desk.find_post(plan.thread, plan.mark, begun_at):
            return plan, None
        return None

    def on_failed(self, tx: Transaction, job: Job, plan: Bringing | None, error: Exception) -> None:
        """Reports the file after days of retries, or when there is no thread."""
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        place = self._where(tx, job)
        if escalation is None:
            return
        now = self._clock.now()
        plan = plan or (self._plan(tx, job, place) if place else None)
        if plan:
            failed = NotShown("Something went wrong on our side.", may_help=True)
            outbox.post(tx, escalation, _told(job, plan, failed), now)
        else:
            why = alarms.why(error)
            key = f"file:{job.id}:{now.timestamp()}"
            alarms.not_shown(tx, escalation, "A file from the customer", "", why, now, key)


def _told(job: Job, plan: Bringing, why: NotShown) -> Post:
    words = FAILED.format(kind=called(kind_of(plan.media.content_type)), why=why.why)
    buttons = (Button.FETCH_AGAIN,) if why.may_help else ()
    return Post(PostKind.TOLD, words, value=str(job.id) if buttons else "", buttons=buttons)


def _media(stored: dict[str, str]) -> Media:
    return Media(stored.get("url", ""), stored.get("content_type", ""))
