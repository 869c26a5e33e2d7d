"""The checks against what the vendors published: they let the vendors' examples pass and catch slips."""

import pytest

from tests.sandbox import oracle

ACCOUNT = "AC" + "a" * 32
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
FORM = {"To": "+15550111", "From": "+15550100", "Body": "Hi"}
ASKED = {"model": "m", "input": "Hi"}

pytestmark = pytest.mark.skipif(
    not oracle.is_there(), reason="the vendors' published data is not beside this repository"
)


def examples():
    """Twilio's own example answers to a message that was made."""
    operation = oracle._find("POST", MESSAGES)
    content = operation["responses"]["201"]["content"]["application/json"]
    return [example["value"] for example in content["examples"].values()]


def test_twilios_own_examples_pass():
    assert len(examples()) == 7
    for example in examples():
        oracle.check_twilio_response("POST", MESSAGES, 201, example)


@pytest.mark.parametrize(
    "change",
    [
        {"sid": "SM1"},
        {"status": "on its way"},
        {"direction": "outbound"},
        {"date_created": "2026-11-23T09:00:00Z"},
        {"error_code": "63016"},
        {"num_media": 0},
        {"messaging_service_sid": "MG1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_answer_that_twilio_would_not_give_is_caught(change):
    with pytest.raises(AssertionError):
        oracle.check_twilio_response("POST", MESSAGES, 201, {**examples()[0], **change})


@pytest.mark.parametrize(
    "change",
    [
        {"MessageIntent": "otp"},
        {"MediaUrl": "https://example.com/a.png"},
        {"MediaUrl": ["https://example.com/a.png", "https://example.com/b.png"]},
        {"SmartEncoded": "true", "ValidityPeriod": "60", "MaxPrice": "0.5"},
    ],
    ids=["newer than the document", "one file", "two files", "typed"],
)
def test_a_form_that_twilio_takes_passes(change):
    oracle.check_twilio_request("POST", MESSAGES, {**FORM, **change})


@pytest.mark.parametrize(
    "form",
    [
        {"From": "+15550100", "Body": "Hi"},
        {**FORM, "from_": "+1"},
        {**FORM, "Sender": "+1"},
        {**FORM, "SmartEncoded": "maybe"},
        {**FORM, "Body": ["Hi", "Ho"]},
        {**FORM, "MessagingServiceSid": "MG1"},
    ],
    ids=["no To", "python's name", "unknown", "no boolean", "repeated", "short id"],
)
def test_a_form_that_twilio_would_not_take_is_caught(form):
    with pytest.raises(AssertionError):
        oracle.check_twilio_request("POST", MESSAGES, form)


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("GET", MESSAGES, {"Recipient": "+15550111"}),
        ("PUT", MESSAGES, FORM),
        ("POST", "/v2/Indicators/Typing.json", {"channel": "whatsapp"}),
        ("POST", "/v2/Indicators/Typing.json", {"channel": "sms", "messageId": "SM" + "0" * 32}),
        ("DELETE", MESSAGES.replace(".json", f"/SM{'0' * 32}.json"), {"Body": ""}),
    ],
    ids=["unknown filter", "unknown method", "no message", "unknown channel", "delete with form"],
)
def test_a_request_that_twilio_does_not_know_is_caught(method, path, form):
    with pytest.raises(AssertionError):
        oracle.check_twilio_request(method, path, form)


def test_an_error_has_twilios_four_fields():
    right = {"code": 21610, "message": "x", "more_info": "x", "status": 400}
    oracle.check_twilio_response("POST", MESSAGES, 400, right)
    with pytest.raises(AssertionError):
        oracle.check_twilio_response("POST", MESSAGES, 400, {"error": "x"})
    with pytest.raises(AssertionError):
        oracle.check_twilio_response("POST", MESSAGES, 401, right)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {**ASKED, "temperature": 9}),
        ("/v1/responses", {**ASKED, "input": [{"role": "user", "content": [{"type": "sound"}]}]}),
        ("/v1/chat/completions", {"model": "m"}),
        ("/v1/chat/completions", {"model": "m", "messages": [{"role": "king", "content": "x"}]}),
    ],
    ids=["too hot", "unknown part", "no messages", "unknown role"],
)
def test_a_request_that_openai_would_not_take_is_caught(path, body):
    with pytest.raises(AssertionError):
        oracle.check_openai_request(path, body)


def test_a_request_that_openai_takes_passes():
    oracle.check_openai_request("/v1/responses", ASKED)


@pytest.mark.parametrize(
    "body",
    [{"object": "response"}, {"error": {"message": "x"}}, "x"],
    ids=["half an answer", "half an error", "a text"],
)
def test_an_answer_that_openai_would_not_give_is_caught(body):
    with pytest.raises(AssertionError):
        oracle.check_openai_response("/v1/responses", body)
