"""Translation between customers and a team of another language; needs a language model and an
admin's consent.

Customers' messages are posted at once, and their translation follows. Agents' messages are sent
translated, or not at all unless the author decides so. Jobs that call a model have their own queue,
so a slow model only delays those that need it. See ADR 9.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import Button, Place, Post, PostKind, ThreadReply
from handoff_bot.domain.errors import ModelError, TranslationError
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import language_name
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Translator
from handoff_bot.services.outbox import outbox, view_models
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation, Message, Note
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

TRANSLATE = "translate"
QUEUE = "translate"
"""Queue of lanes that may call a model."""
AGAIN = (5.0, 30.0)
"""Retry delays in seconds for a customer's message; after these the original stands."""

FAILED = "This message could not be translated. The original is shown above."
NO_MODEL = "Nothing is translated because no language model is set up (OPENAI_API_KEY)."
IN_THEIR_LANGUAGE = "🌐 In {language}: {text}"
NOT_TRANSLATED = (
    "This message could not be translated into {language} right now. The customer did not "
    "receive it."
)
AGAIN_OR_AS_IT_IS = (Button.TRANSLATE_AGAIN, Button.SEND_AS_WRITTEN)


def is_needed(tx: Transaction, conversation: Conversation) -> bool:
    """Returns whether the team and this customer speak different languages, as far as known."""
    if not is_on(tx):
        return False
    return conversation.language not in ("", team_language(tx))


def is_on(tx: Transaction) -> bool:
    """Returns whether admins have enabled translation."""
    return live(tx).translate


def check_result(tx: Transaction, *, has_model: bool) -> CheckResult:
    """Returns the health check of translation."""
    if not has_model:
        return CheckResult("Translation", not is_on(tx), NO_MODEL)
    if not is_on(tx):
        return CheckResult("Translation", True, "off; admins can turn it on in /handoff settings")
    return CheckResult(
        "Translation", True, f"on; the team speaks {language_name(team_language(tx))}"
    )


def team_language(tx: Transaction) -> str:
    """Returns the team's language code."""
    return live(tx).team_language


def follow(
    tx: Transaction, escalation: Escalation, message: Message, now: datetime, *, read: bool = False
) -> None:
    """Enqueues the translation of a customer's message, posted below it.

    Args:
        read: True for what was read from its files instead of its text.
    """
    conversation = conversations.get(tx, message.conversation_id)
    text = view_models.read_words(message) if read else message.text
    if text and is_needed(tx, conversation):
        key = f"translate:{message.id}" + (":read" if read else "")
        payload = {"escalation_id": escalation.id, "message_id": message.id}
        payload |= {"read": True} if read else {}
        lane = f"{QUEUE}:words:{conversation.id}"
        enqueue_job(tx, NewJob(TRANSLATE, lane, payload, due_at=now, key=key))


def begin(change: EscalationChanged) -> None:
    """Enqueues the translation of the escalating message on the card; it is posted first."""
    message = (
        change.tx.session.get(Message, change.escalation.message_id) if not change.step else None
    )
    if message:
        follow(change.tx, change.escalation, message, change.now)
        follow(change.tx, change.escalation, message, change.now, read=True)


def detour(tx: Transaction, job: Job, thread: Place) -> bool:
    """Moves a thread's posts to the translation queue if their text needs translation.

    While the thread has jobs there, all its posts go there, which keeps the order.
    """
    lane = f"{QUEUE}:{job.lane}"
    if job.lane.startswith(f"{QUEUE}:"):
        return False
    if not _is_translated(tx, thread) and store.head(tx, lane) is None:
        return False
    enqueue_job(tx, NewJob(job.kind, lane, job.payload, due_at=job.due_at))
    return True


def _is_translated(tx: Transaction, thread: Place) -> bool:
    found = rows.thread_at(tx, thread) if is_on(tx) else None
    escalation = rows.get(tx, found.escalation_id) if found else None
    return escalation is not None and is_needed(
        tx, conversations.get(tx, escalation.conversation_id)
    )


@dataclass(frozen=True)
class Wanted:
    """A text to translate.

    Attributes:
        language: the target language code.
        contact_id: the contact whose spending cap applies.
        again: seconds until the next try; None on the last one.
    """

    text: str
    language: str
    contact_id: int
    again: float | None = None


@dataclass(frozen=True)
class Spoken:
    """An agent's text and what the customer receives.

    Attributes:
        said: the translation; None if not translated.
        language: the customer's language if different, else "".
    """

    written: str
    said: str | None
    language: str = ""

    @property
    def is_open(self) -> bool:
        """Returns whether no translation was requested because the message would not be sent."""
        return self.said is None and not self.language


class Translate(ProviderJob[Wanted, str]):
    """Posts the translation of one message below it."""

    repeatable = True
    told = "the agents, in the thread"

    def __init__(self, translator: Translator | None, clock: Clock) -> None:
        self._translator = translator
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Wanted | None:
        """Returns what to translate while it is still useful."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if message is None or escalation is None or self._translator is None:
            return None
        conversation = conversations.get(tx, message.conversation_id)
        if escalation.status not in OPEN or not is_needed(tx, conversation):
            return None
        again = AGAIN[job.attempts] if job.attempts < len(AGAIN) else None
        text = view_models.read_words(message) if job.payload.get("read") else message.text
        return Wanted(text, team_language(tx), conversation.contact_id, again)

    def call(self, plan: Wanted) -> str:
        """Returns the translation, or "" after the last failed try."""
        said = translated(self._translator, plan)
        if said is None and plan.again is not None:
            raise TranslationError("not translated", permanent=False, retry_after=plan.again)
        return said or ""

    def finish(self, tx: Transaction, job: Job, plan: Wanted, result: str) -> None:
        """Posts the translation, unless the text was already in the team's language."""
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or result.strip() == plan.text.strip():
            return
        conversation = conversations.get(tx, escalation.conversation_id)
        post = Post(PostKind.NOTICE, FAILED)
        if result:
            name = conversations.contact_name(tx, conversation)
            said = f"{name} · translated from {language_name(conversation.language)}"
            post = Post(PostKind.CONTACT, result, name=said, channel=conversation.channel)
        outbox.post(tx, escalation, post, self._clock.now())

    def on_failed(self, tx: Transaction, job: Job, plan: Wanted | None, error: Exception) -> None:
        """Posts that no translation is available."""
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if escalation:
            outbox.notice(tx, escalation, FAILED, self._clock.now())


def in_their_language(spoken: Spoken) -> str:
    """Returns the thread's text for a translated reply."""
    return IN_THEIR_LANGUAGE.format(language=language_name(spoken.language), text=spoken.said)


def not_translated(spoken: Spoken) -> str:
    """Returns the author's message for an untranslatable reply that stays internal."""
    return NOT_TRANSLATED.format(language=language_name(spoken.language))


class Interpreter:
    """Translates agents' messages outside any transaction. Without a translator, they are sent as
    written.
    """

    def __init__(self, database: Database, translator: Translator | None) -> None:
        self._database = database
        self._translator = translator

    @property
    def has_model(self) -> bool:
        return self._translator is not None

    def is_at_work(self) -> bool:
        """Returns whether replies may have to wait for a model."""
        with self._database.read() as tx:
            return self.has_model and is_on(tx)

    def check_result(self) -> CheckResult:
        with self._database.read() as tx:
            return check_result(tx, has_model=self.has_model)

    def for_reply(self, reply: ThreadReply, text: str) -> Spoken:
        """Translates a thread reply; only if its author is the assignee."""
        with self._database.read() as tx:
            found = rows.thread_at(tx, reply.place)
            escalation = rows.get(tx, found.escalation_id) if found else None
            if escalation is None or not _owns(tx, escalation, reply.author.desk_id):
                return Spoken(text, None)
            wanted = self._wanted(tx, escalation.id, text)
        return self._put(wanted, text)

    def for_message(self, message_id: int, text: str) -> Spoken:
        """Translates the edit of a waiting reply."""
        with self._database.read() as tx:
            message = tx.session.get(Message, message_id)
            escalation_id = message.escalation_id if message else None
            wanted = self._wanted(tx, escalation_id, text) if escalation_id else None
        return self._put(wanted, text)

    def for_note(self, note_id: int) -> Spoken:
        """Translates a held message of an agent."""
        with self._database.read() as tx:
            note = tx.session.get(Note, note_id)
            text = note.text if note else ""
            wanted = self._wanted(tx, note.escalation_id, text) if note else None
        return self._put(wanted, text)

    def _put(self, wanted: Wanted | None, text: str) -> Spoken:
        if wanted is None:
            return Spoken(text, text)
        return Spoken(text, translated(self._translator, wanted), wanted.language)

    def _wanted(self, tx: Transaction, escalation_id: int, text: str) -> Wanted | None:
        """Returns what to translate for the customer, or None."""
        escalation = rows.get(tx, escalation_id)
        if self._translator is None or escalation is None or not text.strip():
            return None
        conversation = conversations.get(tx, escalation.conversation_id)
        if not is_needed(tx, conversation):
            return None
        return Wanted(text, conversation.language, conversation.contact_id)


def _owns(tx: Transaction, escalation: Escalation, desk_id: str) -> bool:
    owner = rows.agent(tx, escalation.owner_id)
    return escalation.status == Status.CLAIMED and owner is not None and owner.desk_id == desk_id


def translated(translator: Translator | None, wanted: Wanted) -> str | None:
    """Returns the translation or None. Calls a model, so never within a transaction."""
    if translator is None:
        return None
    try:
        return translator.translate(wanted.text, wanted.language, wanted.contact_id)
    except ModelError as error:
        logger.warning("not translated", extra={"kind": str(error)})
        return None
