"""Threads, the board and windows say what agents need to know."""

import pytest

from handoff_bot.domain.desk import Button, EphemeralMessage, Post, PostKind
from handoff_bot.services.home import SetupStep, StepId
from handoff_bot.slack.cards.card import render_board
from handoff_bot.slack.cards.thread import render_ephemeral, render_post, settled
from handoff_bot.slack.features.actions import conversation
from handoff_bot.slack.features.escalation_modals import ABOUT, RETURN, About
from handoff_bot.slack.features.setup import render_checklist
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.slack.kit.text import one_line, shorten
from tests.slack import builders, linter
from tests.slack.builders import CARD_AT
from tests.slack.drawings import WORKSPACE, buttons_of, messages, views, words_of

# -- threads


def test_a_contacts_words_are_shown_with_their_name():
    rendered = render_post(Post(PostKind.CONTACT, "Hello?", "Dana R.", "sms"))
    assert list(linter.texts(rendered.blocks)) == ["Dana R. on SMS", "Hello?"]
    assert rendered.text == "Dana R. on SMS: Hello?"


def test_the_assistants_words_are_shown_as_sent_to_the_customer():
    rendered = render_post(Post(PostKind.OURS, "One moment."))
    assert list(linter.texts(rendered.blocks)) == ["Assistant → customer", "One moment."]


def test_a_failure_can_be_retried():
    rendered = render_post(
        Post(PostKind.FAILURE, "It is a landline.", button=Button.RETRY, value="9")
    )
    (button,) = linter.elements(rendered.blocks, "button")
    assert (button["action_id"], button["value"]) == ("retry", "9")
    assert rendered.text == "Not delivered: It is a landline."


def test_a_settled_message_has_no_buttons():
    failure = render_post(Post(PostKind.FAILURE, "A landline.", button=Button.RETRY, value="9"))
    after = settled(failure.blocks, "Sent again.")
    assert buttons_of(after) == []
    assert "A landline." in words_of(after)
    assert "Sent again." in words_of(after)


def test_a_whisper_offers_its_buttons():
    offered = (Button.TAKE_OVER_AND_SEND, Button.KEEP_AS_NOTE)
    rendered = render_ephemeral(
        EphemeralMessage("U1", CARD_AT, "This stayed inside.", offered, "5")
    )
    assert buttons_of(rendered) == ["take_over_and_send", "keep_as_note"]


# -- board


def test_the_board_counts_what_it_does_not_show():
    rendered = render_board(builders.board(500), WORKSPACE)
    assert buttons_of(rendered) == ["claim"] * 15
    assert "… and 485 more, less urgent." in words_of(rendered)
    assert rendered.text == "Queue: 500 waiting · 3 in progress"


def test_an_empty_board_says_so():
    assert "No customers are waiting." in words_of(render_board(builders.board(0), WORKSPACE))


def test_the_board_links_to_threads():
    rendered = render_board(builders.board(1), WORKSPACE)
    assert "<https://acme.slack.com/archives/C0QUEUE/p11|Open thread>" in words_of(rendered)


def test_without_the_workspaces_address_there_is_no_link():
    assert "Open thread" not in words_of(render_board(builders.board(1), ""))


def test_a_board_row_has_all_columns():
    shown = words_of(render_board(builders.board(1), WORKSPACE))
    for column in ("Dana R.", "WhatsApp", "Asked for an agent", "🟠 High", "Since <!date^"):
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
    assert "Automatic message" in shown


def test_a_window_knows_what_it_is_about():
    about = About.of(7, CARD_AT)
    assert ABOUT.parse(str(RETURN.render(about)["private_metadata"])) == about


@pytest.mark.parametrize("metadata", ["", "{}", "[]", '{"escalation_id": "x"}', "null"])
def test_a_window_of_an_older_version_is_recognised(metadata):
    assert ABOUT.read(metadata) is None


def test_every_button_drawn_has_a_listener_and_the_other_way_round():
    shown = {each for rendered in messages("x").values() for each in linter.acting(rendered.blocks)}
    shown |= {each for view in views("x").values() for each in linter.acting(view)}
    steps = tuple(SetupStep(one, False, "What is so now.") for one in StepId)
    shown |= set(linter.acting(render_checklist(steps).blocks))
    offered = tuple(each for each in Button if each is not Button.MORE)
    shown |= set(buttons_of(render_ephemeral(EphemeralMessage("U1", CARD_AT, "x", offered, "1"))))
    ids = {each.partition(":")[0] for each in shown}  # without the number of a row
    assert ids == {*EVERYTHING.clicks, *EVERYTHING.menus}


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
