"""What customers write, as the bot hears it: complete, signed, with Twilio's patience and retries."""

import json
import socket
import time
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from handoff_sandbox.server import HOST
from handoff_sandbox.twilio import Button, Location, SharedKey
from handoff_sandbox.twilio.webhooks import Overrides

PAYLOADS = Path(__file__).resolve().parents[2] / "channels" / "payloads"
ADDRESS, SMS, WHATSAPP = "+15550111", "+15550111", "whatsapp:+15550111"
FROM, WHATSAPP_FROM = "+15550100", "whatsapp:+15550101"
TAP = Button("Konfirmasi", "{verify}", "MM" + "1" * 32)


def recorded(name):
    """The parameters of a webhook that Twilio really sent."""
    text = (PAYLOADS / f"{name}.txt").read_text().strip()
    return set(parse_qs(text, keep_blank_values=True, strict_parsing=True))


# -- the forms


def test_a_text_message_has_the_parameters_of_a_recorded_one(twilio, bot):
    result = twilio.customer_writes("sms", SMS, "Ahoy! 👋")
    (form,) = bot.heard
    assert set(form) == recorded("sms/text")
    assert (result.status, result.body) == (200, "<Response/>")
    assert result.message_sid == form["MessageSid"] == form["SmsSid"]
    assert (form["From"], form["To"], form["Body"]) == (SMS, FROM, "Ahoy! 👋")
    assert (form["AccountSid"], form["SmsStatus"]) == (twilio.account_sid, "received")


def test_a_tap_on_whatsapp_has_the_parameters_of_a_recorded_one(twilio, bot):
    twilio.customer_writes(
        "whatsapp", ADDRESS, "", profile_name="sari", external_user_id="ID.4566", button=TAP
    )
    (form,) = bot.heard
    assert set(form) == recorded("whatsapp/button")
    assert (form["Body"], form["MessageType"]) == ("Konfirmasi", "interactive")
    assert (form["ButtonText"], form["ButtonPayload"]) == ("Konfirmasi", "{verify}")
    assert form["OriginalRepliedMessageSid"] == TAP.replied_to
    assert (form["WaId"], form["ExternalUserId"]) == ("15550111", "whatsapp:ID.4566")
    context = json.loads(form["ChannelMetadata"])["data"]["context"]
    assert (context["ProfileName"], context["WaId"]) == ("sari", "15550111")


@pytest.mark.parametrize(
    ("to", "from_", "name"),
    [(SMS, FROM, "sms/status_delivered"), (WHATSAPP, WHATSAPP_FROM, "whatsapp/status_read")],
    ids=["sms", "whatsapp"],
)
def test_a_callback_has_the_parameters_of_a_recorded_one(twilio, client, bot, to, from_, name):
    twilio.customer_writes("whatsapp", ADDRESS, "Hi")
    url = "https://bot.example.com/webhooks/sms/status"
    client.messages.create(to=to, from_=from_, body="Hello", status_callback=url)
    twilio.drain()
    assert set(bot.heard[-1]) == recorded(name)


def test_who_hides_the_number_is_known_by_whatsapps_own_id(twilio, bot):
    twilio.customer_writes("whatsapp", "US.A1b2C3", "Hi", fields={"ProfileUsername": "ana"})
    (form,) = bot.heard
    assert form["From"] == form["ExternalUserId"] == "whatsapp:US.A1b2C3"
    assert "WaId" not in form
    assert form["ProfileUsername"] == "ana"


def test_a_tap_need_not_say_below_what(twilio, bot):
    twilio.customer_writes("whatsapp", ADDRESS, "", button=Button("Yes", "yes"))
    assert "OriginalRepliedMessageSid" not in bot.heard[0]


def test_a_place_is_shared(twilio, bot):
    twilio.customer_writes("whatsapp", ADDRESS, "", location=Location(41.38, 2.17, "The café"))
    (form,) = bot.heard
    assert (form["MessageType"], form["Body"]) == ("location", "")
    assert (form["Latitude"], form["Longitude"], form["Label"]) == ("41.38", "2.17", "The café")
    assert "Address" not in form


@pytest.mark.parametrize(
    ("content_type", "message_type"),
    [("image/png", "image"), ("audio/ogg", "audio"), ("application/pdf", "document")],
)
def test_a_file_says_what_it_is(twilio, bot, content_type, message_type):
    twilio.customer_writes("whatsapp", ADDRESS, "Look", media=[(content_type, b"x")])
    (form,) = bot.heard
    assert (form["NumMedia"], form["MessageType"]) == ("1", message_type)
    assert form["MediaContentType0"] == content_type
    assert form["MessageSid"].startswith("MM")


def test_fields_can_be_added_and_replaced(twilio, bot):
    twilio.customer_writes("sms", SMS, "Arrêt", fields={"OptOutType": "STOP", "NumSegments": "3"})
    (form,) = bot.heard
    assert (form["OptOutType"], form["NumSegments"]) == ("STOP", "3")


# -- the signature


def test_the_primary_token_signs_and_after_a_promotion_the_next_one(twilio, bot):
    twilio.next_auth_token = "new"
    assert twilio.customer_writes("sms", SMS, "one").status == 200
    twilio.promote()
    assert twilio.customer_writes("sms", SMS, "two").status == 403
    bot.secret = "new"
    assert twilio.customer_writes("sms", SMS, "three").status == 200


def test_another_token_signs_what_the_bot_refuses(twilio, bot):
    twilio.auth_token = "forged"
    assert twilio.customer_writes("sms", SMS, "Hi").status == 403
    assert bot.heard == []


def test_a_shared_key_signs_with_the_newer_algorithm(twilio, bot):
    twilio.secrets.shared_key = SharedKey("k1", "shared")
    assert twilio.customer_writes("sms", SMS, "one").status == 403
    bot.secret = "shared"
    assert twilio.customer_writes("sms", SMS, "two").status == 200


@pytest.mark.parametrize(
    ("sent", "signature", "status"),
    [
        pytest.param({"Body": "x"}, None, 200, id="signed"),
        pytest.param({"Body": "x"}, "wrong", 403, id="wrong signature"),
        pytest.param({"Body": "x"}, "", 403, id="no signature"),
        pytest.param({"Body": "x" * 1_000_000}, None, 200, id="a megabyte"),
        pytest.param({"Body": ["x", "y"]}, None, 200, id="a field twice"),
        pytest.param(b"Body=&From=%2B1", None, 200, id="a blank field"),
        pytest.param({}, None, 200, id="nothing"),
    ],
)
def test_anything_can_be_posted(twilio, bot, sent, signature, status):
    bot.web.config["MAX_FORM_MEMORY_SIZE"] = 2_000_000
    assert twilio.webhook("/webhooks/sms?x=%7Eb", sent, signature=signature).status == status


def test_bytes_go_out_as_they_are(twilio, bot):
    result = twilio.webhook("/webhooks/sms", b"Body=%FF%FE\xff&MessageSid=SM1")
    assert result.status in (200, 400, 403)
    (entry,) = twilio.journal.entries("twilio")
    assert entry.request == {"bytes": 27}
    assert result.message_sid == "SM1"


# -- copies, patience and another try


def test_copies_come_at_once_and_carry_one_token(twilio, bot):
    result = twilio.customer_writes("sms", SMS, "Hi", times=4)
    assert [result.status, *(copy.status for copy in result.copies)] == [200] * 4
    assert len({form["MessageSid"] for form in bot.heard}) == 1
    assert (len(bot.heard), len(set(bot.tokens))) == (4, 1)
    assert len([e for e in twilio.journal.entries("twilio") if e.direction == "out"]) == 4


def test_two_messages_have_two_tokens(twilio, bot):
    for text in ("one", "two"):
        twilio.customer_writes("sms", SMS, text)
    assert len(set(bot.tokens)) == 2


def tries(twilio):
    return [entry.status for entry in twilio.journal.entries("twilio", "/webhooks/sms")]


def test_a_bot_that_is_not_there_is_tried_twice(twilio):
    assert twilio.bot_url == ""
    with socket.create_server((HOST, 0)) as taken:
        twilio.bot_url = f"http://{HOST}:{taken.getsockname()[1]}"
    assert twilio.customer_writes("sms", SMS, "Hi").status == 0
    assert tries(twilio) == [0, 0]


@pytest.mark.parametrize(
    ("fragment", "answers", "tried"),
    [
        ("", [500], [500]),
        ("#rc=2&rp=5xx", [500, 503], [500, 503, 200]),
        ("#rc=1&rp=5xx", [500, 503, 500], [500, 503]),
        ("#rc=2&rp=4xx,5xx", [404, 500], [404, 500, 200]),
        ("#rc=2&rp=all", [429], [429, 200]),
        ("#rc=2&rp=ct,rt", [500], [500]),
        ("#rc=0&rp=all", [500], [500]),
    ],
)
def test_the_address_says_what_is_worth_another_try(twilio, bot, fragment, answers, tried):
    bot.statuses = list(answers)
    twilio.account.webhooks["sms"] += fragment
    assert twilio.customer_writes("sms", SMS, "Hi").status == tried[-1]
    assert tries(twilio) == tried
    assert len(set(bot.tokens)) == 1
    assert bot.refused == 0


def test_a_dropped_answer_is_no_missing_connection(twilio, bot):
    bot.faults.add("*", drop="after", count=1)
    assert twilio.customer_writes("sms", SMS, "Hi").status == 0
    assert len(bot.heard) == 1


@pytest.mark.parametrize(
    ("fragment", "tried"),
    [("#rt=500", [0]), ("#rt=500&rp=rt", [0, 200])],
    ids=["given up", "tried again"],
)
def test_patience_ends(twilio, bot, fragment, tried):
    bot.faults.add("*", latency=5, count=1)
    twilio.account.webhooks["sms"] += fragment
    began = time.monotonic()
    twilio.customer_writes("sms", SMS, "Hi")
    assert time.monotonic() - began < 4
    assert tries(twilio) == tried


def test_all_tries_together_have_one_limit(twilio, bot):
    bot.faults.add("*", latency=5)
    twilio.account.webhooks["sms"] += "#rt=400&tt=700&rc=5&rp=all"
    twilio.customer_writes("sms", SMS, "Hi")
    assert tries(twilio) == [0, 0]


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", Overrides()),
        ("ct=100&rt=2000&tt=3000", Overrides(connect=0.1, read=2, total=3)),
        ("ct=99&rt=15001&tt=x&rc=6", Overrides()),
        ("rc=5&rp=4xx,5xx", Overrides(retries=5, policy=frozenset({"4xx", "5xx"}))),
        ("e=dublin", Overrides()),
    ],
)
def test_overrides_are_read_from_the_fragment(fragment, expected):
    assert Overrides.of(fragment) == expected
