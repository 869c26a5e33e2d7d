"""Who the people at the desk are, also while Slack cannot say."""

from datetime import timedelta
from typing import Any

import pytest

from handoff_bot.slack.client.people import Person
from tests.slack.builders import NOW
from tests.slack.wire import Reply


def user(**profile: str) -> dict[str, Any]:
    return {"user": {"id": "U0ANA", "real_name": "Ana Real", "profile": profile}}


NAMES = {
    "display name": (user(display_name="Ana", real_name="Ana Long"), "Ana"),
    "real name": (user(display_name="", real_name="Ana Long"), "Ana Long"),
    "account": (user(), "Ana Real"),
    "nothing": ({"user": {}}, "an agent"),
    "several lines": (user(display_name="Ana\n\nof  Sales"), "Ana of Sales"),
    "controls": (user(display_name="Ana\u202e"), "Ana"),
    "very long": (user(display_name="A" * 500), "A" * 79 + "…"),
}


@pytest.mark.parametrize(("answer", "name"), NAMES.values(), ids=NAMES)
def test_customers_see_the_name_an_agent_has_chosen(api, desk, answer, name):
    api.answers("users.info", **answer)
    assert desk.agent("U0ANA").name == name


def test_a_name_is_asked_for_once_in_ten_minutes(api, desk, clock):
    api.answers("users.info", **user(display_name="Ana"))
    api.answers("users.info", **user(display_name="Ana B."))
    assert [desk.agent("U0ANA").name for _ in range(3)] == ["Ana"] * 3
    clock.advance(minutes=11)
    assert desk.agent("U0ANA").name == "Ana B."


@pytest.mark.parametrize(
    "reply", [Reply({"ok": False, "error": "user_not_found"}), Reply(drop=True)]
)
def test_whom_slack_cannot_name_is_an_agent(api, desk, reply):
    api.will("users.info", reply)
    assert desk.agent("U0GONE").name == "an agent"


def test_a_known_name_outlives_a_failed_look_up(api, desk, clock):
    api.answers("users.info", **user(display_name="Ana"))
    desk.agent("U0ANA")
    clock.advance(minutes=11)
    api.fails("users.info", "internal_error")
    assert desk.agent("U0ANA").name == "Ana"


def test_a_failed_look_up_is_not_repeated_at_once(api, desk, clock):
    api.fails("users.info", "internal_error")
    desk.agent("U0ANA")
    desk.agent("U0ANA")
    assert len(api.asked("users.info")) == 1
    clock.advance(seconds=31)
    api.answers("users.info", **user(display_name="Ana"))
    assert desk.agent("U0ANA").name == "Ana"


def test_only_so_many_people_are_remembered(api, desk):
    for number in range(1002):
        desk._people._remember(
            f"U{number}", Person("Ana", is_human=True), None, NOW, timedelta(minutes=1)
        )
    assert len(desk._people._known) == 1000


HUMANS = {
    "a person": ({"id": "U0ANA"}, True),
    "an app": ({"id": "U0BOT", "is_bot": True}, False),
    "who has left": ({"id": "U0ANA", "deleted": True}, False),
    "Slackbot": ({"id": "USLACKBOT"}, False),
}


@pytest.mark.parametrize(("found", "is_human"), HUMANS.values(), ids=HUMANS)
def test_only_people_can_be_assigned(api, desk, found, is_human):
    api.answers("users.info", user=found)
    assert desk.is_human("U0ANA") is is_human
