"""Everything that is drawn stays within Slack's limits, and nothing a customer writes can act."""

import functools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_bot.slack.cards.card import render_card
from tests.slack import builders, linter
from tests.slack.builders import TEXTS
from tests.slack.drawings import messages, views, with_text, words_of

hostile_messages = functools.cache(functools.partial(messages, builders.HOSTILE))
hostile_views = functools.cache(functools.partial(views, builders.HOSTILE))
LIMITS = Path(__file__).resolve().parents[3] / "shared/oracle/slack/slackblocks-limits.json"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_message_is_within_the_limits(text):
    problems = {
        (name, which): linter.lint_message(rendered.text, blocks)
        for name, rendered in messages(text).items()
        for which, blocks in (("newest", rendered.blocks), ("basic", rendered.basic))
        if blocks is not None
    }
    assert not {name: found for name, found in problems.items() if found}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_window_is_within_the_limits(text):
    problems = {name: linter.lint_view(view) for name, view in views(text).items()}
    assert not {name: found for name, found in problems.items() if found}


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_a_card(text):
    rendered = render_card(with_text(builders.card, text))
    assert linter.lint_message(rendered.text, rendered.blocks) == []


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
    rendered = hostile_messages()[name]
    for markup in markup_of(rendered.blocks):
        assert not any(bad in markup for bad in ("evil", "U0ANA", "bold", "!channel", "rotating"))


@pytest.mark.parametrize("name", views(""))
def test_hostile_words_are_never_parsed_in_windows(name):
    for markup in markup_of(hostile_views()[name]):
        assert not any(bad in markup for bad in ("evil", "U0ANA", "bold", "!channel", "rotating"))


@pytest.mark.parametrize("name", messages(""))
def test_notifications_are_escaped(name):
    rendered = hostile_messages()[name]
    assert "<" not in rendered.text
    assert ">" not in rendered.text


def test_rich_text_holds_literal_text_alone():
    kinds = {
        element["type"]
        for rendered in hostile_messages().values()
        for block in linter.elements(rendered.blocks, "rich_text")
        for part in linter.elements(block, "rich_text_section")
        for element in part["elements"]
    }
    assert kinds == {"text"}


def test_characters_that_turn_the_direction_are_left_out():
    shown = words_of(render_card(builders.card(contact="Dana\u202ereversed")))
    assert "Danareversed" in shown
