"""What feedback suggests: thresholds that would have been right, and a last layer that moves towards it."""

from __future__ import annotations

import math

import pytest

from handoff_bot.ai.detector.model import KINDS
from handoff_bot.ai.detector.tuning import FEWEST, advise, retrained
from handoff_bot.ai.judging import explain
from handoff_bot.domain.conversation_context import ConversationContext, TrainingExample
from handoff_bot.domain.detection import Rules, Sensitivity, Tuning
from handoff_bot.domain.signals import Signal
from tests.ai.talk import judge, talk

NEEDLESS = [
    "can I talk to the bakery about a cake",
    "I want to speak to the team about my idea",
    "is there somebody in the shop who sells hats",
    "put me through the sizes please",
    "who can I ask about gift wrapping",
    "let me talk to the bakery",
]


QUIET = [
    "who knows about this",
    "I would rather talk about it",
    "help me please",
    "can anyone help me with this",
    "is there no other way to sort this out",
    "I'd like to explain it",
    "whom could I ask",
]


def lessons(words, *, needed, signal=Signal.REQUEST, said_so=True):
    return [
        TrainingExample(ConversationContext(tuple(talk(one))), signal, needed, said_so)
        for one in words
    ]


def about(detector, found, rules=None):
    return {one.signal: one for one in advise(detector, found, rules or Rules())}


def test_too_little_said_changes_nothing(detector):
    found = about(detector, lessons(NEEDLESS[: FEWEST - 1], needed=False))

    assert all(one.shift == 0 for one in found.values())
    assert retrained(detector, lessons(NEEDLESS[: FEWEST - 1], needed=False)) == {}


def _odds(probability):
    return math.log(probability / (1 - probability))


def scored(detector, words):
    return judge(detector, talk(words)).scores[Signal.REQUEST]


def test_needless_escalations_raise_the_threshold_above_them(detector):
    strongest = max(scored(detector, one) for one in NEEDLESS)
    threshold = detector.threshold(Signal.REQUEST, Rules())
    if strongest < threshold:
        pytest.skip("the shipped model escalates none of these")
    advice = about(detector, lessons(NEEDLESS, needed=False))[Signal.REQUEST]

    assert advice.shift > 0
    assert advice.needless_then < advice.needless


@pytest.mark.parametrize(
    ("words", "signal"),
    [
        ("this bot is not helping", Signal.REQUEST),
        ("I am done with this robot", Signal.SENTIMENT),
        ("\u0e42\u0e17\u0e23\u0e2b\u0e32\u0e09\u0e31\u0e19", Signal.REQUEST),
    ],
)
def test_feedback_is_measured_by_the_scores_that_decide(detector, words, signal):
    live = judge(detector, talk(words)).scores
    score = detector.signals(ConversationContext(tuple(talk(words))), Rules())[signal]
    assert score == live[signal]
    # A threshold right below the live score counts the feedback, one right above it does not.
    shipped = detector.threshold(signal, Rules())
    distance = _odds(score) - _odds(shipped)
    raised = [
        about(
            detector,
            lessons([words] * FEWEST, needed=False, signal=signal),
            Rules(tuning=Tuning(shifts={signal: distance + step})),
        )[signal].needless
        for step in (-0.01, 0.01)
    ]
    assert raised == [FEWEST, 0]


def test_people_who_came_too_late_lower_it(detector):
    threshold = detector.threshold(Signal.REQUEST, Rules())
    quiet = [one for one in QUIET if 0.15 < scored(detector, one) < threshold]
    assert quiet
    advice = about(detector, lessons(quiet * 5, needed=True))[Signal.REQUEST]

    assert advice.shift < 0
    assert advice.missed_then <= advice.missed


def test_the_suggestion_is_what_counts_once_it_is_followed(detector):
    rules = Rules(tuning=Tuning(shifts={Signal.REQUEST: 1.0}))

    assert detector.threshold(Signal.REQUEST, rules) > detector.threshold(Signal.REQUEST, Rules())


def test_what_is_switched_off_gets_no_advice(detector):
    rules = Rules(triggers={Signal.REQUEST: Sensitivity.OFF})
    advice = about(detector, lessons(NEEDLESS, needed=False), rules)[Signal.REQUEST]

    assert (advice.shift, advice.needless, advice.missed) == (0, 0, 0)


def test_a_taught_last_layer_moves_towards_the_lessons_and_no_further(detector):
    known = ["I want to speak to a human", "put me through to an agent"]
    layer = retrained(detector, lessons(NEEDLESS, needed=False))
    rules = Rules(tuning=Tuning(last_layer=layer))

    assert set(layer) == {Signal.REQUEST}
    taught = [judge(detector, talk(one), rules=rules).scores[Signal.REQUEST] for one in NEEDLESS]
    assert sum(taught) < sum(scored(detector, one) for one in NEEDLESS)
    for words in known:
        assert judge(detector, talk(words), rules=rules).scores[Signal.REQUEST] > 0.3


def test_a_last_layer_of_another_size_is_ignored(detector):
    rules = Rules(tuning=Tuning(last_layer={Signal.REQUEST: (1.0, 2.0)}))

    assert judge(detector, talk("a human please"), rules=rules) == judge(
        detector, talk("a human please")
    )


def test_an_explanation_says_what_tipped_it_and_by_which_words(detector):
    words = "My parcel is late. I want to speak to a manager"
    lines = "\n".join(explain(detector, ConversationContext(tuple(talk(words)))))

    assert "An agent is needed: reason request" in lines
    assert "<- decided" in lines
    assert "asks for a person, by meaning" in lines
    assert "manager (-" in lines or "speak (-" in lines


def test_an_explanation_of_nothing(detector):
    lines = list(explain(detector, ConversationContext(tuple(talk("when do you open?")))))

    assert lines[0].startswith("No agent is needed")
    assert not any("<- decided" in line for line in lines)


def test_every_input_has_a_name():
    from handoff_bot.ai.detector.context import NAMES

    assert {signal: len(names) for signal, names in NAMES.items()} == {
        signal: sum(kinds) for signal, kinds in KINDS.items()
    }
