"""What customers sent while we were away is listed at Twilio and handled once, in order."""

from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy import text

from handoff_bot.channels import _twilio_backlog
from handoff_bot.domain.errors import LeaseLost
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.jobs import store
from handoff_bot.services.catching_up import CATCH_UP
from handoff_bot.storage import log, sources
from handoff_bot.storage.models import Message, Work
from handoff_sandbox.twilio import TwilioStandIn
from tests.services.shop import ACCOUNT, DANA, EVA, PUBLIC, TOKEN, Shop

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def twilio(clock):
    with TwilioStandIn(ACCOUNT, TOKEN, PUBLIC, now=clock.now, seed=1) as standing:
        yield standing


@pytest.fixture
def shop(database, clock, twilio):
    return Shop(database, clock, twilio)


@pytest.mark.on_both
def test_what_was_sent_while_we_were_away_is_handled_once_and_in_order(shop):
    sids = [shop.writes(f"word {n}") for n in range(1, 4)]
    shop.writes("Hello", EVA, "whatsapp")

    shop.back(hours=2)
    assert sorted(shop.received()) == ["Hello", "word 1", "word 2", "word 3"]

    for n, sid in enumerate(sids, 1):
        shop.webhook_comes(sid, f"word {n}")
    shop.settle()
    shop.back(minutes=5)
    shop.back(hours=1)
    assert [one for one in shop.received() if one.startswith("word")] == [
        "word 1",
        "word 2",
        "word 3",
    ]


def test_messages_of_many_pages_and_hours_are_all_fetched(shop, monkeypatch):
    monkeypatch.setattr(_twilio_backlog, "PAGE", 4)
    for n in range(26):
        shop.writes(f"word {n:03d}")
        shop.clock.advance(seconds=400)

    shop.back(hours=1)

    assert shop.received() == [f"word {n:03d}" for n in range(26)]


def test_what_came_before_the_first_start_is_not_ours(database, clock, twilio):
    twilio.account.hear("SM" + "e" * 32, DANA, twilio.sms_number, "long ago")
    clock.advance(minutes=3)
    shop = Shop(database, clock, twilio)

    shop.back(hours=1)

    assert shop.received() == []


@pytest.mark.on_both
def test_what_comes_live_waits_for_what_was_sent_before_it(shop):
    shop.writes("word 1")
    shop.clock.advance(hours=2)
    shop.core.catching_up.started()
    shop.webhook_comes("SM" + "f" * 32, "word 2")
    shop.settle()
    shop.clock.advance(seconds=2)
    shop.settle()

    assert shop.received() == ["word 1", "word 2"]


@pytest.mark.on_both
def test_a_process_that_starts_beside_another_one_makes_no_message_wait(shop):
    asked = []
    shop.core.catching_up.was_in_contact = lambda since: asked.append(since) or True
    last = shop.clock.now()
    shop.clock.advance(seconds=29)
    shop.core.catching_up.started()
    shop.webhook_comes("SM" + "f" * 32, "word 1")
    shop.settle()

    assert shop.received() == ["word 1"]
    assert asked == [last]


@pytest.mark.on_both
@pytest.mark.parametrize("is_swept", [True, False])
def test_another_worker_need_not_have_answered_webhooks(shop, monkeypatch, is_swept):
    """It may be a worker alone, while the only process that answers requests was down."""
    catching_up = shop.core.catching_up
    monkeypatch.setattr(catching_up._backlogs["sms"], "is_swept", is_swept)
    shop.back(hours=1)
    for _ in range(6):
        shop.clock.advance(seconds=20)
        shop.ticks()
    catching_up.was_in_contact = lambda since: True
    shop.writes("word 1")
    shop.clock.advance(seconds=25)
    catching_up.started()
    with shop.database.read() as tx:
        assert not sources.is_unread(tx, "sms", shop.clock.now())
    shop.clock.advance(seconds=35)
    shop.settle()

    assert shop.received() == ["word 1"]


@pytest.mark.on_both
def test_a_message_whose_webhook_is_still_on_its_way_waits_for_earlier_ones(shop):
    words = ["word 1", "word 2", "word 3"]
    sids = [shop.writes(word) for word in words]
    shop.clock.advance(hours=2)
    shop.core.catching_up.started()
    for sid, word in list(zip(sids, words, strict=True))[:2]:
        shop.webhook_comes(sid, word)
    shop.settle()
    shop.clock.advance(seconds=2)
    shop.settle()
    shop.webhook_comes(sids[2], "word 3")
    shop.settle()

    assert shop.received() == words


def test_a_live_message_does_not_wait_for_ever_when_twilio_cannot_be_asked(shop):
    shop.twilio.faults.add("*/Messages.json", status=503)
    shop.clock.advance(hours=2)
    shop.core.catching_up.started()
    shop.webhook_comes("SM" + "f" * 32, "word 1")
    shop.settle()
    assert shop.received() == []

    for _ in range(8):
        shop.clock.advance(seconds=5)
        shop.settle()
    assert shop.received() == ["word 1"]


@pytest.mark.on_both
def test_a_message_that_is_judged_while_older_ones_are_stored_survives_a_crash(shop, monkeypatch):
    shop.writes("word 1")
    shop.twilio.faults.add("*/Messages.json", status=503)
    shop.clock.advance(hours=2)
    shop.core.catching_up.started()
    shop.settle()
    shop.clock.advance(minutes=1)
    handlers = shop.core.handlers

    def killed_while_the_others_come(plan):
        monkeypatch.undo()
        shop.twilio.faults.clear()
        run_in_this_moment(shop, handlers[CATCH_UP], "catch:sms")
        raise LeaseLost("killed")

    monkeypatch.setattr(handlers["inbound"], "call", killed_while_the_others_come)
    shop.webhook_comes("SM" + "f" * 32, "word 2")
    shop.settle()
    shop.core.worker.heartbeat.id = ""
    for _ in range(8):
        shop.clock.advance(seconds=10)
        shop.settle()

    assert sorted(shop.received()) == ["word 1", "word 2"]
    with shop.database.read() as tx:
        assert len(log.events(tx, "message.judged")) == 2


def run_in_this_moment(shop, handler, lane):
    """Run the first job of a lane, as another thread would."""
    with shop.database.write() as tx:
        job = store.head(tx, lane)
        plan = handler.prepare(tx, job)
    result = handler.call(plan)
    with shop.database.write() as tx:
        handler.finish(tx, job, plan, result)


@pytest.mark.on_both
def test_a_message_that_was_held_back_is_counted_once(shop):
    shop.twilio.faults.add("*/Messages.json", status=503, count=2)
    shop.clock.advance(hours=2)
    shop.core.catching_up.started()
    shop.webhook_comes("SM" + "f" * 32, "word 1")
    for _ in range(12):
        shop.settle()
        shop.clock.advance(seconds=5)

    with shop.database.read() as tx:
        assert len(log.events(tx, "message.received")) == 1


def test_a_failed_webhook_is_found_without_any_gap(shop):
    shop.writes("word 1")
    for _ in range(24):
        shop.clock.advance(seconds=30)
        shop.ticks()

    assert shop.received() == ["word 1"]


def test_what_is_younger_than_its_webhook_may_be_is_left_to_the_webhook(shop):
    for _ in range(19):
        shop.clock.advance(seconds=30)
        shop.ticks()
    shop.writes("word 1")
    shop.clock.advance(seconds=5)
    shop.ticks()

    assert shop.received() == []


def test_a_refusal_of_twilio_is_no_reason_to_wait_or_to_give_up(shop):
    shop.writes("word 1")
    shop.twilio.faults.add("*/Messages.json", status=401, count=1)
    shop.back(hours=1)
    with shop.database.read() as tx:
        assert tx.session.query(Work).filter(Work.status == "failed").count() == 0
        assert not sources.is_unread(tx, "sms", shop.clock.now() - timedelta(days=1))
    told = [post.text for posts in shop.desk.told.values() for post in posts]
    assert ["cannot be fetched" in text for text in told] == [True]

    shop.clock.advance(minutes=11)
    shop.ticks()
    assert shop.received() == ["word 1"]


def test_files_of_the_gap_are_known(shop):
    shop.writes("", media=[("image/png", b"png")])

    shop.back(hours=1)

    with shop.database.read() as tx:
        (message,) = tx.session.query(Message).filter(Message.direction == "inbound")
    (file,) = message.media
    assert file["content_type"] == "image/png"
    assert file["url"].startswith(shop.twilio.server.url)


def test_a_file_that_is_gone_keeps_no_other_message_from_being_fetched(shop):
    shop.writes("Look", media=[("image/png", b"png")])
    shop.writes("Hello", EVA, "whatsapp")
    shop.twilio.faults.add("*/Media.json", status=404)

    shop.back(hours=1)

    assert sorted(shop.received()) == ["Hello", "Look"]


def test_a_message_that_cannot_be_read_keeps_no_other_from_being_fetched(shop):
    _, ours = shop.twilio._ends("sms", DANA)
    shop.clock.advance(seconds=1)
    shop.twilio.account.hear("SM" + "d" * 32, "", ours, "nobody sent this")
    shop.writes("Hello")

    shop.back(hours=1)

    assert shop.received() == ["Hello"]


@pytest.mark.on_both
def test_a_message_of_the_gap_keeps_the_time_at_which_it_was_sent(shop):
    shop.writes("word 1", EVA, "whatsapp")
    sent = shop.clock.now()

    shop.back(hours=2)

    with shop.database.read() as tx:
        (message,) = tx.session.query(Message).filter(Message.direction == "inbound")
    assert abs(message.created_at - sent) <= timedelta(seconds=1)


def test_after_whatsapps_window_a_person_is_asked_and_nothing_is_tried(shop):
    shop.writes("Where is my parcel?", EVA, "whatsapp")

    shop.back(hours=30)

    assert shop.received() == ["Where is my parcel?"]
    assert shop.assistant.asked == []
    assert shop.twilio.messages() == []
    assert "Where is my parcel?" in shop.desk.card.evidence


def test_our_own_messages_are_not_taken_for_customers(shop):
    shop.writes("Hello")
    shop.back(hours=1)
    shop.back(hours=1)

    assert shop.received() == ["Hello"]


def test_messages_in_conversations_that_we_know_are_fetched(shop):
    chat = "CH" + "1" * 32
    message = InboundMessage("conversations", "IM" + "0" * 32, chat, "", "word 0")
    shop.core.inbox.store("inbound", f"in:conversations:{chat}", "x", asdict(message))
    shop.settle()
    shop.clock.advance(minutes=10)
    shop.twilio.conversation_writes(chat, "dana", "word 1")

    shop.back(hours=2)

    assert shop.received() == ["word 0", "word 1"]


def test_a_stretch_is_an_hour_at_most(shop):
    shop.back(hours=5)

    with shop.database.read() as tx:
        jobs = tx.session.query(Work).filter(Work.kind == CATCH_UP, Work.lane == "catch:sms")
        assert jobs.filter(Work.status == "done").count() >= 5


@pytest.mark.on_both
def test_a_listing_that_begins_needs_no_lock_that_a_starting_process_holds(shop, backend):
    """Its lane is locked by then, and a process that starts locks the source before that lane."""
    if backend == "sqlite":
        pytest.skip("one writer at a time: it cannot happen")
    shop.back(minutes=5)
    shop.core.catching_up.started()
    with shop.core.database.write() as starting:
        now = shop.clock.now()
        sources.beat(starting, "sms", now, first_read=now)
        with shop.core.database.write() as listing:
            listing.core.execute(text("SET LOCAL lock_timeout = '1s'"))
            job = store.head(listing, "catch:sms")
            plan = shop.core.handlers[CATCH_UP].prepare(listing, job)
            assert plan.until <= plan.since  # all has been listed
