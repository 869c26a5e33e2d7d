"""Menus whose options the bot suggests while somebody types."""

import pytest

from handoff_sandbox.slack import Impossible, NoSuggestions
from tests.sandbox.slack.test_windows import field, modal, opened, plain  # noqa: F401 - a fixture
from tests.sandbox.slack.wire import actions, button


def option(text, value):
    return {"text": plain(text), "value": value}


def external(kind="external_select", action_id="who", **more):
    return {"type": kind, "action_id": action_id, "min_query_length": 0} | more


DANA, WEI = option("Dana", "7"), option("Wei", "8")
GROUP = {"label": plain("Waiting"), "options": [WEI]}


class Suggestions:
    """What the bot is asked, and what it answers."""

    def __init__(self, bot):
        self.asked = []
        self.answer = {"options": [DANA]}
        bot.app.options("who")(self._listen)
        bot.app.action("who")(lambda ack, body: (ack(), self.asked.append(body)))

    def _listen(self, ack, body):
        self.asked.append(body)
        ack(**self.answer)


@pytest.fixture
def suggests(bot):
    return Suggestions(bot)


def test_the_bot_is_asked_what_fits_what_was_typed(slack, suggests, post, ana, queue):
    card = post(actions(external()))
    assert slack.suggest(ana, (queue, card), "who", "da") == [DANA]
    (body,) = suggests.asked
    assert (body["type"], body["value"], body["action_id"]) == ("block_suggestion", "da", "who")
    assert (body["user"]["id"], body["channel"]["id"]) == (ana, queue)
    assert body["message"]["ts"] == body["container"]["message_ts"] == card
    assert body["block_id"]
    assert "response_url" not in body
    assert "trigger_id" not in body


def test_a_window_is_named_with_what_it_holds(slack, suggests, opened, ana):  # noqa: F811
    view_id = opened(modal(field("note", optional=True), field("who", "external_select")))
    assert slack.suggest(ana, view_id, "who", "dan") == [DANA]
    assert suggests.asked[0]["view"]["id"] == view_id
    assert suggests.asked[0]["container"] == {"type": "view", "view_id": view_id}


def test_home_has_such_menus_too(slack, suggests, client, ana):
    view = {"type": "home", "blocks": [actions(external())]}
    view_id = client.views_publish(user_id=ana, view=view)["view"]["id"]
    assert slack.suggest(ana, view_id, "who") == [DANA]
    assert slack.select_view(ana, view_id, "who", "7").error == ""
    assert suggests.asked[-1]["actions"][0]["selected_option"] == DANA


@pytest.mark.parametrize(
    ("kind", "choice", "held"),
    [
        pytest.param("external_select", "7", {"selected_option": DANA}, id="one"),
        pytest.param(
            "multi_external_select", ["8", "7"], {"selected_options": [WEI, DANA]}, id="many"
        ),
    ],
)
def test_what_was_suggested_can_be_chosen(slack, suggests, post, ana, queue, kind, choice, held):
    card = post(actions(external(kind)))
    suggests.answer = {"option_groups": [{"label": plain("Talking"), "options": [DANA]}, GROUP]}
    assert slack.suggest(ana, (queue, card), "who") == [DANA, WEI]
    assert slack.select(ana, queue, card, "who", choice).error == ""
    assert held.items() <= suggests.asked[-1]["actions"][0].items()


def test_options_of_an_earlier_search_stay_chosen(slack, bot, suggests, opened, ana):  # noqa: F811
    sent = []
    bot.app.view("assign")(lambda ack, body: (ack(), sent.append(body)))
    view_id = opened(modal(field("who", "multi_external_select", min_query_length=0)))
    slack.suggest(ana, view_id, "who", "d")
    suggests.answer = {"options": [WEI]}
    slack.suggest(ana, view_id, "who", "w")
    slack.submit(ana, view_id, {"who": ["7", "8"]})
    held = sent[0]["view"]["state"]["values"]["who_block"]["who"]
    assert held["selected_options"] == [DANA, WEI]


def test_what_was_not_suggested_cannot_be_chosen(slack, suggests, post, ana, ben, queue):
    card = post(actions(external()))
    with pytest.raises(Impossible):
        slack.select(ana, queue, card, "who", "7")
    slack.suggest(ana, (queue, card), "who")
    with pytest.raises(Impossible):  # what Ana saw, Ben did not
        slack.select(ben, queue, card, "who", "7")


def test_what_a_menu_began_with_can_be_chosen(slack, suggests, post, ana, queue):
    card = post(actions(external(initial_option=WEI)))
    assert slack.select(ana, queue, card, "who", "8").error == ""


def test_the_bot_is_not_asked_before_enough_was_typed(slack, suggests, post, ana, queue):
    card = post(actions({"type": "external_select", "action_id": "who"}))
    assert slack.suggest(ana, (queue, card), "who", "da") == []
    assert suggests.asked == []
    assert slack.suggest(ana, (queue, card), "who", "dan") == [DANA]


def test_nothing_is_suggested_for_a_button(slack, post, ana, queue):
    with pytest.raises(Impossible):
        slack.suggest(ana, (queue, post(actions(button("who")))), "who")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param({"options": [option("x" * 76, "7")]}, "less than 76", id="too long"),
        pytest.param(
            {"options": [option(f"N{n}", str(n)) for n in range(101)]}, "no more than 100", id="101"
        ),
        pytest.param({"options": [{"text": plain("x")}]}, "missing required field", id="no value"),
        pytest.param(
            {"option_groups": [{"label": plain("x" * 76), "options": [DANA]}]},
            "76",
            id="long label",
        ),
    ],
)
def test_an_answer_that_slack_would_not_show_is_refused(
    slack, suggests, post, ana, queue, answer, why
):
    suggests.answer = answer
    with pytest.raises(NoSuggestions, match=why):
        slack.suggest(ana, (queue, post(actions(external()))), "who")


def test_a_bot_that_does_not_answer_suggests_nothing(slack, bot, post, ana, queue):
    with pytest.raises(NoSuggestions, match="dispatch_failed"):
        slack.suggest(ana, (queue, post(actions(external()))), "who")


def test_menus_of_ephemeral_messages_work_as_well(slack, suggests, client, ana, queue):
    ts = client.chat_postEphemeral(channel=queue, user=ana, text="x", blocks=[actions(external())])[
        "message_ts"
    ]
    slack.suggest(ana, (queue, ts), "who")
    assert slack.select_ephemeral(ana, ts, "who", "7").error == ""
    assert suggests.asked[-1]["container"]["is_ephemeral"] is True
