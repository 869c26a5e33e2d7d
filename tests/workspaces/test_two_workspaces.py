"""Two workspaces side by side: what belongs to one reaches only that one."""

import re

import pytest
import requests
from sqlmodel import select

from handoff_bot.services.delivery.inbound_files import LARGEST_UPLOAD
from handoff_bot.storage.models import Escalation, Message
from handoff_bot.workspaces.process import server
from tests.desk.oddities import send_raw
from tests.workspaces.conftest import write_settings

DANA, EVE = "+15550001", "+15550002"


def texts(side):
    with side.database.read() as tx:
        return [one.text for one in tx.session.execute(select(Message)).scalars()]


def statuses(side):
    with side.database.read() as tx:
        return [one.status for one in tx.session.execute(select(Escalation)).scalars()]


def test_a_customers_message_reaches_only_its_own_workspace(house):
    assert house.acme.customer_says("I want a person", DANA) == 200
    assert len(house.acme.cards()) == 1
    assert house.beta.cards() == []
    assert "I want a person" in texts(house.acme)
    assert texts(house.beta) == []


def test_a_click_reaches_the_workspace_of_the_team(house):
    house.acme.customer_says("I want a person", DANA)
    house.beta.customer_says("I need a human", EVE)
    assert house.acme.card() == house.beta.card(), "the ids of both are the same"
    house.beta.click(house.beta.ana, "claim")
    assert statuses(house.acme) == ["queued"]
    assert statuses(house.beta) == ["claimed"]


def test_a_reply_goes_to_the_customer_of_its_own_workspace(house):
    for side, number in ((house.acme, DANA), (house.beta, EVE)):
        side.customer_says("I want a person", number)
        side.click(side.ana, "claim")
    house.beta.slack.say(house.beta.ana, house.beta.queue, "Hello Eve", house.beta.card())
    house.beta.settle()
    house.acme.settle()
    sent = [message.body for message in house.beta.twilio.messages()]
    assert "Hello Eve" in sent
    assert "Hello Eve" not in [message.body for message in house.acme.twilio.messages()]


def test_webhooks_of_one_account_are_refused_at_the_address_of_the_other(house):
    house.acme.twilio.bot_url = f"{house.address}/w/beta"
    assert house.acme.twilio.customer_writes("sms", DANA, "Hello").status == 403
    assert texts(house.beta) == []


def test_an_address_of_no_workspace_is_not_found(house):
    assert requests.post(f"{house.address}/w/gamma/webhooks/sms", timeout=5).status_code == 404


@pytest.mark.parametrize("path", ["/w/acme/slack/events", "/w/acme//slack/events"])
def test_slack_has_one_address_for_all(house, path):
    answer = requests.post(f"{house.address}{path}", timeout=5)
    assert answer.status_code == 404


def test_a_new_folder_is_served_without_a_restart(house):
    write_settings(house.beta)
    house.workspaces.look()
    assert house.workspaces.at("beta") is None
    assert house.workspaces.states()["beta"].name == "not installed"
    write_settings(house.beta, SLACK_BOT_TOKEN=house.beta.slack.bot_token)
    house.workspaces.look()
    assert house.beta.customer_says("I want a person", EVE) == 200
    assert len(house.beta.cards()) == 1


def test_one_with_wrong_settings_does_not_hinder_the_other(house):
    write_settings(house.beta, SLACK_BOT_TOKEN="xoxb-beta", TWILIO_ACCOUNT_SID="nonsense")
    house.workspaces.look()
    assert house.workspaces.states()["beta"].name == "failed"
    assert "TWILIO_ACCOUNT_SID" in house.workspaces.states()["beta"].why
    assert house.acme.customer_says("Hello", DANA) == 200


def test_slack_has_to_send_again_what_may_be_for_a_workspace_that_does_not_start(house):
    write_settings(house.beta, SLACK_BOT_TOKEN="xoxb-beta", TWILIO_ACCOUNT_SID="nonsense")
    house.workspaces.look()
    event = {"type": "message", "channel": "C1", "user": "U1", "ts": "1.0", "text": "Hello"}
    sent = {"type": "event_callback", "team_id": "T0GAMMA", "event_id": "Ev1", "event": event}
    assert send_raw(house.acme, sent).status_code == 503
    write_settings(house.beta, SLACK_BOT_TOKEN=house.beta.slack.bot_token)
    house.workspaces.look()
    assert send_raw(house.acme, sent).status_code == 200


def test_metrics_and_health_are_shown_by_workspace_to_operators(house):
    house.acme.customer_says("I want a person", DANA)
    write_settings(house.beta)
    house.workspaces.look()
    bearer = {"Authorization": f"Bearer {'m' * 40}"}
    assert requests.get(f"{house.address}/metrics", timeout=9).status_code == 401
    shown = requests.get(f"{house.address}/metrics", headers=bearer, timeout=9).text
    assert re.search(r'handoff_queue_customers{priority="\w+",workspace="acme"} 1.0', shown)
    assert 'handoff_workspace_up{workspace="acme"} 1.0' in shown
    assert 'handoff_workspace_up{workspace="beta"} 0.0' in shown
    assert DANA not in shown
    health = requests.get(f"{house.address}/healthz", headers=bearer, timeout=9).json()
    assert health["workspaces"]["beta"]["state"] == "not installed"
    assert "workspaces" not in requests.get(f"{house.address}/healthz", timeout=9).json()


def test_only_uploads_of_a_workspaces_website_may_be_large(house):
    served = server(house.workspaces._settings, house.workspaces._environ)
    assert served.largest_body("/w/acme/chat/files") == LARGEST_UPLOAD
    for path in ("/chat/files", "/w/acme/chat/messages", "/w/a/b/chat/files", "/slack/events"):
        assert served.largest_body(path) < LARGEST_UPLOAD


def test_a_workspace_that_ends_leaves_no_thread(house):
    house.beta.customer_says("I want a person", EVE)
    house.beta.click(house.beta.ana, "claim")
    executor = house.beta.listeners
    write_settings(house.beta)
    house.workspaces.look()
    assert not any(thread.is_alive() for thread in executor._threads)
