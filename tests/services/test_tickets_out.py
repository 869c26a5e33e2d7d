"""Tickets in other systems: the latest state of each, each system by itself, told once when it fails."""

import pytest
from sqlalchemy import select

from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.escalations import Resolution, Step
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.tickets import key_of
from handoff_bot.jobs import leases, store
from handoff_bot.jobs.job import WORK, NewJob, enqueue_job
from handoff_bot.services.container import QUEUES
from handoff_bot.services.outbox.ticket_sync import TICKET_OUT
from handoff_bot.storage import log, tickets
from handoff_bot.storage.models import Ticket
from tests.fakes import FakeSink
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def zendesk():
    return FakeSink()


@pytest.fixture
def webhook():
    return FakeSink()


@pytest.fixture
def house(database, clock, zendesk, webhook):
    return build_house(database, clock, connectors={"zendesk": zendesk, "webhook": webhook})


def down(permanent=False, **more):
    return ConnectorError("Zendesk answered 503.", permanent=permanent, code="503", **more)


def link_of(house, number=1, sink="zendesk"):
    with house.database.read() as tx:
        return tickets.external_id(tx, number, sink)


def test_a_ticket_is_known_elsewhere_as_soon_as_it_is_here(house, zendesk, clock):
    opened = clock.now()
    house.says("I want a human", profile_name="Dana")
    record = zendesk.records[-1]
    assert (record.number, record.key) == (1, key_of(1, opened))
    assert (record.contact, record.address, record.channel) == ("Dana", "+15550001", "sms")
    assert (record.subject, record.reason) == ("I want a human", Signal.REQUEST)
    assert (record.status, record.assignee, record.created_at) == ("open", "", opened)


def test_every_step_is_told_with_what_it_was_called_before(house, zendesk, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.core.escalations.reassign(house.desk.card.escalation_id, ana, ben)
    house.settle()
    ending = Resolution(tags=("parcel", "late"))
    house.core.escalations.take(Step.RESOLVE, house.desk.card.escalation_id, ben, ending)
    house.settle()
    assert [(r.status, r.assignee) for r in zendesk.records] == [
        ("open", ""),
        ("pending", "Ana"),
        ("pending", "Ben"),
        ("solved", "Ben"),
    ]
    last = zendesk.records[-1]
    assert (last.outcome, last.tags) == ("solved", ("late", "parcel"))
    assert last.solved_at == house.clock.now()
    assert [external for _, external in zendesk.put_records] == ["", "Z1", "Z1", "Z1"]
    assert link_of(house) == "Z1"


@pytest.mark.on_both
def test_revisions_grow(house, zendesk, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    first, second = zendesk.records
    assert first.revision < second.revision


def test_the_link_leads_to_the_thread_once_there_is_one(house, zendesk, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    assert zendesk.records[-1].link == house.desk.link(house.desk.place)


def test_a_priority_that_rises_is_told(house, zendesk):
    house.says("I want a human")
    house.detector.priority = Priority.URGENT
    house.says("a human, NOW")
    assert [record.priority for record in zendesk.records] == [Priority.NORMAL, Priority.URGENT]


def test_an_edit_is_told(house, zendesk):
    house.says("I want a human")
    with house.database.write() as tx:
        tx.session.get_one(Ticket, 1).subject = "A better subject"
        house.core.tickets_out.changed(tx, 1, house.clock.now())
    house.settle()
    assert zendesk.records[-1].subject == "A better subject"


@pytest.mark.on_both
def test_several_changes_are_one_with_the_latest_state(house, zendesk, ana):
    zendesk.troubles.append(down(retry_after=60))
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RELEASE, ana)
    house.take(Step.RESOLVE, ana)
    assert zendesk.records == []
    house.clock.advance(minutes=2)
    house.settle()
    assert zendesk.statuses == ["solved"]


@pytest.mark.on_both
def test_a_change_in_the_middle_of_a_call_is_not_lost(house, zendesk, ana):
    house.says("I want a human")

    def meanwhile(record):
        zendesk.before_put.clear()
        with house.database.write() as tx:
            tx.session.get_one(Ticket, 1).subject = "Changed meanwhile"
            house.core.tickets_out.changed(tx, 1, house.clock.now())

    zendesk.before_put.append(meanwhile)
    house.take(Step.CLAIM, ana)
    assert [record.subject for record in zendesk.records][-2:] == [
        "I want a human",
        "Changed meanwhile",
    ]


def test_one_system_that_is_down_delays_no_other(house, zendesk, webhook, ana):
    zendesk.troubles += [down(retry_after=600)] * 3
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    assert (zendesk.statuses, webhook.statuses) == ([], ["open", "pending"])


def test_each_system_has_threads_of_its_own(house):
    for name in ("webhook", "zendesk"):
        assert QUEUES[f"sink-{name}"] > 0


@pytest.mark.on_both
def test_a_lost_answer_leads_to_the_same_state_again(house, zendesk):
    zendesk.lost_answers.append(down())
    house.says("I want a human")
    house.clock.advance(minutes=2)
    house.settle()
    assert zendesk.statuses == ["open", "open"]
    assert link_of(house) == "Z1"


@pytest.mark.on_both
def test_a_crash_in_mid_call_leads_to_the_latest_state(house, zendesk, database, ana):
    class Crash(BaseException):
        pass

    zendesk.troubles.append(Crash())
    with pytest.raises(Crash):
        house.says("I want a human")
    with database.write() as tx:
        leases.bury(tx, dead_since=None)
    house.core.worker.heartbeat.id = ""
    house.settle()
    house.take(Step.CLAIM, ana)
    assert zendesk.statuses[-1] == "pending"
    assert link_of(house) == "Z1"


@pytest.mark.on_both
def test_a_failure_for_good_is_told_once_in_the_thread(house, zendesk, ana):
    zendesk.troubles += [down(permanent=True), down(permanent=True)]
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    told = [text for text in house.desk.said() if "Zendesk" in text]
    assert told == [
        "Ticket #1: Zendesk does not have the ticket's latest state. Zendesk answered 503."
    ]


def test_after_a_failure_for_good_the_next_change_is_tried_again(house, zendesk, ana):
    zendesk.troubles.append(down(permanent=True))
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    assert zendesk.statuses == ["pending"]


def test_after_an_hour_the_thread_says_that_it_is_behind(house, zendesk):
    zendesk.troubles += [down()] * 300
    house.says("I want a human")
    for _ in range(90):
        house.clock.advance(minutes=1)
        house.settle()
    told = [text for text in house.desk.said() if "Zendesk" in text]
    assert told == [
        "Ticket #1: Zendesk has not accepted the ticket for an hour. Handoff keeps retrying."
    ]
    zendesk.troubles.clear()
    house.clock.advance(minutes=2)
    house.settle()
    assert zendesk.statuses == ["open"]


def test_a_bug_of_ours_tells_no_details(house, zendesk):
    zendesk.troubles += [ValueError("+15550001 is secret")] * 10
    house.says("I want a human")
    for _ in range(10):
        house.clock.advance(minutes=2)
        house.settle()
    (told,) = [text for text in house.desk.said() if "Zendesk" in text]
    assert "secret" not in told


def test_a_system_that_is_not_in_use_any_more_is_forgotten(house, webhook):
    house.says("I want a human")
    with house.database.write() as tx:
        payload = {"ticket_id": 1, "sink": "jira"}
        enqueue_job(tx, NewJob(TICKET_OUT, "sink-webhook:1", payload, house.clock.now()))
    house.settle()
    with house.database.read() as tx:
        assert store.load(tx).parked == 0


def test_without_other_systems_there_is_no_work(database, clock):
    house = build_house(database, clock)
    house.says("I want a human")
    with database.read() as tx:
        assert not [row for row in tx.session.execute(select(WORK)) if row.kind == TICKET_OUT]


def test_the_log_holds_no_words_of_theirs(house, zendesk):
    zendesk.troubles.append(down(permanent=True))
    house.says("I want a human", profile_name="Dana")
    with house.database.read() as tx:
        (event,) = log.events(tx, "ticket.zendesk.failed")
    assert event.data == {"ticket": 1}
