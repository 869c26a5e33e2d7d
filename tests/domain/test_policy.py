"""Pure decisions."""

from datetime import timedelta

import pytest

from handoff_bot.domain import detection
from handoff_bot.domain.signals import Answer, Judgement, Priority, Signal


@pytest.mark.parametrize(
    ("confidence", "unsure_before", "reason"),
    [
        (0.9, True, None),
        (0.1, False, None),
        (0.1, True, Signal.CONFIDENCE),
        (None, True, Signal.CONFIDENCE),
    ],
    ids=["sure", "first doubt", "second doubt", "silence after doubt"],
)
def test_not_knowing_twice_needs_a_human(confidence, unsure_before, reason):
    answer = Answer("…", confidence) if confidence is not None else None
    judged = detection.weigh(Judgement(), answer, unsure_before=unsure_before)
    assert judged.reason is reason


def test_doubt_does_not_change_another_reason():
    angry = Judgement(reason=Signal.SENTIMENT, priority=Priority.HIGH)
    assert detection.weigh(angry, None, unsure_before=True) is angry


@pytest.mark.parametrize(
    ("waits", "ahead", "minutes"),
    [
        ([], 0, 5),
        ([], 3, 8),
        ([2], 0, 1),
        ([60, 120, 6000], 0, 2),
        ([120], 2, 4),
    ],
    ids=["no data", "no data, a queue", "quick", "the middle counts", "others ahead"],
)
def test_the_estimate_is_honest(waits, ahead, minutes):
    assert detection.wait_minutes([timedelta(seconds=s) for s in waits], ahead) == minutes
