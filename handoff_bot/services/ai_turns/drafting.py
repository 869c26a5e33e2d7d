"""Drafts of the next reply, for agents to edit and send. A draft is never sent automatically."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection_rules import Guidance
from handoff_bot.domain.drafts import Draft, Previewed, Tone
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.policy import UNSURE
from handoff_bot.ports import Assistant, Rewriter, Translator
from handoff_bot.services.ai_turns import answering
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

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
