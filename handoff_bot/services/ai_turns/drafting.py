"""Drafts of the next reply, never sent automatically, and agents' feedback on the AI."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial

from handoff_bot.domain.conversation_context import ConversationContext, TrainingExample
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.detection import UNSURE, Guidance, Rules
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.replies import DRAFT, Draft, Previewed, Tone, Verdict
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.signals import Signal
from handoff_bot.ports import Assistant, Clock, Rewriter, Translator
from handoff_bot.services.ai_turns import answering
from handoff_bot.services.settings import rule_lists
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation, Message
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

# -- drafts

PREVIEWED = 10
"""Conversations of a preview of guidance."""
_AT_ONCE = 5


class Drafting:
    """Drafts and rewrites. `rewriter` and `translator` are None without a language model."""

    def __init__(
        self,
        database: Database,
        assistant: Assistant,
        rewriter: Rewriter | None = None,
        translator: Translator | None = None,
    ) -> None:
        self._database = database
        self._assistant = assistant
        self._rewriter = rewriter
        self._translator = translator

    def draft(self, escalation_id: int) -> Draft | None:
        """Returns a draft from the knowledge base and the conversation, or None if the escalation
        is closed.

        Calls a model outside any transaction and may take seconds.
        """
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None or escalation.status not in OPEN:
                return None
            conversation = conversations.get(tx, escalation.conversation_id)
            talk = _until_the_customer(answering.question(tx, conversation).talk)
            claims = escalation.status == Status.QUEUED
            language = conversation.language
        text, sources = self._ask(talk) if talk else ("", ())
        return Draft(text, sources, claims, language, tuple(self._tones(language)))

    def previewed(self, guidance: Guidance) -> list[Previewed] | None:
        """Returns answers to the last questions of the latest conversations with this guidance,
        newest first, or None without a language model.

        Sends nothing, looks nothing up, and counts towards the daily cap only, not a contact's.
        """
        if self._rewriter is None:
            return None
        with self._database.read() as tx:
            latest = conversations.latest(tx, PREVIEWED)
            talks = [answering.question(tx, one).talk for one in latest]
        asked = [one for each in talks if (one := _until_the_customer(each))]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="preview") as pool:
            return list(pool.map(partial(self._previewed, guidance), asked))

    def _previewed(self, guidance: Guidance, talk: ConversationContext) -> Previewed:
        rules = replace(talk.rules, guidance=guidance, look_ups=())
        asked = replace(talk, rules=rules, contact_id=None, conversation_id=None, waiting=1)
        try:
            answer = self._assistant.answer(asked, talk.language)
        except ModelError:
            answer = None
        before = answering.last_answer(talk)
        question = talk.turns[-1].text
        if answer is None:
            return Previewed(question, before, "")
        return Previewed(question, before, answer.text, answer.by)

    def _tones(self, language: str) -> Iterator[Tone]:
        if self._rewriter:
            yield from (Tone.SHORTER, Tone.FRIENDLIER)
        if self._translator and language:
            yield Tone.TRANSLATED

    def rewritten(self, escalation_id: int, text: str, tone: Tone) -> str | None:
        """Returns the text in this tone, or None if that is not possible now.

        Calls a model outside any transaction and may take seconds.
        """
        with self._database.read() as tx:
            conversation = _conversation_of(tx, escalation_id)
            if conversation is None:
                return None
            language, contact_id = conversation.language, conversation.contact_id
        try:
            if tone is not Tone.TRANSLATED:
                return self._rewriter.rewrite(text, tone, contact_id) if self._rewriter else None
            if not self._translator or not language:
                return None
            return self._translator.translate(text, language, contact_id)
        except ModelError:
            logger.warning("draft not rewritten", extra={"tone": tone.value})
            return None

    def _ask(self, talk: ConversationContext) -> tuple[str, tuple[str, ...]]:
        try:
            answer = self._assistant.answer(talk, talk.language)
        except ModelError:
            logger.warning("no draft: the model cannot answer now")
            return "", ()
        if answer is None or answer.confidence < UNSURE:
            return "", ()
        return answer.text, answer.sources


def _conversation_of(tx: Transaction, escalation_id: int) -> Conversation | None:
    escalation = rows.get(tx, escalation_id)
    if escalation is None or escalation.status not in OPEN:
        return None
    return conversations.get(tx, escalation.conversation_id)


def _until_the_customer(talk: ConversationContext) -> ConversationContext | None:
    """Returns the conversation up to the customer's last message."""
    last = max((n for n, turn in enumerate(talk.turns) if turn.role == "customer"), default=-1)
    if last < 0:
        return None
    return replace(talk, turns=talk.turns[: last + 1], settled=min(talk.settled, last))


# -- feedback on escalations, stored as events, and the training examples for the detector

GONE = "This conversation no longer exists."
SAVED = {
    Verdict.GOOD: "Feedback saved: helpful. It counts in the reports.",
    Verdict.BAD: "Feedback saved: not helpful. It counts in the reports.",
}
MOST = 2_000
"""Number of newest escalations, and of newest answered messages, used as training examples."""


class Feedback:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def came_late(self, escalation_id: int, agent: AgentRef) -> ActionResult:
        """Records that the escalation came too late. Safe to repeat."""
        with self._database.write() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None:
                return ActionResult(False, GONE)
            conversations.hold(tx, escalation.conversation_id)
            if not log.has(tx, EventKind.ESCALATED_LATE, escalation_id):
                now = self._clock.now()
                row = conversations.agent_row(tx, agent.desk_id, agent.name, now)
                log.record(
                    tx, EventKind.ESCALATED_LATE, now, escalation=escalation, agent_id=row.id
                )
            return ActionResult(True, "Feedback saved: escalated too late.")

    def judged(
        self, escalation_id: int, about: str, verdict: Verdict, agent: AgentRef
    ) -> ActionResult:
        """Records what an agent says of an answer (by the message's id) or of the draft (DRAFT).

        A later verdict of the same agent replaces the earlier one.
        """
        with self._database.write() as tx:
            escalation = rows.get(tx, escalation_id)
            message_id = None if about == DRAFT else _answer(tx, escalation, about)
            if escalation is None or (about != DRAFT and message_id is None):
                return ActionResult(False, GONE)
            now = self._clock.now()
            row = conversations.agent_row(tx, agent.desk_id, agent.name, now)
            if _last_verdict(tx, escalation_id, about, row.id) != verdict:
                log.record(
                    tx,
                    EventKind.AI_FEEDBACK,
                    now,
                    escalation=escalation,
                    message_id=message_id,
                    agent_id=row.id,
                    about=about,
                    verdict=verdict.value,
                )
            return ActionResult(True, SAVED[verdict])

    def sources(self, escalation_id: int, about: str) -> tuple[str, ...]:
        """Returns the titles of the articles that an answer was made of."""
        with self._database.read() as tx:
            message_id = _answer(tx, rows.get(tx, escalation_id), about)
            message = tx.session.get(Message, message_id) if message_id else None
            return tuple(message.payload.get("sources") or ()) if message else ()

    def lessons(self) -> list[TrainingExample]:
        """Returns training examples from the team's decisions about single turns."""
        with self._database.read() as tx:
            found = [one for row in rows.ended(tx, MOST) for one in _of_escalation(tx, row)]
            return found + list(_of_answers(tx))

    def rules(self) -> Rules:
        with self._database.read() as tx:
            return rule_lists.detection_rules(tx)

    def learn(self, name: str, value: object, now: datetime) -> None:
        """Activates learned values as the setting `detection_rules.NAME`."""
        with self._database.write() as tx:
            log.prefer(tx, f"{rule_lists.DETECTION_PREFIX}{name}", value, "tune", now)


def _answer(tx: Transaction, escalation: Escalation | None, about: str) -> int | None:
    """Returns the id of the assistant's message, or None if it is not in this conversation."""
    found = tx.session.get(Message, int(about)) if escalation and about.isdecimal() else None
    is_answer = found is not None and found.author == Author.ASSISTANT
    if found is None or escalation is None or not is_answer:
        return None
    return found.id if found.conversation_id == escalation.conversation_id else None


def _last_verdict(tx: Transaction, escalation_id: int, about: str, agent_id: int) -> str:
    given = [
        str(event.data["verdict"])
        for event in log.of_escalation(tx, escalation_id, EventKind.AI_FEEDBACK)
        if event.agent_id == agent_id and event.data["about"] == about
    ]
    return given[-1] if given else ""


def _of_escalation(tx: Transaction, escalation: Escalation) -> Iterator[TrainingExample]:
    signal = Signal(escalation.reason)
    talk = answering.talk_until(tx, escalation.conversation_id, escalation.message_id)
    if talk is None:  # erased in the meantime
        return
    if escalation.status == Status.DISMISSED:
        yield TrainingExample(talk, signal, needed=False, said_so=True)
        return
    yield TrainingExample(talk, signal, needed=True, said_so=False)
    if log.has(tx, EventKind.ESCALATED_LATE, escalation.id):
        earlier = conversations.before(tx, escalation.message_id, Author.CONTACT)
        sooner = earlier and answering.talk_until(tx, escalation.conversation_id, earlier.id)
        if sooner:
            yield TrainingExample(sooner, signal, needed=True, said_so=True)


def _of_answers(tx: Transaction) -> Iterator[TrainingExample]:
    """Yields turns that the assistant answered and that needed no agent."""
    for message in conversations.answered(tx, MOST):
        talk = answering.talk_until(tx, message.conversation_id, message.payload["answers"])
        if talk and not rows.any_after(tx, message.conversation_id, message.id):
            yield TrainingExample(talk, None, needed=False, said_so=False)
