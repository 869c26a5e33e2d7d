"""Routing: the first rule that fits says where a conversation goes, and who is asked for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from handoff_bot.domain.desk import Button
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Resolution, Step
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.rules import Mode, Route, RoutingRule, RuleConditions
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.jobs.worker import Worker
from handoff_bot.services.container import QUEUES
from handoff_bot.services.escalations.applied_route import RULES
from handoff_bot.services.escalations.offers import NOBODY_ELSE, NOBODY_YET, NOT_KNOWN
from handoff_bot.services.outbox import slack_channels
from handoff_bot.storage import log
from handoff_bot.storage.models import Escalation

pytestmark = pytest.mark.on_sqlite

GROUP = "S0CARE"
IN_TURN = Route(mode=Mode.ROUND_ROBIN)


@pytest.fixture
def there(house, ana, ben):
    """Ana and Ben are there."""
    for agent in (ana, ben):
        house.core.availability.come(agent, "UTC")
    return house


def rule(house, to, **when):
    """One more rule."""
    book = house.core.routing.rules
    assert book.put(None, RoutingRule(RuleConditions(**when), to), "test", book.seen())


def escalations(house):
    with house.database.read() as tx:
        return tx.session.execute(select(Escalation).order_by(Escalation.id)).scalars().all()


def asked(house):
    """Who was asked, in order, as often as they were."""
    with house.database.read() as tx:
        names = {1: "UANA", 2: "UBEN"}
        return [names.get(e.agent_id, e.agent_id) for e in log.events(tx, "escalation.offered")]


def wait(house, **time):
    house.clock.advance(**time)
    house.settle()


# -- where it goes


def test_without_rules_everything_is_as_usual(there):
    there.says("I want a person")
    (escalation,) = escalations(there)
    assert (escalation.slack_channel, escalation.group_id) == ("", "")
    assert asked(there) == []


def test_the_first_rule_that_fits_says_where_the_card_goes(house):
    rule(house, Route("CSPANISH"), languages=("es",))
    rule(house, Route("CURGENT", GROUP), priorities=(Priority.URGENT,))
    rule(house, Route("CREST"))
    house.says("I want a person")
    house.detector.priority = Priority.URGENT
    house.says("I want a person", "+15550002")
    house.detector.language = "es"
    house.says("I want a person", "+15550003")
    assert [(e.slack_channel, e.group_id) for e in escalations(house)] == [
        ("CREST", ""),
        ("CURGENT", GROUP),
        ("CSPANISH", ""),
    ]
    assert [card.slack_channel for card in house.desk.cards.values()] == [
        "CREST",
        "CURGENT",
        "CSPANISH",
    ]


def test_vips_reasons_and_channels(house):
    house.core.preferences.change("rules.vips", ["+15550002"], "test")
    rule(house, Route("CVIP"), vip=True)
    rule(house, Route("CWEB"), channels=("webchat",))
    rule(house, Route("CASKED"), channels=("sms",), reasons=(Signal.REQUEST,))
    house.says("I want a person")
    house.says("I want a person", "+15550002")
    assert [e.slack_channel for e in escalations(house)] == ["CASKED", "CVIP"]


@pytest.mark.on_both
def test_tags_are_those_of_all_tickets_of_the_customer(house, ana):
    rule(house, Route("CWHOLESALE"), tags=("wholesale",))
    house.says("I want a person")
    house.take(Step.CLAIM, ana)
    house.core.escalations.take(Step.RESOLVE, 1, ana, Resolution(tags=("wholesale",)))
    wait(house, days=40)
    house.says("I want a person again")
    assert [e.slack_channel for e in escalations(house)] == ["", "CWHOLESALE"]


def test_attributes_of_the_customer_decide_regardless_of_case(house):
    rule(house, Route(slack_channel="CPRO"), attributes=("plan = pro", "plan = business"))
    house.says("I want a person", attributes={"plan": "Free"})
    house.says("I want a person", "+15550002", attributes={"plan": "PRO", "order": "4711"})
    house.says("I want a person", "+15550003")
    assert [each.slack_channel for each in escalations(house)] == ["", "CPRO", ""]


def test_the_people_of_a_rule_are_called_by_name_below_the_card(house):
    rule(house, Route(people=("UANA", "UBEN")))
    house.says("I want a person")
    (post,) = house.desk.threads[house.desk.place]
    assert (post.text, post.mentions) == ("This conversation is for you.", ("UANA", "UBEN"))
    assert asked(house) == []


def test_a_channel_that_does_not_work_is_not_used(house):
    rule(house, Route("CBROKEN", GROUP))
    house.core.desk_channels.joined("CBROKEN", "UMIA", [], "1")
    with house.database.write() as tx:
        slack_channels.closed(tx, "CBROKEN", "archived", house.clock.now())
    house.says("I want a person")
    (escalation,) = escalations(house)
    assert (escalation.slack_channel, escalation.group_id) == ("", GROUP)


@pytest.mark.on_both
def test_a_rule_that_is_stored_wrongly_counts_as_none(house):
    wrong = [{"to": {"mode": "whatever"}}, "nonsense", {"when": {}, "to": {"slack_channel": "C1"}}]
    house.core.preferences.change(RULES, wrong, "test")
    house.says("I want a person")
    assert escalations(house)[0].slack_channel == "C1"
    house.core.preferences.change(RULES, "nonsense", "test")
    assert house.core.routing.rules.all() == []


# -- offers


@pytest.mark.on_both
def test_agents_take_turns(there):
    rule(there, IN_TURN)
    for number in range(4):
        there.says("I want a person", f"+1555000{number}")
        there.clock.advance(seconds=1)
    assert asked(there) == ["UANA", "UBEN", "UANA", "UBEN"]


@pytest.mark.on_both
def test_the_least_busy_is_asked(there, ana):
    there.says("I want a person")
    there.take(Step.CLAIM, ana)
    rule(there, Route(mode=Mode.LEAST_BUSY))
    for number in (2, 3):
        there.says("I want a person", f"+1555000{number}")
        there.clock.advance(seconds=1)
    assert asked(there) == ["UBEN", "UBEN"]


def test_who_does_not_answer_in_time_is_passed_over(there):
    rule(there, Route(mode=Mode.ROUND_ROBIN, seconds=45))
    there.says("I want a person")
    assert "The next agent gets the offer in 45 seconds." in there.desk.told["UANA"][0].text
    wait(there, seconds=44)
    assert asked(there) == ["UANA"]
    wait(there, seconds=1)
    assert asked(there) == ["UANA", "UBEN"]
    wait(there, seconds=45)
    assert asked(there) == ["UANA", "UBEN"]
    assert there.desk.said().count(NOBODY_ELSE) == 1


def test_declining_keeps_to_the_rule(there, ana, ben):
    there.desk.groups[GROUP] = ("UBEN", "UANA")
    eve = type(ana)("UEVE", "Eve")
    there.core.availability.come(eve, "UTC")
    rule(there, Route(group_id=GROUP, mode=Mode.ROUND_ROBIN))
    there.says("I want a person")
    for who in ("UANA", "UBEN", "UBEN"):
        there.core.offers.decline(1, who)
        there.settle()
    assert asked(there) == ["UANA", "UBEN"]
    assert "UEVE" not in there.desk.told


def test_accepting_is_a_claim_and_ends_the_asking(there, ana):
    rule(there, IN_TURN)
    there.says("I want a person")
    (told,) = there.desk.told["UANA"]
    assert told.buttons == (Button.ACCEPT, Button.DECLINE)
    there.take(Step.CLAIM, ana, int(told.value))
    wait(there, minutes=10)
    assert asked(there) == ["UANA"]
    assert there.channel.phone[1:] == [
        "Now speaking with Ana.",
        "Hi, I'm Ana. I've reviewed your conversation and I'm here to help.",
    ]


def test_only_the_people_of_a_rule_are_asked(there):
    rule(there, Route(people=("UBEN",), mode=Mode.LEAST_BUSY))
    there.says("I want a person")
    wait(there, minutes=5)
    assert asked(there) == ["UBEN"]
    assert NOBODY_ELSE in there.desk.said()


def test_only_members_of_its_group_are_asked(there):
    there.desk.groups[GROUP] = ("UBEN",)
    rule(there, Route(group_id=GROUP, mode=Mode.ROUND_ROBIN))
    there.says("I want a person")
    assert asked(there) == ["UBEN"]


def test_a_group_that_slack_does_not_show_is_called_and_nobody_is_asked(there):
    rule(there, Route(group_id=GROUP, mode=Mode.ROUND_ROBIN))
    there.says("I want a person")
    assert there.desk.card.group_id == GROUP
    assert asked(there) == []
    assert NOT_KNOWN in there.desk.said()


def test_slack_in_trouble_is_asked_again_who_is_in_the_group(there):
    there.desk.groups[GROUP] = ("UBEN",)
    rule(there, Route(group_id=GROUP, mode=Mode.ROUND_ROBIN))
    members = there.desk.members
    troubles = [DeskError("Slack does not answer.", permanent=False)] * 3

    def in_trouble(group_id):
        if troubles:
            raise troubles.pop()
        return members(group_id)

    there.desk.members = in_trouble
    there.says("I want a person")
    assert asked(there) == []
    for _ in range(9):
        wait(there, seconds=3)
    assert asked(there) == ["UBEN"]


def test_who_is_away_is_asked_when_they_come(there, ana, ben):
    rule(there, Route(people=("UANA",), mode=Mode.ROUND_ROBIN))
    there.core.availability.leave(ana, "UTC", None)
    there.says("I want a person")
    wait(there, minutes=1)
    wait(there, minutes=1)
    assert there.desk.said().count(NOBODY_YET) == 1
    there.core.availability.come(ana, "UTC")
    wait(there, minutes=1)
    assert asked(there) == ["UANA"]


def test_nobody_is_asked_outside_of_the_teams_hours(there):
    there.core.preferences.change("hours.lines", ["mon-fri 10:00-17:00"], "test")  # it is 9:00
    rule(there, IN_TURN)
    there.says("I want a person")
    wait(there, minutes=59)
    assert asked(there) == []
    wait(there, minutes=1)
    assert asked(there) == ["UANA"]


def test_what_is_put_back_is_offered_anew_but_not_to_who_let_go(there, ana):
    rule(there, IN_TURN)
    there.says("I want a person")
    there.take(Step.CLAIM, ana)
    there.take(Step.RELEASE, ana)
    assert asked(there) == ["UANA", "UBEN"]
    wait(there, minutes=5)
    assert asked(there) == ["UANA", "UBEN"]


def test_what_is_given_to_another_group_by_hand_is_left_to_it(there, ana):
    there.desk.groups[GROUP] = ("UANA", "UBEN")
    rule(there, Route(group_id=GROUP, mode=Mode.ROUND_ROBIN))
    there.says("I want a person")
    there.core.escalations.hand_back(1, ana, "S0OTHER")
    wait(there, minutes=5)
    assert asked(there) == ["UANA"]


def test_rules_that_change_meanwhile_are_for_those_who_come_later(there):
    rule(there, Route(people=("UBEN",), mode=Mode.ROUND_ROBIN))
    there.says("I want a person")
    there.core.preferences.change(RULES, [], "test")
    wait(there, minutes=2)
    assert NOBODY_ELSE in there.desk.said()


def test_the_ladder_asks_everybody_when_its_time_comes(there):
    there.core.preferences.change("ladder.rungs", ["5 offer"], "test")
    rule(there, Route(people=("UBEN",), mode=Mode.ROUND_ROBIN))
    there.says("I want a person")
    wait(there, minutes=2)
    wait(there, minutes=3)
    assert asked(there) == ["UBEN", "UANA"]


@pytest.mark.on_both
def test_in_two_processes_each_is_asked_once(there):
    rule(there, IN_TURN)
    there.says("I want a person")
    two = [
        Worker(there.database, there.core.handlers, there.clock, threads=QUEUES) for _ in range(2)
    ]
    for _ in range(3):
        there.clock.advance(minutes=2)
        while sum(each.run_once() for each in two):
            pass
    assert asked(there) == ["UANA", "UBEN"]
    assert {who: len(posts) for who, posts in there.desk.told.items()} == {"UANA": 1, "UBEN": 1}


# -- given without asking


def given(**more):
    return Route(mode=Mode.LEAST_BUSY, assigns=True, **more)


def owners(house):
    names = {1: "UANA", 2: "UBEN"}
    return [names.get(e.owner_id) for e in escalations(house)]


def test_a_rule_may_give_it_without_asking(there):
    rule(there, given())
    for number in range(3):
        there.says("I want a person", f"+1555000{number}")
        there.clock.advance(seconds=1)
    assert owners(there) == ["UANA", "UBEN", "UANA"]
    assert "Now speaking with Ana." in there.channel.phone
    assert "assigned you the conversation" in there.desk.told["UANA"][0].text


@pytest.mark.on_both
def test_capacity_holds_and_the_rest_is_given_when_there_is_room(there, ana, ben):
    there.core.preferences.change("capacity", 1, "test")
    rule(there, given())
    for number in range(3):
        there.says("I want a person", f"+1555000{number}")
    assert owners(there) == ["UANA", "UBEN", None]
    assert there.desk.said().count(NOBODY_YET) == 1
    wait(there, minutes=1)
    assert there.desk.said().count(NOBODY_YET) == 1
    there.take(Step.RESOLVE, ben, 2)
    wait(there, minutes=1)
    assert owners(there)[2] == "UBEN"


@pytest.mark.on_both
def test_capacity_holds_with_many_at_once(there):
    """Choices in transactions of their own, at the same time."""
    there.core.preferences.change("capacity", 2, "test")
    for number in range(6):
        there.says("I want a person", f"+1555000{number}", settle=False)
    rule(there, given())
    with ThreadPoolExecutor(4) as pool:
        lanes = [
            Worker(there.database, there.core.handlers, there.clock, threads=QUEUES)
            for _ in range(4)
        ]

        def run(each):
            while each.run_once():
                pass

        list(pool.map(run, lanes))
    there.settle()
    assert sorted(owner or "" for owner in owners(there)) == ["", "", *["UANA"] * 2, *["UBEN"] * 2]


@pytest.mark.on_both
def test_who_takes_it_first_keeps_it(there, ana, ben):
    """Somebody clicks between the choice to give it and the giving."""
    there.desk.groups[GROUP] = ("UBEN",)
    members = there.desk.members

    def meanwhile(group_id):
        there.core.escalations.take(Step.CLAIM, 1, ana)
        return members(group_id)

    there.desk.members = meanwhile
    rule(there, given(group_id=GROUP))
    there.says("I want a person")
    assert owners(there) == ["UANA"]


@pytest.mark.on_both
def test_a_crash_after_giving_gives_it_once(there):
    rule(there, given())
    there.core.handlers["routing.assign"].finish = _crash
    there.says("I want a person")
    del there.core.handlers["routing.assign"].finish
    wait(there, minutes=1)
    assert owners(there) == ["UANA"]
    assert len(there.desk.told["UANA"]) == 1


def _crash(*_):
    raise RuntimeError("killed")


def test_while_the_assistants_last_message_leaves_it_is_tried_again(there):
    rule(there, given())
    reassign = there.core.escalations._reassign
    busy = [True, True]

    def refused(change, to, note):
        if busy:
            busy.pop()
            return ActionResult(False, "The assistant's last message was still being sent.")
        return reassign(change, to, note)

    there.core.escalations._reassign = refused
    there.says("I want a person")
    assert owners(there) == [None]
    wait(there, seconds=1)
    wait(there, seconds=1)
    assert len([one for one in owners(there) if one]) == 1


# -- trying a rule


@pytest.mark.on_both
def test_a_rule_is_tried_on_the_latest_conversations(house):
    house.says("I want a person")
    house.detector.priority = Priority.URGENT
    house.says("I want a person", "+15550002")
    house.says("I want a person", "+15550003")
    urgent = RoutingRule(RuleConditions(priorities=(Priority.URGENT,)))
    rules = [RoutingRule(), urgent]
    tried = house.core.routing.tried(rules, 1)
    assert (tried.of, tried.fit, tried.decided) == (3, 2, 0)
    tried = house.core.routing.tried(rules[::-1], 0)
    assert (tried.of, tried.fit, tried.decided) == (3, 2, 2)


# -- the list


@pytest.mark.on_both
def test_rules_are_kept_in_their_order(house):
    book = house.core.routing.rules
    for name in ("C1", "C2", "C3"):
        rule(house, Route(name))
    assert book.move_up(2, "test", book.seen())
    assert [each.to.slack_channel for each in book.all()] == ["C1", "C3", "C2"]
    assert book.move_up(0, "test", book.seen())
    assert book.put(1, RoutingRule(to=Route("C4")), "test", book.seen())
    assert book.delete(0, "test", book.seen())
    assert [each.to.slack_channel for each in book.all()] == ["C4", "C2"]


@pytest.mark.on_both
def test_a_change_of_an_older_list_is_refused(house):
    book = house.core.routing.rules
    rule(house, Route("C1"))
    seen = book.seen()
    rule(house, Route("C2"))
    assert not book.delete(0, "test", seen)
    assert not book.put(None, RoutingRule(), "test", seen)
    assert len(book.all()) == 2


@pytest.mark.on_both
def test_a_restart_between_any_two_offers_loses_none(there):
    """Each offer's successor is written in the transaction that makes it."""
    rule(there, Route(mode=Mode.ROUND_ROBIN, seconds=60))
    there.says("I want a person")
    there.clock.advance(minutes=30)  # everything was down
    there.settle()
    assert asked(there) == ["UANA", "UBEN"]
    wait(there, seconds=60)
    assert there.desk.said().count(NOBODY_ELSE) == 1
    assert timedelta(minutes=31) == there.clock.now() - escalations(there)[0].opened_at
