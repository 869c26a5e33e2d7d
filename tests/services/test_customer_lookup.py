"""Customers are looked up by a job: at most once an hour, and nothing waits for it."""

import pytest

from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.rules import Route, RoutingRule, RuleConditions
from handoff_bot.storage import contacts, conversations
from handoff_bot.storage.models import Contact
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite


class ScriptedSystem:
    def __init__(self):
        self.asked, self.knows, self.error = [], {"plan": "Pro"}, None

    def look_up(self, channel, address):
        self.asked.append((channel, address))
        if self.error:
            raise self.error
        return self.knows


@pytest.fixture
def system():
    return ScriptedSystem()


@pytest.fixture
def house(database, clock, system):
    return build_house(database, clock, customers=system)


@pytest.mark.on_both
def test_the_card_shows_what_the_system_knows_before_what_the_website_says(house, system):
    house.says("I want a person", attributes={"plan": "Free", "page": "/cart"})
    assert system.asked == [("sms", "+15550001")]
    assert house.desk.card.attributes == {"plan": "Pro", "page": "/cart"}


def test_of_too_many_attributes_those_of_the_customers_own_contact_stay(house):
    house.says("hello", attributes={"mine": "yes"})
    house.says("hello", address="+15550002")
    with house.database.write() as tx:
        many = {f"theirs {number}": "no" for number in range(conversations.MOST_ATTRIBUTES)}
        tx.session.get_one(Contact, 2).attributes = {**many, "plan": "Free"}
        contacts.merge(tx, [1, 2])
    with house.database.read() as tx:
        found = conversations.attributes_of(tx, 1)
    assert list(found)[:2] == ["plan", "mine"]
    assert found["plan"] == "Pro"
    assert len(found) == conversations.MOST_ATTRIBUTES


def test_it_is_asked_again_when_the_customer_writes_an_hour_later(house, system):
    house.says("hello")
    house.says("I want a person")
    system.knows = {"plan": "Business"}
    house.clock.advance(minutes=61)
    house.says("are you there?")
    assert len(system.asked) == 2
    assert house.desk.card.attributes == {"plan": "Business"}


@pytest.mark.parametrize("permanent", [True, False])
def test_a_system_in_trouble_delays_nothing_and_what_was_known_stays(house, system, permanent):
    house.says("hello")
    system.error = ConnectorError("No.", permanent=permanent)
    house.clock.advance(minutes=61)
    house.says("I want a person")
    assert house.desk.card.attributes == {"plan": "Pro"}


def test_rules_know_what_was_looked_up_at_an_earlier_message(house):
    book = house.core.routing.rules
    when = RuleConditions(attributes=("plan = pro",))
    assert book.put(None, RoutingRule(when, Route(slack_channel="CPRO")), "test", book.seen())
    house.says("hello")
    house.says("I want a person")
    assert house.desk.card.slack_channel == "CPRO"


def test_who_was_forgotten_is_not_looked_up(house, system):
    house.says("hello", settle=False)
    assert house.core.worker.run_once()
    house.core.forgetting.request(1, "UMIA")
    house.settle()
    assert system.asked == []
