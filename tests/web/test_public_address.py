"""The doctor's check of the public address: what answers there, and what that proves."""

import socket
import ssl
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses

from handoff_bot import app
from handoff_bot.channels import TWILIO
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.services.ai_turns.inbound import as_work
from handoff_bot.services.public_address import InstanceProof, SignedArrivals
from handoff_bot.web.application import create_web, store
from handoff_bot.web.health import health
from handoff_bot.web.public_address import check_public_address, end_of_certificate, instance_page
from tests.certificates import for_localhost
from tests.channels.builders import ACCOUNT, inbound_form, received, status_form
from tests.fakes import idle_worker

BASE = "https://bot.example.com"
OURS = {"json": {"status": "ok"}}
UNKNOWN = {"status": 404, "json": {"status": "unknown"}}
pytestmark = pytest.mark.on_sqlite


class Nonces:
    """A proof that always asks the same."""

    def ask(self):
        return "nonce"


def check(base=BASE, proof=None, *, address="93.184.216.34", now=None, expires=lambda *_: None):
    def resolve(host, port):
        return [address]

    now = now or datetime.now(UTC)
    return list(check_public_address(base, proof, now, resolve, expires))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"body": "<html>Welcome to nginx"}, "another program answers there"),
        ({"status": 502, "body": "Bad Gateway"}, "status 502"),
        ({"status": 301, "headers": {"Location": f"{BASE}/x"}}, "redirects"),
        (
            {"body": requests.ConnectionError("refused")},
            "no answer (ConnectionError); start the bot",
        ),
        ({"body": requests.exceptions.SSLError("expired")}, "certificate is not valid"),
    ],
)
@pytest.mark.parametrize("proof", [None, Nonces()])
@responses.activate
def test_the_public_address_must_lead_to_the_bot(answer, said, proof):
    for path in ("/livez", "/livez/nonce"):
        responses.get(f"{BASE}{path}", **answer)
    (found,) = check(f"{BASE}/", proof)
    assert not found.ok
    assert said in found.words


@responses.activate
def test_another_instance_is_told_from_this_one():
    responses.get(f"{BASE}/livez", **OURS)
    responses.get(f"{BASE}/livez/nonce", **UNKNOWN)
    (found,) = check(proof=Nonces())
    assert not found.ok
    assert "another Handoff answers there, with another database" in found.words


@responses.activate
def test_what_was_proven_is_said_as_it_is():
    responses.get(f"{BASE}/livez", **OURS)
    responses.get(f"{BASE}/livez/nonce", **OURS)
    assert check()[0].words == f"{BASE} leads to a Handoff, asked from this machine"
    proven = check(proof=Nonces())[0]
    assert proven.ok
    assert proven.words == (
        f"{BASE} leads to this bot, with this database, asked from this machine"
    )
    assert "here the name leads to 10.0.0.7" in check(address="10.0.0.7")[0].words


@responses.activate
def test_an_unencrypted_address_is_mentioned():
    responses.get("http://bot.example.com/livez", **OURS)
    assert "not https" in check("http://bot.example.com")[0].words


def test_a_name_without_an_address_is_said_so():
    def resolve(host, port):
        raise socket.gaierror

    (found,) = check_public_address(BASE, None, datetime.now(UTC), resolve)
    assert not found.ok
    assert "bot.example.com has no address; create a DNS record" in found.words


@pytest.mark.parametrize("host", [".example.com", f"{'a' * 64}.example.com"])
def test_a_name_that_dns_cannot_hold_is_said_so(host):
    (found,) = check_public_address(f"https://{host}", None, datetime.now(UTC))
    assert not found.ok
    assert "has no address" in found.words


# -- over TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return for_localhost(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def port(certificate):
    """A port of this machine where every request is answered as our bot does, over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                made, _ = listening.accept()
                with context.wrap_socket(made, server_side=True) as client:
                    client.recv(10_000)
                    client.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                        b'Content-Length: 16\r\n\r\n{"status": "ok"}'
                    )
            except ssl.SSLError:
                continue
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


@pytest.mark.parametrize(
    ("days_before", "is_fine"), [(0, False), (20, True)], ids=["ends in two days", "in 22 days"]
)
def test_a_certificate_that_ends_soon_is_named(
    monkeypatch, certificate, port, days_before, is_fine
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    now = datetime.now(UTC) - timedelta(days=days_before)
    address, found = check(
        f"https://localhost:{port}", address="127.0.0.1", now=now, expires=end_of_certificate
    )
    assert address.ok
    assert (found.what, found.ok) == ("certificate", is_fine)
    assert ("renew it" in found.words) is not is_fine
    assert f"valid for {days_before + 1} more day" in found.words


def test_a_certificate_of_an_unknown_authority_is_named(port):
    (found,) = check(f"https://localhost:{port}", address="127.0.0.1")
    assert not found.ok
    assert "the certificate is not valid (self-signed certificate)" in found.words


# -- the bot's side


@pytest.fixture
def client(database, clock):
    parts = [health(database, clock), instance_page(InstanceProof(database, clock))]
    return create_web(parts).test_client()


@pytest.mark.on_both
def test_only_the_bot_with_the_same_database_knows_the_nonce(client, database, clock):
    nonce = InstanceProof(database, clock).ask()
    assert client.get(f"/livez/{nonce}").json == {"status": "ok"}
    for wrong in ("x", nonce[:-1], "n" * 500):
        assert client.get(f"/livez/{wrong}").status_code == 404


def test_a_nonce_ends_after_two_minutes_and_others_do_not_replace_it(client, database, clock):
    first = InstanceProof(database, clock).ask()
    InstanceProof(database, clock).ask()
    assert client.get(f"/livez/{first}").status_code == 200
    clock.advance(minutes=3)
    assert client.get(f"/livez/{first}").status_code == 404


# -- what arrived from outside


@pytest.mark.on_both
def test_the_last_signed_webhook_is_the_proof_from_outside(database, clock):
    arrivals, inbox = SignedArrivals(database, clock), Inbox(idle_worker(database, clock))
    assert (
        "none lately; to see one arrive, write a message" in arrivals.check(app.FROM_TWILIO).words
    )
    for arrival in received(TWILIO["sms"](ACCOUNT), status_form("sms")):
        store(inbox, arrival)
    clock.advance(minutes=3)
    found = arrivals.check(app.FROM_TWILIO)
    assert found.words == (
        "the last signed one arrived 3 minutes ago, so Twilio reaches this bot from outside"
    )


def test_what_was_fetched_or_came_by_the_website_proves_nothing(database, clock):
    (message,) = received(TWILIO["sms"](ACCOUNT), inbound_form("sms"))
    with database.write() as tx:
        fetched = replace(message, sent_at=clock.now().timestamp())
        enqueue_job(tx, as_work(fetched, clock.now()))
        enqueue_job(tx, NewJob("inbound", "in:webchat:1", {"a": 1}, clock.now(), key="w:1"))
    check_of = SignedArrivals(database, clock).check
    assert check_of(app.FROM_TWILIO).words.startswith("none lately")
    assert check_of(app.FROM_SLACK).words.startswith("none lately")
    with database.write() as tx:
        enqueue_job(tx, NewJob("slack.event", "slack:C1:2", {"event": 1}, clock.now(), key="s:1"))
    assert "arrived just now, so Slack reaches" in check_of(app.FROM_SLACK).words
