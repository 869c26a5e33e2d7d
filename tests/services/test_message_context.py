"""What WhatsApp says besides the text reaches the thread, the card, the detector and the assistant."""

from datetime import timedelta

import pytest

from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import Fact, Limits, Media, MessageContext, MessageKind, Quote
from handoff_bot.domain.texts import Moment, usual
from handoff_bot.storage import conversations, log
from handoff_bot.storage.models import Message

pytestmark = pytest.mark.on_sqlite

VOICE = (Media("https://api.twilio.com/x", "audio/ogg"),)
PICTURE = (Media("https://api.twilio.com/y", "image/jpeg"),)


@pytest.fixture(autouse=True)
def room(house):
    """So that no text is split."""
    house.channel.limits = Limits(text=1600)


def posts(house):
    return [post for thread in house.desk.threads.values() for post in thread]


def claimed(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)


def test_the_thread_shows_which_message_is_answered(house, ana):
    claimed(house, ana)
    house.replies(ana, "Do you want a refund?")
    house.replies(ana, "Or a replacement?")
    (refund,) = [r for m, r in house.channel.taken if m.text == "Do you want a refund?"]

    house.says("Yes please", context=MessageContext(quote=Quote(refund.provider_id)))

    post = posts(house)[-1]
    assert post.text == "Yes please"
    assert post.notes == ("In reply to Ana: “Do you want a refund?”",)


def test_the_ai_sees_which_message_is_answered(house):
    house.says("Hello")
    (_, receipt), *_ = house.channel.taken

    house.says("Yes please", context=MessageContext(quote=Quote(receipt.provider_id)))

    turn = house.assistant.asked[-1].turns[-1]
    assert turn.text == "Yes please"
    assert "In reply to the assistant" in turn.context
    assert "Answer to: Hello" in turn.context
    assert house.detector.judged[-1][-1] == turn


def test_a_customer_may_quote_their_own_message(house, ana):
    claimed(house, ana)
    asked = house.says("Where is it?")

    house.says("Well?", context=MessageContext(quote=Quote(asked)))

    assert posts(house)[-1].notes == ("In reply to their own message: “Where is it?”",)


@pytest.mark.on_both
def test_a_message_of_another_conversation_is_not_quoted(house, ana):
    foreign = house.says("My secret", address="+15550002")
    claimed(house, ana)

    house.says("Yes", context=MessageContext(quote=Quote(foreign)))

    assert posts(house)[-1].notes == ("In reply to an earlier message that is not stored",)


AD = MessageContext(ad=("Summer sale", "Red bike 20% off", "https://fb.me/abc"))


def test_card_and_thread_name_the_ad_that_a_customer_came_from(house, ana):
    house.says("Is this still available?", context=AD)
    house.says("I want a human")

    assert house.desk.card.notes == (AD.ad_line,)
    assert "Summer sale" in house.assistant.asked[0].turns[-1].context
    house.take(Step.CLAIM, ana)
    assert AD.ad_line in house.desk.card.notes

    house.says("Hi again", context=AD)
    assert posts(house)[-1].notes == (AD.ad_line,)


FORM = MessageContext(
    kind=MessageKind.FORM, facts=(Fact("order", "4711"), Fact("problem", "broken screen"))
)
ANSWERS = "order: 4711\nproblem: broken screen"


def test_the_answers_of_a_form_are_lines_in_the_thread(house, ana):
    claimed(house, ana)

    house.says("", context=FORM)

    assert posts(house)[-1].text == ANSWERS


def test_the_answers_of_a_form_are_what_the_ai_answers(house):
    house.says("", context=FORM)

    assert house.detector.judged[-1][-1].text == ANSWERS
    assert house.last_sent().text.endswith(f"Answer to: {ANSWERS}")


def test_a_form_that_calls_a_person_is_not_a_card_without_words(house):
    house.detector.words = {"broken": next(iter(house.detector.words.values()))}

    house.says("", context=FORM)

    assert "order: 4711" in house.desk.card.evidence
    assert ANSWERS in [line.text for line in house.desk.card.recent]


NAMED = {
    MessageKind.LOCATION: "[sent a location]",
    MessageKind.STICKER: "[sent a sticker]",
    MessageKind.REACTION: "[sent a reaction]",
    MessageKind.UNKNOWN: "[sent a message type that cannot be shown]",
    MessageKind.TEXT: "[sent an empty message]",
}


@pytest.mark.parametrize(("kind", "name"), NAMED.items(), ids=lambda value: str(value))
def test_a_message_without_text_or_files_is_named_in_the_thread(house, ana, kind, name):
    claimed(house, ana)

    house.says("", context=MessageContext(kind=kind))

    assert posts(house)[-1].text == name


@pytest.mark.on_both
def test_the_context_is_kept_with_the_message_and_not_in_its_text(house):
    house.says("Look", context=AD)

    with house.database.read() as tx:
        (message,) = [m for m in tx.session.query(Message) if m.direction == "inbound"]
    assert message.text == "Look"
    assert message.context["ad"] == list(AD.ad)


# -- what the AI cannot read

SENTENCES = {
    "voice note": (VOICE, Moment.VOICE_NOTE),
    "picture": (PICTURE, Moment.PICTURE),
    "document": ((Media("https://api.twilio.com/z", "application/pdf"),), Moment.UNREADABLE),
    "unknown kind": ((), Moment.UNREADABLE),
}


@pytest.mark.parametrize(("media", "moment"), SENTENCES.values(), ids=SENTENCES)
def test_what_the_ai_cannot_read_gets_an_honest_sentence_and_no_person(house, media, moment):
    kind = MessageKind.TEXT if media else MessageKind.UNKNOWN

    house.says("", media=media, context=MessageContext(kind=kind))

    (heard,) = house.channel.phone
    assert heard.endswith(usual(moment, "en"))
    assert house.desk.cards == {}
    assert house.detector.judged == []
    assert house.assistant.asked == []


def test_the_sentence_is_said_in_the_customers_language(house):
    house.detector.language = "de"
    house.says("Hallo")

    house.says("", media=VOICE)

    assert house.channel.phone[-1] == usual(Moment.VOICE_NOTE, "de")


def test_an_album_gets_one_sentence(house):
    for _ in range(4):
        house.says("", media=PICTURE)

    assert len(house.channel.phone) == 1


def test_a_later_voice_note_gets_the_sentence_again(house):
    house.says("", media=VOICE)
    house.says("What are your hours?")
    house.says("", media=VOICE)
    house.clock.at += timedelta(minutes=11)
    house.says("", media=VOICE)

    sentence = usual(Moment.VOICE_NOTE, "en")
    assert sum(said.endswith(sentence) for said in house.channel.phone) == 3


def test_words_beside_a_picture_are_answered_and_that_it_was_not_seen_is_said(
    house, database, clock
):
    with database.write() as tx:
        log.prefer(tx, "rules.pause_seconds", 2, "test", clock.now())
    house.says("", media=PICTURE)
    house.says("Is this the right part?")
    clock.advance(seconds=3)
    house.settle()

    (said,) = house.channel.phone
    *_, answer, unseen = said.split("\n\n")
    assert answer == "Answer to: Is this the right part?"
    assert "can't look at pictures" in unseen


@pytest.mark.parametrize("kind", [MessageKind.REACTION, MessageKind.STICKER])
def test_a_reaction_alone_needs_no_answer(house, kind):
    house.says("", context=MessageContext(kind=kind))

    assert house.channel.phone == []
    assert house.desk.cards == {}


def test_a_voice_note_for_an_agent_goes_into_the_thread_without_a_sentence(house, ana):
    claimed(house, ana)
    heard = len(house.channel.phone)

    house.says("", media=VOICE)

    assert len(house.channel.phone) == heard


def test_words_after_a_picture_are_judged_as_ever(house):
    house.says("", media=PICTURE)
    house.says("I want a human")

    assert house.desk.card.evidence == "I want a human"
    with house.database.read() as tx:
        recent = conversations.recent(tx, 1, 5)
    assert [one.author for one in recent][:2] == ["contact", "system"]
