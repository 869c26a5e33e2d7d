"""How a language model is asked, by services that have everything and by those that lack something."""

from __future__ import annotations

import json
import time

import pytest
from pydantic import BaseModel

from handoff_bot.ai.deadline import within
from handoff_bot.ai.language_model import LanguageModel, connect
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.language_models import Usage
from handoff_sandbox.openai import OpenAIStandIn, Refusal
from tests.sandbox import oracle

SECONDS = 2.0


class Sum(BaseModel):
    total: int
    currency: str


RIGHT = {"total": 3, "currency": "EUR"}


def ask(model, seconds=SECONDS):
    return model.ask("Add up.", "<numbers>1, 2</numbers>", Sum, seconds)


def problem(words, **more):
    return json.dumps({"error": {"message": words, "type": "invalid_request_error", **more}})


NO_SCHEMAS = {
    "OpenAI": (
        400,
        problem("Invalid parameter: 'text.format' of type 'json_schema' is not supported."),
    ),
    "by its code": (400, problem("Bad", param="text.format", code="unsupported_parameter")),
    "unavailable": (400, problem("This response_format type is unavailable now")),
    "a router": (404, problem("No endpoints found that can do structured outputs")),
    "FastAPI": (
        422,
        '{"detail": [{"loc": ["body", "text", "format"], "msg": "Extra inputs are not permitted"}]}',
    ),
}
NO_RESPONSES = {
    "plain text": (404, "404 page not found"),
    "FastAPI": (404, '{"detail": "Not Found"}'),
    "OpenAI": (404, problem("Invalid URL (POST /v1/responses)")),
    "another method": (405, ""),
}
OTHER_REFUSALS = {
    "unknown model": (404, problem("The model 'x' does not exist", code="model_not_found")),
    "bad request": (400, problem("Your request was not understood")),
    "a schema of ours": (
        400,
        problem("Invalid schema for response_format: not permitted", code="invalid_json_schema"),
    ),
    "no permission": (403, problem("json_schema is not supported")),
}


def test_a_service_that_has_everything_is_given_the_schema(language_model, service):
    service.answers(RIGHT)

    assert ask(language_model) == Sum(**RIGHT)
    (asked,) = service.asked
    assert asked["path"] == "/v1/responses"
    assert asked["text"]["format"]["type"] == "json_schema"
    assert asked["store"] is False
    assert "temperature" not in asked


@pytest.mark.parametrize(("status", "body"), NO_SCHEMAS.values(), ids=NO_SCHEMAS)
def test_a_service_without_schemas_is_told_the_schema(language_model, service, status, body):
    service.fails(status, body)
    service.answers(RIGHT)
    service.answers(RIGHT)

    assert ask(language_model) == ask(language_model) == Sum(**RIGHT)
    first, second, third = service.asked
    assert first["text"]["format"]["type"] == "json_schema"
    assert second == third
    assert second["path"] == "/v1/responses"
    assert second["text"] == {"format": {"type": "json_object"}}
    assert second["store"] is False
    system, user = second["input"]
    assert system["content"].startswith("Add up.")
    assert json.dumps(Sum.model_json_schema()) in system["content"]
    assert "JSON" in system["content"]
    assert user == {"role": "user", "content": "<numbers>1, 2</numbers>"}


@pytest.mark.parametrize(("status", "body"), NO_RESPONSES.values(), ids=NO_RESPONSES)
def test_a_service_without_responses_is_asked_by_chat(language_model, service, status, body):
    service.fails(status, body)
    service.chats(RIGHT)
    service.chats(RIGHT)

    assert ask(language_model) == ask(language_model) == Sum(**RIGHT)
    _, second, third = service.asked
    assert second == third
    assert second["path"] == "/v1/chat/completions"
    assert second["response_format"] == {"type": "json_object"}
    assert second["store"] is False
    assert "temperature" not in second
    assert [message["role"] for message in second["messages"]] == ["system", "user"]
    assert "currency" in second["messages"][0]["content"]


def test_a_service_may_lack_both(language_model, service):
    service.fails(*NO_SCHEMAS["OpenAI"])
    service.fails(404)
    service.chats(RIGHT)

    assert ask(language_model) == Sum(**RIGHT)


@pytest.mark.parametrize(("status", "body"), OTHER_REFUSALS.values(), ids=OTHER_REFUSALS)
def test_another_refusal_is_no_reason_to_ask_otherwise(language_model, service, status, body):
    service.fails(status, body)
    with pytest.raises(ModelError, match=f"^refused with HTTP {status}$"):
        ask(language_model)

    assert len(service.asked) == 1


def test_what_did_not_work_either_is_not_kept_to(language_model, service):
    service.fails(404)
    service.fails(404)
    service.answers(RIGHT)
    with pytest.raises(ModelError, match="refused with HTTP 404"):
        ask(language_model)

    assert ask(language_model) == Sum(**RIGHT)
    assert service.asked[-1]["text"]["format"]["type"] == "json_schema"


def by_object(service):
    service.fails(*NO_SCHEMAS["OpenAI"])
    return service.answers


def by_chat(service):
    service.fails(404)
    return service.chats


WAYS = {"schema": lambda service: service.answers, "object": by_object, "chat": by_chat}
FORMS = {
    "bare": json.dumps(RIGHT),
    "fenced": f"```json\n{json.dumps(RIGHT)}\n```",
    "fenced without a name": f"\n```\n{json.dumps(RIGHT, indent=1)}\n```\n",
    "fence that is not closed": f"```json\n{json.dumps(RIGHT)}",
    "with more than was asked": json.dumps(RIGHT | {"comment": "x"}),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_json_is_taken_with_a_fence_or_without(language_model, service, way, text):
    way(service)(text)

    assert ask(language_model) == Sum(**RIGHT)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("text", ['{"total": 3}', "3", "no"], ids=["part", "scalar", "prose"])
def test_an_invalid_answer_is_asked_for_once_more(language_model, service, way, text):
    says = way(service)
    says(text)
    says(RIGHT)

    assert ask(language_model) == Sum(**RIGHT)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_second_invalid_answer_is_the_last(language_model, service, way):
    says = way(service)
    before = len(service.script)
    says("no")
    says("no")
    with pytest.raises(ModelError, match=r"^malformed answer$"):
        ask(language_model)

    assert len(service.asked) == before + 2


CHAT_FAILURES = {
    "refusal": ({"content": None, "refusal": "No."}, "refusal"),
    "filtered": ({"content": "", "finish_reason": "content_filter"}, "refusal"),
    "cut": ({"content": '{"total"', "finish_reason": "length"}, "incomplete answer"),
    "empty": ({"content": None}, "empty answer"),
}


@pytest.mark.parametrize(("said", "kind"), CHAT_FAILURES.values(), ids=CHAT_FAILURES)
def test_a_chat_may_fail_in_the_same_ways(language_model, service, said, kind):
    by_chat(service)(**said)
    with pytest.raises(ModelError, match=f"^{kind}$"):
        ask(language_model)


def test_all_ways_together_have_one_deadline(language_model, service):
    service.fails(*NO_SCHEMAS["OpenAI"])
    service.fails(404)
    service.hangs()
    begun = time.monotonic()
    with pytest.raises(ModelError, match=r"^timeout$"):
        ask(language_model, 0.5)

    assert time.monotonic() - begun < 2
    assert len(service.asked) == 3


def test_an_answer_that_drips_is_given_up_at_the_deadline(language_model, service):
    service.drips()
    begun = time.monotonic()
    with pytest.raises(ModelError, match=r"^timeout$"):
        ask(language_model, 0.4)

    assert time.monotonic() - begun < 2


def test_a_deadline_passes_on_what_is_returned_and_raised():
    assert within(5, lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


# -- what it uses

COUNTED = {"input_tokens": 70, "output_tokens": 9, "total_tokens": 79}
CHAT_COUNTED = {"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 79}


def test_every_answer_is_counted_the_useless_ones_too(language_model, service, usage):
    service.answers("no", usage=COUNTED)
    service.answers("no", usage=COUNTED)
    with pytest.raises(ModelError):
        ask(language_model)
    service.refuses(usage=COUNTED)
    with pytest.raises(ModelError):
        ask(language_model)
    service.answers("{", "incomplete", usage=COUNTED)
    with pytest.raises(ModelError):
        ask(language_model)

    assert usage == [Usage("stand-in", 70, 9)] * 4


def test_chats_are_counted(language_model, service, usage):
    by_chat(service)(RIGHT, usage=CHAT_COUNTED)
    ask(language_model)

    assert usage == [Usage("stand-in", 70, 9)]


def test_what_is_no_answer_of_a_model_is_not_counted(language_model, service, usage):
    service.fails(500)
    service.fails(429)
    with pytest.raises(ModelError):
        ask(language_model)

    assert usage == []


MISCOUNTED = {
    "not at all": None,
    "zero": {"input_tokens": 0, "output_tokens": 0},
    "less than nothing": {"input_tokens": -5, "output_tokens": 9},
    "in words": {"input_tokens": "many", "output_tokens": []},
    "beyond belief": {"input_tokens": 10**30, "output_tokens": 9},
}


@pytest.mark.parametrize("counted", MISCOUNTED.values(), ids=MISCOUNTED)
def test_what_the_service_does_not_count_is_estimated(language_model, service, usage, counted):
    service.answers(RIGHT, usage=counted)
    ask(language_model)
    (used,) = usage

    sent = "Add up.<numbers>1, 2</numbers>" + json.dumps(Sum.model_json_schema())
    assert len(sent) / 4 <= used.input_tokens <= len(sent) / 4 + 40
    assert used.output_tokens == len(json.dumps(RIGHT)) // 4 + 1


@pytest.mark.parametrize("body", ["", "<html>" * 9], ids=["nothing", "a page"])
def test_an_answer_that_nobody_understands_is_estimated_too(language_model, service, usage, body):
    service.fails(200, body)
    service.fails(200, body)
    with pytest.raises(ModelError, match="malformed answer"):
        ask(language_model)

    assert len(usage) == 2
    assert all(used.output_tokens >= 1 and used.input_tokens > 1 for used in usage)


# -- against the stand-in of the sandbox


@pytest.fixture(
    params=[(), ("json_schema",), ("responses",), ("json_schema", "responses")], ids=str
)
def stand_in(request):
    with OpenAIStandIn(lacks=request.param) as standing:
        yield standing
    if oracle.is_there():
        answered = [entry for entry in standing.journal.entries("openai") if entry.status == 200]
        for entry in answered:
            oracle.check_openai_request(entry.path, entry.request)
            oracle.check_openai_response(entry.path, entry.response)


@pytest.fixture
def standing(stand_in, purse):
    with connect(stand_in.api_key, stand_in.base_url) as client:
        yield LanguageModel(client, "gpt-5-mini", spending=purse)


def test_the_stand_in_answers_whatever_it_lacks(stand_in, standing, usage):
    stand_in.respond_with(lambda body: RIGHT)

    assert ask(standing) == ask(standing) == Sum(**RIGHT)
    assert len(usage) == 2
    assert all(body["store"] is False and "temperature" not in body for body in stand_in.requests())


TROUBLE = {
    "429": ({"status": 429}, None, "rate limited"),
    "429 for a while": ({"status": 429, "retry_after": 1}, None, "rate limited"),
    "500": ({"status": 500}, None, "server error"),
    "dropped": ({"drop": "before"}, None, "unreachable"),
    "dropped after": ({"drop": "after"}, None, "unreachable"),
    "slow": ({"latency": 5}, None, "timeout"),
    "malformed": (None, "{not json", "malformed answer"),
    "wrong shape": (None, {"surprise": 1}, "malformed answer"),
    "refusal": (None, Refusal(), "refusal"),
    "empty": (None, "", "empty answer"),
    "huge": (None, {**RIGHT, "currency": "x" * 300_000}, "oversized answer"),
}


@pytest.mark.parametrize(("fault", "said", "kind"), TROUBLE.values(), ids=TROUBLE)
def test_trouble_has_a_kind(stand_in, standing, fault, said, kind):
    if fault:
        stand_in.faults.add("/v1/*", **fault)
    if said is not None:
        stand_in.respond_with(lambda body: said)
    with pytest.raises(ModelError, match=f"^{kind}$"):
        ask(standing, 0.6 if kind == "timeout" else SECONDS)


def test_a_wrong_key_is_no_reason_to_ask_otherwise():
    with OpenAIStandIn() as standing, connect("sk-wrong", standing.base_url) as client:
        with pytest.raises(ModelError, match=r"^refused with HTTP 401$"):
            ask(LanguageModel(client, "gpt-5-mini"))
        assert len(standing.journal.entries("openai")) == 1


def test_the_contact_whose_share_it_is_is_named(language_model, service, purse):
    service.answers("no")
    service.answers(RIGHT)
    language_model.ask("Add.", "1 and 1", Sum, SECONDS, contact_id=7)

    assert purse.contacts == [7, 7]


def test_when_enough_was_spent_nobody_is_asked(language_model, service, purse):
    purse.is_empty = True

    with pytest.raises(ModelError, match="spent enough"):
        ask(language_model)
    assert service.asked == []
