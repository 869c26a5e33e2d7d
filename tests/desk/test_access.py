"""What people see and may do by where they are members, as it changes, and while Slack is in trouble."""

import pytest
from sqlmodel import select

from handoff_bot.services.outbox.slack_channels import Purpose
from handoff_bot.storage.models import Escalation
from tests.desk.conftest import words
from tests.desk.oddities import send_raw
from tests.slack import payloads

pytestmark = pytest.mark.on_sqlite

EMMA = "+15550002"


@pytest.fixture
def waiting(bureau):
    """Dana waits in the queue channel."""
    bureau.says("I want a person")
    return bureau


@pytest.fixture
def taken(waiting):
    """Ana has Dana's conversation."""
    waiting.click(waiting.ana, "claim")
    return waiting


def person(bureau, name, **marks):
    """Somebody in the queue channel who is something else than a full member."""
    desk_id = bureau.slack.add_person(name, name.title())
    for mark, value in marks.items():
        setattr(bureau.slack.person(desk_id), mark, value)
    bureau.slack._workspace.channels[bureau.queue].members.append(desk_id)
    return desk_id


NOT_AGENTS = {
    "a guest": {"is_restricted": True},
    "a guest of one channel": {"is_ultra_restricted": True},
    "a person of another workspace": {"is_stranger": True, "team_id": "T0OTHER"},
    "an admin of another workspace": {"is_admin": True, "team_id": "T0OTHER"},
    "a person of another workspace without the mark": {"team_id": "T0OTHER"},
}


@pytest.mark.parametrize("marks", NOT_AGENTS.values(), ids=NOT_AGENTS)
def test_what_those_write_who_are_no_agents_never_reaches_the_customer(taken, marks):
    who, heard = person(taken, "zoe", **marks), taken.heard()
    reply = taken.writes(who, "Hello Dana, pay me!")
    taken.slack.edit(who, taken.queue, reply, "Hello Dana, please pay me!")
    taken.writes(who, "!take")
    taken.slack.delete(who, taken.queue, reply)
    taken.settle()
    assert taken.heard() == heard
    told = [said for said in taken.whispers(who) if "Nothing was sent to the customer." in said]
    assert len(told) == 2
    assert "Assigned to Ana" in words(taken.cards()[-1])


def test_a_claim_by_a_guest_changes_nothing_and_is_answered(waiting):
    guest = person(waiting, "gil", is_restricted=True)
    heard = waiting.heard()
    waiting.click(guest, "claim")
    assert waiting.heard() == heard
    assert "Guests of this workspace" in waiting.whispers(guest)[0]
    assert "is waiting" in waiting.cards()[-1]["text"]


def test_an_admin_may_allow_guests_for_a_slack_channel(waiting):
    guest = person(waiting, "gil", is_restricted=True)
    other = waiting.slack.add_channel("other", [waiting.slack.bot_user, guest])
    waiting.core.preferences.change("roles.guests_in", [other], waiting.mia)
    waiting.click(guest, "claim")
    assert "is waiting" in waiting.cards()[-1]["text"]
    waiting.command(waiting.mia, "settings")
    waiting.presses(waiting.mia, "settings_open", "team")
    assert waiting.sends(waiting.mia, {"roles.guests_in": [waiting.queue]}).errors == {}
    waiting.click(guest, "claim")
    assert "Assigned to Gil" in words(waiting.cards()[-1])
    waiting.command(guest, "settings")
    assert waiting.slack.views(guest) == []


def test_a_guest_is_never_an_admin_even_when_named(bureau):
    guest = person(bureau, "gil", is_restricted=True, is_admin=True)
    bureau.core.preferences.change("admins", [guest], bureau.mia)
    bureau.command(guest, "settings")
    assert bureau.slack.views(guest) == []


def outsider(bureau, name="otto"):
    """A full member of the workspace, who is not in the queue channel."""
    desk_id = bureau.slack.add_person(name, name.title())
    bureau.elsewhere = bureau.slack.add_channel(f"{name}s", [bureau.slack.bot_user, desk_id])
    return desk_id


def asks(bureau, who, text):
    """A command from a Slack channel of their own."""
    result = bureau.slack.command(who, bureau.elsewhere, "/handoff", text)
    bureau.settle()
    return result


def test_who_is_not_in_the_slack_channel_sees_none_of_its_conversations(taken):
    otto = outsider(taken)
    for command in (
        "tickets",
        "tickets dana",
        "ticket 1",
        "queue",
        "next",
        "take 1",
        "assign 1 queue",
    ):
        answer = asks(taken, otto, command)
        assert "Only members of the Slack channel" in answer.body["text"], command
    assert taken.slack.views(otto) == []
    assert "Only members of the Slack channel" in words(taken.home(otto))


def move_desk(bureau, slack_channel):
    """New conversations are shown in that Slack channel from now on."""
    bureau.core.desk_channels.choose(slack_channel, Purpose.QUEUE, bureau.mia)


@pytest.fixture
def two_channels(waiting):
    """Dana's conversation is in the queue channel, Emma's where Otto is, and only he."""
    otto = outsider(waiting)
    move_desk(waiting, waiting.elsewhere)
    waiting.says("A person, please!", EMMA)
    waiting.otto = otto
    return waiting


@pytest.mark.on_both
def test_lists_show_only_what_is_in_the_slack_channels_of_a_person(two_channels):
    bureau, otto = two_channels, two_channels.otto
    for command in ("queue", "tickets"):
        asks(bureau, otto, command)
        shown = words(bureau.modal(otto))
        assert (EMMA in shown, "+15550001" in shown) == (True, False), command
        bureau.command(bureau.ana, command)
        shown = words(bureau.modal(bureau.ana))
        assert (EMMA in shown, "+15550001" in shown) == (False, True), command
        bureau.command(bureau.mia, command)
        shown = words(bureau.modal(bureau.mia))
        assert (EMMA in shown, "+15550001" in shown) == (True, True), command
    home = words(bureau.home(otto))
    assert (EMMA in home, "+15550001" in home) == (True, False)


def test_one_conversation_elsewhere_is_refused_by_its_number_too(two_channels):
    answer = asks(two_channels, two_channels.otto, "ticket 1")
    assert "Only members of the Slack channel" in answer.body["text"]
    asks(two_channels, two_channels.otto, "ticket 2")
    assert EMMA in words(two_channels.modal(two_channels.otto))


@pytest.mark.on_both
def test_next_takes_only_what_is_in_the_slack_channels_of_a_person(two_channels):
    asks(two_channels, two_channels.otto, "next")
    asks(two_channels, two_channels.otto, "next")
    assert "Otto" not in words(two_channels.cards()[0])


def test_members_of_the_agents_group_are_agents_everywhere(two_channels):
    bureau, otto = two_channels, two_channels.otto
    group = bureau.slack.add_group("agents", "Agents", [otto])
    bureau.core.preferences.change("roles.agents_group", group, bureau.mia)
    asks(bureau, otto, "tickets")
    shown = words(bureau.modal(otto))
    assert (EMMA in shown, "+15550001" in shown) == (True, True)


def test_a_private_slack_channel_is_looked_into_too(bureau):
    otto = bureau.slack.add_person("otto", "Otto")
    members = [bureau.slack.bot_user, otto]
    bureau.elsewhere = bureau.slack.add_channel("secret", members, is_private=True)
    move_desk(bureau, bureau.elsewhere)
    bureau.says("I want a person", EMMA)
    asks(bureau, otto, "queue")
    assert EMMA in words(bureau.modal(otto))
    bureau.command(bureau.ana, "queue")
    assert EMMA not in words(bureau.modal(bureau.ana))


def test_in_a_slack_channel_with_thousands_members_are_found(waiting):
    channel = waiting.slack._workspace.channels[waiting.queue]
    channel.members[:0] = [f"U1{number:06d}" for number in range(2500)]
    waiting.click(waiting.ana, "claim")
    assert "Assigned to Ana" in words(waiting.cards()[-1])


# -- changes take effect


def clicks_from_outside(bureau, who, action_id):
    """A click on the card by a person whose screen still shows it."""
    body = payloads.click(action_id, "1") | {
        "user": {"id": who, "team_id": bureau.slack.team_id},
        "team": {"id": bureau.slack.team_id},
    }
    send_raw(bureau, body)
    bureau.settle()


def test_who_leaves_the_slack_channel_may_do_nothing_from_then_on(waiting):
    waiting.click(waiting.ben, "view")
    waiting.slack.part(waiting.ben, waiting.queue)
    waiting.settle()
    clicks_from_outside(waiting, waiting.ben, "claim")
    assert "is waiting" in waiting.cards()[-1]["text"]


def test_without_an_event_it_takes_a_minute(waiting):
    waiting.click(waiting.ben, "view")
    waiting.slack._workspace.channels[waiting.queue].members.remove(waiting.ben)
    waiting.later(seconds=61)
    clicks_from_outside(waiting, waiting.ben, "claim")
    assert "is waiting" in waiting.cards()[-1]["text"]


def test_who_joins_may_act_at_once(waiting):
    otto = outsider(waiting)
    card = waiting.card()
    asks(waiting, otto, "queue")
    waiting.slack.join(otto, waiting.queue)
    waiting.settle()
    waiting.click(otto, "claim", ts=card)
    assert "Assigned to Otto" in words(waiting.cards()[0])


def test_an_admin_who_is_none_any_more_is_refused_at_the_very_next_step(bureau):
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "settings_open", "team")
    bureau.slack.person(bureau.mia).is_admin = False
    bureau.sends(bureau.mia, {"hold_seconds": "3"})
    assert bureau.core.preferences.get("hold_seconds", None) is None
    assert "Only admins can change settings" in words(bureau.modal(bureau.mia))


def test_a_role_is_never_trusted_for_more_than_a_minute(waiting):
    waiting.click(waiting.ben, "view")
    waiting.slack.person(waiting.ben).is_restricted = True
    waiting.later(seconds=61)
    waiting.click(waiting.ben, "claim")
    assert "Guests of this workspace" in waiting.whispers(waiting.ben)[-1]
    assert "is waiting" in waiting.cards()[-1]["text"]


# -- Slack in trouble


def fails(bureau, method):
    """From now on Slack answers this method with an error of its own."""
    bureau.slack.faults.add(f"/api/{method}", status=500)


def test_members_of_a_slack_channel_see_it_though_the_agents_group_is_not_known(waiting):
    """An admin may have disabled the group, or the app lacks the permission to read it."""
    waiting.core.preferences.change("roles.agents_group", "S0GONE", waiting.mia)
    fails(waiting, "usergroups.users.list")
    waiting.command(waiting.ben, "queue")
    assert "+15550001" in words(waiting.modal(waiting.ben))
    waiting.command(waiting.ben, "next")
    assert "Assigned to Ben" in words(waiting.cards()[-1])


def test_while_slack_does_not_answer_those_whom_we_know_can_work_on(waiting):
    waiting.click(waiting.ben, "view")
    fails(waiting, "users.info")
    fails(waiting, "conversations.members")
    waiting.later(minutes=3)
    waiting.click(waiting.ben, "claim")
    assert "Assigned to Ben" in words(waiting.cards()[-1])


def test_while_slack_does_not_answer_nothing_old_is_believed(waiting):
    waiting.click(waiting.ben, "view")
    fails(waiting, "users.info")
    waiting.later(minutes=6)
    waiting.click(waiting.ben, "claim")
    assert "Slack could not confirm" in waiting.whispers(waiting.ben)[-1]
    assert "is waiting" in waiting.cards()[-1]["text"]


def test_while_slack_does_not_answer_a_person_whom_we_do_not_know_is_refused(waiting):
    zoe = person(waiting, "zoe", is_stranger=True, team_id="T0OTHER")
    fails(waiting, "users.info")
    waiting.click(zoe, "claim")
    assert "Slack could not confirm" in waiting.whispers(zoe)[-1]
    assert "is waiting" in waiting.cards()[-1]["text"]


def test_while_slack_does_not_answer_no_setting_is_changed(bureau):
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "settings_open", "team")
    fails(bureau, "users.info")
    bureau.sends(bureau.mia, {"hold_seconds": "3"})
    assert bureau.core.preferences.get("hold_seconds", None) is None
    assert "Slack could not confirm" in words(bureau.modal(bureau.mia))


def test_a_reply_waits_until_slack_says_who_wrote_it(taken):
    fails(taken, "users.info")
    taken.later(minutes=6)
    taken.writes(taken.ana, "Here is your answer")
    assert "Here is your answer" not in taken.heard()
    taken.slack.faults.clear()
    taken.later(minutes=2)
    assert taken.heard().count("Here is your answer") == 1


# -- organisations of several workspaces


def test_a_member_of_several_workspaces_of_an_organisation_belongs_to_each(waiting):
    grid = {"enterprise_id": "E0ACME", "teams": ("T0SISTER", waiting.slack.team_id)}
    otto = person(waiting, "otto", team_id="T0SISTER", **grid)
    waiting.click(otto, "claim")
    assert "Assigned to Otto" in words(waiting.cards()[-1])


def test_a_member_of_a_sister_workspace_alone_is_a_stranger(waiting):
    grid = {"enterprise_id": "E0ACME", "teams": ("T0SISTER",)}
    otto = person(waiting, "otto", team_id="T0SISTER", **grid)
    waiting.click(otto, "claim")
    assert "Only members of the workspace" in waiting.whispers(otto)[-1]


def test_a_payload_that_names_another_workspace_is_refused(waiting):
    body = payloads.click("claim", "1") | {"user": {"id": waiting.ana, "team_id": "T0OTHER"}}
    send_raw(waiting, body)
    waiting.settle()
    assert "is waiting" in waiting.cards()[-1]["text"]


# -- what is the owner's


def test_a_colleague_cannot_snooze_what_another_agent_has(taken):
    taken.writes(taken.ben, "!snooze 2h")
    assert "Ana has this conversation" in taken.whispers(taken.ben)[-1]
    assert "💤 Snoozed until" not in words(taken.cards()[-1])
    taken.writes(taken.ana, "!snooze 2h")
    assert "💤 Snoozed until" in words(taken.cards()[-1])


@pytest.mark.parametrize("verb", ["release", "resolve", "return", "snooze 2h"])
def test_an_admin_may_do_what_the_owner_may(taken, verb):
    before = words(taken.cards()[-1])
    taken.writes(taken.mia, f"!{verb}")
    assert words(taken.cards()[-1]) != before


@pytest.mark.parametrize("verb", ["release", "resolve", "return", "snooze 2h"])
def test_a_colleague_may_not(taken, verb):
    taken.writes(taken.ben, f"!{verb}")
    shown = words(taken.cards()[-1])
    assert "Assigned to Ana" in shown
    assert "💤 Snoozed until" not in shown
    assert "Ana has this conversation" in taken.whispers(taken.ben)[-1]


def test_a_conversation_cannot_be_given_to_those_who_cannot_answer(taken):
    guest, otto = person(taken, "gil", is_restricted=True), outsider(taken)
    for one in (guest, otto):
        taken.writes(taken.ana, f"!assign <@{one}>")
        assert "Choose a person who can reply to customers" in taken.whispers(taken.ana)[-1]
        taken.click(taken.ana, "assign")
        sent = taken.sends(taken.ana, {"assignee": one})
        assert "Choose a person who can reply to customers" in sent.errors["assignee"]
        taken.slack.close(taken.ana, taken.modal(taken.ana)["id"])
    assert "Assigned to Ana" in words(taken.cards()[-1])


def test_nobody_is_offered_what_they_could_not_answer(waiting):
    otto = outsider(waiting)
    for who in (otto, waiting.ben):
        asks(waiting, who, "on") if who == otto else waiting.command(who, "on")
    waiting.slack.person(waiting.ben).is_restricted = True
    waiting.later(minutes=7)  # the ladder offers after 6
    assert waiting.told(otto) == []
    assert waiting.told(waiting.ben) == []


# -- owners who are gone


def test_the_next_message_finds_that_the_owner_has_left_slack(taken):
    taken.slack.person(taken.ana).deleted = True
    taken.later(minutes=2)
    taken.says("Dana, any news?")
    assert "Ana's Slack account is deactivated" in " ".join(taken.thread())
    assert "is waiting" in taken.cards()[-1]["text"]
    assert len(taken.heard()) > 2
    taken.writes(taken.ben, "!take")
    assert "Assigned to Ben" in words(taken.cards()[-1])


def test_slack_reports_at_once_that_the_owner_has_left(taken):
    taken.slack.leave(taken.ana)
    taken.settle()
    assert "Ana's Slack account is deactivated" in " ".join(taken.thread())


def test_an_owner_who_becomes_a_guest_gives_the_conversation_back(taken):
    taken.slack.becomes(taken.ana, is_restricted=True)
    taken.settle()
    assert "Ana is a guest of this workspace" in " ".join(taken.thread())


@pytest.mark.on_both
def test_an_owner_who_leaves_the_slack_channel_gives_the_conversation_back(taken):
    taken.slack.part(taken.ana, taken.queue)
    taken.settle()
    assert "Ana is no longer in this Slack channel" in " ".join(taken.thread())
    assert "is waiting" in taken.cards()[-1]["text"]


@pytest.mark.on_both
def test_without_any_event_the_tick_finds_it(taken):
    taken.slack.person(taken.ana).deleted = True
    taken.later(minutes=2)
    taken.core.scheduler.tick("tick.owners")
    taken.settle()
    assert "Ana's Slack account is deactivated" in " ".join(taken.thread())


def test_the_priority_stays_when_a_conversation_comes_back(taken):
    before = priorities(taken)
    taken.slack.leave(taken.ana)
    taken.settle()
    assert priorities(taken) == before


def priorities(bureau):
    with bureau.database.read() as tx:
        return [one.priority for one in tx.session.execute(select(Escalation)).scalars()]


def test_an_owner_who_was_there_before_is_asked_about_again_at_each_message(taken):
    taken.says("Are you there?")
    taken.later(minutes=2)
    taken.says("Hello?")
    assert "back in the queue" not in " ".join(taken.thread())
    taken.slack._workspace.channels[taken.queue].members.remove(taken.ana)
    taken.later(minutes=2)
    taken.says("Anybody?")
    assert "Ana is no longer in this Slack channel" in " ".join(taken.thread())
