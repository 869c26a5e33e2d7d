"""Strangers who ask for much at once: people are kept for other customers, and nothing is lost."""

import itertools
import json
import time
import uuid
from datetime import timedelta

import pytest

from handoff_bot.domain.escalations import EscalationLimits, Quota, Step
from handoff_bot.jobs.job import enqueue_job
from handoff_bot.services.delivery import inbound_files
from handoff_bot.storage import queue, tallies
from handoff_bot.storage.models import Attachment, Escalation, Message
from handoff_bot.web.chat_limits import network_of
from tests.attacks.test_odd_requests import signed
from tests.channels.builders import inbound_form
from tests.samples import JPEG
from tests.web.conftest import ANA, ORIGIN
from tests.web.test_chat import identity

BUSY = "Our team is busy right now"
LIMITS = EscalationLimits()


class Visitor:
    """A browser at an address on the internet."""

    def __init__(self, house, address: str, **asked) -> None:
        self._client = house.client
        self._headers = {"Origin": ORIGIN, "X-Forwarded-For": address}
        answer = self.post("session", **asked)
        assert answer.status_code == 200, answer.text
        self._headers["Authorization"] = f"Bearer {answer.json['token']}"

    def post(self, path: str, **content):
        return self._client.post(f"/chat/{path}", json=content, headers=self._headers)

    def says(self, text: str, **more) -> None:
        answer = self.post("messages", id=str(uuid.uuid4()), text=text, **more)
        assert answer.status_code == 202, answer.text

    def wants_a_person(self) -> None:
        self.says("Talk to a person", person=True)

    def hands(self, data: bytes, message_id: str = ""):
        return self._client.post(
            "/chat/files",
            query_string={"id": message_id or str(uuid.uuid4()), "name": "photo.jpg"},
            data=data,
            headers=self._headers | {"Content-Type": "image/jpeg"},
        )

    def messages(self) -> list[dict]:
        events = self._client.get("/chat/poll", headers=self._headers).json["events"]
        return [event["data"] for event in events if event["event"] == "message"]

    def hears(self) -> list[str]:
        return [one["text"] for one in self.messages() if one["author"] != "visitor"]


def flood(house, count: int, addresses) -> list[Visitor]:
    """So many sessions, each of which asks for a person."""
    visitors = [Visitor(house, next(addresses)) for _ in range(count)]
    for visitor in visitors:
        visitor.wants_a_person()
    house.settle()
    return visitors


def one_address():
    return itertools.repeat("203.0.113.7")


def waiting(house) -> int:
    with house.database.read() as tx:
        return queue.count_held(tx)


def escalated(house) -> int:
    with house.database.read() as tx:
        return int(tx.session.query(Escalation).count())


def sms(house, number: str, text: str, sid: int) -> None:
    fields = {"MessageSid": f"SM{sid:032d}", "From": number, "Body": text}
    form = tuple((dict(inbound_form("sms")) | fields).items())
    body = "&".join(f"{name}={quoted(value)}" for name, value in form)
    headers = signed(form, "/webhooks/sms")
    assert house.client.post("/webhooks/sms", data=body, headers=headers).status_code == 200


def quoted(value: str) -> str:
    from urllib.parse import quote_plus

    return quote_plus(value)


def test_44_sessions_of_one_address_do_not_keep_a_real_customer_waiting(house, monkeypatch):
    flood(house, 30, one_address())
    house.clock.advance(seconds=63)
    late = time.time() + 63  # what the limits of requests look at
    monkeypatch.setattr(time, "time", lambda: late)
    flood(house, 14, one_address())
    assert len(house.desk.cards) == LIMITS.network.most
    assert waiting(house) == 44 - LIMITS.network.most
    known = Visitor(house, "203.0.113.7", identity=identity())
    known.wants_a_person()
    elsewhere = Visitor(house, "198.51.100.9")
    elsewhere.wants_a_person()
    sms(house, "+15555550177", "a human please", 1)
    house.settle()
    assert len(house.desk.cards) == LIMITS.network.most + 3
    assert not any(BUSY in text for one in (known, elsewhere) for text in one.hears())


def test_who_waits_is_told_so_in_their_language_and_keeps_the_assistant(house):
    flood(house, LIMITS.network.most, one_address())
    visitor = Visitor(house, "203.0.113.7")
    visitor.says("Mit einem Menschen sprechen", person=True, locale="de-AT")
    house.settle()
    assert "ausgelastet" in visitor.hears()[-1]
    visitor.says("What does delivery cost?")
    house.settle()
    assert visitor.hears()[-1].startswith("Answer") or "ausgelastet" not in visitor.hears()[-1]
    assert waiting(house) == 1


def test_nothing_is_lost_each_gets_a_person_when_the_limit_allows_the_oldest_first(house):
    count = LIMITS.network.most * 2 + 3
    visitors = flood(house, count, one_address())
    seen = [escalated(house)]
    while waiting(house):
        house.clock.at = LIMITS.network.ends(house.clock.now())
        house.settle()
        seen.append(escalated(house))
        assert len(seen) < 10
    assert seen == [5, 10, 13]
    with house.database.read() as tx:
        opened = [
            tx.session.get_one(Message, row.message_id).id
            for row in tx.session.query(Escalation).order_by(Escalation.id)
        ]
    assert opened == sorted(opened)
    assert len(house.desk.cards) == count
    assert any("connecting you" in text for text in visitors[-1].hears())


def test_who_is_held_when_the_window_has_been_looked_at_already_is_let_in_all_the_same(house):
    """Another process's clock may be a second behind, or its transaction may take that long."""
    flood(house, LIMITS.network.most + 1, one_address())
    ends = LIMITS.network.ends(house.clock.now())
    house.clock.at = ends
    house.settle()
    assert waiting(house) == 0
    house.clock.at = ends - timedelta(seconds=1)
    flood(house, 1, one_address())
    assert waiting(house) == 1
    house.clock.at = ends + timedelta(seconds=1)
    house.settle()
    assert waiting(house) == 0
    assert escalated(house) == LIMITS.network.most + 2


def test_one_digest_in_the_queue_channel_says_how_many_wait_and_the_window_lists_them(house):
    flood(house, 12, one_address())
    house.clock.advance(seconds=10)
    house.settle()
    (post,) = house.desk.told[house.desk.queue_channel]
    assert post.text.startswith("7 customers ask for an agent")
    (board,) = house.desk.boards.values()
    assert board.held == 7
    page = house.core.queue.page(filter_all(), 0)
    assert page.held_in_all == 7
    assert page.held[0].text == "Talk to a person"
    flood(house, 3, one_address())
    house.clock.advance(seconds=10)
    house.settle()
    assert len(house.desk.told[house.desk.queue_channel]) == 1


def filter_all():
    from handoff_bot.domain.desk import Filter

    return Filter()


def test_a_network_of_ipv6_is_one_address(house):
    addresses = (f"2001:db8:1:2:{n:x}::{n:x}" for n in itertools.count(1))
    flood(house, 12, addresses)
    assert len(house.desk.cards) == LIMITS.network.most
    flood(house, 1, iter(["2001:db8:1:3::1"]))
    assert len(house.desk.cards) == LIMITS.network.most + 1


def test_strangers_of_many_addresses_are_counted_together(house):
    addresses = (f"198.51.{n // 200}.{n % 200 + 1}" for n in itertools.count())
    flood(house, LIMITS.strangers.most + 4, addresses)
    assert len(house.desk.cards) == LIMITS.strangers.most
    assert waiting(house) == 4
    sms(house, "+15555550178", "a human please", 2)
    house.settle()
    assert len(house.desk.cards) == LIMITS.strangers.most + 1


def test_a_number_that_asks_again_and_again_waits_after_some_times(house):
    for turn in range(LIMITS.conversation.most + 2):
        sms(house, "+15555550199", "a human please", 100 + turn)
        house.settle()
        with house.database.read() as tx:
            newest = tx.session.query(Escalation).order_by(Escalation.id.desc()).first()
            number, status = newest.id, newest.status
        if status == "queued":
            house.core.escalations.take(Step.CLAIM, number, ANA)
            house.core.escalations.take(Step.RESOLVE, number, ANA)
            house.settle()
    assert escalated(house) == LIMITS.conversation.most
    assert waiting(house) == 1
    house.clock.at = LIMITS.conversation.ends(house.clock.now())
    house.settle()
    assert escalated(house) == LIMITS.conversation.most + 1


def test_counts_are_shared_by_all_who_count_and_take_all_or_nothing(database, clock):
    quotas = {"a": Quota(3, timedelta(minutes=1)), "b": Quota(2, timedelta(minutes=1))}
    found = []
    for _ in range(4):
        with database.write() as tx:
            found.append(tallies.take(tx, quotas, clock.now()))
    assert found == ["", "", "b", "b"]
    with database.write() as tx:
        assert tallies.take(tx, {"a": quotas["a"]}, clock.now()) == ""
        assert tallies.take(tx, {"a": quotas["a"]}, clock.now()) == "a"
        assert tallies.take(tx, {"c": Quota(5, timedelta(minutes=1))}, clock.now(), 6) == "c"
    clock.advance(minutes=1)
    with database.write() as tx:
        tallies.prune(tx, clock.now() + timedelta(seconds=1), 10)
        assert tallies.take(tx, quotas, clock.now(), 2) == ""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::/64"),
        ("203.0.113.7:x", "unknown"),
        ("[]:1", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        ("x\x00", "unknown"),
    ],
)
def test_a_client_is_known_by_its_network(address, network):
    assert network_of(address) == network


# -- what is stored


def test_3000_marks_with_made_up_ids_store_nothing(house):
    visitor = Visitor(house, "203.0.113.7")
    for turn in range(30):
        made_up = [f"made-up-{turn}-{n}" for n in range(100)]
        assert visitor.post("marks", delivered=made_up, read=made_up).status_code == 204
    assert house.rows("delivery") == 0


def test_marks_of_another_visitors_messages_have_no_effect(house):
    dana, eve = Visitor(house, "203.0.113.7"), Visitor(house, "198.51.100.9")
    for one in (dana, eve):
        one.says("hello")
    house.settle()
    (oid,) = [one["oid"] for one in dana.messages() if one["oid"]]
    assert eve.post("marks", read=[oid]).status_code == 204
    assert house.rows("delivery") == 0
    for _ in range(3):
        assert dana.post("marks", read=[oid, oid], delivered=[oid]).status_code == 204
        house.settle()
    assert house.rows("delivery") == 2


def test_the_same_file_under_one_id_is_kept_once(house):
    visitor, message_id = Visitor(house, "203.0.113.7"), str(uuid.uuid4())
    for _ in range(3):
        assert visitor.hands(JPEG, message_id).status_code == 202
    answer = visitor.hands(JPEG + b"x", message_id)
    assert (answer.status_code, answer.json["error"]) == (400, "malformed")
    house.settle()
    with house.database.read() as tx:
        assert tx.session.query(Attachment).count() == 1
    assert len([one for one in visitor.messages() if one["files"]]) == 1


@pytest.mark.parametrize("limit", ["OF_ONE", "OF_NETWORK", "OF_ALL", "KEPT"])
def test_uploads_beyond_a_quota_are_refused_until_it_is_over(house, monkeypatch, limit):
    quota = Quota(len(JPEG) * 2, timedelta(hours=1))
    monkeypatch.setattr(inbound_files, limit, quota)
    first, second = Visitor(house, "203.0.113.7"), Visitor(house, "203.0.113.7")
    third = Visitor(house, "198.51.100.9")
    assert [first.hands(JPEG).status_code for _ in range(2)] == [202, 202]
    answer = first.hands(JPEG)
    assert (answer.status_code, answer.json["error"]) == (429, "too_often")
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    expected = {"OF_ONE": [202, 202], "OF_NETWORK": [429, 202]}.get(limit, [429, 429])
    assert [one.hands(JPEG).status_code for one in (second, third)] == expected
    house.clock.advance(hours=1)
    assert first.hands(JPEG).status_code == 202


def test_messages_that_nobody_has_read_yet_are_bounded(house):
    visitor = Visitor(house, "203.0.113.7")
    with house.database.write() as tx:
        from handoff_bot.jobs.job import NewJob

        address = json.loads(visitor.post("session").text)["visitor"]
        for number in range(50):
            lane = f"in:webchat:{address}"
            enqueue_job(tx, NewJob("later", lane, {}, house.clock.now(), key=f"x{number}"))
    answer = visitor.post("messages", id=str(uuid.uuid4()), text="one more")
    assert (answer.status_code, answer.json["error"]) == (429, "too_often")
    assert int(answer.headers["Retry-After"]) > 0
