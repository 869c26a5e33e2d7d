"""Channels that let us answer freely for a while only: until when, a word before, templates afterwards."""

import pytest
from sqlmodel import select

from handoff_bot.domain.desk import Button
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import DeliveryStatus, Limits
from handoff_bot.domain.replies import MessageTemplate
from handoff_bot.services.delivery import reachability
from handoff_bot.services.replies.message_templates import Part, TemplateOptions
from handoff_bot.storage.models import Work
from tests.fakes import OutcomeUnknownAfter

pytestmark = pytest.mark.on_sqlite

NEWS = MessageTemplate(
    "News", "HX" + "1" * 32, "Hi {{1}}, your order {{2}} has news.", {"1": "Name"}
)
VALUES = {"1": "Dana", "2": "4711"}


@pytest.fixture
def talk(house, ana):
    """Ana talks to a customer on a channel that closes after a day."""
    house.channel.limits = Limits(
        text=30, reply_window_hours=24, templates=True, window_codes=frozenset({"63016"})
    )
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    return house


@pytest.fixture
def closed(talk, ana):
    """A day and an hour later she answers."""
    talk.clock.advance(hours=25)
    talk.before = len(talk.channel.taken)
    talk.replies(ana, "Are you there?")
    return talk


def sent(house):
    return [(m.text, m.template) for m, _ in house.channel.taken[house.before :]]


def ticks(house):
    house.core.scheduler.tick(reachability.CLOSING)
    house.settle()


def nudges(house):
    return [text for text in house.desk.said("notice") if text == reachability.NUDGE]


def test_the_card_says_until_when(talk):
    opened = talk.clock.at
    assert (talk.desk.card.window_closes_at - opened).total_seconds() == 24 * 3600
    talk.clock.advance(hours=3)
    talk.says("Hello?")
    assert (talk.desk.card.window_closes_at - talk.clock.at).total_seconds() == 24 * 3600


def test_it_is_not_redrawn_for_every_message(talk):
    talk.says("One thing")
    before = talk.desk.shown
    talk.clock.advance(minutes=5)
    talk.says("And another thing")
    assert talk.desk.shown == before


@pytest.mark.on_both
def test_a_message_that_is_delivered_again_does_not_keep_it_open(talk):
    said = talk.says("Hello?")
    closes_at = talk.desk.card.window_closes_at
    talk.clock.advance(hours=5)
    with talk.database.write() as tx:  # so that the inbox does not know it any more
        for row in tx.session.execute(select(Work).where(Work.kind == "inbound")).scalars():
            tx.session.delete(row)
    talk.says("Hello?", provider_id=said)
    talk.says("x", address="+15550009")
    assert talk.desk.cards[talk.desk.place].window_closes_at == closes_at


def test_a_channel_without_a_window_has_none(house):
    house.says("a human please")
    assert house.desk.card.window_closes_at is None


@pytest.mark.on_both
def test_an_hour_before_its_end_the_thread_is_told_once(talk):
    talk.clock.advance(hours=22)
    ticks(talk)
    assert nudges(talk) == []
    for _ in range(5):
        talk.clock.advance(minutes=16)
        ticks(talk)
    assert len(nudges(talk)) == 1
    (post,) = [
        p for posts in talk.desk.threads.values() for p in posts if p.text == reachability.NUDGE
    ]
    assert post.mentions == ("UANA",)


def test_when_the_customer_writes_again_it_is_told_again_in_its_time(talk):
    talk.clock.advance(hours=23, minutes=30)
    ticks(talk)
    talk.says("I am here")
    ticks(talk)
    assert len(nudges(talk)) == 1
    talk.clock.advance(hours=23, minutes=30)
    ticks(talk)
    assert len(nudges(talk)) == 2


def test_what_is_closed_is_not_told_of(talk, ana):
    talk.take(Step.RESOLVE, ana)
    talk.clock.advance(hours=23, minutes=30)
    ticks(talk)
    assert nudges(talk) == []


def test_after_its_end_free_text_is_not_even_tried(closed):
    assert sent(closed) == []
    assert reachability.WORDS in closed.desk.said("failure")[0]
    assert closed.desk.button(Button.RETRY) == closed.desk.button(Button.USE_TEMPLATE)


def test_when_the_provider_knows_better_templates_are_offered_too(talk, ana):
    talk.replies(ana, "Hello")
    talk.reports(DeliveryStatus.FAILED, talk.last_sent(), error_code="63016", error="Too late.")
    assert talk.desk.button(Button.USE_TEMPLATE)


def test_for_other_failures_they_are_not(talk, ana):
    talk.replies(ana, "Hello")
    talk.reports(DeliveryStatus.FAILED, talk.last_sent(), error_code="30003", error="Off.")
    assert talk.desk.button(Button.RETRY)
    with pytest.raises(AssertionError):
        talk.desk.button(Button.USE_TEMPLATE)


def test_once_the_customer_writes_it_can_be_retried(closed, ana):
    closed.says("Yes?")
    closed.core.decisions.retry(int(closed.desk.button(Button.RETRY)), ana)
    closed.settle()
    assert sent(closed) == [("Are you there?", None)]


# -- templates


@pytest.fixture
def with_news(closed):
    assert closed.core.templates.save(NEWS, "", "UMIA") is None
    return closed


def use(house, agent, values=VALUES, key="V1"):
    message_id = int(house.desk.button(Button.USE_TEMPLATE))
    outcome = house.core.templates.send(message_id, agent, "News", values, key)
    house.settle()
    return outcome


def test_a_template_leaves_though_the_window_is_closed(with_news, ana):
    assert use(with_news, ana).done
    ((text, template),) = sent(with_news)
    assert text == "Hi Dana, your order 4711 has news."
    assert (template.content_sid, template.variables) == (NEWS.content_sid, VALUES)
    assert text in with_news.desk.said("ours")


@pytest.mark.on_both
def test_it_is_sent_once_and_in_one_piece_however_long_it_is(with_news, ana):
    long = {"1": "D" * 100, "2": "4" * 100}
    assert use(with_news, ana, long).done
    assert use(with_news, ana, long).done
    assert len(sent(with_news)) == 1


def test_somebody_else_cannot_send_one(with_news, ben):
    assert "Ana has this conversation" in use(with_news, ben).text
    assert sent(with_news) == []


def test_after_an_answer_that_got_lost_it_is_looked_up(with_news, ana):
    with_news.channel.troubles = [OutcomeUnknownAfter("no answer")]
    use(with_news, ana)
    with_news.clock.advance(seconds=30)
    with_news.settle()
    assert len(sent(with_news)) == 1


def test_a_template_that_failed_is_retried_as_one(with_news, ana):
    use(with_news, ana)
    with_news.reports(DeliveryStatus.FAILED, with_news.last_sent(), error_code="30008", error="?")
    with_news.core.decisions.retry(int(with_news.desk.button(Button.RETRY)), ana)
    with_news.settle()
    assert [template.content_sid for _, template in sent(with_news)] == [NEWS.content_sid] * 2


@pytest.mark.parametrize(
    "values", [{}, {"1": "Dana"}, {"1": "Dana", "2": "a\nb"}], ids=["none", "one", "lines"]
)
def test_without_proper_values_nothing_leaves(with_news, ana, values):
    assert not use(with_news, ana, values).done
    assert sent(with_news) == []


def test_where_there_is_nothing_to_send_instead_of_it_is_said(with_news, ana):
    assert not with_news.core.templates.send(4711, ana, "News", VALUES, "V1").done
    message_id = int(with_news.desk.button(Button.USE_TEMPLATE))
    assert isinstance(with_news.core.templates.chance(message_id), TemplateOptions)
    assert "deleted" in with_news.core.templates.send(message_id, ana, "Olds", {}, "V1").text
    with_news.channel.limits = Limits(text=30)
    assert "cannot be sent" in with_news.core.templates.chance(message_id).text
    with_news.take(Step.RESOLVE, ana)
    assert not with_news.core.templates.chance(message_id).done


# -- keeping them


@pytest.mark.on_both
def test_a_name_stands_for_one_template(house):
    kept = house.core.templates
    assert kept.save(NEWS, "", "UMIA") is None
    assert kept.save(MessageTemplate("news", NEWS.content_sid, "Hi"), "", "UMIA")[0] is Part.NAME
    assert kept.save(MessageTemplate("Olds", NEWS.content_sid, "Hi"), "News", "UMIA") is None
    assert [one.name for one in kept.every()] == ["Olds"]
    kept.delete("Olds", "UMIA")
    assert kept.every() == ()


@pytest.mark.on_both
def test_what_is_stored_wrongly_is_not_there(house):
    house.core.preferences.change("templates", [{"name": "x"}, 7, {"name": ""}], "UMIA")
    assert house.core.templates.every() == ()
    house.core.preferences.change("templates", "nonsense", "UMIA")
    assert house.core.templates.every() == ()


def test_fifty_are_enough(house):
    kept = house.core.templates
    for number in range(50):
        assert kept.save(MessageTemplate(f"T{number}", NEWS.content_sid, "Hi"), "", "UMIA") is None
    assert kept.save(NEWS, "", "UMIA")[0] is Part.NAME
