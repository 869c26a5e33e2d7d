"""Files that customers send: behind credentials, at another host, and sometimes not there yet."""

from datetime import timedelta

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from handoff_bot.channels import TWILIO, TwilioAccount
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.files import safe_name
from handoff_bot.domain.messages import Media
from tests.samples import PDF

PICTURE = b"GIF89a"
TIMEOUT = 5


@pytest.fixture
def sent(twilio, bot):
    """The webhook of a picture and a document."""
    files = [("image/gif", PICTURE), ("application/pdf", b"%PDF")]
    twilio.customer_writes("sms", "+15550111", "Look", media=files)
    return bot.heard[0]


def get(twilio, url, **more):
    keys = (twilio.account_sid, twilio.auth_token)
    return requests.get(url, auth=keys, timeout=TIMEOUT, allow_redirects=False, **more)


def test_a_file_is_at_the_address_that_the_webhook_names(twilio, sent):
    assert sent["MediaUrl0"].startswith(twilio.server.url)
    answer = get(twilio, sent["MediaUrl0"])
    assert answer.status_code == 302
    there = requests.get(answer.headers["Location"], timeout=TIMEOUT)
    assert (there.content, there.headers["Content-Type"]) == (PICTURE, "image/gif")


def test_without_credentials_it_cannot_be_had(sent):
    assert requests.get(sent["MediaUrl0"], timeout=TIMEOUT).status_code == 401


def test_the_other_host_must_not_get_the_credentials(twilio, sent):
    where = get(twilio, sent["MediaUrl0"]).headers["Location"]
    assert get(twilio, where).status_code == 400


def test_a_file_may_not_be_there_yet(twilio, sent, clock):
    twilio.account.media_delay = timedelta(seconds=3)
    assert get(twilio, sent["MediaUrl0"]).status_code == 404
    clock.advance(seconds=3)
    assert get(twilio, sent["MediaUrl0"]).status_code == 302


def test_the_client_can_list_and_fetch_what_is_known_of_files(twilio, client, sent):
    message = client.messages(sent["MessageSid"])
    listed = message.media.list()
    assert [file.content_type for file in listed] == ["image/gif", "application/pdf"]
    fetched = message.media(listed[1].sid).fetch()
    assert (fetched.content_type, fetched.parent_sid) == ("application/pdf", sent["MessageSid"])
    assert message.fetch().num_media == "2"


def test_a_deleted_message_takes_its_files_with_it(twilio, client, sent):
    client.messages(sent["MessageSid"]).delete()
    assert get(twilio, sent["MediaUrl0"]).status_code == 404


def test_a_file_of_another_message_is_not_there(client, sent, twilio):
    other = twilio.customer_writes("sms", "+15550111", "Hi").message_sid
    file = sent["MediaUrl0"].rpartition("/")[2]
    with pytest.raises(TwilioRestException) as error:
        client.messages(other).media(file).fetch()
    assert error.value.code == 20404


def test_our_channel_fetches_it_as_twilio_wants_it_fetched(twilio, sent, clock):
    account = TwilioAccount(
        account_sid=twilio.account_sid,
        auth_tokens=(twilio.auth_token,),
        api_url=twilio.server.url,
        public_base_url=twilio.public_base_url,
    )
    channel = TWILIO["sms"](account)
    found = channel.fetch(Media(sent["MediaUrl0"], "image/gif"))
    assert (found.data, found.content_type) == (PICTURE, "image/gif")

    twilio.account.media_delay = timedelta(seconds=3)
    with pytest.raises(DeliveryError) as early:
        channel.fetch(Media(sent["MediaUrl0"], "image/gif"))
    assert not early.value.permanent


NAMES = {
    "Rechnung M\u00e4rz.pdf": "Rechnung M\u00e4rz.pdf",
    "../../etc/passwd.pdf": "passwd.pdf",
    'a"b; filename=c\r\nX-Evil: 1.pdf': "a_b_ filename=cX-Evil_ 1.pdf",
    "\u6cd5 \u202efdp.exe.pdf": "\u6cd5 fdp.exe.pdf",
}


@pytest.mark.parametrize(("given", "shown"), NAMES.items(), ids=ascii)
def test_a_file_keeps_its_name_and_a_hostile_one_stays_readable(twilio, bot, given, shown):
    twilio.customer_writes("whatsapp", "+15550111", "", media=[("application/pdf", PDF, given)])
    account = TwilioAccount(
        account_sid=twilio.account_sid,
        auth_tokens=(twilio.auth_token,),
        senders={"whatsapp": twilio.whatsapp_number},
        api_url=twilio.server.url,
        public_base_url="https://bot.example.com",
    )
    media = Media(bot.heard[0]["MediaUrl0"], "application/pdf")
    fetched = TWILIO["whatsapp"](account).fetch(media)
    assert safe_name(fetched.name, "application/pdf") == shown
