"""The stand-ins' server, seen by unchanged HTTP clients: keep-alive, faults, real drops, the journal."""

import http.client
import json
import threading
import time

import pytest
import requests
from flask import Flask, request

from handoff_sandbox.server import UNANSWERED, Entry, Faults, Journal, Server

TIMEOUT = 5


@pytest.fixture
def orders():
    """What took effect."""
    return []


@pytest.fixture
def app(orders):
    flask = Flask("shop")

    @flask.post("/orders/<what>")
    def order(what):
        orders.append(what)
        return {"ordered": what, "body": request.get_data(as_text=True)}

    @flask.get("/about")
    def about():
        return "a shop"

    return flask


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def faults():
    return Faults(seed=1)


@pytest.fixture
def server(app, journal, faults):
    with Server(app, "twilio", journal, faults) as running:
        yield running


def order(server, what="tea", session=requests, **more):
    return session.post(f"{server.url}/orders/{what}", timeout=TIMEOUT, **more)


def test_it_answers_what_the_app_answers(server):
    answer = order(server, json={"cups": 2})
    assert answer.status_code == 200
    assert answer.json() == {"ordered": "tea", "body": '{"cups": 2}'}


def test_one_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]))
    connection.connect()
    ours = connection.sock
    for what in ("tea", "coffee"):
        connection.request("POST", f"/orders/{what}", body="x" * 100_000)
        assert json.loads(connection.getresponse().read())["ordered"] == what
    assert connection.sock is ours
    connection.close()


def test_a_client_that_wants_the_connection_closed_is_told_that_it_is(server):
    with requests.Session() as session:
        for _ in range(20):
            answer = order(server, session=session, headers={"Connection": "close"})
            assert answer.headers["Connection"] == "close"


def test_a_chunked_body_is_read_whole(server):
    answer = order(server, data=iter([b"one ", b"two"]))
    assert answer.json()["body"] == "one two"


def test_the_answer_to_head_has_no_body(server):
    with requests.Session() as session:
        assert session.head(f"{server.url}/about", timeout=TIMEOUT).headers["Content-Length"] == "6"
        assert session.get(f"{server.url}/about", timeout=TIMEOUT).text == "a shop"


def test_a_taken_port_is_an_error(server, app, journal, faults):
    with pytest.raises(OSError, match="in use"):
        Server(app, "twilio", journal, faults, port=int(server.url.rpartition(":")[2]))


def test_a_server_that_never_started_can_be_stopped(app, journal, faults):
    Server(app, "twilio", journal, faults).stop()


def test_stopping_ends_open_connections_and_threads(app, journal, faults):
    before = set(threading.enumerate())
    with requests.Session() as session:
        with Server(app, "twilio", journal, faults) as server:
            order(server, session=session)
        assert set(threading.enumerate()) <= before
        with pytest.raises(requests.ConnectionError):
            order(server, session=session)


def test_a_drop_before_leaves_nothing_done(server, faults, orders):
    faults.add("/orders/*", drop="before", count=1)
    with pytest.raises(requests.ConnectionError):
        order(server)
    assert orders == []


def test_a_drop_after_leaves_it_done_and_the_caller_in_the_dark(server, faults, orders, journal):
    faults.add("/orders/*", drop="after", count=1)
    with pytest.raises(requests.ConnectionError):
        order(server)
    assert orders == ["tea"]
    (entry,) = journal.entries()
    assert entry.status == UNANSWERED
    assert entry.response["ordered"] == "tea"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_http_fault_is_answered_and_nothing_is_done(server, faults, orders, status):
    faults.add("/orders/tea", status=status, retry_after=7)
    answer = order(server)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert orders == []
    assert order(server, "coffee").status_code == 200


def test_a_fault_strikes_as_often_as_it_was_told(server, faults):
    faults.add("*", status=500, count=2)
    assert [order(server).status_code for _ in range(4)] == [500, 500, 200, 200]


def test_nothing_goes_wrong_after_clear(server, faults):
    faults.add("*", status=500)
    faults.clear()
    assert order(server).status_code == 200


def test_latency_delays_and_adds_to_another_fault(server, faults):
    faults.add("*", latency=0.1)
    faults.add("*", latency=0.1, status=503)
    began = time.monotonic()
    assert order(server).status_code == 503
    assert time.monotonic() - began >= 0.2


def test_a_probable_fault_strikes_about_so_often_and_the_same_way_with_one_seed():
    def strikes(seed):
        faults = Faults(seed)
        faults.add("*", status=500, probability=0.25)
        return [faults.strike("/").status == 500 for _ in range(1000)]

    assert 200 < sum(strikes(1)) < 300
    assert strikes(1) == strikes(1) != strikes(2)


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        pytest.param({"json": {"a": [1]}}, {"a": [1]}, id="json"),
        pytest.param({"data": {"a": "1", "b": ""}}, {"a": "1", "b": ""}, id="form"),
        pytest.param({"data": [("m", "1"), ("m", "2")]}, {"m": ["1", "2"]}, id="repeated field"),
        pytest.param({"params": {"q": "1"}}, {"q": "1"}, id="query"),
        pytest.param({"data": b"\xff\xfe"}, {"bytes": 2}, id="bytes"),
        pytest.param(
            {"data": b"{", "headers": {"Content-Type": "application/json"}},
            {"bytes": 1},
            id="broken json",
        ),
    ],
)
def test_the_journal_keeps_requests_readable(server, journal, sent, written):
    order(server, **sent)
    (entry,) = journal.entries("twilio", "/orders/*")
    assert entry.request == written
    assert (entry.method, entry.status, entry.direction) == ("POST", 200, "in")
    assert entry.response["ordered"] == "tea"


def test_the_journal_keeps_no_secrets(server, journal):
    secret = {"token": "xoxb-1", "a": "1"}
    order(server, data=secret, headers={"Authorization": "Bearer xoxb-2"})
    (entry,) = journal.entries()
    assert entry.request == {"a": "1"}
    assert "xoxb-2" not in repr(entry)


def entry(path, who="slack"):
    return Entry(1.0, who, "in", "POST", path, {}, 200, {"ok": True})


def test_the_journal_filters_by_whose_and_where(journal):
    for one in (entry("/a/1"), entry("/a/2", "openai"), entry("/b")):
        journal.add(one)
    assert [e.path for e in journal.entries("slack")] == ["/a/1", "/b"]
    assert [e.path for e in journal.entries(path="/a/*")] == ["/a/1", "/a/2"]


def test_waiting_finds_what_is_there_and_what_comes(journal):
    journal.add(entry("/there"))
    assert journal.wait_for(lambda e: e.path == "/there", timeout=0).path == "/there"
    soon = threading.Timer(0.05, lambda: journal.add(entry("/comes")))
    soon.start()
    assert journal.wait_for(lambda e: e.path == "/comes", timeout=TIMEOUT).path == "/comes"
    soon.join()


def test_waiting_in_vain_ends(journal):
    with pytest.raises(TimeoutError):
        journal.wait_for(lambda e: True, timeout=0.01)


def test_the_journal_forgets_the_oldest_and_its_file_does_not(tmp_path):
    file = tmp_path / "journal.jsonl"
    journal = Journal(file, limit=2)
    for number in range(3):
        journal.add(entry(f"/{number}"))
    journal.close()
    assert [e.path for e in journal.entries()] == ["/1", "/2"]
    lines = file.read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["/0", "/1", "/2"]
