"""Translation between customers and a team of another language, where a key and an admin allow it.

Customers' words are shown at once as they are, and their translation follows; agents' words leave
translated or not at all, unless their author says so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import Place, Post, PostKind
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.escalations import OPEN
from handoff_bot.domain.languages import name_of
from handoff_bot.ports import Clock, Translator
from handoff_bot.services import deskwork
from handoff_bot.services.runner import Handler
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation, Message, Note
from handoff_bot.storage.transaction import Job, NewWork, Transaction

logger = logging.getLogger(__name__)

ON, LANGUAGE = "translation.on", "translation.language"
"""The preferences: is there translation, and the code of the team's language."""
DEFAULT_LANGUAGE = "en"
TRANSLATE = "translate"

FAILED = "This could not be translated; the original stands above."
SENT_AS = "🌐 Sent in {language}: {text}"


def is_needed(tx: Transaction, conversation: Conversation) -> bool:
    """Do the team and this customer speak different languages, as far as we know?"""
    if log.preference(tx, ON, False) is not True:
        return False
    return conversation.language not in ("", team_language(tx))


def team_language(tx: Transaction) -> str:
    """Its code."""
    return str(log.preference(tx, LANGUAGE, DEFAULT_LANGUAGE))


def follow(tx: Transaction, escalation: Escalation, message: Message, now: datetime) -> None:
    """See to it that a customer's words are translated below."""
    conversation = conversations.get(tx, message.conversation_id)
    if message.text and is_needed(tx, conversation):
        key = f"translate:{id_of(message)}"
        payload = {"escalation_id": id_of(escalation), "message_id": id_of(message)}
        lane = f"answer:translate:{id_of(conversation)}"
        tx.enqueue(NewWork(TRANSLATE, lane, payload, due_at=now, key=key))


@dataclass(frozen=True)
class Wanted:
    """A text to translate; `language` is the code of the one it is to be in."""

    text: str
    language: str
    contact_id: int


@dataclass(frozen=True)
class Spoken:
    """What an agent wrote and what the customer gets; None when it should be translated and cannot be.

    `language` is the customer's where it is another one, "" where they get what was written.
    """

    written: str
    said: str | None
    language: str = ""


class Translate(Handler[Wanted, str]):
    """Shows the translation of one message below it, as somebody's words in translation."""

    repeatable = True

    def __init__(self, translator: Translator | None, clock: Clock) -> None:
        self._translator = translator
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Wanted | None:
        """What to translate, while it is still of use."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if message is None or escalation is None or self._translator is None:
            return None
        conversation = conversations.get(tx, message.conversation_id)
        if escalation.status not in OPEN or not is_needed(tx, conversation):
            return None
        return Wanted(message.text, team_language(tx), conversation.contact_id)

    def call(self, plan: Wanted) -> str:
        """The translation, "" when there is none."""
        return translated(self._translator, plan) or ""

    def finish(self, tx: Transaction, job: Job, plan: Wanted, result: str) -> None:
        """Say it in the thread; what was in the team's language already needs no second time."""
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or result.strip() == plan.text.strip():
            return
        conversation = conversations.get(tx, escalation.conversation_id)
        post = Post(PostKind.NOTICE, FAILED)
        if result:
            name = conversations.contact_name(tx, conversation)
            said = f"{name} · translated from {name_of(conversation.language)}"
            post = Post(PostKind.CONTACT, result, name=said, channel=conversation.channel)
        deskwork.post(tx, escalation, post, self._clock.now())


def sent_as(spoken: Spoken) -> str:
    """What the thread is told of words that left in another language."""
    return SENT_AS.format(language=name_of(spoken.language), text=spoken.said)


class Interpreter:
    """Puts agents' words into the customer's language, outside of any transaction."""

    def __init__(self, database: Database, translator: Translator | None) -> None:
        self._database = database
        self._translator = translator

    def for_thread(self, thread: Place, text: str) -> Spoken:
        """What an agent wrote in this thread."""
        with self._database.read() as tx:
            found = rows.thread_at(tx, thread)
            wanted = _wanted(tx, found.escalation_id, text) if found else None
        return self._put(wanted, text)

    def for_note(self, note_id: int) -> Spoken:
        """What an agent wrote that was kept back."""
        with self._database.read() as tx:
            note = tx.session.get(Note, note_id)
            text = note.text if note else ""
            wanted = _wanted(tx, note.escalation_id, text) if note else None
        return self._put(wanted, text)

    def _put(self, wanted: Wanted | None, text: str) -> Spoken:
        if wanted is None:
            return Spoken(text, text)
        return Spoken(text, translated(self._translator, wanted), wanted.language)


def _wanted(tx: Transaction, escalation_id: int, text: str) -> Wanted | None:
    """What is to be translated for the customer, None for nothing."""
    escalation = rows.get(tx, escalation_id)
    if escalation is None or not text.strip():
        return None
    conversation = conversations.get(tx, escalation.conversation_id)
    if not is_needed(tx, conversation):
        return None
    return Wanted(text, conversation.language, conversation.contact_id)


def translated(translator: Translator | None, wanted: Wanted) -> str | None:
    """The translation, None when there is none; asks a model, so never within a transaction."""
    if translator is None:
        return None
    try:
        return translator.translate(wanted.text, wanted.language, wanted.contact_id)
    except ModelError as error:
        logger.warning("not translated", extra={"kind": str(error)})
        return None
