"""Kinds of messages that were missed or over-read: word for word, and in wordings held out from training."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.detector_kinds import by_kind, conversation, held_out, named
from handoff_bot.ai.assistant.phrases import asks_whether_robot
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.local import MODEL, LocalDetector
from handoff_bot.ai.detector.model import Model
from handoff_bot.ai.detector.short_messages import options, picked
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection import Rules, Sensitivity
from handoff_bot.domain.signals import Act, Priority, Signal, Turn
from tests.ai.talk import as_talk, judge, talk

# ruff: noqa: RUF001 - customers' languages


@pytest.fixture(scope="module")
def detector():
    return LocalDetector.load()


@pytest.mark.parametrize(
    "words",
    [
        "can you engrave a watch",
        "Can you engrave a watch?",
        "hi, can you engrave a ring for me",
        "do you engrave watches",
        "can you resize a ring",
        "can you cut a key",
        "pouvez-vous graver une montre",
        "puedes grabar un reloj",
        "potete incidere un orologio",
        "kunnen jullie een horloge graveren",
        "czy możecie wygrawerować zegarek",
    ],
)
def test_a_question_whether_the_team_does_something_is_no_small_talk(detector, words):
    assert detector.act_of(as_talk(words)) is Act.NONE


@pytest.mark.parametrize(
    ("words", "act"),
    [
        ("would you? thanks", Act.THANKS),
        ("thank you, have a nice day", Act.THANKS),
        ("machen Sie das bitte", Act.ACCEPT),
        ("puede ser más tarde", Act.DECLINE),
    ],
)
def test_small_talk_that_begins_alike_stays_small_talk(detector, words, act):
    assert act in detector._kinds(words)


@pytest.fixture(scope="module")
def right(detector):
    return by_kind(detector)


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("held_out, urgent", 0.65),
        ("held_out, complexity", 0.6),
        ("held_out, none", 0.75),
        ("first_mentions, urgent", 0.75),
        ("first_mentions, none", 0.92),
        ("ordinary, none", 0.9),
    ],
)
def test_of_each_kind_it_keeps_what_it_reaches_on_held_out_phrases(right, kind, least):
    hits, count = right[kind]

    assert hits >= least * count


@pytest.mark.parametrize("words", ["I'd rather not talk to a machine", "This bot is not helping"])
def test_not_wanting_a_machine_is_a_request(detector, words):
    assert detector.judge(conversation(words)).reason is Signal.REQUEST


def test_a_question_about_the_process_is_no_request(detector):
    asked = conversation("Do I need to talk to a person to get a refund?")

    assert not detector.judge(asked).escalate


def test_what_is_between_a_request_and_anger_counts_as_the_likelier_one(detector):
    talk = conversation("This bot is not helping")
    only = replace(talk, rules=Rules(triggers={Signal.SENTIMENT: Sensitivity.OFF}))

    request, sentiment = (
        detector.judge(only).scores[one] for one in (Signal.REQUEST, Signal.SENTIMENT)
    )

    assert sentiment > 0
    found = detector.judge(talk).scores
    assert found[Signal.REQUEST] == pytest.approx(1 - (1 - request) * (1 - sentiment))
    assert found[Signal.SENTIMENT] == pytest.approx(sentiment)


def test_where_the_encoder_knows_little_of_the_language_the_spelling_counts_more(detector):
    model = Model.load(MODEL)
    thai, english = "ขอคุยกับคนจริงๆ", "I want to talk to a real human"

    by_meaning, by_spelling, *_ = detector.inputs(conversation(thai))[Signal.REQUEST]
    unchanged = detector.inputs(conversation(english))[Signal.REQUEST][0]

    moved = 0.2 * _log_odds(model.utterance(thai).meant[0]) + 0.8 * by_spelling
    assert by_meaning == pytest.approx(moved, abs=1e-3)
    assert unchanged == pytest.approx(_log_odds(model.utterance(english).meant[0]), abs=1e-3)


def test_a_first_mention_counts_by_the_mean_of_both_readings(detector):
    model = Model.load(MODEL)
    words = "the plug melted in the wall"

    by_meaning = model.mentions.meant.logits(detector.encoder.vectors([words]))[0, 0]
    by_spelling = model.mentions.spelt.logits(text.features(words))[0]

    found, _ = detector.danger(conversation(words))
    assert _log_odds(found) == pytest.approx((by_meaning + by_spelling) / 2, abs=1e-3)


def _log_odds(chance):
    bounded = min(max(chance, 0.001), 0.999)
    return math.log(bounded / (1 - bounded))


@pytest.mark.parametrize(
    "words",
    [
        "my tee shrank in the dryer",
        "is it safe to wash at 60?",
        "I need it for my doctor's appointment",
        "do you have legal size paper",
        "ich brauche es für meinen Arzttermin",
        "¿es seguro lavarlo a 60 grados?",
    ],
)
def test_an_ordinary_message_with_the_words_of_danger_does_not_escalate(detector, words):
    assert not detector.judge(conversation(words)).escalate


def test_each_step_of_sensitivity_escalates_more_messages(detector):
    counts = [
        sum(
            detector.judge(
                replace(one.talk, rules=Rules(triggers=dict.fromkeys(Signal, wish)))
            ).escalate
            for one in held_out("held_out")
        )
        for wish in (Sensitivity.OFF, Sensitivity.LOW, Sensitivity.MEDIUM, Sensitivity.HIGH)
    ]

    assert counts[0] == 0
    assert counts == sorted(set(counts))


@pytest.mark.parametrize(
    "words",
    [
        "The charger you sent me is smoking and it burnt my hand",
        "someone has hacked my account and is buying things",
        "you will hear from my lawyer",
        "das Ladegerät raucht und hat mir die Hand verbrannt",
        "alguien ha hackeado mi cuenta",
        "充电器冒烟了，烫伤了我的手",
    ],
)
def test_a_first_mention_of_danger_fraud_or_the_law_escalates_as_urgent_at_once(detector, words):
    judged = detector.judge(conversation(words))

    assert judged.escalate
    assert judged.priority is Priority.URGENT


def test_danger_does_not_escalate_where_the_team_switched_that_trigger_off(detector):
    rules = Rules(triggers=dict.fromkeys(Signal, Sensitivity.OFF))
    talk = ConversationContext((Turn("customer", "my charger caught fire"),), rules=rules)

    assert not detector.judge(talk).escalate


OFFERS = {
    "en": "I can connect you with a colleague, or send you a link to our help page. Which one?",
    "de": "Ich kann Sie mit einem Mitarbeiter verbinden oder Ihnen einen Link schicken. Was möchten Sie?",
    "es": "Puedo pasarle con un compañero o enviarle un enlace. ¿Qué prefiere?",
    "fr": "Je peux vous mettre en relation avec un conseiller ou vous envoyer un lien. Que préférez-vous ?",
    "list": "What would you like?\n1. Talk to a member of our team\n2. Read the article",
}
ANSWERS = [
    ("en", "the first one", "the second one"),
    ("en", "the former please", "the latter please"),
    ("de", "das erste bitte", "das zweite bitte"),
    ("es", "la primera", "la segunda"),
    ("fr", "le premier", "le deuxième"),
    ("list", "1", "2"),
    ("list", "option 1", "option 2"),
]


@pytest.mark.parametrize(("offer", "accepts", "declines"), ANSWERS)
def test_the_option_that_the_customer_picks_decides_whether_an_agent_is_called(
    detector, offer, accepts, declines
):
    before = ("my order never arrived", OFFERS[offer])

    assert detector.judge(conversation(*before, accepts)).reason is Signal.REQUEST
    assert not detector.judge(conversation(*before, declines)).escalate


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("The first one!", 0), ("das zweite", 1), ("la última", -1), ("3", 2), ("#2", 1),
        ("первый", 0), ("الأول", 0), ("पहला वाला", 0), ("第一个", 0), ("一つ目でお願いします", 0),
        ("첫 번째요", 0), ("อันแรกค่ะ", 0), ("cái đầu tiên", 0), ("yang pertama", 0), ("ilki", 0),
        ("the first one arrived broken and the second one late", None), ("yes", None), ("a", 0),
        ("first or second, whatever", None),
    ],
)  # fmt: skip
def test_a_short_answer_names_the_place_of_an_option(words, place):
    assert picked(words) == place


def test_options_are_the_items_of_a_list_or_what_an_or_separates():
    assert options("Which?\n- a colleague\n- an article") == ["a colleague", "an article"]
    assert options("A call, a mail or a chat?") == ["A call", "a mail", "a chat?"]
    assert options("It ships on Monday.") == []


def test_a_declined_offer_does_not_escalate(detector):
    offer = "Would you like me to bring in a colleague?"
    for words in ("no thanks, I'll manage", "nah I'm good", "not now, maybe later", "nein danke"):
        assert not detector.judge(conversation("how do I reset it", offer, words)).escalate


def test_nearly_all_of_forty_languages_are_named_and_most_short_questions(detector):
    found = named(detector)

    assert len(found) == 40
    assert sum(sentence for sentence, _ in found.values()) >= 38
    assert sum(short for _, short in found.values()) >= 34


@pytest.mark.parametrize("words", ["how much is express?", "is express faster"])
def test_a_short_message_keeps_the_language_of_the_greeting(detector, words):
    greeting = Turn("assistant", "Hello! I am the assistant of this shop. How can I help you?")

    talk = ConversationContext((greeting, Turn("customer", words)))
    assert detector.judge(talk).language == "en"


def test_a_short_message_keeps_the_language_of_the_conversation(detector):
    talk = conversation("Wo finde ich meine Rechnung vom letzten Monat?", "Hier.", "und express?")

    assert detector.judge(talk).language == "de"


def test_a_clear_message_in_another_language_changes_it(detector):
    words = "Où puis-je trouver ma facture du mois dernier, s'il vous plaît ?"

    talk = conversation("Where do I find my invoice?", "Here it is.", words)
    assert detector.judge(talk).language == "fr"


@pytest.mark.parametrize(
    "question", ["Gdzie jesteście?", "כמה עולה לילה?", "είσαι ρομπότ;", "क्या आप इंसान हैं?"]
)
def test_a_question_is_no_greeting(detector, question):
    assert judge(detector, talk(question)).act is Act.NONE


@pytest.mark.parametrize("greeting", ["how are you?", "¿Qué tal?", "hola?", "你好吗？", "hello?"])
def test_a_greeting_in_the_form_of_a_question_is_one(detector, greeting):
    assert judge(detector, talk(greeting)).act is Act.HELLO


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("¿eres un robot?", "es"),
        ("robot musun?", "tr"),
        ("are you a robot?", "en"),
        ("Bist du ein Roboter?", "de"),
        ("êtes-vous un robot ?", "fr"),
        ("sei un robot?", "it"),
        ("você é um robô?", "pt"),
        ("ben je een robot?", "nl"),
        ("jesteś robotem?", "pl"),
        ("är du en robot?", "sv"),
        ("ты робот?", "ru"),
        ("ви робот?", "uk"),
        ("είσαι ρομπότ;", "el"),
        ("האם אתה רובוט?", "he"),
        ("هل أنت روبوت؟", "ar"),
        ("क्या आप इंसान हैं?", "hi"),
        ("apakah anda robot?", "id"),
        ("bạn có phải là người máy không", "vi"),
        ("คุณเป็นหุ่นยนต์ไหม", "th"),
        ("あなたはロボットですか", "ja"),
        ("你是机器人吗", "zh"),
        ("로봇인가요?", "ko"),
    ],
)
def test_whether_it_is_a_robot_is_asked_in_a_known_language(detector, question, language):
    assert asks_whether_robot(question)
    assert judge(detector, talk(question)).language == language
