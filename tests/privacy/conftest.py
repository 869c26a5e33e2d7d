"""The whole core between stand-ins: Twilio's channels, Slack, Zendesk, and a receiver of tickets."""

import itertools
import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from handoff_bot.channels import TWILIO, WEBCHAT, TwilioAccount
from handoff_bot.channels.webchat import Webchat, Website
from handoff_bot.connectors.webhook import WebhookConnector
from handoff_bot.connectors.zendesk import Account, ZendeskConnector
from handoff_bot.domain.messages import InboundMessage, Media
from handoff_bot.domain.metrics import Scope
from handoff_bot.slack.limits import LIMITS
from handoff_sandbox.twilio import TwilioStandIn
from handoff_sandbox.twilio.messages import StoredFile, new_sid
from handoff_sandbox.zendesk import ZendeskStandIn
from tests.connectors.conftest import Receiver
from tests.desk.conftest import Bureau, at_work, unhurried  # noqa: F401 - a fixture
from tests.samples import JPEG

ACCOUNT, TOKEN, PUBLIC = "AC" + "a" * 32, "token", "https://bot.example.com"
NAME, WORD, ADDRESS = "Zephyrine Quill", "marzipanfox", "+15557654321"
NUMBERS = itertools.count(1)


@dataclass
class Office(Bureau):
    """A bureau whose customers write over Twilio and the website, connected to two ticket systems."""

    twilio: TwilioStandIn = field(kw_only=True)
    zendesk: ZendeskStandIn = field(kw_only=True)
    receiver: Receiver = field(kw_only=True)
    over_twilio: dict = field(default_factory=dict)

    def writes_in(self, text, address=ADDRESS, channel="sms", media=(), name=NAME):
        """A customer writes over Twilio; both sides store it."""
        self.clock.advance(seconds=1)
        sid = f"SM{next(NUMBERS):032x}"
        files = tuple(StoredFile(new_sid("ME"), *one) for one in media)
        sender, ours = self.twilio._ends(channel, address)
        self.twilio.account.hear(sid, sender, ours, text, files)
        kept = tuple(Media(self.twilio._file_url(sid, one), one.content_type) for one in files)
        inbound = InboundMessage(
            channel, sid, sender, ours, text, profile_name=name, media=kept, fields={"Body": text}
        )
        self.core.inbox.store(
            "inbound", f"in:{channel}:{sender}", f"{channel}:{sid}", asdict(inbound)
        )
        self.settle()

    def visits(self, text, address, name=NAME):
        """A visitor writes on the website."""
        inbound = InboundMessage(
            WEBCHAT, f"{address}/{next(NUMBERS)}", address, "", text, profile_name=name
        )
        key = f"{WEBCHAT}:{inbound.provider_id}"
        self.core.inbox.store("inbound", f"in:{WEBCHAT}:{address}", key, asdict(inbound))
        self.settle()

    def converses(self, sid, said, words):
        """A customer writes in one of Twilio's conversations."""
        inbound = InboundMessage(
            "conversations", said.sid, sid, self.twilio.conversations.service, words
        )
        key = f"conversations:{said.sid}"
        self.core.inbox.store("inbound", f"in:conversations:{sid}", key, asdict(inbound))
        self.settle()

    def heard_by(self, address):
        """What has reached a customer's phone."""
        return [one.body for one in self.twilio.phone(address)]

    def all_time(self):
        """Everything until now, for metrics."""
        return Scope(self.core.metrics.last_days(30, self.core.metrics.timezone()))

    def contact(self, address=ADDRESS):
        """The id of the only contact with this address."""
        (found,) = self.core.forgetting.preview(address)
        return found.contact_id

    def forget(self, contact_id):
        outcome = self.core.forgetting.request(contact_id, "cli")
        self.finish()
        return outcome

    def finish(self):
        """Lets providers deliver, and waiting deletions run."""
        for _ in range(8):
            self.settle()
            self.twilio.drain()
            self.clock.advance(seconds=90)
        self.settle()

    def everything_elsewhere(self):
        """What the stand-ins hold, as text."""
        talks = self.twilio.conversations._all.values()
        slack = [
            [
                self.slack.messages(one.id),
                *[self.slack.thread(one.id, m["ts"]) for m in self.slack.messages(one.id)],
            ]
            for one in self.slack.channels()
        ]
        files = [vars(one) for one in self.slack._slack.files._files.values()]
        zendesk = self.zendesk.desk
        return repr(
            [
                [vars(one) for one in self.twilio.messages()],
                [vars(one) for one in talks],
                slack,
                files,
                zendesk.tickets,
                zendesk.users,
                zendesk.deleted_tickets,
                zendesk.deleted_users,
            ]
        )


def rows_with(database, *secrets):
    """Every table and column of the schema that contains one of these, found by reflection."""
    found = []
    with database.engine.connect() as connection:
        schema = inspect(connection)
        for table in schema.get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():  # noqa: S608
                found += [(table, column) for column, value in row.items() if _has(value, secrets)]
    return found


def _has(value, secrets):
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode("latin-1")
    shown = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return any(one.lower() in shown.lower() for one in secrets)


def files_with(folder: Path, *secrets):
    """Every file below a folder whose bytes contain one of these."""
    wanted = [one.encode() for one in secrets]
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(one.lower() in path.read_bytes().lower() for one in wanted)
    ]


@pytest.fixture
def limits():
    return LIMITS


@pytest.fixture
def office(database, clock, unhurried):  # noqa: F811 - a fixture
    with (
        TwilioStandIn(ACCOUNT, TOKEN, PUBLIC, now=clock.now, seed=1) as twilio,
        ZendeskStandIn(now=clock.now) as zendesk,
        Receiver("secret", clock) as receiver,
    ):
        account = TwilioAccount(
            account_sid=ACCOUNT,
            auth_tokens=(TOKEN,),
            api_url=twilio.server.url,
            public_base_url=PUBLIC,
            senders={"sms": twilio.sms_number, "whatsapp": twilio.whatsapp_number},
        )
        over_twilio = {kind: make(account) for kind, make in TWILIO.items()}
        site = Webchat(Website(("https://shop.example",), "s" * 32))
        parts = {
            "channels": {**over_twilio, WEBCHAT: site},
            "backlogs": over_twilio,
            "erasers": over_twilio,
            "settle": timedelta(),
            "connectors": {
                "zendesk": ZendeskConnector(
                    Account(zendesk.url, zendesk.email, zendesk.token), clock
                ),
                "webhook": WebhookConnector(receiver.url, ["secret"], clock),
            },
        }
        stand_ins = {"twilio": twilio, "zendesk": zendesk, "receiver": receiver}
        with at_work(
            database,
            clock,
            parts=parts,
            kind=Office,
            channel=None,
            over_twilio=over_twilio,
            **stand_ins,
        ) as made:
            yield made


PHOTO = ("image/jpeg", JPEG + WORD.encode())
