"""What the bot does unasked: every kind of job and event that the chapters of the desk lack."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from handoff_bot.domain.articles import Article, DraftStatus
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.errors import ConnectorError, DeliveryError
from handoff_bot.domain.escalations import EscalationLimits, Quota, Step
from handoff_bot.domain.files import MB, DeskFile, Fetched
from handoff_bot.domain.language_models import Look, Trouble
from handoff_bot.domain.look_ups import Found, LookUp
from handoff_bot.domain.mcp_servers import AnyLookUp
from handoff_bot.domain.messages import (
    Consent,
    DeliveryStatus,
    InboundMessage,
    Limits,
    Media,
    SenderKind,
)
from handoff_bot.domain.rules import Audience, NotificationRule, RuleConditions
from handoff_bot.services.ai_turns import answering
from handoff_bot.services.ai_turns.language_model import ModelPart, Watch
from handoff_bot.services.ai_turns.look_ups import LookUpLedger
from handoff_bot.services.outbox.ticket_sync import SYSTEMS
from handoff_bot.storage import conversations
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import ArticleDraft
from tests.fakes import (
    FakeMailer,
    FakeSink,
    FrozenClock,
    ScriptedCrawler,
    ScriptedLearner,
    ScriptedReader,
)
from tests.samples import JPEG
from tests.services.conftest import House, build_house

ANA, BEN = AgentRef("UANA", "Ana"), AgentRef("UBEN", "Ben")
EVA, FAY = "+15550002", "+15550003"
PHOTO = DeskFile("F1", "photo.jpg", "image/jpeg", len(JPEG), "https://slack/photo")
GONE = DeskFile("F2", "gone.jpg", "image/jpeg", len(JPEG), "https://slack/gone")
SEEN = Media("https://provider/torn", "image/jpeg")
MODEL = "gpt-6-luna"


class Probe:
    """Finds that all is well."""

    def look(self) -> Look:
        return Look(MODEL, None, shutdown=date(2027, 1, 1))


class Listing:
    """A provider that has nothing to list."""

    stretch, is_swept = timedelta(hours=1), True

    def received(
        self,
        since: datetime,
        until: datetime,
        recipients: Collection[str],
        addresses: Collection[str],
    ) -> Sequence[InboundMessage]:
        return ()


class Customers:
    """A system that knows every customer."""

    def look_up(self, channel: str, address: str) -> dict[str, str]:
        return {"plan": "Pro"}


def run(database: Database, clock: FrozenClock) -> None:
    """All of it, one after the other, in one database."""
    watch = Watch(database, clock, MODEL)
    zendesk, webhook, learner = FakeSink(), FakeSink(), ScriptedLearner()
    house = build_house(
        database,
        clock,
        connectors={name: FakeSink() for name in SYSTEMS}
        | {"zendesk": zendesk, "webhook": webhook},
        mailer=FakeMailer(),
        customers=Customers(),
        learner=learner,
        library=Shelf(),
        crawler=ScriptedCrawler(),
        file_reader=ScriptedReader(),
        model=ModelPart(watch, Probe()),
        backlogs={"sms": Listing()},
        escalation_limits=EscalationLimits(conversation=Quota(2, timedelta(hours=1))),
    )
    house.core.preferences.change("admins", ["UMIA"], "UMIA")
    house.core.catching_up.started()
    mails(house)
    deliveries(house)
    files(house)
    other_systems(house, zendesk, webhook)
    consent(house)
    too_many(house)
    claims(house)
    the_model(house, watch)
    look_up(house)
    an_article(house)
    ticks(house)
    privacy(house)


class Shelf:
    """Has a place for every article."""

    def create(self, article: Article, mark: str = "") -> str:
        return "article.md"


class Fetching:
    """Finds nothing."""

    def fetch(self, look_up: AnyLookUp, arguments: Mapping[str, Any], seconds: float) -> Found:
        return Found("not found")


def look_up(house: House) -> None:
    with house.database.read() as tx:
        conversation = conversations.latest(tx, 1)[0]
        talk = answering.question(tx, conversation).talk
    ledger = LookUpLedger(house.database, Fetching(), house.clock)
    ledger.find(LookUp("order_status", is_on=True), {}, talk, 1)


def an_article(house: House) -> None:
    with house.database.write() as tx:
        draft = ArticleDraft(
            conversation_id=1,
            escalation_id=1,
            title="Do you engrave?",
            text="Yes, for 15 EUR.",
            status=DraftStatus.OPEN.value,
            created_at=house.clock.now(),
        )
        tx.add(draft)
    assert house.core.drafts.approve(1, ANA).done
    house.settle()


def wait(house: House, **time: float) -> None:
    house.clock.advance(**time)
    house.settle()


def privacy(house: House) -> None:
    assert house.core.merging.merge(1, 3, ANA).done
    (known,) = house.core.forgetting.preview(FAY)
    house.core.forgetting.request(known.contact_id, "UMIA")
    wait(house, minutes=1)
    house.core.scheduler.tick("tick.retention")
    house.settle()


def mails(house: House) -> None:
    told = NotificationRule(RuleConditions(), Audience(emails=("ops@example.com",)))
    house.core.notices.rules.put(None, told, "UMIA", 0)
    house.says("a human please")
    wait(house, minutes=1)


def deliveries(house: House) -> None:
    card = house.desk.card.escalation_id
    house.core.escalations.take(Step.CLAIM, card, ANA)
    house.settle()
    for status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ):
        house.replies(ANA, f"Until {status}")
        house.reports(status, house.last_sent())
    house.core.transcripts.request("sms", "+15550001", "dana@example.com", "en")
    house.settle()
    house.replies(ANA, "Never arrives")
    house.reports(DeliveryStatus.FAILED, house.last_sent(), error_code="30006", error="A landline.")


def files(house: House) -> None:
    house.channel.limits = Limits(text=160, media={"image/jpeg": 5 * MB}, caption=30)
    house.desk.files = {
        "F1": Fetched("image/jpeg", "photo.jpg", JPEG),
        "F2": Fetched("image/jpeg", "gone.jpg", b"MZ"),
    }
    house.replies(ANA, "Here it is", attached=(PHOTO,))
    house.replies(ANA, "And this", attached=(GONE,))
    house.core.preferences.change("files.pictures", True, "UMIA")
    house.channel.files = {SEEN.url: Fetched("image/jpeg", "torn.jpg", JPEG)}
    house.says("Look", media=(SEEN,))


def other_systems(house: House, zendesk: FakeSink, webhook: FakeSink) -> None:
    zendesk.troubles = [ConnectorError("Zendesk answered 401.", permanent=True, code="401")]
    webhook.troubles = [ConnectorError("It answered 503.", permanent=False, code="503")] * 20
    house.says("a human please", FAY)
    house.core.escalations.take(Step.DISMISS, 2, ANA)
    for _ in range(8):
        wait(house, minutes=10)
    webhook.troubles.clear()


def consent(house: House) -> None:
    house.says("HELP", EVA, consent=Consent.HELP)
    house.says("STOP", EVA, consent=Consent.STOP)
    house.says("START", EVA, consent=Consent.START)
    house.says("Your code is 1234", "22395", sender=SenderKind.SHORT_CODE)
    house.channel.limits = Limits(text=160, opt_out_codes=frozenset({"21610"}))
    house.channel.troubles = [DeliveryError("They sent STOP.", permanent=True, code="21610")]
    house.assistant.in_time = True  # as a language model's answer would be
    house.says("What are your opening hours?", "+15550005")


def too_many(house: House) -> None:
    for number in (3, 4):
        house.says("a human please", EVA)
        house.core.escalations.take(Step.RESOLVE, number, ANA)
        house.settle()
    house.says("a human please, again", EVA)
    wait(house, hours=1)


def claims(house: House) -> None:
    """Pressed while the assistant's last message is just being sent."""
    house.says("a human please", "+15550004")
    number = len(house.desk.cards)
    escalations = house.core.escalations
    escalations.take(Step.CLAIM, number, ANA)
    house.settle()
    house.channel.before_send = [
        lambda message: (
            escalations.take(Step.CLAIM, number, BEN)
            if message.text.startswith("I'm passing")
            else None
        )
    ]
    escalations.take(Step.RELEASE, number, ANA)
    house.settle()
    house.channel.before_send = []
    wait(house, seconds=1)


def the_model(house: House, watch: Watch) -> None:
    for _ in range(7):
        watch.failed(Trouble.KEY)
        wait(house, minutes=1)
    watch.answered()


def ticks(house: House) -> None:
    for kind in sorted(house.core.scheduler.every):
        house.core.scheduler.tick(kind)
        wait(house, minutes=5)
