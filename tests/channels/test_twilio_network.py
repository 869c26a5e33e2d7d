"""What real sockets do to a send: only what surely never left may be sent again."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from handoff_bot.channels import TWILIO
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from tests.channels.builders import ACCOUNT, NINE, outbound

Serve = Callable[[Callable[[socket.socket], object]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that reads one request, hands its connection to `answer` and keeps it open."""
    done = threading.Event()
    threads = []
    listener = socket.create_server(("127.0.0.1", 0))

    def run(answer):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            answer(connection)
            done.wait()

    def start(answer):
        thread = threading.Thread(target=run, args=[answer])
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    done.set()
    for thread in threads:
        thread.join()
    listener.close()


def channel_at(url, timeout=5.0):
    return TWILIO["sms"](replace(ACCOUNT, api_url=url, timeout=timeout))


@pytest.fixture
def nowhere():
    """An address on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_a_refused_connection_means_that_nothing_left(nowhere):
    with pytest.raises(DeliveryError) as failure:
        channel_at(nowhere).send(outbound("sms"))

    assert not isinstance(failure.value, OutcomeUnknown)
    assert (failure.value.permanent, failure.value.code) == (False, "unreachable")


def test_an_unknown_name_means_that_nothing_left():
    with pytest.raises(DeliveryError) as failure:
        channel_at("http://nowhere.invalid").send(outbound("sms"))

    assert not isinstance(failure.value, OutcomeUnknown)


def test_a_connection_that_drops_leaves_the_outcome_unknown(serve):
    url = serve(lambda connection: connection.shutdown(socket.SHUT_RDWR))

    with pytest.raises(OutcomeUnknown):
        channel_at(url).send(outbound("sms"))


def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(serve):
    def answer(connection):
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")
        connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(OutcomeUnknown):
        channel_at(serve(answer)).send(outbound("sms"))


def test_silence_leaves_the_outcome_unknown_once_the_time_is_up(serve):
    url = serve(lambda connection: None)

    with pytest.raises(OutcomeUnknown):
        channel_at(url, timeout=0.1).send(outbound("sms"))


def test_silence_is_no_answer_to_a_question_either(serve):
    url = serve(lambda connection: None)

    with pytest.raises(DeliveryError) as failure:
        channel_at(url, timeout=0.1).sent_since(outbound("sms"), NINE)

    assert not isinstance(failure.value, OutcomeUnknown)
    assert not failure.value.permanent
