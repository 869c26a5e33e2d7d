"""Agents' files on their way to the customer: downloaded from Slack, checked, stored for the
provider.

Each download is a job in the lane of outbound messages, before the deliveries that need it. So text
and files arrive in the order in which they were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.errors import DeskError, Unacceptable
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.files import (
    LARGEST,
    MOST_FILES,
    DeskFile,
    File,
    StoredFile,
    examined,
    kind_of,
    refuse_early,
)
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Channel, Clock, Desk
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import attachments, conversations, deliveries, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Delivery, Message
from handoff_bot.storage.transaction import Transaction

COLLECT = "collect"
OFFERED_FOR = timedelta(days=1)
"""How long a provider can fetch a file after each time it is sent."""
KEPT_FOR = timedelta(days=30)
PIECE = 64 * 1024
"""Chunk size in bytes for downloads."""

NO_FILES = "Files cannot be sent on this channel."
TOO_MANY = f"You can send at most {MOST_FILES} files at once."
NOT_SEEN = "The customer did not receive {name}: {why}"

_FILE = TypeAdapter(DeskFile)


def acceptable(
    attached: Sequence[DeskFile], limits: Mapping[str, int]
) -> tuple[tuple[DeskFile, ...], list[str]]:
    """Returns the files that can be sent according to Slack's description, and error messages for
    the others.
    """
    accepted: list[DeskFile] = []
    refused: list[str] = []
    for file in attached:
        why = _why_not(file, limits) or (TOO_MANY if len(accepted) == MOST_FILES else "")
        if why:
            refused.append(NOT_SEEN.format(name=file.name, why=why))
        else:
            accepted.append(file)
    return tuple(accepted), refused


def _why_not(file: DeskFile, limits: Mapping[str, int]) -> str:
    if not limits:
        return NO_FILES
    try:
        refuse_early(file.content_type, file.size, limits)
    except Unacceptable as error:
        return str(error)
    return ""


def stored(files: Iterable[DeskFile]) -> list[dict[str, object]]:
    """Returns files for storage in a note."""
    return [asdict(file) for file in files]


def read(kept: Iterable[Mapping[str, object]]) -> tuple[DeskFile, ...]:
    """Returns the files stored in a note."""
    return tuple(_FILE.validate_python(dict(one)) for one in kept)


def media_of(files: Iterable[DeskFile]) -> list[dict[str, str]]:
    """Returns files for storage in a message, each with its future token."""
    return [
        {
            "token": attachments.new_token(),
            "id": file.id,
            "name": file.name,
            "content_type": kind_of(file.content_type),
            "size": str(file.size),
            "url": file.url,
        }
        for file in files
    ]


def collect(tx: Transaction, message: Message, now: datetime) -> None:
    """Enqueues downloading a message's files that are not stored yet."""
    tokens = [one["token"] for one in message.media]
    here = attachments.kept(tx, tokens) if tokens else {}
    for token in tokens:
        if token not in here:
            payload = {"message_id": message.id, "token": token}
            enqueue_job(tx, NewJob(COLLECT, f"out:{message.conversation_id}", payload, due_at=now))


def addresses(
    tx: Transaction, delivery: Delivery, base_url: str, now: datetime
) -> tuple[str, ...] | None:
    """Opens a delivery's file for the provider and returns its URLs, or None if it is not stored."""
    if not delivery.file:
        return ()
    found = attachments.kept(tx, [delivery.file]).get(delivery.file)
    if found is None:
        return None
    attachments.offer(tx, delivery.file, now)
    return (address(delivery.file, found[0], base_url),)


def address(token: str, name: str, base_url: str = "") -> str:
    """Returns the URL of a stored file; knowing its token grants access."""
    return f"{base_url}/files/{token}/{quote(name, safe='')}"


@dataclass(frozen=True)
class Collecting:
    """A file to download from Slack."""

    file: DeskFile
    limits: Mapping[str, int]


@dataclass(frozen=True)
class Refused:
    """The file is not sent; `may_help` says whether a retry could succeed."""

    why: str
    may_help: bool = False


class Collect(ProviderJob[Collecting, File | Refused]):
    """Downloads and stores a file that an agent sent."""

    repeatable = True  # read-only
    told = "the agents, in the thread"
    give_up_after = timedelta(minutes=10)

    def __init__(
        self, database: Database, desk: Desk, channels: Mapping[str, Channel], clock: Clock
    ) -> None:
        self._database = database
        self._desk = desk
        self._channels = channels
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Collecting | None:
        """Returns the file, or None if it is stored or no longer sent."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        token = job.payload["token"]
        if message is None or attachments.kept(tx, [token]):
            return None
        described = next((one for one in message.media if one["token"] == token), None)
        if described is None or not _waiting(tx, message, token):
            return None
        file = DeskFile(
            described["id"],
            described["name"],
            described["content_type"],
            int(described["size"]),
            described["url"],
        )
        return Collecting(file, self._channels[message.channel].limits.media)

    def call(self, plan: Collecting) -> File | Refused:
        """Downloads and checks the file."""
        try:
            return examined(self._desk.download(plan.file, LARGEST), plan.limits)
        except Unacceptable as error:
            return Refused(str(error))
        except DeskError as error:
            if not error.permanent:
                raise
            return Refused(str(error), may_help=True)

    def finish(self, tx: Transaction, job: Job, plan: Collecting, result: File | Refused) -> None:
        """Stores the file, or reports why it is not sent."""
        message = tx.session.get_one(Message, int(job.payload["message_id"]))
        now = self._clock.now()
        if isinstance(result, Refused):
            _refuse(tx, message, job.payload["token"], plan.file.name, result, now)
            return
        token = job.payload["token"]
        attachments.add(tx, token, result, message.conversation_id, message.id, now)

    def on_failed(
        self, tx: Transaction, job: Job, plan: Collecting | None, error: Exception
    ) -> None:
        message = tx.session.get(Message, int(job.payload["message_id"]))
        if message:
            why = (
                str(error) if isinstance(error, DeskError) else "Something went wrong on our side."
            )
            name = plan.file.name if plan else "a file"
            refused = Refused(why, may_help=True)
            _refuse(tx, message, job.payload["token"], name, refused, self._clock.now())


def _waiting(tx: Transaction, message: Message, token: str) -> list[Delivery]:
    """Returns the unsent deliveries that need this file."""
    return [
        part
        for part in deliveries.current(tx, message.id)
        if part.file == token and part.status == DeliveryStatus.QUEUED
    ]


def _refuse(
    tx: Transaction, message: Message, token: str, name: str, refused: Refused, now: datetime
) -> None:
    """Drops the file; its text is sent without it."""
    conversations.hold(tx, message.conversation_id)
    for part in _waiting(tx, message, token):
        failed = part
        if part.text:
            part.file = ""
            last = deliveries.current(tx, message.id)[-1].part
            failed = deliveries.add(tx, message.id, last + 1, "", now, file=token)
        words = NOT_SEEN.format(name=name, why=refused.why)
        deliveries.move(tx, failed.id, DeliveryStatus.FAILED, now, error_code="file", error=words)
        _tell(tx, message, words, refused, now)


def _tell(tx: Transaction, message: Message, words: str, refused: Refused, now: datetime) -> None:
    escalation = rows.get(tx, message.escalation_id) if message.escalation_id else None
    log.record(
        tx,
        EventKind.MESSAGE_FAILED,
        now,
        conversation=conversations.get(tx, message.conversation_id),
        message_id=message.id,
        code="file",
        author=message.author,
    )
    outbox.delivery_updated(tx, message, now)
    if escalation:
        button = Button.RETRY if refused.may_help else None
        value = str(message.id) if button else ""
        post = Post(PostKind.FAILURE, words, button=button, value=value)
        outbox.post(tx, escalation, post, now)


class Serving:
    """Serves files by token while they are open."""

    def __init__(self, database: Database, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock

    def find(self, token: str) -> StoredFile | None:
        """Returns the file, or None if it is unknown or no longer open."""
        with self._database.read() as tx:
            kept = attachments.described(tx, token)
            if kept is None or not self._is_open(tx, kept.conversation_id, kept.offered_at):
                return None
        pieces = self._pieces(kept.id, kept.size)
        return StoredFile(kept.name, kept.content_type, kept.size, pieces)

    def _pieces(self, number: int, size: int) -> Iterator[bytes]:
        # One transaction per chunk: a slow client must not hold a connection.
        offset = 0
        while offset < size:
            with self._database.read() as tx:
                piece = attachments.piece(tx, number, offset, min(PIECE, size - offset))
            if not piece:
                return
            yield piece
            offset += len(piece)

    def _is_open(self, tx: Transaction, conversation_id: int, offered_at: datetime | None) -> bool:
        if self._is_shown(conversations.get(tx, conversation_id)):
            return True
        return offered_at is not None and self._clock.now() - offered_at < OFFERED_FOR

    def _is_shown(self, conversation: Conversation) -> bool:
        channel = self._channels.get(conversation.channel)
        return channel is not None and channel.limits.shows_ours
