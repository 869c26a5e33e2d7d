"""The checks of Conversations against what Twilio published: its examples pass, and slips are caught."""

import pytest

from tests.sandbox import oracle
from tests.sandbox.twilio import conversations_oracle

MESSAGES = f"/v1/Conversations/CH{'a' * 32}/Messages"
IN_SERVICE = f"/v1/Services/IS{'b' * 32}/Conversations/CH{'a' * 32}/Messages"
FORM = {"Author": "handoff", "Body": "Hi", "Attributes": "{}"}

pytestmark = pytest.mark.skipif(
    not oracle.is_there(), reason="the vendors' published data is not beside this repository"
)


def examples():
    return conversations_oracle.examples("POST", MESSAGES, 201)


def test_twilios_own_examples_pass():
    assert len(examples()) >= 5
    for example in examples():
        conversations_oracle.check_response("POST", MESSAGES, 201, example)
    for page in conversations_oracle.examples("GET", MESSAGES, 200):
        conversations_oracle.check_response("GET", MESSAGES, 200, page)


@pytest.mark.parametrize(
    "change",
    [
        {"sid": "SM" + "a" * 32},
        {"date_created": "Mon, 23 Nov 2026 09:00:00 +0000"},
        {"attributes": {}},
        {"index": "0"},
        {"media": "[]"},
        {"chat_service_sid": "IS" + "b" * 32},
        {"url": "/v1/Conversations"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_answer_that_twilio_would_not_give_is_caught(change):
    with pytest.raises(AssertionError):
        conversations_oracle.check_response("POST", MESSAGES, 201, {**examples()[0], **change})


def test_in_a_service_an_answer_names_it():
    example = {**examples()[0], "chat_service_sid": "IS" + "b" * 32}
    conversations_oracle.check_response("POST", IN_SERVICE, 201, example)
    with pytest.raises(AssertionError):
        conversations_oracle.check_response("POST", IN_SERVICE, 201, examples()[0])


def test_a_request_that_twilio_takes_passes():
    conversations_oracle.check_request("POST", MESSAGES, FORM)
    conversations_oracle.check_request("GET", IN_SERVICE, {"Order": "desc", "PageSize": "100"})


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", MESSAGES, FORM | {"From": "+15550100"}),
        ("POST", MESSAGES, FORM | {"Body": ["Hi", "Ho"]}),
        ("POST", MESSAGES, FORM | {"MediaSid": "ME1"}),
        ("GET", MESSAGES, {"Author": "handoff"}),
        ("GET", MESSAGES, {"X-Twilio-Webhook-Enabled": "true"}),
        ("DELETE", MESSAGES, {}),
        ("POST", MESSAGES.replace("Messages", "Letters"), FORM),
    ],
    ids=["unknown", "repeated", "short id", "unknown filter", "a header", "method", "path"],
)
def test_a_request_that_twilio_does_not_know_is_caught(method, path, form):
    with pytest.raises(AssertionError):
        conversations_oracle.check_request(method, path, form)


def test_an_error_has_twilios_four_fields():
    right = {"code": 20404, "message": "x", "more_info": "x", "status": 404}
    conversations_oracle.check_response("POST", MESSAGES, 404, right)
    with pytest.raises(AssertionError):
        conversations_oracle.check_response("POST", MESSAGES, 400, right)
