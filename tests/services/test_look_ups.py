"""Look-ups for customers: limited for each of them, recorded without what was asked, off by default."""

from dataclasses import asdict, replace

import pytest

from handoff_bot.domain.look_ups import Found, LookUp, Shown
from handoff_bot.domain.mcp_servers import McpServer, ServerTool
from handoff_bot.services.ai_turns import answering, look_ups
from handoff_bot.services.ai_turns.look_ups import LookUpLedger
from handoff_bot.storage import contacts, conversations, log
from handoff_bot.storage.models import Conversation

STATUS = LookUp("status", "Always", "https://shop.example/status", shown=(Shown("A", "a"),))


class Fetching:
    def __init__(self):
        self.asked = []
        self.outcome = "ok"

    def fetch(self, look_up, arguments, seconds):
        self.asked.append(dict(arguments))
        return Found(self.outcome, "A: secret result", 12)


def talk_of(house, number=1):
    with house.database.read() as tx:
        return answering.question(tx, tx.session.get_one(Conversation, number)).talk


def defined(house, *found):
    stored = [asdict(one) for one in found]
    house.core.preferences.change("rules.look_ups", stored, "UADMIN")


@pytest.fixture
def fetching():
    return Fetching()


@pytest.fixture
def ledger(house, fetching):
    house.says("where is my order?")
    return LookUpLedger(house.database, fetching, house.clock)


def test_a_look_up_is_off_until_an_admin_switches_it_on(house, ledger, fetching):
    defined(house, STATUS)
    assert talk_of(house).rules.look_ups == ()
    assert ledger.find(STATUS, {}, talk_of(house), 1).outcome == "not allowed"
    assert fetching.asked == []
    defined(house, replace(STATUS, is_on=True))
    assert [one.name for one in talk_of(house).rules.look_ups] == ["status"]


def test_each_call_is_an_event_without_arguments_and_results(house, ledger):
    ledger.find(replace(STATUS, is_on=True), {"number": "4711"}, talk_of(house), 1)
    with house.database.read() as tx:
        (event,) = log.events(tx, "lookup.made")

    assert event.conversation_id == 1
    assert event.data == {"name": "status", "outcome": "ok", "milliseconds": 12}


def test_a_customer_cannot_try_out_numbers_and_others_are_not_limited(house, ledger, fetching):
    on = replace(STATUS, is_on=True)
    for number in range(look_ups.MOST_PER_HOUR):
        assert ledger.find(on, {"number": str(number)}, talk_of(house), 1).outcome == "ok"
    assert ledger.find(on, {"number": "x"}, talk_of(house), 1).outcome == "too many requests"
    assert len(fetching.asked) == look_ups.MOST_PER_HOUR

    house.says("hello there", address="+15550002")
    with house.database.read() as tx:
        other = conversations.at(tx, "sms", "+15550002").id
    assert ledger.find(on, {}, talk_of(house, other), 1).outcome == "ok"
    with house.database.write() as tx:
        contacts.merge(tx, [1, 2])
    assert ledger.find(on, {}, talk_of(house, other), 1).outcome == "too many requests"
    house.clock.advance(hours=1, seconds=1)
    assert ledger.find(on, {}, talk_of(house), 1).outcome == "ok"


def test_a_look_up_that_raises_counts_towards_the_limit(house, ledger, fetching, monkeypatch):
    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(fetching, "fetch", fail)
    monkeypatch.setattr(look_ups, "MOST_PER_HOUR", 1)
    on = replace(STATUS, is_on=True)
    with pytest.raises(RuntimeError):
        ledger.find(on, {}, talk_of(house), 1)

    assert ledger.find(on, {}, talk_of(house), 1).outcome == "too many requests"
    with house.database.read() as tx:
        outcomes = [one.data["outcome"] for one in log.events(tx, "lookup.made")]
    assert sorted(outcomes) == ["failed", "too many requests"]


# -- tools of MCP servers

STOCK = ServerTool(
    "stock", "What is there", '{"type": "object"}', "d" * 64, only_reads=True, is_on=True
)
SERVER = McpServer("shop", "https://mcp.shop.example/mcp", tools=(STOCK, ServerTool("other")))


def served(house):
    house.core.preferences.change("rules.mcp_servers", [asdict(SERVER)], "UADMIN")
    (one,) = talk_of(house).rules.look_ups
    return one


def test_tools_count_in_the_same_limit_and_are_recorded_in_the_same_way(
    house, ledger, fetching, monkeypatch
):
    monkeypatch.setattr(look_ups, "MOST_PER_HOUR", 1)
    one = served(house)
    assert ledger.find(one, {"item": "secret"}, talk_of(house), 1).outcome == "ok"
    assert ledger.find(replace(STATUS, is_on=True), {}, talk_of(house), 1).outcome == (
        "too many requests"
    )
    with house.database.read() as tx:
        events = [each.data for each in log.events(tx, "lookup.made")]
    assert {"name": "shop-stock", "outcome": "ok", "milliseconds": 12} in events


def test_a_tool_that_changed_is_switched_off_and_the_admins_are_told_once(house, ledger, fetching):
    one = served(house)
    fetching.outcome = "tool changed"
    for _ in range(2):
        assert ledger.find(one, {}, talk_of(house), 1).outcome == "tool changed"

    assert talk_of(house).rules.look_ups == ()
    (stored,) = house.core.preferences.get("rules.mcp_servers", [])
    assert [each["has_changed"] for each in stored["tools"]] == [True, False]
    (change, _) = house.core.preferences.history(5, "rules.mcp_servers")
    assert change.by == "handoff"
    house.settle()
    told = [each for posts in house.desk.told.values() for each in posts]
    told = [each for each in told if "shop-stock has changed" in each.text]
    assert len(told) == 1
