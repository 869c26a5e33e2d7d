"""How often the stand-in lets the bot call, when it counts."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handoff_sandbox.slack import SlackStandIn
from handoff_sandbox.slack.api.rates import POST_BURST, TIER_3, TIERS, Rates
from tests.sandbox.slack.conftest import TIMEOUT, Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rates(clock):
    return Rates(clock)


def test_a_channel_takes_a_short_burst_of_posts_and_then_one_a_second(rates, clock):
    def post(channel="C1"):
        return rates.wait_for("chat.postMessage", channel)

    assert [post() for _ in range(POST_BURST + 1)] == [0] * POST_BURST + [1]
    assert post("C2") == 0
    clock.pass_by(1)
    assert [post(), post()] == [0, 1]


def test_a_tier_is_kept_over_a_minute(rates, clock):
    passed = 0
    for _ in range(600):
        passed += rates.wait_for("chat.update", "C1") == 0
        clock.pass_by(0.1)
    assert passed == pytest.approx(TIER_3 + TIER_3 // 5, abs=1)


def test_the_wait_that_is_asked_for_is_long_enough(rates, clock):
    while (wait := rates.wait_for("pins.add", "C1")) == 0:
        pass
    assert wait == 3
    clock.pass_by(wait)
    assert rates.wait_for("pins.add", "C1") == 0


def test_methods_are_counted_apart(rates):
    while rates.wait_for("users.list", "") == 0:
        pass
    assert rates.wait_for("users.info", "") == 0


def test_a_method_without_a_tier_passes(rates):
    assert "auth.test" not in TIERS
    assert {rates.wait_for("auth.test", "") for _ in range(1000)} == {0}


def test_too_many_posts_are_answered_with_429_and_do_nothing():
    with SlackStandIn(enforce_limits=True, now=Clock()) as slack:
        queue = slack.add_channel("queue", [slack.bot_user])
        client = WebClient(slack.bot_token, base_url=slack.api_url, timeout=TIMEOUT)
        for _ in range(POST_BURST):
            client.chat_postMessage(channel=queue, text="Hi")
        with pytest.raises(SlackApiError) as caught:
            client.chat_postMessage(channel=queue, text="Hi")
        assert caught.value.response.status_code == 429
        assert int(caught.value.response.headers["Retry-After"]) == 1
        assert caught.value.response["error"] == "ratelimited"
        assert len(slack.messages(queue)) == POST_BURST
