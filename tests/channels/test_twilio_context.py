"""What WhatsApp says besides the text."""

import json

import pytest

from handoff_bot.channels import TWILIO
from handoff_bot.domain.messages import MessageKind, Quote
from tests.channels.builders import ACCOUNT, inbound_form, received


def context_of(**fields):
    (message,) = received(TWILIO["whatsapp"](ACCOUNT), inbound_form("whatsapp", **fields))
    return message.context


def test_a_reply_names_the_message_that_it_answers():
    context = context_of(Body="Yes please", OriginalRepliedMessageSid="SM1")

    assert context.quote == Quote("SM1")


def test_a_message_from_an_ad_names_the_ad():
    context = context_of(
        Body="Is this still available?",
        ReferralHeadline="Summer sale",
        ReferralBody="Red bike 20% off",
        ReferralSourceUrl="https://fb.me/abc",
        ReferralSourceType="ad",
        ReferralSourceId="1201",
    )

    assert context.ad_line == "From the ad: Summer sale · Red bike 20% off · https://fb.me/abc"


def test_an_ad_of_which_only_the_id_is_known_is_named_by_it():
    assert context_of(ReferralSourceId="1201").ad == ("ad 1201",)


META = {
    "type": "nfm_reply",
    "nfm_reply": {
        "name": "flow",
        "body": "Sent",
        "response_json": json.dumps({"flow_token": "t", "order": "4711"}),
    },
}
FORMS = {
    "plain": ({"order": "4711", "problem": "broken screen"}, "order: 4711\nproblem: broken screen"),
    "a token of ours": ({"flow_token": "secret", "order": "4711"}, "order: 4711"),
    "as Meta wraps it": (META, "order: 4711"),
    "several choices": ({"sizes": ["S", "M"], "gift": True}, "sizes: S, M\ngift: yes"),
    "questions": (
        {"pages": [{"page_id": "1", "fields": [{"label": "Order number", "value": "4711"}]}]},
        "Order number: 4711",
    ),
    "nothing": ({"order": None, "note": " "}, ""),
}


@pytest.mark.parametrize(("given", "lines"), FORMS.values(), ids=FORMS)
def test_the_answers_of_a_form_are_lines(given, lines):
    context = context_of(Body="", MessageType="interactive", InteractiveData=json.dumps(given))

    assert context.answers == lines


@pytest.mark.parametrize(
    "given",
    ["not json", "[", "[" * 5000, '{"a":' * 3000, "9" * 5000, '"\\ud800"', "{}", "null"],
    ids=["words", "half", "deep list", "deep object", "huge number", "surrogate", "empty", "null"],
)
def test_a_hostile_form_is_read_as_far_as_it_goes(given):
    context = context_of(Body="", MessageType="interactive", InteractiveData=given)

    assert len(context.answers) <= 600


def test_a_form_is_bounded_in_size():
    given = {f"question {n} {'x' * 300}": "y" * 3000 for n in range(500)}

    context = context_of(Body="", InteractiveData=json.dumps(given)[:19_000] + '"}')
    many = context_of(Body="", InteractiveData=json.dumps({str(n): "y" for n in range(900)}))

    assert len(context.answers) < 30_000
    assert len(many.facts) <= 41
    assert many.answers.endswith("… and more")


KINDS = {
    "location": ({"MessageType": "location", "Latitude": "1", "Longitude": "2"}, "location"),
    "place without a type": ({"Latitude": "1", "Longitude": "2"}, "location"),
    "sticker": ({"MessageType": "sticker", "MediaUrl0": "x"}, "sticker"),
    "voice": ({"MessageType": "audio"}, "voice"),
    "voice by its file": ({"MediaUrl0": "x", "MediaContentType0": "audio/ogg"}, "voice"),
    "picture": ({"MessageType": "image"}, "picture"),
    "contact": (
        {"MessageType": "document", "MediaUrl0": "x", "MediaContentType0": "text/vcard"},
        "contact",
    ),
    "reaction": ({"MessageType": "reaction"}, "reaction"),
    "order": ({"MessageType": "order"}, "order"),
    "order by its content": ({"OrderData": '{"items":[{"name":"bike","qty":2}]}'}, "order"),
    "not supported": ({"MessageType": "unsupported"}, "unknown"),
    "a kind of tomorrow": ({"MessageType": "hologram"}, "unknown"),
    "button": ({"MessageType": "button"}, "choice"),
    "words": ({"Body": "Hello"}, "text"),
}


@pytest.mark.parametrize(("fields", "kind"), KINDS.values(), ids=KINDS)
def test_every_kind_of_message_is_known_by_a_name(fields, kind):
    assert context_of(**({"Body": ""} | fields)).kind is MessageKind(kind)


def test_what_a_button_stands_for_is_kept_where_it_says_more_than_the_text():
    context = context_of(Body="Yes", ButtonText="Yes", ButtonPayload="refund_4711")

    assert context.answers == "button: refund_4711"
    assert context_of(Body="Yes", ButtonText="Yes", ButtonPayload="Yes").answers == ""


def test_a_forwarded_message_is_known_as_one():
    assert context_of(Forwarded="true").forwarded
    assert not context_of(Forwarded="false").forwarded
