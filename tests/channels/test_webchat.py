"""The website channel by itself: what its JSON means, and whom it believes."""

import json
from pathlib import Path

import pytest

from handoff_bot.channels import Webchat, Website
from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.messages import DeliveryStatus, OutboundMessage
from handoff_bot.ports import WebhookRequest
from tests.channels.drivers import WEBSITE

PAYLOADS = Path(__file__).parent / "payloads" / "webchat"


@pytest.fixture
def channel() -> Webchat:
    return Webchat(WEBSITE)


def arrives(channel: Webchat, body: bytes, path: str = "messages"):
    token = channel.sessions.begin().token
    headers = {"authorization": f"bearer  {token}"}
    return channel.receive(WebhookRequest(f"/chat/{path}", "", headers, body, ()))


def test_a_message_keeps_its_words_and_says_what_language_the_page_is_in(channel):
    (message,) = arrives(channel, (PAYLOADS / "message.json").read_bytes())
    assert message.text == "  Two\n lines 😀 \n"
    assert (message.language, message.wants_person) == ("de", False)
    assert message.address.startswith("visitor:")
    assert message.provider_id == f"{message.address}/0e8b5c1e-3f0a-4d4e-9d55-0c6a4c2f9b11"
    assert message.profile_name.startswith("Visitor ")


def test_the_button_for_a_person_says_so(channel):
    (message,) = arrives(channel, (PAYLOADS / "person.json").read_bytes())
    assert message.wants_person is True


def test_marks_name_each_message_that_was_shown(channel):
    news = arrives(channel, (PAYLOADS / "marks.json").read_bytes(), "marks")
    assert [(one.oid[:4], one.status) for one in news] == [
        ("mLhB", DeliveryStatus.DELIVERED),
        ("WTrc", DeliveryStatus.DELIVERED),
        ("mLhB", DeliveryStatus.READ),
    ]


@pytest.mark.parametrize("locale", ["", "x", "1!", "日本", "<b>"])
def test_a_locale_that_is_none_is_no_language(channel, locale):
    content = {"id": "0e8b5c1e-3f0a-4d4e-9d55-0c6a4c2f9b11", "text": "hello", "locale": locale}
    (message,) = arrives(channel, json.dumps(content).encode())
    assert message.language == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff\xfe", b'{"id": {}, "text": 7}', b"[" * 100_000],
    ids=["empty", "list", "broken", "not UTF-8", "wrong types", "deep"],
)
def test_what_cannot_be_read_is_malformed(channel, body):
    for path in ("messages", "marks"):
        if path == "marks" and body.startswith(b'{"id"'):
            continue  # it holds no marks, which is no mistake
        with pytest.raises(Malformed):
            arrives(channel, body, path)


def test_a_complaint_never_quotes_what_was_sent(channel):
    with pytest.raises(Malformed) as complaint:
        arrives(channel, b'{"id": "my secret", "text": ["my secret"]}')
    assert "my secret" not in str(complaint.value)


def test_sending_can_be_repeated_and_nothing_has_to_be_found(channel):
    message = OutboundMessage("oid-1", "visitor:1", "", "Hello")
    assert channel.send(message) == channel.send(message)
    assert channel.sent_since(message, None) == [], "nothing is shown before its receipt is stored"


def test_a_website_shows_no_secret_of_its_own():
    shown = repr(Website(("https://a.example",), "very-secret", "more-secret"))
    assert "secret" not in shown.replace("identity_secret", "")
