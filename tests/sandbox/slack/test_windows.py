"""Windows and Home tabs: opened, filled in, sent, pushed, closed."""

import pytest
from slack_sdk.errors import SlackApiError

from handoff_sandbox.slack import Impossible
from handoff_sandbox.slack.state.refusal import Refusal
from handoff_sandbox.slack.state.views import check_view


def plain(text):
    return {"type": "plain_text", "text": text}


def field(name, kind="plain_text_input", *, optional=False, **more):
    return {
        "type": "input",
        "block_id": f"{name}_block",
        "label": plain(name),
        "optional": optional,
        "element": {"type": kind, "action_id": name} | more,
    }


def modal(*blocks, title="Assign", **more):
    return {
        "type": "modal",
        "callback_id": "assign",
        "title": plain(title),
        "submit": plain("Send"),
        "blocks": list(blocks),
    } | more


def button(action_id="next", **more):
    return {
        "type": "actions",
        "elements": [{"type": "button", "action_id": action_id, "text": plain("Next")} | more],
    }


@pytest.fixture
def opened(slack, client, ana):
    """Opens a window for Ana; says its id."""

    def open_(view):
        trigger = slack._slack.triggers.give(ana)
        return client.views_open(trigger_id=trigger, view=view)["view"]["id"]

    return open_


class Sent(list):
    """What was sent, and how the bot answers."""

    def __init__(self):
        super().__init__()
        self.answer = {}


@pytest.fixture
def sent(bot):
    """The windows that were sent; `sent.answer` is how the bot acknowledges them."""

    seen = Sent()

    def remember(ack, body):
        seen.append(body)
        ack(**seen.answer)

    bot.app.view("assign")(remember)
    bot.app.view_closed("assign")(remember)
    bot.app.action("next")(remember)
    bot.app.action("who")(remember)
    return seen


def titles(slack, user):
    return [view["title"]["text"] for view in slack.views(user)]


def test_a_window_is_sent_with_what_was_filled_in(slack, sent, opened, ana, ben):
    view_id = opened(
        modal(
            field("note"),
            field("who", "users_select"),
            field("why", optional=True),
            private_metadata="7",
        )
    )
    submission = slack.submit(ana, view_id, {"note": "Please", "who_block": ben})
    assert (submission.error, submission.errors) == ("", {})
    (body,) = sent
    assert body["type"] == "view_submission"
    view = body["view"]
    assert (view["id"], view["private_metadata"]) == (view_id, "7")
    values = view["state"]["values"]
    assert values["note_block"]["note"] == {"type": "plain_text_input", "value": "Please"}
    assert values["who_block"]["who"]["selected_user"] == ben
    assert values["why_block"]["why"]["value"] is None
    assert slack.views(ana) == []


def test_a_field_begins_with_what_the_bot_put_there(slack, sent, opened, ana):
    slack.submit(ana, opened(modal(field("note", initial_value="As before"))))
    assert sent[0]["view"]["state"]["values"]["note_block"]["note"]["value"] == "As before"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param({}, "must be filled in", id="empty"),
        pytest.param({"note": "x" * 11}, "does not go into", id="too long"),
        pytest.param({"note": "x", "other": "y"}, "nothing to fill in", id="no such field"),
    ],
)
def test_what_the_window_does_not_take_cannot_be_sent(slack, opened, ana, values, why):
    view_id = opened(modal(field("note", max_length=10)))
    with pytest.raises(Impossible, match=why):
        slack.submit(ana, view_id, values)
    assert titles(slack, ana) == ["Assign"]


def test_errors_keep_the_window_open(slack, sent, opened, ana):
    sent.answer = {"response_action": "errors", "errors": {"note_block": "Too short"}}
    view_id = opened(modal(field("note")))
    assert slack.submit(ana, view_id, {"note": "x"}).errors == {"note_block": "Too short"}
    sent.answer = {}
    assert slack.submit(ana, view_id).errors == {}
    assert slack.views(ana) == []


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        pytest.param({}, ["Below"], id="nothing"),
        pytest.param({"response_action": "clear"}, [], id="clear"),
        pytest.param(
            {"response_action": "update", "view": modal(title="New")}, ["Below", "New"], id="update"
        ),
        pytest.param(
            {"response_action": "push", "view": modal(title="New")},
            ["Below", "Assign", "New"],
            id="push",
        ),
    ],
)
def test_the_answer_says_what_becomes_of_the_windows(
    slack, client, sent, opened, ana, answer, left
):
    opened(modal(title="Below"))
    trigger = slack._slack.triggers.give(ana)
    view_id = client.views_push(trigger_id=trigger, view=modal())["view"]["id"]
    sent.answer = answer
    assert slack.submit(ana, view_id).error == ""
    assert titles(slack, ana) == left


def test_an_answer_with_a_wrong_view_is_an_error(slack, sent, opened, ana):
    sent.answer = {"response_action": "update", "view": modal(title="x" * 25)}
    assert slack.submit(ana, opened(modal())).error == "invalid_arguments"
    assert titles(slack, ana) == ["Assign"]


def test_a_window_that_the_bot_does_not_take_stays_open(slack, bot, opened, ana):
    assert slack.submit(ana, opened(modal(callback_id="unknown"))).error == "dispatch_failed"
    assert titles(slack, ana) == ["Assign"]


def test_only_the_window_on_top_can_be_used(slack, client, opened, ana, ben):
    below = opened(modal(title="Below"))
    client.views_push(trigger_id=slack._slack.triggers.give(ana), view=modal())
    with pytest.raises(Impossible):
        slack.submit(ana, below)
    with pytest.raises(Impossible):
        slack.submit(ben, slack.views(ana)[-1]["id"])


def test_three_windows_lie_on_top_of_each_other(slack, client, opened, ana):
    root = opened(modal(title="1"))
    for title in ("2", "3"):
        trigger = slack._slack.triggers.give(ana)
        view = client.views_push(trigger_id=trigger, view=modal(title=title))["view"]
        assert view["root_view_id"] == root
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        client.views_push(trigger_id=slack._slack.triggers.give(ana), view=modal())
    assert titles(slack, ana) == ["1", "2", "3"]


def test_nothing_is_pushed_on_nothing(slack, client, ana):
    with pytest.raises(SlackApiError, match="not_found"):
        client.views_push(trigger_id=slack._slack.triggers.give(ana), view=modal())


def test_a_window_is_updated_by_its_id_or_name(slack, client, opened, ana):
    view_id = opened(modal(title="Loading", external_id="mine"))
    client.views_update(view_id=view_id, view=modal(title="Here", external_id="mine"))
    assert titles(slack, ana) == ["Here"]
    client.views_update(external_id="mine", view=modal(title="There"))
    assert titles(slack, ana) == ["There"]


def test_a_name_is_taken_once(opened):
    opened(modal(external_id="mine"))
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        opened(modal(external_id="mine"))


def test_a_closed_window_cannot_be_updated(slack, client, opened, ana):
    view_id = opened(modal())
    slack.close(ana, view_id)
    with pytest.raises(SlackApiError, match="not_found"):
        client.views_update(view_id=view_id, view=modal())


@pytest.mark.parametrize("given", ["", "123.abc"], ids=["empty", "old"])
def test_a_hash_that_is_not_the_latest_is_a_conflict(client, opened, given):
    view_id = opened(modal())
    with pytest.raises(SlackApiError, match="hash_conflict"):
        client.views_update(view_id=view_id, view=modal(), hash=given)


def test_the_latest_hash_is_no_conflict(slack, client, opened, ana):
    view_id = opened(modal())
    (view,) = slack.views(ana)
    client.views_update(view_id=view_id, view=modal(title="New"), hash=view["hash"])
    assert slack.views(ana)[0]["hash"] != view["hash"]


def test_the_bot_hears_of_a_closed_window_if_it_asked(slack, sent, opened, ana):
    slack.close(ana, opened(modal()))
    assert sent == []
    slack.close(ana, opened(modal(notify_on_close=True)))
    (body,) = sent
    assert (body["type"], body["is_cleared"]) == ("view_closed", False)


def test_closing_may_clear_all_windows(slack, client, sent, opened, ana):
    opened(modal(title="Below"))
    trigger = slack._slack.triggers.give(ana)
    view = modal(clear_on_close=True, notify_on_close=True)
    slack.close(ana, client.views_push(trigger_id=trigger, view=view)["view"]["id"])
    assert slack.views(ana) == []
    assert sent[0]["is_cleared"]


def test_a_button_in_a_window_tells_the_window(slack, sent, opened, ana):
    view_id = opened(modal(field("note"), button(value="2")))
    assert slack.click_view(ana, view_id, "next").error == ""
    (body,) = sent
    assert body["container"] == {"type": "view", "view_id": view_id}
    assert body["view"]["id"] == view_id
    assert body["actions"][0]["value"] == "2"
    assert "response_url" not in body


def test_a_choice_in_a_window_stays(slack, sent, opened, ana, ben):
    menu = {"type": "users_select", "action_id": "who"}
    view_id = opened(modal({"type": "actions", "block_id": "b", "elements": [menu]}))
    slack.select_view(ana, view_id, "who", ben)
    slack.submit(ana, view_id)
    assert sent[1]["view"]["state"]["values"]["b"]["who"]["selected_user"] == ben


def test_a_home_tab_is_published_for_one_person(slack, client, sent, ana, ben):
    view = {"type": "home", "callback_id": "home", "blocks": [button(value="1")]}
    client.views_publish(user_id=ana, view=view)
    home = slack.home(ana)
    assert slack.home(ben) is None
    assert slack.click_view(ana, home["id"], "next").error == ""
    assert sent[0]["view"]["type"] == "home"
    client.views_publish(user_id=ana, view=view | {"blocks": []}, hash=home["hash"])
    assert (slack.home(ana)["id"], slack.home(ana)["blocks"]) == (home["id"], [])
    with pytest.raises(SlackApiError, match="hash_conflict"):
        client.views_publish(user_id=ana, view=view, hash=home["hash"])
    with pytest.raises(Impossible):
        slack.submit(ana, home["id"])


def test_a_home_tab_needs_somebody(client):
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.views_publish(user_id="U0NOBODY", view={"type": "home", "blocks": []})


BAD = {
    "another kind": ({"type": "home", "blocks": []}, "unsupported type"),
    "no blocks": ({"type": "modal", "title": plain("x")}, "missing required field: blocks"),
    "no title": ({"type": "modal", "blocks": []}, "missing required field: title"),
    "a field and nothing to send it": (
        {"type": "modal", "title": plain("x"), "blocks": [field("note")]},
        "missing required field: submit",
    ),
    "long title": (modal(title="x" * 25), "less than 25"),
    "long submit": (modal(submit=plain("x" * 25)), "less than 25"),
    "long close": (modal(close=plain("x" * 25)), "less than 25"),
    "much metadata": (modal(private_metadata="x" * 3001), "less than 3001"),
    "long callback_id": (modal(callback_id="x" * 256), "less than 256"),
    "unknown field": (modal(x=1), "invalid additional property: x"),
    "too many blocks": (modal(*[{"type": "divider"}] * 101), "no more than 100"),
    "odd block": (modal({"type": "x"}), "unsupported type: x"),
}


@pytest.mark.parametrize(("view", "problem"), BAD.values(), ids=BAD)
def test_a_wrong_view_is_refused_with_the_reason(view, problem):
    with pytest.raises(Refusal) as caught:
        check_view(view, "modal")
    assert caught.value.error == "invalid_arguments"
    messages = caught.value.answer["response_metadata"]["messages"]
    assert any(problem in message for message in messages), messages


def test_a_huge_view_is_refused(opened):
    section = {"type": "section", "text": plain("x" * 2900)}
    with pytest.raises(SlackApiError, match="view_too_large"):
        opened(modal(*[section] * 90))
