"""The card says what agents need to know, and offers what they can do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handoff_bot.domain.desk import STEPS, Button
from handoff_bot.domain.escalations import OPEN, Status, Step, origins
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.slack.cards.card import render_board, render_card
from handoff_bot.slack.features.actions import conversation
from tests.slack import builders, linter
from tests.slack.builders import ANA
from tests.slack.drawings import CARDS, WORKSPACE, buttons_of, words_of

BUTTONS = {
    "queued": [
        *("claim", "assign", "draft", "view"),
        *("snooze", "dismiss", "resolve", "return", "note"),
    ],
    "claimed": ["resolve", "return", "assign", "draft", "view", "snooze", "release", "note"],
    "resolved": ["view"],
    "returned": ["view"],
    "dismissed": ["view"],
}


def offered(rendered):
    """Its buttons, and what is behind the three dots."""
    menus = linter.elements(rendered.blocks, "overflow")
    behind = [option["value"].partition(":")[0] for menu in menus for option in menu["options"]]
    return buttons_of(rendered) + behind


@pytest.mark.parametrize("name", CARDS)
def test_a_card_offers_what_can_be_done(name):
    assert offered(render_card(CARDS[name]())) == BUTTONS[name]


@pytest.mark.parametrize("status", Status)
def test_no_button_on_a_card_is_dead(status):
    rendered = render_card(builders.card(status=status))
    for action in offered(rendered):
        step = Step.REASSIGN if action == Button.ASSIGN else STEPS.get(Button(action))
        assert step is None or status in origins(step)


@pytest.mark.parametrize("status", OPEN)
def test_every_step_that_is_possible_has_a_button(status):
    rendered = render_card(builders.card(status=status))
    possible = {step for step in Step if status in origins(step)} - {Step.REASSIGN}
    assert {STEPS[Button(each)] for each in offered(rendered) if each in STEPS} == possible


STATES = {
    "queued": "🟠 High · Dana R. is waiting on WhatsApp",
    "claimed": "🟢 Assigned to Ana · Dana R. on WhatsApp",
    "resolved": "✅ Resolved by Ana · Dana R. on WhatsApp",
    "returned": "🤖 Returned to the AI by Ana · Dana R. on WhatsApp",
    "dismissed": "⚪ Dismissed by Ana · Dana R. on WhatsApp",
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_begins_with_its_state(name):
    first = render_card(CARDS[name]()).blocks[0]
    assert first["type"] == ("header" if name in OPEN else "section")
    assert next(linter.texts(first)) == STATES[name]


def test_a_waiting_card_notifies_with_the_customers_words():
    text = render_card(builders.card()).text
    assert text == "Dana R. is waiting on WhatsApp: I want a person"


def test_a_waiting_card_without_words_still_notifies():
    text = render_card(builders.card(evidence="", summary="")).text
    assert text == "Dana R. is waiting on WhatsApp"


def test_the_wait_is_rendered_by_the_client():
    stamp = int(builders.NOW.timestamp())
    assert f"<!date^{stamp}^{{ago}}|2026-11-23 09:00 UTC>" in words_of(render_card(builders.card()))


def test_a_card_shows_why_and_who():
    shown = words_of(render_card(builders.card(scores=EVERY)))
    for fact in (
        "Asked for an agent: ",
        "97% · Upset or confused 40%",
        "I want a person",
        "Summary: ",
        "Order 4711 has not arrived.",
        "+15551234567 · English · Ticket #12, 2 earlier tickets",
    ):
        assert fact in shown
    assert "The AI was not sure" not in shown, "a signal that did not count"


EVERY = {Signal.REQUEST: 0.97, Signal.SENTIMENT: 0.4, Signal.CONFIDENCE: 0.1}


def details(card):
    page = replace(builders.page(5, "usual"), card=card)
    modal = conversation(page, card.escalation_id)
    return "\n".join(linter.texts(modal))


def test_the_card_shows_three_attributes_and_the_conversation_all_of_them():
    hostile = "<!channel> *bold* " + "x" * 120
    given = {"plan": "Pro", "order": "4711", "page": hostile, "country": "DE"}
    shown = words_of(render_card(builders.card(attributes=given)))
    assert "Plan: Pro · Order: 4711 · Page: <!channel> *bold*" in shown
    assert "x" * 40 not in shown
    assert "Country" not in shown
    assert "Country: DE" in details(builders.card(attributes=given))
    texts = linter.elements(render_card(builders.card(attributes=given)).blocks, "mrkdwn")
    assert not any("bold" in each["text"] for each in texts), "Slack would parse it"


def test_the_conversation_says_what_the_card_has_no_room_for():
    shown = details(builders.card(scores=EVERY, notes=("Came from an ad: Sale", "A form: 4711")))
    for fact in (
        "Asked for an agent: 97%, strong  ▰▰▰▰▰▰▰▰▰▰",
        "Upset or confused: 40%, weak  ▰▰▰▰▱▱▱▱▱▱",
        "The AI was not sure: 10%, very weak",
        "Your order is on its way.",
        "Came from an ad: Sale",
        "A form: 4711",
    ):
        assert fact in shown


def test_the_last_messages_stay_on_a_claimed_card():
    shown = words_of(render_card(builders.claimed(recent=(builders.said("Where is it?"),))))
    assert "Dana R.: " in shown
    assert "Where is it?" in shown


def test_a_closed_card_is_two_lines_with_what_came_of_it():
    card = builders.closed(Status.RESOLVED, outcome="solved", tags=("refund", "vip"), rating=4)
    rendered = render_card(card)
    assert len(rendered.blocks) == 2
    assert "Ticket #12 · Solved · #refund #vip · ⭐ 4/5" in words_of(rendered)


SCORES = {"below": -1.0, "above": 7.0, "nan": float("nan"), "infinite": float("inf")}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_a_score_out_of_range_does_not_break_the_card(score):
    rendered = render_card(builders.card(scores={Signal.REQUEST: score}))
    assert linter.lint_message(rendered.text, rendered.blocks) == []


def test_without_evidence_it_says_that_nothing_was_tried():
    bare = builders.card(scores={}, evidence="", summary="", tried="", recent=())
    assert "The AI has not replied yet." in details(bare)


@pytest.mark.parametrize("name", CARDS)
def test_an_opted_out_customer_is_named_as_such(name):
    assert "STOP" in words_of(render_card(CARDS[name](opted_out=True)))
    assert "STOP" not in words_of(render_card(CARDS[name]()))


def test_a_claimed_card_still_shows_its_priority():
    assert "English · 🟠 High" in words_of(render_card(builders.claimed()))


def test_a_card_shows_nothing_where_it_knows_nothing():
    bare = builders.card(contact="+1555", address="+1555", language="")
    assert "(no text)" not in words_of(render_card(bare))


def test_a_first_ticket_is_named_as_such():
    assert "first ticket of this customer" in words_of(
        render_card(builders.card(earlier_tickets=0))
    )
    assert "1 earlier ticket" in words_of(render_card(builders.card(earlier_tickets=1)))


def test_an_address_that_is_the_name_is_shown_once():
    shown = words_of(render_card(builders.card(contact="+1555", address="+1555")))
    assert "+1555 ·" not in shown.split("\n", 1)[1]


def test_buttons_that_look_the_same_sound_different():
    rendered = render_board(builders.board(2), WORKSPACE)
    labels = [b["accessibility_label"] for b in linter.elements(rendered.blocks, "button")]
    assert labels == ["Take Over: Dana R. on WhatsApp"] * 2


def test_what_is_put_aside_and_for_whom_is_shown():
    later = builders.NOW + timedelta(hours=2)
    shown = words_of(render_card(builders.card(snoozed_until=later, group_id="S0CARE", vip=True)))
    for fact in ("💤 Snoozed until", "<!subteam^S0CARE>", "⭐ VIP"):
        assert fact in shown


def test_a_group_id_that_is_none_is_no_markup():
    assert "<!" not in words_of(render_card(builders.card(group_id="S1|x> <!channel"))).replace(
        "<!date", ""
    )


@pytest.mark.parametrize("priority", Priority)
def test_every_priority_has_a_word_beside_its_colour(priority):
    shown = words_of(render_card(builders.card(priority=priority)))
    assert priority.value.capitalize() in shown


@pytest.mark.parametrize("channel", ["sms", "instagram", "made_up"])
def test_a_channel_nobody_told_us_about_has_a_name(channel):
    shown = words_of(render_card(builders.card(channel=channel)))
    assert {"sms": "SMS", "instagram": "Instagram", "made_up": "Made up"}[channel] in shown


def test_a_claimed_card_says_when_it_was_claimed():
    stamp = int((builders.NOW + timedelta(minutes=2)).timestamp())
    assert f"claimed <!date^{stamp}^" in words_of(render_card(builders.claimed(owner=ANA)))


def test_a_tag_in_arabic_does_not_turn_the_order_of_what_follows():
    shown = words_of(
        render_card(builders.closed(Status.RESOLVED, tags=("refund", "استرداد"), rating=5))
    )
    assert "#refund #استرداد\u200e · ⭐ 5/5" in shown
    assert "\u200e" not in words_of(render_card(builders.closed(Status.RESOLVED, tags=("refund",))))
