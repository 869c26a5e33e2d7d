"""The figures in Slack, within its limits, with whatever names people have."""

from datetime import UTC, datetime

import pytest

from handoff_bot.domain.metrics import Choice, Period, Scope
from handoff_bot.domain.report import title
from handoff_bot.slack.features.stats import Choices, render_stats
from tests.slack import linter
from tests.slack.builders import figures

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEK = Period.chosen(Choice.WEEK, NOW)
HOSTILE = "<!channel> *x* " * 3000


@pytest.mark.parametrize(
    "text", ["", "Ana", HOSTILE, "العربية 👩‍🚀" * 999], ids=["none", "plain", "hostile", "wide"]
)
@pytest.mark.parametrize("rows", [0, 1, 50, 500])
def test_slack_takes_them(rows, text):
    choices = Choices((text,) * rows, dict.fromkeys(range(1, rows), text))
    scope = Scope(WEEK, text, 3 if rows else 0)
    assert linter.lint_view(render_stats(figures(rows, text), scope, choices)) == []


def test_the_figures_stand_in_words():
    shown = "\n".join(linter.texts(render_stats(figures(2), Scope(WEEK))["blocks"]))
    for words in (
        "17 to 23 Nov 2026 · All channels",
        "2 escalations in 20 conversations (10 % of them)",
        "Time in queue: ",
        "median 3 min (9 in 10 within 2 h)",
        "🟠 High: 2 · 100 %",
        "Ana: 2 taken · 1 resolved · first reply after 3 min (median)",
    ):
        assert words in shown


def test_what_was_chosen_stands_in_the_menus():
    scope = Scope(WEEK, "whatsapp", 7)
    rendered = render_stats(figures(1), scope, Choices(("sms", "whatsapp"), {7: "Ana", 8: "Ben"}))
    menus = {one["action_id"]: one for one in linter.elements(rendered["blocks"], "static_select")}
    chosen = {name: one["initial_option"]["value"] for name, one in menus.items()}
    assert chosen == {"stats_period": "7d", "stats_channel": "whatsapp", "stats_agent": "7"}
    assert [o["value"] for o in menus["stats_channel"]["options"]] == ["any", "sms", "whatsapp"]


def test_the_title_has_no_names_so_that_it_can_be_drawn():
    assert title(Scope(WEEK, "whatsapp", 7)) == "17 to 23 Nov 2026 · WhatsApp · one agent"
