"""Streams: who waits is woken by whatever any process does, and is let go in the end."""

import threading
import time

import pytest

from handoff_bot.domain.customers import Cursor
from handoff_bot.domain.escalations import Step
from handoff_bot.web import chat_stream
from handoff_bot.web.chat_stream import Full, Watchers
from tests.web.conftest import events

pytestmark = pytest.mark.on_sqlite

PATIENCE = 20.0


class Listener:
    """A visitor's page: collects what its stream says."""

    def __init__(self, shop, address: str, cursor: Cursor = Cursor()) -> None:  # noqa: B008 - frozen
        self.found: list = []
        self._changed = threading.Condition()
        self._room, self._stream = shop.streams.stream(address, cursor)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for chunk in self._stream:
            with self._changed:
                self.found += events(chunk)
                self._changed.notify_all()
        self._room.close()
        with self._changed:
            self.found.append(("end", {}))
            self._changed.notify_all()

    def wait(self, wanted) -> dict:
        with self._changed:
            assert self._changed.wait_for(lambda: any(wanted(*e) for e in self.found), PATIENCE)
        return next(data for kind, data in self.found if wanted(kind, data))

    def hears(self, text: str) -> dict:
        return self.wait(lambda kind, data: kind == "message" and text in data["text"])

    def is_told(self, **state) -> dict:
        return self.wait(
            lambda kind, data: kind == "state" and all(data[k] == v for k, v in state.items())
        )

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def page(shop):
    """A visitor with a page that listens: browser, listener."""
    browser = shop.browser()
    address = shop.site.sessions.visitor(browser.headers["Authorization"].split()[1]).address
    listener = Listener(shop, address)
    yield browser, listener
    shop.watchers.close()
    listener.join()


def test_a_stream_begins_with_how_things_stand(page):
    _, listener = page
    assert listener.is_told(phase="assistant")["typing"] is False


def test_a_stream_brings_whatever_happens(shop, page):
    browser, listener = page
    browser.says("Talk to a person", person=True)
    listener.is_told(typing=True)
    shop.settle()
    listener.hears("connecting you")
    listener.is_told(phase="waiting", position=1)
    shop.take(Step.CLAIM)
    listener.is_told(phase="agent", agent="Ana")
    shop.replies("Hello from Ana")
    assert listener.hears("Hello from Ana")["author"] == "agent"


@pytest.mark.on_both
def test_a_stream_goes_on_after_the_last_message_that_was_seen(shop, page):
    browser, first = page
    browser.says("one")
    shop.settle()
    first.hears("Answer to: one")
    cursor = browser.poll().json["cursor"].partition("~")[0]
    browser.says("two")
    shop.settle()
    address = shop.site.sessions.visitor(browser.headers["Authorization"].split()[1]).address
    again = Listener(shop, address, Cursor.parse(cursor))
    again.hears("Answer to: two")
    texts = [data["text"] for kind, data in again.found if kind == "message"]
    assert texts == ["two", "Answer to: two"]
    shop.watchers.close()
    again.join()


def test_who_waits_in_the_queue_hears_that_it_moves(shop, page, monkeypatch):
    monkeypatch.setattr(chat_stream, "QUEUE_EVERY", 0.0)
    before = shop.browser()
    before.says("Talk to a person", person=True)
    shop.settle()
    browser, listener = page
    browser.says("Talk to a person", person=True)
    shop.settle()
    listener.is_told(phase="waiting", position=2)
    shop.take(Step.CLAIM, 1)
    listener.is_told(phase="waiting", position=1)


@pytest.mark.on_both
def test_a_long_poll_waits_for_news(shop):
    browser = shop.browser()
    cursor = browser.poll().json["cursor"]
    answers = []
    thread = threading.Thread(target=lambda: answers.append(browser.poll(cursor, wait=20).json))
    thread.start()
    browser.says("hello")
    thread.join(PATIENCE)
    (answer,) = answers
    assert answer["cursor"] != cursor


def test_there_is_room_for_so_many_and_no_more(shop):
    browsers = [shop.browser() for _ in range(4)]
    answers = [shop.client.get("/chat/events", headers=b.headers) for b in browsers]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 503]
    assert answers[-1].headers["Retry-After"]
    answers[0].close()
    again = shop.client.get("/chat/events", headers=browsers[3].headers)
    assert again.status_code == 200
    for answer in (*answers, again):
        answer.close()


def test_a_poll_without_room_answers_at_once(shop):
    with shop.watchers.watch("a"), shop.watchers.watch("b"), shop.watchers.watch("c"):
        browser = shop.browser()
        cursor = browser.poll().json["cursor"]
        assert browser.poll(cursor, wait=25).status_code == 200


def test_a_stream_looks_by_itself_when_no_hint_comes(shop, monkeypatch):
    monkeypatch.setattr(chat_stream, "HEARTBEAT", 0.01)
    monkeypatch.setattr(chat_stream.Watch, "wake", lambda self: None)
    browser = shop.browser()
    address = shop.site.sessions.visitor(browser.headers["Authorization"].split()[1]).address
    listener = Listener(shop, address)
    listener.is_told(phase="assistant")
    browser.says("hello")
    shop.settle()
    listener.hears("Answer to: hello")
    shop.watchers.close()
    listener.join()


def test_one_visitor_cannot_take_all_the_room(database):
    watchers = Watchers(database, "webchat", limit=100)
    rooms = [watchers.watch("same") for _ in range(chat_stream.PER_VISITOR)]
    for room in rooms:
        room.__enter__()
    with pytest.raises(Full), watchers.watch("same"):
        pass
    with watchers.watch("another"):
        pass
    for room in rooms:
        room.__exit__(None, None, None)
    watchers.close()


def test_when_it_ends_everybody_is_let_go_and_nobody_let_in(shop, page):
    _, listener = page
    listener.is_told(phase="assistant")
    shop.watchers.close()
    listener.wait(lambda kind, data: kind == "end")
    with pytest.raises(Full), shop.watchers.watch("late"):
        pass


@pytest.mark.on_both
def test_a_database_in_trouble_ends_no_stream(shop, page, monkeypatch):
    monkeypatch.setattr(chat_stream, "TROUBLE", 0.0)
    browser, listener = page
    listener.is_told(phase="assistant")
    struck = threading.Event()

    def fail(*_):
        struck.set()
        raise OSError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(chat_stream.visitors, "events_after", fail)
        assert struck.wait(PATIENCE)
    browser.says("hello")
    shop.settle()
    listener.hears("Answer to: hello")


@pytest.mark.on_both
def test_lines_of_the_log_that_come_late_are_read(database, clock):
    from sqlalchemy import insert

    from handoff_bot.storage.models import Event
    from handoff_bot.storage.transaction import table_of

    tail = chat_stream._Tail(database)

    def write(number: int) -> None:
        with database.write() as tx:
            row = {"id": number, "at": clock.now(), "kind": f"k{number}", "data": {}}
            tx.core.execute(insert(table_of(Event)), row)

    write(1)
    write(3)
    assert [line.id for line in tail.read()] == [1, 3]
    assert tail.read() == []
    write(2)
    assert [line.id for line in tail.read()] == [2]
    assert tail.read() == []


def test_a_number_that_never_comes_is_forgotten(database, clock, monkeypatch):
    tail = chat_stream._Tail(database)
    tail._missing = {7: time.monotonic() - 1}
    tail.read()
    assert tail._missing == {}
