"""A visitor gets their own conversation by e-mail, at an address that is not verified."""

import uuid
from datetime import UTC, datetime

import pytest

from handoff_bot.domain.errors import MailError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.texts import Moment, default
from handoff_bot.mail.smtp import Sender, message_of
from handoff_bot.services.notifications import transcripts
from handoff_bot.storage.models import Conversation, Lane, Work
from tests.samples import PNG
from tests.web.conftest import Browser

TO = "dana@example.com"
WIDE = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
"""Each ASCII character as its full-width form."""


@pytest.fixture
def dana(shop) -> Browser:
    """A visitor who has talked to the assistant and to Ana."""
    browser: Browser = shop.browser()
    browser.says("<b>hello</b>\nBcc: x@evil.example\nsee https://evil.example/a and evil.example.")
    browser.says("Talk to a person", person=True)
    shop.settle()
    shop.take(Step.CLAIM)
    shop.replies("Hello Dana, see https://shop.example.com/help")
    return browser


def jobs(shop):
    with shop.database.read() as tx:
        found = tx.session.query(Work).filter(Work.kind == "transcript")
        return [(one.status, one.payload, one.lane) for one in found]


@pytest.mark.on_both
def test_a_visitor_gets_their_own_conversation_and_the_address_is_forgotten(shop, dana):
    other = shop.browser()
    other.says("my secret")
    assert dana.post("transcript", to=f" {TO} ", locale="de-AT").status_code == 202
    shop.settle()
    (mail,) = shop.mailer.sent
    assert (mail.to, mail.subject) == (TO, "Ihr Gespräch mit uns")
    assert "Ana · " in mail.text
    assert "Hello Dana, see https://shop.example.com/help" in mail.text
    assert "Team (automatisch) · " in mail.text
    assert "my secret" not in mail.text
    ((status, payload, lane),) = jobs(shop)
    assert (status, payload.keys()) == ("done", {"conversation_id"})
    with shop.database.read() as tx:
        assert not [one for one in tx.session.query(Lane) if TO in one.key]
    assert TO not in lane


@pytest.mark.on_sqlite
def test_what_a_visitor_wrote_adds_no_header_no_markup_and_no_link(shop, dana):
    dana.post("transcript", to=TO)
    shop.settle()
    (mail,) = shop.mailer.sent
    message = message_of(mail, Sender.of("Handoff <h@example.com>"), datetime.now(UTC))
    assert message["Bcc"] is None
    assert message["To"] == TO
    assert "<b>hello" not in mail.html
    assert "&lt;b&gt;hello" in mail.html
    for body in (mail.text, mail.html):
        assert "evil.example" not in body


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("see evil。com now", "see […] now"),
        ("evil\uff0ecom/a", "[…]"),
        ("www.evil.com http://evil".translate(WIDE), "[…] […]"),
        ("例え。com。jp", "[…]"),
        ("evil.co\u00adm", "[…]"),
        ("a http://localhost/x xhttps://1.2.3.4/x", "a […] […]"),
        ("उदाहरण.भारत", "[…]"),
        *[(prose, prose) for prose in ("今天很好。谢谢你", "です\uff0eまた")],
        ("e.g. ½ 3.14 wait…what a.m. ①", "e.g. ½ 3.14 wait…what a.m. ①"),
    ],
)
@pytest.mark.on_sqlite
def test_an_address_is_hidden_however_its_full_stops_are_written_and_other_words_stay(
    shop, dana, said, shown
):
    dana.says(said)
    shop.settle()
    dana.post("transcript", to=TO)
    shop.settle()
    assert f"  {shown}\n" in shop.mailer.sent[0].text


@pytest.mark.on_sqlite
def test_a_file_name_carries_no_address(shop, dana):
    headers = dana.headers | {"Content-Type": "image/png"}
    for name in ("visit evil.example.png", "cat.png"):
        where = f"/chat/files?id={uuid.uuid4()}&name={name}"
        assert shop.client.post(where, data=PNG, headers=headers).status_code == 202
    shop.settle()
    dana.post("transcript", to=TO)
    shop.settle()
    assert "[visit […].png]" in shop.mailer.sent[0].text
    assert "[cat.png]" in shop.mailer.sent[0].text


@pytest.mark.on_sqlite
def test_a_copy_is_bounded_and_keeps_the_last_messages(shop, dana, monkeypatch):
    monkeypatch.setattr(transcripts, "MOST_CHARACTERS", 80)
    for text in ("older" * 8, "newer" * 8, "last" * 9):
        dana.says(text)
    shop.settle()
    dana.post("transcript", to=TO)
    shop.settle()
    (mail,) = shop.mailer.sent
    said = [one for one in ("hello", "older", "newer", "last") if one in mail.text]
    assert said == ["newer", "last"]


@pytest.mark.on_sqlite
def test_a_copy_is_written_after_the_transaction(shop, dana, monkeypatch):
    during = []

    def render(plan):
        with shop.database.write() as tx:  # waits for ever inside another one
            during.append(tx.session.query(Work).count() > 0)
        return made(plan)

    made = transcripts._mail
    monkeypatch.setattr(transcripts, "_mail", render)
    dana.post("transcript", to=TO)
    shop.settle()
    assert during == [True]
    assert len(shop.mailer.sent) == 1


@pytest.mark.on_both
def test_the_same_conversation_goes_to_an_address_once(shop, dana):
    for to in (TO, TO.upper(), "other@example.com"):
        assert dana.post("transcript", to=to).status_code == 202
        shop.settle()
    assert [mail.to for mail in shop.mailer.sent] == [TO, "other@example.com"]


@pytest.mark.on_sqlite
def test_a_conversation_that_went_on_goes_to_the_same_address_again(shop, dana):
    for author in (shop.replies, dana.says):
        dana.post("transcript", to=TO)
        shop.settle()
        author("One more thing")
        shop.settle()
    dana.post("transcript", to=TO)
    shop.settle()
    assert [mail.text.count("One more thing") for mail in shop.mailer.sent] == [0, 1, 2]


@pytest.mark.on_sqlite
def test_what_could_not_be_sent_can_be_requested_again(shop, dana):
    shop.mailer.troubles.append(MailError("552 full", permanent=True, code="552"))
    for _ in range(2):
        dana.post("transcript", to=TO)
        shop.settle()
    assert [mail.to for mail in shop.mailer.sent] == [TO]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "dana",
        "dana@example.com\r\nBcc: x@evil.example",
        "dana@example.com, x@evil.example",
        "Dana <dana@example.com>",
        "dana@localhost",
        '"a b"@example.com',
        "dana@exämple.com",
        "dana@example.com\0",
        "=?utf-8?q?x?=@example.com@example.com",
        "x" * 65 + "@example.com",
        "dana@" + "a." * 140 + "example",
        7,
        ["dana@example.com"],
    ],
    ids=str,
)
@pytest.mark.on_sqlite
def test_what_is_no_address_is_refused(shop, dana, to):
    answer = dana.post("transcript", to=to)
    assert answer.status_code == 400
    assert jobs(shop) == []


@pytest.mark.on_sqlite
def test_only_a_session_gets_a_conversation_and_only_one_that_was_answered(shop):
    assert Browser(shop.client).post("transcript", to=TO).status_code == 401
    browser = shop.browser()
    browser.says("buy at my shop")
    assert browser.post("transcript", to=TO).status_code == 400
    assert jobs(shop) == []


@pytest.mark.on_sqlite
def test_a_visitor_and_an_address_get_only_a_few(shop, dana):
    answers = [dana.post("transcript", to=f"{n}@example.com") for n in range(4)]
    assert [one.status_code for one in answers] == [202] * 3 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 60
    statuses = []
    for _ in range(4):
        browser = shop.browser()
        browser.says("hello")
        shop.settle()
        statuses.append(browser.post("transcript", to="Same@example.com").status_code)
    assert statuses == [202] * 3 + [429]


@pytest.mark.on_sqlite
def test_a_refused_address_is_forgotten_and_the_agents_read_that_nothing_was_sent(shop, dana):
    shop.mailer.troubles.append(MailError(f"550 no {TO}", permanent=True, code="550"))
    dana.post("transcript", to=TO)
    shop.settle()
    ((status, payload, _),) = jobs(shop)
    assert (status, payload.keys()) == ("failed", {"conversation_id"})
    posts = [post.text for posts in shop.desk.threads.values() for post in posts]
    assert any("could not be sent. (550)" in text for text in posts)
    assert not any(TO in text for text in posts)


@pytest.mark.on_both
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_visitor_reads_in_the_chat_that_their_copy_was_not_sent(shop, dana, language):
    with shop.database.write() as tx:
        tx.session.query(Conversation).one().language = language
    shop.mailer.troubles.append(MailError(f"550 no {TO}", permanent=True, code="550"))
    dana.post("transcript", to=TO)
    shop.settle()
    assert dana.sees()[-1] == ("system", default(Moment.COPY_NOT_SENT, language).template)


@pytest.mark.on_sqlite
def test_a_visitor_whose_conversation_is_closed_reads_it_too_and_may_ask_again(shop, dana):
    shop.take(Step.RESOLVE)
    shop.mailer.troubles.append(MailError("550", permanent=True, code="550"))
    dana.post("transcript", to=TO)
    shop.settle()
    assert dana.sees()[-1][1] == default(Moment.COPY_NOT_SENT, "en").template
    dana.post("transcript", to=TO)
    shop.settle()
    assert [mail.to for mail in shop.mailer.sent] == [TO]


@pytest.mark.on_sqlite
def test_without_a_mail_server_it_is_off(shop, dana, monkeypatch):
    assert Browser(shop.client).begin().json["transcript"] is True
    monkeypatch.setattr(shop.core.transcripts, "is_on", False)
    assert Browser(shop.client).begin().json["transcript"] is False
    assert dana.post("transcript", to=TO).status_code == 404
    assert jobs(shop) == []
