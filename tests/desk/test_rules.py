"""Admins' rules in windows: where conversations go, and who is told of them; down to what happens then."""

import pytest

from handoff_bot.domain.signals import Priority
from tests.desk.conftest import DANA, words

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


def test_cards_go_where_a_rule_says(bureau, refunds):
    routed(bureau, rule_priorities=["urgent"], routing_channel=refunds)
    shown = words(bureau.window(bureau.mia))
    assert "The rule is saved." in shown
    assert "1. 🔴 Urgent\n→ in its own channel, free for whoever takes it" in shown
    assert f"<#{refunds}>" in shown
    bureau.says("I want a person", "+15550002")
    bureau.detector.priority = Priority.URGENT
    bureau.says("I want a person", DANA)
    assert len(bureau.cards()) == 1
    assert any("is waiting on SMS" in m["text"] for m in bureau.slack.messages(refunds))


def test_agents_are_asked_in_turn(bureau):
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ben, "on")
    routed(bureau, routing_mode="round_robin", routing_seconds="60")
    bureau.says("I want a person", DANA)
    bureau.later(seconds=1)
    (asked,) = [who for who in (bureau.ana, bureau.ben) if bureau.told(who)]
    other = bureau.ben if asked == bureau.ana else bureau.ana
    assert "Can you take this?" in bureau.told(asked)[0]
    assert "In 1 minute the next one is asked." in bureau.told(asked)[0]
    bureau.later(seconds=70)
    assert "Can you take this?" in bureau.told(other)[0]


def test_it_can_be_given_without_asking(bureau):
    bureau.command(bureau.ben, "on")
    routed(bureau, routing_mode="least_busy", routing_assigns=["yes"])
    bureau.says("I want a person", DANA)
    bureau.later(seconds=5)
    assert "Now speaking with Ben." in bureau.heard(DANA)


def test_rules_are_changed_moved_and_deleted(bureau):
    routed(bureau, rule_tags="refund", routing_people=[bureau.ana])
    routed(bureau, rule_vip=["yes"], routing_people=[bureau.ben])
    bureau.presses(bureau.mia, "routing_up", "1")
    shown = words(bureau.window(bureau.mia))
    assert "1. VIPs\n→ in the queue channel, for those named, free for whoever takes it" in shown
    assert f"<@{bureau.ben}>" in shown
    bureau.presses(bureau.mia, "routing_change", "0")
    bureau.sends(bureau.mia, NOBODY | TO | {"routing_mode": "least_busy"})
    shown = words(bureau.window(bureau.mia))
    assert "1. Everything\n→ in the queue channel, the least busy first, 120 s each" in shown
    bureau.presses(bureau.mia, "routing_delete", "0")
    shown = words(bureau.window(bureau.mia))
    assert "The rule is deleted." in shown
    assert "1. tag refund" in shown
    assert "2. " not in shown
    bureau.command(bureau.mia, "settings history")
    assert "routing.rules" in words(bureau.window(bureau.mia))


def test_what_is_wrong_is_said_at_its_field(bureau):
    closed = bureau.slack.add_channel("closed", [bureau.mia])
    assert "routing_mode" in routed(bureau).errors
    assert "routing_seconds" in routed(bureau, routing_seconds="5").errors
    assert "Invite me" in routed(bureau, routing_channel=closed).errors["routing_channel"]


def test_what_somebody_changed_meanwhile_is_not_overwritten(bureau):
    bureau.command(bureau.mia, "routing")
    bureau.presses(bureau.mia, "routing_add")
    bureau.core.preferences.change("routing.rules", [], bureau.ben)
    sent = bureau.sends(bureau.mia, NOBODY | TO | {"routing_people": [bureau.ana]})
    assert "meanwhile" in sent.errors["rule_tags"]


def test_a_rule_is_tried_on_what_was(bureau):
    bureau.says("I want a person", DANA)
    bureau.command(bureau.mia, "routing")
    bureau.presses(bureau.mia, "routing_add")
    view = bureau.window(bureau.mia)["id"]
    values = NOBODY | TO | {"routing_people": [bureau.ana]}
    bureau.slack.click_view(bureau.mia, view, "routing_preview", values=values)
    bureau.settle()
    assert "Of the last 1 conversations that needed a person, 1 would go this way." in words(
        bureau.window(bureau.mia)
    )


@pytest.mark.parametrize("name", ["routing", "notices"])
def test_rules_are_for_admins(bureau, name):
    bureau.command(bureau.ana, name)
    assert bureau.slack.views(bureau.ana) == []


# -- notifications


def test_a_channel_and_people_are_told(bureau, refunds):
    told(bureau, notices_channel=refunds, notices_people=[bureau.ben])
    shown = words(bureau.window(bureau.mia))
    assert "1. Everything\n→ message in a channel, direct message" in shown
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


def test_quiet_hours_hold_it_until_they_end_and_only_while_somebody_waits(bureau):
    bureau.core.preferences.change("hours.zone", "UTC", bureau.mia)
    now = bureau.clock.now()
    quiet = f"{(now.hour - 1) % 24}:00-{(now.hour + 2) % 24}:00"
    told(bureau, notices_people=[bureau.ben], notices_quiet=quiet)
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
