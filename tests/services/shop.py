"""The core with Twilio's channels on the stand-in, and its webhooks at a door that may be shut."""

import itertools
from dataclasses import asdict
from datetime import timedelta

from flask import Flask

from handoff_bot.channels import TWILIO, TwilioAccount
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.storage.models import Message
from handoff_bot.web.application import webhooks
from handoff_sandbox.server import Faults, Journal, Server
from handoff_sandbox.twilio.messages import StoredFile, new_sid
from tests.fakes import FakeDesk, ScriptedAssistant, ScriptedDetector, answer_at_once

ACCOUNT, TOKEN, PUBLIC = "AC" + "a" * 32, "token", "https://bot.example.com"
DANA, EVA = "+15550144", "+15550155"
NUMBERS = itertools.count(1)


class Shop:
    """The core with Twilio's channels on the stand-in; what customers write does not arrive by itself."""

    def __init__(self, database, clock, twilio) -> None:
        self.database, self.clock, self.twilio = database, clock, twilio
        account = TwilioAccount(
            account_sid=ACCOUNT,
            auth_tokens=(TOKEN,),
            api_url=twilio.server.url,
            public_base_url=PUBLIC,
            senders={"sms": twilio.sms_number, "whatsapp": twilio.whatsapp_number},
        )
        self.channels = {kind: make(account) for kind, make in TWILIO.items()}
        self.desk, self.assistant = FakeDesk(), ScriptedAssistant()
        answer_at_once(database, clock)
        self.core = Services.build(
            Dependencies(
                database=database,
                channels=self.channels,
                desk=self.desk,
                detector=ScriptedDetector(),
                assistant=self.assistant,
                clock=clock,
                backlogs=self.channels,
                settle=timedelta(),
            )
        )
        self.core.catching_up.started()
        self.settle()
        clock.advance(minutes=10)  # what was there before we came is not ours
        self.ticks()

    def settle(self) -> None:
        self.core.worker.run_until_idle()

    def ticks(self) -> None:
        self.core.scheduler.tick("tick.contact")
        self.settle()

    def writes(self, text, address=DANA, channel="sms", media=()) -> str:
        """A customer writes, and no webhook reaches us."""
        self.clock.advance(seconds=1)
        sid = f"SM{next(NUMBERS):032x}"
        files = tuple(StoredFile(new_sid("ME"), *one) for one in media)
        sender, ours = self.twilio._ends(channel, address)
        self.twilio.account.hear(sid, sender, ours, text, files)
        return sid

    def webhook_comes(self, sid, text, address=DANA, channel="sms") -> None:
        sender, ours = self.twilio._ends(channel, address)
        message = InboundMessage(channel, sid, sender, ours, text)
        key = f"{channel}:{sid}"
        self.core.inbox.store("inbound", f"in:{channel}:{sender}", key, asdict(message))

    def door(self) -> Server:
        """The webhooks, as Twilio calls them: signed and over HTTP."""
        web = Flask("web")
        web.register_blueprint(webhooks(self.channels, self.core.inbox))
        server = Server(web, "twilio", Journal(), Faults())
        server.start()
        self.twilio.bot_url = server.url
        return server

    def back(self, **away) -> None:
        self.clock.advance(**away)
        self.core.catching_up.started()
        self.settle()

    def received(self) -> list[str]:
        with self.database.read() as tx:
            found = tx.session.query(Message).filter(Message.direction == "inbound")
            return [one.text for one in found.order_by(Message.id)]
