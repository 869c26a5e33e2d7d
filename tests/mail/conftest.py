"""Real mail servers on loopback: one that keeps what it gets, one that goes by a script."""

import socket
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from handoff_bot.domain.mail import Mail
from handoff_bot.mail.smtp import MailServer, Sender, SmtpMailer
from handoff_sandbox.free_port import free_port
from tests.certificates import for_localhost

SENDER = Sender.of("Hàndoff Süd <handoff@example.com>")
MAIL = Mail(
    to="ops@example.com",
    subject="[Urgent] Zoë 名前 is waiting on WhatsApp (#12)",
    text="Zoë has been waiting.\n\n> Wo bleibt mein Päckchen? 📦\n" + "x" * 2000,
    html="<!doctype html><p>Zoë has been waiting.</p>",
    id="handoff-12-1-7",
    thread="handoff-12-1",
)
USER, PASSWORD = "bot@example.com", "p@ss:wörd/%"


@dataclass
class Postbox:
    """What a server got, and whom it does not take mail for."""

    refused: dict[str, str] = field(default_factory=dict)
    got: list[EmailMessage] = field(default_factory=list)
    envelopes: list = field(default_factory=list)
    drops: bool = False

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.drops:
            server.transport.abort()
        return "250 taken"

    def only(self) -> EmailMessage:  # no property: aiosmtpd looks at them all
        (mail,) = self.got
        return mail


def believes(server, session, envelope, mechanism, login):
    known = isinstance(login, LoginPassword) and (
        login.login.decode(),
        login.password.decode(),
    ) == (USER, PASSWORD)
    return AuthResult(success=known, handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for localhost that nobody but this test believes."""
    return for_localhost(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def ours(certificate):
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trust(certificate):
    """The client's side of TLS: believes that one certificate."""
    return ssl.create_default_context(cafile=str(certificate[0]))


@pytest.fixture
def postbox():
    return Postbox()


@pytest.fixture
def serve():
    """Start servers for a postbox; they end with the test."""
    running = []

    def start(postbox, **how):
        controller = Controller(postbox, hostname="127.0.0.1", port=free_port(), **how)
        controller.start()
        running.append(controller)
        return controller.port

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def mailer_to(clock):
    """A mailer of ours for a server's address."""

    def make(url, **how):
        return SmtpMailer(MailServer.of(url), SENDER, clock, **how)

    return make


@pytest.fixture
def plain(serve, postbox, mailer_to):
    """A mailer to a server without encryption and without users."""
    return mailer_to(f"smtp+insecure://127.0.0.1:{serve(postbox)}")


class Script:
    """A server that answers each command by a script.

    A command that it does not list gets "250 OK". None hangs up, SILENCE never answers.
    """

    SILENCE = object()

    def __init__(self, **replies):
        self.replies = {"greeting": "220 here", "DATA": "354 go on", ".": "250 taken"} | replies
        self.heard = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.port = self._listening.getsockname()[1]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listening.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as wire:
                self._talk(wire)

    def _talk(self, wire):
        if not self._answer(wire, "greeting"):
            return
        for line in wire:
            command = line.split()[0].decode().upper()
            self.heard.append(command)
            if not self._answer(wire, command):
                return
            if command == "DATA" and self.replies["DATA"].startswith("354"):
                while wire.readline() not in (b".\r\n", b""):
                    pass
                self.heard.append(".")
                if not self._answer(wire, "."):
                    return

    def _answer(self, wire, command):
        reply = self.replies.get(command, "250 OK")
        if reply is self.SILENCE:
            self._over.wait(10)
            return False
        if reply is None:
            return False
        wire.write(f"{reply}\r\n".encode())
        wire.flush()
        return True
