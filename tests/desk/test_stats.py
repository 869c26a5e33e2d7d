"""The figures: a window with menus, and the chart of what it shows as a direct message."""

import pytest

from tests.desk.conftest import words
from tests.desk.test_queue import PHONES

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def busy(bureau):
    """Two have written, one of them was helped by Ana."""
    bureau.says("I want a person", PHONES[0])
    bureau.says("What are your opening hours?", PHONES[1])
    bureau.command(bureau.ana, "next")
    bureau.writes(bureau.ana, "Hello")
    return bureau


def handed(bureau, who):
    """Reports that came to a person directly."""
    with_bot = [one for one in bureau.slack.channels() if one.kind == "im" and who in one.members]
    return [m for one in with_bot for m in bureau.slack.messages(one.id) if len(m["blocks"]) > 1]


@pytest.mark.on_both
def test_the_last_week_is_shown_first(busy):
    busy.command(busy.ana, "stats")
    shown = words(busy.modal(busy.ana))
    assert "All channels" in shown
    assert "1 escalation in 2 conversations (50 % of them)" in shown
    assert "Asked for an agent: 1 · 100 %" in shown
    assert "Ana: 1 taken" in shown


def test_a_period_can_be_named_and_home_leads_there(busy):
    busy.command(busy.ana, "stats month")
    menus = [e for b in busy.modal(busy.ana)["blocks"] for e in b.get("elements", ())]
    assert menus[0]["initial_option"]["text"]["text"] == "This month"
    home = busy.home(busy.ben)
    busy.slack.click_view(busy.ben, home["id"], "stats_show")
    busy.settle()
    assert "1 escalation" in words(busy.modal(busy.ben))


@pytest.mark.on_both
def test_menus_narrow_it_down(busy):
    busy.command(busy.ana, "stats")
    busy.later(days=20)
    busy.chooses(busy.ana, "stats_period", "today")
    assert "No escalations in 0 conversations." in words(busy.modal(busy.ana))
    busy.chooses(busy.ana, "stats_period", "30d")
    busy.chooses(busy.ana, "stats_channel", "sms")
    assert "1 escalation in 2 conversations" in words(busy.modal(busy.ana))
    assert "SMS" in words(busy.modal(busy.ana))
    busy.chooses(busy.ana, "stats_agent", "1")
    assert "one agent" in words(busy.modal(busy.ana))


def test_the_chart_comes_as_a_direct_message_and_says_what_it_shows(busy):
    busy.command(busy.ana, "stats")
    busy.presses(busy.ana, "stats_picture")
    assert "as a direct message" in words(busy.modal(busy.ana))
    charts, agents = handed(busy, busy.ana)
    kinds = [block["type"] for block in charts["blocks"]]
    assert kinds == ["section", "data_visualization", "data_visualization", "data_table"]
    (series,) = charts["blocks"][1]["chart"]["series"]
    assert [point["value"] for point in series["data"]] == [0, 0, 0, 0, 0, 0, 1]
    assert "1 escalation in 2 conversations" in charts["text"]
    assert "Reasons: Asked for an agent 1." in charts["text"]
    rows = [[cell["text"] for cell in row] for row in charts["blocks"][3]["rows"]]
    assert ["Reason", "Asked for an agent", "1", "100 %"] in rows
    table = agents["blocks"][-1]
    assert [cell["text"] for cell in table["rows"][1]][:3] == ["Ana", "1", "0"]
    assert handed(busy, busy.ben) == []


def test_a_chart_of_a_month_has_a_bar_for_every_two_days(busy):
    busy.command(busy.ana, "stats 30d")
    busy.presses(busy.ana, "stats_picture")
    chart = handed(busy, busy.ana)[0]["blocks"][1]
    assert chart["title"] == "Escalations per 2 days"
    assert len(chart["chart"]["axis_config"]["categories"]) == 15


def test_one_press_is_one_chart_and_the_next_another(busy):
    busy.command(busy.ana, "stats")
    busy.presses(busy.ana, "stats_picture")
    busy.presses(busy.ana, "stats_picture")
    assert len(handed(busy, busy.ana)) == 4


@pytest.mark.on_both
def test_a_workspace_without_charts_gets_the_text_once_and_is_not_asked_again_for_a_day(busy):
    lacking = {"data_visualization", "data_table"}

    def has_lacking(call):
        return any(block in str(call.get("blocks")) for block in lacking)

    busy.slack.refusals.add("chat.postMessage", "invalid_blocks", has_lacking)

    def asked():
        calls = busy.slack.journal.entries("slack", "*chat.postMessage")
        return sum(has_lacking(call.request) for call in calls)

    busy.command(busy.ana, "stats")
    busy.presses(busy.ana, "stats_picture")
    charts, agents = handed(busy, busy.ana)
    assert {block["type"] for post in (charts, agents) for block in post["blocks"]} == {
        "section",
        "rich_text",
    }
    shown = words(charts)
    assert "Reason · Asked for an agent · Escalations: 1 · Share: 100 %" in shown
    assert "Ana · Claimed: 1" in words(agents)
    assert asked() == 1
    busy.presses(busy.ana, "stats_picture")
    assert (len(handed(busy, busy.ana)), asked()) == (4, 1)
    busy.slack.refusals.clear()
    busy.later(days=1, minutes=2)
    busy.presses(busy.ana, "stats_picture")
    assert handed(busy, busy.ana)[4]["blocks"][-1]["type"] == "data_table"


@pytest.mark.on_both
def test_the_command_takes_a_period_a_channel_and_an_agent(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.command(bureau.ana, f"stats today sms <@{bureau.ana}>")
    shown = bureau.modal(bureau.ana)
    chosen = [
        element["initial_option"]["value"]
        for block in shown["blocks"]
        for element in block.get("elements", ())
        if "initial_option" in element
    ]
    assert chosen[:2] == ["today", "sms"]
    assert len(chosen) == 3


def test_words_that_say_nothing_of_the_kind_are_named(bureau):
    bureau.command(bureau.ana, "stats yesterday")
    assert "Unknown: “yesterday”." in bureau.whispers(bureau.ana)[-1]
