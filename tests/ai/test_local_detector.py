"""The local detector: what it sees, what it leaves alone, and what cannot upset it."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection import Rules, Sensitivity
from handoff_bot.domain.signals import Act, Judgement, Priority, Signal, Turn
from tests.ai.talk import judge, talk

SHARED = Path(__file__).parents[3] / "shared" / "data" / "detection" / "dev.jsonl"

REQUESTS = {
    "en": "Can I please speak to a human being?",
    "es": "Quisiera hablar con un agente humano",
    "pt": "Gostaria de falar com um atendente",
    "fr": "Je voudrais parler avec un conseiller",
    "de": "Ich möchte mit einem echten Menschen sprechen",
    "it": "Vorrei parlare con un operatore umano",
    "nl": "Ik wil graag met een medewerker spreken",
    "pl": "Chciałbym porozmawiać z konsultantem",
    "tr": "Bir temsilciyle konuşmak istiyorum",
    "ru": "Соедините меня с живым оператором",  # noqa: RUF001 - Russian
    "ar": "أريد التحدث مع موظف حقيقي",
    "hi": "मुझे किसी इंसान से बात करनी है",
    "ja": "人間のオペレーターと話したいです",
    "zh": "我想和真人客服说话",
    "vi": "Tôi muốn gặp nhân viên",
    "sv": "Jag vill prata med en riktig person",
}
ANGER = {
    "en": "This is absolutely ridiculous, I am furious!",
    "pt": "Isto é um absurdo, péssimo atendimento",
    "de": "Das ist eine Unverschämtheit, ich bin stinksauer",
    "it": "È una vergogna, sono furioso",
    "nl": "Wat een waardeloze service, ik ben woedend",
    "pl": "To jest skandal, mam dość",
    "ar": "هذا غير مقبول أبدا، أنا غاضب",
    "ko": "이게 말이 됩니까? 정말 화가 납니다",
}
ORDINARY = {
    "question": "where is my order?",
    "negated request": "I don't need a human, just tell me the opening hours",
    "negated request in French": "je n'ai pas besoin d'un conseiller",
    "human resources": "What is the address of the human resources department?",
    "travel agent": "My travel agent booked it for me",
    "estate agent": "The real estate agent has my key",
    "positive slang": "Thank you so much, that was sick!",
    "Spanish question": "¿Cuándo llega mi paquete?",
    "German question": "Wann kommt mein Paket an?",
    "Japanese question": "荷物はいつ届きますか",
}
MEASURED = (
    0.96  # macro F1 of both classes; on data that the model learned from, so it guards, not praises
)
BORDERLINE = [
    "I would rather talk about it",
    "could someone check",
    "정말 화나요, 최악이에요",
    "support",
]
OFFER = "I'm not sure. Would you like to talk to a member of our team?"
HOSTILE = {
    "empty": "",
    "spaces": " \n\t ",
    "null bytes": "\x00\x00",
    "lone surrogate": "\ud800 hello \udfff",
    "a hundred thousand characters": "a" * 100_000,
    "a hundred thousand words": "human " * 100_000,
    "many sentences": "!? ." * 20_000,
    "emoji": "👩‍👩‍👧‍👦" * 50,
    "combining marks": "e" + "\u0301" * 5_000,
    "markup": "<script>*_~`{}[]|\\</script> <!channel>",
    "right to left": "\u202eolleh\u202c",
}


@pytest.mark.parametrize(("language", "words"), REQUESTS.items(), ids=REQUESTS)
def test_a_request_for_a_person_is_heard_in_any_language(detector, language, words):
    judgement = judge(detector, talk(words))

    assert judgement.reason is Signal.REQUEST
    assert judgement.evidence == words


@pytest.mark.parametrize("words", ANGER.values(), ids=ANGER)
def test_anger_is_heard_in_many_languages(detector, words):
    judgement = judge(detector, talk(words))

    assert judgement.reason is Signal.SENTIMENT
    assert judgement.priority in {Priority.HIGH, Priority.URGENT}


@pytest.mark.parametrize("words", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_messages_do_not_escalate(detector, words):
    assert not judge(detector, talk(words)).escalate


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("Where can I find my invoice from last week?", "en"),
        ("Ich habe eine Frage zu meiner Bestellung", "de"),
        ("Quiero cambiar la dirección de mi pedido", "es"),
        ("Je voudrais changer mon adresse de livraison", "fr"),
        ("荷物はいつ届きますか", "ja"),
        ("我的包裹什么时候到", "zh"),
        ("배송은 언제 오나요", "ko"),
        ("где моя посылка", "ru"),
        ("де мій пакунок, чи він їде", "uk"),
        ("أين طلبي", "ar"),
        ("मेरा पार्सल कहाँ है", "hi"),
        ("พัสดุของฉันอยู่ที่ไหน", "th"),
        ("42", ""),
        ("👍", ""),
    ],
)
def test_the_language_is_named(detector, words, language):
    assert judge(detector, talk(words)).language == language


def test_a_word_without_a_language_keeps_that_of_the_message_before(detector):
    judged = judge(detector, talk("Ich habe eine Frage zu meiner Bestellung", "Gern.", "42"))

    assert judged.language == "de"


def test_yes_to_an_offered_person_is_a_request(detector):
    judgement = judge(detector, talk("can I pay in bitcoin", OFFER, "yes please"))

    assert judgement.reason is Signal.REQUEST
    assert judgement.evidence == "yes please"
    assert judgement.summary == "can I pay in bitcoin"


def test_no_to_an_offered_person_is_not(detector):
    assert not judge(detector, talk("can I pay in bitcoin", OFFER, "no thanks")).escalate


def test_yes_to_another_question_is_not_a_request(detector):
    asked = "Would you like me to send you the link?"

    assert not judge(detector, talk("where is my invoice", asked, "yes please")).escalate


def test_the_same_question_a_third_time_is_a_loop(detector):
    answer = "It is on its way."
    turns = talk(
        "where is my parcel?", answer, "where is my parcel??", answer, "so where is my parcel"
    )

    assert judge(detector, turns).reason is Signal.COMPLEXITY
    assert not judge(detector, turns[:1]).escalate


def test_changing_the_topic_is_not_a_loop(detector):
    turns = talk(
        "where is my parcel?",
        "It is on its way.",
        "do you also sell hats?",
        "Yes, in four colours.",
        "how should I wash wool?",
    )

    assert not judge(detector, turns).escalate


def test_insisting_after_the_assistant_did_not_know_is_a_lack_of_confidence(detector):
    turns = talk(
        "can I pay with crypto?",
        "Sorry, I could not find anything about that.",
        "I mean bitcoin, can I pay with crypto?",
    )
    judgement = judge(detector, turns)

    assert judgement.reason is Signal.CONFIDENCE
    assert judgement.priority is Priority.LOW


def test_what_was_settled_with_an_agent_does_not_escalate_again(detector):
    answer = "It is on its way."
    before = talk(
        "where is my parcel?", answer, "where is my parcel?", answer, "where is my parcel?"
    )
    after = [*before, Turn("agent", "It arrives today."), Turn("customer", "do you sell hats?")]

    assert not judge(detector, after).escalate


def test_a_request_inside_a_long_message_is_found_and_quoted(detector):
    judgement = judge(
        detector,
        talk(
            "My parcel is two weeks late and your page says nothing new. "
            "Please have somebody call me back today."
        ),
    )

    assert judgement.reason is Signal.REQUEST
    assert judgement.evidence == "Please have somebody call me back today."


def test_fraud_makes_an_escalation_urgent(detector):
    judgement = judge(detector, talk("My card was stolen, I need to talk to a real person"))

    assert judgement.priority is Priority.URGENT


def test_a_second_request_is_more_urgent_than_the_first(detector):
    first = talk("Can I please speak to a human being?")
    second = [*first, *talk("", "What is it about?", "I want to speak to a human agent")[1:]]

    assert judge(detector, first).priority is Priority.NORMAL
    assert judge(detector, second).priority is Priority.HIGH


def test_the_summary_is_one_short_line(detector):
    judgement = judge(detector, talk("a very long story\n" * 40))

    assert "\n" not in judgement.summary
    assert len(judgement.summary) <= 140


def test_higher_sensitivity_escalates_whatever_lower_does():
    detector = LocalDetector.load()
    phrases = [*REQUESTS.values(), *ANGER.values(), *ORDINARY.values(), *BORDERLINE]
    raised = [
        {w for w in phrases if judge(detector, talk(w), rules=every(wish)).escalate}
        for wish in (Sensitivity.OFF, Sensitivity.LOW, Sensitivity.MEDIUM, Sensitivity.HIGH)
    ]

    assert raised[0] == set()
    assert raised[1] <= raised[2] <= raised[3]
    assert raised[1] < raised[3]


def every(wish):
    return Rules(triggers=dict.fromkeys(Signal, wish))


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_nothing_a_customer_writes_breaks_it(detector, words):
    judgement = judge(detector, talk("hello", words, words))

    assert all(0.0 <= score <= 1.0 for score in judgement.scores.values())
    assert set(judgement.scores) == set(Signal)


@pytest.mark.parametrize(
    "turns",
    [[], [Turn("assistant", "Hello!")], [Turn("customer", "a human please"), Turn("agent", "Hi")]],
    ids=["no turns", "assistant alone", "agent last"],
)
def test_without_a_customer_turn_there_is_nothing_to_judge(detector, turns):
    assert judge(detector, turns) == Judgement(scores=dict.fromkeys(Signal, 0.0), by="local")


def test_many_threads_get_the_same_judgements_as_one():
    detector = LocalDetector.load()
    conversations = [talk(words) for words in [*REQUESTS.values(), *ANGER.values()]] * 20
    random.Random(7).shuffle(conversations)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: judge(detector, one), conversations))

    alone = LocalDetector.load()
    assert together == [judge(alone, one) for one in conversations]


def test_it_holds_its_measure_on_the_shared_data(detector):
    if not SHARED.exists():
        pytest.skip("the shared detection data is not beside this repository")
    rows = [json.loads(line) for line in SHARED.read_text(encoding="utf-8").split("\n") if line]
    sample = random.Random(1).sample(rows, 500)
    wanted = [row["label"]["escalate"] for row in sample]
    raised = [
        judge(detector, [Turn(turn["role"], turn["text"]) for turn in row["turns"]]).escalate
        for row in sample
    ]

    assert macro_f1(wanted, raised) >= MEASURED - 0.03


def macro_f1(wanted, raised):
    def f1(kind):
        hits = sum(a == b == kind for a, b in zip(wanted, raised, strict=True))
        return 2 * hits / max(1, wanted.count(kind) + raised.count(kind))

    return (f1(True) + f1(False)) / 2


HARD = Path(__file__).parents[2] / "bench" / "detection" / "hard_cases.jsonl"
"""Conversations that nothing was trained on."""


@pytest.fixture(scope="module")
def hard(detector):
    rows = [json.loads(line) for line in HARD.read_text(encoding="utf-8").splitlines()]
    talks = [[Turn(turn["role"], turn["text"]) for turn in row["turns"]] for row in rows]
    return [
        (row["label"]["escalate"], judge(detector, turns))
        for row, turns in zip(rows, talks, strict=True)
    ]


def test_a_score_means_how_often_a_person_is_needed(hard):
    def share(low, high):
        needed = [wanted for wanted, judged in hard if low <= judged.score < high]
        return sum(needed) / len(needed)

    weak, middle, strong = share(0.0, 0.3), share(0.3, 0.7), share(0.7, 1.01)
    assert weak < middle < strong
    assert weak < 0.4  # of conversations that were written to be missed
    assert strong > 0.75


def test_it_keeps_what_it_reaches_on_the_hard_cases(hard):
    hits = sum(wanted and judged.escalate for wanted, judged in hard)
    raised = sum(judged.escalate for _, judged in hard)
    wanted = sum(wanted for wanted, _ in hard)

    assert 2 * hits / (raised + wanted) >= 0.8
    assert (raised - hits) / (len(hard) - wanted) <= 0.15


SIGNS = {
    Signal.REQUEST: ["I want to speak to a human", "yes please get me a person"],
    Signal.SENTIMENT: [
        "This is absolutely ridiculous, I am furious!",
        "you are thieves, total scam",
    ],
}


@pytest.mark.parametrize("signal", SIGNS)
def test_a_trigger_that_is_off_never_tips_it_and_the_others_still_do(detector, signal):
    rules = Rules(triggers=dict.fromkeys(Signal, Sensitivity.MEDIUM) | {signal: Sensitivity.OFF})
    for words in SIGNS[signal]:
        judged = judge(detector, talk(words), rules=rules)
        assert judged.reason is not signal
        assert judged.scores[signal] > 0.5
    for other in set(SIGNS) - {signal}:
        assert judge(detector, talk(SIGNS[other][0]), rules=rules).reason is other


def test_what_a_person_settled_is_not_judged_again(detector):
    turns = talk("I want to speak to a human", "I'm connecting you.", "do you sell hats")

    assert not judge(detector, turns, settled=2).escalate
    assert judge(detector, turns[:1]).escalate


@pytest.mark.parametrize("words", ["yes", "no", "yes, in august"])
def test_a_yes_or_no_to_a_question_of_the_assistants_own_is_an_answer(detector, words):
    asked = (
        Turn("customer", "What does a room cost?"),
        Turn("assistant", "Do you have a booking already?"),
        Turn("customer", words),
    )

    assert detector.act_of(ConversationContext(asked)) is Act.NONE
