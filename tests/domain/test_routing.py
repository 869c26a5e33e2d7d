"""Which rule a conversation goes by, and whose turn it is."""

import pytest

from handoff_bot.domain.rules import (
    Case,
    Mode,
    Route,
    RoutingRule,
    RuleConditions,
    Standing,
    first_fitting,
    turn_of,
)
from handoff_bot.domain.signals import Priority, Signal

CASE = Case(
    channel="whatsapp",
    reason=Signal.SENTIMENT,
    priority=Priority.HIGH,
    language="de",
    tags=frozenset({"refund", "parcel"}),
    vip=True,
)

FITTING = {
    "nothing named": RuleConditions(),
    "channel": RuleConditions(channels=("sms", "whatsapp")),
    "reason": RuleConditions(reasons=(Signal.SENTIMENT,)),
    "priority": RuleConditions(priorities=(Priority.URGENT, Priority.HIGH)),
    "language": RuleConditions(languages=("de",)),
    "one of the tags": RuleConditions(tags=("wholesale", "refund")),
    "VIPs": RuleConditions(vip=True),
    "everything": RuleConditions(
        ("whatsapp",), (Signal.SENTIMENT,), (Priority.HIGH,), ("de",), ("parcel",), vip=True
    ),
}

NOT_FITTING = {
    "channel": RuleConditions(channels=("sms",)),
    "reason": RuleConditions(reasons=(Signal.REQUEST,)),
    "priority": RuleConditions(priorities=(Priority.URGENT,)),
    "language": RuleConditions(languages=("en",)),
    "tags": RuleConditions(tags=("wholesale",)),
    "one of several": RuleConditions(channels=("whatsapp",), languages=("en",)),
}


@pytest.mark.parametrize("criteria", FITTING.values(), ids=FITTING)
def test_a_rule_is_about_what_it_names(criteria):
    assert criteria.fit(CASE)


@pytest.mark.parametrize("criteria", NOT_FITTING.values(), ids=NOT_FITTING)
def test_a_rule_is_not_about_anything_else(criteria):
    assert not criteria.fit(CASE)


def test_a_rule_for_vips_is_for_nobody_else():
    nobody = Case("sms", Signal.REQUEST, Priority.LOW)
    assert not RuleConditions(vip=True).fit(nobody)
    assert not RuleConditions(languages=("en",)).fit(nobody)
    assert RuleConditions().fit(nobody)


def test_the_first_rule_that_fits_decides():
    other = RoutingRule(RuleConditions(channels=("sms",)), Route("CSMS"))
    german = RoutingRule(RuleConditions(languages=("de",)), Route("CDE"))
    everything = RoutingRule(to=Route("CALL"))
    assert first_fitting([other, german, everything], CASE) is german
    assert first_fitting([everything, german], CASE) is everything
    assert first_fitting([other], CASE) is None
    assert first_fitting([], CASE) is None


BUSY_NEVER_ASKED = Standing(1, 5, 0)
IDLE_ASKED_LATE = Standing(2, 0, 200)
IDLE_ASKED_EARLY = Standing(3, 0, 100)
SAME_BUT_LATER_HERE = Standing(4, 0, 100)

TURNS = {
    Mode.ROUND_ROBIN: [BUSY_NEVER_ASKED, IDLE_ASKED_EARLY, SAME_BUT_LATER_HERE, IDLE_ASKED_LATE],
    Mode.LEAST_BUSY: [IDLE_ASKED_EARLY, SAME_BUT_LATER_HERE, IDLE_ASKED_LATE, BUSY_NEVER_ASKED],
}


@pytest.mark.parametrize(("mode", "order"), TURNS.items(), ids=TURNS)
def test_whose_turn_it_is(mode, order):
    turned = list(reversed(order))
    assert sorted(turned, key=lambda standing: turn_of(mode, standing)) == order
