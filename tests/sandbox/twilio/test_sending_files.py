"""Files that Twilio fetches from the bot and sends along, and templates that it sends instead of words."""

import json
from datetime import timedelta

import pytest
from flask import Flask, Response, request
from twilio.base.exceptions import TwilioRestException

from handoff_bot.channels import TWILIO, TwilioAccount
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.files import StoredFile
from handoff_bot.domain.messages import OutboundMessage, Template
from handoff_bot.web.files import files
from handoff_sandbox.server import Faults, Journal, Server
from tests.samples import JPEG
from tests.sandbox.twilio.conftest import ACCOUNT, PUBLIC, TOKEN

SMS, WHATSAPP = "+15550111", "whatsapp:+15550111"
PHOTO = f"{PUBLIC}/files/token/photo.jpg"
HELLO = "HX" + "1" * 32


class Kept:
    """One photo, which may grow."""

    def __init__(self):
        self.data, self.kind = JPEG, "image/jpeg"

    def find(self, token):
        if token != "token":
            return None
        return StoredFile("photo.jpg", self.kind, len(self.data), iter([self.data]))


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def asked(twilio, kept):
    """The bot, as far as Twilio asks it for files; what it was asked."""
    web, requests = Flask("bot"), []
    web.register_blueprint(files(kept))
    web.before_request(lambda: requests.append((request.method, request.authorization)))
    web.post("/<path:where>")(lambda where: Response("<Response/>"))
    with Server(web, "bot", Journal(), Faults()) as server:
        twilio.bot_url = server.url
        yield requests
        twilio.bot_url = ""


def channel(twilio, kind):
    return TWILIO[kind](
        TwilioAccount(
            account_sid=ACCOUNT,
            auth_tokens=(TOKEN,),
            senders={"sms": twilio.sms_number, "whatsapp": twilio.whatsapp_number},
            api_url=twilio.server.url,
            public_base_url=PUBLIC,
        )
    )


def outbound(to, text="", media=(PHOTO,), template=None):
    return OutboundMessage("oid", to, "", text, media, template)


def test_a_file_is_fetched_without_credentials_and_shown_with_its_words(twilio, asked):
    channel(twilio, "sms").send(outbound(SMS, "Look"))
    twilio.drain()
    (shown,) = twilio.phone(SMS)
    assert (shown.body, shown.status) == ("Look", "delivered")
    assert [(f.content_type, f.content) for f in shown.files] == [("image/jpeg", JPEG)]
    assert [file.name for file in shown.files] == ["photo.jpg"]
    assert asked[:2] == [("HEAD", None), ("GET", None)]


def test_a_sent_file_is_found_again(twilio, asked, clock):
    phone = channel(twilio, "sms")
    made = phone.send(outbound(SMS))
    twilio.drain()
    assert [r.provider_id for r in phone.sent_since(outbound(SMS), clock.at)] == [made.provider_id]
    assert phone.sent_since(outbound(SMS, media=()), clock.at) == []


TROUBLES = {
    "gone": (f"{PUBLIC}/files/other/x", 0, 11200),
    "too large": (PHOTO, 5_000_001, 11751),
    "somebody else's": ("https://elsewhere.example.com/x.jpg", 0, 11200),
}


@pytest.mark.parametrize(("url", "size", "code"), TROUBLES.values(), ids=TROUBLES)
def test_a_file_that_cannot_be_had_is_reported(twilio, asked, kept, url, size, code):
    kept.data = JPEG + bytes(size)
    channel(twilio, "sms").send(outbound(SMS, media=(url,)))
    twilio.drain()
    (failed,) = twilio.phone(SMS)
    assert (failed.status, failed.error_code) == ("undelivered", code)


def test_whatsapp_has_a_word_of_its_own_for_it(twilio, asked):
    twilio.customer_writes("whatsapp", SMS, "Hi")
    channel(twilio, "whatsapp").send(outbound(WHATSAPP, media=(f"{PUBLIC}/files/other/x",)))
    twilio.drain()
    assert twilio.phone(WHATSAPP)[-1].error_code == 63019


def test_a_kind_that_nobody_takes_is_refused(twilio, asked, kept):
    kept.kind = "model/obj"
    channel(twilio, "sms").send(outbound(SMS))
    twilio.drain()
    assert twilio.phone(SMS)[-1].error_code == 12300


# -- templates


@pytest.fixture
def templates(twilio):
    twilio.account.templates[HELLO] = "Hi {{1}}, we have news of order {{order}}."


def template(**changes):
    return Template(HELLO, {"1": "Dana", "order": "4711"} | changes)


def test_a_template_gets_through_when_free_text_does_not(twilio, templates, asked):
    phone = channel(twilio, "whatsapp")
    phone.send(outbound(WHATSAPP, "Hello?", ()))
    phone.send(outbound(WHATSAPP, "any", (), template()))
    twilio.drain()
    free, approved = twilio.phone(WHATSAPP)
    assert (free.status, free.error_code) == ("failed", 63016)
    assert (approved.status, approved.body) == ("read", "Hi Dana, we have news of order 4711.")


def test_a_sent_template_is_found_again_whatever_it_says(twilio, templates, clock):
    phone = channel(twilio, "whatsapp")
    asked_for = outbound(WHATSAPP, "any", (), template())
    made = phone.send(asked_for)
    clock.at += timedelta(seconds=1)
    assert [r.provider_id for r in phone.sent_since(asked_for, clock.at)] == [made.provider_id]


@pytest.mark.parametrize(
    "values",
    [{"1": ""}, {"1": "a\nb"}, {"1": "a     b"}, {"2": "more"}],
    ids=["blank", "lines", "spaces", "unknown"],
)
def test_values_that_whatsapp_does_not_take_are_refused(twilio, templates, values):
    with pytest.raises(DeliveryError) as refused:
        channel(twilio, "whatsapp").send(outbound(WHATSAPP, "", (), template(**values)))
    assert (refused.value.code, refused.value.permanent) == ("21656", True)


def test_a_template_that_is_not_known_is_refused(twilio):
    with pytest.raises(DeliveryError) as refused:
        channel(twilio, "whatsapp").send(outbound(WHATSAPP, "", (), template()))
    assert refused.value.code == "21655"


def test_a_template_goes_alone(client, templates):
    values = json.dumps({"1": "Dana", "order": "4711"})
    with pytest.raises(TwilioRestException):
        client.messages.create(
            to=WHATSAPP,
            from_="whatsapp:+15550101",
            body="Hello",
            content_sid=HELLO,
            content_variables=values,
        )
