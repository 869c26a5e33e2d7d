"""A workspace with two agents, an admin and a queue, the SDK's client, and a real Bolt app."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_sdk import WebClient

from handoff_sandbox.server import Faults, Journal, Server
from handoff_sandbox.slack import SUBSCRIPTIONS, SlackStandIn
from tests.sandbox.slack import oracle

TIMEOUT = 5


class Clock:
    """Time that moves only when told to."""

    def __init__(self):
        self.seconds = 1_800_000_000.0

    def __call__(self):
        return self.seconds

    def pass_by(self, seconds):
        self.seconds += seconds


@pytest.fixture
def faults():
    return Faults(seed=1)


@pytest.fixture
def slack(faults):
    """The stand-in; nobody listens to its events yet. What it answered is checked in the end."""
    everything = SUBSCRIPTIONS | {
        "app_mention",
        "member_joined_channel",
        "pin_added",
        "reaction_added",
        "reaction_removed",
    }
    with SlackStandIn(faults=faults, subscriptions=everything, retries=()) as standing:
        yield standing
    if oracle.is_there():
        oracle.check_journal(standing.journal)


@pytest.fixture
def ana(slack):
    return slack.add_person("ana", "Ana Ruiz", display_name="Ana")


@pytest.fixture
def ben(slack):
    return slack.add_person("ben", "Ben Okoye")


@pytest.fixture
def admin(slack):
    return slack.add_person("ada", "Ada Admin", is_admin=True)


@pytest.fixture
def queue(slack, ana, ben, admin):
    """The queue channel: two agents, the admin and the bot are in it."""
    return slack.add_channel("queue", [ana, ben, admin, slack.bot_user])


@pytest.fixture
def client(slack):
    return WebClient(slack.bot_token, base_url=slack.api_url, timeout=TIMEOUT)


class Bot:
    """A Bolt app that remembers what it was told and answers as the test wants."""

    def __init__(self, slack, executor):
        self.heard = []
        client = WebClient(slack.bot_token, base_url=slack.api_url, timeout=TIMEOUT)
        self.app = App(
            client=client,
            token=slack.bot_token,
            signing_secret=slack.signing_secret,
            listener_executor=executor,
            logger=logging.getLogger("tests.bolt"),
        )
        self.app.use(self._remember)
        self.web = Flask("bot")
        handler = SlackRequestHandler(self.app)
        self.web.post("/slack/events")(lambda: handler.handle(request))

    def _remember(self, body, next):
        self.heard.append(body)
        next()

    def events(self, kind="message"):
        """Events of a type that passed Bolt's own middleware."""
        events = [body["event"] for body in self.heard if "event" in body]
        return [event for event in events if event["type"] == kind]


@pytest.fixture
def bot(slack):
    """The bot, listening over HTTP. Own messages never reach it: Bolt drops them first."""
    with ThreadPoolExecutor(max_workers=4) as executor:
        running = Bot(slack, executor)
        for event in ("message", "app_home_opened", "app_mention", "reaction_added"):
            running.app.event(event)(lambda ack: ack())
        with Server(running.web, "slack", Journal(), Faults()) as server:
            slack.events_url = f"{server.url}/slack/events"
            yield running
            slack.drain(TIMEOUT)
            slack.events_url = ""


@pytest.fixture
def post(client, queue):
    """Posts blocks into the queue channel; says the ts."""

    def post(*blocks, **more):
        return client.chat_postMessage(channel=queue, text="Card", blocks=list(blocks), **more)[
            "ts"
        ]

    return post


@pytest.fixture
def clicks(bot):
    """What listeners of any action saw."""
    seen = []

    def remember(ack, body):
        ack()
        seen.append(body)

    for name in ("claim", "take", "assign", "more"):
        bot.app.action(name)(remember)
    return seen


@pytest.fixture
def clock():
    return Clock()
