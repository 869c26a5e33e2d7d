"""Asks the assistant questions with known answers, without a database, and judges what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection import DEFAULTS, Rules
from handoff_bot.domain.evaluation import Expected, Outcome, Verdict, verdict
from handoff_bot.domain.language_models import REASONS, Caps, Trouble, Usage
from handoff_bot.domain.signals import Answer, Turn
from handoff_bot.domain.text import REASONS as ESCALATED
from handoff_bot.domain.text import many
from handoff_bot.services.ai_turns.answering import Question, Reaction, TurnEvaluator

FALLEN_BACK = (
    "the model's answer was not supported by its evidence, or useless: the local one is sent"
)


class RunLedger:
    """Counts the calls of one run, and limits them; see `Spending` in ports.py.

    A retry after a broken connection is counted with its call, so `most` may be exceeded by one.
    """

    def __init__(self, caps: Caps, most: int) -> None:
        self._caps = caps
        self._most = most
        self.calls = 0
        self.micros = 0
        self.tokens = 0
        self.refused = False

    def allows(self, contact_id: int | None) -> bool:
        """Returns whether another call fits the limit and the daily cap; remembers a refusal."""
        cap = self._caps.daily * 1_000_000
        self.refused = self.calls >= self._most or bool(cap and self.micros >= cap)
        return not self.refused

    def record(self, contact_id: int | None, usage: Usage) -> None:
        self.calls += 1
        self.tokens += usage.input_tokens + usage.output_tokens
        self.micros += self._caps.micros(usage)

    def line(self) -> str:
        """Returns what the run cost, in the currency of the caps."""
        cost = f"{self.micros / 1_000_000:.4f}" if self._caps.input_price else "unknown"
        return f"{many(self.calls, 'call')}, {many(self.tokens, 'token')}, cost {cost}"


class RunWatch:
    """Remembers the last failure of the language model; see `ModelWatch` in ports.py."""

    def __init__(self) -> None:
        self._last: Trouble | None = None

    def answered(self) -> None:
        """Needs nothing: a later success does not undo a failure in the same turn."""

    def failed(self, trouble: Trouble, detail: str = "") -> None:
        self._last = trouble

    def refused_tools(self, names: Sequence[str]) -> None:
        """Needs nothing: an evaluation makes no look-ups."""

    def take(self) -> Trouble | None:
        """Returns the failure since the last time it was asked for."""
        last, self._last = self._last, None
        return last


@dataclass(frozen=True)
class Spent:
    """What a run with a language model counts."""

    ledger: RunLedger
    watch: RunWatch


def most_calls(questions: Iterable[Expected], *, rewrites: bool) -> int:
    """Returns how many calls the language model gets at most, without retries.

    Args:
        rewrites: True if follow-ups are rewritten as search queries, with a call of their own.
    """
    count = 0
    for one in questions:
        asked = list(_asked_at(one))
        count += len(asked) + rewrites * sum(_has_earlier(one, at) for at in asked)
    return count


class Evaluation:
    """Asks as the product does, except that the quick check decides about escalation.

    Args:
        seconds: of the whole run; later questions are not asked.
        spent: None without a language model.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        evaluator: TurnEvaluator,
        *,
        rules: Rules = DEFAULTS,
        seconds: float = 1800.0,
        spent: Spent | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._evaluator = evaluator
        self._rules = rules
        self._seconds = seconds
        self._spent = spent
        self._clock = clock

    @property
    def cost(self) -> str:
        """Returns what was spent, "" without a language model."""
        return self._spent.ledger.line() if self._spent else ""

    def outcomes(self, questions: Iterable[Expected]) -> Iterator[Outcome]:
        """Yields what became of each question, as soon as it is known."""
        ends = self._clock() + self._seconds
        for one in questions:
            if self._clock() >= ends:
                yield Outcome(one, Verdict.NOT_ASKED, why="the time limit was reached")
            elif self._spent and not self._spent.ledger.allows(None):
                yield _unasked(one)
            else:
                yield self._outcome(one)

    def _outcome(self, one: Expected) -> Outcome:
        turns: tuple[Turn, ...] = ()
        for at, turn in enumerate(one.earlier):
            turns = (*turns, turn)
            if at in _asked_at(one):
                said = self._react(one, turns)
                turns = (*turns, Turn("assistant", said.answer.text)) if said.answer else turns
                if stopped := self._stopped(one, said):
                    return stopped
        reaction = self._react(one, (*turns, Turn("customer", one.question)))
        return self._stopped(one, reaction) or _judged(one, reaction)

    def _react(self, one: Expected, turns: Sequence[Turn]) -> Reaction:
        talk = ConversationContext(tuple(turns), rules=self._rules, language=one.language)
        return self._evaluator.react(Question(talk))

    def _stopped(self, one: Expected, reaction: Reaction) -> Outcome | None:
        """Returns the outcome if the language model was not asked, or did not answer."""
        if self._spent is None:
            return None
        trouble = self._spent.watch.take()
        if not _fell_back(reaction):
            return None
        language = one.language or reaction.judgement.language
        if trouble:
            return Outcome(one, Verdict.FAILED, why=REASONS[trouble], language=language)
        return _unasked(one) if self._spent.ledger.refused else None


def _asked_at(one: Expected) -> Iterator[int]:
    """Yields the positions of customers' turns that the assistant answers; the last is the question."""
    roles = [turn.role for turn in one.earlier] + ["customer"]
    for at, role in enumerate(roles):
        if role == "customer" and roles[at + 1 : at + 2] in ([], ["customer"]):
            yield at


def _has_earlier(one: Expected, at: int) -> bool:
    return any(turn.role == "customer" for turn in one.earlier[:at])


def _fell_back(reaction: Reaction) -> bool:
    said = reaction.composed or reaction.answer
    return said is not None and said.in_time is False


def _unasked(one: Expected) -> Outcome:
    return Outcome(one, Verdict.NOT_ASKED, why="the limit of calls or the daily cap was reached")


def _judged(one: Expected, reaction: Reaction) -> Outcome:
    answer, judgement = reaction.answer, reaction.judgement
    language = one.language or judgement.language
    if answer is None:
        reason = ESCALATED[judgement.reason] if judgement.reason else ""
        why = f"an agent is called: {reason}"
        return Outcome(one, verdict(one, None), why=why, language=language)
    return Outcome(
        one,
        verdict(one, answer),
        answer.text,
        FALLEN_BACK if _fell_back(reaction) else _doubt(answer),
        answer.confidence,
        answer.sources,
        language,
    )


def _doubt(answer: Answer) -> str:
    return "" if answer.sources or answer.is_clarifying else "the assistant was not sure"
