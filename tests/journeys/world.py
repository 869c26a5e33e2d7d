"""The real core, the real Slack side and the real Twilio channels, between stand-ins, in one process."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from werkzeug.serving import make_server

from handoff_bot.channels import TWILIO, TwilioAccount
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.services.home import DISMISSED
from handoff_bot.slack.incoming.app import SlackSide, build_slack
from handoff_bot.slack.manifest import OPTIONAL_SCOPES, SCOPES
from handoff_bot.storage import log
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_bot.web.application import create_web, webhooks
from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.twilio import TwilioStandIn
from tests.fakes import FrozenClock, ScriptedAssistant, ScriptedDetector, answer_at_once
from tests.slack.resting import rest

ACCOUNT, TOKEN, PUBLIC = "AC" + "a" * 32, "token", "https://bot.example.com"
PATIENCE = 30
"""Seconds for what takes milliseconds when the machine has time for it."""


@dataclass
class World:
    """Ana is an agent, Mia an admin. Jobs run only when told to, in the thread that tells them."""

    slack: SlackStandIn
    twilio: TwilioStandIn
    core: Services
    side: SlackSide
    ana: str
    mia: str
    queue: str

    def settle(self) -> None:
        """Wait for the listeners and run all jobs that are due, until Slack has nothing more to say of it."""
        rest(self.side._executor)
        self.core.worker.run_until_idle()
        self.slack.drain(PATIENCE)  # our own posts come back as events, from other threads
        self.core.worker.run_until_idle()

    def customer_writes(self, address: str, text: str) -> None:
        """On WhatsApp, by a signed webhook."""
        assert self.twilio.customer_writes("whatsapp", address, text).status == 200
        self.settle()

    def card(self) -> str:
        """The ts of the newest card."""
        cards = [one["ts"] for one in self.slack.messages(self.queue) if "WhatsApp" in one["text"]]
        return str(cards[-1])


@contextmanager
def running_world(database: Database | None = None) -> Iterator[World]:
    """Built, served on 127.0.0.1, and taken down again; with a SQLite file of its own by default."""
    clock = FrozenClock()
    slack = SlackStandIn(deliver="sync", ack_deadline=PATIENCE, now=lambda: clock.at.timestamp())
    slack.scopes.granted = (*SCOPES, *OPTIONAL_SCOPES)
    ana, mia = slack.add_person("ana", "Ana"), slack.add_person("mia", "Mia", is_admin=True)
    queue = slack.add_channel("queue", [slack.bot_user, ana, mia])
    with ExitStack() as stack:
        twilio = stack.enter_context(TwilioStandIn(ACCOUNT, TOKEN, PUBLIC, now=clock.now, seed=1))
        twilio.callbacks.missing = 1.0  # the one that is looked at is sent by hand
        if database is None:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            database = Database(f"sqlite:///{folder / 'handoff.db'}", synchronous="off")
            stack.callback(database.close)
        migrate(database)
        answer_at_once(database, clock)
        with database.write() as tx:
            log.prefer(tx, DISMISSED, True, "test", clock.now())  # a team that has set up
        side = build_slack(
            bot_token=slack.bot_token,
            signing_secret=slack.signing_secret,
            app_token="",
            api_url=slack.api_url,
            queue_channel=queue,
        )
        channels = {kind: make(account(twilio)) for kind, make in TWILIO.items()}
        core = Services.build(
            Dependencies(
                database=database,
                channels=channels,
                desk=side.desk,
                detector=ScriptedDetector(),
                assistant=ScriptedAssistant(),
                clock=clock,
                settle=timedelta(),
            )
        )
        side.attach(core)
        for listener in side._bolt._listeners:
            listener.ack_timeout = PATIENCE
        stack.callback(side.stop)
        stack.enter_context(slack)
        web = create_web([webhooks(channels, core.inbox), side.blueprint])
        address = stack.enter_context(serving(web))
        slack.events_url, twilio.bot_url = f"{address}/slack/events", address
        yield World(slack, twilio, core, side, ana, mia, queue)


def account(twilio: TwilioStandIn) -> TwilioAccount:
    return TwilioAccount(
        account_sid=ACCOUNT,
        auth_tokens=(TOKEN,),
        api_url=twilio.server.url,
        public_base_url=PUBLIC,
        senders={"sms": twilio.sms_number, "whatsapp": twilio.whatsapp_number},
    )


@contextmanager
def serving(web: object) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, web, threaded=True)  # type: ignore[arg-type] # a Flask app
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
