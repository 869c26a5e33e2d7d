"""The doctor's requests to Twilio end in a finding, whatever the answer is, and in bounded time."""

from datetime import UTC, datetime

import pytest
import requests
import responses

from handoff_bot.channels._twilio_checks import check_twilio
from handoff_bot.channels._twilio_conversation_checks import check_conversations
from handoff_bot.channels._twilio_setup import API, MESSAGING, Sender, SetupReader, Unread
from tests.channels.builders import ACCOUNT

SENDERS = f"{MESSAGING}/v2/Channels/Senders"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ODD = [
    "[]",
    "null",
    "<html>",
    "",
    '{"senders": 3}',
    '{"senders": [7]}',
    '{"senders": [{}]}',
    '{"senders": [{"sid": ["XE1"]}]}',
    '{"senders": [{"sid": "XE1", "webhook": "x"}]}',
    '{"senders": [{"sid": "XE1", "offline_reasons": {"code": 1}}]}',
    '{"senders": [], "meta": []}',
    '{"senders": [], "meta": {"next_page_url": "https://evil.example/"}}',
]


def read(**how):
    return SetupReader(ACCOUNT, **how).every(Sender, SENDERS, "senders", Channel="whatsapp")


@pytest.mark.parametrize("body", ODD[:-2])
@responses.activate
def test_an_odd_answer_cannot_be_read(body):
    responses.get(SENDERS, body=body)
    with pytest.raises(Unread, match="cannot be read"):
        read()


@responses.activate
def test_a_list_without_pages_is_read():
    responses.get(SENDERS, body='{"senders": [{"sid": "XE1"}], "meta": null}')
    assert [one.sid for one in read()] == ["XE1"]


@responses.activate
def test_the_next_page_is_only_fetched_from_twilio():
    responses.get(SENDERS, body=ODD[-1])
    with pytest.raises(Unread, match="cannot be read"):
        read()
    assert len(responses.calls) == 1


@responses.activate
def test_a_list_without_end_is_left_after_some_pages():
    page = {"senders": [{"sid": "XE1"}], "meta": {"next_page_url": f"{SENDERS}?Page=1"}}
    responses.get(SENDERS, json=page)
    assert len(read()) == 4


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.ReadTimeout(), "did not answer in time"),
        (requests.ConnectTimeout(), "did not answer in time"),
        (requests.ConnectionError(), r"cannot be reached \(ConnectionError\)"),
    ],
)
@responses.activate
def test_no_answer_is_said_so(error, said):
    responses.get(SENDERS, body=error)
    with pytest.raises(Unread, match=said):
        read()


@responses.activate
def test_nothing_more_is_asked_when_the_time_is_over():
    with pytest.raises(Unread, match="in time"):
        read(seconds=10, monotonic=iter((0.0, 11.0)).__next__)
    assert not responses.calls


@pytest.mark.parametrize("body", ["[]", '{"status": null}', "<html>", '{"status": {}}'])
@responses.activate
def test_an_account_that_cannot_be_read_is_one_finding(body):
    responses.get(f"{API}/Accounts/{ACCOUNT.account_sid}.json", body=body)
    (found,) = check_twilio(ACCOUNT, NOW)
    assert not found.ok
    assert "cannot be read" in found.words


@responses.activate
def test_all_parts_are_checked_though_each_answer_is_odd():
    responses.get(
        f"{API}/Accounts/{ACCOUNT.account_sid}.json", json={"status": "active", "auth_token": 3}
    )
    assert not next(iter(check_twilio(ACCOUNT, NOW))).ok
    responses.upsert("GET", f"{API}/Accounts/{ACCOUNT.account_sid}.json", json={"status": "active"})
    for path in ("Balance", "Messages", "IncomingPhoneNumbers"):
        responses.get(f"{API}/Accounts/{ACCOUNT.account_sid}/{path}.json", json={"balance": "much"})
    responses.get(f"{MESSAGING}/v1/Services", json={})
    responses.get(SENDERS, json={})
    found = {one.what: one.ok for one in check_twilio(ACCOUNT, NOW)}
    assert found == {
        "Twilio: credentials": True,
        "Twilio: TWILIO_AUTH_TOKEN_NEXT": True,
        "Twilio: account": True,
        "Twilio: balance": True,
        "Twilio: API key": False,
        "Twilio: SMS +1555555····": False,
        "Twilio: WhatsApp +1555555····": False,
    }


@responses.activate
def test_conversations_with_odd_answers_are_findings():
    for path in ("Webhooks", "Addresses"):
        responses.get(
            f"https://conversations.twilio.com/v1/Configuration/{path}",
            json={"filters": {"a": 1}, "address_configurations": [{"auto_creation": 3}]},
        )
    assert [(one.what, one.ok) for one in check_conversations(ACCOUNT)] == [
        ("Twilio: Conversations addresses", False)
    ]
