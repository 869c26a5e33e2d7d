"""What stands around a customer's words is shown literally, whatever it says."""

import pytest

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.slack.cards.card import render_card
from handoff_bot.slack.cards.thread import render_post, render_posts
from tests.slack.builders import TEXTS, card
from tests.slack.linter import lint_message


def post(text, *notes):
    return Post(PostKind.CONTACT, text, name="Dana", channel="whatsapp", notes=notes)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_whatever_notes_say_slack_takes_the_message(text):
    drawings = [
        render_post(post(text, text, text)),
        render_posts([post("a", text), post("b", text)]),
        render_card(card(notes=(text,) * 8)),
    ]
    for rendered in drawings:
        assert lint_message(rendered.text, rendered.blocks) == []


def test_the_quoted_message_stands_before_the_words():
    rendered = render_post(post("Yes please", "In reply to Ana: “<!channel> a refund?”"))

    kinds = [element["type"] for block in rendered.blocks for element in block["elements"]]
    assert kinds[-2:] == ["rich_text_quote", "rich_text_section"]
    assert "<!channel>" not in rendered.text
    assert "Yes please (In reply to Ana" in rendered.text
