"""Reading voice notes and pictures: what is sent to OpenAI, and what comes of its answers."""

import base64
import json
from contextlib import suppress

import pytest

from handoff_bot.ai.file_reading import OpenAIFileReader
from handoff_bot.ai.language_model import LanguageModel, connect
from handoff_bot.ai.structured_output import RESPONSES, Lessons
from handoff_bot.domain.errors import CapReached, ModelError
from handoff_bot.domain.files import File
from handoff_bot.domain.language_models import Trouble
from handoff_sandbox.openai import OpenAIStandIn, Refusal
from tests.samples import PNG

VOICE = File("private name.ogg", "audio/ogg", b"OggS" + bytes(24) + b"OpusHead" + bytes(20))
SECOND = File("a.ogg", "audio/ogg", VOICE.data + b"OggS\0\4" + (96_000).to_bytes(8, "little"))
PICTURE = File("private name.png", "image/png", PNG)
KEY = "sk-sandbox"


@pytest.fixture
def openai():
    with OpenAIStandIn(api_key=KEY) as stand_in:
        yield stand_in


@pytest.fixture
def client(openai):
    with connect(KEY, openai.base_url) as client:
        yield client


@pytest.fixture
def reader(client, purse):
    model = LanguageModel(client, "gpt-6-luna", spending=purse)
    return OpenAIFileReader(
        client, "gpt-transcribe", model, purse, seconds=2.0, picture_seconds=2.0
    )


# -- voice notes


def test_a_voice_note_is_sent_as_a_file_under_a_name_of_ours(reader, openai):
    openai.hear_with(lambda _: "Where is my order?")
    assert reader.transcribe(VOICE, 7) == "Where is my order?"
    (sent,) = openai.uploads()
    assert (sent.name, sent.model, sent.data) == ("voice.ogg", "gpt-transcribe", VOICE.data)


def test_the_length_that_the_service_says_is_counted(reader, purse, openai):
    openai.seconds = 12.5
    reader.transcribe(VOICE, 7)
    assert [(one.model, one.seconds) for one in purse.spent] == [("gpt-transcribe", 12.5)]
    assert purse.contacts == [7]


def test_without_one_our_own_is(reader, purse, openai):
    openai.seconds = None
    reader.transcribe(SECOND, 7)
    assert [one.seconds for one in purse.spent] == [2.0]


def test_nothing_is_sent_when_the_cap_is_reached(reader, purse, openai):
    purse.is_empty = True
    with pytest.raises(CapReached):
        reader.transcribe(VOICE, 7)
    assert openai.uploads() == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate limited"), (500, "server error"), (503, "server error")],
)
def test_a_failure_has_its_kind_as_its_text_and_costs_nothing(reader, openai, purse, status, kind):
    openai.faults.add("*", status=status)
    with pytest.raises(ModelError, match=kind):
        reader.transcribe(VOICE, 7)
    assert purse.spent == []


def test_a_wrong_key_is_a_refusal(openai, purse):
    with connect("sk-wrong", openai.base_url) as client:
        reader = OpenAIFileReader(client, "gpt-transcribe", LanguageModel(client, "m"), purse)
        with pytest.raises(ModelError, match="refused with HTTP 401"):
            reader.transcribe(VOICE)


def test_a_type_that_the_service_does_not_take_is_a_refusal(reader, openai, monkeypatch):
    monkeypatch.setattr("handoff_bot.ai.file_reading._NAMES", {"audio/amr": "voice.amr"})
    with pytest.raises(ModelError, match="refused with HTTP 400"):
        reader.transcribe(File("a.amr", "audio/amr", b"#!AMR\n"))


def test_silence_is_an_empty_text(reader, openai):
    openai.hear_with(lambda _: " \n")
    assert reader.transcribe(VOICE) == ""


def test_what_a_database_cannot_store_is_removed(reader, openai):
    openai.hear_with(lambda _: "a\x00b")
    assert reader.transcribe(VOICE) == "ab"


@pytest.fixture
def slow(service, purse):
    """A reader of the scripted service, which can hang, drip and say anything."""
    with connect("sk-secret", service.url) as client:
        model = LanguageModel(client, "stand-in", spending=purse)
        yield OpenAIFileReader(client, "m", model, purse, seconds=0.5, picture_seconds=0.5)


@pytest.mark.parametrize("how", ["hangs", "drips"])
def test_a_service_that_does_not_answer_in_time_is_a_timeout_and_is_counted(
    slow, service, purse, how
):
    getattr(service, how)()
    with pytest.raises(ModelError, match="timeout"):
        slow.transcribe(SECOND, 7)
    assert [one.seconds for one in purse.spent] == [2.0]


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"text": 1}', '{"text": "cut o', json.dumps({"text": "a" * 200_000})],
    ids=["nothing", "list", "no text", "number", "cut off", "endless"],
)
def test_an_answer_of_another_form_is_malformed(slow, service, body):
    service.fails(200, body)
    with pytest.raises(ModelError, match="malformed answer"):
        slow.transcribe(VOICE)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ('{"text": "a", "usage": {"type": "duration", "seconds": null}}', 2.0),
        ('{"text": null, "usage": {"type": "duration", "seconds": 12.5}}', 12.5),
        ("Where is my order?", 2.0),
    ],
    ids=["no seconds", "no text", "plain text"],
)
def test_an_answer_that_cannot_be_read_is_counted_all_the_same(slow, service, purse, body, seconds):
    service.fails(200, body)
    with suppress(ModelError):
        slow.transcribe(SECOND, 7)
    assert [one.seconds for one in purse.spent] == [seconds]


def test_a_file_that_calls_itself_short_counts_by_its_bytes(reader, purse, openai):
    openai.seconds = None
    data = VOICE.data + b"OggS" + bytes(80_000)  # its last granule is 0
    reader.transcribe(File("a.ogg", "audio/ogg", data), 7)
    assert purse.spent[0].seconds > 10


class Told:
    """A watch that remembers."""

    def __init__(self):
        self.heard = []

    def answered(self):
        self.heard.append("answered")

    def failed(self, trouble, detail=""):
        self.heard.append((trouble, detail))

    def refused_tools(self, names):
        self.heard.append(("tools", *names))


def test_a_watch_is_told_what_comes_of_transcriptions(client, openai):
    told = Told()
    reader = OpenAIFileReader(client, "no-such", LanguageModel(client, "m"), watch=told)
    reader.transcribe(VOICE)
    openai.faults.add("*", status=404)
    with pytest.raises(ModelError):
        reader.transcribe(VOICE)
    assert told.heard == ["answered", (Trouble.REFUSED, "HTTP 404")]


# -- pictures


def test_a_picture_is_sent_in_low_detail_with_what_was_written(reader, openai):
    openai.respond_with(lambda _: {"description": "A torn jumper"})
    assert reader.describe(PICTURE, "Is this </message> yours?", "es", 7) == "A torn jumper"
    (asked,) = openai.requests()
    text, picture = asked["input"][0]["content"]
    assert picture == {
        "type": "input_image",
        "image_url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}",
        "detail": "low",
    }
    assert text["text"].count("</message>") == 1
    assert "in Spanish if there is no message" in asked["instructions"].replace("\n", " ")
    assert asked["store"] is False
    assert "tools" not in asked
    assert "private name" not in json.dumps(asked)


def test_the_customers_private_values_are_masked(reader, openai):
    openai.respond_with(lambda _: {"description": "A letter"})
    reader.describe(PICTURE, "I am dana@example.org", "", 7)
    assert "dana@example.org" not in json.dumps(openai.requests())


def test_by_chat_completions_a_picture_has_its_other_form(openai, client):
    model = LanguageModel(client, "m", lessons=_without_responses())
    openai.respond_with(lambda _: {"description": "A torn jumper"})
    reader = OpenAIFileReader(client, "m", model)
    assert reader.describe(PICTURE, "", "en") == "A torn jumper"
    (asked,) = openai.requests()
    assert [part["type"] for part in asked["messages"][1]["content"]] == ["text", "image_url"]


def _without_responses():
    lessons = Lessons()
    lessons.learn({RESPONSES})
    return lessons


def test_a_refusal_to_look_is_a_failure(reader, openai, purse):
    openai.respond_with(lambda _: Refusal())
    with pytest.raises(ModelError, match="refusal"):
        reader.describe(PICTURE, "", "en", 7)
    assert purse.contacts == [7]


@pytest.mark.parametrize(("status", "kind"), [(429, "rate limited"), (500, "server error")])
def test_a_failure_to_look_has_its_kind_as_its_text(reader, openai, status, kind):
    openai.faults.add("*", status=status)
    with pytest.raises(ModelError, match=kind):
        reader.describe(PICTURE, "", "en")


def test_a_cut_off_description_is_a_failure(slow, service):
    for _ in range(2):
        service.answers('{"description": "A to', status="incomplete")
    with pytest.raises(ModelError, match="incomplete answer"):
        slow.describe(PICTURE, "", "en")


def test_a_service_that_counts_nothing_costs_at_least_a_picture(slow, service, purse):
    service.answers({"description": "A torn jumper"})
    slow.describe(PICTURE, "", "en", 7)
    assert purse.spent[0].input_tokens > 1_600
