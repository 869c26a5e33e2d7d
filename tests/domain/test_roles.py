"""Who may do what, as a table: every kind of person, every action, every conversation."""

from dataclasses import replace

import pytest

from handoff_bot.domain.roles import (
    ASSIGNEES_ONLY,
    Action,
    Conversation,
    Home,
    Person,
    Policy,
    Refusal,
    may,
    why_not,
)

HOME = "T0ACME"
POLICY = Policy(Home(HOME))
HERE = Conversation("C0QUEUE")
ELSEWHERE = Conversation("C0OTHER")
MINE = Conversation("C0QUEUE", "U0ANA", "Ana")
AGENT = Person("U0ANA", frozenset({HOME}), slack_channels=frozenset({"C0QUEUE"}))
COLLEAGUE = replace(AGENT, id="U0BEN")
ADMIN = replace(AGENT, id="U0MIA", is_admin=True, slack_channels=frozenset())
OF_CONVERSATIONS = tuple(set(Action) - {Action.REPORT, Action.ADMINISTER})

BARRED = {
    "an app": ({"is_bot": True}, Refusal.BOT),
    "a deactivated account": ({"deleted": True}, Refusal.DEACTIVATED),
    "a stranger": ({"is_stranger": True}, Refusal.STRANGER),
    "a person of another workspace": ({"team_ids": frozenset({"T0OTHER"})}, Refusal.STRANGER),
    "a guest": ({"is_restricted": True}, Refusal.GUEST),
    "a guest of one channel": ({"is_ultra_restricted": True}, Refusal.GUEST),
}


@pytest.mark.parametrize("action", [*OF_CONVERSATIONS, Action.ADMINISTER])
@pytest.mark.parametrize(("marks", "why"), BARRED.values(), ids=BARRED)
@pytest.mark.parametrize("besides", ["nothing", "admin", "named", "group"])
def test_they_may_nothing_whatever_else_they_are(action, marks, why, besides):
    more = {
        "nothing": {},
        "admin": {"is_admin": True},
        "named": {"is_named_admin": True},
        "group": {"in_agents_group": True},
    }[besides]
    assert why_not(replace(AGENT, **marks, **more), action, HERE, POLICY) is why


@pytest.mark.parametrize("action", OF_CONVERSATIONS)
def test_an_agent_may_where_they_are_a_member_and_nowhere_else(action):
    assert may(AGENT, action, HERE, POLICY)
    assert why_not(AGENT, action, ELSEWHERE, POLICY) is Refusal.OUTSIDE


@pytest.mark.parametrize("action", OF_CONVERSATIONS)
def test_what_is_a_colleagues_stays_theirs(action):
    assert may(AGENT, action, MINE, POLICY)
    assert may(COLLEAGUE, action, MINE, POLICY) is (action not in ASSIGNEES_ONLY)


@pytest.mark.parametrize("action", Action)
def test_an_admin_may_everything_everywhere(action):
    for admin in (ADMIN, replace(ADMIN, is_admin=False, is_named_admin=True)):
        for conversation in (HERE, ELSEWHERE, MINE, None):
            assert may(admin, action, conversation, POLICY)


def test_an_agent_administers_nothing():
    assert why_not(AGENT, Action.ADMINISTER, None, POLICY) is Refusal.NOT_ADMIN


def test_without_a_conversation_one_slack_channel_is_enough():
    assert may(AGENT, Action.SEARCH, None, POLICY)
    nowhere = replace(AGENT, slack_channels=frozenset())
    assert why_not(nowhere, Action.SEARCH, None, POLICY) is Refusal.OUTSIDE


def test_the_agents_group_stands_for_every_slack_channel():
    nowhere = replace(AGENT, slack_channels=frozenset(), in_agents_group=True)
    assert may(nowhere, Action.CLAIM, ELSEWHERE, POLICY)


def test_a_guest_who_is_allowed_is_an_agent_in_that_slack_channel_alone():
    policy = replace(POLICY, guests_in=frozenset({"C0QUEUE"}))
    guest = replace(AGENT, is_restricted=True, slack_channels=frozenset({"C0QUEUE", "C0OTHER"}))
    assert may(guest, Action.REPLY, HERE, policy)
    assert why_not(guest, Action.REPLY, ELSEWHERE, policy) is Refusal.GUEST
    assert why_not(guest, Action.ADMINISTER, None, policy) is Refusal.GUEST


def test_installed_for_an_organisation_all_its_workspaces_are_home():
    policy = Policy(Home("T0ACME", "E0ACME", is_org_wide=True))
    sister = replace(AGENT, team_ids=frozenset({"T0SISTER"}), enterprise_id="E0ACME")
    assert may(sister, Action.REPLY, HERE, policy)
    foreign = replace(sister, enterprise_id="E0OTHER")
    assert why_not(foreign, Action.REPLY, HERE, policy) is Refusal.STRANGER


def test_what_slack_reports_asks_for_no_role():
    assert may(replace(AGENT, is_bot=True), Action.REPORT, None, POLICY)
