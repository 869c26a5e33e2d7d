"""Signed requests as Twilio sends them, through the door to the team, the AI and the customer."""

import json

import pytest

from handoff_bot.domain.desk import AgentRef, PostKind, ThreadReply
from handoff_bot.domain.escalations import Step
from handoff_bot.storage.models import Contact, Delivery
from handoff_sandbox.twilio import TwilioStandIn
from tests.services.shop import ACCOUNT, PUBLIC, TOKEN, Shop

pytestmark = pytest.mark.on_sqlite

JAMIE = "whatsapp:+15550001111"
ANA = AgentRef("UANA", "Ana")


@pytest.fixture
def shop(database, clock):
    with TwilioStandIn(ACCOUNT, TOKEN, PUBLIC, now=clock.now, seed=1) as twilio:
        made = Shop(database, clock, twilio)
        door = made.door()
        yield made
        door.stop()


def comes(shop, path="/webhooks/whatsapp", **fields):
    """A form comes; what is not named is as in any message from WhatsApp."""
    usual = {
        "MessageSid": f"SM{len(shop.received()) + 100:032x}",
        "AccountSid": ACCOUNT,
        "From": JAMIE,
        "To": shop.twilio.whatsapp_number,
        "NumMedia": "0",
        "ApiVersion": "2010-04-01",
        "ProfileName": "Jamie",
        "Body": "",
    }
    given = {name: value for name, value in (usual | fields).items() if value is not None}
    if "MessageStatus" not in given:  # so that WhatsApp's window is open at Twilio's end
        ends = given["From"], given["To"]
        shop.twilio.account.hear(given["MessageSid"], *ends, given["Body"])
    answer = shop.twilio.webhook(path, given)
    shop.settle()
    return answer.status


def posts(shop):
    """What the customer said in the thread."""
    every = [post for thread in shop.desk.threads.values() for post in thread]
    return [post for post in every if post.kind is PostKind.CONTACT]


def claim(shop):
    comes(shop, Body="I want a human")
    shop.core.escalations.take(Step.CLAIM, 1, ANA)
    shop.settle()


@pytest.mark.on_both
def test_a_quoted_message_is_shown_in_the_thread(shop):
    claim(shop)
    for n, text in enumerate(("Do you want a refund?", "Or a replacement?")):
        shop.core.relay.reply(ThreadReply(shop.desk.place, f"1800000000.00000{n}", ANA, text))
        shop.settle()
    with shop.database.read() as tx:
        (refund,) = tx.session.query(Delivery).filter(Delivery.text == "Do you want a refund?")

    assert comes(shop, Body="Yes please", OriginalRepliedMessageSid=refund.provider_id) == 200

    assert posts(shop)[-1].text == "Yes please"
    assert posts(shop)[-1].notes == ("In reply to Ana: “Do you want a refund?”",)


@pytest.mark.on_both
def test_an_ad_is_named_on_the_card_and_to_the_assistant(shop):
    ad = {"ReferralHeadline": "Summer sale", "ReferralBody": "Red bike 20% off"}

    comes(shop, Body="Is this still available?", **ad, ReferralSourceUrl="https://fb.me/abc")
    comes(shop, Body="I want a human")

    assert "Summer sale" in shop.assistant.asked[0].turns[-1].context
    assert "Summer sale" in shop.desk.card.notes[0]


def test_form_answers_are_lines(shop):
    claim(shop)
    answers = json.dumps({"order": "4711", "problem": "broken screen"})

    comes(shop, Body="", MessageType="interactive", InteractiveData=answers)

    assert posts(shop)[-1].text == "order: 4711\nproblem: broken screen"


MACHINES = {"22395": "Your Acme code is 482913.", "AMAZON": "Delivery today by 9 pm."}


@pytest.mark.parametrize(("sender", "text"), MACHINES.items(), ids=MACHINES)
def test_a_machine_gets_no_answer(shop, sender, text):
    status = comes(shop, "/webhooks/sms", From=sender, To=shop.twilio.sms_number, Body=text)

    assert status == 200
    assert shop.received() == [text]
    assert shop.twilio.messages() == []
    assert shop.assistant.asked == []
    assert text in shop.desk.told["CQUEUE"][0].text


REPORTS = {
    "body": {"Body": "Hello"},
    "files": {"Body": None},
    "all of it": {"Body": "Hello", "NumMedia": "1", "SmsStatus": "delivered"},
}


@pytest.mark.parametrize("path", ["/webhooks/whatsapp", "/webhooks/whatsapp/status?oid=nobody"])
@pytest.mark.parametrize("more", REPORTS.values(), ids=REPORTS)
def test_a_status_callback_makes_no_customer(shop, path, more):
    status = comes(shop, path, MessageStatus="delivered", From=shop.twilio.whatsapp_number, **more)

    assert status == 200
    assert nobody_is_known(shop)


@pytest.mark.parametrize("at", ["sms", "whatsapp"])
def test_a_message_from_one_of_our_own_senders_makes_no_customer(shop, at):
    ours = {"sms": shop.twilio.sms_number, "whatsapp": shop.twilio.whatsapp_number}

    assert comes(shop, f"/webhooks/{at}", From=ours[at], Body="I want a human") == 200

    assert nobody_is_known(shop)


def nobody_is_known(shop) -> bool:
    with shop.database.read() as tx:
        contacts = tx.session.query(Contact).count()
    return not (contacts or shop.desk.cards or shop.received() or shop.twilio.messages())
