"""Buttons and menus, commands and shortcuts."""

import threading

import pytest

from handoff_sandbox.slack import Impossible, SlackStandIn
from tests.sandbox.slack.conftest import TIMEOUT
from tests.sandbox.slack.wire import actions, button


def menu(kind="static_select", action_id="assign", **more):
    return {"type": kind, "action_id": action_id} | more


def option(text, value):
    return {"text": {"type": "plain_text", "text": text}, "value": value}


def row(value):
    text = {"type": "mrkdwn", "text": f"Row {value}"}
    return {"type": "section", "text": text, "accessory": button("take", value)}


def test_a_click_tells_who_where_and_what(slack, clicks, post, ana, queue):
    card = post(actions(button(style="primary")))
    result = slack.click(ana, queue, card, "claim")
    assert (result.error, result.status) == ("", 200)
    (body,) = clicks
    assert body["type"] == "block_actions"
    assert (body["user"]["id"], body["user"]["username"]) == (ana, "ana")
    assert body["channel"] == {"id": queue, "name": "queue"}
    assert body["container"]["message_ts"] == card
    assert body["message"]["text"] == "Card"
    assert body["trigger_id"] == result.trigger_id
    assert body["response_url"].startswith(f"{slack.url}/response/")
    (action,) = body["actions"]
    assert (action["action_id"], action["value"], action["style"]) == ("claim", "7", "primary")
    assert action["block_id"]


def test_a_click_in_a_thread_tells_the_thread(slack, clicks, post, ana, queue):
    card = post(actions(button()))
    reply = post(actions(button()), thread_ts=card)
    slack.click(ana, queue, reply, "claim")
    assert clicks[0]["container"]["thread_ts"] == card


def test_one_of_many_buttons_is_picked_by_its_value(slack, clicks, post, ana, queue):
    board = post(row("1"), row("2"), row("3"))
    slack.click(ana, queue, board, "take", "2")
    assert clicks[0]["actions"][0]["value"] == "2"


@pytest.mark.parametrize(
    ("blocks", "value"),
    [
        pytest.param([], None, id="no button"),
        pytest.param([actions(button("resolve"))], None, id="another"),
        pytest.param([actions(button(value="8"))], "7", id="another value"),
        pytest.param([actions(button(visible_to_user_ids=["U0"]))], None, id="hidden"),
        pytest.param([actions(menu("users_select", "claim"))], None, id="no button but a menu"),
    ],
)
def test_a_button_that_is_not_there_cannot_be_clicked(slack, post, ana, queue, blocks, value):
    card = post(*blocks)
    with pytest.raises(Impossible):
        slack.click(ana, queue, card, "claim", value)


def test_who_is_not_in_the_channel_cannot_click(slack, post, queue):
    zoe = slack.add_person("zoe", "Zoe")
    card = post(actions(button()))
    with pytest.raises(Impossible):
        slack.click(zoe, queue, card, "claim")


# -- the bot is slow, broken or away


def test_a_bot_that_takes_too_long_is_a_timeout(slack, bot, post, ana, queue):
    slack._http._deadline = 0.2
    done = threading.Event()
    bot.web.before_request(lambda: done.wait(10) and None)
    result = slack.click(ana, queue, post(actions(button())), "claim")
    done.set()
    assert (result.error, result.status) == ("operation_timeout", 0)


def test_a_click_that_nobody_handles_fails(slack, bot, post, ana, queue):
    result = slack.click(ana, queue, post(actions(button())), "claim")
    assert (result.error, result.status) == ("dispatch_failed", 404)


def test_a_click_while_the_bot_is_away_fails_and_never_comes_again(slack, post, ana, queue):
    slack.events_url = "http://127.0.0.1:9/slack/events"
    slack.retries = (0.0,)
    result = slack.click(ana, queue, post(actions(button())), "claim")
    assert (result.error, result.status) == ("dispatch_failed", 0)
    slack.drain(TIMEOUT)
    assert sum("actions" in entry.request for entry in slack.journal.entries(path="/slack/*")) == 1


# -- menus


@pytest.mark.parametrize(
    ("element", "choice", "held"),
    [
        pytest.param(
            menu(options=[option("Ana", "a"), option("Ben", "b")]),
            "b",
            {"selected_option": option("Ben", "b")},
            id="static by value",
        ),
        pytest.param(
            menu(
                option_groups=[
                    {"label": {"type": "plain_text", "text": "A"}, "options": [option("Ben", "b")]}
                ]
            ),
            "Ben",
            {"selected_option": option("Ben", "b")},
            id="grouped by words",
        ),
        pytest.param(menu("users_select"), "U1", {"selected_user": "U1"}, id="users"),
        pytest.param(
            menu("multi_users_select"), ["U1"], {"selected_users": ["U1"]}, id="many users"
        ),
        pytest.param(menu("channels_select"), "C1", {"selected_channel": "C1"}, id="channels"),
        pytest.param(
            menu("conversations_select"), "C1", {"selected_conversation": "C1"}, id="conversations"
        ),
        pytest.param(menu("datepicker"), "2027-01-01", {"selected_date": "2027-01-01"}, id="date"),
        pytest.param(
            menu("checkboxes", options=[option("A", "a"), option("B", "b")]),
            ["a", "b"],
            {"selected_options": [option("A", "a"), option("B", "b")]},
            id="checkboxes",
        ),
    ],
)
def test_a_choice_tells_what_was_chosen(slack, clicks, post, ana, queue, element, choice, held):
    card = post(actions(element))
    assert slack.select(ana, queue, card, "assign", choice).error == ""
    (body,) = clicks
    assert held.items() <= body["actions"][0].items()
    (state,) = body["state"]["values"].values()
    assert state["assign"] == {"type": element["type"]} | held


def test_an_overflow_menu_keeps_nothing(slack, clicks, post, ana, queue):
    card = post(actions(menu("overflow", "more", options=[option("Snooze", "s")])))
    slack.select(ana, queue, card, "more", "s")
    assert clicks[0]["actions"][0]["selected_option"]["value"] == "s"
    assert clicks[0]["state"] == {"values": {}}


def test_what_is_not_among_the_options_cannot_be_chosen(slack, post, ana, queue):
    card = post(actions(menu(options=[option("Ana", "a")]), button()))
    for action_id, choice in (("assign", "z"), ("claim", "z")):
        with pytest.raises(Impossible):
            slack.select(ana, queue, card, action_id, choice)


# -- commands and shortcuts


def test_a_command_tells_who_where_and_what(slack, bot, ana, queue):
    seen = []

    @bot.app.command("/escalations")
    def listener(ack, command):
        seen.append(command)
        ack("Nothing waits.")

    result = slack.command(ana, queue, "/escalations", "on")
    assert result.error == ""
    (command,) = seen
    assert (command["user_id"], command["user_name"]) == (ana, "ana")
    assert (command["channel_id"], command["channel_name"]) == (queue, "queue")
    assert (command["command"], command["text"]) == ("/escalations", "on")
    assert [one["text"] for one in slack.ephemerals(ana)] == ["Nothing waits."]


def test_a_command_may_be_answered_to_all(slack, bot, ana, queue):
    bot.app.command("/queue")(lambda ack: ack(text="3 wait", response_type="in_channel"))
    slack.command(ana, queue, "/queue")
    assert [one["text"] for one in slack.messages(queue)] == ["3 wait"]
    assert slack.ephemerals(ana) == []


def test_an_odd_answer_to_a_command_is_an_error(slack, bot, ana, queue):
    bot.app.command("/queue")(lambda ack: ack(blocks=[{"type": "x"}]))
    assert slack.command(ana, queue, "/queue").error == "invalid_blocks"


def test_a_command_that_nobody_handles_fails(slack, bot, ana, queue):
    assert slack.command(ana, queue, "/nothing").error == "dispatch_failed"


def test_shortcuts_reach_the_bot(slack, bot, post, ana, queue):
    seen = []
    for name in ("next", "escalate"):
        bot.app.shortcut(name)(lambda ack, body: (ack(), seen.append(body)))
    card = post(actions(button()))
    assert slack.shortcut(ana, "next").error == ""
    assert slack.shortcut(ana, "escalate", queue, card).error == ""
    everywhere, on_message = seen
    assert (everywhere["type"], "message" in everywhere) == ("shortcut", False)
    assert (on_message["type"], on_message["message"]["ts"]) == ("message_action", card)


def test_twenty_people_click_at_once(slack, clicks, post, queue):
    card = post(actions(button()))
    people = [slack.add_person(f"p{n}", f"P {n}") for n in range(20)]
    for person in people:
        slack.join(person, queue)
    threads = [
        threading.Thread(target=slack.click, args=(person, queue, card, "claim"))
        for person in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert {body["user"]["id"] for body in clicks} == set(people)


def test_the_journal_shows_clicks_without_the_verification_token(slack, clicks, post, ana, queue):
    slack.click(ana, queue, post(actions(button())), "claim")
    (entry,) = [e for e in slack.journal.entries("slack", "/slack/*") if "actions" in e.request]
    assert (entry.direction, entry.status) == ("out", 200)
    assert "token" not in entry.request


def test_slack_waits_for_three_seconds():
    with SlackStandIn() as slack:
        assert slack._http._deadline == slack._socket._deadline == 3
