"""Merged customers: what an agent sees of them before, and how an opt-out of one reaches the other."""

from dataclasses import replace

import pytest

from handoff_bot.domain.messages import Consent
from handoff_bot.services.delivery import reachability
from handoff_bot.storage import contacts, conversations
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, DeskThread

DANA, WORK, THIRD = "+15550001", "+15550002", "+15550003"


@pytest.fixture
def twice(house):
    """Dana waits twice, from her own number and from her work's, and is answered by us."""
    house.channel.limits = replace(house.channel.limits, consent_by_us=True)
    house.says("I want a human", DANA)
    house.says("I want a human", WORK)
    return house


def merges(house, ana, other=2):
    assert house.core.merging.merge(1, other, ana).done
    house.settle()


def opted_out(house):
    """Returns the addresses that have opted out."""
    with house.database.read() as tx:
        return {one.address for one in tx.session.query(Conversation) if one.opted_out_at}


def consents(house, consent, address):
    """Returns what the customer hears, and where."""
    house.clock.advance(minutes=1)
    before = len(house.channel.taken)
    house.says(consent.upper(), address, consent=consent)
    return {message.to for message, _ in house.channel.taken[before:]}


@pytest.mark.on_sqlite
def test_a_start_ends_the_opt_out_that_it_caused_at_the_other_address(twice, ana):
    merges(twice, ana)
    assert consents(twice, Consent.STOP, DANA) == {DANA}
    assert consents(twice, Consent.STOP, DANA) == set()
    assert opted_out(twice) == {DANA, WORK}
    assert consents(twice, Consent.START, DANA) == {DANA}
    assert opted_out(twice) == set()
    told = [one for one in twice.desk.said("notice") if one in (reachability.OUT, reachability.IN)]
    assert told == [reachability.OUT, reachability.IN]


@pytest.mark.on_sqlite
def test_an_opt_out_of_its_own_stays_and_is_confirmed(twice, ana):
    merges(twice, ana)
    consents(twice, Consent.STOP, DANA)
    assert consents(twice, Consent.STOP, WORK) == {WORK}
    consents(twice, Consent.START, DANA)
    assert opted_out(twice) == {WORK}


@pytest.mark.on_sqlite
def test_a_start_at_the_other_address_leaves_the_opt_out_where_the_customer_asked_for_it(
    twice, ana
):
    consents(twice, Consent.STOP, DANA)
    merges(twice, ana)
    assert opted_out(twice) == {DANA, WORK}
    consents(twice, Consent.START, WORK)
    assert opted_out(twice) == {DANA}


def test_an_opt_out_that_commits_during_a_merge_holds_for_both(twice, ana, database_url):
    if twice.database.is_sqlite:
        pytest.skip("one writer at a time: it cannot happen")
    elsewhere, merge = Database(database_url), contacts.merge

    def opt_out_first(tx, contact_ids):
        with elsewhere.write() as other:
            reachability.opt_out(other, conversations.hold(other, 1), twice.clock.now())
        merge(tx, contact_ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contacts, "merge", opt_out_first)
        merges(twice, ana)
    elsewhere.close()
    assert opted_out(twice) == {DANA, WORK}
    assert all("has opted out" in told for told in twice.desk.said("notice")[-2:])


@pytest.mark.on_sqlite
def test_the_preview_tells_nothing_about_conversations_that_the_agent_may_not_see(twice, ana):
    twice.says("It is me", DANA, profile_name="Dana")
    twice.says("I want a human", THIRD, profile_name="Secret")
    merges(twice, ana, 3)
    with twice.database.write() as tx:
        theirs = tx.session.query(DeskThread).filter(DeskThread.escalation_id == 3).one()
        theirs.slack_channel = "CHIDDEN"
        shown = {one.slack_channel for one in tx.session.query(DeskThread)} - {"CHIDDEN"}
    preview = twice.core.merging.preview
    told = preview(1, 2, frozenset(shown)).text.split("\n\n")[0]
    assert told.splitlines() == [
        "#1 Dana",
        f"SMS: {DANA}, waiting in the queue",
        "and 1 conversation that you may not see",
        "1 ticket",
    ]
    everything = preview(1, 2, None).text
    assert f"SMS: {THIRD}, waiting in the queue" in everything
    assert "2 tickets" in everything
