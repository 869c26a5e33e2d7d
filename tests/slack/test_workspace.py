"""The real core and the real adapter, on the wire, with a stand-in for Slack at the other end."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from werkzeug.serving import make_server

from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.messages import DeliveryStatus, DeliveryUpdate, InboundMessage
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.slack.incoming.app import SlackSide, build_slack
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_bot.storage.models import Work
from handoff_bot.web.application import create_web
from handoff_sandbox.slack.stand_in import SlackStandIn
from tests.fakes import FakeChannel, FrozenClock, ScriptedAssistant, ScriptedDetector
from tests.slack import linter, payloads
from tests.slack.resting import rest
from tests.slack.sockets import socket_side

PATIENCE = 10.0
HUMAN = "I want a human <!channel> *now*"


@dataclass
class House:
    """A bot between a phone and a workspace."""

    slack: SlackStandIn
    queue: str
    ana: str
    ben: str
    core: Services
    channel: FakeChannel
    clock: FrozenClock
    listeners: ThreadPoolExecutor
    numbers: list[int] = field(default_factory=lambda: [0])

    def settle(self) -> None:
        """Until nothing is left to do on either side."""
        for _ in range(2):
            self.slack.drain(PATIENCE)
            rest(self.listeners)
            self.core.worker.run_until_idle()

    def says(self, text: str) -> None:
        """The customer writes."""
        self.numbers[0] += 1
        number = f"SMIN{self.numbers[0]}"
        message = InboundMessage("sms", number, "+15550001", "+15559999", text, profile_name="Dana")
        self.core.inbox.store("inbound", "in:sms:+15550001", f"sms:{number}", asdict(message))
        self.settle()

    def reports(self, status: DeliveryStatus) -> None:
        """The provider reports how far the last message has come."""
        message, receipt = self.channel.taken[-1]
        news = DeliveryUpdate("sms", receipt.provider_id, message.oid, status)
        key = f"sms:{receipt.provider_id}:{status}"
        self.core.inbox.store("delivery", f"news:sms:{message.oid}", key, asdict(news))
        self.settle()

    @property
    def card(self) -> dict[str, Any]:
        """The one card there is."""
        (card,) = (m for m in self.slack.messages(self.queue) if "#" in str(m["blocks"]))
        return card

    def clicks(self, user: str, button: str) -> None:
        """Somebody clicks on the card."""
        result = self.slack.click(user, self.queue, self.card["ts"], button)
        assert result.status == 200, result
        self.settle()

    def presses(self, user: str, button: str):
        """Somebody presses a button of the last thing that only they see and that has it."""
        shown = [e for e in self.slack.ephemerals(user) if f"'{button}'" in str(e.get("blocks"))]
        return self.slack.click_ephemeral(user, shown[-1]["ts"], button)

    def writes(self, user: str, text: str) -> str:
        """Somebody writes in the thread."""
        ts = self.slack.say(user, self.queue, text, self.card["ts"])
        self.settle()
        return ts

    def sees(self, user: str, text: str) -> tuple[str, list[str]]:
        """A window with this text, as soon as it is there: its id, and all it says."""

        def found() -> list[tuple[str, list[str]]]:
            views = self.slack.views(user)
            shown = [(str(view["id"]), list(linter.texts(view))) for view in views]
            return [each for each in shown if text in each[1]]

        self.slack.wait_for(lambda: bool(found()), PATIENCE)
        return found()[0]

    def thread(self) -> list[str]:
        """What our posts in the thread say."""
        ts = self.card["ts"]
        posts = [m for m in self.slack.thread(self.queue, ts) if m.get("bot_id")]
        return ["\n".join(linter.texts(m["blocks"])) for m in posts]


@contextmanager
def core_behind(
    side: SlackSide, folder: Path, channel: FakeChannel, clock: FrozenClock
) -> Iterator[Services]:
    """The real core between a Slack side and a phone; ended with the test."""
    clock.at = datetime.now(UTC)  # Slack's stand-in keeps the real time
    database = Database(f"sqlite:///{folder / 'handoff.db'}", synchronous="normal")
    migrate(database)
    detector, assistant = ScriptedDetector(), ScriptedAssistant()
    parts = Dependencies(database, {"sms": channel}, side.desk, detector, assistant, clock)
    core = Services.build(parts)
    side.attach(core)
    side.start()
    yield core
    side.stop()
    database.close()


@pytest.fixture
def house(tmp_path, clock) -> Iterator[House]:
    slack = SlackStandIn(signing_secret=payloads.SECRET).start()
    ana, ben = slack.add_person("ana", "Ana"), slack.add_person("ben", "Ben")
    queue = slack.add_channel("queue", [slack.bot_user, ana, ben])
    side = build_slack(
        bot_token="xoxb-sandbox",
        signing_secret=payloads.SECRET,
        app_token="",
        api_url=slack.api_url,
        queue_channel=queue,
    )
    channel = FakeChannel(clock)
    with core_behind(side, tmp_path, channel, clock) as core:
        server = make_server("127.0.0.1", 0, create_web([side.blueprint]), threaded=True)
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        slack.events_url = f"http://127.0.0.1:{server.server_port}/slack/events"
        yield House(slack, queue, ana, ben, core, channel, clock, side._executor)
        server.shutdown()
        serving.join()
        server.server_close()
    slack.stop()


def test_a_whole_escalation(house):
    house.says(HUMAN)
    assert "Dana is waiting on SMS" in house.card["text"]
    house.clicks(house.ana, "claim")
    assert "Assigned to Ana" in house.card["text"]
    ts = house.writes(house.ana, "*Hello* Dana :wave:")
    assert house.channel.phone[-1] == "Hello Dana 👋"
    house.reports(DeliveryStatus.DELIVERED)
    house.reports(DeliveryStatus.READ)
    assert list(house.slack.reactions(house.queue, ts)) == ["eyes"]
    house.says("Thank you")
    assert "Thank you" in house.thread()[-1]
    house.clicks(house.ana, "resolve")
    house.slack.wait_for(lambda: bool(house.slack.views(house.ana)), 10)
    house.slack.submit(house.ana, house.slack.views(house.ana)[-1]["id"])
    house.settle()
    assert "Resolved by Ana" in house.card["text"]
    (menu,) = linter.elements(house.card["blocks"], "overflow")
    assert [option["text"]["text"] for option in menu["options"]] == ["View conversation"]


def test_everybody_elses_words_stay_inside_until_they_take_over(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    house.writes(house.ben, "I can help")
    assert "I can help" not in house.channel.phone
    result = house.presses(house.ben, "take_over_and_send")
    house.settle()
    assert result.status == 200
    assert house.channel.phone[-1] == "I can help"
    assert "Assigned to Ben" in house.card["text"]


def test_words_can_stay_inside_for_good(house):
    house.says(HUMAN)
    house.writes(house.ben, "what a day")
    assert house.presses(house.ben, "keep_as_note").status == 200
    house.settle()
    assert "what a day" not in house.channel.phone


def test_a_message_that_failed_is_sent_again(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    house.channel.troubles.append(DeliveryError("It is a landline.", permanent=True, code="30006"))
    ts = house.writes(house.ana, "Hello")
    assert "It is a landline." in house.thread()[-1]
    assert list(house.slack.reactions(house.queue, ts)) == ["x"]
    failure = house.slack.thread(house.queue, house.card["ts"])[-1]
    assert house.slack.click(house.ana, house.queue, failure["ts"], "retry").status == 200
    house.settle()
    assert house.channel.phone[-1] == "Hello"
    assert marks(house, ts) == ["heavy_check_mark"]


def marks(house, ts):
    return list(house.slack.reactions(house.queue, ts))


def test_a_reply_has_one_mark_which_moves_and_never_goes_back(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    ts = house.writes(house.ana, "Hello")
    assert marks(house, ts) == ["heavy_check_mark"]
    house.reports(DeliveryStatus.DELIVERED)
    assert marks(house, ts) == ["white_check_mark"]
    house.reports(DeliveryStatus.SENT)
    assert marks(house, ts) == ["white_check_mark"]
    house.reports(DeliveryStatus.READ)
    house.reports(DeliveryStatus.DELIVERED)
    assert marks(house, ts) == ["eyes"]


def test_a_note_carries_its_own_mark_until_it_is_sent(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    assert marks(house, house.writes(house.ana, "note: a regular")) == ["memo"]
    held = house.writes(house.ben, "I can help")
    assert marks(house, held) == ["memo"]
    house.presses(house.ben, "take_over_and_send")
    house.settle()
    assert marks(house, held) == ["heavy_check_mark"]


def test_a_thread_command_is_no_note(house):
    house.says(HUMAN)
    assert marks(house, house.writes(house.ana, "!take")) == []


def test_a_change_that_came_too_late_is_sent_as_a_correction(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    ts = house.writes(house.ana, "It costs 10")
    house.slack.edit(house.ana, house.queue, ts, "It costs 20")
    house.settle()
    assert house.channel.phone[-1] == "It costs 10"
    assert house.presses(house.ana, "send_correction").status == 200
    house.settle()
    assert house.channel.phone[-1] == "Correction:\nIt costs 20"


def test_over_socket_mode_an_event_reaches_the_core(tmp_path, clock):
    with socket_side() as slack:
        side = build_slack(
            bot_token="xoxb-sandbox",
            signing_secret="",
            app_token="xapp-sandbox",
            api_url=slack.url,
            queue_channel="C0house.queue",
        )
        with core_behind(side, tmp_path, FakeChannel(clock), clock) as core:
            assert slack.sends("events_api", payloads.event()) is not None
            assert len(stored_events(core)) == 1


def stored_events(core: Services) -> list[Work]:
    """What has been stored of Slack's events."""
    with core.database.read() as tx:
        wanted = select(Work).where(col(Work.kind) == "slack.event")
        return list(tx.session.scalars(wanted))


def test_the_conversation_is_one_click_away(house):
    house.says("hello there")
    house.says(HUMAN)
    house.clicks(house.ana, "view")
    _, shown = house.sees(house.ana, "Dana on SMS · page 1 of 1")
    assert "hello there" in shown
    assert HUMAN in shown


def test_our_own_posts_come_back_and_are_not_stored(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    assert len(house.slack.journal.entries("slack", "/slack/events")) > 3
    assert stored_events(house.core) == []


def test_a_card_whose_answer_got_lost_is_posted_once(house):
    house.slack.faults.add("/api/chat.postMessage", drop="after", count=1)
    house.says(HUMAN)
    house.clock.advance(minutes=2)
    house.settle()
    assert house.card
    everything = house.slack.messages(house.queue)
    posts = [m for m in everything if m.get("thread_ts", m["ts"]) == m["ts"]]
    assert len([m for m in posts if "is waiting" in m["text"]]) == 1


def test_a_post_whose_answer_got_lost_is_posted_once(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    house.slack.faults.add("/api/chat.postMessage", drop="after", count=1)
    house.says("Are you there?")
    house.clock.advance(minutes=2)
    house.settle()
    assert sum("Are you there?" in text for text in house.thread()[1:]) == 1


def test_every_message_that_was_posted_is_within_the_limits(house):
    house.says(HUMAN)
    house.clicks(house.ana, "claim")
    house.says("x" * 20_000)
    sent = [
        entry.request
        for method in ("chat.postMessage", "chat.update", "chat.postEphemeral")
        for entry in house.slack.journal.entries("slack", f"/api/{method}")
    ]
    assert len(sent) > 3
    assert [linter.lint_message(each["text"], each["blocks"]) for each in sent] == [[]] * len(sent)
