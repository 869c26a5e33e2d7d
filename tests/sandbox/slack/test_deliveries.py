"""Events that the bot does not take at once come again, with the same id."""

import threading
import time

import pytest

from handoff_sandbox.slack.delivery.deliveries import Deliveries
from handoff_sandbox.slack.delivery.links import Reply
from tests.sandbox.slack.conftest import TIMEOUT

OK = Reply(200, "", "")
ERROR = Reply(500, "", "http_error")
LATE = Reply(0, "", "http_timeout")


class Link:
    """Answers with the given replies in turn, then with OK."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.parcels = []

    def __call__(self, parcel):
        self.parcels.append(parcel)
        return self.replies.pop(0) if self.replies else OK

    def seen(self):
        return [(p.payload["event_id"], p.attempt, p.reason) for p in self.parcels]


@pytest.fixture
def run():
    """Runs deliveries over a link until the test ends."""
    running = []

    def start(link, retries=(0.0, 0.0, 0.0), **more):
        deliveries = Deliveries(link, retries, **more)
        running.append(deliveries)
        deliveries.start()
        return deliveries

    yield start
    for deliveries in running:
        deliveries.stop()


def event(number):
    return {"event_id": f"Ev{number}"}


def test_a_failed_event_comes_again_with_the_same_id_and_the_reason(run):
    link = Link(ERROR, LATE)
    deliveries = run(link)
    deliveries.enqueue(event(1))
    deliveries.drain(TIMEOUT)
    assert link.seen() == [("Ev1", 0, ""), ("Ev1", 1, "http_error"), ("Ev1", 2, "http_timeout")]
    (delivery,) = deliveries.find(lambda envelope: True)
    assert delivery.is_delivered


def test_slack_gives_up_in_the_end(run):
    link = Link(*[ERROR] * 9)
    deliveries = run(link)
    deliveries.enqueue(event(1))
    deliveries.drain(TIMEOUT)
    assert len(link.parcels) == 4
    assert not deliveries.find(lambda envelope: True)[0].is_delivered


def test_the_bot_can_ask_for_no_retry(run):
    link = Link(ERROR._replace(wants_no_retry=True))
    deliveries = run(link)
    deliveries.enqueue(event(1))
    deliveries.drain(TIMEOUT)
    assert len(link.parcels) == 1


def test_a_retry_does_not_hold_up_what_comes_later(run):
    link = Link(ERROR)
    deliveries = run(link, retries=[0.1])
    began = time.monotonic()
    deliveries.enqueue(event(1))
    deliveries.enqueue(event(2))
    deliveries.drain(TIMEOUT)
    assert [name for name, _, _ in link.seen()] == ["Ev1", "Ev2", "Ev1"]
    assert time.monotonic() - began >= 0.1


def test_what_does_not_fit_into_the_queue_is_lost_and_counted(run, caplog):
    gate = threading.Event()
    link = Link()

    def slow(parcel):
        gate.wait(TIMEOUT)
        return link(parcel)

    deliveries = run(slow, limit=1)
    for number in range(4):
        deliveries.enqueue(event(number))
    gate.set()
    deliveries.drain(TIMEOUT)
    assert deliveries.lost in (2, 3)
    assert len(link.parcels) == 4 - deliveries.lost
    assert "event lost" in caplog.text


def test_stopping_drops_what_waits(run):
    link = Link(ERROR)
    deliveries = run(link, retries=[60])
    deliveries.enqueue(event(1))
    with pytest.raises(TimeoutError):
        deliveries.drain(0.05)
    deliveries.stop()
    assert len(link.parcels) == 1


def test_a_bot_that_fails_hears_the_event_again(slack, bot, ana, queue):
    slack.retries = (0.0, 0.0)
    answers = iter([500, 200])

    @bot.web.before_request
    def fail_once():
        status = next(answers)
        return ("", status) if status != 200 else None

    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert len(bot.events()) == 1
    first, second = slack.journal.entries("slack", "/slack/events")
    assert (first.status, second.status, first.direction) == (500, 200, "out")
    assert first.request["event_id"] == second.request["event_id"]


@pytest.fixture
def retry_headers(bot):
    """The retry headers of each request that reached the bot."""
    headers = []

    @bot.app.middleware
    def look(req, next):
        headers.append(
            (
                req.headers.get("x-slack-retry-num", [None])[0],
                req.headers.get("x-slack-retry-reason", [None])[0],
            )
        )
        next()

    return headers


def test_a_retry_says_which_it_is_and_why(slack, bot, retry_headers, ana, queue):
    slack.retries = (0.0,)
    fails = iter([True])
    bot.web.before_request(lambda: ("", 503) if next(fails, False) else None)
    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert retry_headers == [("1", "http_error")]


def test_an_event_can_be_brought_again(slack, bot, retry_headers, ana, queue):
    slack.say(ana, queue, "Hello", duplicates=1)
    slack.drain(TIMEOUT)
    slack.redeliver(slack.events()[0].event_id)
    slack.drain(TIMEOUT)
    assert [body["event_id"] for body in bot.heard] == [slack.events()[0].event_id] * 3
    assert retry_headers == [(None, None), ("1", "http_timeout"), ("1", "http_timeout")]
    with pytest.raises(LookupError):
        slack.redeliver("Ev0")


def test_a_bot_that_is_not_there_is_tried_again(slack, ana, queue):
    slack.retries = (0.0,)
    slack.events_url = "http://127.0.0.1:9/slack/events"
    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert [reply.failure for reply in slack.events()[0].replies] == ["connection_failed"] * 2


def test_without_any_way_to_the_bot_events_fail(slack, ana, queue):
    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert slack.events()[0].replies[0].failure == "connection_failed"
