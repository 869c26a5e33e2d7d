"""OpenAI's stand-in, seen by the unchanged official client."""

from typing import Literal

import openai
import pytest
import requests
from pydantic import BaseModel, Field

from handoff_sandbox.openai import OpenAIStandIn, Refusal
from tests.sandbox import oracle

MODEL, TIMEOUT = "gpt-5-mini", 5


class Point(BaseModel):
    name: str
    weight: float = Field(ge=0, le=1)


class Reply(BaseModel):
    answer: str
    escalate: bool
    reason: Literal["request", "sentiment", "none"]
    count: int
    score: float
    points: list[Point]
    best: Point
    note: str | None


SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "sure": {"type": "boolean"}},
    "required": ["answer", "sure"],
    "additionalProperties": False,
}
STRICT = {"type": "json_schema", "name": "reply", "strict": True, "schema": SCHEMA}


@pytest.fixture
def stand_in():
    """The stand-in. All that passed is checked against OpenAI's document."""
    with OpenAIStandIn() as standing:
        yield standing
    if oracle.is_there():
        oracle.check_openai_journal(standing.journal)


@pytest.fixture
def connect(stand_in):
    """Make an official client that tries once."""
    opened = []

    def make(api_key=stand_in.api_key, **more):
        how = {"max_retries": 0, "timeout": TIMEOUT, **more}
        opened.append(openai.OpenAI(api_key=api_key, base_url=stand_in.base_url, **how))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def client(connect):
    return connect()


def respond(client, said="Where is my parcel?", **more):
    return client.responses.create(model=MODEL, input=said, **more)


def complete(client, text="Where is my parcel?", **more):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    return client.chat.completions.create(model=MODEL, messages=messages, **more)


# -- answers


def test_a_text_is_answered_as_the_script_says(stand_in, client):
    stand_in.respond_with(lambda body: f"You asked {body['model']}.")
    answer = respond(client, instructions="Be brief.", max_output_tokens=100, store=False)
    assert answer.output_text == "You asked gpt-5-mini."
    assert (answer.status, answer.store, answer.max_output_tokens) == ("completed", False, 100)
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.id.startswith("resp_")
    assert answer._request_id.startswith("req_")


def test_chat_is_answered_as_the_script_says(stand_in, client):
    stand_in.respond_with(lambda body: f"{len(body['messages'])} messages.")
    answer = complete(client)
    assert answer.choices[0].message.content == "2 messages."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.id.startswith("chatcmpl-")


def test_without_a_script_a_text_gets_a_text(client):
    assert respond(client).output_text
    assert complete(client).choices[0].message.content


def test_a_schema_gets_the_least_that_fits_it(client):
    parsed = client.responses.parse(model=MODEL, input="Hi", text_format=Reply).output_parsed
    assert parsed == Reply(
        answer="",
        escalate=False,
        reason="none",
        count=0,
        score=0,
        points=[],
        best=Point(name="", weight=0),
        note=None,
    )


def test_chat_fits_a_schema_too(stand_in, client):
    stand_in.respond_when("parcel", {"answer": "On its way.", "best": {"weight": 0.5}})
    messages = [{"role": "user", "content": [{"type": "text", "text": "My PARCEL?"}]}]
    answer = client.chat.completions.parse(model=MODEL, messages=messages, response_format=Reply)
    parsed = answer.choices[0].message.parsed
    assert (parsed.answer, parsed.best) == ("On its way.", Point(name="", weight=0.5))


def test_the_first_rule_whose_words_are_heard_and_whose_names_fit_decides(stand_in, client):
    stand_in.respond_when("parcel", {"other_shape": True})
    stand_in.respond_when("my parcel", {"answer": "first"})
    stand_in.respond_when("parcel", {"answer": "second"})
    texts = ["Where is MY parcel?", "a parcel", "nothing"]
    answers = [respond(client, text, text={"format": STRICT}).output_text for text in texts]
    assert answers == [
        '{"answer": "first", "sure": false}',
        '{"answer": "second", "sure": false}',
        '{"answer": "", "sure": false}',
    ]


def test_rules_hear_the_user_alone(stand_in, client):
    stand_in.respond_when("brief", "heard")
    assert complete(client).choices[0].message.content != "heard"
    assert respond(client, instructions="Be brief.").output_text != "heard"
    assert complete(client, "be brief").choices[0].message.content == "heard"


def test_a_script_may_leave_it_to_the_rules(stand_in, client):
    stand_in.respond_when("parcel", "by rule")
    stand_in.respond_with(lambda body: None if "parcel" in body["input"] else "by script")
    assert respond(client).output_text == "by rule"
    assert respond(client, "Hi").output_text == "by script"


def test_a_json_object_is_said_as_json(stand_in, client):
    stand_in.respond_when("parcel", {"answer": "On its way."})
    form = {"type": "json_object"}
    text = "My parcel, as JSON"
    assert respond(client, text, text={"format": form}).output_text == '{"answer": "On its way."}'
    chat = complete(client, text, response_format=form)
    assert chat.choices[0].message.content == '{"answer": "On its way."}'
    assert respond(client, "Some json", text={"format": form}).output_text == "{}"


def test_the_model_may_refuse(stand_in, client):
    stand_in.respond_with(lambda body: Refusal("No."))
    answer = client.responses.parse(model=MODEL, input="Hi", text_format=Reply)
    assert answer.output_parsed is None
    assert answer.output[0].content[0].refusal == "No."
    assert complete(client).choices[0].message.refusal == "No."


def test_the_model_may_say_what_is_no_json(stand_in, client):
    stand_in.respond_with(lambda body: "{not json")
    with pytest.raises(ValueError, match="JSON"):
        client.responses.parse(model=MODEL, input="Hi", text_format=Reply)


def test_what_was_sent_can_be_looked_at_without_the_key(stand_in, client):
    respond(client, "Hi", store=False)
    (body,) = stand_in.requests()
    assert body == {"model": MODEL, "input": "Hi", "store": False}
    assert stand_in.api_key not in str(stand_in.journal.entries())


# -- refusals of the API


def test_a_wrong_key_is_refused(stand_in, connect):
    with pytest.raises(openai.AuthenticationError) as error:
        respond(connect("sk-wrong"))
    assert error.value.code == "invalid_api_key"
    assert stand_in.requests() == []


@pytest.mark.parametrize(
    ("call", "more", "param"),
    [
        pytest.param(respond, {"text": {"format": {"type": "json_object"}}}, "text.format"),
        pytest.param(complete, {"response_format": {"type": "json_object"}}, "response_format"),
        pytest.param(respond, {"text": {"format": {**STRICT, "schema": {}}}}, "text.format"),
        pytest.param(
            complete,
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "reply",
                        "strict": True,
                        "schema": {**SCHEMA, "required": ["answer"]},
                    },
                }
            },
            "response_format",
        ),
        pytest.param(
            respond,
            {"text": {"format": {**STRICT, "schema": {**SCHEMA, "additionalProperties": True}}}},
            "text.format",
        ),
        pytest.param(respond, {"text": {"format": STRICT}, "stream": True}, "stream"),
        pytest.param(lambda client: respond(client, ""), {}, "input"),
    ],
    ids=[
        "json without the word",
        "chat: json without the word",
        "no schema",
        "chat: not all required",
        "more properties",
        "streaming",
        "no input",
    ],
)
def test_a_request_that_openai_does_not_take_is_refused(client, call, more, param):
    with pytest.raises(openai.BadRequestError) as error:
        call(client, **more)
    assert error.value.param == param
    assert error.value.type == "invalid_request_error"


@pytest.mark.parametrize("body", ["{", "[]"], ids=["no json", "no object"])
def test_a_body_that_is_no_object_is_refused(stand_in, body):
    headers = {
        "Authorization": f"Bearer {stand_in.api_key}",
        "Content-Type": "application/json",
    }
    answer = requests.post(f"{stand_in.base_url}/responses", body, headers=headers, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_unstrict_schema_may_be_loose(client):
    loose = {**SCHEMA, "additionalProperties": True}
    form = {"type": "json_schema", "name": "reply", "schema": loose}
    assert respond(client, text={"format": form}).output_text == '{"answer": "", "sure": false}'


# -- trouble on demand


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 429, "retry_after": 1}, openai.RateLimitError),
        ({"status": 500}, openai.InternalServerError),
        ({"status": 503}, openai.InternalServerError),
        ({"drop": "before"}, openai.APIConnectionError),
        ({"drop": "after"}, openai.APIConnectionError),
    ],
    ids=["429", "500", "503", "dropped before", "dropped after"],
)
def test_trouble_reaches_the_client(stand_in, client, fault, error):
    stand_in.faults.add("/v1/*", count=1, **fault)
    with pytest.raises(error):
        respond(client)
    assert respond(client).output_text


def test_a_slow_answer_is_a_timeout(stand_in, connect):
    stand_in.faults.add("/v1/responses", latency=10, count=1)
    with pytest.raises(openai.APITimeoutError):
        respond(connect(timeout=0.1))


def test_the_client_waits_as_long_as_it_is_told_and_tries_again(stand_in, connect):
    stand_in.faults.add("/v1/responses", status=429, retry_after=0, count=1)
    answer = connect(max_retries=1).responses.with_raw_response.create(model=MODEL, input="Hi")
    assert answer.retries_taken == 1
    assert len(stand_in.requests()) == 1
