"""Files of customers: fetched with credentials from Twilio's API, without from its CDN, from nobody else."""

import logging
from dataclasses import replace

import pytest
import requests
import responses

from handoff_bot.channels import TWILIO
from handoff_bot.channels._twilio_media import MediaFetcher
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.files import LARGEST
from handoff_bot.domain.messages import Media
from tests.channels.builders import ACCOUNT, SERVICE
from tests.samples import JPEG

FILE = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT.account_sid}/Messages/MM1/Media/ME1"
CDN = "https://mms.twiliocdn.com/a/b?Signature=x"
STORE = f"https://mcs.us1.twilio.com/v1/Services/{SERVICE}/Media/ME{'7' * 32}"
DIRECT = "https://media.us1.twilio.com/ME7?Expires=1&Signature=x"


@pytest.fixture(params=["sms", "whatsapp"])
def phone(request):
    return TWILIO[request.param](ACCOUNT)


@pytest.fixture
def chat():
    return TWILIO["conversations"](ACCOUNT)


def photo(url=FILE):
    return Media(url, "image/jpeg")


def test_a_file_is_fetched_with_our_credentials_and_from_the_cdn_without(phone, api):
    api.get(FILE, status=302, headers={"Location": CDN})
    api.get(
        CDN,
        body=JPEG,
        content_type="image/jpeg",
        headers={"Content-Disposition": "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.jpg"},
    )
    found = phone.fetch(photo())
    assert (found.data, found.content_type, found.name) == (JPEG, "image/jpeg", "Grüße.jpg")
    first, second = (call.request.headers for call in api.calls)
    assert first["Authorization"].startswith("Basic ")
    assert "Authorization" not in second


def test_passwords_that_the_machine_knows_stay_there(phone, api, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    api.get(FILE, status=302, headers={"Location": CDN})
    api.get(CDN, body=JPEG)
    phone.fetch(photo())
    assert "Authorization" not in api.calls[1].request.headers


def test_what_comes_at_once_needs_no_redirect(phone, api):
    api.get(FILE, body=JPEG, content_type="image/jpeg")
    assert phone.fetch(photo()).data == JPEG


ADDRESSES = {
    "another host": "https://evil.example.com/photo.jpg",
    "this machine": "http://127.0.0.1:3000/",
    "the cloud's own": "http://169.254.169.254/latest/meta-data/",
    "no encryption": FILE.replace("https:", "http:"),
    "somebody else's account": FILE.replace(ACCOUNT.account_sid, "AC" + "9" * 32),
    "a host in a name": FILE.replace("https://", "https://evil.example.com/@"),
    "a name in a host": FILE.replace("api.twilio.com", "api.twilio.com.evil.example.com"),
    "a password": FILE.replace("https://", "https://user:pass@"),
    "another path": "https://api.twilio.com/2010-04-01/Accounts.json",
    "way up": f"{FILE}/../../../../Messages.json",
    "a file of this machine": "file:///etc/passwd",
    "none": "",
}


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES)
@pytest.mark.parametrize("kind", TWILIO)
def test_no_address_of_a_customers_choosing_is_ever_called(kind, url):
    with responses.RequestsMock() as api, pytest.raises(DeliveryError) as error:
        TWILIO[kind](ACCOUNT).fetch(photo(url))
    assert error.value.permanent
    assert len(api.calls) == 0


ELSEWHERE = {
    "another host": "https://evil.example.com/photo.jpg",
    "this machine": "http://127.0.0.1/",
    "no encryption": CDN.replace("https", "http"),
    "another port": CDN.replace(".com/", ".com:8443/"),
    "a look-alike": "https://mms.twiliocdn.com.evil.example.com/",
    "an ending": "https://eviltwiliocdn.com/",
    "a password": CDN.replace("https://", "https://user@"),
}


@pytest.mark.parametrize("url", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_redirect_is_followed_to_twilio_alone(phone, api, url):
    api.get(FILE, status=302, headers={"Location": url})
    with pytest.raises(DeliveryError) as error:
        phone.fetch(photo())
    assert error.value.permanent
    assert len(api.calls) == 1


def test_redirects_come_to_an_end(phone, api):
    api.get(FILE, status=302, headers={"Location": CDN})
    api.get(CDN, status=302, headers={"Location": CDN})
    with pytest.raises(DeliveryError) as error:
        phone.fetch(photo())
    assert error.value.permanent


REFUSALS = {
    "not there yet": (404, False),
    "deleted": (410, True),
    "not believed": (401, True),
    "in trouble": (503, False),
    "in a hurry": (429, False),
}


@pytest.mark.parametrize(("status", "permanent"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_says_whether_trying_again_can_help(phone, api, status, permanent):
    api.get(FILE, status=status)
    with pytest.raises(DeliveryError) as error:
        phone.fetch(photo())
    assert error.value.permanent is permanent


def test_a_provider_that_does_not_answer_is_asked_again(phone, api):
    api.get(FILE, body=requests.ConnectionError("no"))
    with pytest.raises(DeliveryError) as error:
        phone.fetch(photo())
    assert not error.value.permanent


def test_a_file_without_end_is_left_alone(phone, api):
    api.get(FILE, body=JPEG + bytes(LARGEST), content_type="image/jpeg")
    with pytest.raises(DeliveryError, match="larger than 20 MB") as error:
        phone.fetch(photo())
    assert error.value.permanent


def test_a_file_of_a_chat_is_where_twilio_says_for_a_while(chat, api):
    described = {"filename": "a.jpg", "links": {"content_direct_temporary": DIRECT}}
    api.get(STORE, json=described)
    api.get(DIRECT, body=JPEG, content_type="binary/octet-stream")
    found = chat.fetch(photo(STORE))
    assert (found.data, found.content_type, found.name) == (JPEG, "image/jpeg", "a.jpg")
    assert "Authorization" in api.calls[0].request.headers
    assert "Authorization" not in api.calls[1].request.headers


@pytest.mark.parametrize(
    "said",
    [
        '{"links": {"content_direct_temporary": "http://127.0.0.1/"}}',
        "[]",
        "{",
        "{}",
        '{"links": 1}',
    ],
    ids=["elsewhere", "list", "broken", "nothing", "number"],
)
def test_what_twilio_does_not_say_rightly_is_not_followed(chat, api, said):
    api.get(STORE, body=said)
    with pytest.raises(DeliveryError) as error:
        chat.fetch(photo(STORE))
    assert error.value.permanent
    assert len(api.calls) == 1


def test_with_a_stand_in_only_that_is_called(api):
    home = "http://127.0.0.1:4010"
    channel = TWILIO["sms"](replace(ACCOUNT, api_url=home))
    url = FILE.replace("https://api.twilio.com", home)
    api.get(url, status=302, headers={"Location": f"{home}/cdn/x"})
    api.get(f"{home}/cdn/x", body=JPEG, content_type="image/jpeg")
    assert channel.fetch(photo(url)).data == JPEG
    api.replace(responses.GET, url, status=302, headers={"Location": CDN})
    with pytest.raises(DeliveryError):
        channel.fetch(photo(url))


def test_neither_secrets_nor_addresses_are_shown_or_logged(phone, api, caplog):
    caplog.set_level(logging.DEBUG)
    api.get(FILE, status=503)
    with pytest.raises(DeliveryError) as error:
        phone.fetch(photo())
    logged = "".join(str(vars(record)) for record in caplog.records)
    shown = f"{error.value} {MediaFetcher(ACCOUNT)!r} {phone!r}"
    for private in (*ACCOUNT.auth_tokens, ACCOUNT.api_secret, FILE):
        assert private not in shown
        assert private not in logged
