"""The figures in Slack, within its limits, with whatever names people have."""

from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot.domain.metrics import AgentNumbers, Choice, Lengths, Numbers, Period, Scope
from handoff_bot.slack.blocks.stats import Choices, Picture, draw_stats, draw_stats_window, title
from tests.slack import linter
from tests.slack.drawings import words_of

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEK = Period.chosen(Choice.WEEK, NOW)
HOSTILE = "<!channel> *x* " * 3000


def figures(rows: int, text: str = "Ana") -> Numbers:
    some = Lengths(rows, timedelta(minutes=3), timedelta(hours=2)) if rows else Lengths()
    return Numbers(
        conversations=10 * rows,
        escalated=rows,
        escalations=rows,
        reasons={f"{text[:99]}{n}": 1 for n in range(rows)},
        priorities={"high": rows} if rows else {},
        channels={f"{text[:99]}{n}": 1 for n in range(rows)},
        waited=some,
        replied=some,
        resolution=some,
        resolved=rows,
        ended=rows,
        agents=tuple(AgentNumbers(n, text, rows, 1, some) for n in range(rows)),
    )


@pytest.mark.parametrize(
    "text", ["", "Ana", HOSTILE, "العربية 👩‍🚀" * 999], ids=["none", "plain", "hostile", "wide"]
)
@pytest.mark.parametrize("rows", [0, 1, 50, 500])
def test_slack_takes_them(rows, text):
    choices = Choices((text,) * rows, dict.fromkeys(range(1, rows), text))
    scope = Scope(WEEK, text, 3 if rows else 0)
    found, picture = figures(rows, text), Picture("F1", text * 3 or "x")
    drawing = draw_stats(found, scope, choices, picture)
    assert linter.lint_message(drawing.text, drawing.blocks) == []
    assert linter.lint_view(draw_stats_window(found, scope, choices, picture)) == []


def test_text_comes_first_and_the_picture_after_it():
    drawing = draw_stats(figures(2), Scope(WEEK), picture=Picture("F1", "Two escalations."))
    kinds = [block["type"] for block in drawing.blocks]
    assert kinds[:3] == ["actions", "header", "section"]
    assert kinds[-2:] == ["image", "context"]
    assert drawing.blocks[-2]["alt_text"] == "Two escalations."


def test_the_figures_stand_in_words():
    shown = words_of(draw_stats(figures(2), Scope(WEEK)))
    for words in (
        "17 to 23 Nov 2026 · All channels",
        "2 escalations in 20 conversations (10 % of them)",
        "Wait until somebody took it: ",
        "median 3 min (9 in 10 within 2 h)",
        "🟠 High: 2 · 100 %",
        "Ana: 2 taken · 1 resolved · first reply after 3 min (median)",
    ):
        assert words in shown


def test_what_was_chosen_stands_in_the_menus():
    scope = Scope(WEEK, "whatsapp", 7)
    drawing = draw_stats(figures(1), scope, Choices(("sms", "whatsapp"), {7: "Ana", 8: "Ben"}))
    menus = {one["action_id"]: one for one in linter.elements(drawing.blocks, "static_select")}
    chosen = {name: one["initial_option"]["value"] for name, one in menus.items()}
    assert chosen == {"stats_period": "7d", "stats_channel": "whatsapp", "stats_agent": "7"}
    assert [o["value"] for o in menus["stats_channel"]["options"]] == ["any", "sms", "whatsapp"]


def test_the_title_has_no_names_so_that_it_can_be_drawn():
    assert title(Scope(WEEK, "whatsapp", 7)) == "17 to 23 Nov 2026 · WhatsApp · one agent"
