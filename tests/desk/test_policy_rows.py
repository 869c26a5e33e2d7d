"""The waiting policy as rows with menus: added, changed, removed; stored as before."""

import json

import pytest

from handoff_bot.domain.waiting_policy import DEFAULT, MOST_STEPS
from tests.desk.conftest import words
from tests.slack.linter import lint_view

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def waiting(bureau):
    """Mia has the section Waiting open."""
    bureau.command(bureau.mia, "settings waiting")
    return bureau


def stored(bureau):
    return bureau.core.preferences.get("ladder.rungs", None)


def rows(bureau):
    """The chosen labels of each row."""
    found = [b for b in bureau.modal(bureau.mia)["blocks"] if b["block_id"].startswith("policy:")]
    return [
        " / ".join(each["initial_option"]["text"]["text"] for each in row["elements"][:3])
        for row in found
    ]


def test_the_policy_is_shown_as_rows(waiting):
    assert rows(waiting)[0] == "After 2 min / Remind the team / All"
    assert rows(waiting)[-1] == "After 1 h / Promise a callback / All"
    assert len(rows(waiting)) == len(DEFAULT)


def test_a_row_is_changed_with_its_menus(waiting):
    waiting.chooses(waiting.mia, "policy_after:0", "5")
    waiting.chooses(waiting.mia, "policy_what:0", "mention")
    waiting.chooses(waiting.mia, "policy_whom:0", "urgent")
    assert waiting.sends(waiting.mia).errors == {}
    assert stored(waiting) == [
        "4 mention",
        "6 offer",
        "10 tell",
        "30 tell",
        "60 callback",
        "urgent: 5 mention",
    ]


def test_a_row_is_added_below_and_one_is_removed(waiting):
    waiting.presses(waiting.mia, "policy_add")
    assert rows(waiting)[-1] == "After 2 h / Remind the team / All"
    waiting.presses(waiting.mia, "policy_remove", "1")
    waiting.chooses(waiting.mia, "policy_what:6", "return")
    assert waiting.sends(waiting.mia).errors == {}
    assert stored(waiting) == [
        "2 remind",
        "6 offer",
        "10 tell",
        "30 tell",
        "60 callback",
        "120 return",
    ]


def test_a_choice_is_kept_when_another_row_is_added_or_removed(waiting):
    waiting.chooses(waiting.mia, "policy_after:3", "20")
    waiting.presses(waiting.mia, "policy_remove", "2")
    waiting.presses(waiting.mia, "policy_add")
    assert rows(waiting)[2].startswith("After 20 min")
    waiting.presses(waiting.mia, "settings_check")
    assert "After 20 min: Send queue position" in words(waiting.modal(waiting.mia))
    assert rows(waiting)[2].startswith("After 20 min")


def test_all_rows_can_be_removed(waiting):
    for number in range(len(DEFAULT)):
        waiting.presses(waiting.mia, "policy_remove", str(number))
    assert waiting.sends(waiting.mia).errors == {}
    assert stored(waiting) == []


@pytest.mark.on_both
def test_rules_of_earlier_versions_are_shown_as_rows_and_kept_as_they_were(bureau):
    old = ["URGENT:7  Mention", "10 TELL", "nonsense"]
    bureau.core.preferences.change("ladder.rungs", old, bureau.mia)
    bureau.command(bureau.mia, "settings waiting")
    assert rows(bureau) == [
        "After 10 min / Send queue position / All",
        "After 7 min / Mention the group / Urgent",
    ]
    assert bureau.sends(bureau.mia, {"idle_minutes": "12"}).errors == {}
    assert stored(bureau) == old


def test_as_many_steps_as_slack_can_show_are_allowed_and_the_limit_is_named(bureau):
    full = [f"{minute} remind" for minute in range(1, MOST_STEPS + 1)]
    bureau.core.preferences.change("ladder.rungs", full, bureau.mia)
    bureau.command(bureau.mia, "settings waiting")
    modal = bureau.modal(bureau.mia)
    assert f"At most {MOST_STEPS} steps" in words(modal)
    assert "policy_add" not in json.dumps(modal)
    assert lint_view(modal) == []
    assert len(json.dumps(modal)) < 250_000


def test_the_history_says_the_steps_in_words(waiting):
    waiting.presses(waiting.mia, "policy_remove", "0")
    waiting.sends(waiting.mia)
    waiting.command(waiting.mia, "settings history")
    assert "After 4 min: Mention the group" in words(waiting.modal(waiting.mia))
