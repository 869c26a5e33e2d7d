"""What the bot hears of what people and it itself do."""

import pytest

from handoff_sandbox.slack import Impossible
from handoff_sandbox.slack.ui.rich_text import typed
from tests.sandbox.slack.conftest import TIMEOUT


def last(slack):
    """The event that was sent last."""
    return slack.events()[-1].envelope["event"]


def test_a_message_reaches_the_bot_signed_and_whole(slack, bot, ana, queue):
    ts = slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    (event,) = bot.events()
    assert event["text"] == "Hello"
    assert (event["user"], event["channel"], event["ts"]) == (ana, queue, ts)
    assert (event["channel_type"], event["event_ts"]) == ("channel", ts)
    assert event["client_msg_id"]
    assert event["blocks"][0]["elements"][0]["elements"] == [{"type": "text", "text": "Hello"}]
    assert [reply.status for reply in slack.events()[0].replies] == [200]


def test_a_wrong_signature_is_refused(slack, bot, ana, queue):
    slack._http._secret = b"another"
    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert bot.events() == []
    assert slack.events()[0].replies[0].status == 401


def test_what_is_said_in_a_thread_names_it(slack, bot, client, ana, queue):
    card = client.chat_postMessage(channel=queue, text="Card")["ts"]
    slack.say(ana, queue, "Reply", card)
    slack.drain(TIMEOUT)
    (event,) = bot.events()
    assert (event["thread_ts"], event["parent_user_id"]) == (card, slack.bot_user)


def test_a_broadcast_reply_carries_the_root(slack, bot, client, ana, queue):
    card = client.chat_postMessage(channel=queue, text="Card")["ts"]
    slack.say(ana, queue, "News", card, broadcast=True)
    slack.drain(TIMEOUT)
    (event,) = bot.events()
    assert event["subtype"] == "thread_broadcast"
    assert event["root"]["ts"] == card


def test_an_edit_tells_before_and_after(slack, bot, ana, queue):
    ts = slack.say(ana, queue, "Helo")
    slack.edit(ana, queue, ts, "Hello")
    slack.drain(TIMEOUT)
    event = bot.events()[-1]
    assert event["subtype"] == "message_changed"
    assert event["message"]["text"] == "Hello"
    assert event["message"]["edited"]["user"] == ana
    assert (event["previous_message"]["text"], event["previous_message"]["ts"]) == ("Helo", ts)


def test_a_deletion_tells_what_was_there(slack, bot, ana, queue):
    ts = slack.say(ana, queue, "Oops")
    slack.delete(ana, queue, ts)
    slack.drain(TIMEOUT)
    event = bot.events()[-1]
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", ts)
    assert event["previous_message"]["text"] == "Oops"
    assert slack.message(queue, ts) is None


def test_deleting_the_head_of_a_thread_is_a_change_into_a_tombstone(slack, bot, ana, ben, queue):
    ts = slack.say(ana, queue, "Question")
    slack.say(ben, queue, "Answer", ts)
    slack.delete(ana, queue, ts)
    slack.drain(TIMEOUT)
    event = bot.events()[-1]
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
    assert event["previous_message"]["text"] == "Question"


def test_the_bots_own_messages_are_echoed(slack, client, queue):
    posted = client.chat_postMessage(channel=queue, text="Card")
    client.chat_update(channel=queue, ts=posted["ts"], text="Taken")
    client.chat_delete(channel=queue, ts=posted["ts"])
    said, changed, deleted = (delivery.envelope["event"] for delivery in slack.events())
    assert said["bot_id"] == posted["message"]["bot_id"]
    assert said["app_id"]
    assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "Taken")
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", posted["ts"])


def test_bolt_keeps_echoes_of_the_bot_from_its_listeners(slack, bot, client, queue):
    client.chat_postMessage(channel=queue, text="Card")
    slack.drain(TIMEOUT)
    assert bot.events() == []
    assert slack.events()[0].is_delivered


def test_messages_of_other_apps_reach_the_bot(slack, bot, queue):
    slack.say_as_other_app(queue, "Deployed")
    slack.drain(TIMEOUT)
    (event,) = bot.events()
    assert event["bot_id"] == "B0OTHERAPP"


def test_a_mention_comes_twice_with_different_ids(slack, bot, ana, queue):
    slack.say(ana, queue, f"<@{slack.bot_user}> help")
    slack.drain(TIMEOUT)
    (mention,), (message,) = bot.events("app_mention"), bot.events("message")
    assert mention["ts"] == message["ts"]
    assert len({delivery.event_id for delivery in slack.events()}) == 2


def test_a_reaction_is_told_and_taken_back(slack, bot, client, ana, queue):
    card = client.chat_postMessage(channel=queue, text="Card")["ts"]
    slack.react(ana, queue, card, "eyes")
    assert slack.reactions(queue, card) == {"eyes": [ana]}
    slack.drain(TIMEOUT)
    (event,) = bot.events("reaction_added")
    assert (event["reaction"], event["item"]["ts"]) == ("eyes", card)
    assert event["item_user"] == slack.bot_user
    slack.react(ana, queue, card, "eyes")
    assert slack.reactions(queue, card) == {}
    assert last(slack)["type"] == "reaction_removed"


def test_a_pin_is_told(slack, client, ana, queue):
    card = client.chat_postMessage(channel=queue, text="Card")["ts"]
    slack.pin(ana, queue, card)
    assert (last(slack)["type"], last(slack)["item"]["message"]["ts"]) == ("pin_added", card)
    slack.pin(ana, queue, card)
    assert slack.pins(queue) == []


def test_opening_the_home_tab_is_told_with_what_it_shows(slack, bot, client, ana):
    slack.open_home(ana)
    client.views_publish(user_id=ana, view={"type": "home", "blocks": [{"type": "divider"}]})
    slack.open_home(ana)
    slack.open_home(ana, "messages")
    slack.drain(TIMEOUT)
    first, second, third = bot.events("app_home_opened")
    assert (first["user"], first["tab"], "view" in first) == (ana, "home", False)
    assert second["view"]["type"] == "home"
    assert (third["tab"], "view" in third) == ("messages", False)


def test_the_bot_hears_only_where_it_is(slack, ana):
    other = slack.add_channel("other", [ana])
    slack.say(ana, other, "Before")
    slack.invite_bot(other, ana)
    slack.say(ana, other, "After")
    slack.remove_bot(other)
    slack.say(ana, other, "Later")
    heard = [delivery.envelope["event"] for delivery in slack.events()]
    assert [(e["type"], e.get("subtype"), e.get("text", "")[-5:]) for e in heard] == [
        ("message", "channel_join", "annel"),
        ("member_joined_channel", None, ""),
        ("message", None, "After"),
    ]


def test_the_bot_hears_only_what_it_subscribed_to(slack, ana, queue):
    slack._slack.herald.subscriptions = frozenset({"message.im"})
    slack.say(ana, queue, "In the channel")
    direct = slack._workspace.direct(ana).id
    slack.say(ana, direct, "To the bot")
    (delivery,) = slack.events()
    event = delivery.envelope["event"]
    assert (event["text"], event["channel_type"]) == ("To the bot", "im")


def test_somebody_who_joins_is_told(slack, queue):
    zoe = slack.add_person("zoe", "Zoe")
    slack.join(zoe, queue)
    assert [d.envelope["event"]["type"] for d in slack.events()] == [
        "message",
        "member_joined_channel",
    ]
    slack.say(zoe, queue, "Hi")
    slack.join(zoe, queue)
    assert len(slack.events()) == 3


def test_events_reach_the_bot_in_order(slack, bot, ana, queue):
    for number in range(30):
        slack.say(ana, queue, str(number))
    slack.drain(TIMEOUT)
    assert [event["text"] for event in bot.events()] == [str(n) for n in range(30)]


def test_sync_means_that_the_bot_has_heard(slack, bot, ana, queue):
    slack.deliver = "sync"
    slack.say(ana, queue, "Hello")
    assert len(bot.events()) == 1


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda s, who, q, ts: s.say("U0NOBODY", q, "x"), id="speak unknown"),
        pytest.param(lambda s, who, q, ts: s.say(who, "C0", "x"), id="speak nowhere"),
        pytest.param(lambda s, who, q, ts: s.say(who, q, "x", "1.2"), id="answer nothing"),
        pytest.param(lambda s, who, q, ts: s.edit(who, q, ts, "x"), id="edit another's words"),
        pytest.param(lambda s, who, q, ts: s.delete(who, q, ts), id="delete another's words"),
        pytest.param(lambda s, who, q, ts: s.react(who, q, "1.2", "eyes"), id="react to nothing"),
        pytest.param(lambda s, who, q, ts: s.click(who, q, ts, "claim"), id="click on nothing"),
    ],
)
def test_what_the_screen_does_not_let_people_do_is_impossible(slack, ana, ben, queue, attempt):
    ts = slack.say(ana, queue, "Mine")
    with pytest.raises(Impossible):
        attempt(slack, ben, queue, ts)


def test_nobody_speaks_in_an_archived_channel(slack, ana, queue):
    slack.archive(queue)
    with pytest.raises(Impossible):
        slack.say(ana, queue, "x")


def test_an_admin_deletes_the_words_of_others(slack, client, ana, admin, queue):
    mine = slack.say(ana, queue, "Mine")
    card = client.chat_postMessage(channel=queue, text="Card")["ts"]
    slack.delete(admin, queue, mine)
    slack.delete(admin, queue, card)
    assert slack.messages(queue) == []


@pytest.mark.parametrize(
    ("text", "mrkdwn", "kinds"),
    [
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2", ["text"]),
        ("ask <@U024BE7LH>!", "ask <@U024BE7LH>!", ["text", "user", "text"]),
        ("in <#C024BE7LR>", "in <#C024BE7LR|>", ["text", "channel"]),
        ("<!here> hi", "<!here> hi", ["broadcast", "text"]),
        ("see https://a.example/?a=1&b", "see <https://a.example/?a=1&amp;b>", ["text", "link"]),
        (":wave: hi", ":wave: hi", ["emoji", "text"]),
        ("at 10:30:00", "at 10:30:00", ["text"]),
    ],
)
def test_what_people_type_becomes_mrkdwn_and_rich_text(text, mrkdwn, kinds):
    said, block = typed(text)
    assert said == mrkdwn
    assert [element["type"] for element in block["elements"][0]["elements"]] == kinds
