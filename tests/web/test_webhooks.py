"""The door: what is stored before it is acknowledged, and what is refused."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from handoff_bot.domain.errors import Malformed, Unauthentic
from handoff_bot.domain.messages import DeliveryStatus, DeliveryUpdate, InboundMessage
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.rate_limits import BucketCost, Rate, RateLimiter
from handoff_bot.storage.models import Work
from handoff_bot.web.application import LARGEST_BODY, create_web, webhooks
from handoff_bot.web.health import health
from tests.fakes import idle_worker

pytestmark = pytest.mark.on_sqlite

HELLO = InboundMessage("sms", "SM1", "+1555", "+1999", "hello")
FORM = "application/x-www-form-urlencoded"


class StubChannel:
    """Receives what it is told to."""

    def __init__(self) -> None:
        self.arrivals: list = [HELLO]
        self.error: Exception | None = None
        self.seen: list = []

    def receive(self, request):
        self.seen.append(request)
        if self.error:
            raise self.error
        return self.arrivals


@pytest.fixture
def channel():
    return StubChannel()


@pytest.fixture
def client(database, clock, channel):
    parts = [
        webhooks({"sms": channel}, Inbox(idle_worker(database, clock))),
        health(database, clock),
    ]
    return create_web(parts).test_client()


def stored(database) -> list:
    with database.read() as tx:
        return [(row.kind, row.lane, row.key) for row in tx.session.query(Work)]


@pytest.mark.on_both
def test_a_message_is_stored_before_the_answer(client, database):
    answer = client.post("/webhooks/sms", data="Body=hello", content_type=FORM)
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/xml", "<Response/>")
    assert stored(database) == [("inbound", "in:sms:+1555", "sms:SM1")]


@pytest.mark.on_both
def test_the_same_message_twice_is_stored_once(client, database):
    for _ in range(2):
        assert client.post("/webhooks/sms", data="", content_type=FORM).status_code == 200
    assert len(stored(database)) == 1


@pytest.mark.on_both
def test_every_state_of_a_delivery_is_stored(client, channel, database):
    for status in ("sent", "delivered", "delivered", "read"):
        channel.arrivals = [DeliveryUpdate("sms", "SM9", "our-id", DeliveryStatus(status))]
        client.post("/webhooks/sms/status?oid=our-id", data="", content_type=FORM)
    assert [key for _, _, key in stored(database)] == [
        "sms:SM9:sent::our-id",
        "sms:SM9:delivered::our-id",
        "sms:SM9:read::our-id",
    ]


def test_the_channel_sees_the_request_as_it_was_sent(client, channel):
    client.post(
        "/webhooks/sms/status?oid=a%7Eb&x=",
        data="Body=&Body=%20two+&From=%2B1555",
        content_type=FORM,
        headers={"X-Twilio-Signature": "abc"},
    )
    (request,) = channel.seen
    assert request.path == "/webhooks/sms/status"
    assert request.query == "oid=a%7Eb&x="
    assert request.form == (("Body", ""), ("Body", " two "), ("From", "+1555"))
    assert request.headers["x-twilio-signature"] == "abc"


@pytest.mark.parametrize(
    ("path", "options", "error", "status"),
    [
        ("/webhooks/sms", {"data": ""}, Unauthentic("x"), 403),
        ("/webhooks/sms", {"data": ""}, Malformed("The field From is missing."), 400),
        ("/webhooks/sms", {"data": b"x" * (LARGEST_BODY + 1)}, None, 413),
        ("/webhooks/sms", {"data": "Body=%FF"}, None, 400),
        ("/webhooks/sms", {"data": b"Body=\xff"}, None, 400),
        ("/webhooks/sms", {"data": "&".join(f"f{n}=1" for n in range(900))}, None, 400),
        ("/webhooks/sms", {"data": "{}", "content_type": "application/json"}, None, 400),
        ("/webhooks/pigeon", {"data": ""}, None, 404),
        ("/nowhere", {"data": ""}, None, 404),
    ],
    ids=[
        "unsigned",
        "missing field",
        "too large",
        "invalid UTF-8, encoded",
        "invalid UTF-8, raw",
        "too many fields",
        "not a form",
        "unknown channel",
        "unknown path",
    ],
)
def test_what_is_refused_stores_nothing(client, channel, database, path, options, error, status):
    channel.error = error
    answer = client.post(path, **({"content_type": FORM} | options))
    assert answer.status_code == status
    assert answer.mimetype == "text/plain"
    assert stored(database) == []


def test_only_post_is_taken(client):
    answer = client.get("/webhooks/sms")
    assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)


@pytest.fixture
def dead(database, monkeypatch):
    """The database goes away."""

    def refuse(*_):
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(database, "write", refuse)
    monkeypatch.setattr(database, "read", refuse)


def test_a_database_in_trouble_is_no_2xx(client, dead):
    assert client.post("/webhooks/sms", data="", content_type=FORM).status_code == 500


def test_health_tells_the_lag(client, clock):
    client.post("/webhooks/sms", data="", content_type=FORM)
    clock.advance(seconds=42)
    body = client.get("/healthz").json
    assert (body["status"], body["database"], body["parked"]) == ("behind", "ok", 0)
    assert body["lanes"]["in"] == {"waiting": 1, "lag_seconds": 42.0}
    assert body["oldest_due_seconds"] == 42.0


def test_health_counts_how_often_slack_asked_us_to_slow_down(client, database, clock):
    limiter = RateLimiter({"post": Rate(timedelta(seconds=1))})
    for channel in ("C1", "C2"):
        with database.write() as tx:
            limiter.hold(tx, (BucketCost(f"post:{channel}"),), 30, clock.now())
    told = {"post": {"times": 2, "last_at": clock.now().isoformat()}}
    assert client.get("/healthz").json["slowed_down"] == told


@pytest.mark.on_both
def test_health_is_503_without_a_database(client, dead):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["database"]) == (503, "failing")
