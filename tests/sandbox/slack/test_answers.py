"""What the bot may do with a click: open a window with its trigger, answer to its response_url."""

import pytest
import requests
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from handoff_sandbox.slack import Impossible
from handoff_sandbox.slack.state import triggers
from handoff_sandbox.slack.state.refusal import Refusal
from tests.sandbox.slack.conftest import TIMEOUT
from tests.sandbox.slack.wire import actions, button

# -- the trigger


@pytest.fixture
def trigger(slack, clock, clicks, post, ana, queue):
    """A trigger id that was just handed out."""
    slack._slack.triggers._now = clock
    return slack.click(ana, queue, post(actions(button())), "claim").trigger_id


MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Hi"}, "blocks": []}


def test_a_trigger_opens_one_window(client, slack, trigger, ana):
    view = client.views_open(trigger_id=trigger, view=MODAL)["view"]
    assert [one["id"] for one in slack.views(ana)] == [view["id"]]
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        client.views_open(trigger_id=trigger, view=MODAL)


@pytest.mark.parametrize(("seconds", "works"), [(2.9, True), (3.1, False)], ids=["in time", "late"])
def test_a_trigger_lives_for_three_seconds(client, trigger, clock, seconds, works):
    clock.pass_by(seconds)
    if works:
        assert client.views_open(trigger_id=trigger, view=MODAL)["ok"]
        return
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        client.views_open(trigger_id=trigger, view=MODAL)


def test_an_invented_trigger_opens_nothing(client):
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        client.views_open(trigger_id="1.2.3", view=MODAL)


def test_a_wrong_view_does_not_use_the_trigger_up(client, trigger):
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.views_open(trigger_id=trigger, view={"type": "modal", "blocks": []})
    assert client.views_open(trigger_id=trigger, view=MODAL)["ok"]


def test_old_triggers_and_addresses_are_forgotten_in_the_end(monkeypatch, clock):
    monkeypatch.setattr(triggers, "_MOST", 2)
    given, urls = triggers.Triggers(clock), triggers.ResponseUrls(clock)
    ids = [given.give("U1") for _ in range(3)]
    keys = [urls.give(triggers.Origin("U1", "C1")).rpartition("/")[2] for _ in range(3)]
    assert given.exchange(ids[2]) == "U1"
    assert urls.use(keys[2]).user == "U1"
    with pytest.raises(Refusal, match="invalid_trigger_id"):
        given.exchange(ids[0])
    with pytest.raises(Refusal, match="expired_url"):
        urls.use(keys[0])


# -- response_url


@pytest.fixture
def ephemeral(client, ana, queue):
    """An ephemeral message with a button, for Ana."""
    answer = client.chat_postEphemeral(
        channel=queue, user=ana, text="Yours?", blocks=[actions(button())]
    )
    return answer["message_ts"]


@pytest.fixture
def url(slack, clicks, ephemeral, ana):
    """The response_url of Ana's click on the ephemeral message."""
    assert slack.click_ephemeral(ana, ephemeral, "claim").error == ""
    (body,) = clicks
    assert body["container"]["is_ephemeral"]
    assert "message" not in body
    return body["response_url"]


def answer(url, **content):
    return WebhookClient(url, timeout=TIMEOUT).send_dict(content)


def test_an_ephemeral_message_is_replaced_by_the_answer(slack, url, ana):
    assert answer(url, replace_original=True, text="Sent").body == "ok"
    (shown,) = slack.ephemerals(ana)
    assert shown["text"] == "Sent"
    assert "blocks" not in shown


def test_an_ephemeral_message_is_deleted_by_the_answer(slack, url, ana):
    answer(url, delete_original=True)
    assert slack.ephemerals(ana) == []


def test_an_answer_is_for_the_one_who_clicked_unless_it_says_otherwise(slack, url, ana, queue):
    answer(url, text="For you")
    assert [one["text"] for one in slack.ephemerals(ana)] == ["Yours?", "For you"]
    assert slack.messages(queue) == []
    answer(url, text="For all", response_type="in_channel")
    assert [one["text"] for one in slack.messages(queue)] == ["For all"]


def test_a_message_is_replaced_and_deleted_by_the_answer(slack, clicks, post, ana, queue):
    card = post(actions(button()))
    slack.click(ana, queue, card, "claim")
    url = clicks[0]["response_url"]
    answer(url, replace_original=True, text="Taken")
    assert slack.message(queue, card)["text"] == "Taken"
    assert "blocks" not in slack.message(queue, card)
    answer(url, delete_original=True)
    assert slack.message(queue, card) is None


def test_an_answer_in_a_thread_stays_there(slack, clicks, post, client, ana, queue):
    card = post(actions(button()))
    ts = client.chat_postEphemeral(
        channel=queue, user=ana, text="?", blocks=[actions(button())], thread_ts=card
    )["message_ts"]
    slack.click_ephemeral(ana, ts, "claim")
    answer(clicks[0]["response_url"], text="There")
    assert slack.ephemerals(ana)[-1]["thread_ts"] == card


def test_a_response_url_serves_five_times(url):
    said = [answer(url, text=str(n)) for n in range(6)]
    assert [one.status_code for one in said] == [200] * 5 + [404]
    assert "used_url" in said[-1].body


def test_a_response_url_serves_for_thirty_minutes(slack, url):
    late = slack._workspace.now() + 30 * 60 + 1
    slack._slack.response_urls._now = lambda: late
    assert answer(url, text="Late").status_code == 404


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param({"json": {"text": ""}}, "no_text", id="nothing"),
        pytest.param({"json": {"blocks": [{"type": "x"}]}}, "invalid_blocks", id="odd blocks"),
        pytest.param({"data": b"x"}, "invalid_payload", id="no JSON"),
        pytest.param({"json": [1]}, "invalid_payload", id="a list"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(url, content, says):
    refused = requests.post(url, timeout=TIMEOUT, **content)
    assert refused.status_code == 400
    assert says in refused.text


def test_what_one_does_not_see_cannot_be_clicked(slack, bot, ephemeral, ben):
    with pytest.raises(Impossible):
        slack.click_ephemeral(ben, ephemeral, "claim")


def test_a_command_may_be_answered_later_and_replaces_nothing(slack, bot, ana, queue):
    urls = []

    @bot.app.command("/queue")
    def listener(ack, command):
        ack()
        urls.append(command["response_url"])

    slack.command(ana, queue, "/queue")
    assert slack.ephemerals(ana) == []
    answer(urls[0], text="First", replace_original=True)
    answer(urls[0], text="Second", replace_original=True)
    assert [one["text"] for one in slack.ephemerals(ana)] == ["First", "Second"]
