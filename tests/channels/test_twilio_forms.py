"""What the forms of Twilio's webhooks mean."""

from dataclasses import replace

import pytest

# ruff: noqa: RUF001, RUF005 - what customers write
from handoff_bot.channels import TWILIO
from handoff_bot.domain.messages import Consent, Media
from tests.channels.builders import ACCOUNT, PHONES, inbound_form, payload, received

BSUID = "whatsapp:US." + "A1b2C3d4" * 16
FILES = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT.account_sid}/Messages"
FILE = f"{FILES}/MM1/Media/ME1"


def told(kind, name):
    (arrival,) = received(TWILIO[kind](ACCOUNT), payload(kind, name))
    return arrival


def message_with(kind="whatsapp", account=ACCOUNT, **fields):
    (message,) = received(TWILIO[kind](account), inbound_form(kind, **fields))
    return message


RECORDED_TEXTS = {
    ("sms", "text"): "Ahoy! 👋 Where is my parcel?",
    ("sms", "picture"): "",
    ("sms", "opted_out"): "Arret",
    ("whatsapp", "text"): " Hola, ¿dónde está?\n",
    ("whatsapp", "button"): "Konfirmasi",
    ("whatsapp", "username"): "Hi",
    ("whatsapp", "location"): "📍 The café, Plaça 1, Barcelona (41.3870, 2.1701)",
    ("whatsapp", "list"): "Delivery times",
    ("whatsapp", "picture"): "Broken",
}


@pytest.mark.parametrize(("at", "text"), RECORDED_TEXTS.items(), ids="/".join)
def test_a_message_reads_as_its_customer_meant_it(at, text):
    assert told(*at).text == text


STAND_INS = {
    "button without body": ({"Body": "", "ButtonText": "Yes please"}, "Yes please"),
    "body before button": ({"Body": "Yes", "ButtonText": "Yes please"}, "Yes"),
    "list without title": ({"Body": " ", "ListId": "delivery"}, "delivery"),
    "place alone": ({"Body": "", "Latitude": "1.5", "Longitude": "-2"}, "📍 (1.5, -2)"),
    "place with words": (
        {"Body": "Here", "Latitude": "1.5", "Longitude": "-2", "Address": "Road 1"},
        "Here\n📍 Road 1 (1.5, -2)",
    ),
    "half a place": ({"Body": "Here", "Latitude": "1.5", "Label": "Home"}, "Here"),
    "no body at all": ({"Body": None, "NumMedia": None}, ""),
}


@pytest.mark.parametrize(("fields", "text"), STAND_INS.values(), ids=STAND_INS)
def test_what_was_tapped_or_shared_stands_for_words(fields, text):
    assert message_with(**fields).text == text


# -- who


def test_a_customer_with_a_username_need_not_have_a_number():
    message = told("whatsapp", "username")

    assert message.address == BSUID
    assert len(message.address) == 140
    assert message.aliases == ()
    assert message.profile_name == "Ana"


def test_a_customer_with_a_number_is_known_by_the_username_id_too():
    message = told("whatsapp", "button")

    assert message.address == "whatsapp:+15555550123"
    assert message.aliases == ("whatsapp:ID.4566546130240000",)


def test_the_other_name_of_the_username_id_is_read_as_well():
    assert message_with(ExternalUserIdentifier=BSUID).aliases == (BSUID,)


def test_a_hostile_profile_name_is_kept_as_it_is():
    assert told("whatsapp", "text").profile_name == "Ana <b>"


# -- files


def test_files_come_with_what_they_say_they_are():
    assert told("sms", "picture").media == (
        Media(f"{FILES}/MM{2:032d}/Media/ME{1:032d}", "image/jpeg"),
        Media(f"{FILES}/MM{2:032d}/Media/ME{2:032d}", "application/pdf"),
    )


FOREIGN = {
    "plain http": FILE.replace("https", "http"),
    "another host": FILE.replace("api.twilio.com", "evil.example.com"),
    "host in front": FILE.replace("api.twilio.com", "api.twilio.com.evil.example.com"),
    "user in front": FILE.replace("api.twilio.com", "api.twilio.com@evil.example.com"),
    "another port": FILE.replace("api.twilio.com", "api.twilio.com:8443"),
    "another account": FILE.replace(ACCOUNT.account_sid, "AC" + "9" * 32),
    "out of the account": f"{FILES}/../../AC{'9' * 32}/Messages/MM1/Media/ME1",
    "encoded way out": f"{FILES}/%2e%2e/Media/ME1",
    "no file": FILES,
    "query": f"{FILE}?x=1",
    "new line": f"{FILE}\n",
    "loopback": "http://127.0.0.1:8080/",
    "no address": "not an address",
    "broken address": "https://[::1",
    "no host": FILE.removeprefix("https://api.twilio.com"),
    "empty": "",
}


@pytest.mark.parametrize("url", FOREIGN.values(), ids=FOREIGN)
def test_of_files_from_anywhere_else_it_is_kept_that_they_were_there_and_not_where(url, caplog):
    message = message_with(
        Body="Look", MediaUrl0=url, MediaUrl1=FILE, MediaContentType1="image/png"
    )

    assert message.text == "Look"
    assert message.media == (Media("", ""), Media(FILE, "image/png"))
    assert [record.message for record in caplog.records] == [
        "media left alone: its address is not in our account"
    ]


def test_files_of_the_stand_in_are_ours_when_it_is_configured():
    stand_in = replace(ACCOUNT, api_url="http://127.0.0.1:4010/")
    url = FILE.replace("https://api.twilio.com", "http://127.0.0.1:4010")

    assert message_with(account=stand_in, MediaUrl0=url).media == (Media(url, ""),)
    assert message_with(account=ACCOUNT, MediaUrl0=url).media == (Media("", ""),)


# -- consent


@pytest.mark.parametrize(
    ("words", "consent"),
    [
        *((word, Consent.STOP) for word in ("STOP", "stop", " Stop\n", "UNSUBSCRIBE", "end")),
        *((word, Consent.STOP) for word in ("quit", "STOPALL", "revoke", "OptOut", "cancel")),
        *((word, Consent.START) for word in ("START", "start ", "unstop")),
        *((word, Consent.HELP) for word in ("HELP", "info")),
        *((words, None) for words in ("STOP it", "please stop", "yes", "YES", "", "stopp")),
    ],
)
def test_on_sms_the_keywords_of_twilio_are_about_consent(words, consent):
    message = message_with("sms", Body=words)

    assert message.consent is consent
    assert message.consent_answered is (consent is not None)
    assert message.text == words


@pytest.mark.parametrize(
    "words",
    [
        "STOP",
        "Stop!!",
        "ｓｔｏｐ",
        "please stop",
        "please stop messaging me",
        "Unsubscribe 🙏",
        "stop all",
        "STOPALL",
    ]
    + [
        "ARRÊT",
        "désabonner",
        "Abmelden.",
        "baja",
        "parar",
        "uitschrijven",
        "wypisz mnie",
        "стоп!",
        "отписаться",
    ]
    + [
        "відписатися",
        "退订",
        "配信停止",
        "수신거부",
        "إيقاف",
        "הסר",
        "मैसेज बंद करो",
        "durdurun",
        "berhenti",
    ]
    + ["dừng", "หยุด", "στοπ", "avregistrera", "afmeld", "lopeta", "leiratkozás"],
)
def test_on_whatsapp_a_plain_opt_out_counts_in_any_language(words):
    message = message_with("whatsapp", Body=words)

    assert (message.consent, message.consent_answered) == (Consent.STOP, False)


@pytest.mark.parametrize(
    "words",
    [
        "Cancel",
        "end",
        "quit",
        "HELP",
        "info",
        "revoke",
        "stop the parcel",
        "don't stop",
        "can you stop it?",
    ]
    + [
        "yes",
        "",
        "रुको",
        "पता नहीं",
        "bitte",
        "cancelar",
        "alto",
        "Baixa.",
        "annuleren",
        "Ende",
        "fin",
        "kündigen",
        "wait",
        "取消",
    ],
)
def test_on_whatsapp_words_that_mean_other_things_are_words(words):
    assert message_with("whatsapp", Body=words).consent is None


@pytest.mark.parametrize("kind", PHONES)
@pytest.mark.parametrize(
    ("word", "consent"), [("STOP", Consent.STOP), ("START", Consent.START), ("HELP", Consent.HELP)]
)
def test_what_advanced_opt_out_says_counts_whatever_the_words(kind, word, consent):
    message = message_with(kind, Body="YES", OptOutType=word)

    assert (message.consent, message.consent_answered) == (consent, True)


def test_an_unknown_word_of_advanced_opt_out_changes_nothing():
    assert message_with(Body="Hi", OptOutType="PAUSE").consent is None


def test_the_owner_of_a_short_code_answers_keywords():
    message = message_with("sms", Body="STOP", To="12345")

    assert (message.consent, message.consent_answered) == (Consent.STOP, False)


# -- odd forms


def test_a_name_that_comes_twice_keeps_both_values():
    form = (*inbound_form("sms", Body="one"), ("Body", "two"), ("Body", "three"))

    (message,) = received(TWILIO["sms"](ACCOUNT), form)

    assert message.text == "one"
    assert (message.fields["Body[2]"], message.fields["Body[3]"]) == ("two", "three")


def test_a_message_that_also_names_a_status_is_a_message():
    assert message_with(MessageStatus="received").text == "Hello"
