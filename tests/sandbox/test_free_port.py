"""A port that was found is nobody else's, and its server may start, stop and start again."""

import socket
import subprocess
import sys

import pytest
from werkzeug.serving import make_server

from handoff_sandbox import free_port as ports

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="held on Linux only")


def test_no_other_process_is_given_the_port(monkeypatch):
    port = ports.free_port()
    program = (
        "from handoff_sandbox import free_port as ports\n"
        f"ports.LOWEST, ports.COUNT = {port}, 1\n"
        "ports.free_port()"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert b"no port is free" in other.stderr
    monkeypatch.setattr(ports, "LOWEST", port)
    monkeypatch.setattr(ports, "COUNT", 1)
    with pytest.raises(OSError, match="no port is free"):
        ports.free_port()


def test_its_server_starts_twice_and_nobody_answers_between():
    port = ports.free_port()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        server = make_server("127.0.0.1", port, lambda environ, start: [])
        socket.create_connection(("127.0.0.1", port)).close()
        server.server_close()


def test_the_oldest_port_is_given_up_first(monkeypatch):
    monkeypatch.setattr(ports, "_held", type(ports._held)())
    monkeypatch.setattr(ports, "HELD", 2)
    first = ports.free_port()
    ports.free_port()
    ports.free_port()
    assert len(ports._held) == 2
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", first))
    for held in ports._held:
        held.close()
