"""Everything that is drawn stays within Slack's limits, and says what agents need to know."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_bot.domain.desk import STEPS, Button, Post, PostKind, Whisper
from handoff_bot.domain.escalations import OPEN, Status, Step, origins
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.slack.blocks.board import draw_board
from handoff_bot.slack.blocks.card import draw_card
from handoff_bot.slack.blocks.modals import assign, conversation, gone, loading
from handoff_bot.slack.blocks.text import Drawing, one_line, shorten
from handoff_bot.slack.blocks.thread import draw_post, draw_whisper, draw_words, settled
from handoff_bot.slack.listeners.actions import ACTIONS
from tests.slack import builders, linter
from tests.slack.builders import ANA, CARD_AT, TEXTS

LIMITS = Path(__file__).resolve().parents[3] / "shared/oracle/slack/slackblocks-limits.json"
WORKSPACE = "https://acme.slack.com/"

CARDS = {
    "queued": builders.card,
    "claimed": builders.claimed,
    "resolved": lambda **changes: builders.closed(Status.RESOLVED, **changes),
    "returned": lambda **changes: builders.closed(Status.RETURNED, **changes),
    "dismissed": lambda **changes: builders.closed(Status.DISMISSED, **changes),
}


def with_text(make, text: str):
    """A card full of one text."""
    return make(
        contact=text,
        address=text,
        evidence=text,
        summary=text,
        tried=text,
        language=text[:10],
        recent=tuple(builders.said(text, name=text) for _ in range(50)),
    )


def messages(text: str) -> dict[str, Drawing]:
    """One of each message there is, full of this text."""
    drawn = {name: draw_card(with_text(make, text)) for name, make in CARDS.items()}
    for kind in PostKind:
        files = (text,) * 50
        post = Post(kind, text, text, "whatsapp", files, Button.RETRY, "1")
        drawn[f"post {kind}"] = draw_post(post)
    drawn["file alone"] = draw_post(Post(PostKind.CONTACT, "", text, "sms", (text,)))
    drawn["whisper"] = draw_whisper(Whisper("U1", CARD_AT, text, (Button.KEEP_AS_NOTE,), "1"))
    drawn["words"] = draw_words(text)
    drawn["settled"] = settled(drawn["post failure"].blocks, text)
    for rows in (0, 1, 15, 50, 500):
        drawn[f"board of {rows}"] = draw_board(builders.board(rows, text), WORKSPACE)
    return drawn


def views(text: str) -> dict[str, dict[str, Any]]:
    """One of each window there is, full of this text."""
    drawn = {"loading": loading(), "gone": gone(text), "assign": assign(7, CARD_AT)}
    for lines in (0, 1, 15, 50, 500):
        drawn[f"{lines} lines"] = conversation(builders.page(lines, text), 7)
    return drawn


def buttons_of(drawing: Drawing) -> list[str]:
    return [button["action_id"] for button in linter.elements(drawing.blocks, "button")]


def words_of(drawing: Drawing) -> str:
    return "\n".join(linter.texts(drawing.blocks))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_message_is_within_the_limits(text):
    problems = {
        name: linter.lint_message(drawing.text, drawing.blocks)
        for name, drawing in messages(text).items()
    }
    assert not {name: found for name, found in problems.items() if found}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_window_is_within_the_limits(text):
    problems = {name: linter.lint_view(view) for name, view in views(text).items()}
    assert not {name: found for name, found in problems.items() if found}


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_a_card(text):
    drawing = draw_card(with_text(builders.card, text))
    assert linter.lint_message(drawing.text, drawing.blocks) == []


def test_the_linter_knows_the_published_limits():
    if not LIMITS.exists():
        pytest.skip("the published limits are not here")
    limits = json.loads(LIMITS.read_text())
    ours = {
        "section": limits["section"]["text"]["max_length"] == 3000,
        "fields": limits["section"]["fields"] == {"max_items": 10, "item_max_length": 2000},
        "header": limits["header"]["text"]["max_length"] == 150,
        "context": limits["context"]["elements"]["max_items"] == 10,
        "actions": limits["actions"]["elements"]["max_items"] == 25,
        "button": limits["button"]["text"]["max_length"] == 75,
        "value": limits["button"]["value"]["max_length"] == 2000,
        "label": limits["button"]["accessibility_label"]["max_length"] == 75,
        "confirm": limits["confirmation"]["text"]["max_length"] == 300,
        "view": limits["view"]["title"]["max_length"] == 24,
        "metadata": limits["view"]["private_metadata"]["max_length"] == 3000,
    }
    assert all(ours.values()), ours


# -- what customers write cannot act


def markup_of(part) -> list[str]:
    """All text that Slack would parse."""
    return [element["text"] for element in linter.elements(part, "mrkdwn")]


@pytest.mark.parametrize("name", messages(""))
def test_hostile_words_are_never_parsed(name):
    drawing = messages(builders.HOSTILE)[name]
    for markup in markup_of(drawing.blocks):
        assert not any(bad in markup for bad in ("evil", "U0ANA", "bold", "!channel", "rotating"))


@pytest.mark.parametrize("name", views(""))
def test_hostile_words_are_never_parsed_in_windows(name):
    for markup in markup_of(views(builders.HOSTILE)[name]):
        assert not any(bad in markup for bad in ("evil", "U0ANA", "bold", "!channel", "rotating"))


@pytest.mark.parametrize("name", messages(""))
def test_notifications_are_escaped(name):
    drawing = messages(builders.HOSTILE)[name]
    assert "<" not in drawing.text
    assert ">" not in drawing.text


def test_rich_text_holds_literal_text_alone():
    kinds = {
        element["type"]
        for drawing in messages(builders.HOSTILE).values()
        for block in linter.elements(drawing.blocks, "rich_text")
        for part in linter.elements(block, "rich_text_section")
        for element in part["elements"]
    }
    assert kinds == {"text"}


def test_characters_that_turn_the_direction_are_left_out():
    shown = words_of(draw_card(builders.card(contact="Dana\u202ereversed")))
    assert "Danareversed" in shown


# -- the card


BUTTONS = {
    "queued": ["claim", "resolve", "return", "assign", "dismiss", "view"],
    "claimed": ["resolve", "return", "assign", "release", "view"],
    "resolved": ["view"],
    "returned": ["view"],
    "dismissed": ["view"],
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_offers_what_can_be_done(name):
    assert buttons_of(draw_card(CARDS[name]())) == BUTTONS[name]


@pytest.mark.parametrize("status", Status)
def test_no_button_on_a_card_is_dead(status):
    drawing = draw_card(builders.card(status=status))
    for action in buttons_of(drawing):
        step = Step.REASSIGN if action == Button.ASSIGN else STEPS.get(Button(action))
        assert step is None or status in origins(step)


@pytest.mark.parametrize("status", OPEN)
def test_every_step_that_is_possible_has_a_button(status):
    offered = buttons_of(draw_card(builders.card(status=status)))
    possible = {step for step in Step if status in origins(step)} - {Step.REASSIGN}
    assert {STEPS[Button(each)] for each in offered if each in STEPS} == possible


STATES = {
    "queued": "🟠 High · Dana R. is waiting on WhatsApp",
    "claimed": "🟢 Ana has this · Dana R. on WhatsApp",
    "resolved": "✅ Resolved by Ana · Dana R. on WhatsApp",
    "returned": "🤖 Returned to the assistant by Ana · Dana R. on WhatsApp",
    "dismissed": "⚪ Not needed, said Ana · Dana R. on WhatsApp",
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_begins_with_its_state(name):
    first = draw_card(CARDS[name]()).blocks[0]
    assert first["type"] == "header"
    assert list(linter.texts(first)) == [STATES[name]]


def test_a_waiting_card_notifies_with_the_customers_words():
    text = draw_card(builders.card()).text
    assert text == "Dana R. is waiting on WhatsApp: I want a person"


def test_a_waiting_card_without_words_still_notifies():
    text = draw_card(builders.card(evidence="", summary="")).text
    assert text == "Dana R. is waiting on WhatsApp"


def test_the_wait_is_rendered_by_the_client():
    stamp = int(builders.NOW.timestamp())
    assert f"<!date^{stamp}^{{ago}}|2026-11-23 09:00 UTC>" in words_of(draw_card(builders.card()))


def test_a_card_shows_the_evidence():
    shown = words_of(draw_card(builders.card()))
    for fact in (
        "Asked for a person: 97%, strong  ▰▰▰▰▰▰▰▰▰▰",
        "Upset or confused: 40%, weak  ▰▰▰▰▱▱▱▱▱▱",
        "I want a person",
        "Order 4711 has not arrived.",
        "Your order is on its way.",
        "Ticket #12 · 2 earlier tickets",
        "whatsapp:+15551234567 · writes en",
        "Dana R.: ",
    ):
        assert fact in shown


SCORES = {"below": -1.0, "above": 7.0, "nan": float("nan"), "infinite": float("inf")}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_a_score_out_of_range_does_not_break_the_card(score):
    drawing = draw_card(builders.card(scores={Signal.REQUEST: score}))
    assert linter.lint_message(drawing.text, drawing.blocks) == []


def test_a_card_without_evidence_says_that_nothing_was_tried():
    bare = builders.card(scores={}, evidence="", summary="", tried="", recent=())
    assert "The assistant has not answered yet." in words_of(draw_card(bare))


@pytest.mark.parametrize("name", CARDS)
def test_an_opted_out_customer_is_named_as_such(name):
    assert "STOP" in words_of(draw_card(CARDS[name](opted_out=True)))
    assert "STOP" not in words_of(draw_card(CARDS[name]()))


def test_a_claimed_card_still_shows_its_priority():
    assert "writes en · 🟠 High" in words_of(draw_card(builders.claimed()))


def test_a_card_shows_nothing_where_it_knows_nothing():
    bare = builders.card(contact="+1555", address="+1555", language="")
    assert "(no text)" not in words_of(draw_card(bare))


def test_a_first_ticket_is_named_as_such():
    assert "first ticket of this contact" in words_of(draw_card(builders.card(earlier_tickets=0)))
    assert "1 earlier ticket" in words_of(draw_card(builders.card(earlier_tickets=1)))


def test_an_address_that_is_the_name_is_shown_once():
    shown = words_of(draw_card(builders.card(contact="+1555", address="+1555")))
    assert "+1555 ·" not in shown.split("\n", 1)[1]


def test_buttons_that_look_the_same_sound_different():
    drawing = draw_board(builders.board(2), WORKSPACE)
    labels = [b["accessibility_label"] for b in linter.elements(drawing.blocks, "button")]
    assert labels == ["Take over: Dana R. on WhatsApp"] * 2


def test_what_cannot_be_undone_is_confirmed():
    buttons = linter.elements(draw_card(builders.card()).blocks, "button")
    assert {b["action_id"] for b in buttons if "confirm" in b} == {"resolve", "dismiss"}


# -- threads


def test_a_contacts_words_are_shown_with_their_name():
    drawing = draw_post(Post(PostKind.CONTACT, "Hello?", "Dana R.", "sms", ("image/jpeg",)))
    assert list(linter.texts(drawing.blocks)) == ["Dana R. on SMS", "Hello?", "📎 image/jpeg"]
    assert drawing.text == "Dana R. on SMS: Hello?"


def test_the_assistants_words_are_shown_as_sent_to_the_customer():
    drawing = draw_post(Post(PostKind.OURS, "One moment."))
    assert list(linter.texts(drawing.blocks)) == ["Assistant → customer", "One moment."]


def test_a_failure_can_be_retried():
    drawing = draw_post(Post(PostKind.FAILURE, "It is a landline.", button=Button.RETRY, value="9"))
    (button,) = linter.elements(drawing.blocks, "button")
    assert (button["action_id"], button["value"]) == ("retry", "9")
    assert drawing.text == "Not delivered: It is a landline."


def test_a_settled_message_has_no_buttons():
    failure = draw_post(Post(PostKind.FAILURE, "A landline.", button=Button.RETRY, value="9"))
    after = settled(failure.blocks, "Sent again.")
    assert buttons_of(after) == []
    assert "A landline." in words_of(after)
    assert "Sent again." in words_of(after)


def test_a_whisper_offers_its_buttons():
    offered = (Button.TAKE_OVER_AND_SEND, Button.KEEP_AS_NOTE)
    drawing = draw_whisper(Whisper("U1", CARD_AT, "This stayed inside.", offered, "5"))
    assert buttons_of(drawing) == ["take_over_and_send", "keep_as_note"]


# -- board


def test_the_board_counts_what_it_does_not_show():
    drawing = draw_board(builders.board(500), WORKSPACE)
    assert buttons_of(drawing) == ["claim"] * 15
    assert "… and 485 more, less urgent." in words_of(drawing)
    assert drawing.text == "Queue: 500 waiting · 3 being talked to"


def test_an_empty_board_says_so():
    assert "Nobody is waiting." in words_of(draw_board(builders.board(0), WORKSPACE))


def test_the_board_links_to_threads():
    drawing = draw_board(builders.board(1), WORKSPACE)
    assert "<https://acme.slack.com/archives/C0QUEUE/p11|Open thread>" in words_of(drawing)


def test_without_the_workspaces_address_there_is_no_link():
    assert "Open thread" not in words_of(draw_board(builders.board(1), ""))


def test_a_board_row_has_all_columns():
    shown = words_of(draw_board(builders.board(1), WORKSPACE))
    for column in ("Dana R.", "WhatsApp", "Asked for a person", "🟠 High", "Since <!date^"):
        assert column in shown


# -- windows


PAGES = {
    "only one": (0, 1, []),
    "first": (0, 3, ["page_next"]),
    "middle": (1, 3, ["page_previous", "page_next"]),
    "last": (2, 3, ["page_previous"]),
}


@pytest.mark.parametrize(("number", "pages", "offered"), PAGES.values(), ids=PAGES)
def test_pages_are_turned_only_where_there_are_more(number, pages, offered):
    view = conversation(builders.page(3, number=number, pages=pages), 7)
    assert [b["action_id"] for b in linter.elements(view, "button")] == offered


def test_every_line_says_who_spoke_and_how_far_it_came():
    shown = "\n".join(linter.texts(conversation(builders.page(5), 7)["blocks"]))
    for fact in ("Dana R.", "Assistant", "✓✓ delivered", "❌ not delivered", "Note by Ana"):
        assert fact in shown
    assert "Automatic text" in shown


def test_an_assignment_knows_what_it_is_about():
    metadata = json.loads(str(assign(7, CARD_AT)["private_metadata"]))
    assert metadata == {"escalation_id": 7, "slack_channel": "C0QUEUE", "ts": CARD_AT.ts}


def test_every_button_drawn_has_a_listener_and_the_other_way_round():
    drawn = {each for drawing in messages("x").values() for each in buttons_of(drawing)}
    drawn |= {
        b["action_id"] for view in views("x").values() for b in linter.elements(view, "button")
    }
    offered = tuple(Button)
    drawn |= set(buttons_of(draw_whisper(Whisper("U1", CARD_AT, "x", offered, "1"))))
    assert drawn == set(ACTIONS)


# -- cutting


CUTS = {
    "short": ("Hello", 10, "Hello"),
    "exact": ("HelloWorld", 10, "HelloWorld"),
    "words": ("Hello big World", 10, "Hello big…"),
    "no spaces": ("x" * 20, 10, "x" * 9 + "…"),
    "emoji stay whole": ("👍🏽" * 10, 10, "👍🏽👍🏽…"),
    "blank": ("  \n ", 10, ""),
}


@pytest.mark.parametrize(("text", "limit", "cut"), CUTS.values(), ids=CUTS)
def test_what_is_cut_ends_in_an_ellipsis(text, limit, cut):
    assert shorten(text, limit) == cut


def test_a_huge_text_is_cut_in_no_time():
    assert len(shorten("word " * 1_000_000, 100)) <= 100
    assert one_line("a\n\n b" + " c" * 1_000_000, 20).startswith("a b c")


@pytest.mark.parametrize("priority", Priority)
def test_every_priority_has_a_word_beside_its_colour(priority):
    shown = words_of(draw_card(builders.card(priority=priority)))
    assert priority.value.capitalize() in shown


@pytest.mark.parametrize("channel", ["sms", "instagram", "made_up"])
def test_a_channel_nobody_told_us_about_has_a_name(channel):
    shown = words_of(draw_card(builders.card(channel=channel)))
    assert {"sms": "SMS", "instagram": "Instagram", "made_up": "Made up"}[channel] in shown


def test_a_claimed_card_says_when_it_was_taken():
    stamp = int((builders.NOW + timedelta(minutes=2)).timestamp())
    assert f"taken <!date^{stamp}^" in words_of(draw_card(builders.claimed(owner=ANA)))
