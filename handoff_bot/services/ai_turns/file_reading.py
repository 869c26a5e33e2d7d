"""Voice notes and pictures become text, by a language model and with an admin's consent.

A message with such files is stored and shown at once. This job adds what the model read, and then
lets the message go on like a typed one. If the model cannot read a file, the message goes on too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handoff_bot.domain import file_reading
from handoff_bot.domain.errors import (
    CapReached,
    DeliveryError,
    ModelError,
    ProviderFailure,
    ReadingError,
    Unacceptable,
)
from handoff_bot.domain.file_reading import LONGEST_TEXT, MOST_READ, Reading, is_seen, is_voice
from handoff_bot.domain.files import File, examined
from handoff_bot.domain.messages import SILENT, Media, storable
from handoff_bot.domain.text import shorten
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, FileReader
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.outbox import view_models
from handoff_bot.services.settings_catalog import LiveSettings, live
from handoff_bot.storage import attachments, conversations
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

READ = "files.read"
PATIENCE = timedelta(seconds=30)
"""How long failures are retried."""
LATEST = timedelta(minutes=1)
"""After this, a file that still waits for a thread is not read: the customer has waited enough."""
LONGEST = timedelta(seconds=10)
"""After this, no further file of a message is begun in the same call, so that a process can end."""
HELD = timedelta(minutes=3)
"""How long answers to later messages wait: `LATEST`, and a slow last file."""
TRIES = 2
"""Requests to the model for each file."""
AGAIN = 2.0
"""Seconds between them."""
AT_ONCE = 0.1
"""Seconds until the files are read that one call had no time for."""
STILL_READING = "a voice note or a picture is being read"
MORE = "more files of the message are to be read"

NO_ANSWER = "The language model did not answer."
CAP = "Today's spending cap is reached."
NO_WORDS = "No words were heard."
NOTHING_SEEN = "The language model said nothing about it."
TOO_LATE = "It took too long."
BROKEN = "Something went wrong on our side."

GoOn = Callable[[Transaction, Conversation, Message, datetime], None]
"""Lets a message go on whose files have been read."""


def lane(conversation_id: int) -> str:
    # Lanes are locked in the order of their names, and by an arrival its own one (in:) first.
    return f"reading:{conversation_id}"


def is_pending(tx: Transaction, conversation_id: int, now: datetime) -> bool:
    """Returns whether answers must wait because a customer's file is being read."""
    first = store.head(tx, lane(conversation_id))
    return first is not None and now - first.first_due_at < HELD


class FileReading:
    """Says which files are read. `reader` is None without a language model."""

    def __init__(self, reader: FileReader | None) -> None:
        self._reader = reader

    def begin(
        self, tx: Transaction, conversation: Conversation, message: Message, now: datetime
    ) -> bool:
        """Enqueues the reading of a message's files, once; False if none is read."""
        if self._reader is None or not message.media:
            return False
        if view_models.kind_of(message) in SILENT or not _numbers(message, live(tx)):
            return False
        payload = {"message_id": message.id, "conversation_id": conversation.id}
        key = f"files:{message.id}"
        enqueue_job(tx, NewJob(READ, lane(conversation.id), payload, due_at=now, key=key))
        return True


def _numbers(message: Message, settings: LiveSettings) -> list[int]:
    """Returns which of a message's files are to be read: without those that were read already."""
    found = []
    for number, file in enumerate(message.media):
        kind = file.get("content_type", "")
        if (settings.transcribe and is_voice(kind)) or (settings.see_pictures and is_seen(kind)):
            found.append(number)
    return [one for one in found[:MOST_READ] if not message.media[one].keys() & set(Reading)]


@dataclass(frozen=True)
class FileToRead:
    """One file of a message; `kept` is the stored file, None if it must be downloaded."""

    number: int
    media: Media
    kept: File | None


Found = dict[int, tuple[Reading, str]]
"""Number of a file -> what was read."""


@dataclass(frozen=True)
class ReadingPlan:
    """A message's files to read.

    Attributes:
        asked: what the customer wrote with them, or "".
        language: ISO 639-1, "" if unknown.
        is_last: True if the model is not asked again after this.
        is_late: True if the files are not downloaded again after this.
        found: what was read so far, which a failed call leaves to `on_retry` and `on_failed`.
    """

    message_id: int
    channel: str
    files: tuple[FileToRead, ...]
    asked: str
    language: str
    contact_id: int
    is_last: bool
    is_late: bool
    found: Found = field(default_factory=dict)


class ReadFiles(ProviderJob[ReadingPlan, Found]):
    """Reads a message's files."""

    repeatable = True  # Asking the model again is harmless: its text only takes effect in `finish`.
    told = ADMINS  # Only a bug fails it: what the model does not read is said in the thread.

    def __init__(
        self, reader: FileReader | None, channels: Channels, clock: Clock, go_on: GoOn
    ) -> None:
        self._reader = reader
        self._channels = channels
        self._clock = clock
        self._go_on = go_on

    def prepare(self, tx: Transaction, job: Job) -> ReadingPlan | None:
        """Returns the files, or None if the message is gone or its files are no longer read."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        if message is None or not message.media:  # forgotten or expired
            return None
        waited = self._clock.now() - job.first_due_at
        numbers = _numbers(message, live(tx))
        if waited >= LATEST or not numbers or self._reader is None:
            why = NO_ANSWER if self._reader is None else TOO_LATE
            self._store(tx, message.id, dict.fromkeys(numbers, (Reading.UNREAD, why)))
            return None
        conversation = conversations.get(tx, message.conversation_id)
        return ReadingPlan(
            message_id=message.id,
            channel=conversation.channel,
            files=tuple(_file(tx, message, number) for number in numbers),
            asked=view_models.typed(message),
            language=conversation.language,
            contact_id=conversation.contact_id,
            is_last=job.attempts + 1 >= TRIES or waited >= PATIENCE,
            is_late=waited >= PATIENCE,
        )

    def call(self, plan: ReadingPlan) -> Found:
        """Reads the files. Each was paid for: what was read is kept if another one fails.

        Raises:
            ProviderFailure: some are not read yet.
        """
        until = self._clock.now() + LONGEST
        failure: ProviderFailure | None = None
        for one in plan.files:
            if self._clock.now() >= until:
                raise failure or ReadingError(MORE, permanent=False, retry_after=AT_ONCE)
            try:
                plan.found[one.number] = self._read(plan, one)
            except ProviderFailure as error:
                failure = error
        if failure:
            raise failure
        return plan.found

    def _read(self, plan: ReadingPlan, one: FileToRead) -> tuple[Reading, str]:
        """Downloads, checks and reads one file."""
        try:
            file = one.kept or examined(self._channels[plan.channel].fetch(one.media))
            file_reading.check(file)
            return self._said(plan, file)
        except Unacceptable as error:
            return Reading.UNREAD, str(error)
        except DeliveryError as error:
            if not (error.permanent or plan.is_late):
                raise
            return Reading.UNREAD, str(error)
        except CapReached:
            return Reading.UNREAD, CAP
        except ModelError as error:
            logger.warning("file not read", extra={"kind": str(error)})
            if plan.is_last:
                return Reading.UNREAD, NO_ANSWER
            raise ReadingError("not read", permanent=False, retry_after=AGAIN) from None

    def _said(self, plan: ReadingPlan, file: File) -> tuple[Reading, str]:
        if self._reader is None:
            return Reading.UNREAD, NO_ANSWER
        if is_voice(file.content_type):
            kind, none = Reading.TRANSCRIPT, NO_WORDS
            text = self._reader.transcribe(file, plan.contact_id)
        else:
            kind, none = Reading.DESCRIPTION, NOTHING_SEEN
            text = self._reader.describe(file, plan.asked, plan.language, plan.contact_id)
        text = shorten(storable(text).strip(), LONGEST_TEXT)
        return (kind, text) if text else (Reading.UNREAD, none)

    def finish(self, tx: Transaction, job: Job, plan: ReadingPlan, result: Found) -> None:
        """Stores what was read, and lets the message go on."""
        self._store(tx, plan.message_id, result)

    def on_retry(
        self, tx: Transaction, job: Job, plan: ReadingPlan | None, error: Exception
    ) -> None:
        """Stores what was read, so that only the rest is read again."""
        if plan and plan.found:
            self._keep(tx, plan.message_id, plan.found)

    def on_failed(
        self, tx: Transaction, job: Job, plan: ReadingPlan | None, error: Exception
    ) -> None:
        """Lets the message go on without the files that were not read, after a bug."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        if message:
            broken = dict.fromkeys(_numbers(message, live(tx)), (Reading.UNREAD, BROKEN))
            self._store(tx, message.id, broken | (plan.found if plan else {}))

    def _store(self, tx: Transaction, message_id: int, found: Found) -> None:
        """Stores what was read, and lets the message go on."""
        message = self._keep(tx, message_id, found)
        if message:
            conversation = conversations.get(tx, message.conversation_id)
            self._go_on(tx, conversation, message, self._clock.now())

    def _keep(self, tx: Transaction, message_id: int, found: Found) -> Message | None:
        """Stores what was read; None if the customer was forgotten meanwhile.

        It locks the message, not the conversation: an arrival holds the lane in which the message
        goes on while it waits for the conversation, so the two would deadlock.
        """
        message = tx.session.get(Message, message_id, with_for_update=True, populate_existing=True)
        if message is None or not message.media:
            return None
        media = [
            file | ({found[number][0].value: found[number][1]} if number in found else {})
            for number, file in enumerate(message.media)
        ]
        tx.set(message, media=media)
        return message


def _file(tx: Transaction, message: Message, number: int) -> FileToRead:
    file = message.media[number]
    media = Media(file.get("url", ""), file.get("content_type", ""))
    return FileToRead(number, media, attachments.file_at(tx, media.url))
