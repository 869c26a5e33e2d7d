"""Requests structured answers from a language model, within a deadline, and counts the usage."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, TypeVar

import openai
from pydantic import AfterValidator, BaseModel

from handoff_bot import spans
from handoff_bot.ai.deadline import within
from handoff_bot.ai.failures import (
    Failure,
    failure_of,
    lessons_in,
    malformed,
    never_left,
    timed_out,
)
from handoff_bot.ai.structured_output import (
    DEFAULT,
    LEAST_EFFORT,
    ROOM,
    Call,
    Exchange,
    Lesson,
    Lessons,
    Question,
    Request,
    Said,
    Tokens,
    Tool,
    request_for,
    tokens_in,
    tools_in,
    unfenced,
)
from handoff_bot.domain.errors import CapReached, ModelError
from handoff_bot.domain.language_models import Trouble, Usage
from handoff_bot.ports import ModelWatch, Spending

logger = logging.getLogger(__name__)

Shape = TypeVar("Shape", bound=BaseModel)

_TRIES = 2
_WORTH_A_TRY = 0.25  # minimum seconds before the deadline to start a request
_LONGEST = 200_000  # maximum characters of an answer; ours need a tenth
_CHARACTERS_PER_TOKEN = 4
_TOKENS_OF_PICTURE = 1_600  # more than any in low detail


def _probability(value: float) -> float:
    if not 0.0 <= value <= 1.0:  # NaN also fails the comparison
        raise ValueError("is no probability")
    return value


Probability = Annotated[float, AfterValidator(_probability)]
"""From 0 to 1. Only checked here, because not every service supports bounds in a schema."""


def connect(api_key: str, base_url: str = "") -> openai.OpenAI:
    """Returns a client without its own retries, which would exceed our deadlines. Close it when
    done.

    Args:
        api_key: the secret.
        base_url: of a compatible service, e.g. "http://127.0.0.1:8080/v1"; "" for OpenAI.
    """
    return openai.OpenAI(api_key=api_key, base_url=base_url or None, max_retries=0)


class LanguageModel:
    """One model of one service. Thread-safe.

    Args:
        client: from `connect`.
        model: its name.
        clock: monotonic seconds.
        spending: checked before every request, told about every answer, including useless ones.
        effort: reasoning effort, see `structured_output`.
        tokens: limit for an answer, including reasoning.
        watch: told the outcome of requests.
        lessons: what the service has refused so far.

    Services differ in parameters, answer formats and APIs. A refused form is replaced at once,
    within the same deadline, and remembered for later requests.
    """

    def __init__(
        self,
        client: openai.OpenAI,
        model: str,
        clock: Callable[[], float] = time.monotonic,
        spending: Spending | None = None,
        *,
        effort: str = DEFAULT,
        tokens: int = 1_000,
        watch: ModelWatch | None = None,
        lessons: Lessons | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._clock = clock
        self._spending = spending
        self._effort = effort
        self._tokens = tokens
        self._watch = watch
        self._lessons = lessons or Lessons()

    @property
    def name(self) -> str:
        return self._model

    @property
    def watch(self) -> ModelWatch | None:
        """Returns the receiver of outcomes."""
        return self._watch

    def with_effort(self, effort: str) -> LanguageModel:
        """Returns the same model with another reasoning effort; lessons are shared."""
        other = copy.copy(self)
        other._effort = effort
        return other

    def heard_by(self, watch: ModelWatch) -> LanguageModel:
        """Returns the same model with another watch; lessons are shared."""
        other = copy.copy(self)
        other._watch = watch
        return other

    def shutdown_date(self, seconds: float) -> date | None:
        """Returns the provider's shutdown date for the model; None if not given. Never raises."""
        models = self._client.models.with_raw_response
        try:
            body = within(seconds, lambda: models.retrieve(model=self._model, timeout=seconds).text)
            return _Lifetime.model_validate_json(body).shutdown_date
        except (openai.OpenAIError, TimeoutError, ValueError):
            return None  # compatible services may lack the URL, or return something else

    def ask(
        self,
        instructions: str,
        data: str,
        shape: type[Shape],
        seconds: float,
        contact_id: int | None = None,
        *,
        pictures: tuple[str, ...] = (),
    ) -> Shape:
        """Returns the model's answer to the data; nothing is stored at the service.

        A broken connection, a server error and a malformed answer are retried once if there is
        time; a rate limit, a timeout and a refusal are not.

        Args:
            contact_id: the contact whose spending cap applies.
            pictures: data URLs of what belongs to the data.

        Raises:
            ModelError: with the kind of failure as its whole text, e.g. "timeout".
        """
        question = Question(self._model, instructions, data, shape, contact_id, pictures=pictures)
        answer = self._asked(question, shape, seconds)
        if isinstance(answer, Calls):  # it was offered no tool
            raise ModelError("malformed answer")
        return answer

    def ask_or_call(
        self,
        instructions: str,
        data: str,
        shape: type[Shape],
        seconds: float,
        contact_id: int | None = None,
        *,
        tools: tuple[Tool, ...] = (),
        exchanges: tuple[Exchange, ...] = (),
        may_call: bool = True,
    ) -> Shape | Calls:
        """Does the same, but the model may call tools instead of answering.

        Args:
            exchanges: its earlier calls about the same data.
            may_call: False if it must answer now.

        Raises:
            ModelError: as above.
        """
        question = Question(
            self._model,
            instructions,
            data,
            shape,
            contact_id,
            tools=tools,
            exchanges=exchanges,
            may_call=may_call,
        )
        return self._asked(question, shape, seconds)

    def _asked(self, question: Question, shape: type[Shape], seconds: float) -> Shape | Calls:
        if self._spending and not self._spending.allows(question.contact_id):
            raise CapReached("spent enough for today")
        question = replace(question, effort=self._effort, tokens=self._tokens)
        try:
            answer = self._within(question, shape, self._clock() + seconds)
        except Failure as failure:
            self._report(failure)
            raise ModelError(str(failure)) from None
        if self._watch:
            self._watch.answered()
        return answer

    def _report(self, failure: Failure) -> None:
        if self._watch and failure.trouble:
            self._watch.failed(failure.trouble, failure.detail)
        elif self._watch:
            self._watch.answered()

    def _within(self, question: Question, shape: type[Shape], deadline: float) -> Shape | Calls:
        tries, last, cut = _TRIES, timed_out(), None
        new: frozenset[Lesson] = frozenset()
        while tries and (left := deadline - self._clock()) >= _WORTH_A_TRY:
            known = self._lessons.known() | new
            try:
                said = self._said(question, request_for(question, known), left)
                self._keep(new)
                return Calls(said.calls) if said.calls else _parsed(said, shape)
            except _Otherwise as otherwise:
                new |= otherwise.lessons
                cut = cut or (None if otherwise.failure.is_refusal else otherwise.failure)
                if otherwise.lessons <= known:  # already asked in this form: the loop ends
                    self._conclude(otherwise.failure, new)
                    raise otherwise.failure from None
                last = timed_out()
            except Failure as failure:
                self._conclude(failure, new)
                last, tries = failure, tries - 1 if failure.may_pass else 0
            except ValueError:
                last, tries = malformed(), tries - 1
        if not last.is_refusal:
            self._keep(new)
        # The failure of a shortened retry says less.
        raise cut or last

    def _conclude(self, failure: Failure, new: Set[Lesson]) -> None:
        """Lessons that led to another refusal are discarded."""
        if not failure.is_refusal:
            self._keep(new)
        elif failure.is_elsewhere:
            self._lessons.forget()

    def _keep(self, new: Set[Lesson]) -> None:
        if not (new and self._lessons.learn(new)):
            return
        logger.info("language model is asked otherwise", extra={"lessons": sorted(new)})
        refused = tools_in(new)
        if refused and self._watch:
            self._watch.refused_tools(refused)

    def _said(self, question: Question, request: Request, seconds: float) -> Said:
        """Returns the model's calls, or its text, which should be JSON."""
        body = self._body(question, request, seconds)
        said = _read(request, body)
        self._count(question, tokens_in(body), said.text if said else body)
        if len(body) > _LONGEST:
            raise Failure("oversized answer", Trouble.UNREADABLE)
        if said is None:
            raise malformed()
        said = said if question.tools and question.may_call else replace(said, calls=())
        _check(said)
        return said

    def _body(self, question: Question, request: Request, seconds: float) -> str:
        try:
            if spans.recorder is None:
                return within(seconds, lambda: _send(self._client, request, seconds))
            about = {"peer.service": "language-model", "gen_ai.request.model": self._model}
            with spans.recorder.span(f"model {request.path}", spans.Kind.CLIENT, about):
                return within(seconds, lambda: _send(self._client, request, seconds))
        except TimeoutError:
            self._count(question)
            raise timed_out() from None
        except openai.APIStatusError as error:
            failure = failure_of(error)
            if failure.is_refusal:
                raise _Otherwise(lessons_in(error, request), failure) from None
            raise failure from None
        except openai.OpenAIError as error:
            if isinstance(error, openai.APIConnectionError) and not never_left(error):
                self._count(question)
            raise failure_of(error) from None

    def _count(
        self, question: Question, counted: Tokens | None = None, made: str | None = None
    ) -> None:
        """Counts the service's numbers, or else the length of what was sent and received.

        A call without an answer is paid too, at least for what was sent.
        """
        if not self._spending:
            return
        tokens = counted or Tokens(
            _about(question.instructions_with_schema)
            + _about(question.data_with_results)
            + _TOKENS_OF_PICTURE * len(question.pictures),
            0 if made is None else _about(made),
        )
        usage = Usage(question.model, tokens.given, tokens.made, tokens.cached)
        self._spending.record(question.contact_id, usage)


@dataclass(frozen=True)
class Calls:
    """What the model calls instead of answering."""

    all: tuple[Call, ...]


class _Otherwise(Exception):
    """The request must be changed; if it already was, this is the failure."""

    def __init__(self, lessons: Set[Lesson], failure: Failure) -> None:
        super().__init__()
        self.lessons = frozenset(lessons)
        self.failure = failure


class _Lifetime(BaseModel):
    shutdown_date: date | None = None


def _send(client: openai.OpenAI, request: Request, seconds: float) -> str:
    body: dict[str, Any] = request.body
    if request.path == "/responses":
        return client.responses.with_raw_response.create(**body, timeout=seconds).text
    return client.chat.completions.with_raw_response.create(**body, timeout=seconds).text


def _read(request: Request, body: str) -> Said | None:
    """Returns the model's text, None for an invalid or endless response."""
    try:
        return request.read(body) if len(body) <= _LONGEST else None
    except ValueError:
        return None


def _parsed(said: Said, shape: type[Shape]) -> Shape:
    return shape.model_validate_json(unfenced(said.text))


def _check(said: Said) -> None:
    """Raises unless the answer is complete."""
    if said.is_refusal:
        raise Failure("refusal", None)  # the model works: it refused
    if said.is_cut:
        cut = Failure("incomplete answer", Trouble.CUT)
        reasons = {ROOM, LEAST_EFFORT} if said.has_reasoned else {ROOM}
        raise _Otherwise(reasons, cut) if said.lacks_room else cut
    if not said.text.strip() and not said.calls:
        raise Failure("empty answer", Trouble.UNREADABLE)


def _about(text: str) -> int:
    return max(1, math.ceil(len(text) / _CHARACTERS_PER_TOKEN))
