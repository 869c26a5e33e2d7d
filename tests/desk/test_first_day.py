"""The first day: nothing is configured, and the team still hears of a customer."""

import re

import pytest

from handoff_bot.domain.errors import DeskError
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite

HERE, EVERYONE = "here", "channel"
PINGS = re.compile(r"<!(here|channel)>|'range': '(\w+)'|'usergroup_id': '(S)|<(@)U")


def prefers(bureau, **values):
    for key, value in values.items():
        bureau.core.preferences.change(key.replace("__", "."), value, bureau.mia)


def mentions(bureau):
    """What pings members of the queue channel: each mention, oldest first."""
    said = "".join(str(message["blocks"]) for message in bureau.slack.messages(bureau.queue))
    return [next(filter(None, found)) for found in PINGS.findall(said)]


def all_away(bureau):
    for who in (bureau.ana, bureau.ben, bureau.mia):
        bureau.slack.set_presence(who, "away")


def offered(bureau, who):
    return [text for text in bureau.told(who) if "Can you take this?" in text]


# -- the mention


def test_within_two_minutes_of_the_first_escalation_the_channel_is_mentioned(bureau):
    bureau.says("I want a person")
    bureau.later(minutes=2)
    assert mentions(bureau) == [HERE]


def test_the_mention_is_in_the_card_and_not_in_a_message_of_its_own(bureau):
    bureau.says("I want a person")
    (card,) = bureau.cards()
    assert mentions(bureau) == [HERE]
    assert "claim" in str(card["blocks"])


def test_the_mention_stays_while_the_customer_waits_and_goes_with_the_claim(bureau):
    bureau.says("I want a person")
    bureau.says("It is urgent, my order is 1042")
    bureau.later(minutes=1)
    assert mentions(bureau) == [HERE]
    bureau.click(bureau.ana, "claim")
    assert mentions(bureau) == []


def test_when_no_member_is_active_all_members_are_mentioned(bureau):
    all_away(bureau)
    bureau.says("I want a person")
    assert mentions(bureau) == [EVERYONE]


def test_the_apps_own_presence_does_not_count_as_an_active_member(bureau):
    all_away(bureau)
    assert bureau.slack.person(bureau.slack.bot_user).presence == "active"
    bureau.says("I want a person")
    assert mentions(bureau) == [EVERYONE]


@pytest.mark.parametrize("key", ["ladder.group", "roles.agents_group"])
def test_a_group_that_admins_set_is_mentioned_instead(bureau, key):
    group = bureau.slack.add_group("care", "Care", [bureau.ben])
    bureau.core.preferences.change(key, group, bureau.mia)
    bureau.says("I want a person")
    assert mentions(bureau) == ["S"]


@pytest.mark.on_both
def test_a_flood_of_escalations_pings_the_channel_once(bureau):
    for number in range(8):
        bureau.says("I want a person", f"+1555100{number}")
    assert len(bureau.cards()) == 8
    assert mentions(bureau) == [HERE]


@pytest.mark.on_both
def test_customers_who_came_meanwhile_are_mentioned_together_when_the_interval_is_over(bureau):
    bureau.says("I want a person", DANA)
    bureau.later(minutes=1)
    bureau.says("I want a person", "+15550002")
    bureau.says("I want a person", "+15550003")
    bureau.later(minutes=8)
    assert mentions(bureau) == [HERE]
    bureau.later(minutes=1)
    assert mentions(bureau) == [HERE, HERE]
    said = words(bureau.slack.messages(bureau.queue)[-1]["blocks"])
    assert "2 customers are waiting for an agent." in said


def test_nobody_is_pinged_for_customers_who_have_an_agent_by_then(bureau):
    bureau.says("I want a person", DANA)
    bureau.later(minutes=1)
    bureau.says("I want a person", "+15550002")
    bureau.click(bureau.ana, "claim")
    bureau.later(minutes=30)
    assert mentions(bureau) == [HERE]


@pytest.mark.on_both
def test_outside_business_hours_the_team_is_mentioned_when_they_begin(bureau):
    prefers(bureau, hours__lines=["mon-fri 13:00-17:00"], hours__timezone="UTC")
    bureau.says("I want a person", DANA)  # it is 9:00
    bureau.says("I want a person", "+15550002")
    bureau.later(hours=3)
    assert mentions(bureau) == []
    bureau.later(hours=1)
    assert mentions(bureau) == [HERE]
    assert any("2 customers are waiting" in m["text"] for m in bureau.slack.messages(bureau.queue))


def test_a_card_for_which_no_notification_rule_fits_mentions_the_team(bureau):
    rule = {"when": {"priorities": ["urgent"]}, "to": {"people": [bureau.ben]}}
    prefers(bureau, notices__rules=[rule])
    bureau.says("I want a person")
    assert mentions(bureau) == [HERE]
    assert bureau.told(bureau.ben) == []


def test_notification_rules_take_the_place_of_the_mention(bureau):
    rule = {"when": {}, "to": {"people": [bureau.ben]}}
    prefers(bureau, notices__rules=[rule])
    bureau.says("I want a person")
    assert mentions(bureau) == []
    assert any("is waiting" in text for text in bureau.told(bureau.ben))


def test_admins_can_switch_the_mention_off_and_set_its_interval(bureau):
    prefers(bureau, mention__minutes=0)
    bureau.says("I want a person", DANA)
    assert mentions(bureau) == []
    prefers(bureau, mention__minutes=1)
    bureau.says("I want a person", "+15550002")
    bureau.later(minutes=1)
    bureau.says("I want a person", "+15550003")
    assert mentions(bureau) == [HERE, HERE]


def test_a_card_that_slack_refuses_at_first_still_mentions_the_team(bureau, monkeypatch):
    render, failing = bureau.core.handlers["desk.card"]._desk.render_card, [True]

    def once(*card):
        if failing and failing.pop():
            raise DeskError("Slack is busy.", permanent=False, retry_after=1)
        return render(*card)

    monkeypatch.setattr(bureau.core.handlers["desk.card"]._desk, "render_card", once)
    bureau.says("I want a person")
    bureau.later(seconds=5)
    assert mentions(bureau) == [HERE]


def test_what_a_customer_writes_pings_nobody(bureau):
    prefers(bureau, mention__minutes=0)
    bureau.says("<!channel> <!here> @here I want a person")
    for block in bureau.cards()[0]["blocks"]:
        assert "<!" not in str([t for t in [block.get("text")] if t and t["type"] == "mrkdwn"])


# -- offers


def test_an_active_member_of_the_channel_gets_an_offer_although_nobody_has_set_anything(bureau):
    for away in (bureau.ben, bureau.mia):
        bureau.slack.set_presence(away, "away")
    bureau.says("I want a person")
    bureau.later(minutes=6)
    assert len(offered(bureau, bureau.ana)) == 1
    assert offered(bureau, bureau.ben) == []
    channel = next(c for c in bureau.slack.channels() if c.kind == "im" and bureau.ana in c.members)
    ts = bureau.slack.messages(channel.id)[-1]["ts"]
    bureau.slack.click(bureau.ana, channel.id, ts, "offer_accept")
    bureau.settle()
    assert "Now speaking with Ana." in bureau.heard()


def test_agents_who_have_set_their_availability_are_asked_before_active_members(bureau):
    bureau.command(bureau.ben, "on")
    bureau.says("I want a person")
    bureau.later(minutes=6)
    assert (len(offered(bureau, bureau.ben)), offered(bureau, bureau.ana)) == (1, [])


def test_an_active_member_who_is_away_by_their_own_choice_is_never_asked(bureau):
    for who in (bureau.ana, bureau.ben, bureau.mia):
        bureau.command(who, "off")
    bureau.says("I want a person")
    for _ in range(6):
        bureau.later(minutes=2)
    assert [offered(bureau, who) for who in (bureau.ana, bureau.ben, bureau.mia)] == [[], [], []]
    assert "No agents are available." in bureau.thread()


def test_guests_apps_and_people_who_have_left_get_no_offers(bureau):
    guest, robot, gone = (
        bureau.slack.add_person(name, name.title()) for name in ["gil", "rob", "gus"]
    )
    for one in (guest, robot, gone):
        bureau.slack.join(one, bureau.queue)
    bureau.slack.person(guest).is_restricted = True
    bureau.slack.person(robot).is_bot = True
    bureau.slack.person(gone).deleted = True
    all_away(bureau)
    bureau.says("I want a person")
    bureau.later(minutes=6)
    assert [offered(bureau, one) for one in (guest, robot, gone)] == [[], [], []]
    assert "No agents are available." in bureau.thread()


def test_the_agents_user_group_takes_the_place_of_the_channels_members(bureau):
    eve = bureau.slack.add_person("eve", "Eve")
    group = bureau.slack.add_group("care", "Care", [eve])
    prefers(bureau, roles__agents_group=group)
    bureau.says("I want a person")
    bureau.later(minutes=6)
    assert (len(offered(bureau, eve)), offered(bureau, bureau.ana)) == (1, [])


def test_admins_can_keep_offers_to_agents_who_have_set_their_availability(bureau):
    prefers(bureau, availability__by_presence=False)
    bureau.says("I want a person")
    bureau.later(minutes=6)
    assert "No agents are available." in bureau.thread()


def test_home_says_that_offers_follow_slacks_presence_and_can_be_stopped(bureau):
    view = bureau.home(bureau.ana)
    assert "You get offers while you're active in Slack." in words(view)
    bureau.slack.click_view(bureau.ana, view["id"], "availability_off")
    bureau.settle()
    assert "You're away" in words(bureau.slack.home(bureau.ana))
