"""`/handoff help`, and what is said to a command that does not exist."""

import pytest

from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


def said(bureau, who, command):
    bureau.command(who, command)
    return words(bureau.slack.ephemerals(who)[-1]["blocks"])


NEAR = {
    "queu": "/handoff queue",
    "ticktes": "/handoff tickets",
    "Statistics": "/handoff stats",
    "halp": "/handoff help",
}


@pytest.mark.parametrize(("typed", "near"), NEAR.items(), ids=NEAR)
def test_an_unknown_command_is_named_with_the_nearest_one(bureau, typed, near):
    answer = said(bureau, bureau.ana, f"{typed} now")
    assert answer.startswith(f"/handoff {typed} is not a command. Nothing was done.")
    assert f"Did you mean {near}?" in answer


def test_a_command_that_resembles_nothing_gets_the_list(bureau):
    answer = said(bureau, bureau.ana, "zzzzzz")
    assert answer.startswith("/handoff zzzzzz is not a command.")
    assert "Did you mean" not in answer
    assert "/handoff queue: view the queue" in answer


def test_agents_are_not_pointed_to_commands_of_admins(bureau):
    assert "settings" not in said(bureau, bureau.ana, "setings")
    assert "Did you mean /handoff settings?" in said(bureau, bureau.mia, "setings")


def test_help_lists_what_a_person_may_use(bureau):
    agents, admins = (said(bureau, who, "help") for who in (bureau.ana, bureau.mia))
    assert "/handoff on: set yourself as available" in agents
    assert "For admins" not in agents
    assert "/handoff audit" not in agents
    before, _, after = admins.partition("For admins:")
    assert "/handoff queue" in before
    assert "/handoff audit: audit log" in after


def test_markup_in_an_unknown_command_is_shown_as_it_was_typed(bureau):
    bureau.command(bureau.ana, "<!here>")
    told = bureau.slack.ephemerals(bureau.ana)[-1]
    assert "<!here>" not in told["text"]
    assert told["blocks"][0]["text"]["type"] == "plain_text"
