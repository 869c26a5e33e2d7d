"""The stand-in against what Slack publishes. Besides, every answer in every test here is checked."""

import pytest

from handoff_sandbox.slack.api.rates import TIER_2, TIER_3, TIER_4, TIERS
from handoff_sandbox.slack.api.web import METHODS
from tests.sandbox.slack import oracle

pytestmark = pytest.mark.skipif(not oracle.is_there(), reason="Slack's published data is not here")

RATES = {TIER_2: "t2", TIER_3: "t3", TIER_4: "t4"}
MESSAGE_NAMES = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_one_of_slacks(name):
    assert name in oracle.methods()


@pytest.mark.parametrize("name", [name for name in METHODS if name != "api.test"])
def test_every_method_has_slacks_rate(name):
    rate = oracle.methods()[name]["rate"]
    assert RATES.get(TIERS.get(name), "t5") == rate


def test_every_event_has_a_name_of_slacks(slack, client, ana, ben, queue):
    private = slack.add_channel("private", [ana, slack.bot_user], is_private=True)
    ts = slack.say(ana, queue, f"<@{slack.bot_user}>")
    slack.say(ana, private, "x")
    slack.say(ana, client.conversations_open(users=ana)["channel"]["id"], "x")
    for _ in range(2):
        slack.react(ana, queue, ts, "eyes")
    slack.pin(ana, queue, ts)
    slack.open_home(ana)
    slack.join(ben, private)
    heard = [delivery.envelope["event"] for delivery in slack.events()]
    names = {
        MESSAGE_NAMES[event["channel_type"]] if event["type"] == "message" else event["type"]
        for event in heard
    }
    assert names <= oracle.event_names()
    assert len(names) == 9
    assert slack._slack.herald.subscriptions <= oracle.event_names()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("users.info", lambda client, ana, queue: client.users_info(user=ana)["user"]),
        (
            "conversations.info",
            lambda client, ana, queue: client.conversations_info(channel=queue)["channel"],
        ),
        ("pins.list", lambda client, ana, queue: client.pins_list(channel=queue)["items"][0]),
        (
            "views.publish",
            lambda client, ana, queue: client.views_publish(
                user_id=ana, view={"type": "home", "blocks": []}
            )["view"],
        ),
        ("bots.info", lambda client, ana, queue: client.bots_info()["bot"]),
        (
            "usergroups.list",
            lambda client, ana, queue: client.usergroups_list()["usergroups"][0],
        ),
    ],
)
def test_objects_have_no_fields_that_slacks_have_not(slack, client, ana, queue, name, call):
    slack.add_group("support", "Support", [ana])
    slack.pin(ana, queue, slack.say(ana, queue, "x"))
    ours = call(client, ana, queue)
    (kind,) = oracle.sure_keys(name) - {"ok", "response_metadata"}
    theirs = set()
    for example in oracle.successes(name):
        held = example[kind]
        theirs |= set(held[0] if isinstance(held, list) else held)
    assert ours.keys() - theirs <= oracle.UNSHOWN.get(name, set())
