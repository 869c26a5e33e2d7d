"""A website with the real chat behind it: the whole core, fakes at its other ports."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask.testing import FlaskClient

from handoff_bot.channels import webchat
from handoff_bot.channels.webchat import Website
from handoff_bot.domain.desk import AgentRef, ThreadReply
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.files import File
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.services.visitors import Visitors
from handoff_bot.storage.database import Database
from handoff_bot.web.application import create_web
from handoff_bot.web.chat import chat
from handoff_bot.web.chat_stream import Streams, Watchers
from handoff_bot.web.files import AgentPhotos, files
from tests.fakes import (
    FakeDesk,
    FakeMailer,
    FrozenClock,
    ScriptedAssistant,
    ScriptedDetector,
    answer_at_once,
)

ORIGIN = "https://shop.example.com"
SECRET = "sessions-secret-of-forty-characters-long"
IDENTITY_SECRET = "identity-secret-of-forty-characters-long"
ANA = AgentRef("UANA", "Ana")


@dataclass
class Browser:
    """One visitor's browser on the website."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=lambda: {"Origin": ORIGIN})

    def begin(self, **asked):
        """Ask for a session and keep it."""
        answer = self.client.post("/chat/session", json=asked, headers=self.headers)
        if answer.status_code == 200:
            self.headers["Authorization"] = f"Bearer {answer.json['token']}"
        return answer

    def post(self, path: str, **content):
        return self.client.post(f"/chat/{path}", json=content, headers=self.headers)

    def says(self, text: str, cid: str | None = None, **more):
        return self.post("messages", id=cid or str(uuid.uuid4()), text=text, **more)

    def poll(self, after: str = "", wait: float = 0):
        return self.client.get(
            "/chat/poll", query_string={"after": after, "wait": wait}, headers=self.headers
        )

    def sees(self) -> list[tuple[str, str]]:
        """Everything in the conversation: who, what."""
        events = self.poll().json["events"]
        found = [event["data"] for event in events if event["event"] == "message"]
        return [(one["author"], one["text"]) for one in sorted(found, key=lambda m: m["order"])]

    def state(self):
        """How things stand."""
        return self.poll().json["events"][-1]["data"]


@dataclass
class Shop:
    """The website, the core behind it, and who works there."""

    database: Database
    clock: FrozenClock
    desk: FakeDesk
    detector: ScriptedDetector
    assistant: ScriptedAssistant
    core: Services
    site: webchat.Webchat
    visitors: Visitors
    watchers: Watchers
    streams: Streams
    client: FlaskClient
    mailer: FakeMailer
    photos: dict[int, File]

    def browser(self, **asked) -> Browser:
        """A new visitor with a session."""
        browser = Browser(self.client)
        browser.begin(**asked)
        return browser

    def settle(self) -> None:
        self.core.worker.run_until_idle()

    def take(self, step: Step, number: int | None = None) -> None:
        self.core.escalations.take(step, number or self.desk.card.escalation_id, ANA)
        self.settle()

    def replies(self, text: str, **more) -> None:
        ts = f"1800000000.{uuid.uuid4().int % 1000000:06d}"
        self.core.relay.reply(ThreadReply(self.desk.place, ts, ANA, text, **more))
        self.settle()


@pytest.fixture
def shop(database, clock) -> Iterator[Shop]:
    mailer, photos = FakeMailer(), dict[int, File]()
    site = webchat.Webchat(Website((ORIGIN,), SECRET, IDENTITY_SECRET))
    desk, detector, assistant = FakeDesk(), ScriptedDetector(), ScriptedAssistant()
    answer_at_once(database, clock)
    core = Services.build(
        Dependencies(
            database=database,
            channels={webchat.KIND: site},
            desk=desk,
            detector=detector,
            assistant=assistant,
            clock=clock,
            mailer=mailer,
        )
    )
    visitors = Visitors(database, clock, webchat.KIND)
    watchers = Watchers(database, webchat.KIND, limit=3)
    streams = Streams(visitors, watchers, AgentPhotos("secret", photos.get))
    client = create_web(
        [
            chat(site, core.inbox, streams, watchers, core.files, core.transcripts),
            files(core.serving),
        ]
    ).test_client()
    yield Shop(
        database,
        clock,
        desk,
        detector,
        assistant,
        core,
        site,
        visitors,
        watchers,
        streams,
        client,
        mailer,
        photos,
    )
    watchers.close()


def events(chunk: str) -> list[tuple[str, dict]]:
    """The events of a piece of a stream."""
    found = []
    for block in chunk.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
