"""What a judgement may cost, counted in readings by the encoder, whatever the machine."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from handoff_bot.ai.detector import messages, text
from handoff_bot.ai.detector.encoder import Encoder, Vocabulary
from handoff_bot.ai.detector.local import MODEL, LocalDetector
from handoff_bot.ai.detector.messages import Memory
from handoff_bot.ai.detector.model import ENCODER, Model
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Signal, Turn
from tests.ai.talk import as_talk

ROOT = Path(__file__).parents[2]
HARD = ROOT / "bench" / "detection" / "hard_cases.jsonl"
SHARED = ROOT.parent / "shared" / "data" / "detection" / "dev.jsonl"

PLAIN = "How do I change the delivery address of my order?"
OTHER_PLAIN = "What exchange rate do you use for a payment in another currency?"
THIRD_PLAIN = "Where can I download the invoice of my last purchase?"
ANSWER = "It is on its way."
OFFER = "I'm not sure. Would you like to talk to a member of our team?"
LONG = (
    "I am furious, nothing works. I called twice, I wrote three mails, and I waited a week! "
    "My parcel never came; your tracking page is empty. Please let me talk to a person, now."
)


@dataclass(frozen=True)
class CountingEncoder(Encoder):
    """The shipped encoder, which keeps what it was given to read."""

    read: list[tuple[str, ...]] = field(default_factory=list)

    def vectors(self, texts):
        self.read.append(tuple(texts))
        return super().vectors(texts)


@dataclass(frozen=True)
class SeparateEncoder(Encoder):
    """The shipped encoder, which shares nothing between texts."""

    def vectors(self, texts):
        return np.concatenate([super(SeparateEncoder, self).vectors([one]) for one in texts])


def model_with(encoder):
    model = Model.load(MODEL)
    return replace(model, encoder=encoder, small_talk=replace(model.small_talk, encoder=encoder))


@pytest.fixture(scope="module")
def shipped():
    return Model.load(MODEL).encoder


@pytest.fixture
def counting(shipped):
    return CountingEncoder(**vars(shipped))


@pytest.fixture
def counted(counting):
    """A detector whose encoder counts."""
    return LocalDetector(model_with(counting))


@pytest.mark.parametrize("talk", [as_talk(PLAIN), as_talk(OTHER_PLAIN, ANSWER, PLAIN)])
def test_a_plain_message_is_judged_without_the_encoder(counted, counting, talk):
    assert not counted.judge(talk).escalate
    assert counting.read == []


@pytest.mark.parametrize(
    "words", [LONG, "yes please", "ok thanks, bye 👋", "thank you 🙏🏽, bye 👋"]
)
def test_the_encoder_reads_a_message_of_many_clauses_at_most_once(counted, counting, words):
    counted.judge(as_talk(words))

    assert len(counting.read) == 1
    assert len(set(counting.read[0])) == len(counting.read[0])


def test_a_message_that_asks_for_a_person_is_read_by_its_meaning(counted, counting):
    assert counted.judge(as_talk("Can I please speak to a human being?")).escalate
    assert counting.read


def test_the_answer_to_an_offer_is_read_by_its_meaning_however_plain_it_is(counted, counting):
    counted.judge(as_talk(OTHER_PLAIN, OFFER, PLAIN))

    assert any(PLAIN in texts for texts in counting.read)


def test_meanings_of_earlier_messages_are_read_together_when_they_are_compared(counted, counting):
    counted.judge(as_talk(PLAIN, ANSWER, OTHER_PLAIN, ANSWER, THIRD_PLAIN))

    assert counting.read == [(PLAIN, OTHER_PLAIN, THIRD_PLAIN)]


def test_whether_an_answer_announces_an_agent_is_mostly_told_by_its_spelling(counted, counting):
    assert not counted.announces(OFFER)
    assert counting.read == []
    assert counted.announces("I am connecting you with a colleague now.")
    assert counting.read


def test_what_the_spelling_excludes_announces_nothing_by_its_meaning_either(shipped):
    detector = LocalDetector(model_with(shipped))
    replies = [one.text for talk in conversations(HARD, 4) for one in talk.turns[:-1]]
    for words in {*replies, OFFER, ANSWER, "A colleague will be with you shortly."}:
        parts = (words, *text.clauses(words))
        whole = any(detector._model.reply(part).announcement >= 0.7 for part in parts)
        assert detector.announces(words) == whole, words


def test_a_text_that_was_read_for_one_purpose_is_not_read_for_another(counted, counting):
    counted.encoder.vectors([PLAIN, "parcel"])
    counted.encoder.vectors(["parcel", OTHER_PLAIN, PLAIN])
    assert counting.read == [(PLAIN, "parcel"), (OTHER_PLAIN,)]
    assert counted.encoder.vectors([]).shape == (0, 512)


def test_vectors_of_recent_texts_are_bounded_and_none_keeps_those_read_with_it(counted):
    for n in range(2 * messages._KEPT):
        counted.encoder.vectors([f"order {n}", LONG])
    counted.encoder.vectors(["long " * 200])
    known = counted.encoder._known
    assert len(known) == messages._KEPT
    assert all(len(words) <= 400 and one.base is None for words, one in known.items())
    assert counted._utterance(LONG).traces.vector.base is None


def test_each_text_of_a_message_is_clipped_and_folded_once():
    detector = LocalDetector.load()
    words = "Where is order 8123, which I paid on Monday? It should be here by now."
    for once in (text._clipped_once, text._folded_once):
        once.cache_clear()

    detector.judge(as_talk(words))

    distinct = {words, *text.clauses(words)}
    assert text._folded_once.cache_info().misses <= len(distinct) + 1
    assert text._clipped_once.cache_info().misses <= 2 * len(distinct) + 2


def test_of_a_known_conversation_only_the_new_message_is_read(counted, counting, monkeypatch):
    earlier = (LONG, OFFER, PLAIN, ANSWER, OTHER_PLAIN, ANSWER)
    counted.judge(as_talk(*earlier[:-1]))
    counted.announces(ANSWER)
    folded: list[str] = []
    fold = text.fold
    monkeypatch.setattr(text, "fold", lambda words: folded.append(words) or fold(words))
    counting.read.clear()

    counted.judge(as_talk(*earlier, THIRD_PLAIN))

    assert counting.read == [(THIRD_PLAIN,)]
    assert set(folded) == {THIRD_PLAIN}


def test_the_same_conversation_again_costs_no_reading(counted, counting):
    talk = as_talk(LONG, OFFER, "yes please")
    first = counted.judge(talk)
    counting.read.clear()

    assert counted.judge(talk) == first
    assert counting.read == []


def conversations(path, every):
    lines = path.read_text(encoding="utf-8").splitlines()[::every]
    for raw in map(json.loads, lines):
        yield ConversationContext(tuple(Turn(turn["role"], turn["text"]) for turn in raw["turns"]))


def told(judgement):
    return (
        judgement.reason,
        judgement.priority,
        judgement.evidence,
        judgement.summary,
        judgement.language,
        judgement.act,
    )


@pytest.mark.parametrize(
    ("path", "every"), [(HARD, 6), (SHARED, 120)], ids=["hard cases", "the shared data"]
)
def test_what_is_left_out_changes_no_judgement(shipped, path, every):
    if not path.exists():
        pytest.skip("the shared data is not here")
    whole = model_with(SeparateEncoder(**vars(shipped)))
    thorough, quick = LocalDetector(replace(whole, plain_below=0.0)), LocalDetector.load()

    for talk in conversations(path, every):
        assert told(quick.judge(talk)) == told(thorough.judge(talk)), talk.turns[-1].text


def test_reading_texts_together_gives_the_vectors_of_reading_each_by_itself(shipped):
    texts = [LONG, *text.clauses(LONG), PLAIN, "", "👍", "x", "好的,谢谢", "word " * 300]

    together = shipped.vectors(texts)

    np.testing.assert_allclose(together, SeparateEncoder(**vars(shipped)).vectors(texts), atol=1e-5)


def test_many_texts_at_once_give_the_same_vectors(shipped):
    dice = random.Random(3)
    texts = ["".join(chr(dice.randrange(0x4E00, 0x9F00)) for _ in range(120)) for _ in range(60)]

    np.testing.assert_allclose(
        shipped.vectors(texts)[-1], shipped.vectors(texts[-1:])[0], atol=1e-5
    )


def test_the_matrices_stay_in_eight_bits(shipped):
    assert {matrix.steps.dtype for matrix in shipped.matrices.values()} == {np.dtype(np.int8)}
    assert shipped.fine.codes.dtype == shipped.coarse.codes.dtype == np.uint8


def test_the_vocabulary_knows_each_piece_by_its_place_and_nothing_else():
    with np.load(ENCODER) as file:
        joined = bytes(file["pieces"])
    places = {piece: place for place, piece in enumerate(joined.split(b"\n"))}
    vocabulary = Vocabulary(joined)
    dice = random.Random(1)
    asked = [*list(places)[::7], *(piece[1:] + b"q" for piece in list(places)[::7])]
    asked += [joined[start : start + 4] for start in dice.sample(range(len(joined)), 2000)]

    assert [vocabulary.number(one) for one in asked] == [places.get(one) for one in asked]
    assert vocabulary.longest == max(len(one.decode()) for one in places)


def test_what_is_remembered_is_bounded_in_texts_and_in_characters():
    made: list[str] = []
    few = Memory(lambda words: made.append(words) or len(words), most=3, room=10)

    assert [few(words) for words in ("a", "b", "c", "a", "d", "a", "b")] == [1] * 7
    assert made == ["a", "b", "c", "d", "b"]
    assert few("e" * 9) == 9
    assert len(few) == 2
    assert few("f" * 11) == 11
    assert len(few) == 0


def test_many_threads_get_the_judgements_of_one():
    talks = list(conversations(HARD, 30))
    alone = [told(LocalDetector.load().judge(talk)) for talk in talks]
    shared = LocalDetector.load()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(shared.judge, talks * 4))

    assert [told(one) for one in together] == alone * 4


def test_an_emoji_that_is_small_talk_is_heard(detector):
    assert not detector.judge(as_talk("Is it open?", "It is, until eight.", "👍")).escalate
    assert detector.judge(as_talk(PLAIN, OFFER, "👍")).reason is Signal.REQUEST


THREADS = """
import threadpoolctl
from handoff_bot import app
found = {one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"}
assert found, "NumPy has no BLAS that can be asked"
print(*found)
"""


@pytest.mark.parametrize(
    ("chosen", "threads"),
    [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")],
    ids=["by default", "the operator's choice"],
)
@pytest.mark.thorough
def test_linear_algebra_runs_on_one_thread_unless_the_operator_chooses(chosen, threads):
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": "", **chosen},
    )

    assert done.stdout.strip() == threads


def test_whether_a_message_to_an_agent_may_matter_is_said_without_the_encoder(monkeypatch):
    detector = LocalDetector.load()
    monkeypatch.setattr(Encoder, "vectors", lambda *_: pytest.fail("the encoder was run"))
    assert not any(map(detector.may_matter, ["", "the blue one please", "order 12345, thank you"]))
    assert detector.may_matter("Fine. This is a scam, I want my money back NOW!!")
