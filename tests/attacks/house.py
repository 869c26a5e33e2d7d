"""The website chat, the webhooks and the files behind one door, with the real core and the real channels."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from flask.testing import FlaskClient
from sqlmodel import col

from handoff_bot.channels import TWILIO, webchat
from handoff_bot.channels.webchat import Website
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.services.visitors import Visitors
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Work
from handoff_bot.web.application import create_web, webhooks
from handoff_bot.web.chat import chat
from handoff_bot.web.chat_stream import Streams, Watchers
from handoff_bot.web.files import AgentPhotos, files
from handoff_bot.web.health import health
from tests.channels.builders import ACCOUNT
from tests.fakes import FakeDesk, FrozenClock, ScriptedAssistant, ScriptedDetector, answer_at_once
from tests.web.conftest import IDENTITY_SECRET, ORIGIN, SECRET


@dataclass
class House:
    """The whole bot behind its door."""

    database: Database
    clock: FrozenClock
    desk: FakeDesk
    detector: ScriptedDetector
    core: Services
    client: FlaskClient

    def settle(self) -> None:
        self.core.worker.run_until_idle()

    def rows(self, kind: str) -> int:
        with self.database.read() as tx:
            return int(tx.session.query(Work).filter_by(kind=kind).count())

    def drop_all_but(self, third: int) -> None:
        """Of the jobs that wait, this third remains."""
        with self.database.write() as tx:
            for number, job in enumerate(tx.session.query(Work).order_by(col(Work.id))):
                if number % 3 != third:
                    tx.session.delete(job)

    def given_up(self) -> list[tuple[str, str]]:
        """Jobs that no retry could finish, and why."""
        with self.database.read() as tx:
            found = tx.session.query(Work).filter_by(status="failed")
            return [(job.kind, job.error) for job in found]


OFFLINE = replace(ACCOUNT, api_url="http://127.0.0.1:1")
"""Nobody listens there: what is sent to phones stays."""


@pytest.fixture
def house(database: Database, clock: FrozenClock) -> Iterator[House]:
    site = webchat.Webchat(Website((ORIGIN,), SECRET, IDENTITY_SECRET))
    channels = {kind: make(OFFLINE) for kind, make in TWILIO.items()} | {webchat.KIND: site}
    desk, detector = FakeDesk(), ScriptedDetector()
    answer_at_once(database, clock)
    core = Services.build(
        Dependencies(
            database=database,
            channels=channels,
            desk=desk,
            detector=detector,
            assistant=ScriptedAssistant(),
            clock=clock,
        )
    )
    watchers = Watchers(database, webchat.KIND, limit=3)
    streams = Streams(
        Visitors(database, clock, webchat.KIND), watchers, AgentPhotos("secret", lambda _: None)
    )
    web = create_web(
        [
            chat(site, core.inbox, streams, watchers, core.files, core.transcripts),
            webhooks(channels, core.inbox),
            files(core.serving),
            health(database, clock),
        ],
        proxies=1,
    )
    yield House(database, clock, desk, detector, core, web.test_client())
    watchers.close()
