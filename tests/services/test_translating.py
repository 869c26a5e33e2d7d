"""Translation in the services: who is asked when, and that what leaves leaves once and stays the same."""

import itertools

import pytest
from sqlalchemy import select

from handoff_bot.domain.desk import Button, ThreadReply
from handoff_bot.domain.errors import DeliveryError, DeskError
from handoff_bot.domain.escalations import Step
from handoff_bot.services.translation.translating import Spoken
from handoff_bot.storage.models import Message, Note
from tests.fakes import ScriptedTranslator
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite


class Moody(ScriptedTranslator):
    """Never says the same twice."""

    def __init__(self) -> None:
        super().__init__()
        self.versions = itertools.count(1)

    def translate(self, text, language, contact_id=None):
        return f"{super().translate(text, language, contact_id)} v{next(self.versions)}"


def spanish(house, ana):
    """A Spanish customer whom Ana talks to, with translation on."""
    house.core.preferences.change("translation.on", True, "UMIA")
    house.detector.language = "es"
    house.says("Quiero hablar con un human")
    house.take(Step.CLAIM, ana)
    return house


@pytest.fixture
def translator():
    return ScriptedTranslator()


@pytest.fixture
def house(database, clock, translator, ana):
    return spanish(build_house(database, clock, translator=translator), ana)


def agents_words(house):
    with house.database.read() as tx:
        found = select(Message.text).where(Message.author == "agent")
        return list(tx.session.execute(found).scalars())


def held(house):
    with house.database.read() as tx:
        return list(tx.session.execute(select(Note).where(Note.held)).scalars())


def test_without_a_key_words_leave_as_they_are_though_it_is_switched_on(database, clock, ana):
    house = spanish(build_house(database, clock), ana)
    house.says("Hola")
    house.replies(ana, "Hello")
    assert house.last_sent().text == "Hello"
    assert [post.text for post in house.desk.threads[house.desk.place]][-1] == "Hola"


@pytest.mark.on_both
def test_a_crash_after_the_translation_sends_one_version_alone(database, clock, ana):
    house = spanish(build_house(database, clock, translator=Moody()), ana)
    reply = ThreadReply(house.desk.place, "1800000000.000001", ana, "Hello")
    broken, house.core.relay._reply = house.core.relay._reply, None
    with pytest.raises(TypeError):
        house.core.relay.reply(reply)
    house.core.relay._reply = broken
    for _ in range(3):
        house.core.relay.reply(reply)
    house.settle()
    (stored,) = agents_words(house)
    assert [m.text for m, _ in house.channel.taken if "HELLO" in m.text] == [stored]


def test_a_delivery_that_is_tried_again_says_the_same(database, clock, ana):
    house = spanish(build_house(database, clock, translator=Moody()), ana)
    house.channel.troubles = [DeliveryError("busy", permanent=False)]
    house.replies(ana, "Hello")
    clock.advance(minutes=1)
    house.settle()
    assert [house.last_sent().text] == agents_words(house)


@pytest.mark.on_both
def test_replies_leave_in_order_though_one_cannot_be_translated(house, ana, translator):
    house.replies(ana, "One")
    translator.fails = True
    house.replies(ana, "Two")
    translator.fails = False
    house.replies(ana, "Three")
    (note,) = held(house)
    house.core.decisions.send_as_written(note.id, ana)
    house.settle()
    assert [m.text for m, _ in house.channel.taken][-3:] == ["[es] ONE", "[es] THREE", "Two"]


def test_whatever_is_pressed_it_is_sent_once(house, ana, translator):
    translator.fails = True
    house.replies(ana, "Hello")
    (note,) = held(house)
    assert [ephemeral.buttons for ephemeral in house.desk.whispers][-1] == (
        Button.TRANSLATE_AGAIN,
        Button.SEND_AS_WRITTEN,
        Button.KEEP_AS_NOTE,
    )
    translator.fails = False
    for press in (house.core.decisions.translate_again, house.core.decisions.send_as_written) * 2:
        press(note.id, ana)
    house.settle()
    assert agents_words(house) == ["[es] HELLO"]


def test_who_becomes_the_owner_in_this_moment_is_translated_the_next_time(house, ben):
    """The claim commits between the look and the words: they are neither lost nor sent as they are."""
    relay, reply = house.core.relay, ThreadReply(house.desk.place, "1800000000.000001", ben, "Hi")
    looks = relay._interpreter.for_reply

    def look_and_be_overtaken(asked, text):
        seen = looks(asked, text)
        house.core.escalations.reassign(house.desk.card.escalation_id, ben, ben)
        return seen

    relay._interpreter.for_reply = look_and_be_overtaken
    with pytest.raises(DeskError, match="become the owner"):
        relay.reply(reply)
    relay.reply(reply)
    house.settle()
    assert agents_words(house) == ["[es] HI"]


def test_long_translations_are_split_as_long_words_are(house, ana):
    house.replies(ana, "word " * 60)
    with house.database.read() as tx:
        message = tx.session.execute(select(Message).where(Message.author == "agent")).scalar_one()
    parts = [m.text for m, _ in house.channel.taken if "WORD" in m.text]
    assert len(parts) > 1
    assert all(len(part) <= 160 for part in parts)
    assert message.text.count("WORD") == 60


def test_words_that_nobody_asked_for_are_open():
    assert Spoken("Hi", None).is_open
    assert not Spoken("Hi", None, "es").is_open
    assert not Spoken("Hi", "Hola", "es").is_open
