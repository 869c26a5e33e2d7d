"""Admins' rules in windows: where conversations go, and who is told of them; down to what happens then."""

import threading

import pytest

from handoff_bot.domain.rules import Route, RoutingRule, RuleConditions
from handoff_bot.domain.signals import Priority
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite

NOBODY = {
    "rule_channels": None,
    "rule_reasons": None,
    "rule_priorities": None,
    "rule_languages": None,
    "rule_tags": None,
    "rule_vip": None,
}
TO = {
    "routing_channel": None,
    "routing_group": None,
    "routing_people": None,
    "routing_mode": "free",
    "routing_assigns": None,
    "routing_seconds": "120",
}
TOLD = {
    "notices_channel": None,
    "notices_group": None,
    "notices_people": None,
    "notices_emails": None,
    "notices_quiet": None,
    "notices_wakes": None,
}


def routed(bureau, **fields):
    """Mia adds a rule of routing."""
    bureau.command(bureau.mia, "routing")
    bureau.presses(bureau.mia, "routing_add")
    return bureau.sends(bureau.mia, NOBODY | TO | fields)


def told(bureau, **fields):
    """Mia adds a rule of notifications."""
    bureau.command(bureau.mia, "notices")
    bureau.presses(bureau.mia, "notices_add")
    return bureau.sends(bureau.mia, NOBODY | TOLD | fields)


@pytest.fixture
def refunds(bureau):
    """A channel that the bot is in."""
    channel = bureau.slack.add_channel("refunds", [bureau.mia, bureau.ana])
    bureau.slack.invite_bot(channel, bureau.mia)
    bureau.settle()
    return channel


# -- routing


@pytest.mark.on_both
def test_cards_go_where_a_rule_says(bureau, refunds):
    routed(bureau, rule_priorities=["urgent"], routing_channel=refunds)
    shown = words(bureau.modal(bureau.mia))
    assert "Rule saved." in shown
    assert "1. 🔴 Urgent\n→ in its own channel, anyone can take it" in shown
    assert f"<#{refunds}>" in shown
    bureau.says("I want a person", "+15550002")
    bureau.detector.priority = Priority.URGENT
    bureau.says("I want a person", DANA)
    assert len(bureau.cards()) == 1
    assert any("is waiting on SMS" in m["text"] for m in bureau.slack.messages(refunds))


@pytest.mark.on_both
def test_agents_are_asked_in_turn(bureau):
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ben, "on")
    routed(bureau, routing_mode="round_robin", routing_seconds="60")
    bureau.says("I want a person", DANA)
    bureau.later(seconds=1)
    (asked,) = [who for who in (bureau.ana, bureau.ben) if bureau.told(who)]
    other = bureau.ben if asked == bureau.ana else bureau.ana
    assert "Can you take this?" in bureau.told(asked)[0]
    assert "The next agent gets the offer in 1 minute." in bureau.told(asked)[0]
    bureau.later(seconds=70)
    assert "Can you take this?" in bureau.told(other)[0]


def test_it_can_be_given_without_asking(bureau):
    bureau.command(bureau.ben, "on")
    routed(bureau, routing_mode="least_busy", routing_assigns=["yes"])
    bureau.says("I want a person", DANA)
    bureau.later(seconds=5)
    assert "Now speaking with Ben." in bureau.heard(DANA)


@pytest.mark.on_both
def test_rules_are_changed_moved_and_deleted(bureau):
    routed(bureau, rule_tags="refund", routing_people=[bureau.ana])
    routed(bureau, rule_vip=["yes"], routing_people=[bureau.ben])
    bureau.presses(bureau.mia, "routing_up", "1")
    shown = words(bureau.modal(bureau.mia))
    assert "1. VIPs\n→ in the queue channel, for specific agents, anyone can take it" in shown
    assert f"<@{bureau.ben}>" in shown
    bureau.presses(bureau.mia, "routing_change", "0")
    bureau.sends(bureau.mia, NOBODY | TO | {"routing_mode": "least_busy"})
    shown = words(bureau.modal(bureau.mia))
    assert "1. All conversations\n→ in the queue channel, least busy first, 120 s each" in shown
    bureau.presses(bureau.mia, "routing_delete", "0")
    shown = words(bureau.modal(bureau.mia))
    assert "Rule deleted." in shown
    assert "1. tag refund" in shown
    assert "2. " not in shown
    bureau.command(bureau.mia, "settings history")
    history = words(bureau.modal(bureau.mia))
    assert "Routing" in history
    assert "tag refund → in the queue channel" in history


def test_what_is_wrong_is_said_at_its_field(bureau):
    closed = bureau.slack.add_channel("closed", [bureau.mia])
    assert "routing_mode" in routed(bureau).errors
    assert "routing_seconds" in routed(bureau, routing_seconds="5").errors
    assert "Invite @Handoff" in routed(bureau, routing_channel=closed).errors["routing_channel"]


def test_what_somebody_changed_meanwhile_is_not_overwritten(bureau):
    bureau.command(bureau.mia, "routing")
    bureau.presses(bureau.mia, "routing_add")
    bureau.core.preferences.change("routing.rules", [], bureau.ben)
    sent = bureau.sends(bureau.mia, NOBODY | TO | {"routing_people": [bureau.ana]})
    assert "Another admin" in sent.errors["rule_tags"]


@pytest.mark.on_both
def test_a_rule_is_tried_on_what_was(bureau):
    bureau.says("I want a person", DANA)
    bureau.command(bureau.mia, "routing")
    bureau.presses(bureau.mia, "routing_add")
    view = bureau.modal(bureau.mia)["id"]
    values = NOBODY | TO | {"routing_people": [bureau.ana]}
    bureau.slack.click_view(bureau.mia, view, "routing_preview", values=values)
    bureau.settle()
    assert "Tested on the last 1 escalation: the rule would have applied to 1." in words(
        bureau.modal(bureau.mia)
    )


@pytest.mark.parametrize("name", ["routing", "notices"])
def test_rules_are_for_admins(bureau, name):
    bureau.command(bureau.ana, name)
    assert bureau.slack.views(bureau.ana) == []


# -- notifications


def test_a_channel_and_people_are_told(bureau, refunds):
    told(bureau, notices_channel=refunds, notices_people=[bureau.ben])
    shown = words(bureau.modal(bureau.mia))
    assert "1. All conversations\n→ message in a channel, direct message" in shown
    assert f"<#{refunds}>, <@{bureau.ben}>" in shown
    bureau.says("I want a person <!channel>", DANA)
    said = [m for m in bureau.slack.messages(refunds) if "is waiting on SMS" in m["text"]]
    assert len(said) == 1
    assert "<!channel>" not in said[0]["text"]
    assert "asked for a person" in bureau.told(bureau.ben)[0]
    assert bureau.told(bureau.ana) == []


def test_a_group_is_called_in_the_thread_when_no_channel_is_named(bureau):
    group = bureau.slack.add_group("care", "Care", [bureau.ben])
    told(bureau, notices_group=group)
    bureau.says("I want a person", DANA)
    posts = bureau.slack.thread(bureau.queue, bureau.card())
    assert any(f"<!subteam^{group}>" in str(post) for post in posts)


@pytest.mark.on_both
def test_quiet_hours_hold_it_until_they_end_and_only_while_somebody_waits(bureau):
    bureau.core.preferences.change("hours.timezone", "UTC", bureau.mia)
    now = bureau.clock.now()
    quiet = f"{(now.hour - 1) % 24}:00-{(now.hour + 2) % 24}:00"
    told(bureau, notices_people=[bureau.ben], notices_quiet=quiet)
    bureau.core.preferences.change("availability.by_presence", False, bureau.mia)
    bureau.says("I want a person", DANA)
    bureau.says("I want a person", "+15550002")
    assert bureau.told(bureau.ben) == []
    bureau.command(bureau.ana, "next")
    bureau.later(hours=3)
    assert len([one for one in bureau.told(bureau.ben) if "is waiting" in one]) == 1


def test_urgent_ones_may_break_the_quiet(bureau):
    now = bureau.clock.now()
    quiet = f"{(now.hour - 1) % 24}:00-{(now.hour + 2) % 24}:00"
    told(bureau, notices_people=[bureau.ben], notices_quiet=quiet, notices_wakes=["yes"])
    bureau.detector.priority = Priority.URGENT
    bureau.says("I want a person", DANA)
    assert len(bureau.told(bureau.ben)) == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "notices_emails"),
        ({"notices_emails": "ops@example.com\nnobody"}, "notices_emails"),
        ({"notices_people": ["U1"], "notices_quiet": "late"}, "notices_quiet"),
    ],
    ids=["nobody", "no address", "no hours"],
)
def test_a_rule_of_notifications_is_checked(bureau, fields, wrong):
    assert wrong in told(bureau, **fields).errors


def test_a_rule_with_e_mail_is_refused_while_there_is_no_mail_server(bureau):
    sent = told(bureau, notices_people=[bureau.ben], notices_emails="ops@example.com")
    assert "Ask the person who runs the server to set SMTP_URL" in sent.errors["notices_emails"]
    assert bureau.core.notices.rules.all() == []


# -- nothing is lost by looking at it


def test_what_is_not_offered_any_more_stays_in_a_rule_that_is_changed(bureau):
    gone = RoutingRule(
        RuleConditions(channels=("whatsapp",), priorities=(Priority.URGENT,)), Route(people=("U1",))
    )
    bureau.core.routing.rules.put(None, gone, bureau.mia, 0)
    bureau.command(bureau.mia, "routing")
    bureau.presses(bureau.mia, "routing_change", "0")
    bureau.sends(bureau.mia, {"rule_tags": "refund"})
    (rule,) = bureau.core.routing.rules.all()
    assert (rule.when.channels, rule.when.tags) == (("whatsapp",), ("refund",))


def test_among_hundreds_of_groups_the_chosen_one_stays(bureau):
    groups = [bureau.slack.add_group(f"g{n:03}", f"Group {n:03}", []) for n in range(230)]
    bureau.core.preferences.change("ladder.group", groups[229], bureau.mia)
    bureau.command(bureau.mia, "settings waiting")
    assert bureau.sends(bureau.mia, {}).errors == {}
    assert bureau.core.preferences.get("ladder.group", "") == groups[229]
    bureau.command(bureau.mia, "settings waiting")
    assert bureau.sends(bureau.mia, {"ladder.group": "any"}).errors == {}
    assert bureau.core.preferences.get("ladder.group", "") == ""


def test_a_group_that_slack_does_not_name_any_more_stays(bureau):
    bureau.slack.add_group("care", "Care", [])
    bureau.core.preferences.change("ladder.group", "S0GONE123", bureau.mia)
    bureau.command(bureau.mia, "settings waiting")
    assert bureau.sends(bureau.mia, {}).errors == {}
    assert bureau.core.preferences.get("ladder.group", "") == "S0GONE123"


def test_a_typed_group_must_look_like_one(bureau):
    refused = told(bureau, notices_group="care team", notices_people=[bureau.ben])
    assert "not a user group ID" in refused.errors["notices_group"]


def test_giving_without_asking_needs_an_order(bureau):
    refused = routed(bureau, routing_people=[bureau.ben], routing_assigns=["yes"])
    assert "in turn, or least busy first" in refused.errors["routing_assigns"]


def test_a_rule_that_never_decides_is_called_so(bureau):
    routed(bureau, rule_channels=["sms"], routing_people=[bureau.ben])
    bureau.presses(bureau.mia, "routing_add")
    bureau.sends(
        bureau.mia, NOBODY | TO | {"rule_channels": ["sms"], "routing_people": [bureau.ana]}
    )
    bureau.presses(bureau.mia, "routing_change", "1")
    bureau.presses(bureau.mia, "routing_preview")
    assert "this rule never applies" in words(bureau.modal(bureau.mia))


def test_a_channel_may_be_chosen_while_slack_does_not_say(bureau, refunds):
    bureau.slack.faults.add("/api/conversations.info", status=500)
    assert routed(bureau, routing_channel=refunds).errors == {}


@pytest.mark.on_both
def test_vips_are_known_however_their_number_is_written(bureau):
    bureau.core.preferences.change("rules.vips", ["+1 555-00 01", "0049 30 1234"], bureau.mia)
    bureau.says("I want a person", "+15550001")
    assert "VIP" in words(bureau.cards()[0])


# -- two at once


def at_once(*doing):
    """Do these at the same moment; what each answered."""
    both, said = threading.Barrier(len(doing), timeout=10), []

    def run(one):
        both.wait()
        said.append(one())

    threads = [threading.Thread(target=run, args=(one,)) for one in doing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return said


@pytest.mark.on_both
def test_of_two_who_save_at_once_one_is_told_of_the_other(bureau):
    rule = RoutingRule(to=Route(people=(bureau.ben,)))
    rules, preferences = bureau.core.routing.rules, bureau.core.preferences
    for number in range(10):
        seen = rules.seen()
        said = at_once(*[lambda: rules.put(None, rule, bureau.mia, seen)] * 2)  # noqa: B023
        assert sorted(said) == [False, True]
        assert len(rules.all()) == number + 1
        known = preferences.newest_change({"hold_seconds", "csat"})
        said = at_once(
            lambda: preferences.change_several({"hold_seconds": number + 1}, "U1", known),  # noqa: B023
            lambda: preferences.change_several({"hold_seconds": -number - 1}, "U2", known),  # noqa: B023
        )
        assert sorted(said) == [False, True]


# -- look-ups

LOOK_UP = {
    "lookup_name": "order_status",
    "lookup_when": "The customer asks where an order is.",
    "lookup_url": "https://shop.example.com/orders/{number}",
    "lookup_parameters": "number: The number of the order",
    "lookup_shown": "Status: order.status",
    "lookup_secret": None,
    "lookup_private": None,
    "lookup_on": ["yes"],
}


def looked_up(bureau, **fields):
    """Mia adds a look-up."""
    bureau.command(bureau.mia, "lookups")
    bureau.presses(bureau.mia, "lookups_add")
    return bureau.sends(bureau.mia, LOOK_UP | fields)


def test_an_admin_defines_what_the_ai_may_ask(bureau):
    assert looked_up(bureau).errors == {}
    assert "order_status: The customer asks" in words(bureau.modal(bureau.mia))
    bureau.says("where is my order 4711?")
    (one,) = bureau.assistant.asked[-1].rules.look_ups
    assert [each.name for each in one.parameters] == ["number"]
    assert [each.path for each in one.shown] == ["order.status"]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("lookup_name", "Order status", "Use lowercase letters"),
        ("lookup_url", "http://shop.example.com/{number}", "The URL must begin with https://."),
        ("lookup_url", "https://10.0.0.1/{number}", "10.0.0.1 is not a public address."),
        ("lookup_parameters", "number", "Enter lines such as"),
        ("lookup_shown", "Status: order..status", "is not a path"),
        ("lookup_secret", "shop", "Unknown secret."),
    ],
)
def test_a_look_up_that_cannot_be_is_refused_at_its_field(bureau, field, value, error):
    errors = looked_up(bureau, **{field: value}).errors
    assert list(errors) == [field]
    assert error in errors[field]


def test_a_parameter_that_the_url_lacks_is_refused_at_the_parameters(bureau):
    errors = looked_up(bureau, lookup_url="https://shop.example.com/").errors
    assert errors == {"lookup_parameters": "List each {parameter} of the URL once, and no others."}


def test_a_look_up_s_name_is_given_once(bureau):
    looked_up(bureau)
    bureau.presses(bureau.mia, "lookups_add")
    assert "lookup_name" in bureau.sends(bureau.mia, LOOK_UP).errors


def test_agents_who_are_no_admins_define_no_look_ups(bureau):
    bureau.command(bureau.ana, "lookups")
    assert bureau.slack.views(bureau.ana) == []
