"""What comes to /slack/events: only what Slack signed, and stored before it is acknowledged."""

import json
import logging
from collections.abc import Sequence

import pytest
from slack_bolt.request import BoltRequest

from handoff_bot.slack.incoming.app import slack_events
from handoff_bot.slack.incoming.arrivals import lane_of
from handoff_bot.web.application import create_web
from tests.slack import payloads
from tests.slack.payloads import as_command, as_form, as_json, changed, deleted, event, message

FORM = "application/x-www-form-urlencoded"


def test_an_event_is_stored_before_it_is_acknowledged(slack, inbox):
    answer = slack.sends(*as_json(event()))
    assert answer.status_code == 200
    ((key, (kind, lane, payload)),) = inbox.rows.items()
    assert key == "slack:Ev000000001"
    assert kind == "slack.event"
    assert lane == f"slack:C0QUEUE:{payloads.THREAD}"
    assert payload["event"] == message()


def test_the_old_verification_token_is_not_stored(slack, inbox):
    slack.sends(*as_json(event()))
    assert "verification-token" not in json.dumps(list(inbox.rows.values()))


def test_a_trace_in_slacks_body_is_not_taken_for_the_jobs(slack, inbox):
    slack.sends(*as_json({**event(), "trace": "not hex at all"}))
    ((_, (_, _, payload)),) = inbox.rows.items()
    assert "trace" not in payload


def test_an_event_that_comes_again_is_stored_once(slack, inbox):
    for attempt in ("0", "1", "2"):
        answer = slack.sends(*as_json(event()), **{"X-Slack-Retry-Num": attempt})
        assert answer.status_code == 200
    assert len(inbox.rows) == 1


def test_an_event_that_cannot_be_stored_is_not_acknowledged(slack, inbox, caplog):
    inbox.broken = True
    assert slack.sends(*as_json(event())).status_code == 500
    inbox.broken = False
    assert slack.sends(*as_json(event())).status_code == 200
    assert len(inbox.rows) == 1
    assert "Hello!" not in caplog.text


LANES = {
    "a reply": message(),
    "a change": message(**changed(message(), message(text="new"))),
    "a deletion": message(**deleted(message())),
    "what the thread hangs on": message(thread_ts=None, ts=payloads.THREAD),
}


@pytest.mark.parametrize("inner", LANES.values(), ids=LANES)
def test_everything_about_a_thread_is_in_one_lane(inner):
    assert lane_of(inner) == f"slack:C0QUEUE:{payloads.THREAD}"


ECHOES = {
    "a post of ours": {"bot_id": "B0OURS", "app_id": payloads.APP},
    "a redrawn card": changed({}, message(bot_id="B0OURS", app_id=payloads.APP)),
    "a deleted post": deleted(message(bot_id="B0OURS", app_id=payloads.APP)),
}


@pytest.mark.parametrize("changes", ECHOES.values(), ids=ECHOES)
def test_echoes_of_our_own_posts_are_not_stored(slack, inbox, changes):
    assert slack.sends(*as_json(event(**changes))).status_code == 200
    assert inbox.rows == {}


def test_another_apps_messages_are_stored_for_the_lane_to_judge(slack, inbox):
    slack.sends(*as_json(event(bot_id="B0OTHER", app_id="A0OTHER")))
    assert len(inbox.rows) == 1


def test_an_unknown_event_is_acknowledged_and_forgotten(slack, inbox, caplog):
    with caplog.at_level(logging.INFO, "handoff_bot.slack"):
        assert slack.sends(*as_json(event(type="brand_new_event"))).status_code == 200
    assert inbox.rows == {}
    assert [record.message for record in caplog.records] == ["event ignored"]


def test_slack_can_verify_our_address(slack):
    answer = slack.sends(*as_json({"type": "url_verification", "challenge": "3eZbrw1a"}))
    assert answer.status_code == 200
    assert answer.get_json() == {"challenge": "3eZbrw1a"}


IGNORED = {
    "a warning about limits": as_json({"type": "app_rate_limited", "team_id": "T0ACME"}),
    "an attachment's button": as_form({"type": "interactive_message", "actions": [{}]}),
    "a closed window": as_form({"type": "view_closed", "view": {}, "user": {}}),
    "nothing at all": as_json({}),
    "an empty form": ("", FORM),
}


@pytest.mark.parametrize("request_", IGNORED.values(), ids=IGNORED)
def test_what_is_not_for_us_is_acknowledged(slack, inbox, caplog, request_):
    assert slack.sends(*request_).status_code == 200
    assert inbox.rows == {}
    assert "request ignored" in caplog.text


# -- who is believed


REFUSED = {
    "no headers": {"X-Slack-Request-Timestamp": "", "X-Slack-Signature": ""},
    "another secret": payloads.signed(as_json(event())[0], secret="another"),
    "another body": payloads.signed("{}"),
    "five minutes old": payloads.signed(as_json(event())[0], at=1_000_000_000),
    "no number": {"X-Slack-Request-Timestamp": "soon"},
    "a huge number": {"X-Slack-Request-Timestamp": "9" * 5000},
    "other digits": {"X-Slack-Request-Timestamp": "²"},
    "no ASCII": {"X-Slack-Signature": "v0=é"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_what_slack_did_not_sign_is_refused(slack, inbox, headers):
    assert slack.sends(*as_json(event()), **headers).status_code == 401
    assert inbox.rows == {}


def test_bolt_alone_refuses_a_wrong_signature_too(bolt, inbox):
    body, _ = as_json(event())
    headers = dict[str, str | Sequence[str]](payloads.signed(body, secret="another"))
    assert bolt.dispatch(BoltRequest(body=body, headers=headers)).status == 401
    assert inbox.rows == {}


def test_without_a_secret_nothing_is_believed(bolt, executor):
    http = create_web([slack_events(bolt, "")]).test_client()
    body, content_type = as_json(event())
    headers = payloads.signed(body, secret="")
    answer = http.post("/slack/events", data=body, headers=headers, content_type=content_type)
    assert answer.status_code == 401


MALFORMED = {
    "no JSON": ("{", "application/json"),
    "a list": ("[1, 2]", "application/json"),
    "very deep": ("[" * 50_000, "application/json"),
    "a form without JSON": ("payload=nonsense", FORM),
    "a form with a list": ("payload=%5B%5D", FORM),
    "an event without event": as_json({"type": "event_callback", "event_id": "Ev1"}),
    "an event without id": as_json(event() | {"event_id": None}),
    "an event without channel": as_json(event(channel=None)),
    "a click on nothing": as_form(payloads.click("claim") | {"actions": []}),
    "a click by nobody": as_form(payloads.click("claim") | {"user": None}),
    "a click without id": as_form(payloads.click("claim") | {"actions": [{"value": "7"}]}),
    "a window without a name": as_form(payloads.submission("U0BEN") | {"view": {"state": {}}}),
    "a window that is none": as_form(payloads.submission("U0BEN") | {"view": 7}),
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
def test_a_signed_request_that_cannot_be_read_is_refused(slack, inbox, actions, request_):
    assert slack.sends(*request_).status_code == 400
    assert (inbox.rows, actions.asked) == ({}, [])


def test_a_body_that_is_not_utf8_is_refused(slack, inbox):
    answer = slack.http.post("/slack/events", data=b"\xff\xfe", headers=payloads.signed(""))
    assert answer.status_code == 400


def test_a_huge_body_is_refused(slack):
    assert slack.sends("x" * 1_000_000, "application/json").status_code == 413


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_posts_are_taken(slack, method):
    assert getattr(slack.http, method)("/slack/events").status_code == 405


def test_no_request_is_written_into_the_log(slack, caplog):
    with caplog.at_level(logging.INFO, "handoff_bot"):
        slack.sends(*as_json(event(text="my secret")), **{"X-Slack-Signature": "v0=0"})
        slack.sends(*as_json(event(text="my secret")))
        slack.sends(*as_form(payloads.click("no_such_button", "my secret")))
        slack.sends(*as_command(payloads.command("my secret")))
    assert "my secret" not in caplog.text


def test_nothing_is_asked_of_slack_to_answer_an_event(slack, api):
    slack.sends(*as_json(event()))
    assert api.calls == []
