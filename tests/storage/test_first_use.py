"""Rows that are made on first use, by several transactions at once: one row, and nobody fails."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from handoff_bot.domain.files import File
from handoff_bot.domain.language_models import Usage
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.jobs import leases, rate_limits
from handoff_bot.jobs.job import NewJob, enqueuer_of
from handoff_bot.storage import agents, attachments, conversations, log, tallies, tickets, workspace
from handoff_bot.storage.models import Contact, ContactAddress, Conversation, Escalation, Ticket

LATECOMERS = 4
PATIENCE = 60


def inbound(address, *aliases):
    return InboundMessage(
        channel="whatsapp",
        provider_id=f"SM{address}",
        address=address,
        recipient="whatsapp:+1555",
        text="Hello",
        aliases=aliases,
    )


@pytest.fixture
def ticket(database, clock):
    """The id of a ticket, which here is its conversation's and its escalation's too."""
    now = clock.now()
    with database.write() as tx:
        conversation = conversations.of_inbound(tx, inbound("known"), now)
        number = conversation.id
        row = {"status": "queued", "reason": "request", "priority": "normal"}
        escalation = tx.add(
            Escalation(conversation_id=number, message_id=1, priority_rank=1, opened_at=now, **row)
        )
        made = tx.add(
            Ticket(
                escalation_id=escalation.id,
                contact_id=conversation.contact_id,
                conversation_id=number,
                channel="whatsapp",
                created_at=now,
                updated_at=now,
                **row,
            )
        )
        return made.id


FIRST_USES = {
    "a Slack channel": lambda tx, now, _: workspace.channel_of(tx, "C1", "UANA", now),
    "a setting": lambda tx, now, _: log.prefer(tx, "rules.key", 1, "UANA", now),
    "an agent": lambda tx, now, _: conversations.agent_row(tx, "UANA", "Ana", now),
    "a customer": lambda tx, now, _: conversations.of_inbound(tx, inbound("+1"), now),
    "a customer with two names": (
        lambda tx, now, _: conversations.of_inbound(tx, inbound("+1", "user:1"), now)
    ),
    "a ticket's link": lambda tx, now, it: tickets.keep_external_id(tx, it, "zendesk", "Z1", now),
    "a ticket's tags": lambda tx, now, it: tickets.add_tags(tx, it, ["vip", "refund"]),
    "a file": (
        lambda tx, now, it: attachments.add(tx, "t1", File("a", "text/plain", b"x"), it, None, now)
    ),
    "a budget": lambda tx, now, _: rate_limits.free_at(tx, "post:C1", now),
    "the day's spending": lambda tx, now, _: tallies.add_usage(
        tx, "2026-11-29", 0, Usage("m", 1, 1), 1
    ),
    "a worker": lambda tx, now, _: leases.join(tx, "me", now),
    "a lane": lambda tx, now, _: enqueuer_of(tx).append_now(
        [NewJob("job", "a:1", {}, now, key="once")]
    ),
}


@pytest.mark.parametrize("use", FIRST_USES.values(), ids=FIRST_USES)
def test_several_transactions_that_need_a_row_for_the_first_time_all_get_it(
    database, clock, ticket, use
):
    errors, now = [], clock.now()

    def come_later():
        try:
            with database.write() as tx:
                use(tx, now, ticket)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=come_later) for _ in range(LATECOMERS)]
    with database.write() as tx:
        use(tx, now, ticket)
        for thread in threads:  # they see nothing of what is not committed yet
            thread.start()
        if not database.is_sqlite:
            wait_until_all_wait(database)
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []


def wait_until_all_wait(database):
    """Until PostgreSQL lets all of them wait for the first one's commit."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    pause = threading.Event()
    for _ in range(PATIENCE * 20):
        with database.read() as tx:
            if tx.core.execute(waiting).scalar_one() == LATECOMERS:
                return
        pause.wait(0.05)
    raise TimeoutError("they do not wait")


def test_a_customer_who_writes_under_two_names_at_once_is_one_customer(database, clock):
    """Each message knows the other's name as an alias."""
    errors = []
    names = [("+1", "user:1"), ("user:1", "+1")] * 3

    def write(address, alias):
        try:
            with database.write() as tx:
                conversations.of_inbound(tx, inbound(address, alias), clock.now())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=name) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    with database.read() as tx:
        counts = [
            tx.session.query(model).count() for model in (Contact, ContactAddress, Conversation)
        ]
    assert (errors, counts) == ([], [1, 2, 1])


def test_a_row_of_first_use_is_the_one_that_was_there_before(database, clock):
    now = clock.now()
    with database.write() as tx:
        workspace.channel_of(tx, "C1", "UANA", now)
        log.prefer(tx, "rules.key", 1, "UANA", now)
    with database.write() as tx:
        later = now + timedelta(seconds=1)
        assert workspace.channel_of(tx, "C1", "UBEN", later).added_by == "UANA"
        log.prefer(tx, "rules.key", 2, "UBEN", later)
        conversations.agent_row(tx, "UANA", "Ana", now)
        conversations.agent_row(tx, "UANA", "Ana B.", later)
    with database.read() as tx:
        assert log.preference(tx, "rules.key", None) == 2
        agent = agents.by_desk_id(tx, "UANA")
        assert agent is not None
        assert agent.name == "Ana B."
