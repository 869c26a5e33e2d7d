"""People's photos, fetched from Slack by the bot: only Slack's hosts, only small pictures."""

import pytest

from handoff_bot.domain.errors import DeskError
from handoff_bot.slack.client.files import LARGEST
from handoff_bot.slack.client.web_client import KeptAliveClient
from handoff_bot.slack.desk import SlackDesk
from handoff_sandbox.slack import SlackStandIn
from tests.samples import PNG

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def slack():
    stand_in = SlackStandIn().start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def ana(slack):
    return slack.add_person("ana", "Ana")


@pytest.fixture
def desk(slack, clock) -> SlackDesk:
    client = KeptAliveClient(token=slack.bot_token, base_url=slack.api_url)
    return SlackDesk(client, "CQUEUE", clock)


def test_a_photo_that_a_person_has_chosen_is_fetched(slack, ana, desk):
    assert desk.photo(ana) is None
    slack.add_photo(ana, PNG)
    found = desk.photo(ana)
    assert (found.content_type, found.data) == ("image/png", PNG)


@pytest.mark.parametrize("content", [b"<script>alert(1)</script>", PNG + b"x" * LARGEST], ids=len)
def test_what_is_no_small_picture_is_not_shown(slack, ana, desk, content):
    slack.add_photo(ana, content)
    assert desk.photo(ana) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/a.png",
        "https://evil.example/a.png",
        "https://slack-edge.com.evil.example/a.png",
        "http://avatars.slack-edge.com/a.png",
        "https://avatars.slack-edge.com:444/a.png",
        "https://avatars.slack-edge.com\\@evil.example/a.png",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_slacks_own_hosts_are_asked(slack, ana, desk, monkeypatch, url):
    slack.add_photo(ana, PNG)
    slack.person(ana).photo_url = url

    def asked(*_args, **_more):
        raise AssertionError("another host was asked")

    monkeypatch.setattr("handoff_bot.slack.client.files.requests.get", asked)
    assert desk.photo(ana) is None


def test_slack_in_trouble_is_an_error_and_no_missing_photo(slack, ana, desk):
    slack.stop()
    with pytest.raises(DeskError):
        desk.photo(ana)
