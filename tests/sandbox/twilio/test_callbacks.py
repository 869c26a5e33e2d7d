"""News of deliveries: signed, complete, and as unreliable as they are told to be."""

import random
import threading

import pytest

from handoff_sandbox.twilio.carrier import Callbacks

SMS, WHATSAPP = "+15550111", "whatsapp:+15550111"
FROM, WHATSAPP_FROM = "+15550100", "whatsapp:+15550101"
STATUS = "https://bot.example.com/webhooks/sms/status"
RANK = ["accepted", "queued", "sent", "delivered", "read"]


def send(client, to=SMS, from_=FROM, callback=f"{STATUS}?oid=1%7E2", **more):
    return client.messages.create(
        to=to, from_=from_, body="Hello", status_callback=callback, **more
    )


def test_callbacks_tell_how_far_a_message_is(twilio, client, bot):
    made = send(client)
    twilio.drain()
    assert bot.statuses_of(made) == ["sent", "delivered"]
    assert bot.queries == ["oid=1%7E2"] * 2
    assert bot.refused == 0


def test_a_service_reports_that_it_queued_the_message(twilio, client, bot):
    made = send(client, from_=None, messaging_service_sid=twilio.messaging_service_sid)
    twilio.drain()
    assert bot.statuses_of(made) == ["queued", "sent", "delivered"]
    assert {form["MessagingServiceSid"] for form in bot.heard} == {twilio.messaging_service_sid}


def test_on_whatsapp_a_message_is_read_unless_it_is_not(twilio, client, bot):
    twilio.customer_writes("whatsapp", "+15550111", "Hi")
    made = send(client, WHATSAPP, WHATSAPP_FROM)
    twilio.drain()
    twilio.callbacks.read = 0
    unread = send(client, WHATSAPP, WHATSAPP_FROM)
    twilio.drain()
    assert bot.statuses_of(made) == ["sent", "delivered", "read"]
    assert bot.statuses_of(unread) == ["sent", "delivered"]


def test_without_a_callback_address_nobody_is_told(twilio, client, bot):
    client.messages.create(to=SMS, from_=FROM, body="Hello")
    twilio.drain()
    assert bot.heard == []
    assert twilio.phone(SMS)[0].status == "delivered"


@pytest.mark.parametrize(
    ("to", "from_", "statuses"),
    [(SMS, FROM, ["sent", "undelivered"]), (WHATSAPP, WHATSAPP_FROM, ["failed"])],
    ids=["sms", "whatsapp"],
)
def test_a_delivery_can_be_made_to_fail(twilio, client, bot, to, from_, statuses):
    twilio.customer_writes("whatsapp", "+15550111", "Hi")
    twilio.account.failing[to] = 30003
    made = send(client, to, from_)
    twilio.drain()
    assert bot.statuses_of(made) == statuses
    assert bot.heard[-1]["ErrorCode"] == "30003"
    fetched = client.messages(made.sid).fetch()
    assert (fetched.status, fetched.error_code) == (statuses[-1], 30003)


def test_callbacks_may_come_twice(twilio, client, bot):
    twilio.callbacks.duplicated = 1
    made = send(client)
    twilio.drain()
    assert bot.statuses_of(made) == ["sent", "sent", "delivered", "delivered"]


def test_callbacks_may_not_come_and_the_truth_is_there_to_be_asked_for(twilio, client, bot):
    twilio.callbacks.missing = 1
    made = send(client)
    twilio.drain()
    assert bot.heard == []
    assert client.messages(made.sid).fetch().status == "delivered"


def test_callbacks_may_lose_their_order_and_the_truth_never_goes_back(twilio, client, bot):
    twilio.customer_writes("whatsapp", "+15550111", "Hi")
    twilio.callbacks.shuffled, twilio.callbacks.duplicated = 1, 0.5
    seen = {}
    ended = threading.Event()

    def watch():
        while not ended.wait(0.001):
            for message in twilio.phone(WHATSAPP):
                seen.setdefault(message.sid, []).append(RANK.index(message.status))

    watching = threading.Thread(target=watch)
    watching.start()
    made = [send(client, WHATSAPP, WHATSAPP_FROM) for _ in range(12)]
    twilio.drain()
    ended.set()
    watching.join()
    assert any(bot.statuses_of(message) != sorted_statuses(bot, message) for message in made)
    assert all(ranks == sorted(ranks) for ranks in seen.values())
    assert {message.status for message in twilio.phone(WHATSAPP)} == {"read"}


def sorted_statuses(bot, message):
    return sorted(bot.statuses_of(message), key=RANK.index)


def test_callbacks_may_be_late(twilio, client, bot):
    twilio.callbacks.delay = 60
    send(client)
    assert twilio.pending_callbacks() == 2
    with pytest.raises(TimeoutError):
        twilio.drain(0.05)
    assert bot.heard == []


def test_one_seed_gives_one_course_of_events():
    def course(seed):
        callbacks = Callbacks(delay=9, duplicated=0.5, missing=0.5, shuffled=0.5)
        dice = random.Random(seed)
        return [callbacks.plan(["sent", "delivered", "read"], dice) for _ in range(20)]

    assert course(1) == course(1)
    assert course(1) != course(2)


def test_a_callback_that_is_refused_is_not_tried_again(twilio, client, bot):
    bot.statuses = [500, 500]
    made = send(client)
    twilio.drain()
    assert bot.statuses_of(made) == ["sent", "delivered"]


def test_stopping_drops_what_waits_and_cuts_what_is_under_way(twilio, client, bot):
    bot.faults.add("*", latency=30, count=1)
    send(client)
    twilio.callbacks.delay = 60
    send(client, callback=STATUS)
    twilio.stop()
    assert bot.heard == []
    assert twilio.pending_callbacks() > 0


def test_after_stopping_nobody_is_written_to(twilio, bot):
    twilio.stop()
    assert twilio.customer_writes("sms", SMS, "Hi").status == 0
    assert bot.heard == []


def test_nothing_is_sent_to_anybody_but_the_bot(twilio, client, bot):
    for url in ("https://example.org/x", "https://bot.example.com.evil.org/x"):
        send(client, callback=url)
    twilio.drain()
    assert bot.heard == []
    assert {e.status for e in twilio.journal.entries("twilio") if e.direction == "out"} == {0}
