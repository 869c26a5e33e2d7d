"""JSON lines in, JSON lines out."""

from __future__ import annotations

import json

import pytest

from handoff_bot.ai.judging import judge_lines
from handoff_bot.domain.errors import ModelError

BAD = {
    "not JSON": "{",
    "an array": "[]",
    "no id": '{"turns": []}',
    "no turns": '{"id": "1"}',
    "unknown role": '{"id": "1", "turns": [{"role": "system", "text": "x"}]}',
    "text is a number": '{"id": "1", "turns": [{"role": "customer", "text": 1}]}',
    "deep nesting": "[" * 10_000,
}


def line(identity, *texts):
    turns = [
        {"role": "assistant" if place % 2 else "customer", "text": text}
        for place, text in enumerate(texts)
    ]
    return json.dumps({"id": identity, "turns": turns})


def test_each_conversation_gets_one_judgement(detector):
    lines = [line("a", "I want to speak to a human agent"), "\n", line(7, "where is my order?")]
    first, second = (json.loads(one) for one in judge_lines(lines, detector))

    assert first["id"] == "a"
    assert first["escalate"] is True
    assert first["reason"] == "request"
    assert first["score"] == max(first["signals"].values())
    assert first["priority"] == "normal"
    assert first["language"] == "en"
    assert second["id"] == 7
    assert second["escalate"] is False
    assert second["reason"] == "none"


def test_an_answer_comes_before_the_next_line_is_read(detector):
    def lines():
        yield line("a", "hello")
        raise AssertionError("read too far")

    assert json.loads(next(judge_lines(lines(), detector)))["id"] == "a"


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_line_is_answered_and_the_next_one_judged(detector, bad):
    first, second = map(json.loads, judge_lines([bad, line("b", "hello")], detector))

    assert first["id"] is None
    assert first["error"]
    assert second["id"] == "b"


def test_an_error_does_not_repeat_what_the_customer_wrote(detector):
    bad = '{"id": "1", "turns": [{"role": "my card is 4111111111111111", "text": "x"}]}'

    assert "4111" not in next(judge_lines([bad], detector))


def test_a_failing_detector_is_an_error_line():
    class Failures:
        def judge(self, turns):
            raise ModelError("out of order")

    assert json.loads(next(judge_lines([line("a", "hi")], Failures()))) == {
        "id": None,
        "error": "out of order",
    }
