"""How a language model is asked: the ways a service may know, what is counted, what is given up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from handoff_bot.ai.language_model import LanguageModel, connect
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.spending import Usage


class Fruit(BaseModel):
    """What is asked for."""

    name: str
    ripe: bool


APPLE = {"name": "apple", "ripe": True}


@dataclass
class Purse:
    """Spending that remembers."""

    empty: bool = False
    spent: list[tuple[int | None, Usage]] = field(default_factory=list)

    def allows(self, contact_id):
        return not self.empty

    def record(self, contact_id, usage):
        self.spent.append((contact_id, usage))


@pytest.fixture
def purse():
    return Purse()


@pytest.fixture
def model(service, purse):
    with connect("sk-secret", service.url) as client:
        yield LanguageModel(client, "stand-in", purse)


def refuse(service, status, message):
    service.fails(
        status, json.dumps({"error": {"message": message, "type": "invalid_request_error"}})
    )


def complete(service, content, usage=None):
    service.script.append(
        (
            200,
            json.dumps(
                {
                    "id": "c1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": "stand-in",
                    "usage": usage,
                    "choices": [
                        {
                            "index": 0,
                            "finish_reason": "stop",
                            "message": {"role": "assistant", "content": content},
                        }
                    ],
                }
            ),
        )
    )


def test_it_asks_for_a_strict_schema_and_keeps_nothing_there(model, service):
    service.answers(APPLE)

    assert model.ask("Name a fruit.", "data", Fruit, 2.0) == Fruit(**APPLE)
    (asked,) = service.asked
    assert asked["path"] == "/v1/responses"
    assert asked["store"] is False
    assert asked["text"]["format"]["type"] == "json_schema"
    assert asked["text"]["format"]["strict"] is True
    assert asked["text"]["format"]["schema"]["additionalProperties"] is False
    assert "temperature" not in asked


@pytest.mark.parametrize("status", [400, 422])
def test_a_service_without_schemas_is_asked_for_any_object_and_remembered(model, service, status):
    refuse(service, status, "Unsupported value: text.format of type json_schema")
    service.answers("```json\n" + json.dumps(APPLE) + "\n```")
    service.answers(APPLE)

    assert model.ask("Name a fruit.", "data", Fruit, 2.0).name == "apple"
    assert model.ask("Name a fruit.", "data", Fruit, 2.0).name == "apple"
    kinds = [asked["text"]["format"]["type"] for asked in service.asked]
    assert kinds == ["json_schema", "json_object", "json_object"]
    assert '"ripe"' in service.asked[1]["instructions"]


def test_a_service_without_the_responses_api_is_asked_through_chat(model, service):
    refuse(service, 404, "Unknown request URL: POST /v1/responses")
    complete(
        service, json.dumps(APPLE), {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    )

    assert model.ask("Name a fruit.", "data", Fruit, 2.0).name == "apple"
    assert [asked["path"] for asked in service.asked] == ["/v1/responses", "/v1/chat/completions"]
    assert service.asked[1]["response_format"] == {"type": "json_object"}


def test_an_object_of_another_shape_is_asked_for_once_more(model, service):
    service.answers({"name": 5})
    service.answers(APPLE)

    assert model.ask("Name a fruit.", "data", Fruit, 2.0).ripe


@pytest.mark.parametrize(
    ("prepare", "kind", "calls"),
    [
        (lambda s: [s.answers("not json"), s.answers("nor this")], "malformed answer", 2),
        (lambda s: s.refuses(), "refusal or no answer", 1),
        (lambda s: s.answers("", "incomplete"), "refusal or no answer", 1),
        (lambda s: refuse(s, 429, "slow down"), "rate limited", 1),
        (lambda s: [s.fails(500), s.fails(503)], "server error", 2),
        (lambda s: refuse(s, 401, "wrong key"), "refused with HTTP 401", 1),
        (lambda s: refuse(s, 404, "The model `x` does not exist"), "refused with HTTP 404", 1),
        (lambda s: refuse(s, 400, "your input is odd"), "refused with HTTP 400", 1),
        (lambda s: [s.fails(200, "[]"), s.fails(200, "{}")], "malformed answer", 2),
    ],
    ids=["malformed", "refusal", "empty", "429", "5xx", "401", "no model", "400", "no response"],
)
def test_what_fails_is_named_in_a_few_words(model, service, prepare, kind, calls):
    prepare(service)

    with pytest.raises(ModelError) as failure:
        model.ask("Name a fruit.", "a customer's secret", Fruit, 2.0)

    assert str(failure.value) == kind
    assert len(service.asked) == calls


def test_a_service_that_hangs_costs_its_deadline_and_no_more(model, service):
    service.hangs()

    with pytest.raises(ModelError, match="timeout"):
        model.ask("Name a fruit.", "data", Fruit, 0.4)
    assert len(service.asked) == 1


def test_nobody_there(purse):
    client = connect("sk-secret", "http://127.0.0.1:9/v1")
    with client, pytest.raises(ModelError, match="unreachable"):
        LanguageModel(client, "m", purse).ask("a", "b", Fruit, 2.0)
    assert purse.spent == []


# -- what it costs


def test_what_was_used_is_counted_for_the_contact_also_when_it_was_for_nothing(
    model, service, purse
):
    service.answers("not json")
    service.answers(APPLE)
    model.ask("Name a fruit.", "x" * 400, Fruit, 2.0, contact_id=7)

    assert [who for who, _ in purse.spent] == [7, 7]
    assert all(used.input_tokens > 100 and used.output_tokens > 0 for _, used in purse.spent)


def test_the_services_own_count_is_believed(model, service, purse):
    refuse(service, 404, "no such URL")
    complete(
        service,
        json.dumps(APPLE),
        {"prompt_tokens": 70, "completion_tokens": 3, "total_tokens": 73},
    )
    model.ask("Name a fruit.", "data", Fruit, 2.0)

    assert purse.spent == [(None, Usage("stand-in", 70, 3))]


def test_when_enough_was_spent_nobody_is_asked(model, service, purse):
    purse.empty = True

    with pytest.raises(ModelError, match="spent enough"):
        model.ask("Name a fruit.", "data", Fruit, 2.0)
    assert service.asked == []
