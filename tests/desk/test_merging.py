"""An agent merges two contacts of one customer: searched, confirmed, audited, and reaching both."""

import pytest

from handoff_bot.domain.messages import Consent
from handoff_bot.services.merging import SAME
from handoff_bot.slack.features.merging import NONE_FOUND
from handoff_bot.storage.models import Contact, Conversation, DeskThread
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite

WORK = "+15550002"


@pytest.fixture
def twice(bureau):
    """Dana waits twice: from her own number, and from her work's."""
    bureau.says("I want a person", DANA)
    bureau.says("I want a person, from work", WORK)
    return bureau


def searches(bureau, who, said):
    """Opens the conversation of the first card, and searches for another customer."""
    bureau.click(who, "view", ts=bureau.cards()[0]["ts"])
    bureau.presses(who, "merge_open")
    return bureau.sends(who, {"merge_words": said})


def merges(bureau, who):
    assert searches(bureau, who, "#2").errors == {}
    assert bureau.sends(who, {"merge_other": "2"}).errors == {}
    shown = words(bureau.modal(who))
    bureau.sends(who)
    return shown


@pytest.mark.on_both
def test_the_agent_sees_what_will_happen_before_it_does(twice):
    shown = merges(twice, twice.ana)
    for fact in (
        f"SMS: {DANA}, waiting in the queue",
        f"SMS: {WORK}",
        "1 ticket",
        "cannot be undone",
    ):
        assert fact in shown
    assert "Merged with the customer of ticket #2." in words(twice.modal(twice.ana))
    told = [twice.thread(card["ts"]) for card in twice.cards()]
    assert "Ana merged this customer with the customer of ticket #2." in str(told[0])
    assert "Ana merged this customer with the customer of ticket #1." in str(told[1])
    assert "Ticket #2, 1 earlier ticket" in words(twice.cards()[1]["blocks"])
    twice.command(twice.mia, "audit")
    assert "merged the customer of #1 with the customer of #2" in words(twice.modal(twice.mia))


@pytest.mark.on_both
def test_an_opt_out_of_one_address_holds_for_both_before_and_after(twice):
    twice.says("STOP", WORK, consent=Consent.STOP)
    merges(twice, twice.ana)
    assert "The customer has opted out" in str([twice.thread(c["ts"]) for c in twice.cards()])
    with twice.database.read() as tx:
        assert all(one.opted_out_at for one in tx.session.query(Conversation))
    twice.says("START", DANA, consent=Consent.START)
    twice.says("START", WORK, consent=Consent.START)
    twice.says("STOP", DANA, consent=Consent.STOP)
    with twice.database.read() as tx:
        assert all(one.opted_out_at for one in tx.session.query(Conversation))


@pytest.mark.on_both
@pytest.mark.parametrize("given", ["1", "2", DANA, WORK])
def test_what_is_asked_about_one_is_about_both(twice, given):
    merges(twice, twice.ana)
    assert [one.contact_id for one in twice.core.forgetting.preview(given)] == [1, 2]


def test_tags_earlier_tickets_and_attributes_are_those_of_both(twice):
    with twice.database.write() as tx:
        tx.session.get_one(Contact, 2).attributes = {"plan": "pro"}
    merges(twice, twice.ana)
    twice.click(twice.ana, "view", ts=twice.cards()[0]["ts"])
    assert "Plan: pro" in words(twice.modal(twice.ana))
    assert "Plan: pro" in words(twice.cards()[0]["blocks"])


def test_customers_are_merged_once_and_only_with_tickets_that_the_agent_may_see(twice):
    assert searches(twice, twice.ana, "nobody").errors == {"merge_words": NONE_FOUND}
    hidden = twice.slack.add_channel("secret", [twice.mia])
    twice.slack.invite_bot(hidden, twice.mia)
    with twice.database.write() as tx:
        theirs = tx.session.query(DeskThread).filter(DeskThread.escalation_id == 2)
        theirs.one().slack_channel = hidden
    assert searches(twice, twice.ana, "#2").errors == {"merge_words": NONE_FOUND}
    assert not twice.core.merging.may_see(2, twice.core.roles.reach(twice.ana))
    merges(twice, twice.mia)
    assert twice.core.merging.preview(1, 2, None).text == SAME


def test_a_customer_who_was_forgotten_is_merged_with_none(twice):
    assert searches(twice, twice.ana, "#2").errors == {}
    twice.core.forgetting.request(2, twice.mia)
    refused = twice.sends(twice.ana, {"merge_other": "2"})
    assert "forgotten" in refused.errors["merge_other"]
