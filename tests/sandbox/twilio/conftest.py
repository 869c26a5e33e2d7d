"""The stand-in, the official client, and a bot that believes nothing that Twilio's SDK does not."""

import threading
from urllib.parse import urlsplit, urlunsplit

import pytest
from flask import Flask, Response, request
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator, get_signature_algorithm
from twilio.rest import Client

from handoff_sandbox.server import Faults, Journal, Server
from handoff_sandbox.twilio import TwilioStandIn
from tests.fakes import FrozenClock
from tests.sandbox import oracle
from tests.sandbox.twilio import conversations_oracle

ACCOUNT, TOKEN = "AC" + "a" * 32, "token"
PUBLIC = "https://bot.example.com"
TIMEOUT = 5


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def twilio(clock):
    """The stand-in; nobody listens to it yet. All that passed is checked against Twilio's documents."""
    with TwilioStandIn(ACCOUNT, TOKEN, PUBLIC, now=clock.now, seed=1) as standing:
        yield standing
    if oracle.is_there():
        oracle.check_twilio_journal(standing.journal)
        conversations_oracle.check_journal(standing.journal)


class Rerouted(TwilioHttpClient):  # type: ignore[misc] # twilio ships no types
    """Goes to one address, whichever host of Twilio's is meant."""

    def __init__(self, url):
        super().__init__(timeout=TIMEOUT)
        self.session.trust_env = False
        self.there = urlsplit(url)

    def request(self, method, url, *args, **more):
        asked = urlsplit(url)
        assert (asked.hostname or "").endswith(".twilio.com")
        there = (self.there.scheme, self.there.netloc, asked.path, asked.query, "")
        return super().request(method, urlunsplit(there), *args, **more)


@pytest.fixture
def connect(twilio):
    """Make an official client with some credentials."""
    opened = []

    def make(user=ACCOUNT, password=TOKEN, account=ACCOUNT):
        http = Rerouted(twilio.server.url)
        opened.append(http)
        return Client(user, password, account, http_client=http)

    yield make
    for http in opened:
        http.session.close()


@pytest.fixture
def client(connect):
    return connect()


class Bot:
    """Remembers the webhooks that Twilio's own validator finds genuine, and answers as it is told."""

    def __init__(self):
        self.secret = TOKEN
        self.heard, self.refused, self.tokens, self.queries = [], 0, [], []
        self.statuses = []
        self._guard = threading.Lock()
        self.faults = Faults()
        self.web = Flask("bot")
        self.web.post("/<path:where>")(self._hear)

    def _hear(self, where):
        query = request.query_string.decode()
        url = f"{PUBLIC}{request.path}" + (f"?{query}" if query else "")
        signature = request.headers.get("X-Twilio-Signature", "")
        with self._guard:
            if not self._believes(url, signature):
                self.refused += 1
                return Response(status=403)
            self.heard.append(request.form.to_dict())
            self.queries.append(query)
            self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
            return Response("<Response/>", self.statuses.pop(0) if self.statuses else 200)

    def _believes(self, url, signature):
        settings = request.headers.get("X-Twilio-Webhooks-Signature-Settings")
        algorithm = get_signature_algorithm(settings)
        return RequestValidator(self.secret).validate(url, request.form, signature, algorithm)

    def statuses_of(self, message):
        """The callbacks for one message, in the order of their arrival."""
        return [
            form["MessageStatus"]
            for form in self.heard
            if form.get("MessageSid") == message.sid and "MessageStatus" in form
        ]


@pytest.fixture
def bot(twilio):
    """The bot, at another address than the public one."""
    hearing = Bot()
    with Server(hearing.web, "twilio", Journal(), hearing.faults) as server:
        twilio.bot_url = server.url
        yield hearing
        twilio.bot_url = ""
