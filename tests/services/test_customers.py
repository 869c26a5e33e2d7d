"""What customers write, from the signed webhook to the phone, with the shipped detector and assistant."""

import itertools
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.channels import TWILIO
from handoff_bot.domain.desk import AgentRef, ThreadReply
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Media, OutboundMessage, Receipt
from handoff_bot.domain.texts import Moment, languages, usual
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.storage import log
from handoff_bot.web.application import create_web, webhooks
from handoff_sandbox.world import ROOT
from tests.catalogues import ANYTHING_ELSE, GOODBYE, GREETING, UNSURE, WELCOME
from tests.channels.builders import ACCOUNT, inbound_form
from tests.channels.signing import sign
from tests.fakes import FakeChannel, FakeDesk, FrozenClock

pytestmark = pytest.mark.on_sqlite

ANA = AgentRef("UANA", "Ana")
PAUSE = 2
CONNECTING = "I'm connecting you with a member of our team."


class Line:
    """A channel of Twilio's that receives for real; what it sends rings on a phone of the test's."""

    def __init__(self, kind: str, clock: FrozenClock) -> None:
        self._real = TWILIO[kind](ACCOUNT)
        self.kind, self.limits = kind, self._real.limits
        self.provider = FakeChannel(clock)
        self.receive = self._real.receive

    def send(self, message: OutboundMessage) -> Receipt:
        return self.provider.send(message)

    def sent_since(self, message, since):
        return self.provider.sent_since(message, since)

    def fetch(self, media: Media):
        return self.provider.fetch(media)


@dataclass
class Phone:
    """Dana's phone, the bot behind the webhook, and Ana at the desk."""

    core: Services
    clock: FrozenClock
    desk: FakeDesk
    line: Line
    client: FlaskClient
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def settle(self) -> None:
        self.core.worker.run_until_idle()

    def texts(self, words: str, *, pause: float = PAUSE, **fields: str) -> list[str]:
        """Dana writes and waits so long; what she hears meanwhile."""
        before = len(self.line.provider.phone)
        sid = f"SM{next(self.numbers):032x}"
        form = inbound_form(self.line.kind, Body=words, MessageSid=sid, **fields)
        path = f"/webhooks/{self.line.kind}"
        signature = sign(ACCOUNT.auth_tokens[0], ACCOUNT.public_base_url + path, form)
        answer = self.client.post(
            path,
            data=urlencode(form),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signature},
        )
        assert answer.status_code == 200
        self.settle()
        if pause:
            self.clock.advance(seconds=pause)
            self.settle()
        return self.line.provider.phone[before:]

    def take(self, step: Step) -> None:
        self.core.escalations.take(step, self.desk.card.escalation_id, ANA)
        self.settle()

    def replies(self, text: str) -> None:
        ts = f"1800000000.{next(self.numbers):06d}"
        self.core.relay.reply(ThreadReply(self.desk.place, ts, ANA, text))
        self.settle()

    @property
    def heard(self) -> list[str]:
        return self.line.provider.phone

    def said(self, author: str) -> list[str]:
        """What stands in the threads."""
        return self.desk.said(author)


@pytest.fixture(scope="module")
def detector():
    return LocalDetector.load()


@pytest.fixture(scope="module")
def assistant(detector):
    with Knowledge(ROOT / "knowledge", meaning=detector.encoder.vectors) as knowledge:
        yield LocalAssistant(knowledge, detector.act_of)


@pytest.fixture
def connect(database, clock, detector, assistant):
    def connected(kind: str) -> Phone:
        line, desk = Line(kind, clock), FakeDesk()
        core = Services.build(
            Dependencies(
                database=database,
                channels={kind: line},
                desk=desk,
                detector=detector,
                assistant=assistant,
                clock=clock,
                base_url=ACCOUNT.public_base_url,
            )
        )
        client = create_web([webhooks({kind: line}, core.inbox)]).test_client()
        return Phone(core, clock, desk, line, client)

    return connected


@pytest.fixture
def phone(connect):
    return connect("whatsapp")


@pytest.fixture
def resolved(phone):
    phone.texts("I want to talk to a human")
    phone.take(Step.CLAIM)
    phone.replies("Here you are")
    phone.take(Step.RESOLVE)
    return phone


def offered(phone: Phone) -> None:
    assert phone.texts("do you sell saddles for unicorns")[-1].endswith(UNSURE["en"])


def scores(phone: Phone) -> list[int]:
    with phone.core.database.read() as tx:
        return [event.data["score"] for event in log.events(tx, EventKind.CSAT_ANSWERED)]


# -- opt-outs


def test_cancel_within_a_conversation_is_a_word_like_any_other(phone):
    phone.texts("Can I talk to a person about cancelling my order?")
    phone.take(Step.CLAIM)
    phone.replies("Shall I cancel order 4711?")
    phone.texts("Cancel")
    phone.texts("Great, and please refund me")
    phone.replies("Done, the money is on its way.")

    assert phone.heard[-1] == "Done, the money is on its way."
    assert usual(Moment.STOPPED, "en") not in phone.heard
    assert {"Cancel", "Great, and please refund me"} <= set(phone.said("contact"))
    assert not phone.desk.card.opted_out


@pytest.mark.parametrize(
    "words", ["STOP!!", "STOP STOP. stop!", "désabonner", "please stop messaging me"]
)
def test_a_plain_opt_out_acts_at_once_and_is_confirmed_once(phone, words):
    assert phone.texts(words) == [usual(Moment.STOPPED, "en")]
    assert phone.texts("stop") == []
    assert phone.desk.cards == {}


def test_what_customers_write_after_they_opted_out_reaches_the_team_which_can_answer(phone):
    phone.texts("STOP")
    phone.texts("my refund of last week is still missing")

    assert "had opted out" in phone.desk.card.summary
    assert phone.desk.card.evidence == "my refund of last week is still missing"
    assert phone.desk.card.opted_out
    assert phone.desk.card.invited
    phone.take(Step.CLAIM)
    phone.replies("I am looking into it.")
    assert phone.heard[-1] == "I am looking into it."


def test_a_request_for_a_person_reaches_people_after_an_opt_out(phone):
    phone.texts("unsubscribe")

    assert CONNECTING in phone.texts("I need to talk to a human")[-1]
    assert len(phone.desk.cards) == 1


@pytest.mark.on_both
def test_the_invitation_ends_with_the_next_opt_out_and_after_a_day(phone):
    phone.texts("STOP")
    phone.texts("where is my refund")
    phone.take(Step.CLAIM)
    phone.texts("stop!")
    phone.replies("Too late")
    assert "Too late" not in phone.heard

    phone.texts("one more thing then")
    phone.clock.advance(hours=25)
    phone.replies("A day later")
    assert "A day later" not in phone.heard


def test_thanks_after_an_opt_out_call_nobody(phone):
    phone.texts("STOP")

    assert phone.texts("thanks") == []
    assert phone.desk.cards == {}


def test_start_ends_an_opt_out_and_is_a_word_without_one(phone):
    resumed = {usual(Moment.RESUMED, language) for language in languages()}
    assert not resumed & set(phone.texts("START"))
    phone.texts("STOP")
    assert resumed & set(phone.texts("start"))
    assert "10:00" in phone.texts("What are your opening hours?")[-1]


def test_on_sms_the_carrier_decides_and_the_card_shows_it(connect):
    phone = connect("sms")
    phone.texts("I want to talk to a human")
    phone.take(Step.CLAIM)
    heard = len(phone.heard)
    phone.texts("parar", OptOutType="STOP")
    phone.texts("why do you not answer")
    phone.replies("Hello?")

    assert len(phone.heard) == heard
    assert phone.desk.card.opted_out
    assert not phone.desk.card.invited
    assert {"parar", "why do you not answer"} <= set(phone.said("contact"))


def test_a_refusal_for_an_opt_out_is_remembered_and_shown(connect):
    phone = connect("sms")
    phone.texts("I want to talk to a human")
    phone.take(Step.CLAIM)
    trouble = DeliveryError("The customer has sent STOP.", permanent=True, code="21610")
    phone.line.provider.troubles.append(trouble)
    phone.replies("Hello?")

    assert phone.desk.card.opted_out


# -- small talk


@pytest.mark.parametrize("words", ["no", "no thanks", "No, thank you", "nah", "nee bedankt"])
def test_an_offer_that_is_declined_closes_the_subject(phone, words):
    for _ in range(2):
        offered(phone)
        (answer,) = phone.texts(words)
        assert answer in ANYTHING_ELSE.values()
    assert phone.desk.cards == {}


@pytest.mark.parametrize(
    "words", ["yes", "yes please", "ok do that", "sure", "👍", "👍🏽", "ja graag"]
)
def test_an_offer_that_is_accepted_connects(phone, words):
    offered(phone)

    phone.texts(words)
    assert len(phone.desk.cards) == 1


THANKS = [
    "ok great thank you so much!!",
    "Tack så mycket!",
    "Thank you so much, Dana 🙏",
    "danke schön",
    "❤️",
]
FRIENDLY = {
    **dict.fromkeys(THANKS, WELCOME),
    "bye": GOODBYE,
    "👍": ANYTHING_ELSE,
    "до свидания": GOODBYE,
}


@pytest.mark.parametrize(("words", "answers"), FRIENDLY.items())
def test_thanks_and_goodbyes_get_a_friendly_word_and_never_a_person(phone, words, answers):
    phone.texts("What are your opening hours?")
    for _ in range(3):
        (answer,) = phone.texts(words)
        assert answer in answers.values()
    assert phone.desk.cards == {}


@pytest.mark.parametrize(
    "words",
    ["hi", "Hallo!", "buenas tardes", "👋", "здравствуйте", "こんにちは", "Hello, how are you?"],
)
def test_a_greeting_alone_gets_a_greeting(phone, words):
    assert phone.texts(words)[-1].split("\n")[-1] in GREETING.values()
    assert phone.desk.cards == {}


@pytest.mark.parametrize(
    "words",
    [
        "thanks for nothing, get me a human",
        "ok but it still does not work",
        "no I want a person",
    ],
)
def test_what_only_begins_like_small_talk_still_reaches_people(phone, words):
    offered(phone)

    phone.texts(words)
    assert len(phone.desk.cards) == 1


def test_a_refusal_after_small_talk_calls_nobody(phone):
    for words in ("hi", "no", "yes", "no", "that's all", "no", "ok bye"):
        assert not phone.texts(words)[-1].endswith(UNSURE["en"])
    assert phone.desk.cards == {}


def test_a_refusal_to_rate_gets_a_friendly_word(resolved):
    (answer,) = resolved.texts("no")

    assert answer.split("\n")[-1] in ANYTHING_ELSE.values()
    assert len(resolved.desk.cards) == 1


def test_a_question_behind_a_refusal_is_answered(phone):
    offered(phone)

    assert "10:00" in phone.texts("no thanks, what are your opening hours?")[-1]


def test_a_goodbye_to_an_offer_accepts_nothing(phone):
    offered(phone)

    assert phone.texts("ok bye")[-1] in GOODBYE.values()
    assert phone.desk.cards == {}


@pytest.mark.parametrize(
    "words", ["What are your opening hours?", "What is your address?", "it is broken"]
)
def test_short_english_is_not_taken_for_swedish(phone, words):
    phone.texts(words)

    assert phone.texts("thx")[-1] == WELCOME["en"]


@pytest.mark.parametrize("answers", [{"issue": "y"}, {"name": "Dana"}, {"name": "a"}])
def test_a_form_is_never_small_talk(phone, answers):
    (answer,) = phone.texts("", MessageType="interactive", InteractiveData=json.dumps(answers))

    assert answer.split("\n")[-1] in UNSURE.values()


def test_an_objection_is_not_taken_for_a_refusal(phone):
    offered(phone)

    assert phone.texts("no, that is wrong")[-1] not in ANYTHING_ELSE.values()


# -- ratings


@pytest.mark.parametrize(
    ("words", "score"),
    [
        ("5 stars", 5),
        ("5/5", 5),
        ("five", 5),
        ("4.", 4),
        ("★★★★★", 5),
        ("5 ⭐", 5),
        ("four 🌟", 4),
        ("5️⃣", 5),
        ("cinq étoiles", 5),
    ],
)
def test_a_rating_is_kept_however_it_is_written(resolved, words, score):
    assert resolved.texts(words) == [usual(Moment.CSAT_THANKS, "en")]
    assert scores(resolved) == [score]
    assert f"rated this conversation: {score} of 5." in resolved.said("notice")[-1]


@pytest.mark.on_both
def test_a_comment_is_kept_with_its_rating(resolved):
    resolved.texts("5 - great service!")

    assert scores(resolved) == [5]
    assert resolved.said("contact")[-1] == "5 - great service!"
    assert len(resolved.desk.cards) == 1


@pytest.mark.parametrize("words", ["2", "2 - it took too long"])
def test_a_rating_after_an_opt_out_is_kept_and_neither_answered_nor_a_case(resolved, words):
    resolved.texts("stop")

    assert resolved.texts(words) == []
    assert scores(resolved) == [2]
    assert len(resolved.desk.cards) == 1


def test_a_comment_that_asks_for_a_person_gets_one(resolved):
    resolved.texts("1 - I want to talk to a human, now")

    assert scores(resolved) == [1]
    assert len(resolved.desk.cards) == 2


@pytest.mark.on_both
def test_a_corrected_rating_counts_instead(resolved):
    resolved.texts("5")
    resolved.texts("sorry, I meant 2")

    assert scores(resolved) == [5, 2]
    assert "changed the rating of this conversation: 2 of 5." in resolved.said("notice")[-1]


def test_thanks_are_no_rating_and_leave_the_question_open(resolved):
    for words in ("Thank you so much, Dana 🙏", "Thanks Dana 🌟", "👍"):
        (answer,) = resolved.texts(words)
        assert answer.split("\n")[-1] in {WELCOME["en"], ANYTHING_ELSE["en"]}
    assert len(resolved.desk.cards) == 1
    resolved.texts("4 stars")
    assert scores(resolved) == [4]


# -- several at once

ANSWERABLE = {
    "Do you ship to Norway?": "Switzerland and Norway",
    "How long does standard delivery take?": "2 to 4 working days",
    "How do I return something?": "return any item",
    "I forgot my password": "Forgot password",
    "How can I pay?": "We accept Visa",
}


@pytest.mark.on_both
def test_quick_questions_are_answered_together_in_order_and_once(phone):
    for words in [*ANSWERABLE, "do you sell saddles for unicorns", "is the moon made of cheese"]:
        phone.texts(words, pause=0.9)
    phone.clock.advance(seconds=PAUSE)
    phone.settle()

    assert phone.desk.cards == {}
    (answer,) = phone.heard
    places = [answer.find(told) for told in ANSWERABLE.values()]
    assert -1 not in places, answer
    assert UNSURE["en"] in answer
    assert "do you sell saddles for unicorns" in answer
    phone.clock.advance(seconds=60)
    phone.settle()
    assert len(phone.heard) == 1


def test_a_question_before_a_quick_thank_you_is_answered(phone):
    phone.texts("What are your opening hours?", pause=0)

    (answer,) = phone.texts("thanks!")
    assert "10:00" in answer


def test_questions_that_a_request_for_a_person_interrupts_stand_in_its_thread(phone):
    phone.texts("What are your opening hours?", pause=0.5)
    phone.texts("How long does shipping take?", pause=0.5)
    phone.texts("please let me talk to a human", pause=0.5)
    phone.take(Step.CLAIM)

    asked = ["What are your opening hours?", "How long does shipping take?"]
    assert [said for said in phone.said("contact") if said in asked] == asked
    heard = len(phone.heard)
    phone.clock.advance(seconds=60)
    phone.settle()
    assert len(phone.heard) == heard
