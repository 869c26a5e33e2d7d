"""The assistant is asked as the product asks it, within limits, and failures are no refusals."""

from dataclasses import dataclass, field, replace

import pytest

from bench import answers as bench
from bench.answers_corpus import HELD_OUT, NONE, held_out
from bench.answers_corpus import Question as BenchQuestion
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.cli import SAMPLES
from handoff_bot.domain.evaluation import Expected, Verdict, read_questions, verdict
from handoff_bot.domain.language_models import Caps, Trouble, Usage
from handoff_bot.domain.signals import Turn
from handoff_bot.services.ai_turns.answering import TurnEvaluator
from handoff_bot.services.ai_turns.evaluating import (
    Evaluation,
    RunLedger,
    RunWatch,
    Spent,
    most_calls,
)
from handoff_bot.settings import SAMPLE_FOLDER
from tests.fakes import ScriptedAssistant, ScriptedDetector

USAGE = Usage("m", 1_000, 100)
CAPS = Caps(input_price=1.0, output_price=10.0, daily=1.0)
OPEN = Expected("when are you open?", ("open",))


@dataclass
class ModelLike(ScriptedAssistant):
    """Counts each answer in a ledger, as a language model does; `troubles` are its next failures."""

    spent: Spent = field(default_factory=lambda: Spent(RunLedger(CAPS, 100), RunWatch()))
    troubles: list[Trouble | None] = field(default_factory=list)

    def answer(self, talk, language):
        answer = super().answer(talk, language)
        if not self.spent.ledger.allows(None):
            return replace(answer, in_time=False)
        self.spent.ledger.record(None, USAGE)
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble:
            self.spent.watch.failed(trouble)
        else:
            self.spent.watch.answered()
        return replace(answer, in_time=trouble is None)


def evaluation(assistant, **kwargs) -> Evaluation:
    return Evaluation(TurnEvaluator(ScriptedDetector(), assistant), **kwargs)


def test_a_follow_up_is_asked_after_its_earlier_question_was_answered():
    assistant = ScriptedAssistant()
    one = replace(OPEN, question="and open on Sundays?", earlier=(Turn("customer", "when open?"),))
    [outcome] = evaluation(assistant).outcomes([one])
    assert [turn.role for turn in assistant.asked[-1].turns] == [
        "customer",
        "assistant",
        "customer",
    ]
    assert (len(assistant.asked), outcome.verdict) == (2, Verdict.RIGHT)


def test_given_answers_are_not_asked_again():
    assistant = ScriptedAssistant()
    earlier = (Turn("customer", "open?"), Turn("assistant", "At nine."))
    list(evaluation(assistant).outcomes([replace(OPEN, earlier=earlier)]))
    assert len(assistant.asked) == 1


def test_an_escalated_question_is_a_refusal_with_its_reason():
    [outcome] = evaluation(ScriptedAssistant()).outcomes([Expected("a human, please", ("open",))])
    assert (outcome.verdict, outcome.why) == (
        Verdict.REFUSED,
        "an agent is called: asked for a person",
    )


def test_a_failure_of_the_provider_is_no_refusal():
    assistant = ModelLike(troubles=[Trouble.SERVER, None])
    found = list(evaluation(assistant, spent=assistant.spent).outcomes([OPEN, OPEN]))
    assert [one.verdict for one in found] == [Verdict.FAILED, Verdict.RIGHT]
    assert found[0].why == "The service reports internal errors."


def test_after_the_limit_no_question_is_asked():
    assistant = ModelLike(spent=Spent(RunLedger(CAPS, 2), RunWatch()))
    asked = evaluation(assistant, spent=assistant.spent)
    found = [one.verdict for one in asked.outcomes([OPEN] * 4)]
    assert found == [Verdict.RIGHT, Verdict.RIGHT, Verdict.NOT_ASKED, Verdict.NOT_ASKED]
    assert asked.cost == "2 calls, 2,200 tokens, cost 0.0040"


def test_a_limit_that_is_reached_within_a_question_leaves_it_not_asked():
    assistant = ModelLike(spent=Spent(RunLedger(CAPS, 1), RunWatch()))
    one = replace(OPEN, earlier=(Turn("customer", "hours?"),))
    [outcome] = evaluation(assistant, spent=assistant.spent).outcomes([one])
    assert outcome.verdict is Verdict.NOT_ASKED


def test_the_daily_cap_ends_the_run_too():
    ledger = RunLedger(replace(CAPS, daily=0.003), 100)
    ledger.record(None, USAGE)
    assert ledger.allows(None)
    ledger.record(None, USAGE)
    assert not ledger.allows(None)


def test_after_the_time_limit_no_question_is_asked():
    times = iter([0.0, 1.0, 61.0])
    asked = evaluation(ScriptedAssistant(), seconds=60.0, clock=lambda: next(times))
    assert [one.verdict for one in asked.outcomes([OPEN, OPEN])] == [
        Verdict.RIGHT,
        Verdict.NOT_ASKED,
    ]


@pytest.mark.parametrize(("rewrites", "calls"), [(True, 6), (False, 4)])
def test_calls_are_estimated_with_earlier_questions_and_search_queries(rewrites, calls):
    earlier = (Turn("customer", "a"), Turn("customer", "b"), Turn("assistant", "c"))
    questions = [OPEN, replace(OPEN, earlier=earlier), replace(OPEN, earlier=earlier[1:])]
    assert most_calls(questions, rewrites=rewrites) == calls


@pytest.fixture(scope="module")
def detector():
    return LocalDetector.load()


SPELLED = {
    "€4.90": "4.90 euros",
    "9.90 EUR": "9.90",
    "10 %": "10 percent",
    "4,90 €": "4,90 Euro",
    "4.90 euros": "4,90 euros",
    "PayPal / Überweisung": "Überweisung",
}
"""How the articles spell the samples' facts: the bench compares texts as they are written."""


def test_the_shops_questions_get_the_verdicts_of_the_bench(detector):
    """The bench asks the assistant itself; here the same questions go the product's way."""
    questions = read_questions((SAMPLES / "shop-questions.csv").read_text(encoding="utf-8"))
    found, wanted = {}, {}
    with Knowledge(SAMPLE_FOLDER, meaning=detector.encoder.vectors) as knowledge:
        assistant = LocalAssistant(knowledge, detector.act_of)
        for outcome in Evaluation(TurnEvaluator(detector, assistant)).outcomes(questions):
            one = outcome.expected
            found[one.question] = outcome.verdict.value
            wanted[one.question] = bench.verdict(*_as_in_the_bench(one, assistant))
    assert found == wanted
    assert (found["do you ship to Canada"], found["I want to talk to a human"]) == (
        "refused",
        "right",
    )


def _as_in_the_bench(one: Expected, assistant: LocalAssistant):
    earlier = one.earlier[0].text if one.earlier else ""
    facts = tuple(SPELLED.get(fact, fact) for fact in one.facts)
    kind = NONE if one.must_refuse else "single"
    asked = BenchQuestion(kind, one.language, one.question, facts, earlier)
    first = BenchQuestion("single", one.language, earlier, ())
    before = assistant.answer(first.talk(""), one.language) if earlier else None
    return asked, assistant.answer(asked.talk(before.text if before else ""), one.language)


@pytest.mark.parametrize("name", ["roaster", "dentist", "provider", "campsite"])
def test_answers_of_the_held_out_bases_get_the_verdicts_of_the_bench(name, detector):
    with Knowledge(HELD_OUT / name, meaning=detector.encoder.vectors) as knowledge:
        assistant = LocalAssistant(knowledge, detector.act_of)
        for question in held_out(name)[:12]:
            answer = assistant.answer(question.talk(""), question.language)
            mine = Expected(question.text, question.facts, must_refuse=question.kind == NONE)
            assert verdict(mine, answer).value == bench.verdict(question, answer), question.text
