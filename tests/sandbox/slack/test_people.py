"""What people tell Slack about themselves, and what the bot can find out about them."""

import pytest

from handoff_sandbox.slack import SUBSCRIPTIONS
from tests.sandbox.slack.wire import refused


def last(slack):
    return slack.events()[-1].envelope["event"]


def test_somebody_who_snoozes_is_told_and_shown(slack, client, ana, ben):
    until = int(slack._workspace.now()) + 1800
    slack.snooze(ana, until)
    event = last(slack)
    assert (event["type"], event["user"]) == ("dnd_updated_user", ana)
    assert event["dnd_status"]["dnd_enabled"] is True
    assert event["dnd_status"]["next_dnd_end_ts"] == until
    users = client.dnd_teamInfo(users=f"{ana},{ben},U0NOBODY")["users"]
    assert {user: status["dnd_enabled"] for user, status in users.items()} == {
        ana: True,
        ben: False,
    }
    assert client.dnd_info(user=ana)["next_dnd_end_ts"] == until
    slack.snooze(ana, 0)
    assert last(slack)["dnd_status"]["dnd_enabled"] is False


def test_a_snooze_ends_by_itself(slack, client, ana):
    slack.snooze(ana, slack._workspace.now() - 1)
    assert client.dnd_info(user=ana)["dnd_enabled"] is False


def test_do_not_disturb_is_asked_of_somebody(client):
    assert refused(client.dnd_teamInfo, users="") == "no_users_provided"


def test_people_are_found_by_their_address(client, ana):
    assert client.users_lookupByEmail(email="Ana@example.com")["user"]["id"] == ana
    assert refused(client.users_lookupByEmail, email="no@example.com") == "users_not_found"


def test_profiles_are_read(slack, client, ana):
    assert client.users_profile_get(user=ana)["profile"]["display_name"] == "Ana"
    assert client.users_profile_get()["profile"]["real_name"] == "Handoff"
    assert refused(client.users_profile_get, user="U0NOBODY") == "user_not_found"


def test_time_zone_and_language_are_told(slack, client, ana):
    slack.person(ana).timezone, slack.person(ana).locale = "Asia/Kolkata", "hi-IN"
    user = client.users_info(user=ana, include_locale=True)["user"]
    assert (user["tz"], user["tz_offset"], user["locale"]) == ("Asia/Kolkata", 19_800, "hi-IN")
    assert "locale" not in client.users_info(user=ana)["user"]


def test_another_name_is_told(slack, ana):
    slack.rename(ana, "Ana Maria Ruiz", "Ana M")
    assert last(slack)["type"] == "user_change"
    assert last(slack)["user"]["profile"]["display_name"] == "Ana M"


def test_somebody_who_leaves_is_told(slack, client, ana):
    slack.leave(ana)
    assert (last(slack)["type"], last(slack)["user"]["deleted"]) == ("user_change", True)
    assert refused(client.users_lookupByEmail, email="ana@example.com") == "users_not_found"


def test_groups_have_members_that_change(slack, client, ana, ben):
    group = slack.add_group("support", "Support", [ana])
    (shown,) = client.usergroups_list(include_users=True)["usergroups"]
    assert shown["users"] == [ana]
    slack.change_group(group, [ben])
    event = last(slack)
    assert (event["type"], event["subteam_id"]) == ("subteam_members_changed", group)
    assert (event["added_users"], event["removed_users"]) == ([ben], [ana])
    assert client.usergroups_users_list(usergroup=group)["users"] == [ben]


def test_presence_is_asked_for_and_never_told(slack, client, ana):
    slack.set_presence(ana, "away")
    assert client.users_getPresence(user=ana)["presence"] == "away"
    assert slack.events() == []


def test_the_bot_hears_that_it_was_invited(slack, ana):
    other = slack.add_channel("other", [ana])
    slack.invite_bot(other, ana)
    event = last(slack)
    assert (event["type"], event["user"]) == ("member_joined_channel", slack.bot_user)
    assert (event["channel"], event["inviter"]) == (other, ana)


@pytest.mark.parametrize(
    "name",
    ["app_home_opened", "dnd_updated_user", "member_joined_channel", "message.im", "user_change"],
)
def test_the_sandbox_tells_of_it_unasked(name):
    assert name in SUBSCRIPTIONS


# -- direct conversations


def test_the_bot_writes_to_a_person_redraws_it_and_takes_it_back(slack, client, ana):
    posted = client.chat_postMessage(channel=ana, text="A new one for you")
    direct = posted["channel"]
    assert direct == client.conversations_open(users=ana)["channel"]["id"]
    client.chat_update(channel=direct, ts=posted["ts"], text="Taken")
    assert slack.messages(direct)[0]["text"] == "Taken"
    client.chat_delete(channel=direct, ts=posted["ts"])
    assert slack.messages(direct) == []


def test_the_bot_whispers_in_a_direct_conversation(slack, client, ana, ben):
    direct = client.conversations_open(users=ana)["channel"]["id"]
    client.chat_postEphemeral(channel=direct, user=ana, text="Psst")
    assert [one["channel"] for one in slack.ephemerals(ana)] == [direct]
    assert refused(client.chat_postEphemeral, channel=direct, user=ben, text="x") == (
        "user_not_in_channel"
    )


def test_what_people_write_to_the_bot_is_heard(slack, ana):
    direct = slack._workspace.direct(ana).id
    slack.say(ana, direct, "Hello bot")
    assert (last(slack)["channel_type"], last(slack)["text"]) == ("im", "Hello bot")


# -- mentions


def test_a_group_is_mentioned(slack, ana, queue):
    group = slack.add_group("support", "Support", [ana])
    slack.say(ana, queue, f"<!subteam^{group}> please")
    assert last(slack)["text"] == f"<!subteam^{group}> please"
    first = last(slack)["blocks"][0]["elements"][0]["elements"][0]
    assert first == {"type": "usergroup", "usergroup_id": group}


def test_mentions_in_a_command_carry_names(slack, bot, ana, ben, queue):
    seen = []
    bot.app.command("/handoff")(lambda ack, command: (ack(), seen.append(command["text"])))
    group = slack.add_group("support", "Support", [ana])
    slack.command(ana, queue, "/handoff", f"assign <@{ben}> <#{queue}> <!subteam^{group}> x<y")
    assert seen == [f"assign <@{ben}|ben> <#{queue}|queue> <!subteam^{group}|@support> x<y"]
