"""Texts from short codes and sender names: stored and shown, not answered. Our own senders: nothing."""

import pytest

from handoff_bot.domain.messages import Author, Consent, SenderKind
from handoff_bot.services.ai_turns.machines import MOST_AN_HOUR
from handoff_bot.storage import log
from handoff_bot.storage.models import Contact, Message

CODE = "Your Acme code is 482913. Do not share it."
MACHINES = {
    "short code": ("22395", SenderKind.SHORT_CODE),
    "name": ("AMAZON", SenderKind.NAME),
}


def stored(house) -> list[Message]:
    with house.database.read() as tx:
        return list(tx.session.query(Message))


@pytest.mark.parametrize(("address", "sender"), MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("text", [CODE, "I want a human", "STOP", ""])
@pytest.mark.on_sqlite
def test_a_machine_is_not_answered_and_no_model_is_asked(house, address, sender, text):
    consent = Consent.STOP if text == "STOP" else None

    house.says(text, address=address, sender=sender, consent=consent)

    assert house.channel.phone == []
    assert house.detector.judged == []
    assert house.assistant.asked == []
    assert house.desk.cards == {}
    assert [(one.author, one.text) for one in stored(house)] == [(Author.CONTACT, text)]


@pytest.mark.parametrize(("address", "sender"), MACHINES.values(), ids=MACHINES)
def test_the_team_sees_what_a_machine_wrote_in_the_queue_channel(house, address, sender):
    house.says(CODE, address=address, sender=sender)

    (post,) = house.desk.told["CQUEUE"]
    assert CODE in post.text
    assert address in post.text
    assert "did not answer it" in post.text


def test_a_flood_of_machines_is_shown_in_part_and_stored_in_full(house):
    for n in range(MOST_AN_HOUR + 10):
        house.says(f"Code {n}", address="22395", sender=SenderKind.SHORT_CODE)

    posts = house.desk.told["CQUEUE"]
    assert len(posts) == MOST_AN_HOUR + 1
    assert "not shown for one hour" in posts[-1].text
    assert len(stored(house)) == MOST_AN_HOUR + 10

    house.clock.advance(hours=1, seconds=1)
    house.says("Code again", address="22395", sender=SenderKind.SHORT_CODE)
    assert "Code again" in house.desk.told["CQUEUE"][-1].text


def test_short_codes_are_answered_where_admins_want_it_and_names_never(house):
    with house.database.write() as tx:
        log.prefer(tx, "rules.answer_short_codes", True, "UMIA", house.clock.now())

    house.says("Hello", address="22395", sender=SenderKind.SHORT_CODE)
    house.says("Hello", address="AMAZON", sender=SenderKind.NAME)

    assert [message.to for message, _ in house.channel.taken] == ["22395"]


def test_a_sender_that_customers_write_to_is_never_a_customer(house):
    house.says("Hello")
    contacts = len(stored(house))

    house.says("Hello", address="+15559999")

    assert len(stored(house)) == contacts
    with house.database.read() as tx:
        assert tx.session.query(Contact).count() == 1
    assert [message.to for message, _ in house.channel.taken] == ["+15550001"]
