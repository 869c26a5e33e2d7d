"""Addresses that look like a vendor's and lead elsewhere: no key may ever follow them."""

from urllib.parse import urlsplit

import pytest
import requests
import responses
import urllib3
from slack_sdk.web import WebClient
from urllib3.util import parse_url

from handoff_bot.channels._twilio_http import ApiHttp
from handoff_bot.channels.sms import sms
from handoff_bot.domain.errors import DeliveryError, DeskError, Malformed
from handoff_bot.domain.files import DeskFile, File
from handoff_bot.domain.messages import Media
from handoff_bot.domain.web_requests import WebAddress, is_for_keys
from handoff_bot.slack.client.files import SlackFiles
from tests.channels.builders import ACCOUNT

EVIL = "evil.example"
HOMES = (".twilio.com", ".twiliocdn.com")

HOSTILE = [
    # userinfo, and what some readers take for it
    "https://{evil}\\@a.{home}/f",
    "https://{evil}\\\\@a.{home}/f",
    "https://a.{home}@{evil}/f",
    "https://a.{home}:443@{evil}/f",
    "https://a.{home}%40{evil}/f",
    "https://a.{home}\\@{evil}/f",
    "https://user:pass@a.{home}@{evil}/f",
    "https://@{evil}/a.{home}",
    "https://:@{evil}/a.{home}",
    "https://a.{home}:@{evil}/f",
    "https://{evil}\\.a.{home}/f",
    "https://{evil}/\\@a.{home}/f",
    "https:\\\\{evil}\\a.{home}/f",
    "https:/\\{evil}/a.{home}",
    # what ends the host for one reader and not for another
    "https://{evil}#@a.{home}/f",
    "https://{evil}?@a.{home}/f",
    "https://{evil}#.{home}/f",
    "https://{evil}?.{home}/f",
    "https://{evil};a.{home}/f",
    "https://{evil}&.{home}/f",
    "https://{evil}%2f.{home}/f",
    "https://{evil}%5c.{home}/f",
    "https://{evil}%23.{home}/f",
    "https://{evil}%3f.{home}/f",
    "https://{evil}%00.{home}/f",
    "https://{evil}|.{home}/f",
    "https://{evil}`.{home}/f",
    "https://{evil}<.{home}/f",
    'https://{evil}".{home}/f',
    "https://{evil}^.{home}/f",
    "https://{evil}{{.{home}/f",
    # blanks and controls, which readers strip, or stop at
    " https://{evil}/a.{home}",
    "https://{evil} .{home}/f",
    "https://{evil}\t.{home}/f",
    "https://{evil}\n.{home}/f",
    "https://{evil}\r\n.{home}/f",
    "https://{evil}\x00.{home}/f",
    "https://{evil}\x0b@a.{home}/f",
    "https://{evil}\xa0.{home}/f",
    "ht\ntps://{evil}/a.{home}",
    "\x01https://{evil}/a.{home}",
    "https://a.{home}\r\nHost: {evil}/f",
    "https://a.{home}/f\r\nX-Forwarded-Host: {evil}",
    # letters that become others
    "https://{evil}\uff0f.{home}/f",
    "https://{evil}\uff1f.{home}/f",
    "https://{evil}\uff03.{home}/f",
    "https://{evil}\uff20a.{home}/f",
    "https://{evil}\u2044.{home}/f",
    "https://{evil}\u2100.{home}/f",
    "https://{evil}\uff3c.{home}/f",
    "https://a\u3002{evil}/.{home}",
    "https://a.{home}\u3002{evil}/f",
    "https://a.{home}\uff0e{evil}/f",
    "https://a.{home}\u200b.{evil}/f",
    "https://a.{home}\xad/f",
    "https://\u0430.{home}.{evil}/f",
    "https://a.{home}\udcff/f",
    # names that only begin or end like it
    "https://a.{home}.{evil}/f",
    "https://evil{home}/f",
    "https://{evil}/https://a.{home}/f",
    "https://{evil}/?next=https://a.{home}/",
    "https://a.{home}-{evil}/f",
    "https://a.{home}../f",
    "https://a.{home}./f",
    "https://.{home}/f",
    "https://a..{home}/f",
    "https://-{evil}-.{home}\t/f",
    # ports and schemes
    "https://a.{home}:8443/f",
    "https://a.{home}:80/f",
    "https://a.{home}:0443/f",
    "https://a.{home}:0/f",
    "https://a.{home}:99999/f",
    "https://a.{home}:-1/f",
    "https://a.{home}:+443/f",
    "https://a.{home}:4 43/f",
    "https://a.{home}:\u0664\u0664\u0663/f",
    "https://a.{home}:443:80/f",
    "http://a.{home}/f",
    "HTTP://a.{home}/f",
    "ftp://a.{home}/f",
    "file:///etc/passwd?a.{home}",
    "//a.{home}/f",
    "//{evil}/a.{home}",
    "https:a.{home}/f",
    "https:///a.{home}/f",
    "https:////{evil}/a.{home}",
    "javascript:https://a.{home}/f",
    # numbers
    "https://127.0.0.1/a.{home}",
    "https://127.1/a.{home}",
    "https://2130706433/a.{home}",
    "https://0x7f000001/a.{home}",
    "https://017700000001/a.{home}",
    "https://[::1]/a.{home}",
    "https://[::ffff:127.0.0.1]/a.{home}",
    "https://[::1%25a.{home}]/f",
    "https://[a.{home}]/f",
    "https://[{evil}]a.{home}/f",
    "https://169.254.169.254/latest/a.{home}",
    # sizes
    "https://" + "a." * 200 + "{evil}/a.{home}",
    "https://a.{home}/" + "x" * 5000,
    "https://" + "a" * 64 + ".{home}/f",
    "",
    "https://",
    "a.{home}",
]


def addresses(home: str) -> list[str]:
    return [text.format(evil=EVIL, home=home) for text in HOSTILE]


@pytest.fixture
def connections(monkeypatch) -> list[tuple[str, int]]:
    """Where the HTTP client really connects to; nobody is there."""
    made: list[tuple[str, int]] = []

    def connect(address, *args, **more):
        made.append(address)
        raise OSError("nobody is there")

    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return made


def is_at(home: str, address: tuple[str, int]) -> bool:
    host, port = address
    return (host == home or host.endswith(f".{home}")) and port == 443


def test_the_table_is_large_and_two_parsers_disagree_on_it(connections):
    found = addresses("slack.com")
    assert len(found) == len(set(found)) >= 60
    misled = 0
    for url in found:
        try:
            seen = urlsplit(url).hostname or ""
            requests.get(url, timeout=1)
        except (requests.RequestException, ValueError, OSError):
            misled += (
                bool(connections)
                and seen.endswith(".slack.com")
                and not is_at("slack.com", connections[-1])
            )
        connections.clear()
    assert misled >= 1


@pytest.mark.parametrize("url", addresses("slack.com"), ids=ascii)
def test_the_bot_token_goes_to_slack_only(connections, url):
    files = SlackFiles(WebClient(token="xoxb-secret", base_url="https://slack.com/api/"))
    with pytest.raises(DeskError) as error:
        files.download(DeskFile("F1", "x.png", "image/png", 3, url or "https://"), 100)
    with pytest.raises(DeskError):
        files._send(url, File("x.png", "image/png", b"abc"))
    assert connections == []
    assert error.value.permanent


@pytest.mark.parametrize("url", addresses("twiliocdn.com") + addresses("twilio.com"), ids=ascii)
def test_a_redirect_of_twilios_leads_to_twilio_only(url):
    first = (
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT.account_sid}/Messages/MM1/Media/ME1"
    )
    with responses.RequestsMock() as api:
        sent = url.encode("utf-8", "surrogatepass").decode("latin-1")  # as bytes arrive
        api.get(first, status=302, headers={"Location": sent})
        with pytest.raises((DeliveryError, requests.ConnectionError)):
            sms(ACCOUNT).fetch(Media(first, "image/png"))
        asked = [parse_url(str(call.request.url)) for call in api.calls]
        assert all((one.host or "").endswith(HOMES) for one in asked)


@pytest.mark.parametrize("url", addresses("twilio.com"), ids=ascii)
def test_the_next_page_of_a_list_is_asked_of_twilio_only(connections, url):
    with pytest.raises(Exception):  # noqa: B017, PT011 - refused, or nobody is there
        ApiHttp(1.0).request("GET", url, auth=("SK", "secret"))
    assert all(is_at("twilio.com", one) for one in connections)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://files.slack.com/files-pri/T1-F1/x.png?t=1#x", None),
        ("HTTPS://Files.Slack.com:443/a%20b", "https://files.slack.com/a%20b"),
        ("https://files.slack.com?x=1", "https://files.slack.com?x=1"),
        ("https://files.slack.com", "https://files.slack.com/"),
    ],
)
def test_an_address_is_rebuilt_from_its_checked_parts(url, asked):
    assert str(WebAddress.parse(url)) == (asked or url.partition("#")[0])


@pytest.mark.parametrize("url", addresses("slack.com"), ids=ascii)
def test_what_is_accepted_is_where_the_client_connects(connections, url):
    try:
        address = WebAddress.parse(url)
    except Malformed:
        return
    with pytest.raises(requests.RequestException):
        requests.get(str(address), timeout=1)
    host, port = connections[-1]
    assert (host, port) == (address.origin.host.strip("[]"), address.origin.port)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://api.openai.com/v1", True),
        ("http://127.0.0.1:4000/v1", True),
        ("http://localhost:4000", True),
        ("http://[::1]:4000", True),
        ("http://api.openai.com/v1", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://localhost@evil.example/", False),
        ("https://user:pass@crm.example/", False),
        ("ftp://127.0.0.1/", False),
        ("https://crm.example\\@evil.example/", False),
    ],
)
def test_keys_are_sent_by_https_or_within_this_machine(url, right):
    assert is_for_keys(url) is right
