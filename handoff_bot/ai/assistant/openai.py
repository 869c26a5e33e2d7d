"""Answers with a language model from passages and look-ups, and with the local assistant as fallback."""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.articles import Passage
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.phrases import UNSURE, say
from handoff_bot.ai.assistant.questions import is_question
from handoff_bot.ai.assistant.support import (
    unsupported,
    without_addresses,
    without_foreign_addresses,
)
from handoff_bot.ai.assistant.words import may_be_about
from handoff_bot.ai.language_model import Calls, LanguageModel, Probability
from handoff_bot.ai.personal_data import Redactor
from handoff_bot.ai.structured_output import Call, Exchange, Tool
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection import Guidance
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.look_ups import Found, LookUp
from handoff_bot.domain.mcp_servers import AnyLookUp, texts
from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Answer, Evidence, Turn
from handoff_bot.ports import LookUps

logger = logging.getLogger(__name__)

# -- passages, found with the whole conversation

_FOR_THE_QUERY, _FOR_THE_LAST = 5, 6
_EACH = 2
_MOST = 9
_TURNS = 5
"""Number of earlier turns used: each search takes a few milliseconds."""


def has_earlier_question(turns: Sequence[Turn]) -> bool:
    """Returns whether the customer has asked before, so that the last message may be a follow-up."""
    return any(turn.role == "customer" and is_question(turn.text) for turn in turns[:-1])


def passages_for(knowledge: Knowledge, turns: Sequence[Turn], query: str = "") -> list[Passage]:
    """Returns passages for `query`, for the last message, then for it combined with earlier turns.

    The model sees the conversation and can tell which passages apply, so earlier topics only add
    passages and never replace those of the last message.
    """
    last = turns[-1].text
    found = [hit.passage for hit in knowledge.search(query, _FOR_THE_QUERY)] if query else []
    found += [hit.passage for hit in knowledge.search(last, _FOR_THE_LAST)]
    for earlier in islice(_earlier(turns), _TURNS):
        hits = knowledge.search(last, _EACH, earlier)
        found += [hit.passage for hit in hits[:_EACH]]
    return list(dict.fromkeys(found))[:_MOST]


def _earlier(turns: Sequence[Turn]) -> list[str]:
    """Returns earlier turns with content, newest first, the customer's before others.

    Before them comes the context of the customer's last such message: an ad, a quoted message.
    """
    newest = [turn for turn in reversed(turns[:-1]) if is_question(turn.text)]
    theirs = [turn.text for turn in newest if turn.role == "customer"]
    others = [turn.text for turn in newest if turn.role != "customer"]
    around = [turn.context for turn in reversed(turns) if turn.role == "customer" and turn.context]
    return [*around[:1], *theirs[: _TURNS - 1], *others[:1], *theirs[_TURNS - 1 :]]


# -- look-ups of one answer: what the model may call, what it called, what was found

MOST_ROUNDS = 3
MOST_CALLS = 4
"""Requests of one answer. Further calls get "limit reached"."""
_MOST_AT_ONCE = 8
_SECONDS = 4.0
"""Longest time of one look-up."""
_NOT_FOR_LOOK_UPS = frozenset({"CARD", "IBAN"})
"""Kinds of private values that no look-up gets, whatever the model puts into its arguments."""


class Research:
    """Makes the calls of one answer. Results are data: they are masked, and their links are checked.

    Args:
        customer: masks of the customer's private values.
    """

    def __init__(
        self, look_ups: LookUps | None, talk: ConversationContext, customer: Redactor
    ) -> None:
        self._look_ups = look_ups
        self._talk = talk
        self._customer = customer
        self._results = Redactor()
        self._offered = {one.name: one for one in talk.rules.look_ups} if look_ups else {}
        self._made: dict[tuple[str, str], Found] = {}
        self.exchanges: tuple[Exchange, ...] = ()
        self.evidence: tuple[Evidence, ...] = ()
        self.arguments: tuple[str, ...] = ()

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(
            Tool(one.name, one.when, one.schema, is_strict=isinstance(one, LookUp))
            for one in self._offered.values()
        )

    def call(self, calls: Sequence[Call], seconds: float) -> None:
        """Makes the calls one after the other, within `seconds`.

        Raises:
            ModelError: the model calls without end.
        """
        if len(calls) > _MOST_AT_ONCE:
            raise ModelError("too many calls")
        for each in calls:
            share = min(_SECONDS, seconds / len(calls))
            found = self._found(each, share)
            told = {"outcome": found.outcome, "result": self._results.mask(found.text)}
            output = prompts.enclosed("result", [told])
            self.exchanges += (Exchange(each, output),)

    def restored(self, text: str) -> str:
        """Replaces the marks of results by their values, which the customer may see."""
        return self._results.restore(text)

    def _found(self, call: Call, seconds: float) -> Found:
        look_up = self._offered.get(call.name)
        if look_up is None or self._look_ups is None:
            return Found("unknown function")
        try:
            given = self._arguments(look_up, call.arguments)
        except (ValueError, RecursionError):
            return Found("invalid arguments")
        key = (call.name, json.dumps(given, sort_keys=True))
        if key not in self._made and len(self._made) >= MOST_CALLS:
            return Found("limit reached")
        if key not in self._made:
            found = self._look_ups.find(look_up, given, self._talk, seconds)
            self._made[key] = self._kept(look_up, given, found)
        return self._made[key]

    def _arguments(self, look_up: AnyLookUp, written: str) -> dict[str, Any]:
        given = look_up.given(json.loads(written, parse_constant=_refused))
        return look_up.given(self._unmasked(given))

    def _unmasked(self, held: Any) -> Any:
        if isinstance(held, dict):
            return {name: self._unmasked(each) for name, each in held.items()}
        if isinstance(held, list):
            return [self._unmasked(each) for each in held]
        if not isinstance(held, str):
            return held
        return self._results.restore(self._customer.restore(held, never=_NOT_FOR_LOOK_UPS))

    def _kept(self, look_up: AnyLookUp, given: Mapping[str, Any], found: Found) -> Found:
        text = "\n".join(map(_without_links_in_sentences, storable(found.text).splitlines()))
        if found.outcome == "ok" and text:
            asked = tuple(texts(dict(given)))
            self.evidence += (Evidence(look_up.name, text, ", ".join(asked), is_look_up=True),)
            self.arguments += asked
        return Found(found.outcome, text, found.milliseconds)


def _refused(constant: str) -> None:
    """NaN and infinity are no JSON."""
    raise ValueError(constant)


def _without_links_in_sentences(line: str) -> str:
    """Returns a line whose address stays only if it is the whole value.

    A tracking link is; a link in a sentence may be a stranger's, as in the note on an order.
    """
    label, colon, value = line.partition(": ")
    if not colon:
        return without_addresses(line)
    is_address = not without_addresses(value).strip()
    return line if is_address else f"{label}: {without_addresses(value)}"


# -- the assistant

BY = "openai"

_ADDRESSES = frozenset({"EMAIL", "PHONE"})
_LONGEST = 2_000
_LONGEST_QUERY = 300
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_UNSOURCED = 0.4  # maximum confidence of an answer that cites no passage
_MOST_EVIDENCE = 4


class Reply(BaseModel):
    """The language model's answer."""

    answer: str
    confidence: Probability
    used_sources: list[str]
    clarifies: bool = False


class Query(BaseModel):
    """The language model's search query."""

    query: str


class OpenAIAssistant:
    """Answers in the customer's language, only from passages and look-ups.

    Args:
        timeout: seconds of an answer with its look-ups.
        query_seconds: seconds to rewrite a follow-up as a search query; 0 for never.
        look_ups: None if the model may look nothing up.
    """

    def __init__(
        self,
        model: LanguageModel,
        knowledge: Knowledge,
        local: LocalAssistant,
        timeout: float = 8.0,
        *,
        query_seconds: float = 0.0,
        look_ups: LookUps | None = None,
    ) -> None:
        self._model = model
        self._knowledge = knowledge
        self._local = local
        self._timeout = timeout
        self._query_seconds = query_seconds
        self._look_ups = look_ups

    def answer(self, talk: ConversationContext, language: str) -> Answer | None:
        """Returns the model's answer from passages, or the local assistant's if the model fails, or
        if its answer states what its evidence does not hold.
        """
        local = self._local.answer(talk, language)
        if local is None or self._local.is_small_talk(talk):
            return local
        try:
            return self._ask(talk, language)
        except ModelError as error:
            logger.warning("language model did not answer", extra={"kind": str(error)})
            return replace(_permitted(local, talk, language), in_time=False)

    def _ask(self, talk: ConversationContext, language: str) -> Answer:
        redactor = Redactor()
        research = Research(self._look_ups, talk, redactor)
        turns = prompts.masked(talk.turns, redactor.mask)
        passages = self._passages(talk, turns, redactor)
        given = prompts.enclosed(
            "passages",
            ({"title": one.title, "heading": one.heading, "text": one.text} for one in passages),
        )
        hints = prompts.enclosed("hints", [{"hint": redactor.mask(one)} for one in talk.hints])
        spoken = language if _LANGUAGE.fullmatch(language) else "of the customer's last message"
        instructions = prompts.ANSWER.format(language=spoken) + _guidance(talk.rules.guidance)
        data = f"{given}\n{hints}\n{prompts.transcript(turns)}"
        reply = self._reply(instructions, data, talk, research)
        evidence = [*research.evidence, *(_as_evidence(one) for one in passages)]
        said = research.restored(storable(reply.answer)[:_LONGEST])
        # The model may put the customer's words into its arguments: they prove nothing.
        customer = [turn.text for turn in talk.turns if turn.role == "customer"]
        text = _checked(said, _known(evidence, talk), [*customer, *research.arguments])
        # A mask's value could let the customer's own text bring a URL into the answer.
        return _answer(reply, redactor.restore(text, never=_ADDRESSES).strip(), evidence, passages)

    def _passages(
        self, talk: ConversationContext, masked: Sequence[Turn], redactor: Redactor
    ) -> list[Passage]:
        if not self._query_seconds or not has_earlier_question(talk.turns):
            return passages_for(self._knowledge, talk.turns)
        try:
            asked = self._model.ask(
                prompts.QUERY,
                prompts.transcript(masked),
                Query,
                self._query_seconds,
                talk.contact_id,
            )
        except ModelError as error:
            logger.warning("search query not rewritten", extra={"kind": str(error)})
            return passages_for(self._knowledge, talk.turns)
        query = redactor.restore(storable(asked.query).strip()[:_LONGEST_QUERY])
        return passages_for(self._knowledge, talk.turns, query)

    def _reply(
        self,
        instructions: str,
        data: str,
        talk: ConversationContext,
        research: Research,
    ) -> Reply:
        if not research.tools:
            return self._model.ask(instructions, data, Reply, self._timeout, talk.contact_id)
        deadline = time.monotonic() + self._timeout
        for number in range(MOST_ROUNDS + 1):
            said = self._model.ask_or_call(
                instructions,
                data,
                Reply,
                deadline - time.monotonic(),
                talk.contact_id,
                tools=research.tools,
                exchanges=research.exchanges,
                may_call=number < MOST_ROUNDS,
            )
            if not isinstance(said, Calls):
                return said
            research.call(said.all, deadline - time.monotonic())
        raise ModelError("too many calls")


def _permitted(local: Answer, talk: ConversationContext, language: str) -> Answer:
    """Returns the local answer, or "not sure" if it or the question may be about a topic that is
    never discussed: an article that mentions it would be quoted.
    """
    topics = talk.rules.guidance.never
    asked = [turn.text for turn in talk.turns[-talk.waiting :]]
    quoted = [f"{one.title}\n{one.heading}" for one in local.evidence]
    text = "\n".join([*asked, local.text, *quoted])
    if not any(may_be_about(topic, text) for topic in topics):
        return local
    return Answer(say(UNSURE, language), confidence=0.0, by=local.by)


def _checked(said: str, known: str, customer: Sequence[str]) -> str:
    """Returns the answer as it is sent.

    Raises:
        ModelError: it is empty, or states what its evidence does not hold.
    """
    if not _is_supported(Redactor.unmarked(said), known, "\n".join(customer)):
        raise ModelError("unsupported answer")
    text = without_foreign_addresses(said, known)
    if not text.strip():
        raise ModelError("empty answer")
    return text


def _is_supported(said: str, known: str, customer: str) -> bool:
    """An answer that cannot be checked counts as unsupported: a retry would fail, and cost, again."""
    try:
        return not unsupported(said, known, customer)
    except Exception as error:
        # The message of the exception may hold a part of the answer.
        at = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} in {at.name}"
        logger.error("an answer could not be checked", extra={"kind": kind})  # noqa: TRY400
        return False


def _answer(
    reply: Reply, text: str, evidence: Sequence[Evidence], passages: Sequence[Passage]
) -> Answer:
    if not text:
        raise ModelError("empty answer")
    titles = [name for name in reply.used_sources if any(one.title == name for one in evidence)]
    named = {one.title: one.source for one in passages}
    sources = tuple(dict.fromkeys(named.get(name, name) for name in titles))
    used = [one for one in evidence if one.is_look_up or one.title in titles]
    is_sure = bool(sources) or reply.clarifies
    return Answer(
        text=text,
        confidence=reply.confidence if is_sure else min(reply.confidence, _UNSOURCED),
        sources=sources,
        by=BY,
        in_time=True,
        asks=reply.clarifies,
        evidence=tuple(used[:_MOST_EVIDENCE]),
    )


def _as_evidence(passage: Passage) -> Evidence:
    return Evidence(passage.title, passage.text, passage.heading)


def _known(evidence: Sequence[Evidence], talk: ConversationContext) -> str:
    """Returns all texts that the answer may take numbers and addresses from: also the team's own.

    Without the arguments of look-ups, which are their evidence's headings.
    """
    guidance = talk.rules.guidance
    agents = [turn.text for turn in talk.turns if turn.role == "agent"]
    headings = [one.heading for one in evidence if not one.is_look_up]
    texts = [f"{one.title}\n{one.text}" for one in evidence]
    return "\n".join([*texts, *headings, *agents, *talk.hints, guidance.company, *guidance.lines])


def _guidance(guidance: Guidance) -> str:
    """Returns the part of the instructions with the team's guidance, "" without any."""
    given = {name: value for name, value in asdict(guidance).items() if value}
    names = {"never": "never discuss", "lines": "guidance"}
    items = [{names.get(name, name): value} for name, value in given.items()]
    return prompts.GUIDANCE.format(guidance=prompts.enclosed("guidance", items)) if items else ""
