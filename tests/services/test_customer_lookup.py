"""Customers are looked up by a job: at most once an hour, and nothing waits for it."""

import pytest

from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.routing import Route, Rule
from handoff_bot.domain.rule_conditions import RuleConditions
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
    assert book.put(None, Rule(when, Route(slack_channel="CPRO")), "test", book.seen())
    house.says("hello")
    house.says("I want a person")
    assert house.desk.card.slack_channel == "CPRO"


def test_who_was_forgotten_is_not_looked_up(house, system):
    house.says("hello", settle=False)
    assert house.core.worker.run_once()
    house.core.forgetting.request(1, "UMIA")
    house.settle()
    assert system.asked == []
