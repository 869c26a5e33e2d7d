"""What Twilio, Slack and Zendesk delete on request, and what their refusals mean."""

from dataclasses import replace

import pytest
from slack_sdk.errors import SlackApiError

from handoff_bot.channels import TWILIO, TwilioAccount
from handoff_bot.connectors.zendesk import (
    Account,
    Deletion,
    ZendeskConnector,
)
from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import DeliveryError, DeskError
from handoff_sandbox.twilio import TwilioStandIn
from handoff_sandbox.zendesk import ZendeskStandIn
from handoff_sandbox.zendesk.desk import Refusal
from tests.connectors.conftest import RECORD, SOLVED
from tests.privacy.conftest import ACCOUNT, PHOTO, PUBLIC, TOKEN

DANA, CHAT = "+15550144", "CH" + "d" * 32


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def twilio(clock):
    with TwilioStandIn(ACCOUNT, TOKEN, PUBLIC, now=clock.now, seed=1) as running:
        yield running


@pytest.fixture
def channels(twilio):
    account = TwilioAccount(
        account_sid=ACCOUNT,
        auth_tokens=(TOKEN,),
        api_url=twilio.server.url,
        public_base_url=PUBLIC,
        senders={"sms": twilio.sms_number, "whatsapp": twilio.whatsapp_number},
    )
    return {kind: make(account) for kind, make in TWILIO.items()}


def hears(twilio, sid, address=DANA, files=()):
    twilio.account.hear(sid, address, twilio.sms_number, "Hello", files)
    return sid


def test_twilio_deletes_a_message_with_its_media_once(twilio, channels, clock):
    twilio.customer_writes("sms", DANA, "Look", media=[PHOTO])
    (sid,) = channels["sms"].stored(DANA, twilio.sms_number, clock.now())
    assert channels["sms"].erase(sid, DANA, twilio.sms_number)
    assert twilio.messages() == []
    assert not channels["sms"].erase(sid, DANA, twilio.sms_number)
    assert channels["sms"].stored(DANA, twilio.sms_number, clock.now()) == []


def test_twilio_refuses_while_it_delivers_and_we_ask_again(twilio, channels):
    sid = hears(twilio, "SM" + "1" * 32)
    twilio.account.messages.get(sid).status = "sent"
    with pytest.raises(DeliveryError, match="still delivering") as refused:
        channels["sms"].erase(sid, DANA, twilio.sms_number)
    assert (refused.value.permanent, refused.value.code) == (False, "20009")


def test_only_messages_between_the_customer_and_us_are_listed(twilio, channels, clock):
    ours = hears(twilio, "SM" + "1" * 32)
    hears(twilio, "SM" + "2" * 32, "+15550199")
    twilio.account.hear("SM" + "3" * 32, DANA, "+15558887777", "To another team")
    clock.advance(minutes=1)
    until = clock.now()
    clock.advance(minutes=1)
    hears(twilio, "SM" + "4" * 32)  # later than the request
    assert channels["sms"].stored(DANA, twilio.sms_number, until) == [ours]


@pytest.mark.parametrize("wrong", ["", "SM1", "../Messages", "IM" + "1" * 32, "web-1"])
def test_what_is_no_id_of_twilios_never_becomes_an_address(channels, wrong):
    assert not channels["sms"].erase(wrong, DANA, "+1")
    assert not channels["conversations"].erase(wrong if wrong[:2] != "IM" else "x", CHAT, "")
    assert not channels["conversations"].erase("IM" + "1" * 32, wrong, "")
    assert list(channels["conversations"].stored(wrong, "", None)) == []


def test_a_conversation_stays_while_the_customer_writes_in_it(twilio, channels, clock):
    twilio.conversation_writes(CHAT, "dana", "Hello")
    chat = channels["conversations"]
    (first,) = chat.stored(CHAT, "", clock.now())
    assert chat.erase(first, CHAT, "")
    assert chat.stored(CHAT, "", clock.now()) == [CHAT]
    twilio.conversation_writes(CHAT, "dana", "One more thing")
    assert not chat.erase(CHAT, CHAT, "")
    assert twilio.conversations.find(CHAT)


def test_slack_deletes_only_what_the_bot_posted(office):
    desk, queue = office.core.roles._desk, office.queue
    theirs = office.slack.say(office.ana, queue, "Mine")
    with pytest.raises(DeskError, match="does not let the bot delete") as refused:
        desk.delete_post(Place(queue, theirs))
    assert refused.value.permanent
    assert not desk.delete_post(Place(queue, "1.000000"))
    with pytest.raises(DeskError, match="not in this Slack channel"):
        desk.posted_in(Place("C0NOWHERE", "1.000000"), "")
    assert desk.posted_in(Place(queue, "1.000000"), "").posts == ()
    page = desk.posted_in(Place(queue, theirs), "")
    assert (page.posts, page.by_others) == ((), (Place(queue, theirs),))


def test_a_file_of_the_bots_leaves_a_tombstone(office):
    office.writes_in("I want a person", media=[PHOTO])
    (file,) = [one for one in office.slack._slack.files._files.values() if one.content]
    desk = office.core.roles._desk
    assert desk.delete_file(file.id)
    assert not desk.delete_file(file.id)
    assert not desk.delete_file("F0UNKNOWN")
    shown = [
        f for m in office.slack.thread(office.queue, office.card()) for f in m.get("files", ())
    ]
    assert shown == [{"id": file.id, "mode": "tombstone"}]
    with pytest.raises(SlackApiError, match="file_not_found"):
        desk._client.files_info(file=file.id)


@pytest.fixture
def zendesk(clock):
    with ZendeskStandIn(now=clock.now) as running:
        yield running


@pytest.fixture
def connector(zendesk, clock):
    return ZendeskConnector(Account(zendesk.url, zendesk.email, zendesk.token), clock)


def test_zendesk_forgets_the_ticket_its_follow_ups_and_our_user(zendesk, connector):
    number = connector.put(SOLVED, "")
    zendesk.desk.tickets[int(number)].fields["status"] = "closed"
    connector.put(RECORD, number)
    assert len(zendesk.tickets()) == 2
    assert connector.forget(RECORD.key, RECORD.number, number) == Deletion.DONE
    assert (zendesk.tickets(), zendesk.desk.deleted_tickets) == ([], {})
    assert list(zendesk.desk.users.values()) == [zendesk.desk.agent]
    assert zendesk.desk.deleted_users == {}
    assert connector.forget(RECORD.key, RECORD.number, number) == Deletion.DONE


def test_a_customer_with_other_tickets_stays_until_the_last_one(zendesk, connector):
    first = connector.put(RECORD, "")
    other = replace(RECORD, key="handoff-13-1", number=13)
    second = connector.put(other, "")
    assert connector.forget(RECORD.key, 12, first) == Deletion.HAS_OTHERS
    assert connector.forget(other.key, 13, second) == Deletion.DONE
    assert list(zendesk.desk.users.values()) == [zendesk.desk.agent]


@pytest.mark.parametrize(
    ("method", "said"),
    [("delete", Deletion.NOT_ALLOWED), ("delete_for_good", Deletion.FORBIDDEN_THERE)],
)
def test_what_zendesk_does_not_allow_is_said(zendesk, connector, monkeypatch, method, said):
    number = connector.put(RECORD, "")

    def refuse(_number):
        raise Refusal(403, "Forbidden", "You do not have access")

    monkeypatch.setattr(zendesk.desk, method, refuse)
    assert connector.forget(RECORD.key, RECORD.number, number) == said


def test_a_customer_that_zendesk_knew_before_us_stays(zendesk, connector):
    number = connector.put(replace(RECORD, address="dana@example.com"), "")
    assert connector.forget(RECORD.key, RECORD.number, number) == Deletion.DONE
    assert "dana@example.com" in [one["email"] for one in zendesk.desk.users.values()]
