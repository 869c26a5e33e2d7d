"""What whoever starts it sees when it cannot start."""

import asyncio
import gc
import logging
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from uvicorn.server import ServerState

from handoff_bot.domain.errors import DatabaseAway, ModelError
from handoff_bot.logs import JsonLines
from handoff_bot.serving import CANNOT_LOAD, FAILED, Server
from handoff_bot.serving.connection import MOST_HELD, Connection, Crowd
from handoff_bot.serving.worker import _config


def test_a_broken_model_is_one_clear_line_and_no_endless_restarts(caplog):
    def build():
        raise ModelError(
            "the detector's model file local.npz is damaged; reinstall the package or "
            "train the model again"
        )

    server = Server(build, host="127.0.0.1", port=0, processes=1, threads=2)
    with pytest.raises(SystemExit) as ended:
        server.load()

    assert ended.value.code == CANNOT_LOAD
    (line,) = caplog.records
    assert "local.npz is damaged" in line.problem
    assert line.exc_info is None


def test_a_failure_at_the_start_is_one_line_without_what_the_error_quotes(caplog):
    def build():
        raise RuntimeError("INSERT INTO message VALUES ('my secret')")

    server = Server(build, host="127.0.0.1", port=0, processes=1, threads=2)
    with pytest.raises(SystemExit) as ended:
        server.load()

    assert ended.value.code == FAILED
    (line,) = caplog.records
    assert "my secret" not in JsonLines().format(line)


def test_a_start_that_the_database_interrupts_is_tried_again_by_a_new_process(caplog):
    class Interrupted:
        web = object()

        def start(self):
            raise DatabaseAway("DeadlockDetected")

    server = Server(Interrupted, host="127.0.0.1", port=0, processes=1, threads=2)
    with caplog.at_level(logging.WARNING), pytest.raises(SystemExit) as ended:
        server.load()
    assert ended.value.code not in (
        0,
        CANNOT_LOAD,
        FAILED,
    )  # with these gunicorn stops all processes
    assert [record.message for record in caplog.records] == ["start is tried again"]


def test_the_program_itself_is_left_out_of_garbage_collections():
    """A full collection over all of it stopped every request for 40 ms."""

    class Starts:
        web = object()

        def start(self):
            pass

    thresholds = gc.get_threshold()
    try:
        Server(Starts, host="127.0.0.1", port=0, processes=1, threads=2).load()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def test_what_arrives_of_a_body_after_its_connection_was_dropped_counts_for_nobody():
    """Else each flood would leave less room for bodies, until none was taken any more."""

    class Large(Connection):
        crowd = Crowd(10)
        largest_body = staticmethod(lambda path: MOST_HELD)

    async def upload(line: socket.socket, *, is_dropped: bool) -> bytes | None:
        loop = asyncio.get_running_loop()
        transport, connection = await loop.connect_accepted_socket(
            lambda: Large(config, ServerState(), {}), line
        )

        async def receive():
            if is_dropped:
                connection.crowd.drop(connection, "bodies too large")
            return {"type": "http.request", "body": b"a" * (MOST_HELD // 2 + 1), "more_body": False}

        scope = {"headers": [], "method": "POST", "path": "/chat/files"}
        try:
            return await connection._body(scope, receive)
        finally:
            transport.abort()

    async def both(first: socket.socket, second: socket.socket) -> None:
        assert await upload(first, is_dropped=True) is None
        assert await upload(second, is_dropped=False)

    config = _config(Large)
    config.load()
    # One client each: the end of one connection must not be what the other one hears.
    (first, one), (second, other) = socket.socketpair(), socket.socketpair()
    with one, other, ThreadPoolExecutor(1) as thread:  # the browser's tests leave this one a loop
        thread.submit(asyncio.run, both(first, second)).result()


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "0.0.0.0"), ("::", "[::]"), ("localhost", "localhost")],  # noqa: S104
)
def test_it_listens_on_the_address_that_is_set(host, shown):
    server = Server(lambda: None, host=host, port=3000, processes=1, threads=2)
    assert server.cfg.bind == [f"{shown}:3000"]
    assert server.cfg.address == [(host, 3000)]
