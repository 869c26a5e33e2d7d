"""Tickets as signed requests, taken by a receiver that verifies as docs/tickets.md says."""

import json
from dataclasses import replace

import pytest
from flask import Flask, request

from handoff_bot.connectors.checks import check_webhook
from handoff_bot.connectors.webhook import WebhookConnector
from handoff_bot.domain.errors import ConnectorError
from handoff_sandbox.server import Faults, Journal, Server
from tests.connectors.conftest import RECORD, SOLVED, TAKEN, Receiver, verify_of_the_documents

PATH = "/handoff"


def test_a_ticket_arrives_signed_and_whole(webhook, receiver):
    assert webhook.put(SOLVED, "") == ""
    (event,) = receiver.events
    assert (event["type"], event["revision"]) == ("ticket.changed", 3)
    assert event["ticket"] == {
        "key": RECORD.key,
        "number": 12,
        "subject": "Where is my parcel?",
        "contact": "Dana",
        "address": "+15550001",
        "channel": "whatsapp",
        "reason": "request",
        "priority": "high",
        "status": "solved",
        "assignee": "Ana",
        "tags": [],
        "outcome": "answered",
        "summary": "The parcel is a week late.",
        "created_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:00Z",
        "solved_at": None,
        "link": "https://acme.slack.test/archives/C1/p1",
    }


def test_passwords_that_the_machine_knows_stay_there(clock, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    app, seen = Flask(__name__), []
    app.post("/")(lambda: seen.append(dict(request.headers)) or "")
    server = Server(app, "webhook", Journal(), Faults()).start()
    WebhookConnector(f"{server.url}/", ["a-secret"], clock).put(RECORD, "")
    server.stop()

    (headers,) = seen
    assert "Handoff-Signature" in headers
    assert "Authorization" not in headers


@pytest.mark.parametrize("secret", ["old-secret", "new-secret"])
def test_while_a_secret_is_replaced_both_are_believed(webhook, clock, secret):
    with Receiver(secret, clock) as receiver:
        WebhookConnector(receiver.url, ["old-secret", "new-secret"], clock).put(RECORD, "")
        assert len(receiver.events) == 1


def test_a_forged_request_is_seen_through(receiver, clock):
    forger = WebhookConnector(receiver.url, ["guessed"], clock)
    with pytest.raises(ConnectorError) as refused:
        forger.put(RECORD, "")
    assert (refused.value.permanent, receiver.events, receiver.refused) == (True, [], 1)


def test_what_is_old_or_was_changed_is_seen_through(webhook, receiver, clock):
    sent = []
    ask = webhook._peer.ask
    object.__setattr__(webhook._peer, "ask", lambda *a, **how: sent.append(how) or ask(*a, **how))
    webhook.put(RECORD, "")
    header, body = sent[0]["headers"]["Handoff-Signature"], sent[0]["data"]
    verify, now = verify_of_the_documents(), clock.now().timestamp()
    assert verify("old-secret", header, body, now)
    assert not verify("old-secret", header, body.replace(b"high", b"low"), now)
    assert not verify("old-secret", header, body, now + 301)
    assert not verify("old-secret", header.replace("t=1", "t=2"), body, now)
    assert not verify("old-secret", "", body, now)


def test_the_same_state_sent_twice_is_one_event(webhook, receiver, clock):
    receiver.faults.add(PATH, drop="after", count=1)
    with pytest.raises(ConnectorError) as lost:
        webhook.put(RECORD, "")
    assert not lost.value.permanent
    clock.advance(seconds=30)
    webhook.put(RECORD, "")
    assert len(receiver.events) == 1


def test_another_state_of_the_same_work_is_another_event(webhook, receiver):
    webhook.put(RECORD, "")
    webhook.put(replace(TAKEN, revision=RECORD.revision), "")
    assert [event["ticket"]["status"] for event in receiver.events] == ["open", "pending"]


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (410, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_refusals_are_for_good_and_troubles_are_not(webhook, receiver, status, permanent):
    receiver.faults.add(PATH, status=status)
    with pytest.raises(ConnectorError) as refused:
        webhook.put(RECORD, "")
    assert (refused.value.permanent, refused.value.code) == (permanent, str(status))


def test_it_says_when_to_come_back(webhook, receiver):
    receiver.faults.add(PATH, status=503, retry_after=40)
    with pytest.raises(ConnectorError) as busy:
        webhook.put(RECORD, "")
    assert busy.value.retry_after == 40


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("Mon, 23 Nov 2026 09:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 08:00:00 GMT", 0),
        ("999999", 3600),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
    ids=["date", "past", "too-long", "words", "nothing", "negative"],
)
def test_a_pause_is_understood_in_both_forms(webhook, given, seconds):
    assert webhook._peer._pause({"Retry-After": given}) == seconds


def test_redirects_are_not_followed(receiver, clock):
    sink = WebhookConnector(receiver.url.replace(PATH, "/moved"), ["old-secret"], clock)
    with pytest.raises(ConnectorError) as moved:
        sink.put(RECORD, "")
    assert (moved.value.permanent, receiver.events) == (True, [])


def test_nobody_there_is_a_trouble_of_now(receiver, webhook):
    receiver.__exit__()
    with pytest.raises(ConnectorError) as nobody:
        webhook.put(RECORD, "")
    assert not nobody.value.permanent
    assert "/handoff" not in str(nobody.value)  # an address may hold a secret


def test_hostile_words_stay_words(webhook, receiver):
    subject = '"},"status":"solved\u2028\x00\ud83d\ude00 سلام'
    webhook.put(
        replace(
            RECORD, subject=subject.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        ),
        "",
    )
    (event,) = receiver.events
    assert (event["ticket"]["status"], "سلام" in event["ticket"]["subject"]) == ("open", True)


def test_the_doctor_sends_a_ping(webhook, receiver, clock):
    (finding,) = check_webhook(webhook)
    assert finding.ok
    assert [event["type"] for event in receiver.events] == ["ping"]
    (finding,) = check_webhook(WebhookConnector(receiver.url, ["wrong"], clock))
    assert not finding.ok
    assert "wrong" not in finding.words


def test_the_journal_of_the_receiver_shows_what_was_sent(webhook, receiver):
    webhook.put(RECORD, "")
    (entry,) = receiver.journal.entries("webhook")
    assert json.loads(json.dumps(entry.request))["ticket"]["number"] == 12
