"""Messages through the official client: made, listed, fetched, redacted, deleted."""

import re
import statistics
import time
from datetime import timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from werkzeug.datastructures import MultiDict

from handoff_sandbox.twilio.carrier import segments

SMS, WHATSAPP = "+15550111", "whatsapp:+15550111"
FROM, WHATSAPP_FROM = "+15550100", "whatsapp:+15550101"
SECOND = timedelta(seconds=1)


def send(client, body="Hello", to=SMS, **more):
    return client.messages.create(to=to, from_=FROM, body=body, **more)


def test_a_message_is_taken_and_said_back(twilio, client, clock):
    made = send(client)
    assert re.fullmatch("SM[0-9a-f]{32}", made.sid)
    assert (made.status, made.direction, made.num_segments) == ("queued", "outbound-api", "1")
    assert (made.body, made.to, made.from_) == ("Hello", SMS, FROM)
    assert (made.date_created, made.date_sent) == (clock.at, None)
    assert [sent.body for sent in twilio.phone(SMS)] == ["Hello"]


def test_a_service_takes_a_message_before_it_chooses_a_sender(twilio, client):
    service = twilio.messaging_service_sid
    made = client.messages.create(to=SMS, messaging_service_sid=service, body="Hello")
    assert (made.status, made.from_, made.num_segments) == ("accepted", None, "0")
    assert made.messaging_service_sid == service
    twilio.drain()
    fetched = client.messages(made.sid).fetch()
    assert (fetched.status, fetched.from_, fetched.num_segments) == ("delivered", FROM, "1")


def test_a_service_sends_whatsapp_from_its_whatsapp_number(twilio, client):
    service = twilio.messaging_service_sid
    client.messages.create(to=WHATSAPP, messaging_service_sid=service, body="Hello")
    assert twilio.phone(WHATSAPP)[0].sender == WHATSAPP_FROM


def test_a_picture_makes_it_an_mms(client):
    made = send(client, media_url=["https://example.com/a.png", "https://example.com/b.png"])
    assert re.fullmatch("MM[0-9a-f]{32}", made.sid)
    assert made.num_media == "2"


def test_a_message_comes_as_far_as_it_is_delivered(twilio, client, clock):
    made = send(client)
    twilio.drain()
    fetched = client.messages(made.sid).fetch()
    assert (fetched.status, fetched.date_sent) == ("delivered", clock.at)


def test_parameters_without_effect_are_taken(client):
    made = send(
        client,
        validity_period=60,
        smart_encoded=True,
        provide_feedback=False,
        max_price="0.05",
        message_intent="otp",
        content_retention="retain",
    )
    assert made.sid


def test_the_list_is_newest_first_and_holds_both_directions(twilio, client):
    send(client, "one")
    twilio.customer_writes("sms", SMS, "two")
    send(client, "three")
    listed = client.messages.list()
    assert [message.body for message in listed] == ["three", "two", "one"]
    assert [message.direction for message in listed][1] == "inbound"
    assert listed[1].status == "received"
    assert [message.body for message in twilio.messages()] == ["one", "three"]


def test_the_list_can_be_narrowed_by_either_end(twilio, client):
    send(client, "one")
    send(client, "two", to="+15550222")
    twilio.customer_writes("sms", "+15550222", "three")
    assert [m.body for m in client.messages.list(to="+15550222")] == ["two"]
    assert [m.body for m in client.messages.list(from_="+15550222")] == ["three"]
    assert client.messages.list(to="+15550333") == []


@pytest.fixture
def three_days(twilio, client, clock):
    """A message on each of three days, at nine in the morning."""
    for day in ("one", "two", "three"):
        send(client, day)
        twilio.drain()
        clock.advance(days=1)
    return clock.at - timedelta(days=3)


@pytest.mark.parametrize(
    ("narrow", "found"),
    [
        ({"date_sent_after": timedelta(days=1)}, ["three", "two"]),
        ({"date_sent_after": timedelta(days=1, seconds=1)}, ["three"]),
        ({"date_sent_before": timedelta(days=1)}, ["two", "one"]),
        ({"date_sent_before": timedelta(days=1, seconds=-1)}, ["one"]),
        ({"date_sent": timedelta(days=1)}, ["two"]),
        (
            {"date_sent_after": timedelta(hours=1), "date_sent_before": timedelta(hours=30)},
            ["two"],
        ),
    ],
    ids=["after, included", "after", "before, included", "before", "on the day", "between"],
)
def test_the_list_can_be_narrowed_by_date(client, three_days, narrow, found):
    given = {name: three_days + span for name, span in narrow.items()}
    assert [message.body for message in client.messages.list(**given)] == found


def test_a_day_means_all_of_it(client, three_days):
    day = three_days.date()
    assert len(client.messages.list(date_sent_before=f"{day}")) == 1
    assert len(client.messages.list(date_sent_after=f"{day}")) == 3
    assert len(client.messages.list(date_sent=f"{day}")) == 1


def test_what_was_not_sent_yet_has_no_date_to_be_found_by(twilio, client, clock):
    twilio.callbacks.delay = 60
    send(client)
    assert client.messages.list(date_sent_after=clock.at - SECOND) == []
    assert len(client.messages.list()) == 1


def test_pages_are_followed_to_the_end(twilio, client):
    for number in range(7):
        send(client, str(number))
    listed = client.messages.list(to=SMS, page_size=3)
    assert [message.body for message in listed] == list("6543210")
    asked = [e for e in twilio.journal.entries("twilio") if e.method == "GET"]
    assert [len(entry.response["messages"]) for entry in asked] == [3, 3, 1]
    assert asked[0].response["next_page_uri"].startswith("/2010-04-01/")


def test_a_message_that_comes_while_pages_are_turned_repeats_none(client):
    for number in range(4):
        send(client, str(number))
    first = client.messages.page(page_size=2)
    seen = [message.body for message in first]
    send(client, "new")
    assert seen + [message.body for message in first.next_page()] == list("3210")


def test_an_empty_page_is_a_page(client):
    assert list(client.messages.page()) == []


def test_a_text_can_be_redacted(client):
    made = send(client, "my card number")
    assert client.messages(made.sid).update(body="").body == ""
    assert client.messages(made.sid).fetch().body == ""


def test_a_finished_message_can_be_deleted(twilio, client):
    made = send(client)
    twilio.drain()
    assert client.messages(made.sid).delete()
    assert twilio.phone(SMS) == []
    with pytest.raises(TwilioRestException) as error:
        client.messages(made.sid).fetch()
    assert (error.value.status, error.value.code) == (404, 20404)


def test_a_message_on_its_way_cannot_be_deleted(twilio, client):
    twilio.callbacks.delay = 60
    made = send(client)
    with pytest.raises(TwilioRestException) as error:
        client.messages(made.sid).delete()
    assert error.value.code == 20009


def test_the_account_is_active_and_its_number_leads_to_the_bot(client, twilio):
    assert client.api.v2010.accounts(twilio.account_sid).fetch().status == "active"
    (number,) = client.incoming_phone_numbers.list(phone_number=FROM)
    assert number.sms_url == "https://bot.example.com/webhooks/sms"
    assert client.incoming_phone_numbers.list(phone_number="+15559999") == []


def test_typing_can_be_shown_for_a_message_on_whatsapp(twilio, client):
    heard = twilio.customer_writes("whatsapp", "+15550111", "Hi")
    indicator = client.messaging.v2.typing_indicator
    assert indicator.create(channel="whatsapp", message_id=heard.message_sid).success
    with pytest.raises(TwilioRestException):
        indicator.create(channel="whatsapp", message_id="SM" + "0" * 32)


def test_waiting_ends_when_it_comes_about_and_when_it_does_not(twilio, client):
    send(client)
    twilio.wait_for(lambda: twilio.phone(SMS)[0].status == "delivered", 5)
    with pytest.raises(TimeoutError):
        twilio.wait_for(lambda: len(twilio.phone(SMS)) == 2, 0.01)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("“hi”" + "a" * 66, 1),
        ("“hi”" + "a" * 67, 2),
        ("", 1),
    ],
)
def test_a_text_has_so_many_parts(text, count):
    assert segments(text) == count


def test_taking_a_message_costs_less_than_a_millisecond(twilio):
    form = MultiDict({"To": SMS, "From": FROM, "Body": "Hello"})
    took = []
    for _ in range(200):
        began = time.thread_time()
        twilio.account.deliver(twilio.account.take(form))
        took.append(time.thread_time() - began)
    assert statistics.median(took) < 0.001
