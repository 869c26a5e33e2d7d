"""Requests to checked addresses: what is connected to, what is believed, and when they end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from ipaddress import ip_address

import pytest

from handoff_bot.ai.look_ups import HttpLookUps
from handoff_bot.ai.safe_requests import (
    NOT_ALLOWED,
    TIMEOUT,
    TOO_LARGE,
    UNREACHABLE,
    Limits,
    RequestError,
    get,
)
from handoff_bot.domain.look_ups import LookUp, Shown
from handoff_bot.domain.web_requests import WebAddress, may_connect
from tests.certificates import for_localhost
from tests.fakes import FrozenClock

pytestmark = pytest.mark.on_sqlite
HERE = [ip_address("127.0.0.1")]
GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a": 12}'


class Peer:
    """Answers each connection with raw bytes, and goes on with `more` until the client hangs up."""

    def __init__(self, sent: bytes, certificate=None, more: bytes = b"") -> None:
        self._sent, self._more = sent, more
        self._context, self._is_over = None, False
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.hung_up = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over = True
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self):
        while True:
            try:
                made, _ = self._listening.accept()
            except OSError:
                return
            made.settimeout(0.05 if self._more else 10)
            with contextlib.suppress(OSError), made:
                self._answer(made)
            self.hung_up.set()

    def _answer(self, made):
        with self._context.wrap_socket(made, server_side=True) if self._context else made as client:
            client.sendall(self._sent)
            while self._is_there(client):
                client.sendall(self._more)

    def _is_there(self, client):
        try:
            return client.recv(1_000)
        except TimeoutError:
            return bool(self._more) and not self._is_over


def asked(port, scheme="http", *, host="localhost", seconds=10.0, largest=1_000):
    url = WebAddress.parse(f"{scheme}://{host}:{port}/a")
    return get(url, {}, Limits(seconds, largest), lambda _: True, lambda *_: HERE)


def failure(*of, **more):
    with pytest.raises(RequestError) as caught:
        asked(*of, **more)
    return caught.value.kind


MALFORMED = {
    "no status": b"hello\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    "a wrong length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_response_is_no_response_and_no_look_up_raises(sent):
    with Peer(sent) as peer:
        assert failure(peer.port) == UNREACHABLE
        one = LookUp(url=f"http://127.0.0.1:{peer.port}/", shown=(Shown("A", "a"),))
        fetcher = HttpLookUps({}, FrozenClock(), allows_loopback=True)
        assert fetcher.fetch(one, {}, 10).outcome == "unreachable"
        assert fetcher.fetch(one, {}, -1).outcome == "timeout"


def test_the_certificate_must_be_the_host_s_by_the_authorities_that_the_operator_names(
    tmp_path, monkeypatch
):
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    certificate = for_localhost(tmp_path)
    with Peer(GOOD, certificate) as peer:
        assert failure(peer.port, "https") == UNREACHABLE
        for name in names:
            with monkeypatch.context() as patched:
                patched.setenv(name, str(certificate[0]))
                assert asked(peer.port, "https").body == b'{"a": 12}'
                assert failure(peer.port, "https", host="shop.example") == UNREACHABLE


UNFINISHED = {
    "a silent handshake": ("https", b"", b""),
    # A record of 16 KiB, which comes byte by byte.
    "a slow handshake": ("https", b"\x16\x03\x03\x40\x00\x02", b"\x00"),
    "slow headers": ("http", b"HTTP/1.1 200 OK\r\nA: ", b"b"),
    "a slow body": ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{", b" "),
}


@pytest.mark.parametrize(("scheme", "sent", "more"), UNFINISHED.values(), ids=UNFINISHED)
def test_what_does_not_end_is_hung_up_at_the_deadline(scheme, sent, more):
    with Peer(sent, more=more) as peer:
        assert failure(peer.port, scheme, seconds=0.3) == TIMEOUT
        assert peer.hung_up.wait(8)  # before the time of one read is over


def test_a_connection_that_is_not_accepted_ends_at_the_deadline():
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        assert failure(full.getsockname()[1], seconds=0.2) == TIMEOUT
        for one in set(threading.enumerate()) - before:
            one.join(4)  # a connection's own limit is 5 seconds
            assert not one.is_alive()
        for one in waiting:
            one.close()


def test_a_body_is_bounded_and_only_of_a_success():
    with Peer(GOOD) as peer:
        assert failure(peer.port, largest=8) == TOO_LARGE
    with Peer(GOOD.replace(b"200 OK", b"500 No")) as peer:
        found = asked(peer.port, largest=8)
        assert (found.status, found.body) == (500, b"")


def test_a_name_is_resolved_once_and_the_next_address_is_tried():
    names = []

    def resolve(*of):
        names.append(of)
        return [ip_address("127.0.0.2"), *HERE]

    with Peer(GOOD) as peer:
        url = WebAddress.parse(f"http://shop.example:{peer.port}/a")
        assert get(url, {}, Limits(10, 1_000), lambda _: True, resolve).status == 200
    assert names == [("shop.example", peer.port)]


def test_one_address_that_is_not_allowed_refuses_the_host():
    url = WebAddress.parse("http://shop.example/a")
    with pytest.raises(RequestError) as caught:
        get(url, {}, Limits(10, 1), may_connect, lambda *_: [ip_address("8.8.8.8"), *HERE])
    assert caught.value.kind == NOT_ALLOWED
