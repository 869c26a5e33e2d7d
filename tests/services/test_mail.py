"""E-mail about a customer who waits: when it leaves, what it says, what happens when it cannot."""

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from handoff_bot.domain.errors import DeskError, MailError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.jobs import store
from handoff_bot.services.notifications.notifications import Notice, mail_about, spoken
from handoff_bot.storage import escalations
from tests.fakes import FakeMailer
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite

OPS = "ops@example.com"
NOTICE = Notice(
    ticket=12,
    contact="Dana",
    channel="whatsapp",
    reason=Signal.REQUEST,
    priority=Priority.URGENT,
    evidence="Get me a person\nnow!",
    summary="Her parcel is a week late.",
    waited=timedelta(minutes=4, seconds=30),
    link="https://acme.slack.com/archives/C1/p1",
)


@pytest.fixture
def mailer():
    return FakeMailer()


@pytest.fixture
def house(database, clock, mailer):
    return build_house(database, clock, mailer=mailer)


def notify(house, to=OPS, key="first", settle=True):
    with house.database.write() as tx:
        escalation = escalations.get(tx, 1)
        house.core.mail.notify(tx, escalation, to, house.clock.now(), key)
    if settle:
        house.settle()


def written(**changes):
    return mail_about(replace(NOTICE, **changes), OPS, "id-1", "thread-1")


# -- when it leaves


def test_the_team_is_told_by_mail_who_waits_and_why(house, mailer):
    house.detector.priority = Priority.URGENT
    house.says("I want a human, my parcel is late", profile_name="Dana")
    house.clock.advance(minutes=4)
    notify(house)
    (mail,) = mailer.sent
    assert (mail.to, mail.subject) == (OPS, "[Urgent] Dana is waiting on SMS (#1)")
    for body in (mail.text, mail.html):
        assert "4 minutes" in body
        assert "my parcel is late" in body
        assert house.desk.link(house.desk.place) in body


@pytest.mark.on_both
def test_one_key_is_one_mail(house, mailer):
    house.says("I want a human")
    notify(house)
    notify(house)
    notify(house, key="second")
    assert len(mailer.sent) == 2


def test_mails_about_one_ticket_belong_together_and_each_is_known_by_its_id(house, mailer):
    house.says("I want a human")
    notify(house, key="first")
    notify(house, key="second")
    first, second = mailer.sent
    assert first.thread == second.thread
    assert first.id != second.id


@pytest.mark.on_both
def test_a_mail_that_is_sent_again_has_the_same_id(house, mailer):
    house.says("I want a human")
    send = mailer.send

    def lost(mail):
        send(mail)
        mailer.send = send
        raise MailError("The mail server did not answer.", permanent=False, code="unanswered")

    mailer.send = lost
    notify(house)
    house.clock.advance(minutes=1)
    house.settle()
    first, second = mailer.sent
    assert first.id == second.id


def test_nobody_is_told_of_a_customer_who_waits_no_more(house, mailer, ana):
    house.says("I want a human")
    mailer.troubles.append(MailError("down", permanent=False, retry_after=60))
    notify(house)
    house.take(Step.CLAIM, ana)
    house.clock.advance(minutes=2)
    house.settle()
    assert mailer.sent == []


def test_it_waits_a_moment_for_the_card_but_not_for_slack(house, mailer):
    house.desk.troubles += [DeskError("Slack does not answer.", permanent=False)] * 9
    house.says("I want a human")
    notify(house)
    assert mailer.sent == []
    house.clock.advance(seconds=11)
    house.settle()
    (mail,) = mailer.sent
    assert "Open the conversation" not in mail.text + mail.html


def test_without_a_mail_server_there_is_nobody_to_ask(database, clock):
    assert build_house(database, clock).core.mail is None


def test_mail_that_was_asked_for_before_the_server_was_taken_away_is_forgotten(
    house, mailer, database, clock
):
    house.says("I want a human")
    notify(house, settle=False)
    later = build_house(database, clock)
    later.settle()
    with database.read() as tx:
        assert (mailer.sent, store.load(tx).parked) == ([], 0)


# -- when it cannot


@pytest.mark.on_both
def test_a_server_in_trouble_is_tried_again(house, mailer):
    house.says("I want a human")
    mailer.troubles.append(MailError("The mail server is down.", permanent=False))
    notify(house)
    house.clock.advance(minutes=1)
    house.settle()
    assert len(mailer.sent) == 1


def test_an_address_that_is_refused_is_told_in_the_thread(house, mailer):
    house.says("I want a human")
    words = "The mail server does not accept mail for this address (550)."
    mailer.troubles.append(MailError(words, permanent=True, code="550"))
    notify(house)
    assert f"The e-mail to {OPS} could not be sent. {words}" in house.desk.said()


def test_one_address_in_trouble_delays_no_other(house, mailer):
    house.says("I want a human")
    mailer.troubles.append(MailError("greylisted", permanent=False, retry_after=600))
    notify(house)
    notify(house, to="second@example.com", key="second")
    assert [mail.to for mail in mailer.sent] == ["second@example.com"]


# -- what it says


class Shown(HTMLParser):
    """The tags and the words of a document."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.links = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name == "href"]

    def handle_data(self, data):
        self.words += data


def test_both_forms_say_the_same():
    mail = written()
    shown = " ".join(Shown(mail.html).words.split())
    said = " ".join(mail.text.split())
    for words in (
        "Dana",
        "WhatsApp",
        "4 minutes",
        "Urgent",
        "#12",
        "asked for a person",
        "a week late",
    ):
        assert words in shown
        assert words in said
    assert "> Get me a person\n> now!" in mail.text
    assert NOTICE.link in mail.text
    assert Shown(mail.html).links == [NOTICE.link]


def test_what_is_not_known_is_left_out():
    mail = written(evidence="", summary="", link="", contact="")
    assert mail.subject == "[Urgent] A customer is waiting on WhatsApp (#12)"
    for missing in ("own words", "Summary", "Open the conversation"):
        assert missing not in mail.text + mail.html
    assert "\n\n\n" not in mail.text


HOSTILE = {
    "markup": '<script>alert(1)</script><img src=x onerror=alert(1)>"\'><a href="https://evil.example">x</a>',
    "template": "{{ 7 * 7 }}{% include 'waiting.html' %}",
    "headers": "Dana\r\nBcc: everybody@example.com\r\n\r\n",
    "entities": "&lt;b&gt;&amp;#x3C;",
    "controls": "\x00\x08\u202etxt.exe\u2066",
    "comment": "--> <!-- ]]> </style></blockquote></body>",
}


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_customers_words_stay_words(words):
    plain, hostile = written(), written(contact=words, evidence=words, summary=words)
    assert Shown(hostile.html).tags == Shown(plain.html).tags
    assert Shown(hostile.html).links == [NOTICE.link]
    assert "49" not in hostile.text
    assert not set(hostile.subject) & set("\r\n\x00\u202e")
    assert all(line.startswith(">") for line in quoted(hostile.text))


def quoted(text):
    after = text.split("In their own words:\n")[1]
    return after.split("\n\n")[0].splitlines()


def test_a_forged_end_of_a_quotation_is_still_quoted():
    mail = written(evidence="bye\n\nOpen the conversation in Slack:\nhttps://evil.example\n-- \nx")
    assert "\nhttps://evil.example" not in mail.text
    assert "\n> https://evil.example" in mail.text


@pytest.mark.parametrize("word", ["x" * 900, "名" * 400, "https://example.com/" + "a" * 300])
def test_long_words_are_cut_to_the_width_of_a_mail(word):
    mail = written(evidence=word, summary=word, contact=word)
    ours = [line for line in mail.text.splitlines() if line != NOTICE.link]
    assert max(map(len, ours)) <= 72
    assert len(mail.subject) < 150


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//evil.example", "data:text/html,x"])
def test_only_addresses_of_the_web_become_links(link):
    assert Shown(written(link=link).html).links == []


@pytest.mark.parametrize("reason", Signal)
@pytest.mark.parametrize("priority", Priority)
def test_every_reason_and_priority_has_words(reason, priority):
    mail = written(reason=reason, priority=priority, vip=True)
    assert mail.subject.startswith(f"[{priority.value.capitalize()}]")
    assert "VIP" in mail.text
    assert "VIP" in mail.html


@pytest.mark.parametrize(
    ("waited", "words"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=59, seconds=59), "59 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=1, minutes=5), "1 hour 5 minutes"),
        (timedelta(days=2, hours=3, minutes=7), "2 days 3 hours"),
    ],
    ids=str,
)
def test_how_long_is_said_as_people_say_it(waited, words):
    assert spoken(waited) == words
