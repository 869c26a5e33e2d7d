"""What every channel owes the core, whoever its provider is. A new channel passes this suite, or is none."""

import logging
from datetime import UTC, datetime

import pytest
import responses

from handoff_bot.channels import CHANNELS
from handoff_bot.domain.errors import DeliveryError, Malformed, Unauthentic
from handoff_bot.domain.messages import DeliveryStatus, DeliveryUpdate, InboundMessage, Media
from tests.channels.drivers import DRIVERS

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(params=CHANNELS)
def provider(request):
    """The provider of every channel in turn."""
    return DRIVERS[request.param](request.param)


@pytest.fixture
def channel(provider):
    return provider.channel()


@pytest.fixture
def network():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def test_it_knows_its_kind_and_its_limits(provider, channel):
    assert channel.kind == provider.kind
    assert channel.limits.text > 0


def test_what_is_not_authentic_is_refused_before_anything_is_read(provider, channel):
    for forgery in provider.forgeries():
        with pytest.raises(Unauthentic):
            channel.receive(forgery)


def test_a_message_says_who_wrote_what_word_for_word(provider, channel):
    text = "  Two\n lines 😀 <!channel> <b>&amp;\n"
    (message,) = channel.receive(provider.message(text))
    assert isinstance(message, InboundMessage)
    assert message.channel == provider.kind
    assert message.address
    assert message.text == text
    assert message.consent is None


def test_the_same_message_has_the_same_id_however_often_it_comes(provider, channel):
    request = provider.message()
    assert channel.receive(request) == channel.receive(request)


def test_a_message_that_lacks_what_it_must_hold_is_malformed_and_says_so(provider, channel):
    for name in provider.needed:
        with pytest.raises(Malformed, match=name):
            channel.receive(provider.message(without=name))


def test_a_report_says_how_far_which_message_is(provider, channel):
    for word in provider.statuses:
        (news,) = channel.receive(provider.report(word))
        assert isinstance(news, DeliveryUpdate)
        assert (news.channel, news.status) == (provider.kind, DeliveryStatus(word))
        assert news.oid == ("our-id" if provider.has_oids else "")
        assert news.oid or news.provider_id


def test_what_was_sent_has_a_receipt(provider, channel, network):
    provider.answers(network)
    receipt = channel.send(provider.outbound())
    assert receipt.provider_id
    assert receipt.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.SENT)


def test_it_can_be_asked_what_became_of_a_message(provider, channel, network):
    provider.answers(network)
    for receipt in channel.sent_since(provider.outbound(), NINE):
        assert receipt.provider_id


def test_nothing_shows_a_secret(provider, channel):
    shown = f"{channel!r} {vars(channel)!r}"
    for secret in provider.secrets:
        assert secret not in shown


def test_nothing_is_logged_that_names_a_customer_or_holds_a_secret(
    provider, channel, network, caplog
):
    caplog.set_level(logging.DEBUG)
    provider.answers(network)
    (message,) = channel.receive(provider.message("my secret words"))
    channel.send(provider.outbound())
    for forgery in provider.forgeries():
        with pytest.raises(Unauthentic):
            channel.receive(forgery)
    logged = "".join(str(vars(record)) for record in caplog.records)
    for private in ("my secret words", message.address, *provider.secrets):
        assert private not in logged


def test_a_file_at_an_address_that_is_nobodys_is_refused_for_good(channel):
    with responses.RequestsMock() as nobody, pytest.raises(DeliveryError) as error:
        channel.fetch(Media("http://169.254.169.254/", "image/jpeg"))
    assert error.value.permanent
    assert str(error.value)
    assert len(nobody.calls) == 0
