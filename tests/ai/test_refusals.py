"""What a service refuses is asked otherwise at once, within the deadline, and learnt once."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from pydantic import BaseModel

from handoff_bot.ai.language_model import LanguageModel, connect
from handoff_bot.ai.structured_output import EFFORTS, KEPT, Lessons, Tool
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.language_models import Trouble, Usage
from handoff_sandbox.openai import OpenAIStandIn
from tests.sandbox import oracle


class Sum(BaseModel):
    total: int
    currency: str


RIGHT = {"total": 3, "currency": "EUR"}
DATA = "<numbers>1, 2</numbers>"


def ask(model, seconds=60.0):
    return model.ask("Add up.", DATA, Sum, seconds)


def problem(words, **more):
    return json.dumps({"error": {"message": words, "type": "invalid_request_error", **more}})


class Watch:
    """Remembers what it was told of the model."""

    def __init__(self):
        self.told = []

    def answered(self):
        self.told.append("answered")

    def failed(self, trouble, detail=""):
        self.told.append((trouble, detail))

    def refused_tools(self, names):
        self.told.append(("tools", *names))


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def modelling(purse, watch):
    """Makes models of stand-ins with what they lack."""
    standing, clients = [], []

    def make(effort="none", **about):
        stand_in = OpenAIStandIn(**about).start()
        stand_in.respond_with(lambda body: RIGHT)
        standing.append(stand_in)
        clients.append(client := connect(stand_in.api_key, stand_in.base_url))
        model = LanguageModel(client, "gpt-6-luna", spending=purse, effort=effort, watch=watch)
        return stand_in, model

    yield make
    for one in (*clients,):
        one.close()
    for stand_in in standing:
        stand_in.stop()
        if oracle.is_there():
            for entry in stand_in.journal.entries("openai"):
                if entry.status == 200:
                    oracle.check_openai_request(entry.path, entry.request)
                    oracle.check_openai_response(entry.path, entry.response)


LACKS = {
    "store": ["store"],
    "effort": ["reasoning.effort"],
    "room": ["max_output_tokens"],
    "all three": ["store", "reasoning.effort", "max_output_tokens"],
    "schemas and effort": ["json_schema", "reasoning.effort"],
    "both forms": ["json_schema", "json_object"],
    "chat only, newer model": ["responses", "max_tokens"],
    "chat only, strict": ["responses", "store", "reasoning.effort"],
    "chat only, nothing else": [
        *("responses", "store", "reasoning.effort", "max_tokens", "max_completion_tokens"),
        "json_object",
    ],
}


@pytest.mark.parametrize("is_strict", [False, True], ids=["OpenAI's words", "FastAPI's"])
@pytest.mark.parametrize("lacks", LACKS.values(), ids=LACKS)
def test_what_the_service_refuses_is_asked_for_once_in_all(modelling, lacks, is_strict):
    stand_in, model = modelling(lacks=lacks, is_strict=is_strict)

    assert ask(model) == Sum(**RIGHT)
    sent = len(stand_in.journal.entries("openai"))
    assert ask(model) == ask(model) == Sum(**RIGHT)
    assert len(stand_in.journal.entries("openai")) == sent + 2


def test_a_newer_chat_model_is_told_its_room_by_the_newer_name(modelling):
    stand_in, model = modelling(lacks=["responses", "max_tokens"])
    ask(model)
    body = stand_in.requests()[-1]

    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["store"]) == (1_000, False)


def test_a_strict_service_loses_nothing_but_what_it_refuses(modelling):
    stand_in, model = modelling(lacks=["responses", "store"], is_strict=True)
    ask(model)
    body = stand_in.requests()[-1]

    assert "store" not in body
    assert (body["max_tokens"], body["reasoning_effort"]) == (1_000, "none")


@pytest.mark.parametrize(
    ("wanted", "taken", "asked"),
    [
        ("none", ["minimal", "low", "medium", "high"], "minimal"),
        ("none", ["low", "medium", "high"], "low"),
        ("max", ["low", "medium", "high"], "high"),
        ("low", EFFORTS, "low"),
        ("default", ["medium"], None),
    ],
)
def test_an_effort_that_is_refused_becomes_the_nearest_that_is_taken(
    modelling, wanted, taken, asked
):
    stand_in, model = modelling(effort=wanted, efforts=taken)
    ask(model)

    assert (stand_in.requests()[-1].get("reasoning") or {}).get("effort") == asked


WORDINGS = {
    "Kimi": problem(
        "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
        "Supported values are: 'minimal', 'low', 'medium', and 'high'."
    ),
    "Cerebras": problem(
        "1 validation error for ChatCompletionServerRequest\nreasoning_effort\n  Input should be "
        "'low', 'medium' or 'high' [type=enum, input_value='none', input_type=str]",
        param="validation_error",
    ),
    "Mistral": json.dumps(
        {
            "object": "error",
            "message": {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "reasoning_effort"],
                        "msg": "Extra inputs are not permitted",
                        "input": "none",
                    }
                ]
            },
        }
    ),
    "Go": json.dumps({"error": 'json: unknown field "reasoning_effort"'}),
    "Google": json.dumps(
        [{"error": {"code": 400, "message": 'Unknown name "reasoning_effort": Cannot find field.'}}]
    ),
    "plain text": "Unrecognized request argument supplied: reasoning_effort",
}


@pytest.mark.parametrize("body", WORDINGS.values(), ids=WORDINGS)
@pytest.mark.parametrize("status", [400, 422])
def test_however_it_is_worded_the_refused_parameter_is_found(service, watch, body, status):
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "m", effort="none", watch=watch)
        service.fails(404)
        service.fails(status, body)
        service.chats(RIGHT)
        service.chats(RIGHT)

        assert ask(model) == ask(model) == Sum(**RIGHT)
    before, after, later = service.asked[1:]
    assert before["reasoning_effort"] == "none"
    assert after.get("reasoning_effort") in {None, "minimal", "low"}
    assert later == after
    assert after["store"] is False
    assert watch.told == ["answered", "answered"]


OTHER = {
    "too long": problem("'max_tokens' is too large: 1000. The maximum context length is 900."),
    "a word": problem("We could not store your request: unknown reasoning."),
    "what was sent back": json.dumps(
        {"detail": [{"loc": ["body", "x"], "msg": "unknown", "input": {"a": "'store' 'effort'"}}]}
    ),
    "deep": "[" * 20_000,
}


@pytest.mark.parametrize("body", OTHER.values(), ids=OTHER)
def test_a_refusal_for_another_reason_changes_nothing(service, watch, body):
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "m", effort="none", watch=watch)
        service.fails(400, body)
        with pytest.raises(ModelError, match="refused with HTTP 400"):
            ask(model)
        service.answers(RIGHT)
        ask(model)

    first, second = service.asked
    assert first == second
    assert watch.told[0][0] is Trouble.REFUSED


BAD_TOOL = {
    "OpenAI": problem(
        "Invalid schema for function 'shop-Tags': In context=('properties', 'tags'), array schema "
        "missing items.",
        param="tools[1].parameters",
        code="invalid_function_parameters",
    ),
    "without a place": problem(
        "Invalid schema for function 'shop-Tags'.",
        param="tools",
        code="invalid_function_parameters",
    ),
    "FastAPI": json.dumps(
        {"detail": [{"loc": ["body", "tools", 1, "function", "parameters"], "msg": "Invalid"}]}
    ),
}


@pytest.mark.parametrize("body", BAD_TOOL.values(), ids=BAD_TOOL)
def test_a_tool_that_is_refused_is_left_out_and_the_others_stay(service, watch, body):
    tools = tuple(Tool(one, "", {}, is_strict=False) for one in ("shop-stock", "shop-Tags"))
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "m", effort="none", watch=watch)
        service.fails(400, body)
        service.answers(RIGHT)
        service.answers(RIGHT)
        for _ in range(2):
            assert model.ask_or_call("Add up.", DATA, Sum, 60.0, tools=tools) == Sum(**RIGHT)

    offered = [[one["name"] for one in asked["tools"]] for asked in service.asked]
    assert offered == [["shop-stock", "shop-Tags"], ["shop-stock"], ["shop-stock"]]
    assert watch.told == [("tools", "shop-Tags"), "answered", "answered"]


def test_a_service_that_refuses_everything_is_not_asked_without_end(service):
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "m", effort="none")
        names = ("store", "reasoning.effort", "max_output_tokens", "text.format")
        for _ in range(40):
            service.fails(
                400, problem("Unsupported parameter", param=names[len(service.asked) % 4])
            )
        with pytest.raises(ModelError, match="refused with HTTP 400"):
            ask(model)

    assert len(service.asked) <= 8


def test_refusals_and_retries_share_one_deadline(service):
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "m", effort="none")
        service.fails(404)
        service.fails(400, WORDINGS["Mistral"])
        service.hangs()
        begun = time.monotonic()
        with pytest.raises(ModelError, match=r"^timeout$"):
            ask(model, 3.0)
        assert time.monotonic() - begun < 20
        # What was learnt on the way is kept: the next turn begins where this one came to.
        service.chats(RIGHT)
        ask(model)

    assert service.asked[-1]["path"] == "/v1/chat/completions"
    assert "reasoning_effort" not in service.asked[-1]


def test_lessons_are_forgotten_after_a_while():
    now = [0.0]
    lessons = Lessons(lambda: now[0])
    assert lessons.learn(frozenset({"store"}))
    assert not lessons.learn(frozenset({"store"}))
    now[0] = KEPT - 1
    assert lessons.known() == {"store"}
    now[0] = KEPT
    assert lessons.known() == frozenset()


def test_when_the_address_has_changed_nothing_learnt_there_counts(service):
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "m")
        service.fails(404)
        service.chats(RIGHT)
        ask(model)
        service.fails(404)
        with pytest.raises(ModelError, match="refused with HTTP 404"):
            ask(model)
        service.answers(RIGHT)
        ask(model)

    assert service.asked[-1]["path"] == "/v1/responses"


# -- what was seen (tests read the cases where they stand beside this repository)

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"


@pytest.fixture
def case():
    path = CASES / "r12-model-without-room.json"
    if not path.is_file():
        pytest.skip("the case files are not beside this repository")
    return json.loads(path.read_text("utf-8"))["cases"]


@pytest.mark.parametrize("name", ["chat only, newer model", "chat only, strict"])
def test_a_chat_service_that_refuses_a_parameter_is_learnt_in_the_first_turn(service, case, name):
    seen = case[name]
    service.fails(seen["responses"])
    refusal = dict(seen["chat"])
    service.fails(refusal.pop("http"), json.dumps(refusal))
    service.chats(RIGHT)
    service.chats(RIGHT)
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "m", effort="none")
        assert ask(model) == ask(model) == Sum(**RIGHT)

    assert len(service.asked) == 4


def test_reasoning_that_used_up_the_tokens_gets_room_and_is_paid_for(
    language_model, service, usage, case
):
    service.fails(200, json.dumps(case["reasoning used up the tokens"]))
    service.answers(RIGHT)

    assert ask(language_model) == Sum(**RIGHT)
    assert usage[0] == Usage("stand-in", 900, 1_000)
    first, second = (asked["max_output_tokens"] for asked in service.asked)
    assert second > first


def test_no_money_is_told_as_such(service, watch, case):
    refusal = dict(case["no money"])
    service.fails(refusal.pop("http"), json.dumps(refusal))
    with connect("sk-secret", service.url) as client, pytest.raises(ModelError, match="quota"):
        ask(LanguageModel(client, "m", watch=watch))

    assert watch.told == [(Trouble.QUOTA, "HTTP 429")]


# -- reasoning


def test_when_reasoning_used_up_the_tokens_it_is_asked_once_with_more_room_and_less_effort(
    modelling, usage
):
    stand_in, model = modelling(effort="medium", reasoning={"medium": 1_000, "none": 0})

    assert ask(model) == Sum(**RIGHT)
    first, second = stand_in.requests()
    assert (first["max_output_tokens"], first["reasoning"]) == (1_000, {"effort": "medium"})
    assert (second["max_output_tokens"], second["reasoning"]) == (4_000, {"effort": "none"})
    assert ask(model) == Sum(**RIGHT)
    assert stand_in.requests()[2] == second
    assert [one.output_tokens >= 1_000 for one in usage] == [True, False, False]


@pytest.mark.parametrize("lacks", [[], ["responses"]], ids=["responses", "chat"])
def test_a_model_whose_effort_cannot_be_chosen_gets_more_room(modelling, lacks):
    lacks = ["reasoning.effort", *lacks]
    stand_in, model = modelling(lacks=lacks, reasoning={"medium": 1_500})

    assert ask(model) == Sum(**RIGHT)
    sent = len(stand_in.requests())
    assert ask(model) == Sum(**RIGHT)
    assert len(stand_in.requests()) == sent + 1


def test_an_answer_that_is_cut_again_is_the_last_and_both_are_counted(modelling, usage, watch):
    stand_in, model = modelling(reasoning={"none": 9_000})
    with pytest.raises(ModelError, match=r"^incomplete answer$"):
        ask(model)

    assert len(stand_in.requests()) == 2
    assert [one.output_tokens for one in usage] == [1_000, 4_000]
    assert watch.told == [(Trouble.CUT, "")]


# -- the ledger


def test_a_call_that_timed_out_counts_with_what_was_sent(language_model, service, usage):
    service.hangs()
    with pytest.raises(ModelError, match="timeout"):
        ask(language_model, 0.4)

    (used,) = usage
    assert used.input_tokens >= len("Add up." + DATA + json.dumps(Sum.model_json_schema())) / 4
    assert used.output_tokens == 0


def test_a_call_that_broke_off_counts_and_one_that_never_left_does_not(modelling, usage, purse):
    stand_in, model = modelling()
    stand_in.faults.add("/v1/*", drop="after")
    with pytest.raises(ModelError, match="unreachable"):
        ask(model)
    assert [one.output_tokens for one in usage] == [0, 0]
    usage.clear()
    nobody = connect("sk-secret", "http://127.0.0.1:9/v1")
    with nobody as client, pytest.raises(ModelError, match="unreachable"):
        ask(LanguageModel(client, "m", spending=purse))
    assert usage == []


CACHED = {
    "responses": {
        "input_tokens": 900,
        "input_tokens_details": {"cached_tokens": 600},
        "output_tokens": 9,
    },
    "chat": {
        "prompt_tokens": 900,
        "prompt_tokens_details": {"cached_tokens": 600},
        "completion_tokens": 9,
    },
}


@pytest.mark.parametrize("way", CACHED)
def test_tokens_from_the_cache_are_counted_as_such(language_model, service, usage, way):
    if way == "chat":
        service.fails(404)
        service.chats(RIGHT, usage=CACHED[way])
    else:
        service.answers(RIGHT, usage=CACHED[way])
    ask(language_model)

    assert usage == [Usage("stand-in", 900, 9, 600)]


# -- what is told of the model

TROUBLES = {
    "key": (401, problem("Incorrect API key", code="invalid_api_key"), Trouble.KEY, "HTTP 401"),
    "forbidden": (403, problem("Not yours"), Trouble.KEY, "HTTP 403"),
    "no money": (429, problem("x", code="insufficient_quota"), Trouble.QUOTA, "HTTP 429"),
    "payment": (402, "{}", Trouble.QUOTA, "HTTP 402"),
    "rate": (429, problem("Slow down"), Trouble.RATE, "HTTP 429"),
    "model": (
        404,
        problem("The model 'x' does not exist", code="model_not_found"),
        Trouble.MODEL,
        "HTTP 404",
    ),
    "refused": (400, problem("No.", param="input[0]"), Trouble.REFUSED, "HTTP 400"),
    "refused parameter": (
        400,
        problem("No.", param="model.version"),
        Trouble.REFUSED,
        "HTTP 400, parameter model.version",
    ),
}


@pytest.mark.parametrize(("status", "body", "trouble", "detail"), TROUBLES.values(), ids=TROUBLES)
def test_why_it_does_not_answer_is_told_without_a_word_of_the_customers(
    service, watch, status, body, trouble, detail
):
    service.fails(status, body)
    with connect("sk-secret", service.url) as client, pytest.raises(ModelError):
        ask(LanguageModel(client, "m", watch=watch))

    assert watch.told == [(trouble, detail)]


def test_a_model_that_will_not_answer_is_well(service, watch):
    service.refuses()
    with connect("sk-secret", service.url) as client, pytest.raises(ModelError, match="refusal"):
        ask(LanguageModel(client, "m", watch=watch))

    assert watch.told == ["answered"]
